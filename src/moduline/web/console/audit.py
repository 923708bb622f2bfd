"""The page "Audit"."""

from __future__ import annotations

from moduline.web.shell import page


@page("/console/audit")
async def audit_page() -> None:
    """Who changed what, and when."""
