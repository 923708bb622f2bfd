"""Sentences of the page "Upgrade plans"."""

from __future__ import annotations

from typing import Final

from moduline.errors import Text

TEXTS: Final = {
    "plans.title": Text("Upgrade plans", "升级计划"),
    "plans.about": Text("Who gets what, when, and under which conditions.", "升级的对象、内容、时间与条件。"),
}
