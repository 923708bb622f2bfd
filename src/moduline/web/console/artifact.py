"""The page "Version package"."""

from __future__ import annotations

from moduline.web.shell import page


@page("/console/packages/{artifact}")
async def artifact_page(artifact: int) -> None:
    """Files, digests, verification and rehearsals of one package."""
