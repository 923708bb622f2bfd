"""The page "Modules and ports"."""

from __future__ import annotations

from moduline.web.shell import page


@page("/studio")
async def modules_page() -> None:
    """What is connected, real and virtual, and what each port is for."""
