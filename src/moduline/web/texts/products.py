"""Sentences of the page "Products"."""

from __future__ import annotations

from typing import Final

from moduline.errors import Text

TEXTS: Final = {
    "products.title": Text("Products", "产品"),
    "products.about": Text(
        "What you build; devices, packages and plans belong to one.", "产品是设备、版本包与升级计划的归属。"
    ),
}
