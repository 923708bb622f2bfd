"""Which language this process speaks, decided once before the command tree is built.

``--lang zh|en|auto`` may stand anywhere on the command line; ``auto`` follows MODULINE_LANG, then the locale.
"""

from __future__ import annotations

import os

from moduline.errors import LANGUAGES, BadOption, Text

_current = "en"


def choose(wanted: str) -> str:
    """Set and return the language of this process, "en" or "zh".

    Raises:
        BadOption: ``wanted`` is none of zh, en, auto.
    """
    global _current  # noqa: PLW0603  decided once, before any command is built
    if wanted == "auto":
        spoken = next(filter(None, map(os.environ.get, ("MODULINE_LANG", "LC_ALL", "LC_MESSAGES", "LANG"))), "en")
        wanted = "zh" if spoken.lower().startswith("zh") else "en"
    if wanted not in LANGUAGES:
        raise BadOption(name="--lang", reason=f"'{wanted}' is not zh, en or auto")
    _current = wanted
    return wanted


def current() -> str:
    """The language of this process, "en" or "zh"."""
    return _current


def say(en: str, zh: str, **facts: object) -> str:
    """One user-visible text in the language of this process, facts filled in."""
    text = en if _current == "en" else zh
    return Text(text, text).say(_current, **facts) if facts else text
