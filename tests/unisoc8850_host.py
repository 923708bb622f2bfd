"""A small host for an 8850, put together from the words of platform-unisoc 5 and 7; nothing of Moduline is used."""

from __future__ import annotations

import zlib

ACK = 0x80
CONNECT, START, MIDST, END, EXEC, RESET, READ, BAUD, ERASE = 0, 1, 2, 3, 4, 5, 6, 9, 0x0A
REPARTITION, POWER_OFF, DEBUG = 0x0B, 0x17, 0x25
FDL_AT, NV, PHASE_CHECK, CPIO, FORMAT = 0x50800000, 0xFE000003, 0xFE000002, 0xFE000004, 0xFE000006
VER_ROM = bytes.fromhex("7e 00 81 00 06 53 50 52 44 33 00 57 0a 7e")
VER_FDL = bytes.fromhex(
    "7e 00 81 00 22 53 70 72 65 61 64 74 72 75 6d 20 42 6f 6f 74 20 42 6c 6f 63 6b 20 76 65 72 73 69 6f 6e 20 31 2e 32"
    "00 a9 e9 7e"
)


def crc16(data):
    """5.4: polynomial 0x1021, from 0, high bit first, sent big-endian."""
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc.to_bytes(2, "big")


def sum16(data):
    """5.4: one's complement sum of little-endian words, folded twice, complemented, low byte first."""
    total = sum(int.from_bytes(data[i : i + 2], "little") for i in range(0, len(data), 2))
    for _ in range(2):
        total = (total >> 16) + (total & 0xFFFF)
    return (total ^ 0xFFFF).to_bytes(2, "little")


CHECKS = {"rom": crc16, "fdl": sum16}


def frame(kind, data=b"", check=sum16):
    body = kind.to_bytes(2, "big") + len(data).to_bytes(2, "big") + data
    body += check(body)
    return b"\x7e" + body.replace(b"\x7d", b"\x7d\x5d").replace(b"\x7e", b"\x7d\x5e") + b"\x7e"


def unframed(said, check=sum16):
    """(type, data) of every frame in the answers; a wrong check is an assertion."""
    frames = []
    for piece in said.split(b"\x7e"):
        if piece:
            body = piece.replace(b"\x7d\x5e", b"\x7e").replace(b"\x7d\x5d", b"\x7d")
            assert body[-2:] == check(body[:-2]), body.hex(" ")
            size = int.from_bytes(body[2:4], "big")
            assert len(body) == size + 6, body.hex(" ")
            frames.append((int.from_bytes(body[:2], "big"), body[4:-2]))
    return frames


def words(*numbers):
    return b"".join(number.to_bytes(4, "big") for number in numbers)


def sihr(payload, load=0x50800100, name=b"test", **changes):
    """An image behind the header of 3.2, both CRCs right unless ``header_crc`` or ``payload_crc`` say otherwise."""
    head = bytearray(256)
    head[0:4] = b"SIHR"
    head[36:40] = changes.get("total", 256 + len(payload)).to_bytes(4, "little")
    head[40 : 40 + len(name)] = name
    head[104:112] = bytes([1, 0, 0, 0, 1, 0, 1, 0])
    head[116] = 1
    head[124:128] = (256).to_bytes(4, "little")
    head[132:136] = changes.get("payload_crc", zlib.crc32(payload)).to_bytes(4, "little")
    head[164:168] = (256).to_bytes(4, "little")
    head[168:172] = len(payload).to_bytes(4, "little")
    head[176:180] = head[184:188] = load.to_bytes(4, "little")
    head[4:8] = changes.get("header_crc", zlib.crc32(bytes(head[36:]))).to_bytes(4, "little")
    return bytes(head) + payload


LOADER = sihr(b"a loader of nobody " * 80)


def loader_for(*models):
    return sihr(b"x\0" + b"".join(model + b"\0" for model in models) + b"a loader" * 50)


def cpio(*members):
    """An archive as 3.4 describes it: (path, content), or (path, None) for a folder."""
    out = b""
    for name, data in [*members, (None, b"")]:
        path = (b"TRAILER!!!" if name is None else name) + b"\0"
        mode = 0 if name is None else 0o040777 if data is None else 0o100666
        content = data or b""
        numbers = [0x71C7, 0, 0, mode, 0, 0, 1, 0, 0, 0, len(path), len(content) >> 16, len(content) & 0xFFFF]
        out += b"".join(number.to_bytes(2, "little") for number in numbers)
        out += path + b"\0" * (len(path) % 2) + content + b"\0" * (len(content) % 2)
    return out


class Host:
    """Sends commands and gives the answers; ``events`` has what the session reported."""

    def __init__(self, session):
        self.session = session
        self.stage = "rom"
        self.events = []

    def raw(self, data):
        """Send bytes, give the bytes that come back."""
        self.events += self.session.receive(data)
        return self.session.bytes_to_send()

    def told(self, kind, data=b""):
        """One command; gives all its answers."""
        check = CHECKS[self.stage]
        return unframed(self.raw(frame(kind, data, check)), check)

    def say(self, kind, data=b""):
        """One command; gives (type, data) of its one answer, None for silence."""
        answers = self.told(kind, data)
        assert len(answers) <= 1
        return answers[0] if answers else None

    def code(self, kind, *numbers):
        """One command with words as data; gives the type of its one answer."""
        answer = self.say(kind, words(*numbers))
        return answer[0] if answer else None

    def write(self, address, content, packet=0x800, size=None):
        """START, MIDST..., END; gives the answer types up to the first that is not ACK."""
        codes = [self.code(START, address, len(content) if size is None else size)]
        for at in range(0, len(content), packet):
            if codes[-1] != ACK:
                return codes
            answers = self.told(MIDST, content[at : at + packet])
            codes += [kind for kind, _ in answers] or [None]
        if codes[-1] == ACK:
            codes.append(self.code(END))
        return codes

    def load(self, image=LOADER):
        """In the ROM: greet, connect, load an image and run it; gives the answer types of the last four steps."""
        assert self.raw(b"\x7e\x7e\x7e") == VER_ROM
        codes = [self.code(CONNECT), *self.write(FDL_AT, image, 0x210)]
        if codes[-1] == ACK:
            codes.append(self.code(EXEC))
        return codes

    def up(self, image=LOADER):
        """To the loader, connected; gives this host."""
        assert set(self.load(image)) == {ACK}
        self.stage = "fdl"
        assert self.raw(b"\x7e\x7e\x7e") == VER_FDL
        assert self.code(CONNECT) == ACK
        return self
