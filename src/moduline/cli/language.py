"""Which language this process speaks, decided once before the command tree is built.

``--lang zh|en|auto`` may stand anywhere on the command line; ``auto`` follows MODULINE_LANG, then the locale. Help
texts of options are made while modules are imported, so a first look at the command line happens right here.
"""

from __future__ import annotations

import os
import sys

from moduline.errors import LANGUAGES, BadOption, Text


def choose(wanted: str) -> str:
    """Set and return the language of this process, "en" or "zh".

    Raises:
        BadOption: ``wanted`` is none of zh, en, auto.
    """
    global _current  # noqa: PLW0603  decided once, before any command is built
    if wanted == "auto":
        wanted = _of_environment()
    if wanted not in LANGUAGES:
        raise BadOption(
            name="--lang", reason=Text(f"'{wanted}' is not zh, en or auto", f"“{wanted}” 不是 zh、en 或 auto")
        )
    _current = wanted
    return wanted


def _of_environment() -> str:
    spoken = next(filter(None, map(os.environ.get, ("MODULINE_LANG", "LC_ALL", "LC_MESSAGES", "LANG"))), "en")
    return "zh" if spoken.lower().startswith("zh") else "en"


def _of_command_line(argv: list[str]) -> str:
    """What ``--lang`` names; anything unclear is left to ``choose``, which complains."""
    for word, following in zip(argv, [*argv[1:], ""], strict=False):
        named = following if word == "--lang" else word.removeprefix("--lang=") if word.startswith("--lang=") else ""
        if named in LANGUAGES:
            return named
    return _of_environment()


_current = _of_command_line(sys.argv[1:])


def current() -> str:
    """The language of this process, "en" or "zh"."""
    return _current


def say(en: str, zh: str, **facts: object) -> str:
    """One user-visible text in the language of this process, facts filled in."""
    text = en if _current == "en" else zh
    return Text(text, text).say(_current, **facts) if facts else text
