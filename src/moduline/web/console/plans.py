"""The page "Upgrade plans"."""

from __future__ import annotations

from moduline.web.shell import page


@page("/console/plans")
async def plans_page() -> None:
    """Who gets what, when, and under which conditions."""
