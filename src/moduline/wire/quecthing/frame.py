"""QuecThing frames: one command with its payload, made findable in a stream.

::

    0   AA AA       begin
    2   length      u16 big endian: bytes from the checksum to the end = payload + 5
    4   checksum    sum of all bytes behind it, modulo 256
    5   packet id   u16, 1..0xFFFE; an answer repeats the id of its request
    7   command     u16
    9   payload     TTLV, may be empty

Stuffing: when length and checksum are known, every AA behind the first byte that is followed by AA or 55, or that is
the last byte, gets a 55 behind it. So AA AA stands nowhere but at a begin, and a reader that lost its place finds
the next frame. Readers drop each 55 that follows an AA.

Source: ota-semantics 11.2; vectors of its section 14.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from moduline.errors import BadFormat, BadOption, Text

FORMAT: Final = "QuecThing"
BEGIN: Final = b"\xaa\xaa"
LAST_PACKET_ID: Final = 0xFFFE
LONGEST_PAYLOAD_BYTES: Final = 0xFFFF - 5
_HEAD_BYTES: Final = 4  # begin and length
_FIXED_BYTES: Final = 5  # checksum, packet id, command
_INSIDE: Final = ("another frame begins inside", "帧内出现新的帧头")


class Need(Enum):
    """The named "need more bytes"."""

    MORE = "more"


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame.

    Attributes:
        packet_id: 1..0xFFFE.
        command: 0..0xFFFF, such as 0x0114.
        payload: at most 65530 bytes.
    """

    packet_id: int
    command: int
    payload: bytes = b""


def encode(frame: Frame) -> bytes:
    """The bytes of ``frame``, stuffed.

    Raises:
        BadOption: a field is out of range.
    """
    if not 0 < frame.packet_id <= LAST_PACKET_ID:
        raise BadOption(name="packet_id", reason=Text("packet ids are 1..65534", "包序号须为 1..65534"))
    if not 0 <= frame.command <= 0xFFFF:
        raise BadOption(name="command", reason=Text("commands are 0..65535", "命令字须为 0..65535"))
    if len(frame.payload) > LONGEST_PAYLOAD_BYTES:
        raise BadOption(name="payload", reason=Text("at most 65530 bytes", "最多 65530 字节"))
    body = frame.packet_id.to_bytes(2, "big") + frame.command.to_bytes(2, "big") + frame.payload
    length = (len(body) + 1).to_bytes(2, "big")
    return stuff(BEGIN + length + bytes([sum(body) & 0xFF]) + body)


def decode(data: bytes) -> Frame:
    """The frame that ``data`` is, neither more nor less.

    Raises:
        BadFormat: it is none.
    """
    reader = FrameReader()
    if not data.startswith(BEGIN):
        raise _bad(0, "does not begin with AA AA", "不以 AA AA 开头")
    reader.feed(data)
    frame = reader.next_frame()
    if isinstance(frame, Need):
        raise _bad(len(data), "cut short", "帧不完整")
    if reader.held_bytes:
        raise _bad(len(data) - reader.held_bytes, "bytes behind the frame", "帧后有多余字节")
    return frame


def stuff(plain: bytes) -> bytes:
    """``plain`` (a whole frame, AA AA at its head) with 55 behind every AA that could be taken for a begin."""
    if plain.find(0xAA, 2) < 0 and plain[2:3] != b"\x55":  # most frames
        return plain
    out = bytearray(plain[:1])
    last = len(plain) - 1
    for at in range(1, len(plain)):
        out.append(plain[at])
        if plain[at] == 0xAA and (at == last or plain[at + 1] in {0xAA, 0x55}):
            out.append(0x55)
    return bytes(out)


