"""PDL, the packet protocol of the 8910's boot ROM: pack, unpack and a decoder, for both ends.

::

    AE | length u32 LE | flow | 00 00 | payload of `length` bytes          no checksum, no escaping

    request   flow FF   payload = command u32 LE, address u32 LE, size u32 LE, data
    answer    flow FF (code 0) or EE (any error)   payload = code u32 LE

A decoder skips bytes before ``AE``; a header with another flow or an impossible length is dropped whole, silently.
The last two header bytes are not initialised by devices and therefore not looked at.

Source: platform-unisoc 5.2, 7.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from moduline.errors import BadFormat, Text

START_BYTE: Final = 0xAE
FLOW_NORMAL: Final = 0xFF
FLOW_ERROR: Final = 0xEE
HEADER_BYTES: Final = 8
MIN_PAYLOAD_BYTES: Final = 4
MAX_PAYLOAD_BYTES: Final = 2060
MAX_CHUNK_BYTES: Final = 0x800
"""Longest content of one MID_DATA: what the ROM takes, and what every known host sends."""
START_TAG: Final = b"PDL1\x00"
"""Data of START_DATA; a habit of hosts, not looked at by devices."""
END_TAG: Final = bytes.fromhex("1c3c6e06")
"""Data of END_DATA; a constant of the vendor's host, not looked at by devices."""

_HEADER = struct.Struct("<BIB2x")
_WORDS = struct.Struct("<III")


class PdlCommand(IntEnum):
    """First payload word of a request; the ROM knows the first five, the rest answer ``UNKNOWN_COMMAND``."""

    CONNECT = 0
    ERASE_FLASH = 1
    ERASE_PARTITION = 2
    ERASE_ALL = 3
    START_DATA = 4
    MID_DATA = 5
    END_DATA = 6
    EXEC_DATA = 7
    READ_FLASH = 8
    READ_PARTITION = 9
    RESET = 10
    READ_CHIP_ID = 11
    SET_BAUD = 12


class PdlCode(IntEnum):
    """Payload word of an answer, numbered as the device numbers them."""

    ACK = 0
    PACKET_ERROR = 1
    INVALID_COMMAND = 2
    UNKNOWN_COMMAND = 3
    INVALID_ADDRESS = 4
    INVALID_BAUD = 5
    INVALID_PARTITION = 6
    INVALID_SIZE = 7
    WAIT_TIMEOUT = 8
    VERIFY_ERROR = 9
    CHECKSUM_ERROR = 10
    OPERATION_FAILED = 11
    DEVICE_ERROR = 12


CODE_TEXTS: Final[dict[int, Text]] = {
    PdlCode.ACK: Text("done", "完成"),
    PdlCode.PACKET_ERROR: Text("packet error", "数据包错误"),
    PdlCode.INVALID_COMMAND: Text("invalid command", "无效命令"),
    PdlCode.UNKNOWN_COMMAND: Text("unknown command", "未知命令"),
    PdlCode.INVALID_ADDRESS: Text("invalid address", "无效地址"),
    PdlCode.INVALID_BAUD: Text("invalid baud rate", "无效波特率"),
    PdlCode.INVALID_PARTITION: Text("invalid partition", "无效分区"),
    PdlCode.INVALID_SIZE: Text("invalid size", "无效长度"),
    PdlCode.WAIT_TIMEOUT: Text("wait timeout", "等待超时"),
    PdlCode.VERIFY_ERROR: Text("verify error", "校验错误"),
    PdlCode.CHECKSUM_ERROR: Text("checksum error", "校验和错误"),
    PdlCode.OPERATION_FAILED: Text("operation failed", "操作失败"),
    PdlCode.DEVICE_ERROR: Text("device error", "设备错误"),
}


