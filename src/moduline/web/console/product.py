"""The page "Product"."""

from __future__ import annotations

from moduline.web.shell import page


@page("/console/products/{product}")
async def product_page(product: int) -> None:
    """Components, secrets and rules of one product."""
