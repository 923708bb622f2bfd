"""The line editor of the friendly prompt, character by character; sans-I/O.

It echoes what is typed, keeps eight lines of history, indents continuation lines by itself and knows the emacs keys and
the usual escape sequences. Only CR ends a line; LF and every byte outside 32..126 that is not a key are dropped.

``feed`` takes one byte and gives what to send back, and, when the byte ended something, what happened: a line, a
control key at an empty line, a wish for completion.

Source: device-api 3.2, 3.3.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

HISTORY_LINES: Final = 8
INDENT: Final = 4
COLUMN: Final = 16  # width of one name in a list of completions
LINE_COLUMNS: Final = 4

CTRL_A, CTRL_B, CTRL_C, CTRL_D, CTRL_E, CTRL_F = 1, 2, 3, 4, 5, 6
CTRL_K, CTRL_N, CTRL_P, CTRL_U, CTRL_W = 11, 14, 16, 21, 23
TAB, CR, ESC, BACKSPACE, DELETE = 9, 13, 27, 8, 127

_COMPOUND: Final = ("if", "while", "for", "try", "with", "def", "class", "async")
_BRACKETS: Final = {"(": 1, ")": -1, "[": 1, "]": -1, "{": 1, "}": -1}


@dataclass(frozen=True, slots=True)
class Line:
    """A line was ended by CR; ``text`` is all input since the prompt, lines joined by LF."""

    text: str


@dataclass(frozen=True, slots=True)
class Key:
    """A control key (1..5) at an empty line, or Ctrl-C anywhere."""

    code: int


@dataclass(frozen=True, slots=True)
class Wish:
    """Tab behind ``text``, a dotted name to complete."""

    text: str


Happening = Line | Key | Wish | None


def needs_more(text: str) -> bool:
    """True when the prompt goes on asking: an open bracket or triple quote, a backslash, a compound statement."""
    if not text:
        return False
    open_brackets, quote, is_escaped = 0, "", False
    i = 0
    while i < len(text):
        char = text[i]
        if quote:
            if is_escaped:
                is_escaped = False
            elif char == "\\":
                is_escaped = True
            elif text.startswith(quote, i):
                i += len(quote) - 1
                quote = ""
        elif char in "'\"":
            quote = char * 3 if text.startswith(char * 3, i) else char
            i += len(quote) - 1
        else:
            open_brackets += _BRACKETS.get(char, 0)
        i += 1
    if len(quote) == 3:
        return True
    if open_brackets > 0 and not quote:
        return True
    if text.endswith("\\"):
        return True
    return _is_compound(text) and not text.endswith("\n")


def _is_compound(text: str) -> bool:
    if text.startswith("@"):
        return True
    for word in _COMPOUND:
        if text.startswith(word):
            rest = text[len(word) : len(word) + 1]
            if not (rest.isalnum() or rest == "_"):
                return True
    return False


class LineEditor:
    """One prompt's editing state; the history survives from line to line."""

    def __init__(self) -> None:
        self._history: list[str] = []
        self._at = -1
        self._escape = ""
        self._prompt = b""
        self._line = ""
        self._fixed = 0  # characters of earlier lines, not editable
        self._cursor = 0

    def forget(self) -> None:
        """Drop the history, as a reset of the module does."""
        self._history.clear()

    def begin(self, prompt: bytes, earlier: str = "") -> bytes:
        """Start a line; gives the prompt and, behind earlier lines, the automatic indent.

        Args:
            prompt: what stands before the line.
            earlier: text of the lines before, ending in LF, when this one continues them.
        """
        self._prompt, self._escape, self._at = prompt, "", -1
        self._line, self._fixed, self._cursor = earlier, len(earlier), len(earlier)
        indent = " " * INDENT * _indent_after(earlier)
        self._line += indent
        self._cursor += len(indent)
        return prompt + indent.encode()

    def feed(self, byte: int) -> tuple[bytes, Happening]:
        """Take one typed byte; gives (bytes to send, what it ended)."""
        if self._escape:
            return self._continue_escape(byte), None
        if byte == CTRL_C or (CTRL_A <= byte <= CTRL_E and len(self._line) == self._fixed):
            return b"", Key(byte)
        if byte == CR:
            self._remember(self._line[self._fixed :])
            return b"\r\n", Line(self._line)
        if byte == TAB:
            return self._tab()
        if byte == ESC:
            self._escape = "\x1b"
            return b"", None
        return self._edit(byte), None

    def complete(self, names: Iterable[str]) -> bytes:
        """Answer a Wish: insert what all names share, or list them."""
        stem = _stem(self._line[self._fixed : self._cursor]).rpartition(".")[2]
        found = sorted(names)
        if not found:
            return b""
        shared = _shared_start(found)[len(stem) :]
        if shared:
            return self._insert(shared)
        out = bytearray(b"\r\n")
        for i, name in enumerate(found):
            out += name.encode()
            is_end = i % LINE_COLUMNS == LINE_COLUMNS - 1 or i == len(found) - 1
            out += b"\r\n" if is_end else b" " * max(1, COLUMN - len(name))
        editable = self._line[self._fixed :].encode()
        return bytes(out) + self._prompt + editable + _back(len(self._line) - self._cursor)

    # ---- keys --------------------------------------------------------------------------------------------------

    def _edit(self, byte: int) -> bytes:
        if byte == CTRL_A:
            return self._move(self._fixed - self._cursor)
        if byte == CTRL_B:
            return self._move(-1)
        if byte == CTRL_D:
            return self._cut(self._cursor, self._cursor + 1)
        if byte == CTRL_E:
            return self._move(len(self._line) - self._cursor)
        if byte == CTRL_F:
            return self._move(1)
        if byte == CTRL_K:
            return self._cut(self._cursor, len(self._line))
        if byte == CTRL_N:
            return self._recall(-1)
        if byte == CTRL_P:
            return self._recall(1)
        if byte == CTRL_U:
            return self._cut(self._fixed, self._cursor)
        if byte == CTRL_W:
            return self._cut(self._word_start(), self._cursor)
        if byte in {BACKSPACE, DELETE}:
            return self._backspace()
        if 32 <= byte <= 126:
            return self._insert(chr(byte))
        return b""

    def _continue_escape(self, byte: int) -> bytes:
        self._escape += chr(byte)
        if self._escape in {"\x1b[", "\x1bO"} or (
            len(self._escape) == 3 and self._escape[1] == "[" and chr(byte) in "13478"
        ):
            return b""
        sequence, self._escape = self._escape[1:], ""
        if sequence == "[A":
            return self._recall(1)
        if sequence == "[B":
            return self._recall(-1)
        if sequence == "[C":
            return self._move(1)
        if sequence == "[D":
            return self._move(-1)
        if sequence in {"[H", "OH", "[1~", "[7~"}:
            return self._move(self._fixed - self._cursor)
        if sequence in {"[F", "OF", "[4~", "[8~"}:
            return self._move(len(self._line) - self._cursor)
        if sequence == "[3~":
            return self._cut(self._cursor, self._cursor + 1)
        return b""

    def _tab(self) -> tuple[bytes, Happening]:
        before = self._line[self._fixed : self._cursor]
        if not before.strip():
            return self._insert(" " * INDENT), None
        return b"", Wish(_stem(before))

    # ---- changing the line ---------------------------------------------------------------------------------------

    def _insert(self, text: str) -> bytes:
        tail = self._line[self._cursor :]
        self._line = self._line[: self._cursor] + text + tail
        self._cursor += len(text)
        return text.encode() + tail.encode() + _back(len(tail))

    def _cut(self, start: int, end: int) -> bytes:
        end = min(end, len(self._line))
        if start >= end:
            return b""
        back = _back(self._cursor - start)
        tail = self._line[end:]
        self._line = self._line[:start] + tail
        self._cursor = start
        return back + b"\x1b[K" + tail.encode() + _back(len(tail))

    def _backspace(self) -> bytes:
        before = self._line[self._fixed : self._cursor]
        if not before:
            return b""
        count = 1
        if not before.strip(" "):
            count = (len(before) - 1) % INDENT + 1
        return self._cut(self._cursor - count, self._cursor)

    def _move(self, by: int) -> bytes:
        target = min(max(self._cursor + by, self._fixed), len(self._line))
        passed = self._line[self._cursor : target]
        out = passed.encode() if target > self._cursor else _back(self._cursor - target)
        self._cursor = target
        return out

    def _recall(self, by: int) -> bytes:
        target = self._at + by
        if not -1 <= target < len(self._history):
            return b""
        self._at = target
        back = _back(self._cursor - self._fixed)
        had = len(self._line) > self._fixed
        text = self._history[target] if target >= 0 else ""
        self._line = self._line[: self._fixed] + text
        self._cursor = len(self._line)
        return back + (b"\x1b[K" if had else b"") + text.encode()

    def _remember(self, text: str) -> None:
        if text and (not self._history or self._history[0] != text):
            self._history.insert(0, text)
            del self._history[HISTORY_LINES:]

    def _word_start(self) -> int:
        at = self._cursor
        while at > self._fixed and self._line[at - 1] == " ":
            at -= 1
        while at > self._fixed and self._line[at - 1] != " ":
            at -= 1
        return at


def _back(count: int) -> bytes:
    """Move the terminal's cursor left."""
    if count <= 0:
        return b""
    return b"\b" * count if count <= 4 else b"\x1b[%dD" % count


def _indent_after(earlier: str) -> int:
    """Steps of indent that the next line gets by itself."""
    if len(earlier) < 2 or not earlier.endswith("\n"):
        return 0
    lines = earlier[:-1].split("\n")
    last = lines[-1]
    if not last.strip(" ") and len(lines) > 1 and not lines[-2].strip(" "):
        return 0
    return (len(last) - len(last.lstrip(" "))) // INDENT + last.endswith(":")


def _stem(text: str) -> str:
    """The dotted name that ends ``text``."""
    start = len(text)
    while start and (text[start - 1].isalnum() or text[start - 1] in "_."):
        start -= 1
    return text[start:]


def _shared_start(names: list[str]) -> str:
    first, last = names[0], names[-1]
    size = 0
    while size < min(len(first), len(last)) and first[size] == last[size]:
        size += 1
    return first[:size]
