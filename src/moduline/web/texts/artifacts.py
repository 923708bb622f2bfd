"""Sentences of the page "Version packages"."""

from __future__ import annotations

from typing import Final

from moduline.errors import Text

TEXTS: Final = {
    "artifacts.title": Text("Version packages", "版本包"),
    "artifacts.about": Text("Releases of a component, full or as a difference.", "组件的发布版本，整包或差分。"),
}
