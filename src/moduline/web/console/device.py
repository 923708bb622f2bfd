"""The page "Device"."""

from __future__ import annotations

from moduline.web.shell import page


@page("/console/devices/{device}")
async def device_page(device: int) -> None:
    """One device: its versions, its upgrades, its log."""
