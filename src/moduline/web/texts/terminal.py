"""Sentences of the page "Terminal"."""

from __future__ import annotations

from typing import Final

from moduline.errors import Text

TEXTS: Final = {
    "terminal.title": Text("Terminal", "交互终端"),
    "terminal.about": Text("The REPL of a module.", "模组的 REPL 命令行。"),
}
