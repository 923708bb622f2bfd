"""The page "Devices"."""

from __future__ import annotations

from moduline.web.shell import page


@page("/console/devices")
async def devices_page() -> None:
    """Every device that belongs to you."""
