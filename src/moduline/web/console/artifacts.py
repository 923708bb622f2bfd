"""The page "Version packages"."""

from __future__ import annotations

from moduline.web.shell import page


@page("/console/packages")
async def artifacts_page() -> None:
    """Releases of a component, full or as a difference."""
