"""Sentences of the page "New plan"."""

from __future__ import annotations

from typing import Final

from moduline.errors import Text

TEXTS: Final = {
    "wizard.title": Text("New plan", "新建升级计划"),
    "wizard.about": Text("Step by step.", "按步骤填写。"),
}
