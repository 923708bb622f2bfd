"""The download protocol of EigenComm's boot ROM and agentboot: sync words, packets, decoders; for both ends.

::

    sync      a 4-byte word, by the host twice, by the device once
    request   cmd | index | marker (2) | length u32 | data | check        LPC: marker 4C B3, else CD 32
    answer    cmd | index | marker (2) | state | length u8 | data | check

              DLBOOT (ROM)                          AGBOOT and LPC (agentboot)
    length    plain                                 low 3 bytes plain, top byte CRC-8/MAXIM of them (0 for length 0)
    check     requests: sum of all bytes, DATA only CRC-32 over the header *with the plain length* and the data
              answers: none                         CRC-32 over header and data

Requests are read as devices read them: eight bytes at a time, and what is no header is gone. Answers are searched for,
so a host finds the next one behind any garbage.

Source: platform-eigencomm 3.1 to 3.3.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from functools import lru_cache
from typing import Final, Literal

from moduline.errors import BadFormat, Text

WORD_BYTES: Final = 4
PAIR_BYTES: Final = 8
LENGTH_MASK: Final = 0x1FFFF
"""Bits of the length that an agentboot looks at."""
MAX_DATA_BYTES: Final = 0x4000
MAX_ROM_DATA_BYTES: Final = 0x400
BLOCK_BYTES: Final = 0x10000
"""An image body is sent in sessions of so many bytes."""
MAX_ERASE_BYTES: Final = 0x10000
"""Hosts erase at most so much per call."""
MAX_READ_BYTES: Final = 240
MAX_WRITE_BYTES: Final = 256
MAX_ANSWER_BYTES: Final = 16
"""No answer of DLBOOT or AGBOOT is longer; LPC reads are."""
RESET_ANSWER: Final = b"ZzZzZzZz"
AP_FLASH: Final = b"\x01\xe0"
CP_FLASH: Final = b"\x01\xe1"

_HEADER = struct.Struct("<BB2sI")
_ANSWER = struct.Struct("<BB2sBB")
_WORD = struct.Struct("<I")


class Layer(Enum):
    """Who talks: the boot ROM, the agentboot's download layer, the agentboot's control layer."""

    DLBOOT = 0x2B02D300
    AGBOOT = 0x2B02D3AA
    LPC = 0x2B02D3CD

    __hash__ = object.__hash__

    @property
    def word(self) -> bytes:
        """Its sync word on the wire."""
        return _WORD.pack(self.value)

    @property
    def marker(self) -> bytes:
        """Bytes 2 and 3 of its packets."""
        return _MARKERS[self]

    @property
    def has_crc(self) -> bool:
        """Whether its packets carry CRC-8 and CRC-32."""
        return self is not Layer.DLBOOT


_MARKERS: Final = {Layer.DLBOOT: b"\xcd\x32", Layer.AGBOOT: b"\xcd\x32", Layer.LPC: b"\x4c\xb3"}
WRONG_LAYER: Final = bytes.fromhex("2b02d3ee")
"""What a device says to a word of a lower layer."""
_WORDS: Final = {layer.word: layer for layer in Layer}


class Command(IntEnum):
    """Requests of DLBOOT and AGBOOT."""

    GET_VERSION = 0x20
    SEL_IMAGE = 0x21
    VERIFY_IMAGE = 0x22
    DATA_HEAD = 0x31
    DATA = 0x32
    DONE = 0x3A
    DISCONNECT = 0x40


class LpcCommand(IntEnum):
    """Requests of LPC."""

    ERASE = 0x10
    READ = 0x21
    WRITE = 0x22
    BULK_READ = 0x24
    BURN_ONE = 0x42
    BURN_STATUS = 0x44
    SYS_RESET = 0xAA


class AnswerState(IntEnum):
    """Fifth byte of an answer."""

    ACK = 0
    NAK = 1


class Code(IntEnum):
    """Error codes of the agentboot: data of a NAK, and of BURN_STATUS."""

    FLASH_READ = 0x30
    FLASH_WRITE = 0x31
    FLASH_ERASE = 0x32
    FLASH_VERIFY = 0x33
    BAD_EXTRA_HEAD = 0x6F
    UNKNOWN_COMMAND = 0x80
    BAD_HEADER = 0x81
    BAD_PARAMETER = 0x82
    INTERRUPTED = 0x83
    LOWER_WORD = 0x84
    REPEATED = 0x85
    SIZE_OUT_OF_RANGE = 0x94
    TIMED_OUT = 0x96
    WRONG_IMAGE = 0x98
    DISCONNECTED = 0x99
    BAD_CHECK = 0x9A
    BAD_LENGTH = 0x9B
    RECEIVE_TIMEOUT = 0x9E


STATUS_GOOD: Final = 0
STATUS_PENDING: Final = 0xFF
CODE_TEXTS: Final[dict[int, Text]] = {
    0x30: Text("flash read failed", "Flash 读取失败"),
    0x31: Text("flash write failed", "Flash 写入失败"),
    0x32: Text("flash erase failed or address refused", "Flash 擦除失败或地址被拒绝"),
    0x33: Text("flash verify failed", "Flash 校验失败"),
    0x6F: Text("bad extra head", "扩展头错误"),
    0x80: Text("unknown command", "未知命令"),
    0x81: Text("bad header family", "包头类型错误"),
    0x82: Text("bad parameter or length", "参数或长度错误"),
    0x83: Text("interrupted by the upper layer", "被上层中断"),
    0x84: Text("sync word of a lower layer", "收到下层同步字"),
    0x85: Text("repeated command", "命令重复"),
    0x94: Text("size out of range", "长度超出范围"),
    0x96: Text("timed out, or too many misses", "超时或错误次数过多"),
    0x98: Text("image id does not match, or image skipped", "镜像 ID 不符或被跳过"),
    0x99: Text("disconnected", "已断开"),
    0x9A: Text("check value wrong", "校验值错误"),
    0x9B: Text("length check wrong, or bytes missing", "长度校验错误或字节缺失"),
    0x9E: Text("receive time-out", "接收超时"),
    0xFF: Text("still pending, or never started", "仍在进行或从未开始"),
}


@dataclass(frozen=True, slots=True)
class Request:
    """One intact request."""

    command: int
    index: int = 0
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """One intact answer; ``state`` is an :class:`AnswerState`."""

    command: int
    index: int = 0
    state: int = AnswerState.ACK
    data: bytes = b""

    @property
    def code(self) -> int | None:
        """The error code of a NAK, the value of a one-word answer; None when the data is no single word."""
        return int(_WORD.unpack(self.data)[0]) if len(self.data) == _WORD.size else None


@dataclass(frozen=True, slots=True)
class Words:
    """Eight bytes where a request was expected, at least one half of them a sync word (None: that half is none)."""

    first: Layer | None
    second: Layer | None

    def asks_for(self, layer: Layer, *, is_idle: bool) -> bool:
        """Whether a device of ``layer`` answers: idle ones take either half, sessions want both.

        Source: platform-eigencomm 3.1.
        """
        halves = (self.first is layer, self.second is layer)
        return any(halves) if is_idle else all(halves)


@dataclass(frozen=True, slots=True)
class Echo:
    """A device's one sync word; ``layer`` None is its "reset, wrong layer" word."""

    layer: Layer | None


