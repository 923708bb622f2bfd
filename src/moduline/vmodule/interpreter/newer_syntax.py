"""What a script uses of the language that the module's own interpreter does not know yet; pure.

The virtual module runs MicroPython 1.29, the modules of this generation 1.12: between the two lie f-strings, ``:=``,
annotated variables, and calls with several stars. Nothing else that the newer one takes was found to be refused by the
older one; a test compares this file's verdict with that of the older compiler itself. Text that desktop Python cannot
parse is nobody's newer syntax: the interpreter will complain about it itself.

Source: device-api 1; micropython-runtime 12; the compiler of MicroPython 1.12.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

MAX_SOURCE_BYTES: Final = 64 << 10
# Cheaper than parsing: without one of these there is nothing to find.
_HINT: Final = re.compile(
    rb"""[fF][rR]?["']|[rR][fF]["']|:=|\*|^[ \t]*[A-Za-z_][\w.\[\]]*[ \t]*:[ \t]*\S""", re.MULTILINE
)
_LANGUAGES: Final = ("1.12", "1.13")
"""Releases as profiles name them: the banner says 1.12, ``uos.uname()`` 1.13.0; both are one firmware without these."""


@dataclass(frozen=True, slots=True)
class NewerSyntax:
    """The first such place.

    Attributes:
        line: from 1.
        what: ``f-string``, ``:=``, ``variable annotation``, ``several *`` or ``argument after *``.
    """

    line: int
    what: str


def newer_syntax(source: bytes, language: str) -> NewerSyntax | None:
    """The first thing in a text that an interpreter of that release refuses; None when there is nothing.

    Args:
        source: the text; what is longer than 64 KiB is not looked at.
        language: MicroPython release, such as ``1.12``.
    """
    if language not in _LANGUAGES or len(source) > MAX_SOURCE_BYTES or not _HINT.search(source):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of desktop Python about the user's text
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return min(_found(tree), key=lambda one: one.line, default=None)


def _found(tree: ast.AST) -> Iterator[NewerSyntax]:
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield NewerSyntax(node.lineno, "f-string")
        elif isinstance(node, ast.NamedExpr):
            yield NewerSyntax(node.lineno, ":=")
        elif isinstance(node, ast.AnnAssign):
            yield NewerSyntax(node.lineno, "variable annotation")
        elif isinstance(node, ast.Call):
            stars = [at for at, argument in enumerate(node.args) if isinstance(argument, ast.Starred)]
            if len(stars) > 1 or sum(keyword.arg is None for keyword in node.keywords) > 1:
                yield NewerSyntax(node.lineno, "several *")
            elif stars and stars[0] < len(node.args) - 1:
                yield NewerSyntax(node.lineno, "argument after *")
