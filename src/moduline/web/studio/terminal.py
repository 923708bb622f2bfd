"""The page "Terminal"."""

from __future__ import annotations

from moduline.web.shell import page


@page("/studio/terminal")
async def terminal_page() -> None:
    """The REPL of a module."""
