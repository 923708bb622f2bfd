"""Sentences of the page "AT console"."""

from __future__ import annotations

from typing import Final

from moduline.errors import Text

TEXTS: Final = {
    "at.title": Text("AT console", "AT 指令"),
    "at.about": Text("The AT port of a module.", "模组的 AT 端口。"),
}
