"""The page "Units"."""

from __future__ import annotations

from moduline.web.shell import page


@page("/line/units")
async def units_page() -> None:
    """What each unit got, by IMEI or serial number."""
