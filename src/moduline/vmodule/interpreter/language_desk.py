"""The desk that looks at scripts before they run: is their syntax newer than the module's interpreter?

By default the script runs and the owner hears of it once a file (``virt.newer-syntax``); with a strict language it does
not run, as on the module. Looked at are main.py, files of ``example.exec`` and imported ``.py`` files; what is typed at
the prompt only where the language is strict, because tools type newer syntax, too.

Source: device-api 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from moduline.vmodule.interpreter import framing
from moduline.vmodule.interpreter.desk import Answer, DeskContext, Question, fact
from moduline.vmodule.interpreter.newer_syntax import newer_syntax

MAX_NOTICES: Final = 50
MAX_PATH: Final = 200
REFUSED: Final = "SyntaxError: invalid syntax\n"


class LanguageDesk:
    """Answers ``language``: 1 for a text that may run, 0 for one that must not.

    Args:
        context: of the module.
    """

    def __init__(self, context: DeskContext) -> None:
        self._context = context
        self._told: set[str] = set()

    @property
    def questions(self) -> Mapping[str, Question]:
        """What it answers."""
        return {"language": self._language}

    async def close(self) -> None:
        """Nothing is open."""

    def _language(self, call: framing.Call) -> Answer:
        path = fact(call, "path", str)[:MAX_PATH]
        quirks = self._context.quirks
        found = newer_syntax(call.data, quirks.language)
        if found is None:
            return 1, b""
        if path not in self._told and len(self._told) < MAX_NOTICES:
            self._told.add(path)
            facts = {"line": found.line, "what": found.what, "language": quirks.language}
            self._context.notice("virt.newer-syntax", path=path, is_refused=quirks.is_language_strict, **facts)
        return int(not quirks.is_language_strict), b""


def refusal_of(source: str, language: str) -> str | None:
    """The traceback of a text typed at the prompt of a strict module; None for one that may run."""
    found = newer_syntax(source.encode("utf-8", "replace"), language)
    if found is None:
        return None
    return f'Traceback (most recent call last):\n  File "<stdin>", line {found.line}\n{REFUSED}'
