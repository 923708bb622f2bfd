"""The page "Burn"."""

from __future__ import annotations

from moduline.web.shell import page


@page("/studio/burn")
async def burn_page() -> None:
    """Write a package to one module."""