@dataclass(frozen=True, slots=True)
class BadLength:
    """A request whose length is not what its CRC-8 says, or too long; everything received so far is gone."""

    command: int
    index: int


@dataclass(frozen=True, slots=True)
class BadCheck:
    """A whole packet whose check value is wrong."""

    command: int
    index: int
    found: int
    expected: int


@dataclass(frozen=True, slots=True)
class Dropped:
    """Bytes that are nothing; ``head`` are those that a device read where a request was expected."""

    size_bytes: int
    head: bytes = field(default=b"", compare=False)


RequestEvent = Request | Words | BadLength | BadCheck | Dropped
AnswerEvent = Answer | Echo | BadCheck | Dropped


@dataclass(frozen=True, slots=True)
class Version:
    """Data of GET_VERSION.

    Attributes:
        chip: version of chip, ROM or agentboot.
        revision: of the chip.
        built: date, as hex digits YYYYMMDD.
    """

    chip: int
    revision: int
    built: int

    @property
    def rom_version(self) -> str:
        """The key ``rom_version`` of the vendor's ini: revision, then version; EC618 is ``0000000102000000``."""
        return f"{self.revision:08x}{self.chip:08x}"


def crc8_maxim(data: bytes) -> int:
    """CRC-8/MAXIM: polynomial 0x31 reflected, start 0; check value of ``123456789`` is 0xA1."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x8C if crc & 1 else 0)
    return crc


@lru_cache(maxsize=256)
def encode_length(length: int) -> int:
    """The length field of AGBOOT and LPC: 4 gives 0x9E000004."""
    return length | crc8_maxim(length.to_bytes(3, "little")) << 24 if length else 0


def encode_request(layer: Layer, request: Request) -> bytes:
    """One request as wire bytes."""
    header = _HEADER.pack(request.command, request.index & 0xFF, layer.marker, len(request.data))
    if layer is Layer.DLBOOT:
        body = header + request.data
        return body + _WORD.pack(sum(body) & 0xFFFFFFFF) if request.command == Command.DATA else body
    check = zlib.crc32(request.data, zlib.crc32(header))
    protected = _HEADER.pack(request.command, request.index & 0xFF, layer.marker, encode_length(len(request.data)))
    return b"".join((protected, request.data, _WORD.pack(check)))


def encode_answer(layer: Layer, answer: Answer) -> bytes:
    """One answer as wire bytes."""
    body = _ANSWER.pack(answer.command, answer.index & 0xFF, layer.marker, answer.state, len(answer.data)) + answer.data
    return body + _WORD.pack(zlib.crc32(body)) if layer.has_crc else body


def nak(request: Request, code: int) -> Answer:
    """The agentboot's refusal of a request."""
    return Answer(request.command, request.index, AnswerState.NAK, _WORD.pack(code))


