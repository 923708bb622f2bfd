"""Sentences of the page "Line station"."""

from __future__ import annotations

from typing import Final

from moduline.errors import Text

TEXTS: Final = {
    "gang.title": Text("Line station", "产线工位"),
    "gang.about": Text("One cell per slot.", "每个通道一格。"),
}
