"""Products: what devices are of, with the key and secret that are burnt into them."""

from __future__ import annotations

from moduline.cloud.products.service import (
    Product,
    ProductSettings,
    by_id,
    by_keys,
    change,
    create,
    delete,
    page,
    secret,
)

__all__ = ["Product", "ProductSettings", "by_id", "by_keys", "change", "create", "delete", "page", "secret"]