def pack_words(*words: int) -> bytes:
    """Little-endian u32 words: the data of most packets."""
    return struct.pack(f"<{len(words)}I", *words)


def unpack_words(data: bytes, count: int) -> tuple[int, ...]:
    """Exactly ``count`` little-endian u32 words.

    Raises:
        BadFormat: another length.
    """
    if len(data) != 4 * count:
        reason = Text("{size} bytes are not {count} words", "{size} 字节不是 {count} 个字")
        raise BadFormat(format="eigen", reason=reason, offset=PAIR_BYTES, size=len(data), count=count)
    return struct.unpack(f"<{count}I", data)


def unpack_version(data: bytes) -> Version:
    """The data of GET_VERSION.

    Raises:
        BadFormat: not twelve bytes.
    """
    return Version(*unpack_words(data, 3))


class RequestDecoder:
    """The host's bytes, of any fragmentation, as a device of ``layer`` reads them: eight at a time.

    Sync words are reported as :class:`Words` whatever their layer; a device that waits for its word throws the rest
    away with ``clear``. ``layer`` may be changed between two feeds.

    Args:
        layer: whose packets are expected.
        max_data_bytes: longest data that is taken.
    """

    def __init__(self, layer: Layer, max_data_bytes: int = MAX_DATA_BYTES) -> None:
        self.layer = layer
        self._max_data_bytes = max_data_bytes
        self._buffer = bytearray()

    @property
    def is_empty(self) -> bool:
        """Whether no byte of an unfinished packet is held."""
        return not self._buffer

    @property
    def held_header(self) -> tuple[int, int] | None:
        """Command and index of an unfinished request whose header is here; None while there is none."""
        is_here = len(self._buffer) >= PAIR_BYTES
        return (self._buffer[0], self._buffer[1]) if is_here else None

    def clear(self) -> int:
        """Forget what is held, as devices do after a byte time-out and before an echo; how many bytes that was."""
        size = len(self._buffer)
        self._buffer.clear()
        return size

    def feed(self, data: bytes) -> list[RequestEvent]:
        """Events that ``data`` completes; an empty list means that more is needed."""
        self._buffer += data
        events: list[RequestEvent] = []
        while (event := self.next_event()) is not None:
            events.append(event)
        return events

    def push(self, data: bytes) -> None:
        """Take bytes without reading them; for those that change ``layer`` between two events."""
        self._buffer += data

    def next_event(self) -> RequestEvent | None:
        """The next event of what is held; None means that more is needed."""
        buffer = self._buffer
        if len(buffer) < PAIR_BYTES:
            return None
        command, index, marker, length = _HEADER.unpack_from(buffer)
        if marker != self.layer.marker:
            head = bytes(buffer[:PAIR_BYTES])
            del buffer[:PAIR_BYTES]
            words = Words(_WORDS.get(head[:WORD_BYTES]), _WORDS.get(head[WORD_BYTES:]))
            return words if words.first or words.second else Dropped(PAIR_BYTES, head)
        plain = length & LENGTH_MASK if self.layer.has_crc else length
        if plain > self._max_data_bytes or (self.layer.has_crc and length != encode_length(plain)):
            buffer.clear()
            return BadLength(command, index)
        has_check = self.layer.has_crc or command == Command.DATA
        end = PAIR_BYTES + plain
        if len(buffer) < end + WORD_BYTES * has_check:
            return None
        content = bytes(buffer[PAIR_BYTES:end])
        found = expected = 0
        if has_check:
            (found,) = _WORD.unpack_from(buffer, end)
            header = _HEADER.pack(command, index, marker, plain)
            expected = zlib.crc32(content, zlib.crc32(header)) if self.layer.has_crc else sum(header) + sum(content)
        del buffer[: end + WORD_BYTES * has_check]
        return Request(command, index, content) if found == expected else BadCheck(command, index, found, expected)


