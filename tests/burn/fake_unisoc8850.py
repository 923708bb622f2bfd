"""The module's side of an 8850 burn, written from platform-unisoc 5 and 6.2 alone: none of our codec is used.

``FakeModule.feed`` takes what the host sent and gives what the module answers, so it runs without streams and clocks.
Faults are given as plain values.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from burn.fake_module import rfc1071
from moduline.formats.container.unisoc import Pac, PacEntry, PacHeader
from moduline.formats.record import WideText
from package_maker import CPIO, nv_block, xml_of

FLASH_AT = 0x60000000
VERSION = b"\0EC600GCNLAR02A04M04_OCPU_QPY\0EC600G-CNLA\0"
ROM_VER = bytes.fromhex("7e 00 81 00 06 53 50 52 44 33 00 57 0a 7e")
FDL_VER = bytes.fromhex(
    "7e 00 81 00 22 53 70 72 65 61 64 74 72 75 6d 20 42 6f 6f 74 20 42 6c 6f 63 6b 20 76 65 72 73 69 6f 6e 20 31 2e 32"
    "00 a9 e9 7e"
)
ROM_ACK = bytes.fromhex("7e 00 80 00 00 3b 5a 7e")
ACK = bytes.fromhex("7e 00 80 00 00 ff 7f 7e")
ROM_BAD = bytes.fromhex("7e 00 8b 00 00 cb ab 7e")


def crc16(data: bytes) -> bytes:
    """platform-unisoc 5.4: polynomial 0x1021, init 0, MSB first."""
    value = 0
    for byte in data:
        value ^= byte << 8
        for _ in range(8):
            value = (value << 1 ^ 0x1021 if value & 0x8000 else value << 1) & 0xFFFF
    return value.to_bytes(2, "big")


def frame(kind: int, data: bytes = b"", check=rfc1071) -> bytes:
    body = struct.pack(">HH", kind, len(data)) + data
    out = bytearray()
    for byte in body + check(body):
        out += bytes([0x7D, byte ^ 0x20]) if byte in {0x7D, 0x7E} else bytes([byte])
    return b"\x7e" + bytes(out) + b"\x7e"


def rom_frame(kind: int, data: bytes = b"") -> bytes:
    return frame(kind, data, crc16)


def sihr_image(payload: bytes, load_address: int = 0x50800100) -> bytes:
    """platform-unisoc 3.2, typed from its table."""
    from zlib import crc32

    rest = struct.pack("<I64s4H3I2I", 256 + len(payload), b"test", 1, 0, 1, 1, 0, 1, 0x657DAE07, 0x100, 0)
    rest += struct.pack("<I28x", crc32(payload)) + struct.pack("<3I", 0x100, len(payload), 0)
    rest += struct.pack("<4I", load_address, 0, load_address + 0x1A4, 0) + bytes(12) + bytes(40) + bytes(12)
    assert len(rest) == 220
    return b"SIHR" + struct.pack("<I28x", crc32(rest)) + rest + payload


@dataclass
class FakeModule:
    """One 8850 in download mode.

    ``instead`` replaces the answer to the n-th command of a type (counted from 1) of the loader, ``rom_instead`` of the
    ROM: ``{(0x03, 2): b""}`` is silence at the second END. ``before_answers`` goes out before every answer of the
    loader. ``silent_flags`` ignores so many flags first. ``stage``: ``rom``, ``fdl``; ``is_greeted``: further flags are
    ignored, as after a try that was cut.
    """

    nv: bytes = b"\xff" * 0x28000
    instead: dict[tuple[int, int], bytes] = field(default_factory=dict)
    rom_instead: dict[tuple[int, int], bytes] = field(default_factory=dict)
    before_answers: bytes = b""
    silent_flags: int = 0
    rom_version: bytes = ROM_VER
    fdl_version: bytes = FDL_VER
    stage: str = "rom"
    is_greeted: bool = False
    is_other_model: bool = False
    flash_bytes: int = 0x800000
    flash: bytearray = field(default_factory=lambda: bytearray(b"\xff" * 0x800000))
    log: list[tuple[str, int, tuple[int, ...]]] = field(default_factory=list)
    counts: dict[tuple[str, int], int] = field(default_factory=dict)
    loader: bytes = b""
    cpio: list[bytes] = field(default_factory=list)
    was_reset: bool = False
    has_panicked: bool = False
    flip_read_at: int = -1
    baud: int = 0
    _in: bytearray = field(default_factory=bytearray)
    _flags: int = 0
    _state: str = "connect"
    _target: int = 0
    _size: int = 0
    _content: bytearray = field(default_factory=bytearray)

    def feed(self, data: bytes) -> bytes:
        out = b""
        for byte in data:
            out += self._byte(byte)
        return out

    def _byte(self, byte: int) -> bytes:
        if self.has_panicked:
            return b""
        if not self.is_greeted:
            if byte == 0x7E and self.silent_flags:
                self.silent_flags -= 1
                return b""
            self._flags = self._flags + 1 if byte == 0x7E else 0
            if self._flags < 3:
                return b""
            self.is_greeted, self._flags = True, 0
            self._in.clear()
            return self.rom_version if self.stage == "rom" else self.fdl_version
        if byte != 0x7E:
            self._in.append(byte)
            return b""
        body, self._in = bytes(self._in), bytearray()
        plain = bytearray()
        escaped = False
        for one in body:
            if one == 0x7D and not escaped:
                escaped = True
            else:
                plain.append(one | 0x20 if escaped else one)
                escaped = False
        if len(plain) < 6 or len(plain) != int.from_bytes(plain[2:4], "big") + 6:
            return b""
        return self._frame(bytes(plain))

    def _frame(self, plain: bytes) -> bytes:
        check = crc16 if self.stage == "rom" else rfc1071
        if check(plain[:-2]) != plain[-2:]:
            self.has_panicked = self.stage != "rom"
            return b"" if self.has_panicked else ROM_BAD
        kind, data = int.from_bytes(plain[:2], "big"), plain[4:-2]
        words = struct.unpack(f">{len(data) // 4}I", data) if kind != 2 and len(data) % 4 == 0 else (len(data),)
        self.log.append((self.stage, kind, words))
        count = self.counts[self.stage, kind] = self.counts.get((self.stage, kind), 0) + 1
        instead = self.rom_instead if self.stage == "rom" else self.instead
        if (kind, count) in instead:
            return instead[kind, count]
        return (
            self._rom(kind, data, words) if self.stage == "rom" else self.before_answers + self._fdl(kind, data, words)
        )

    def _rom(self, kind: int, data: bytes, words: tuple[int, ...]) -> bytes:
        if kind == 0:
            return ROM_ACK
        if kind == 1:
            if self._state != "connect" or words[0] != 0x50800000 or not 256 <= words[1] <= 0x14000:
                return rom_frame(0x82)
            self._state, self._size = "data", words[1]
            self._content.clear()
            return ROM_ACK
        if kind == 2:
            assert len(data) <= 0x410
            if self._state != "data":
                return rom_frame(0x82)
            self._content += data
            return ROM_ACK
        if kind == 3:
            self._state = "end"
            return ROM_ACK if len(self._content) == self._size else rom_frame(0x8A)
        if kind == 4:
            if self._state != "end":
                return rom_frame(0x82)
            self.loader, self.stage, self.is_greeted = bytes(self._content), "fdl", False
            return ROM_ACK
        return rom_frame(0x83)

    def _fdl(self, kind: int, data: bytes, words: tuple[int, ...]) -> bytes:
        if kind == 1:
            self._target, self._size = words[0], words[1]
            self._content.clear()
            if self._is_flash(self._target):
                self._erase(self._target, self._size)
        elif kind == 2:
            if len(self._content) + len(data) > self._size:
                return frame(0x8A)
            self._content += data
        elif kind == 3:
            if len(self._content) != self._size:
                return frame(0x8A)
            self._store()
        elif kind == 5:
            self.was_reset = True
        elif kind == 6:
            return self._read(*words)
        elif kind == 9:
            self.baud = words[0]
        elif kind == 0x0A:
            if self.is_other_model:
                return frame(0x97)
            if self._is_flash(words[0]):
                self._erase(*words)
        elif kind != 0:
            return frame(0x82)
        return ACK

    def _is_flash(self, address: int) -> bool:
        return FLASH_AT <= address < FLASH_AT + self.flash_bytes

    def _erase(self, address: int, size: int) -> None:
        first, last = (address & 0xFFFFFF) & ~0xFFF, (((address & 0xFFFFFF) + size) + 0xFFF) & ~0xFFF
        self.flash[first:last] = b"\xff" * (last - first)

    def _store(self) -> None:
        if self._is_flash(self._target):
            at = self._target & 0xFFFFFF
            self.flash[at : at + self._size] = self._content
        elif self._target == 0xFE000003:
            self.nv = bytes(self._content)
        elif self._target == 0xFE000004:
            self.cpio.append(bytes(self._content))

    def _read(self, address: int, size: int, offset: int = 0) -> bytes:
        if address == 0xFE000003:
            return frame(0x93, self.nv[offset : offset + size]) if offset < len(self.nv) else frame(0x82)
        if not (self._is_flash(address) and self._is_flash(address + size - 1)):
            return frame(0x82)
        at = address & 0xFFFFFF
        data = bytearray(self.flash[at : at + size])
        if at <= self.flip_read_at < at + size:
            data[self.flip_read_at - at] ^= 1
        return frame(0x93, bytes(data))


# ---- a small package of this chip -------------------------------------------------------------------------------

LOADER = sihr_image(bytes(range(256)) * 8 + b"first loader")
U_ADDRESS, U_SIZE = 0x60438000, 0x3000
B_ADDRESS, B_SIZE = 0x60498000, 0x2000


def stock_rows() -> list[tuple[str, str, int, int, bytes, int]]:
    """(id, type, address, size, content, check): the order of a QuecOpen package of the 8850 with script areas."""
    return [
        ("FDL", "FDL", 0x50800000, 0x14000, LOADER, 1),
        ("ERASE_SPL", "EraseFlash", 0x60000000, 0x20000, b"", 1),
        ("BOOT", "CODE", 0x60020000, 0x10000, sihr_image(b"boot code" * 9 + b"\x7d\x7e" * 300), 1),
        ("PhaseCheck", "CODE", 0xFE000002, 0x100, b"", 1),
        ("FMT_FSSYS", "EraseFlash", 0xFE000006, 0x53595346, b"", 0),
        ("FMT_FSMOD", "EraseFlash", 0xFE000006, 0x444F4D46, b"", 1),
        ("NV", "NV", 0xFE000003, 0x28000, nv_block(), 1),
        ("AP", "CODE", 0x60030000, 0x251000, sihr_image(VERSION + bytes(5000)), 1),
        ("CP", "CODE", 0xFE000004, 0, CPIO, 1),
        ("FLASH", "EraseFlash", 0xFE000001, 0, b"", 1),
        ("ERASE_PY_FS_U", "EraseFlash", U_ADDRESS, U_SIZE, b"", 1),
        ("ERASE_PY_FS_B", "EraseFlash", B_ADDRESS, B_SIZE, b"", 1),
        ("SPL", "CODE", 0x60000000, 0x20000, sihr_image(b"spl" * 800), 1),
    ]


def small_pac(rows: list[tuple[str, str, int, int, bytes, int]] | None = None) -> Pac:
    """A small package of the 8850 as a container value."""
    rows = stock_rows() if rows is None else rows
    entries = [
        PacEntry.of(
            name,
            flag=int(bool(data)),
            check=check,
            can_omit=int(not data or kind == "NV"),
            address=address,
            data=data,
            file_name=f"{name.lower()}.img" if data else "",
        )
        for name, kind, address, _, data, check in rows
    ]
    files = [
        (name, kind, address, size, int(bool(data)), int(kind == "FDL")) for name, kind, address, size, data, _ in rows
    ]
    xml = PacEntry.of("", flag=2, check=0, can_omit=0, address=0, data=xml_of(files), file_name="8850_MODEM.xml")
    header = PacHeader(
        WideText.of("8850_MODEM"), WideText.of("8850 MODULE"), WideText.of("8850XM_cat1_open"), 0, nv_backup=1
    )
    return Pac(header, (*entries, xml))
