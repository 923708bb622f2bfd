"""The page "New plan"."""

from __future__ import annotations

from moduline.web.shell import page


@page("/console/plans/new")
async def wizard_page() -> None:
    """Step by step."""
