"""Sentences of the page "Audit"."""

from __future__ import annotations

from typing import Final

from moduline.errors import Text

TEXTS: Final = {
    "audit.title": Text("Audit", "操作审计"),
    "audit.about": Text("Who changed what, and when.", "谁在何时更改了什么。"),
}
