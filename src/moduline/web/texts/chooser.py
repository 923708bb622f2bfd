"""Sentences of choosing a file."""

from __future__ import annotations

from typing import Final

from moduline.errors import Text

TEXTS: Final = {
    "chooser.file": Text("Choose a file", "选择文件"),
    "chooser.folder": Text("Choose a folder", "选择文件夹"),
    "chooser.here": Text("Choose this folder", "选择此文件夹"),
    "chooser.up": Text("One folder up", "上一级"),
    "chooser.nothing": Text("Nothing here that fits.", "此处没有符合条件的文件。"),
    "chooser.upload": Text("or drop a file from your computer here", "或将本机文件拖放到此处"),
    "chooser.root": Text("folder of the Studio", "工作台目录"),
}
