"""The page "Line station"."""

from __future__ import annotations

from moduline.web.shell import page


@page("/line")
async def gang_page() -> None:
    """One cell per slot."""
