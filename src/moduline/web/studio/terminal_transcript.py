r"""What a REPL printed, kept twice: as it came, to be shown again, and as plain lines with their times, for the log.

A friendly prompt edits its line on the screen: it steps back, prints over, erases. ``ScreenLine`` plays that for the
one line that the cursor is in, so that a log has it as it was seen, and so that the page knows what is typed.

Source: device-api 3.2 (prompts, line ends); the sequences of MicroPython's readline: BS, ``ESC [ n D``, ``ESC [ K``.
"""

from __future__ import annotations

import codecs
import re
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from moduline.errors import Text

KEPT_CHARACTERS: Final = 400_000
KEPT_LINES: Final = 20_000
LINE_LIMIT: Final = 8192
PROMPT: Final = ">>> "
MORE: Final = "... "
PASTE: Final = "=== "

_SEQUENCE: Final = re.compile(r"\x1b(?:\[(?P<number>\d{0,6})[\d;?]*(?P<what>[@-~])|[^\[])")
_UNFINISHED: Final = re.compile(r"\x1b(?:\[[\d;?]{0,16})?$")
_RUN: Final = re.compile(r"[^\x00-\x1f\x7f]+")
STAMP_ON: Final = "\x1b[90m"
STAMP_OFF: Final = "\x1b[39m"
NOTE_ON: Final = "\x1b[36m"
NOTE_OFF: Final = "\x1b[39m"
_LINES: Final = re.compile(r"[^\n]*\n|[^\n]+")


@dataclass(frozen=True, slots=True)
class Piece:
    """Something that was shown: UTC seconds, and text of the module, or a line of ours in both languages."""

    at: float
    said: str | Text


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line as it was seen: UTC seconds of its first character, and its text; ours are in both languages."""

    at: float
    said: str | Text


Local = Callable[[float], datetime]
"""UTC seconds as a time on somebody's wall clock."""


def stamp(at: float, local: Local) -> str:
    """A moment as logs have it, such as ``10:15:00.250``."""
    return f"{local(at):%H:%M:%S}.{int(at % 1 * 1000):03d}"


class ScreenLine:
    """The line that the cursor is in."""

    def __init__(self) -> None:
        self._cells: list[str] = []
        self._cursor = 0
        self._rest = ""

    @property
    def text(self) -> str:
        """What is seen of it, blanks at its end included."""
        return "".join(self._cells)

    @property
    def is_at_end(self) -> bool:
        """Whether the cursor stands behind its last character."""
        return self._cursor >= len(self._cells)

    def feed(self, text: str) -> list[str]:
        """Take output; the lines that it completes."""
        text = self._rest + text
        unfinished = _UNFINISHED.search(text)
        self._rest = unfinished[0] if unfinished else ""
        text = text[: len(text) - len(self._rest)]
        whole: list[str] = []
        at = 0
        while at < len(text):
            if (sequence := _SEQUENCE.match(text, at)) is not None:
                self._move(sequence["what"], int(sequence["number"] or 0))
                at = sequence.end()
                continue
            if self._cursor == len(self._cells) and (run := _RUN.match(text, at)) is not None:
                self._cells += run[0][: LINE_LIMIT - len(self._cells)]
                self._cursor = min(self._cursor + len(run[0]), LINE_LIMIT)
                at = run.end()
                continue
            if text[at] == "\n":
                whole.append(self.text)
                self._cells, self._cursor = [], 0
            else:
                self._put(text[at])
            at += 1
        return whole

    def _put(self, letter: str) -> None:
        if letter == "\b":
            self._cursor = max(0, self._cursor - 1)
        elif letter == "\r":
            self._cursor = 0
        elif letter == "\t" or letter >= " ":
            if self._cursor < len(self._cells):
                self._cells[self._cursor] = letter
            elif len(self._cells) < LINE_LIMIT:
                self._cells += [" "] * (self._cursor - len(self._cells)) + [letter]
            self._cursor = min(self._cursor + 1, LINE_LIMIT)

    def _move(self, what: str | None, number: int) -> None:
        if what == "D":
            self._cursor = max(0, self._cursor - max(1, number))
        elif what == "C":
            self._cursor = min(LINE_LIMIT, self._cursor + max(1, number))
        elif what == "K" and number == 0:
            del self._cells[self._cursor :]


