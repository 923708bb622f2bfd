"""The page "Monitoring"."""

from __future__ import annotations

from moduline.web.shell import page


@page("/console/plans/{plan}")
async def monitoring_page(plan: int) -> None:
    """How a plan goes, live."""
