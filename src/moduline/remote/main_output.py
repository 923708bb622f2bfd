r"""What main.py prints, line by line, and what each line is: a log line, part of a traceback, the prompt at the end.

::

    mount.                                            plain
    INFO:main:METER 1.0.0                             plain        (log: LEVEL:name:message)
    ERROR:net:no answer                               error
    Traceback (most recent call last):                traceback  ┐
      File "/usr/main.py", line 3, in <module>        traceback  │ until the first line that is not indented,
    ZeroDivisionError: divide by zero                 exception  ┘ which is the exception
    >>>                                               main.py has ended

Nothing is read here: bytes come from whoever listens to the port.

Source: device-api 2.4 (what Ctrl-C prints), 3.2 (prompt), 10.4 (log lines).
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

PROMPT: Final = ">>> "
LINE_LIMIT: Final = 4096  # a longer line is shown in pieces
TEXT_LIMIT: Final = 1 << 16  # of what is searched for a text

_LOG: Final = re.compile(r"(?:\d[\d\-: .]*\s*)?\[?(CRIT|CRITICAL|ERROR|WARN|WARNING)\]?\b[:\s\]]")
_PLACE: Final = re.compile(r'(?P<before>\s*File ")(?P<file>[^"]+)(?P<after>", line (?P<line>\d+))')
_TRACEBACK: Final = "Traceback (most recent call last):"


class LineKind(Enum):
    """What a line is."""

    PLAIN = "plain"
    WARNING = "warning"
    ERROR = "error"
    TRACEBACK = "traceback"
    EXCEPTION = "exception"


@dataclass(frozen=True, slots=True)
class OutputLine:
    """One line, without its end."""

    text: str
    kind: LineKind = LineKind.PLAIN


@dataclass(frozen=True, slots=True)
class Place:
    """A file and a line that a traceback names; ``start`` and ``end`` are where the file's name stands in it."""

    file: str
    line: int
    start: int
    end: int


class MainOutput:
    """Reads the output of one main.py after another."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._partial = ""
        self._recent = ""
        self._traceback: list[str] = []
        self._is_in_traceback = False

    @property
    def has_ended(self) -> bool:
        """True while the prompt is the last thing printed: main.py is over."""
        return self._partial == PROMPT

    @property
    def traceback(self) -> str:
        """The last traceback since ``begin``; empty when there was none."""
        return "" if self._is_in_traceback else "\n".join(self._traceback)

    def begin(self) -> None:
        """A restart: what was printed before does not count any more."""
        self._traceback, self._is_in_traceback = [], False
        self._recent = ""
        self._partial = ""

    def feed(self, data: bytes) -> list[OutputLine]:
        """The lines that are complete now."""
        text = self._decoder.decode(data)
        self._recent = (self._recent + text.replace("\r\n", "\n"))[-TEXT_LIMIT:]
        *whole, rest = (self._partial + text).split("\n")
        while len(rest) > LINE_LIMIT:
            whole.append(rest[:LINE_LIMIT])
            rest = rest[LINE_LIMIT:]
        self._partial = rest
        return [self._line(one.rstrip("\r")) for one in whole]

    def rest(self) -> list[OutputLine]:
        """What has no line end yet; asked for at the very end."""
        partial, self._partial = self._partial.rstrip("\r"), ""
        return [self._line(partial)] if partial and partial != PROMPT else []

    def has_printed(self, text: str) -> bool:
        """Whether a text is among the last output since ``begin``."""
        return text in self._recent

    def _line(self, text: str) -> OutputLine:
        if text == _TRACEBACK:
            self._traceback, self._is_in_traceback = [text], True
            return OutputLine(text, LineKind.TRACEBACK)
        if self._is_in_traceback:
            self._traceback.append(text)
            if text.startswith(" "):
                return OutputLine(text, LineKind.TRACEBACK)
            self._is_in_traceback = False
            return OutputLine(text, LineKind.EXCEPTION)
        match = _LOG.match(text)
        if match is None:
            return OutputLine(text)
        return OutputLine(text, LineKind.WARNING if match[1].startswith("WARN") else LineKind.ERROR)


def place_in(text: str) -> Place | None:
    """The file and line that a line of a traceback names."""
    match = _PLACE.match(text)
    if match is None:
        return None
    return Place(match["file"], int(match["line"]), match.start("file"), match.end("file"))
