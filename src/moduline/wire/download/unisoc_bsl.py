"""BSL, the framed protocol of the Unisoc loaders (and of the 8850's boot ROM): for both ends.

::

    7E | type u16 BE | length u16 BE | data | check u16 | 7E
         '------- escaped: 7D -> 7D 5D, 7E -> 7D 5E --'

``length`` counts ``data`` only; length and check are taken before escaping. Two check functions exist: ``sum`` (all
loaders) and ``crc16`` (the 8850's ROM). Raw ``7E`` bytes without a frame ask a loader for its version.

Receiver rules. A flag ends what was collected and begins the next frame, so a closing flag may serve as an opening
one and runs of flags are harmless. What lies between two flags is a frame when it un-escapes to exactly
``length + 6`` bytes; otherwise it is dropped and the flag that ended it begins anew. Content longer than the
receiver takes is dropped up to the next flag.

Speed. Frames are found with ``find``, un-escaped with ``replace`` and summed as one big integer modulo 0xFFFF, so a
4 KiB frame costs a few microseconds; nothing loops over bytes.

Source: platform-unisoc 5.3, 5.4, 5.5, 5.6, 7.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Literal

from moduline.digest import crc16_xmodem
from moduline.errors import BadFormat, Text

FLAG: Final = b"\x7e"
MAX_DATA_BYTES: Final = 0x3000 + 32
"""Longest content of one packet that a flash loader takes."""
VERSION_LOADER: Final = b"Spreadtrum Boot Block version 1.2\x00"
"""Data of VER from FDL1, FDL2 and the 8850 FDL."""
VERSION_ROM: Final = b"SPRD3\x00"
"""Data of VER from the 8850 ROM."""

Check = Literal["sum", "crc16"]

_HEADER = struct.Struct(">HH")
_OVERHEAD_BYTES = _HEADER.size + 2
FEW_ESCAPES: Final = 64
"""Up to so many escapes, cutting at them is faster than two passes over the whole body."""

_UNESCAPED: Final = tuple(bytes((byte | 0x20,)) for byte in range(256))
_ESCAPED = re.compile(rb"\x7d(.)", re.DOTALL)


class BslCommand(IntEnum):
    """Frame types of the host."""

    CONNECT = 0x00
    START_DATA = 0x01
    MIDST_DATA = 0x02
    END_DATA = 0x03
    EXEC_DATA = 0x04
    NORMAL_RESET = 0x05
    READ_FLASH = 0x06
    CHANGE_BAUD = 0x09
    ERASE_FLASH = 0x0A
    REPARTITION = 0x0B
    POWER_OFF = 0x17
    ENABLE_DEBUG = 0x25


class BslAnswer(IntEnum):
    """Frame types of the device that a session decides on; the others are in ``ANSWER_TEXTS``."""

    ACK = 0x80
    VER = 0x81
    INVALID_COMMAND = 0x82
    UNKNOWN_COMMAND = 0x83
    OPERATION_FAILED = 0x84
    BAUD_NOT_SUPPORTED = 0x85
    DOWNLOAD_NOT_STARTED = 0x86
    DESTINATION_ERROR = 0x89
    SIZE_ERROR = 0x8A
    VERIFY_ERROR = 0x8B
    NOT_ENOUGH_MEMORY = 0x8D
    READ_DATA = 0x93
    INCOMPATIBLE_PARTITION = 0x96
    UNKNOWN_DEVICE = 0x97
    WRITE_ERROR = 0xA2
    SECURITY_ERROR = 0xAA
    NOT_SUPPORTED = 0xFE
    LOG = 0xFF


ANSWER_TEXTS: Final[dict[int, Text]] = {
    0x80: Text("done", "完成"),
    0x81: Text("version", "版本"),
    0x82: Text("invalid command", "无效命令"),
    0x83: Text("unknown command", "未知命令"),
    0x84: Text("operation failed", "操作失败"),
    0x85: Text("baud rate not supported", "不支持的波特率"),
    0x86: Text("download not started", "下载尚未开始"),
    0x87: Text("multiple start", "重复开始"),
    0x88: Text("early end", "过早结束"),
    0x89: Text("destination error", "目标地址错误"),
    0x8A: Text("size error", "长度错误"),
    0x8B: Text("verify error", "校验错误"),
    0x8C: Text("not verified", "未校验"),
    0x8D: Text("not enough memory", "内存不足"),
    0x8E: Text("wait timeout", "等待超时"),
    0x93: Text("data", "数据"),
    0x96: Text("incompatible partition", "分区不兼容"),
    0x97: Text("unknown device: firmware of another model", "未知设备：固件与型号不符"),
    0x98: Text("invalid device size", "器件容量无效"),
    0x99: Text("illegal SDRAM", "SDRAM 非法"),
    0xA0: Text("NV checksum", "NV 校验和错误"),
    0xA1: Text("flash checksum", "Flash 校验和错误"),
    0xA2: Text("write error", "写入错误"),
    0xA3: Text("chip id", "芯片 ID 错误"),
    0xA4: Text("flash configuration", "Flash 配置错误"),
    0xA5: Text("STL size", "STL 大小错误"),
    0xA6: Text("security verification", "安全校验失败"),
    0xA7: Text("rooted", "已被 root"),
    0xAA: Text("security verify error: signature refused", "安全校验错误：签名被拒绝"),
    0xAC: Text("write not enabled", "未允许写入"),
    0xAD: Text("secure boot", "安全启动"),
    0xB3: Text("write protected", "写保护"),
    0xB4: Text("flash initialisation", "Flash 初始化失败"),
    0xB6: Text("DDR", "DDR 错误"),
    0xB7: Text("self refresh", "自刷新错误"),
    0xB9: Text("download failed", "下载失败"),
    0xFE: Text("feature not supported", "不支持该功能"),
    0xFF: Text("log text", "日志文本"),
}


@dataclass(frozen=True, slots=True)
class BslFrame:
    """One intact frame: type number and data, un-escaped."""

    type: int
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class BslBadCheck:
    """A frame of the right length whose check value is wrong; loaders fall silent, the 8850 ROM answers 0x8B."""

    type: int
    found: int
    expected: int


@dataclass(frozen=True, slots=True)
class BslSync:
    """The agreed number of flags in a row has arrived; only from a decoder that was told to wait for them."""


@dataclass(frozen=True, slots=True)
class BslDropped:
    """Bytes that are no frame: ``why`` is "noise" (before any flag), "length" (too short or too long) or "oversize"."""

    size_bytes: int
    why: str


BslEvent = BslFrame | BslBadCheck | BslSync | BslDropped


def sum_check(data: bytes) -> int:
    """One's-complement sum of the little-endian words of ``data``; the low byte goes on the wire first.

    Source: platform-unisoc 5.4; ``12345678`` gives 0x2B2F, ``123456789`` gives 0x2AF6.
    """
    total = int.from_bytes(data, "little")
    folded = total % 0xFFFF
    if not folded and total:
        folded = 0xFFFF
    return folded ^ 0xFFFF


def _check_bytes(body: bytes, check: Check) -> bytes:
    if check == "sum":
        return sum_check(body).to_bytes(2, "little")
    return crc16_xmodem(body).to_bytes(2, "big")


def encode_bsl(frame_type: int, data: bytes = b"", check: Check = "sum") -> bytes:
    """One frame as wire bytes, flags and escapes included."""
    body = _HEADER.pack(frame_type, len(data)) + data
    body += _check_bytes(body, check)
    return FLAG + body.replace(b"\x7d", b"\x7d\x5d").replace(b"\x7e", b"\x7d\x5e") + FLAG


def pack_words(*words: int) -> bytes:
    """Big-endian u32 words: the data of START_DATA, READ_FLASH, ERASE_FLASH and CHANGE_BAUD."""
    return struct.pack(f">{len(words)}I", *words)


def unpack_words(data: bytes, least: int, most: int) -> tuple[int, ...]:
    """Big-endian u32 words of a command's data.

    Raises:
        BadFormat: not a whole number of words, or not between ``least`` and ``most`` of them.
    """
    count, rest = divmod(len(data), 4)
    if rest or not least <= count <= most:
        reason = Text("{size} bytes are not {least} to {most} words", "{size} 字节不是 {least} 到 {most} 个字")
        raise BadFormat(format="bsl", reason=reason, size=len(data), least=least, most=most, offset=_HEADER.size + 1)
    return struct.unpack(f">{count}I", data)


def sum32(data: bytes) -> int:
    """Sum of all bytes modulo 2**32: the third word of START_DATA for NV.

    Source: platform-unisoc 5.5.
    """
    return sum(data) & 0xFFFFFFFF


def unescape(body: bytes) -> bytes | None:
    """``body`` without escapes, or None when it ends inside one.

    Devices un-escape with *or 0x20*; so does this, for escapes that no encoder of ours writes.
    """
    parts = body.split(b"\x7d", FEW_ESCAPES + 1)
    if len(parts) == 1:
        return body
    if len(parts) <= FEW_ESCAPES + 1:
        head, *rest = parts
        if all(rest):
            return b"".join([head, *[_UNESCAPED[part[0]] + part[1:] for part in rest]])
    elif body.count(b"\x7d") == body.count(b"\x7d\x5d") + body.count(b"\x7d\x5e"):
        return body.replace(b"\x7d\x5e", b"\x7e").replace(b"\x7d\x5d", b"\x7d")
    if b"\x7d" in _ESCAPED.sub(b"", body):
        return None
    return _ESCAPED.sub(lambda pair: bytes((pair[1][0] | 0x20,)), body)


class BslDecoder:
    """Bytes of any fragmentation in, frames out.

    Args:
        check: the check function of the peer, ``sum`` or ``crc16``.
        sync_flags: wait for so many flags in a row first and report them as one :class:`BslSync`; 0 for hosts.
            The count goes on over several feeds, any other byte resets it.
        max_data_bytes: longest content that is taken.
    """

    def __init__(self, check: Check = "sum", sync_flags: int = 0, max_data_bytes: int = MAX_DATA_BYTES) -> None:
        self._check: Check = check
        self._sync_flags = sync_flags
        self._max_body_bytes = max_data_bytes + _OVERHEAD_BYTES
        self._buffer = bytearray()
        self._scanned = 0
        self._is_open = False
        self._is_skipping = False
        self._flags_seen = 0

    @property
    def is_empty(self) -> bool:
        """Whether no byte of an unfinished frame is held."""
        return not self._buffer and not self._is_skipping

    def feed(self, data: bytes) -> list[BslEvent]:
        """Events that ``data`` completes; an empty list means that more is needed."""
        events: list[BslEvent] = []
        if self._sync_flags:
            data = self._synchronise(data, events)
        buffer = self._buffer
        buffer += data
        at = 0
        flag = buffer.find(FLAG, self._scanned)
        while flag >= 0:
            if flag > at:
                self._take(bytes(buffer[at:flag]), events)
            self._is_open = True
            self._is_skipping = False
            at = flag + 1
            flag = buffer.find(FLAG, at)
        del buffer[:at]
        if buffer and not self._is_open:
            events.append(BslDropped(len(buffer), "noise"))
            buffer.clear()
        elif self._is_skipping or len(buffer) > 2 * self._max_body_bytes:
            events.append(BslDropped(len(buffer), "oversize"))
            buffer.clear()
            self._is_skipping = True
        self._scanned = len(buffer)
        return events

    def _synchronise(self, data: bytes, events: list[BslEvent]) -> bytes:
        """Count flags in a row; gives what follows the last of them, or nothing while still waiting."""
        for index, byte in enumerate(data):
            self._flags_seen = self._flags_seen + 1 if byte == FLAG[0] else 0
            if self._flags_seen == self._sync_flags:
                self._sync_flags = 0
                self._is_open = True
                events.append(BslSync())
                return data[index + 1 :]
        return b""

    def _take(self, body: bytes, events: list[BslEvent]) -> None:
        if not self._is_open or self._is_skipping:
            events.append(BslDropped(len(body), "oversize" if self._is_skipping else "noise"))
            return
        plain = unescape(body)
        if plain is None or len(plain) < _OVERHEAD_BYTES:
            events.append(BslDropped(len(body), "length"))
            return
        frame_type, length = _HEADER.unpack_from(plain)
        if length + _OVERHEAD_BYTES != len(plain):
            events.append(BslDropped(len(body), "length"))
        elif len(plain) > self._max_body_bytes:
            events.append(BslDropped(len(body), "oversize"))
        elif (expected := _check_bytes(plain[:-2], self._check)) != plain[-2:]:
            order: Literal["little", "big"] = "little" if self._check == "sum" else "big"
            found = int.from_bytes(plain[-2:], order)
            events.append(BslBadCheck(frame_type, found, int.from_bytes(expected, order)))
        else:
            events.append(BslFrame(frame_type, plain[_HEADER.size : -2]))
