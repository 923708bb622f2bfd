r"""Everything that comes out of an AT port, line by line, and what each line is: an answer, its end, or news.

::

    sent(AT+CSQ)     AT+CSQ             echo, left out
                     +CSQ: 24,99        info
                     OK                 ok
    nothing asked    +CREG: 1           unsolicited

While a command waits for its end, a line with the prefix of another command that is known to come by itself is news,
too. No bytes are moved here.

Source: 3GPP TS 27.007 (result codes, presentation of +CREG, +CUSD, +CGEV), TS 27.005 (+CMTI), V.250 (RING).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from moduline.wire.at import LineDecoder, is_accepted, is_final, parse_command

AtKind = Literal["info", "ok", "error", "unsolicited"]

UNSOLICITED: Final = frozenset({
    "+QIND", "+QIURC", "+QUSIM", "+QSTAT", "+CREG", "+CGREG", "+CEREG", "+CGEV", "+CMTI", "+CMT", "+CDSI", "+CDS",
    "+CUSD", "+CLIP", "+CRING", "+CCWA", "+CTZV", "+CTZE", "+CTZR", "+CPIN", "+QNTP", "+QPING", "+QSIMSTAT",
    "^MODE", "^SIMST", "^DSDORMANT",
})  # fmt: skip
"""Prefixes of lines that come by themselves."""
WORDS: Final = frozenset(("RDY", "RING", "POWERED DOWN", "NORMAL POWER DOWN", "CALL READY", "SMS READY"))
_PREFIX: Final = re.compile(r"[+^$*%&][A-Z0-9_]+(?=:)")


@dataclass(frozen=True, slots=True)
class AtLine:
    """One line and what it is."""

    kind: AtKind
    text: str


class AtDialogue:
    """The lines of one AT port."""

    def __init__(self) -> None:
        self._decoder = LineDecoder()
        self._command = ""
        self._name = ""

    @property
    def command(self) -> str:
        """The command that waits for its end; empty when none does."""
        return self._command

    def sent(self, command: str) -> None:
        """A command went out; what comes belongs to it."""
        parsed = parse_command(command)
        self._command = command
        self._name = parsed.name if parsed is not None else ""

    def given_up(self) -> None:
        """Nobody waits for the end of the command any more."""
        self._command = ""

    def receive(self, data: bytes) -> list[AtLine]:
        """The lines that ``data`` completes, echo left out."""
        return [line for text in self._decoder.feed(data) if (line := self._line(text)) is not None]

    def _line(self, text: str) -> AtLine | None:
        if not self._command:
            return AtLine("unsolicited", text)
        if text == self._command:
            return None
        if is_final(text):
            self._command = ""
            return AtLine("ok" if is_accepted(text) else "error", text)
        prefix = _PREFIX.match(text)
        is_news = text in WORDS or (prefix is not None and prefix[0] != self._name and prefix[0] in UNSOLICITED)
        return AtLine("unsolicited" if is_news else "info", text)
