"""Which lines of a script ran: a probe in front of every statement, on the same line, so that line numbers stay.

The interpreter has no ``sys.settrace``. So the *copy* of a script that goes into a virtual module is changed::

    x = 1                          _ml_line_(100003);x = 1
    if a and b:                    if _ml_line_(100004)or(a and b):
    for i in range(3):             for i in _ml_line_(100005)or(range(3)):
    with open(p) as f:             with _ml_line_(100006)or(open(p)) as f:
    except ValueError as e:        except _ml_line_(100009)or(ValueError) as e:

A probe returns None, so ``or`` gives what stood there before. Lines that cannot hold a probe (``def``, ``class``,
``try``, bare ``except``, decorators) are inferred: a ``class`` or ``try`` ran when the first statement in it did, a
``def`` when the statement after it did; the last one of a block when the one before it did. Behind the last line of a
file stands a probe for "the whole file ran".

What it costs: about 20 bytes of source per statement in flash and heap, one call per statement. A script that measures
its own time or fills the heap to the last byte behaves differently; line numbers, values and order do not change.

Source: the grammar of MicroPython 1.12 and later (expressions allowed after ``except`` and ``in``); measured in
tests/testing/test_line_probes.py on the interpreter itself.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

PROBE: Final = "_ml_line_"
FILE_STEP: Final = 100_000  # a probe's number is file * FILE_STEP + line
END: Final = 0  # the "line" behind the last one

_HEADS: Final = (ast.If, ast.While, ast.For, ast.AsyncFor, ast.With, ast.AsyncWith)
_INFERRED: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Try)
_SILENT: Final = (ast.Global, ast.Nonlocal)  # nothing runs
_UNKNOWN: Final = (ast.Match, ast.TryStar)  # not in MicroPython


@dataclass(frozen=True, slots=True)
class Probed:
    """A script with probes.

    Attributes:
        data: its text.
        inferred: lines without a probe, and the lines any of which shows that they ran.
    """

    data: bytes
    inferred: Mapping[int, frozenset[int]] = field(default_factory=dict)

    def complete(self, seen: frozenset[int]) -> frozenset[int]:
        """The lines that ran, given those whose probe was hit."""
        ran = set(seen)
        while True:
            more = {line for line, signs in self.inferred.items() if line not in ran and signs & ran}
            if not more:
                return frozenset(ran - {END})
            ran |= more


def probe(source: bytes, number: int) -> Probed | None:
    """A script with probes; None when it cannot be parsed, or has too many lines.

    Args:
        source: its text.
        number: of the file, for the probes.
    """
    try:
        text = source.decode("utf-8")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None
    if any(isinstance(node, _UNKNOWN) for node in ast.walk(tree)):
        return None
    lines = source.split(b"\n")
    if len(lines) >= FILE_STEP or b"\r" in source.replace(b"\r\n", b"\n") or b"\x0c" in source:
        return None
    maker = _Maker(number)
    maker.block(tree.body, None, END)
    return Probed(maker.applied(lines), {line: frozenset(signs) for line, signs in maker.inferred.items()})


class _Maker:
    """Collects what is put where."""

    def __init__(self, number: int) -> None:
        self.inferred: dict[int, set[int]] = {}
        self._number = number
        self._inserts: list[tuple[int, int, int, str]] = []  # line, byte column, order, text

    def block(self, body: list[ast.stmt], header: int | None, following: int | None) -> None:
        """Statements of one block.

        Args:
            body: in order.
            header: line that was probed just before the block; None for a module.
            following: what runs after the last statement when it is inferred; None when that is not known.
        """
        is_first = True
        last_probed = header
        for index, statement in enumerate(body):
            after = _first_line(body[index + 1]) if index + 1 < len(body) else following
            before = _first_line(body[index - 1]) if index else header
            if is_first and _is_text(statement):
                is_first = False
                continue
            is_first = False
            if isinstance(statement, (*_HEADS, *_INFERRED)):
                self._compound(statement, before, after)
                last_probed = None
            elif statement.lineno != last_probed and not isinstance(statement, _SILENT):
                self._insert(statement.lineno, statement.col_offset, f"{self._call(statement.lineno)};")
                last_probed = statement.lineno

    def applied(self, lines: list[bytes]) -> bytes:
        """The text with everything in its place."""
        changed = list(lines)
        for line, column, _, text in sorted(self._inserts, reverse=True):
            old = changed[line - 1]
            changed[line - 1] = old[:column] + text.encode() + old[column:]
        end = f"{self._call(END)}\n".encode()
        return b"\n".join(changed) + (b"" if not changed[-1] else b"\n") + end

    def _compound(self, statement: ast.stmt, before: int | None, after: int | None) -> None:
        if isinstance(statement, _HEADS):
            self._head(statement)
            return
        line = statement.lineno
        if isinstance(statement, ast.Try):
            self._infer(line, {_first_line(statement.body[0])})
            self.block(statement.body, None, None)
            for handler in statement.handlers:
                self._handler(handler)
            self.block(statement.orelse, None, None)
            self.block(statement.finalbody, None, None)
            return
        assert isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        own = {line, *(one.lineno for one in statement.decorator_list)}
        inner = statement.body[1:] if _is_text(statement.body[0]) else statement.body
        signs = {after if after is not None else before, *(_first_line(one) for one in inner[:1])}
        for one in own:
            self._infer(one, {sign for sign in signs | own if sign is not None and sign != one})
        self.block(statement.body, None, None)

    def _head(self, statement: ast.stmt) -> None:
        if isinstance(statement, ast.If | ast.While):
            self._wrap(statement.lineno, statement.test)
        elif isinstance(statement, ast.For | ast.AsyncFor):
            self._wrap(statement.lineno, statement.iter)
        else:
            assert isinstance(statement, ast.With | ast.AsyncWith)
            self._wrap(statement.lineno, statement.items[0].context_expr)
        for part in _blocks(statement):
            self.block(part, statement.lineno, None)

    def _handler(self, handler: ast.ExceptHandler) -> None:
        if handler.type is not None:
            self._wrap(handler.lineno, handler.type)
        else:
            self._infer(handler.lineno, {_first_line(handler.body[0])})
        self.block(handler.body, handler.lineno if handler.type is not None else None, None)

    def _wrap(self, line: int, expression: ast.expr) -> None:
        end_line, end_column = expression.end_lineno, expression.end_col_offset
        assert end_line is not None
        assert end_column is not None
        self._insert(expression.lineno, expression.col_offset, f"{self._call(line)}or(")
        self._insert(end_line, end_column, ")")

    def _infer(self, line: int, signs: set[int]) -> None:
        self.inferred.setdefault(line, set()).update(signs)

    def _insert(self, line: int, column: int, text: str) -> None:
        self._inserts.append((line, column, len(self._inserts), text))

    def _call(self, line: int) -> str:
        return f"{PROBE}({self._number * FILE_STEP + line})"


def _blocks(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    yield statement.body  # type: ignore[attr-defined]  # every compound statement has one
    orelse = getattr(statement, "orelse", None)
    if orelse:
        yield orelse


def _first_line(statement: ast.stmt) -> int:
    """The line that shows that a statement ran."""
    return statement.lineno


def _is_text(statement: ast.stmt) -> bool:
    """A docstring, which must stay the first statement of its block."""
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )
