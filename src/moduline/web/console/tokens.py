"""The page "Tokens"."""

from __future__ import annotations

from moduline.web.shell import page


@page("/console/tokens")
async def tokens_page() -> None:
    """Keys for programs."""
