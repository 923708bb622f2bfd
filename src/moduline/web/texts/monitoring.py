"""Sentences of the page "Monitoring"."""

from __future__ import annotations

from typing import Final

from moduline.errors import Text

TEXTS: Final = {
    "monitoring.title": Text("Monitoring", "升级监控"),
    "monitoring.about": Text("How a plan goes, live.", "升级计划的实时进展。"),
}