@dataclass(frozen=True, slots=True)
class PdlRequest:
    """One request, host to device.

    Args:
        command: a :class:`PdlCommand` number; others are carried as they are.
        address: target address, or the chunk index of MID_DATA.
        size: total size in bytes, or the chunk length of MID_DATA.
        data: what follows the three words.
    """

    command: int
    address: int = 0
    size: int = 0
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class PdlAnswer:
    """One answer, device to host; ``code`` is a :class:`PdlCode` number or an unknown one."""

    code: int = 0


@dataclass(frozen=True, slots=True)
class PdlPacket:
    """One packet of either direction: flow byte and payload, not yet looked into."""

    flow: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class PdlDropped:
    """Bytes that are no packet: ``why`` is "noise" (before a start byte) or "header" (flow or length impossible)."""

    size_bytes: int
    why: str


PdlEvent = PdlPacket | PdlDropped


def encode_pdl_request(request: PdlRequest) -> bytes:
    """The request as wire bytes."""
    words = _WORDS.pack(request.command, request.address, request.size)
    return b"".join((_HEADER.pack(START_BYTE, len(words) + len(request.data), FLOW_NORMAL), words, request.data))


def encode_pdl_answer(answer: PdlAnswer) -> bytes:
    """The answer as wire bytes, with the flow byte that belongs to its code."""
    flow = FLOW_ERROR if answer.code else FLOW_NORMAL
    return _HEADER.pack(START_BYTE, 4, flow) + answer.code.to_bytes(4, "little")


def unpack_pdl_request(packet: PdlPacket) -> PdlRequest:
    """The packet as a request; words that a short payload leaves out are 0.

    Raises:
        BadFormat: payload shorter than its command word.
    """
    if len(packet.payload) < MIN_PAYLOAD_BYTES:
        raise BadFormat(format="pdl", reason=Text("request without a command", "请求缺少命令字"), offset=HEADER_BYTES)
    command, address, size = _WORDS.unpack(packet.payload[: _WORDS.size].ljust(_WORDS.size, b"\0"))
    return PdlRequest(command, address, size, packet.payload[_WORDS.size :])


def unpack_pdl_answer(packet: PdlPacket) -> PdlAnswer:
    """The packet as an answer.

    Raises:
        BadFormat: payload shorter than its code word, or longer than any answer.
    """
    if len(packet.payload) != MIN_PAYLOAD_BYTES:
        raise BadFormat(format="pdl", reason=Text("answer is not one word", "应答不是一个字"), offset=HEADER_BYTES)
    return PdlAnswer(int.from_bytes(packet.payload, "little"))


class PdlDecoder:
    """Bytes of any fragmentation in, packets out.

    Args:
        flows: flow bytes that are accepted; the module's side takes ``(FLOW_NORMAL,)`` only.
    """

    def __init__(self, flows: tuple[int, ...] = (FLOW_NORMAL, FLOW_ERROR)) -> None:
        self._flows = flows
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[PdlEvent]:
        """Events that ``data`` completes; an empty list means that more is needed."""
        buffer = self._buffer
        buffer += data
        events: list[PdlEvent] = []
        at = 0
        while True:
            start = buffer.find(START_BYTE, at)
            if start != at:
                end = len(buffer) if start < 0 else start
                if end > at:
                    events.append(PdlDropped(end - at, "noise"))
                at = end
            if len(buffer) - at < HEADER_BYTES:
                break
            _, length, flow = _HEADER.unpack_from(buffer, at)
            if flow not in self._flows or not MIN_PAYLOAD_BYTES <= length <= MAX_PAYLOAD_BYTES:
                events.append(PdlDropped(HEADER_BYTES, "header"))
                at += HEADER_BYTES
                continue
            end = at + HEADER_BYTES + length
            if len(buffer) < end:
                break
            events.append(PdlPacket(flow, bytes(buffer[at + HEADER_BYTES : end])))
            at = end
        del buffer[:at]
        return events

    def take_rest(self) -> bytes:
        """Bytes of an unfinished packet, handed over when the peer changes to another protocol."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        return rest