class Transcript:
    """Everything that was printed, as far back as is kept."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._pieces: deque[Piece] = deque()
        self._count = 0
        self._characters = 0
        self._lines: deque[LogLine] = deque(maxlen=KEPT_LINES)
        self._line = ScreenLine()
        self._begun_at = 0.0

    @property
    def current(self) -> str:
        """The line that the cursor is in."""
        return self._line.text

    @property
    def is_at_end(self) -> bool:
        """Whether the cursor stands behind the last character of its line."""
        return self._line.is_at_end

    @property
    def count(self) -> int:
        """How many pieces there were so far."""
        return self._count

    def since(self, count: int) -> list[Piece]:
        """The pieces behind the first ``count``, as far as they are still kept."""
        fresh = min(self._count - count, len(self._pieces))
        return list(self._pieces)[len(self._pieces) - fresh :] if fresh > 0 else []

    def feed(self, data: bytes, at: float) -> list[str]:
        """Take bytes of any fragmentation; the lines that they complete."""
        text = self._decoder.decode(data)
        if not text:
            return []
        self._keep(Piece(at, text), len(text))
        if not self._line.text:
            self._begun_at = at
        whole = self._line.feed(text)
        for line in whole:
            self._lines.append(LogLine(self._begun_at, line))
            self._begun_at = at
        return whole

    def note(self, words: Text, at: float) -> None:
        """Take a line of ours; the line that the cursor is in ends before it."""
        if self._line.text:
            self.feed(b"\r\n", at)
        self._keep(Piece(at, words), len(words.en))
        self._lines.append(LogLine(at, words))

    def clear(self) -> None:
        """Forget what was seen; the line that the cursor is in stays."""
        current = self._line.text
        self._pieces.clear()
        self._lines.clear()
        self._characters = 0
        if current:
            self._keep(Piece(self._begun_at, current), len(current))

    def log(self, lang: str, local: Local | None) -> str:
        """All lines, as a file; with their times where there is a wall clock."""
        lines = [*self._lines, *([LogLine(self._begun_at, self.current)] if self.current else [])]
        said = ((one.at, one.said if isinstance(one.said, str) else f"-- {one.said.say(lang)} --") for one in lines)
        return "".join(f"{stamp(at, local)}  {text}\n" if local else f"{text}\n" for at, text in said)

    def tail(self, count: int, lang: str) -> list[str]:
        """The last lines, the one that the cursor is in among them."""
        lines = list(self._lines)[-count:]
        said = [one.said if isinstance(one.said, str) else one.said.say(lang) for one in lines]
        return [*said, self.current][-count:] if self.current else said

    def _keep(self, piece: Piece, size: int) -> None:
        self._pieces.append(piece)
        self._count += 1
        self._characters += size
        while self._characters > KEPT_CHARACTERS and len(self._pieces) > 1:
            self._characters -= len(str(self._pieces.popleft().said))


class Painter:
    """Makes text for a terminal of what was shown: in a language, with or without times in front of each line.

    Args:
        lang: "en" or "zh".
        local: the wall clock that times are shown of; None: they are not.
    """

    def __init__(self, lang: str, local: Local | None) -> None:
        self._lang = lang
        self._local = local
        self._is_begin = True

    def paint(self, pieces: Iterable[Piece]) -> str:
        """The next pieces."""
        return "".join(self._painted(piece.at, piece.said) for piece in pieces)

    def _painted(self, at: float, said: str | Text) -> str:
        if isinstance(said, Text):
            text = f"{NOTE_ON}── {said.say(self._lang)} ──{NOTE_OFF}\r\n"
            text = text if self._is_begin else f"\r\n{text}"
            self._is_begin = True
            return f"{self._stamp(at)}{text}"
        if self._local is None:
            self._is_begin = said.endswith("\n")
            return said
        made: list[str] = []
        for line in _LINES.findall(said):
            if self._is_begin and line.strip("\r\n"):
                made.append(self._stamp(at))
                self._is_begin = False
            made.append(line)
            self._is_begin = self._is_begin or line.endswith("\n")
        return "".join(made)

    def _stamp(self, at: float) -> str:
        return "" if self._local is None else f"{STAMP_ON}{stamp(at, self._local)}{STAMP_OFF} "
