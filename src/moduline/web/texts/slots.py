"""Sentences of the page "Slots"."""

from __future__ import annotations

from typing import Final

from moduline.errors import Text

TEXTS: Final = {
    "slots.title": Text("Slots", "通道统计"),
    "slots.about": Text("Which slot fails more often than its neighbours.", "哪个通道的失败率高于其他通道。"),
}
