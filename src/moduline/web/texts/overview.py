"""Sentences of the page "Overview"."""

from __future__ import annotations

from typing import Final

from moduline.errors import Text

TEXTS: Final = {
    "overview.title": Text("Overview", "总览"),
    "overview.about": Text("The fleet at a glance, and what needs somebody.", "设备整体状况与待处理事项。"),
}
