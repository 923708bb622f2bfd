r"""Friendly, raw and raw-paste REPL framing, byte for byte; knows no role.

::

    friendly   ">>> "   --0x01-->   "\r\nraw REPL; CTRL-B to exit\r\n>"          --0x02-->   banner, ">>> "
    raw        code 0x04            ->  "OK" output 0x04 error 0x04 ">"
    raw-paste  0x05 "A" 0x01        ->  "R" 0x01 window(u16 LE)     (0x05 "?" 0x01 -> "R" 0x00: not offered)
               code, window by window ->  0x01 = another window, 0x04 = stop sending
               0x04                 ->  0x04 output 0x04 error 0x04 ">"
    reset      0x04 on an empty line -> "OK\r\n" "MPY: soft reboot\r\n" boot output, raw banner

Firmware before raw-paste keeps the letters of the request as code and takes the 0x01 as "raw banner again". Threads of
the running program may print at any time, so every wait is a search for a mark in noise, and noise is bounded.

Source: device-api 3.2-3.6; micropython-runtime 5.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

from moduline.errors import BadAnswer, BadOption, Text

ENTER_RAW: Final = b"\x01"
LEAVE_RAW: Final = b"\x02"
INTERRUPT: Final = b"\x03"
END: Final = b"\x04"  # runs collected code; on an empty line: soft reset; in replies: end of a section
PASTE_MODE: Final = b"\x05"

FRIENDLY_PROMPT: Final = b">>> "
CONTINUATION_PROMPT: Final = b"... "
PASTE_PROMPT: Final = b"=== "
RAW_PROMPT: Final = b">"
RAW_BANNER: Final = b"raw REPL; CTRL-B to exit\r\n>"
SOFT_REBOOT: Final = b"MPY: soft reboot\r\n"
ACCEPTED: Final = b"OK"

RAW_PASTE_REQUEST: Final = b"\x05A\x01"
RAW_PASTE_OFFERED: Final = b"R\x01"  # followed by the window size, u16 little endian
RAW_PASTE_REFUSED: Final = b"R\x00"
WINDOW_OPEN: Final = b"\x01"
QUECTEL_WINDOW_BYTES: Final = 128  # buffer of 256, half at a time

PROTECTED: Final = b"REPL refuse"
PASSWORD_ASKED: Final = b"Please enter password:"

NOISE_LIMIT_BYTES: Final = 1 << 16  # what may be skipped while a mark is awaited
ERROR_LIMIT_BYTES: Final = 1 << 16  # no traceback is longer

_CONTROL_IN_CODE: Final = frozenset(b"\x01\x02\x03\x04")


class Need(Enum):
    """The named "need more bytes"."""

    MORE = "more"


@dataclass(frozen=True, slots=True)
class Pacing:
    """How fast code may be typed into a plain raw REPL, which has no flow control.

    The defaults are what the vendor's own tools use. Source: device-api 4.
    """

    piece_bytes: int = 256
    pause_s: float = 0.01


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes to write, and how long to wait after them."""

    data: bytes
    pause_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Found:
    """A mark that was awaited, the noise before it, and what already came after it."""

    mark: bytes
    before: bytes
    after: bytes


