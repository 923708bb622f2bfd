"""The page "Virtual rack"."""

from __future__ import annotations

from moduline.web.shell import page


@page("/studio/rack")
async def rack_page() -> None:
    """Virtual modules: power, faults, and their flash at work."""
