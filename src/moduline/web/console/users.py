"""The page "Users"."""

from __future__ import annotations

from moduline.web.shell import page


@page("/console/users")
async def users_page() -> None:
    """Accounts and their roles."""
