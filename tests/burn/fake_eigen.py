"""A scripted EC618 in download mode, typed from platform-eigencomm 3: boot ROM, agentboot, two flashes. Test double.

It packs and checks every byte by itself, with ``struct`` and ``zlib`` only, and knows nothing of our codec.
"""

from __future__ import annotations

import hashlib
import struct
import zlib

DL, AG, LPC = b"\x00\xd3\x02\x2b", b"\xaa\xd3\x02\x2b", b"\xcd\xd3\x02\x2b"
WRONG = b"\x2b\x02\xd3\xee"
ROM_VERSION = bytes.fromhex("000000020100000002262120")
AGENT_VERSION = bytes.fromhex("010000010100000011262120")
HEAD, BL, AP, CP, FLEX = 0x54494D48, 0x4F424D49, 0x444B4249, 0x43504249, 0x464C5849
CRC8 = {4: 0x9E, 6: 0xD1, 8: 0x25, 0x110: 0x8E, 0x4000: 0x9B}
"""Golden values of 3.2; other lengths are computed."""


def crc8(length: int) -> int:
    if length in CRC8:
        return CRC8[length]
    crc = 0
    for byte in length.to_bytes(3, "little"):
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0x8C if crc & 1 else crc >> 1
    return crc


class FakeEigen:
    """One module; ``feed`` takes the host's bytes and gives the module's.

    Args:
        swallows: how many AGBOOT pairs after BURN_ONE get no echo.
        rom_version: data of GET_VERSION in the ROM.
        hooks: (place, command, how many of it were seen) -> what to answer instead: bytes, None for silence.
    """

    def __init__(self, swallows=1, rom_version=ROM_VERSION, hooks=None) -> None:
        self.ap = bytearray(b"\xff" * 0x400000)
        self.cp = bytearray(b"\xff" * 0x100000)
        self.place = "rom"
        self.is_in_session = False
        self.buffer = bytearray()
        self.swallows = swallows
        self.rom_version = rom_version
        self.hooks = hooks or {}
        self.counts: dict[tuple[str, int], int] = {}
        self.log: list[tuple[str, int, bytes]] = []
        self.erased: list[tuple[int, int]] = []
        self.agentboot = b""
        self.baud_control = 0
        self.was_reset = False
        self.pairs = 0
        self.status = 0xFF
        self.max_size = 0x4000
        self._to_swallow = 0
        self._stage = "head"
        self._image = 0
        self._flash = 0
        self._address = 0
        self._expected_hash = b""
        self._left = 0
        self._received = bytearray()
        self._whole = bytearray()
        self._room = 0

    # ---- bytes ---------------------------------------------------------------------------------------------------

    def feed(self, data: bytes) -> bytes:
        self.buffer += data
        out = b""
        while (answer := self._one()) is not None:
            out += answer
        return out

    def _one(self) -> bytes | None:
        if len(self.buffer) < 8:
            return None
        head = bytes(self.buffer[:8])
        word = {"rom": DL, "lpc": LPC, "ag": AG}[self.place]
        marker = b"\x4c\xb3" if self.place == "lpc" else b"\xcd\x32"
        if not self.is_in_session:
            self.buffer.clear()
            return self._idle(head, word)
        if head[2:4] != marker:
            del self.buffer[:8]
            if head == word * 2:
                self.pairs += 1
                return word
            return self._foreign(head)
        return self._packet(head)

    def _idle(self, head: bytes, word: bytes) -> bytes:
        if word not in (head[:4], head[4:]):
            return self._foreign(head)
        self.pairs += 1
        if self.place == "ag" and self._to_swallow:
            self._to_swallow -= 1
            return b""
        self.is_in_session = True
        return word

    def _foreign(self, head: bytes) -> bytes:
        if self.place == "ag" and LPC in (head[:4], head[4:]):
            self.place, self.is_in_session = "lpc", True
            return LPC
        if self.place != "rom" and DL in (head[:4], head[4:]):
            return WRONG
        return b""

    def _packet(self, head: bytes) -> bytes | None:
        command, index, marker, length = struct.unpack("<BB2sI", head)
        has_check = self.place != "rom" or command == 0x32
        plain = length & 0x1FFFF
        if self.place != "rom" and length and length >> 24 != crc8(plain):
            self.buffer.clear()
            return self._answer(command, index, struct.pack("<I", 0x9B), state=1)
        end = 8 + plain
        if len(self.buffer) < end + 4 * has_check:
            return None
        data = bytes(self.buffer[8:end])
        if has_check:
            found = struct.unpack_from("<I", self.buffer, end)[0]
            plain_head = struct.pack("<BB2sI", command, index, marker, plain)
            body = plain_head + data
            assert found == (sum(body) if self.place == "rom" else zlib.crc32(body)), (self.place, hex(command))
        del self.buffer[: end + 4 * has_check]
        self.log.append((self.place, command, data))
        seen = self.counts[self.place, command] = self.counts.get((self.place, command), 0) + 1
        hook = self.hooks.get((self.place, command, seen))
        if hook is not None:
            return hook(self, command, index)
        return {"rom": self._download, "ag": self._download, "lpc": self._control}[self.place](command, index, data)

    def _answer(self, command: int, index: int, data: bytes = b"", state: int = 0) -> bytes:
        marker = b"\x4c\xb3" if self.place == "lpc" else b"\xcd\x32"
        body = bytes((command, index)) + marker + bytes((state, len(data))) + data
        return body + (b"" if self.place == "rom" else struct.pack("<I", zlib.crc32(body)))

    def nak(self, command: int, index: int, code: int) -> bytes:
        return self._answer(command, index, struct.pack("<I", code), state=1)

    # ---- DLBOOT and AGBOOT ---------------------------------------------------------------------------------------

    def _download(self, command: int, index: int, data: bytes) -> bytes:
        if command == 0x20:
            return self._answer(command, index, self.rom_version if self.place == "rom" else AGENT_VERSION)
        if command == 0x21:
            wanted = HEAD if self._stage == "head" else BL if self.place == "rom" else self._image
            return self._answer(command, index, struct.pack("<I", wanted))
        if command == 0x31:
            (self._left,) = struct.unpack("<I", data)
            largest = self.max_size if self.place == "ag" else 0x110 if self._stage == "head" else 0x400
            self._room = min(self._left, largest)
            return self._answer(command, index, struct.pack("<I", self._room))
        if command == 0x32:
            if len(data) != self._room:
                return self.nak(command, index, 0x94)
            self._received += data
            return self._answer(command, index + 1 & 0xFF)
        if command == 0x3A:
            done = self._answer(command, index)
            self.is_in_session = False
            self._finish_piece()
            return done
        return self._answer(command, index)

    def _finish_piece(self) -> None:
        piece, self._received = bytes(self._received), bytearray()
        if self._stage == "head":
            self._take_head(piece)
        elif self.place == "rom":
            assert hashlib.sha256(piece).digest() == self._expected_hash
            self.agentboot, self.place = piece, "lpc"
        else:
            self._write(piece)
            if len(self._whole) >= self._size:
                is_right = hashlib.sha256(self._whole).digest() == self._expected_hash
                self.status = 0 if is_right else 0x33
                self.place, self.is_in_session = "lpc", True

    def _take_head(self, head: bytes) -> None:
        assert len(head) == 0x110
        assert head[:16] == struct.pack("<4I", 0x10000001, HEAD, 0x20180507, 0)
        assert hashlib.sha256(head[:32] + bytes(32) + head[64:]).digest() == head[32:64]
        self.baud_control = struct.unpack_from("<H", head, 22)[0]
        image, address, _, self._size = struct.unpack_from("<4I", head, 64)
        self._expected_hash = head[96:128]
        self._whole = bytearray()
        self._stage = "body"
        if self.place == "rom":
            assert image == BL
            return
        assert image == self._image
        if image == BL:
            address = 0x4000
            self.ap[0x0:0x110] = head
        elif image == AP:
            address = address or 0x20000
            self.ap[0x2000:0x2110] = head
        elif image == FLEX:
            assert address
        self._address = address - 0x800000 if address >= 0x800000 else address
        assert not self._address & 0xFF

    def _write(self, piece: bytes) -> None:
        flash = self.cp if self._flash else self.ap
        at = self._address + len(self._whole)
        end = at + len(piece)
        for sector in range(at & ~0xFFF, end, 0x1000):
            flash[sector : sector + 0x1000] = b"\xff" * 0x1000
        flash[at:end] = piece
        self._whole += piece

    # ---- LPC -----------------------------------------------------------------------------------------------------

    def _control(self, command: int, index: int, data: bytes) -> bytes:
        if command == 0x10:
            return self._erase(command, index, data)
        if command == 0x21:
            size, address = struct.unpack("<II", data)
            assert size <= 240
            flash, at = self._at(address)
            return self._answer(command, index, bytes(flash[at : at + size]))
        if command == 0x42:
            (self._image,) = struct.unpack_from("<I", data)
            self._flash = data[4:] == b"\x01\xe1"
            answer = self._answer(command, index)
            self.place, self.is_in_session, self._stage = "ag", False, "head"
            self._to_swallow, self.status = self.swallows, 0xFF
            return answer
        if command == 0x44:
            return self._answer(command, index, struct.pack("<I", self.status))
        if command == 0xAA:
            self.was_reset = True
            return self._answer(command, index, b"ZzZzZzZz")
        return self.nak(command, index, 0x80)

    def _erase(self, command: int, index: int, data: bytes) -> bytes:
        size, address = struct.unpack("<II", data)
        is_ap, is_cp = 0x800000 <= address < 0xC00000, 0x8800000 <= address < 0x8900000
        if not (is_ap or is_cp):
            return self.nak(command, index, 0x32)
        assert size <= 0x10000
        self.erased.append((address, size))
        flash, at = self._at(address)
        flash[at : at + size] = b"\xff" * size
        return self._answer(command, index)

    def _at(self, address: int) -> tuple[bytearray, int]:
        return (self.cp, address - 0x8800000) if address >= 0x8800000 else (self.ap, address - 0x800000)
