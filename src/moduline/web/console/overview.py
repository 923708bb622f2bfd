"""The page "Overview"."""

from __future__ import annotations

from moduline.web.shell import page


@page("/console")
async def overview_page() -> None:
    """The fleet at a glance, and what needs somebody."""
