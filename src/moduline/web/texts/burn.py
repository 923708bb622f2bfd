"""Sentences of the page "Burn"."""

from __future__ import annotations

from typing import Final

from moduline.errors import Text

TEXTS: Final = {
    "burn.title": Text("Burn", "烧录"),
    "burn.about": Text("Write a package to one module.", "将固件包写入一个模组。"),
}
