"""Every sentence of every page, in both languages: one table, written area by area.

::

    t("files.title")                     in the language of the viewer
    t("files.free", free="1.2 MB")       facts filled in
    text("files.title")                  both languages, for what is kept

The area is the part of a slug before its first dot, and the name of the file in this folder that holds it.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

from moduline.errors import Text
from moduline.web.viewer import viewer


def _table() -> dict[str, Text]:
    table: dict[str, Text] = {}
    for found in sorted(pkgutil.iter_modules(__path__), key=lambda one: one.name):
        table.update(importlib.import_module(f"{__name__}.{found.name}").TEXTS)
    return table


TABLE: dict[str, Text] = _table()


def text(slug: str) -> Text:
    """A sentence in both languages."""
    return TABLE[slug]


def filled(slug: str, **facts: Any) -> Text:
    """A sentence in both languages with its facts filled in, for what is kept."""
    found = TABLE[slug]
    return Text(found.say("en", **facts), found.say("zh", **facts))


def t(slug: str, **facts: Any) -> str:
    """A sentence in the language of whoever looks at the page."""
    lang = viewer().lang
    found = TABLE[slug]
    return found.say(lang, **facts) if facts else (found.zh if lang == "zh" else found.en)


def either(en: str, zh: str) -> str:
    """One of two texts that are known only at run time, such as an error's."""
    return zh if viewer().lang == "zh" else en
