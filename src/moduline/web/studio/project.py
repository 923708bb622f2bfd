"""The page "Project"."""

from __future__ import annotations

from moduline.web.shell import page


@page("/studio/project")
async def project_page() -> None:
    """Scripts plus stock firmware give a production package."""