class FrameReader:
    """Frames out of a stream; what lies between frames is skipped.

    Args:
        limit_bytes: longest frame taken, counted without stuffing.
    """

    __slots__ = ("_buffer", "_limit_bytes")

    def __init__(self, limit_bytes: int = 4 + 0xFFFF) -> None:
        self._limit_bytes = limit_bytes
        self._buffer = bytearray()

    @property
    def held_bytes(self) -> int:
        """How many bytes wait for the rest of their frame."""
        return len(self._buffer)

    def feed(self, data: bytes) -> None:
        """Takes what the stream gave."""
        self._buffer += data

    def next_frame(self) -> Frame | Need:
        """The next frame, or Need.MORE.

        Raises:
            BadFormat: a frame that began is none after all; the search goes on behind its first byte.
        """
        begin = self._buffer.find(BEGIN)
        if begin < 0:
            del self._buffer[: len(self._buffer) - self._buffer.endswith(b"\xaa")]
            return Need.MORE
        del self._buffer[:begin]
        try:
            found = _frame_at_head(self._buffer, self._limit_bytes)
        except BadFormat:
            del self._buffer[:1]  # not both: of three AA the first may be the stray one
            raise
        if isinstance(found, Need):
            return found
        frame, used = found
        del self._buffer[:used]
        return frame


def _frame_at_head(data: bytearray, limit_bytes: int) -> tuple[Frame, int] | Need:
    """The frame at the head of ``data`` and how many stuffed bytes it took.

    Raises:
        BadFormat: not a frame.
    """
    plain = bytearray(data[:2])
    wanted = _HEAD_BYTES
    at = 2
    at += data[at : at + 1] == b"\x55"  # behind the second AA: the length begins with AA or 55
    while len(plain) < wanted:
        piece, at = _unstuffed(data, at, wanted - len(plain))
        plain += piece
        if len(plain) < wanted:
            return Need.MORE
        if wanted == _HEAD_BYTES:
            length = int.from_bytes(plain[2:4], "big")
            wanted += length
            if length < _FIXED_BYTES:
                raise _bad(2, f"length {length}", f"长度 {length}")
            if wanted > limit_bytes:
                raise _bad(2, f"{wanted} bytes, more than {limit_bytes}", f"长 {wanted} 字节，超过 {limit_bytes}")
            if len(data) < wanted:  # stuffing only adds: no need to look at the rest again with each piece
                if data.find(BEGIN, 1) > 0:
                    raise _bad(data.find(BEGIN, 1), *_INSIDE)
                return Need.MORE
    if plain[-1] == 0xAA and at > len(data):
        return Need.MORE  # the 55 behind a last AA is still to come
    if (check := sum(plain[5:]) & 0xFF) != plain[4]:
        raise _bad(4, f"checksum {plain[4]:02x}, counted {check:02x}", f"校验和 {plain[4]:02x}，应为 {check:02x}")
    packet_id = int.from_bytes(plain[5:7], "big")
    if not 0 < packet_id <= LAST_PACKET_ID:
        raise _bad(5, f"packet id {packet_id}", f"包序号 {packet_id}")
    return Frame(packet_id, int.from_bytes(plain[7:9], "big"), bytes(plain[9:])), at


def _unstuffed(data: bytearray, at: int, count: int) -> tuple[bytearray, int]:
    """Up to ``count`` plain bytes from ``at``, and where the next ones begin.

    Beyond the end of ``data`` by one if the last byte was an AA whose 55 has not come.

    Raises:
        BadFormat: AA AA: another frame begins inside this one.
    """
    out = bytearray()
    while len(out) < count and at < len(data):
        mark = data.find(0xAA, at, at + count - len(out))
        if mark < 0:
            piece = data[at : at + count - len(out)]
            out += piece
            at += len(piece)
            continue
        out += data[at : mark + 1]
        at = mark + 1
        if at >= len(data) or data[at] == 0x55:
            at += 1
        elif data[at] == 0xAA:
            raise _bad(at - 1, *_INSIDE)
    return out, at


def _bad(offset: int, en: str, zh: str) -> BadFormat:
    return BadFormat(format=FORMAT, reason=Text(en, zh), offset=offset)
