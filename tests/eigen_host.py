"""A small host for tests of the EigenComm module's side: packets put together as platform-eigencomm 3 says, without our codec."""

from __future__ import annotations

import hashlib
import struct
import zlib

DLBOOT = bytes.fromhex("00D3022B")
AGBOOT = bytes.fromhex("AAD3022B")
LPC = bytes.fromhex("CDD3022B")
WRONG = bytes.fromhex("2B02D3EE")
RESET = b"ZzZzZzZz"

BOOT_ID, AP_ID, CP_ID, FLEX_ID = 0x4F424D49, 0x444B4249, 0x43504249, 0x464C5849
HEAD_ID = 0x54494D48
TO_CP, TO_AP = b"\x01\xe1", b"\x01\xe0"


def crc8(data):
    """Polynomial 0x31 reflected, start 0."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0x8C if crc & 1 else crc >> 1
    return crc


def rom_packet(command, data=b"", index=0):
    """A request to the boot ROM."""
    body = bytes([command, index, 0xCD, 0x32]) + struct.pack("<I", len(data)) + data
    return body + struct.pack("<I", sum(body)) if command == 0x32 else body


def packet(command, data=b"", index=0, family=b"\xcd\x32"):
    """A request to the agentboot."""
    size = len(data).to_bytes(3, "little")
    head = bytes([command, index]) + family + size
    check = zlib.crc32(head + b"\0" + data)
    return head + bytes([crc8(size) if data else 0]) + data + struct.pack("<I", check)


def order(command, data=b"", index=0):
    """A request to LPC."""
    return packet(command, data, index, b"\x4c\xb3")


def answer_of(command, data=b"", index=0, *, family=b"\xcd\x32", state=0):
    """An answer of the agentboot."""
    body = bytes([command, index]) + family + bytes([state, len(data)]) + data
    return body + struct.pack("<I", zlib.crc32(body))


def lpc_answer(command, data=b"", index=0, state=0):
    """An answer of LPC."""
    return answer_of(command, data, index, family=b"\x4c\xb3", state=state)


def head(
    image_id, image, burn=0, *, mode=0xEE, baud=0, skip=0, count=1, size=None, digest=None, extra=b"", magic=0x10000001
):
    """The 272 bytes before an image, with the hash of themselves."""
    digest = hashlib.sha256(image).digest() if digest is None else digest
    size = len(image) if size is None else size
    first = struct.pack("<4IIBBHII", magic, HEAD_ID, 0x20180507, 0, count, mode, skip, baud, 0, 0)
    last = struct.pack("<4I16x32s128x", image_id, burn, 0x04010000, size, digest) + extra.ljust(16, b"\0")
    return first + hashlib.sha256(first + bytes(32) + last).digest() + last


AGENTBOOT = bytes(range(256)) * 9 + b"agentboot's end"


class EigenHost:
    """Talks to an EigenSession; ``events`` has what the session reported, time passes only in ``wait``."""

    def __init__(self, session):
        self.session = session
        self.events = []
        self.now_s = 1000.0
        self.wait(0)

    def raw(self, data):
        """Send bytes, give the bytes that come back."""
        self.events += self.session.receive(data)
        return self.session.bytes_to_send()

    def wait(self, seconds):
        """Let time pass, as the loop that owns the port does; gives what the module says meanwhile."""
        end = self.now_s + seconds
        while True:
            self.events += self.session.advance(self.now_s)
            if self.now_s >= end:
                return self.session.bytes_to_send()
            self.now_s = min(end, self.session.wake_at_s)

    # ---- the boot ROM ------------------------------------------------------------------------------------------------

    def rom_content(self, content, step):
        """DATA_HEAD and DATA until all is there, then DONE; gives the answers."""
        answers, at, index = [], 0, 0
        while at < len(content):
            said = self.raw(rom_packet(0x31, struct.pack("<I", len(content) - at)))
            answers.append(said)
            size = struct.unpack("<I", said[6:10])[0] if len(said) == 10 else step
            answers.append(self.raw(rom_packet(0x32, content[at : at + size], index)))
            at, index = at + size, (index + 1) % 256
        return [*answers, self.raw(rom_packet(0x3A))]

    def start_agentboot(self, image=AGENTBOOT):
        """Everything the ROM wants; gives this host."""
        assert self.raw(DLBOOT * 2) == DLBOOT
        self.rom_content(head(BOOT_ID, image, baud=0xA400), 0x110)
        assert self.raw(DLBOOT * 2) == DLBOOT
        assert self.rom_content(image, 0x400)[-1] == bytes.fromhex("3A00CD320000")
        return self

    # ---- the agentboot -----------------------------------------------------------------------------------------------

    def lpc(self, command, data=b""):
        """One order; gives (state, data), None for silence."""
        return self._parsed(self.raw(order(command, data)))

    def ask(self, command, data=b"", index=0):
        """One request of the download layer; gives (state, data), None for silence."""
        return self._parsed(self.raw(packet(command, data, index)))

    def _parsed(self, said):
        if not said:
            return None
        state, size = said[4], said[5]
        assert len(said) == 10 + size
        assert struct.unpack("<I", said[6 + size :])[0] == zlib.crc32(said[: 6 + size])
        return state, said[6 : 6 + size]

    def up(self):
        """The agentboot runs and LPC listens; gives this host."""
        self.start_agentboot()
        assert self.raw(LPC * 2) == LPC
        return self

    def begin(self, image_id, selector=b""):
        """BURN_ONE and the silent pair, then the pair with an echo."""
        assert self.lpc(0x42, struct.pack("<I", image_id) + selector) == (0, b"")
        assert self.raw(AGBOOT * 2) == b""
        assert self.raw(AGBOOT * 2) == AGBOOT

    def content(self, data):
        """One session's DATA_HEAD, DATA and DONE; gives the last answer."""
        at, index, last = 0, 0, (0, b"")
        while at < len(data):
            state, size = self.ask(0x31, struct.pack("<I", len(data) - at))
            if state:
                return state, size
            step = struct.unpack("<I", size)[0]
            last = self.ask(0x32, data[at : at + step], index)
            if last is None or last[0]:
                return last
            at, index = at + step, index + 1
        return self.ask(0x3A)

    def burn(self, image_id, image, address=0, selector=b"", **fields):
        """One whole image; gives BURN_STATUS."""
        self.begin(image_id, selector)
        done = self.content(head(image_id, image, address, **fields))
        for at in range(0, len(image), 0x10000):
            if done is None or done[0]:
                break
            assert self.raw(AGBOOT * 2) == AGBOOT
            done = self.content(image[at : at + 0x10000])
        return self.status()

    def status(self):
        """BURN_STATUS."""
        state, data = self.lpc(0x44)
        assert state == 0
        return struct.unpack("<I", data)[0]
