"""The page "Settings"."""

from __future__ import annotations

from moduline.web.shell import page


@page("/console/settings")
async def settings_page() -> None:
    """Your account, and this platform."""
