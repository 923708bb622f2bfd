"""The page "Products"."""

from __future__ import annotations

from moduline.web.shell import page


@page("/console/products")
async def products_page() -> None:
    """What you build; devices, packages and plans belong to one."""
