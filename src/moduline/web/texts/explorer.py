"""Sentences of the page "Package explorer"."""

from __future__ import annotations

from typing import Final

from moduline.errors import Text

TEXTS: Final = {
    "explorer.title": Text("Package explorer", "固件包浏览"),
    "explorer.about": Text(
        "What a package holds, where it lies in the flash, and what differs from another.",
        "固件包的内容、在 Flash 中的位置，以及两个固件包的差异。",
    ),
}
