"""Sentences of the page "Product"."""

from __future__ import annotations

from typing import Final

from moduline.errors import Text

TEXTS: Final = {
    "product.title": Text("Product", "产品详情"),
    "product.about": Text("Components, secrets and rules of one product.", "单个产品的组件、密钥与规则。"),
}
