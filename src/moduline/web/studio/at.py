"""The page "AT console"."""

from __future__ import annotations

from moduline.web.shell import page


@page("/studio/at")
async def at_page() -> None:
    """The AT port of a module."""
