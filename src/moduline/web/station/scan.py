"""The page "Scan gate"."""

from __future__ import annotations

from moduline.web.shell import page


@page("/line/scan")
async def scan_page() -> None:
    """Only what passed leaves the line."""
