"""The wire of ASR boot ROMs and flashers ("aboot"): greeting, frames, link opening, commands, for both ends.

::

    greeting   host 55 55 55 55 7E  ->  device 7E "UABT" (SMUX)  or  7E 7E 55 55 55 55 (ETHOS); then framed, both ways
    frame      7E [7D type^20] payload with 7E -> 7D 5E and 7D -> 7D 5D  7E       type 0 has no type bytes, no check

    SMUX       HELLO (host's MTU) -> HELLO_REPLY (agreed MTU), then ABOOT_CMD text one way, answer text the other way
    answers    OKAY<text>  FAIL<text>  DATA<8 hex digits>, before them any number of INFO<text>  PROG<percent>

Each frame has its own opening 7E; an empty frame is nothing. The greeting is no frame (it is not closed), so it is
taken out by its words: "UABT" or "UUUU" directly behind a 7E, or "UUUU" directly before one. A frame of type 0 that
begins with one of these words cannot be told from a greeting; logs do not, and Ethernet addresses are chosen so.

ETHOS wraps the same commands in Ethernet frames: see :mod:`moduline.wire.download.asr_ethos`.

Source: platform-asr 4.1, 4.2.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Literal

from moduline.errors import BadFormat, Text

FLAG: Final = b"\x7e"
PREAMBLE: Final = b"\x55\x55\x55\x55\x7e"
WORD_SMUX: Final = b"UABT"
WORD_ETHOS: Final = b"\x55\x55\x55\x55"
"""Word of an ETHOS device's greeting, and of every host's preamble."""
RAW_GREETING_SMUX: Final = b"\x7eUABT"
RAW_GREETING_ETHOS: Final = b"\x7e\x7e\x55\x55\x55\x55"
FRAMED_GREETING_SMUX: Final = b"\x7eUABT\x7e"
FRAMED_GREETING_ETHOS: Final = b"\x7e\x55\x55\x55\x55\x7e"

DEFAULT_MTU: Final = 1024
VENDOR_MTU: Final = 2000
MAX_PAYLOAD_BYTES: Final = 4096
"""Longest payload a decoder takes; twice the largest MTU that was ever seen."""

_ESCAPE: Final = b"\x7d"
_ESCAPED_FLAG: Final = b"\x7d\x5e"
_ESCAPED_ESCAPE: Final = b"\x7d\x5d"
_TYPE_MASK: Final = 0x20
_STUFFED_TYPES: Final = frozenset({0x7E, 0x7D})  # what 7D 5E and 7D 5D would be as types: payload of type 0 instead
_WORD_BYTES: Final = 4
_WORDS: Final = frozenset({WORD_SMUX, WORD_ETHOS})
_BULK_TEXT: Final = re.compile(rb"data-request:([0-9A-Fa-f]{8})\Z")
BULK_HEADER_BYTES: Final = 4


class SmuxType(IntEnum):
    """Frame types of a SMUX link."""

    STDIO = 0
    HELLO = 1
    HELLO_REPLY = 2
    ABOOT_CMD = 3
    ABOOT_DATA = 4
    HEART_BEAT = 5


class EthosType(IntEnum):
    """Frame types of an ETHOS link."""

    DATA = 0
    TEXT = 1
    HELLO = 2
    HELLO_REPLY = 3
    HEART_BEAT = 4
    UPLOAD_PROG = 5


@dataclass(frozen=True, slots=True)
class AsrFrame:
    """One frame: type (see :class:`SmuxType`, :class:`EthosType`) and payload without stuffing."""

    type: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class AsrGreeting:
    """A greeting, raw or framed: ``word`` is ``WORD_SMUX`` or ``WORD_ETHOS`` (the latter is also a host's preamble)."""

    word: bytes


@dataclass(frozen=True, slots=True)
class AsrBulk:
    """Unframed content behind a data-request of an ETHOS link, as much as there is; ``left`` bytes are missing."""

    data: bytes
    left: int


@dataclass(frozen=True, slots=True)
class AsrDropped:
    """Bytes that are no frame: ``why`` is "noise" (outside), "escape" (impossible stuffing) or "length" (endless)."""

    size_bytes: int
    why: str


AsrEvent = AsrFrame | AsrGreeting | AsrBulk | AsrDropped


def encode_frame(frame_type: int, payload: bytes = b"") -> bytes:
    """One frame as wire bytes."""
    if _ESCAPE in payload:
        payload = payload.replace(_ESCAPE, _ESCAPED_ESCAPE)
    if FLAG in payload:
        payload = payload.replace(FLAG, _ESCAPED_FLAG)
    return b"".join((_HEADS[frame_type] if frame_type in _HEADS else _head(frame_type), payload, FLAG))


def encode_frames(frame_type: int, content: bytes | memoryview, mtu: int) -> bytes:
    """Content as frames of at most ``mtu`` payload bytes each, as wire bytes."""
    view = memoryview(content)
    return b"".join([encode_frame(frame_type, bytes(view[at : at + mtu])) for at in range(0, len(view), mtu)])


def encode_hello(mtu: int, frame_type: int = SmuxType.HELLO) -> bytes:
    """HELLO with the sender's MTU, or with ``HELLO_REPLY`` the agreed one; bytes of payload per frame."""
    return encode_frame(frame_type, mtu.to_bytes(2, "big"))


def unpack_mtu(payload: bytes) -> int:
    """The MTU in a HELLO or HELLO_REPLY.

    Raises:
        BadFormat: not two bytes, or zero.
    """
    if len(payload) != 2 or not any(payload):
        raise BadFormat(format="smux", reason=Text("HELLO without an MTU", "HELLO 缺少 MTU"), offset=0)
    return int.from_bytes(payload, "big")


def _head(frame_type: int) -> bytes:
    return FLAG + (_ESCAPE + bytes((frame_type ^ _TYPE_MASK,)) if frame_type else b"")


_HEADS: Final = {number: _head(number) for number in range(8)}


class AsrDecoder:
    """Bytes of any fragmentation in, frames out; whatever is no frame is dropped and the next one found.

    Args:
        takes_bulk: whether unframed content follows a data-request (the device's side of ETHOS).
        max_payload_bytes: longest payload; a frame that goes on is dropped.
    """

    def __init__(self, *, takes_bulk: bool = False, max_payload_bytes: int = MAX_PAYLOAD_BYTES) -> None:
        self._takes_bulk = takes_bulk
        self._limit = 2 * max_payload_bytes + 2
        self._rest = b""
        self._is_open = False
        self._bulk_left = 0

    @property
    def is_idle(self) -> bool:
        """Whether nothing of a frame is waiting for its rest."""
        return not self._rest and not self._is_open and not self._bulk_left

    def feed(self, data: bytes) -> list[AsrEvent]:
        """Events that ``data`` completes; an empty list means that more is needed."""
        buffer = self._rest + data if self._rest else bytes(data)
        events: list[AsrEvent] = []
        at = 0
        while at < len(buffer):
            if self._bulk_left:
                step = self._take_bulk(buffer, at, events)
            elif self._is_open:
                step = self._take_frame(buffer, at, events)
            else:
                step = self._take_noise(buffer, at, events)
            if not step:
                break
            at += step
        self._rest = buffer[at:]
        return events

    def _take_bulk(self, buffer: bytes, at: int, events: list[AsrEvent]) -> int:
        data = buffer[at : at + self._bulk_left]
        self._bulk_left -= len(data)
        events.append(AsrBulk(data, self._bulk_left))
        return len(data)

    def _take_noise(self, buffer: bytes, at: int, events: list[AsrEvent]) -> int:
        """Everything up to the next flag; the word of a preamble right before it is a greeting."""
        flag = buffer.find(FLAG, at)
        end = len(buffer) if flag < 0 else flag
        tail = buffer[max(at, end - _WORD_BYTES) : end]
        if flag < 0:
            kept = len(tail) - len(tail.rstrip(b"\x55"))
            if end - kept > at:
                events.append(AsrDropped(end - kept - at, "noise"))
            return end - kept - at
        is_preamble = tail == WORD_ETHOS
        noise = end - at - (_WORD_BYTES if is_preamble else 0)
        if noise:
            events.append(AsrDropped(noise, "noise"))
        if is_preamble:
            events.append(AsrGreeting(WORD_ETHOS))
        self._is_open = not is_preamble
        return flag + 1 - at

    def _take_frame(self, buffer: bytes, at: int, events: list[AsrEvent]) -> int:
        """What stands behind an opening flag; 0 while its end is missing."""
        word = buffer[at : at + _WORD_BYTES]
        if word in _WORDS:
            events.append(AsrGreeting(word))
            self._is_open = False
            return _WORD_BYTES
        end = buffer.find(FLAG, at)
        if end < 0 or end - at > self._limit:
            if len(buffer) - at <= self._limit:
                return 0
            dropped = (len(buffer) if end < 0 else end) - at
            events.append(AsrDropped(dropped, "length"))
            self._is_open = False
            return dropped + (end >= 0)
        if end > at:
            self._is_open = False
            events.append(self._frame(buffer[at:end]))
        return end + 1 - at

    def _frame(self, raw: bytes) -> AsrEvent:
        frame_type = 0
        if raw[0] == _ESCAPE[0] and len(raw) > 1 and (raw[1] ^ _TYPE_MASK) not in _STUFFED_TYPES:
            frame_type, raw = raw[1] ^ _TYPE_MASK, raw[2:]
        if _ESCAPE in raw:
            if raw.count(_ESCAPE) != raw.count(_ESCAPED_FLAG) + raw.count(_ESCAPED_ESCAPE):
                return AsrDropped(len(raw), "escape")
            raw = raw.replace(_ESCAPED_FLAG, FLAG).replace(_ESCAPED_ESCAPE, _ESCAPE)
        if self._takes_bulk and frame_type == EthosType.TEXT:
            request = _BULK_TEXT.match(raw, BULK_HEADER_BYTES)
            self._bulk_left = int(request[1], 16) if request else 0
        return AsrFrame(frame_type, raw)


# ---- commands and answers -------------------------------------------------------------------------------------------

AnswerKind = Literal["OKAY", "FAIL", "DATA", "INFO", "PROG"]
FINAL: Final = frozenset({"OKAY", "FAIL", "DATA"})
"""Answers that end a command; INFO and PROG come before one of them."""
_KINDS: Final[dict[bytes, AnswerKind]] = {
    b"OKAY": "OKAY", b"FAIL": "FAIL", b"DATA": "DATA", b"INFO": "INFO", b"PROG": "PROG",
}  # fmt: skip
MAX_COMMAND_BYTES: Final = 127
MAX_TRANSFER_BYTES: Final = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class AbootCommand:
    """One command: ``verb``, and what stands behind its colon ("" without one), such as ("flash", "customer_fs")."""

    verb: str
    argument: str = ""

    @classmethod
    def sized(cls, verb: str, number: int) -> AbootCommand:
        """A command with one number, such as ``download:00001000``.

        Args:
            verb: ``download`` or ``progress``.
            number: bytes, or the total weight; 0 to 0xFFFFFFFF.
        """
        return cls(verb, f"{number:08x}")

    def pack(self) -> bytes:
        """The command's text."""
        return (f"{self.verb}:{self.argument}" if self.argument else self.verb).encode("ascii")


@dataclass(frozen=True, slots=True)
class AbootAnswer:
    """One answer; bytes that are no text are shown as escapes."""

    kind: AnswerKind
    text: str = ""

    def pack(self) -> bytes:
        """The answer's text."""
        return f"{self.kind}{self.text}".encode()

    @property
    def size_bytes(self) -> int:
        """The number of a DATA answer.

        Raises:
            BadFormat: not eight hexadecimal digits.
        """
        return unpack_hex(self.text)

    @property
    def percent(self) -> int | None:
        """The number of a PROG answer, 0 to 100; None when it is none."""
        text = self.text.strip()
        return min(int(text), 100) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def unpack_command(payload: bytes) -> AbootCommand:
    """The command in a frame's payload.

    Raises:
        BadFormat: empty, too long, or not ASCII.
    """
    if not 0 < len(payload) <= MAX_COMMAND_BYTES or not payload.isascii():
        raise BadFormat(format="aboot", reason=Text("no command", "不是命令"), offset=0)
    verb, _, argument = payload.decode("ascii").partition(":")
    return AbootCommand(verb, argument)


def unpack_answer(payload: bytes) -> AbootAnswer:
    """The answer in a frame's payload.

    Raises:
        BadFormat: it begins with none of the five words.
    """
    kind = _KINDS.get(payload[:4])
    if kind is None:
        raise BadFormat(format="aboot", reason=Text("no answer", "不是应答"), offset=0)
    return AbootAnswer(kind, payload[4:].rstrip(b"\0").decode("utf-8", "backslashreplace"))


def unpack_hex(text: str) -> int:
    """Eight hexadecimal digits as a number.

    Raises:
        BadFormat: anything else.
    """
    if re.fullmatch("[0-9A-Fa-f]{8}", text) is None:
        raise BadFormat(format="aboot", reason=Text("no number of eight digits", "不是八位十六进制数"), offset=4)
    return int(text, 16)
