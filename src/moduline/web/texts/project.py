"""Sentences of the page "Project"."""

from __future__ import annotations

from typing import Final

from moduline.errors import Text

TEXTS: Final = {
    "project.title": Text("Project", "工程"),
    "project.about": Text("Scripts plus stock firmware give a production package.", "脚本与原厂固件合并为量产固件。"),
}
