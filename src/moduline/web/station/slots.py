"""The page "Slots"."""

from __future__ import annotations

from moduline.web.shell import page


@page("/line/slots")
async def slots_page() -> None:
    """Which slot fails more often than its neighbours."""