class AnswerDecoder:
    """A device's bytes, of any fragmentation and behind any garbage, as a host of ``layer`` reads them.

    ``layer`` may be changed between two feeds; ``clear`` forgets what a talk before has left over.
    """

    def __init__(self, layer: Layer) -> None:
        self.layer = layer
        self._buffer = bytearray()

    @property
    def is_empty(self) -> bool:
        """Whether no byte of an unfinished answer is held."""
        return not self._buffer

    def clear(self) -> int:
        """Forget what is held; how many bytes that was."""
        size = len(self._buffer)
        self._buffer.clear()
        return size

    def feed(self, data: bytes) -> list[AnswerEvent]:
        """Events that ``data`` completes; an empty list means that more is needed."""
        self._buffer += data
        events: list[AnswerEvent] = []
        while (event := self._next_event()) is not None:
            events.append(event)
        return events

    def _next_event(self) -> AnswerEvent | None:
        buffer = self._buffer
        at, kind = self._find()
        if at:
            del buffer[:at]
            return Dropped(at)
        if kind == "word":
            head = bytes(buffer[:WORD_BYTES])
            del buffer[:WORD_BYTES]
            return Echo(_WORDS.get(head))
        if kind == "none" or len(buffer) < _ANSWER.size:
            return None
        command, index, _, state, length = _ANSWER.unpack_from(buffer)
        if state > AnswerState.NAK or (self.layer is not Layer.LPC and length > MAX_ANSWER_BYTES):
            del buffer[: WORD_BYTES - 1]  # a marker in garbage: the real answer may begin right behind it
            return Dropped(WORD_BYTES - 1)
        end = _ANSWER.size + length
        size = end + WORD_BYTES * self.layer.has_crc
        if len(buffer) < size:
            return None
        found = expected = 0
        if self.layer.has_crc:
            (found,) = _WORD.unpack_from(buffer, end)
            expected = zlib.crc32(buffer[:end])
        content = bytes(buffer[_ANSWER.size : end])
        if found != expected:
            del buffer[: WORD_BYTES - 1]
            return BadCheck(command, index, found, expected)
        del buffer[:size]
        return Answer(command, index, state, content)

    def _find(self) -> tuple[int, Literal["word", "packet", "none"]]:
        """Where the next answer or word begins; ``none``: the last three bytes may still become one."""
        buffer = self._buffer
        if len(buffer) < WORD_BYTES:
            return 0, "none"
        if buffer[2:4] == self.layer.marker:
            return 0, "packet"
        if bytes(buffer[:WORD_BYTES]) in _WORDS or buffer[:WORD_BYTES] == WRONG_LAYER:
            return 0, "word"
        marker = buffer.find(self.layer.marker, 2)
        places = [marker - 2] if marker >= 0 else []
        places += [at for word in (*_WORDS, WRONG_LAYER) if (at := buffer.find(word)) >= 0]
        return (min(places) if places else len(buffer) - WORD_BYTES + 1), "none"
