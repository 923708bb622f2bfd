"""Sentences of the page "Files"."""

from __future__ import annotations

from typing import Final

from moduline.errors import Text

TEXTS: Final = {
    "files.title": Text("Files", "文件管理"),
    "files.about": Text("This computer on the left, the module on the right.", "左侧为本机，右侧为模组。"),
}
