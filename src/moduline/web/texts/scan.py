"""Sentences of the page "Scan gate"."""

from __future__ import annotations

from typing import Final

from moduline.errors import Text

TEXTS: Final = {
    "scan.title": Text("Scan gate", "扫码出货"),
    "scan.about": Text("Only what passed leaves the line.", "仅放行合格产品。"),
}
