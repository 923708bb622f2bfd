"""Sentences of the page "FOTA"."""

from __future__ import annotations

from typing import Final

from moduline.errors import Text

TEXTS: Final = {
    "fota.title": Text("FOTA", "FOTA 升级包"),
    "fota.about": Text(
        "An update from the old to the new package, rehearsed before anybody gets it.",
        "从旧固件到新固件的升级包，发布前先演练。",
    ),
}
