"""The page "Files"."""

from __future__ import annotations

from moduline.web.shell import page


@page("/studio/files")
async def files_page() -> None:
    """This computer on the left, the module on the right."""
