"""The module's side of an 8910 burn, written from platform-unisoc 5 and 6.1 alone: none of our codec is used.

``FakeModule.feed`` takes what the host sent and gives what the module answers, so it runs without streams and clocks.
Faults are given as plain values.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

FLASH_AT = 0x60000000
PDL_ACK = bytes.fromhex("ae04000000ff000000000000")
VER = bytes.fromhex(
    "7e0081002253707265616474 72756d20426f6f7420426c6f636b2076657273696f6e20312e3200a9e97e".replace(" ", "")
)
ACK = bytes.fromhex("7e00800000ff7f7e")


def pdl_error(code: int) -> bytes:
    return bytes.fromhex("ae04000000ee0000") + bytes([code, 0, 0, 0])


def rfc1071(data: bytes) -> bytes:
    total = 0
    for at in range(0, len(data), 2):
        total += int.from_bytes(data[at : at + 2].ljust(2, b"\0"), "big")
    while total > 0xFFFF:
        total = (total >> 16) + (total & 0xFFFF)
    return (total ^ 0xFFFF).to_bytes(2, "big")


def frame(kind: int, data: bytes = b"") -> bytes:
    body = struct.pack(">HH", kind, len(data)) + data
    out = bytearray()
    for byte in body + rfc1071(body):
        out += bytes([0x7D, byte ^ 0x20]) if byte in {0x7D, 0x7E} else bytes([byte])
    return b"\x7e" + bytes(out) + b"\x7e"


@dataclass
class FakeModule:
    """One 8910 in download mode.

    ``instead`` replaces the answer to the n-th command of a type (counted from 1): ``{(0x03, 2): b""}`` is silence at
    the second END. ``before_answers`` goes out before every BSL answer. ``silent_connects`` ignores the first PDL
    connects. ``version`` is what 7E is answered with. ``is_8850`` refuses every erase with 0x97.
    """

    nv: bytes = b"\xff" * 0x20000
    instead: dict[tuple[int, int], bytes] = field(default_factory=dict)
    pdl_instead: dict[tuple[int, int], bytes] = field(default_factory=dict)
    before_answers: bytes = b""
    silent_connects: int = 0
    version: bytes = VER
    stage: str = "rom"
    flash: bytearray = field(default_factory=lambda: bytearray(b"\xff" * 0x800000))
    log: list[tuple[str, int, tuple[int, ...]]] = field(default_factory=list)
    counts: dict[tuple[str, int], int] = field(default_factory=dict)
    loader: bytes = b""
    was_reset: bool = False
    flip_read_at: int = -1
    _in: bytearray = field(default_factory=bytearray)
    _target: int = 0
    _size: int = 0
    _content: bytearray = field(default_factory=bytearray)

    def feed(self, data: bytes) -> bytes:
        self._in += data
        out = b""
        while True:
            before = (len(self._in), self.stage)
            out += self._rom() if self.stage == "rom" else self._loaders()
            if (len(self._in), self.stage) == before:
                return out

    def _count(self, kind: str, number: int, words: tuple[int, ...]) -> int:
        self.log.append((kind, number, words))
        self.counts[kind, number] = self.counts.get((kind, number), 0) + 1
        return self.counts[kind, number]

    def _rom(self) -> bytes:
        if len(self._in) < 8:
            return b""
        assert self._in[0] == 0xAE
        length = int.from_bytes(self._in[1:5], "little")
        if len(self._in) < 8 + length:
            return b""
        payload = bytes(self._in[8 : 8 + length])
        del self._in[: 8 + length]
        command, first, second = struct.unpack("<III", payload[:12])
        count = self._count("pdl", command, (first, second))
        if (command, count) in self.pdl_instead:
            return self.pdl_instead[command, count]
        if command == 0 and count <= self.silent_connects:
            return b""
        if command == 4:
            self._content.clear()
        if command == 5:
            assert len(payload) - 12 == second <= 0x800
            self._content += payload[12:]
        if command == 7:
            self.loader, self.stage = bytes(self._content), "sync"
            return b""
        return PDL_ACK

    def _loaders(self) -> bytes:
        if self.stage == "sync":
            if not self._in:
                return b""
            assert self._in[0] == 0x7E
            self.stage = "fdl1"
            self._in.clear()
            return self.version
        end = self._in.find(b"\x7e", 1)
        if not self._in or end < 0:
            return b""
        body = bytes(self._in[1:end])
        if self._in[0] != 0x7E or not body:
            del self._in[0]
            return b""
        del self._in[: end + 1]
        plain = bytearray()
        escaped = False
        for byte in body:
            if byte == 0x7D and not escaped:
                escaped = True
            else:
                plain.append(byte | 0x20 if escaped else byte)
                escaped = False
        kind, length = struct.unpack(">HH", plain[:4])
        data = bytes(plain[4:-2])
        assert length == len(data)
        assert rfc1071(plain[:-2]) == bytes(plain[-2:])
        words = struct.unpack(f">{len(data) // 4}I", data) if kind != 2 and len(data) % 4 == 0 else (len(data),)
        count = self._count(self.stage, kind, words)
        self.counts["bsl", kind] = count = self.counts.get(("bsl", kind), 0) + 1
        if (kind, count) in self.instead:
            return self.instead[kind, count]
        return self.before_answers + self._bsl(kind, data, words)

    def _bsl(self, kind: int, data: bytes, words: tuple[int, ...]) -> bytes:
        if kind == 1:
            self._target, self._size = words[0], words[1]
            self._content.clear()
            if self.stage == "fdl2" and self._is_flash(self._target):
                self._erase(self._target, self._size)
        elif kind == 2:
            if len(self._content) + len(data) > self._size:
                return frame(0x8A)
            self._content += data
        elif kind == 3:
            if len(self._content) != self._size:
                return frame(0x8A)
            self._store()
        elif kind == 4:
            assert self._target == 0x810000
            self.stage = "fdl2"
        elif kind == 5:
            self.was_reset = True
        elif kind == 6:
            return frame(0x93, self._read(*words))
        elif kind == 0x0A:
            if self._is_flash(words[0]):
                self._erase(*words)
        elif kind != 0:
            return frame(0x82)
        return ACK

    def _is_flash(self, address: int) -> bool:
        return 0x60000000 <= address < 0x70000000

    def _erase(self, address: int, size: int) -> None:
        first, last = (address & 0xFFFFFF) & ~0xFFF, (((address & 0xFFFFFF) + size) + 0xFFF) & ~0xFFF
        self.flash[first:last] = b"\xff" * (last - first)

    def _store(self) -> None:
        if self._is_flash(self._target):
            at = self._target & 0xFFFFFF
            self.flash[at : at + self._size] = self._content
        elif self._target == 0xFE000003:
            self.nv = bytes(self._content)

    def _read(self, address: int, size: int, offset: int = 0) -> bytes:
        if address == 0xFE000003:
            return self.nv[offset : offset + size]
        at = address & 0xFFFFFF
        data = bytearray(self.flash[at : at + size])
        if at <= self.flip_read_at < at + size:
            data[self.flip_read_at - at] ^= 1
        return bytes(data)