@dataclass(frozen=True, slots=True)
class Output:
    """Bytes the code printed."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Finished:
    """The reply is complete; ``error`` is the traceback text, empty when the code ended well.

    ``after`` is what followed the closing prompt.
    """

    error: bytes
    after: bytes


def checked_code(code: bytes) -> bytes:
    """The code as it may be sent; empty code becomes one line end, because an empty line means soft reset.

    Raises:
        BadOption: it contains a byte that the raw REPL takes as a command (0x01 to 0x04).
    """
    for at, byte in enumerate(code):
        if byte in _CONTROL_IN_CODE:
            where = f"0x{byte:02x} @ {at}"
            raise BadOption(name="code", reason=Text(f"control character {where}", f"含控制字符 {where}"))
    return code or b"\n"


def split_pieces(code: bytes, pacing: Pacing) -> Iterator[Piece]:
    """The code in pieces no longer than ``pacing.piece_bytes``, each with its pause."""
    for at in range(0, len(code), pacing.piece_bytes):
        yield Piece(code[at : at + pacing.piece_bytes], pacing.pause_s)


def encode_window(window_bytes: int) -> bytes:
    """The answer to a raw-paste request that is granted; window 1..65535 bytes."""
    return RAW_PASTE_OFFERED + window_bytes.to_bytes(2, "little")


def printable(data: bytes, limit: int = 80) -> str:
    """Bytes of a wire for an error text: at most ``limit`` bytes, control bytes escaped."""
    return repr(data[-limit:])[1:]


class MarkFinder:
    """Finds the earliest of several marks in a stream that also carries noise.

    ``feed`` gives Need.MORE until a mark is complete, then Found; of marks that end at the same place the first
    argument wins. Noise beyond NOISE_LIMIT_BYTES is a BadAnswer to ``what``, or, where only time shall end the waiting
    (a main.py may print as fast as it can), its beginning is forgotten.

    Args:
        what: is awaited, for messages.
        marks: what ends the noise.
        forgets: the beginning of too much noise is dropped.
    """

    def __init__(self, what: str, *marks: bytes, forgets: bool = False) -> None:
        self._what = what
        self._marks = marks
        self._forgets = forgets
        self._seen = bytearray()
        self._searched = 0

    @property
    def noise(self) -> bytes:
        """What came so far, without a mark in it."""
        return bytes(self._seen)

    def feed(self, data: bytes) -> Found | Need:
        """Take more bytes of the stream."""
        self._seen += data
        hits = [(at, mark) for mark in self._marks if (at := self._seen.find(mark, self._searched)) >= 0]
        if hits:
            at, mark = min(hits, key=lambda hit: hit[0])
            return Found(mark, bytes(self._seen[:at]), bytes(self._seen[at + len(mark) :]))
        if len(self._seen) > NOISE_LIMIT_BYTES:
            if not self._forgets:
                raise BadAnswer(what=self._what, answer=printable(bytes(self._seen)))
            del self._seen[:-NOISE_LIMIT_BYTES]
        self._searched = max(0, len(self._seen) - max(map(len, self._marks)) + 1)
        return Need.MORE


@dataclass(frozen=True, slots=True)
class PasteOffer:
    """The answer to a raw-paste request; ``window_bytes`` None means that the module does not offer it."""

    window_bytes: int | None
    before: bytes
    after: bytes


class OfferDecoder:
    """Reads the answer to RAW_PASTE_REQUEST, in each of its three forms."""

    def __init__(self) -> None:
        self._finder = MarkFinder("raw-paste", RAW_PASTE_OFFERED, RAW_PASTE_REFUSED, RAW_BANNER)
        self._found: Found | None = None

    def feed(self, data: bytes) -> PasteOffer | Need:
        """Take more bytes.

        Raises:
            BadAnswer: endless noise, or a window of nothing, which would never let any code through.
        """
        if self._found is None:
            found = self._finder.feed(data)
            if isinstance(found, Need):
                return found
            self._found = found
        else:
            self._found = Found(self._found.mark, self._found.before, self._found.after + data)
        mark, before, after = self._found.mark, self._found.before, self._found.after
        if mark != RAW_PASTE_OFFERED:
            return PasteOffer(None, before, after)
        if len(after) < 2:
            return Need.MORE
        window_bytes = int.from_bytes(after[:2], "little")
        if not window_bytes:
            raise BadAnswer(what="raw-paste", answer="window 0")
        return PasteOffer(window_bytes, before, after[2:])


class ReplyDecoder:
    """Splits ``output 0x04 error 0x04 >`` as it comes; output is given out piece by piece."""

    def __init__(self) -> None:
        self._section = 0  # 0 output, 1 error, 2 prompt
        self._error = bytearray()
        self._skipped = 0

    @property
    def is_in_output(self) -> bool:
        """True while the code still runs (or has not said otherwise)."""
        return self._section == 0

    def feed(self, data: bytes) -> list[Output | Finished]:
        """Events in order; after Finished the decoder takes no more.

        Raises:
            BadAnswer: the error section or the noise before the prompt grows without end.
        """
        events: list[Output | Finished] = []
        if self._section == 0:
            output, end, data = data.partition(END)
            if output:
                events.append(Output(output))
            self._section += bool(end)
        if self._section == 1:
            error, end, data = data.partition(END)
            self._error += error
            if len(self._error) > ERROR_LIMIT_BYTES:
                raise BadAnswer(what=Text("the code", "代码"), answer=printable(bytes(self._error)))
            self._section += bool(end)
        if self._section == 2:
            noise, prompt, after = data.partition(RAW_PROMPT)
            self._skipped += len(noise)
            if self._skipped > NOISE_LIMIT_BYTES:
                raise BadAnswer(what=Text("the code", "代码"), answer=printable(noise))
            if prompt:
                events.append(Finished(bytes(self._error), after))
        return events
