"""The page "Package explorer"."""

from __future__ import annotations

from moduline.web.shell import page


@page("/studio/packages")
async def explorer_page() -> None:
    """What a package holds, where it lies in the flash, and what differs from another."""
