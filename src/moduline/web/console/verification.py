"""The page "Verification"."""

from __future__ import annotations

from moduline.web.shell import page


@page("/console/verification")
async def verification_page() -> None:
    """Try a package on chosen devices before a plan may use it."""
