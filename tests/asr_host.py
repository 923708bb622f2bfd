"""A small host for tests of the module's side of ASR's wire, written from platform-asr alone: frames, sparse images, FIP.

Nothing here is taken from ``wire`` or ``formats``, so that the module is not judged by what it believes itself.
"""

from __future__ import annotations

import hashlib
import struct
import zlib

PREAMBLE = b"\x55\x55\x55\x55\x7e"
BLOCK = 4096
COMMAND, DATA, HEART_BEAT, STDIO = 3, 4, 5, 0


def frame(kind, payload=b""):
    """One frame: own flags, stuffed payload."""
    body = payload.replace(b"\x7d", b"\x7d\x5d").replace(b"\x7e", b"\x7d\x5e")
    return b"\x7e" + (bytes([0x7D, kind ^ 0x20]) if kind else b"") + body + b"\x7e"


def unframed(stream):
    """(type, payload) of every frame in a stream of whole frames."""
    found, at = [], 0
    while (start := stream.find(b"\x7e", at)) >= 0 and (end := stream.find(b"\x7e", start + 1)) >= 0:
        body, at = stream[start + 1 : end], end + 1
        if not body:
            at = end
            continue
        kind = 0
        if body[0] == 0x7D and body[1] not in {0x5E, 0x5D}:
            kind, body = body[1] ^ 0x20, body[2:]
        found.append((kind, body.replace(b"\x7d\x5e", b"\x7e").replace(b"\x7d\x5d", b"\x7d")))
    return found


def fip(code, certificate=None, end=None):
    """An image the boot ROM takes: two contents, the certificate with the digest of the first."""
    certificate = b"0\x82\x04\x0a" + hashlib.sha256(code).digest() + b"rest" if certificate is None else certificate
    first = 16 + 3 * 40
    second = first + len(code) + -len(code) % 4
    size = second + len(certificate)
    head = struct.pack("<IIQ", 0xAA640001, 0x12345678, 0x100000000)
    for uuid, offset, length in (
        ("5ff9ec0b4d223e4da544c39d81c73f0a", first, len(code)),
        ("d6e269ea5d63e4118d8c9fbabe9956a5", second, len(certificate)),
        ("00" * 16, size if end is None else end, 0),
    ):
        head += bytes.fromhex(uuid) + struct.pack("<QQQ", offset, length, 0)
    return (head + code).ljust(second, b"\0") + certificate


PREBOOT = fip(b"preboot" * 300)
FLASHER = fip(b"flasher" * 500)


def table(rows, *, magic=b"BTPA", count=None, crc=None, short=None):
    """A partition.bin; rows are (name, format, start, size)."""
    body = magic + struct.pack("<I", len(rows) if count is None else count)
    for name, kind, start, size in rows:
        word = b"flash\x000" if kind == "flash" else kind.encode()
        depth = {"group": 0, "flash": 1}.get(kind, 2)
        vstart = 0xFFFFFFFF if kind == "group" else 0x80000000 + start
        body += name.encode().ljust(32, b"\0") + word.ljust(16, b"\0")
        body += struct.pack("<IIIII", start, size, vstart, size, depth)
    body = body.ljust(0x888, b"\0")
    if short is not None:
        return body + b"\xaa" * short
    return body + struct.pack("<I", zlib.crc32(body) if crc is None else crc)


def flash_list(ids, *, magic=b"FNIF", following=0, count=None):
    """A flashinfo.bin of one block."""
    body = magic + struct.pack("<I", ids[0]) + b"NAME".ljust(64, b"\0") + b"QSPI_NOR".ljust(32, b"\0")
    body += struct.pack("<8I", 1, 0x1000, 0x100, 0x1000, 0x10000, 0, 0x800000, 0)
    body += bytes([0xFF, following, 0, 0]) + struct.pack("<I", len(ids) if count is None else count)
    return body + b"".join(struct.pack("<II", one, 0) + b"DEVICE".ljust(64, b"\0") for one in ids)


def chunk(kind, blocks, data=b"", total=None, lead=16):
    """One sparse chunk."""
    size = lead + len(data) if total is None else total
    return struct.pack("<HHII", kind, 0, blocks, size).ljust(lead, b"\0") + data


def sparse(chunks, total, *, block=BLOCK, head=32, lead=16, count=None, magic=0xED26FF3A):
    """A sparse image of chunks that are bytes."""
    chunks = list(chunks)
    header = struct.pack(
        "<IHHHHIIII", magic, 1, 0, head, lead, block, total, len(chunks) if count is None else count, 0
    ).ljust(head, b"\0")
    return header + b"".join(chunks)


def vendor_sparse(data, first, total):
    """One segment as the vendor's host cuts it: skip, raw, skip, CRC."""
    data = data.ljust(-(-len(data) // BLOCK) * BLOCK, b"\xff")
    blocks = len(data) // BLOCK
    chunks = [chunk(0xCAC3, first)] if first else []
    chunks.append(chunk(0xCAC1, blocks, data))
    if total > first + blocks:
        chunks.append(chunk(0xCAC3, total - first - blocks))
    chunks.append(chunk(0xCAC4, 0, struct.pack("<I", zlib.crc32(data))))
    return sparse(chunks, total)


class Host:
    """Talks SMUX with a session; ``events`` has what the session reported, ``logs`` and ``notes`` what it said."""

    def __init__(self, session, mtu=1024):
        self.session = session
        self.mtu = mtu
        self.now = 0.0
        self.events = []
        self.logs = []
        self.notes = []  # INFO and PROG
        self.beats = 0

    def raw(self, data=b""):
        """Send bytes, give the bytes that come back."""
        self.events += self.session.advance(self.now)
        self.events += self.session.receive(data) if data else []
        return self.session.bytes_to_send()

    def wait(self, seconds):
        """Let time pass in steps of the session's own; give what it said."""
        until, said = self.now + seconds, b""
        while (due := self.session.wake_at_s) is not None and due <= until:
            self.now = max(due, self.now)
            self.events += self.session.advance(self.now)
            said += self.session.bytes_to_send()
        self.now = until
        return said

    def open(self):
        """Greeting and HELLO."""
        self.raw()  # heart-beats to the host before
        assert self.raw(PREAMBLE) == b"\x7eUABT"
        assert self.raw(b"\x7eUABT\x7e") == b"\x7eUABT\x7e"
        assert self.raw(frame(1, self.mtu.to_bytes(2, "big"))) == frame(2, self.mtu.to_bytes(2, "big"))
        return self

    def take(self, stream):
        """The final answers in a stream; the rest is noted."""
        finals = []
        for kind, payload in unframed(stream):
            if kind == STDIO:
                self.logs.append(payload.decode())
            elif kind == HEART_BEAT:
                self.beats += 1
            elif payload[:4] in {b"INFO", b"PROG"}:
                self.notes.append(payload.decode())
            else:
                finals.append(payload.decode())
        return finals

    def say(self, text):
        """One command; gives its final answer, "" for silence."""
        finals = self.take(self.raw(frame(COMMAND, text.encode())))
        return finals[-1] if finals else ""

    def send(self, data):
        """Content in frames of the MTU; gives the answer behind the last."""
        stream = b"".join(frame(DATA, data[at : at + self.mtu]) for at in range(0, len(data), self.mtu))
        finals = self.take(self.raw(stream))
        return finals[-1] if finals else ""

    def download(self, data):
        """A whole transfer."""
        answer = self.say(f"download:{len(data):08x}")
        return self.send(data) if answer == f"DATA{len(data):08x}" else answer

    def call(self, image):
        """Load an image and run it; gives the answers."""
        return [self.download(image), self.say("verify"), self.say("call")]

    def up(self):
        """Bring the flasher up from the ROM."""
        self.open()
        assert self.call(PREBOOT) == ["OKAY"] * 3
        assert self.call(FLASHER) == ["OKAY"] * 3
        return self

    def told(self, partitions, ids=(0x601800C8,)):
        """Give the flasher its tables."""
        for image in (flash_list(list(ids)), partitions):
            assert self.download(image) == "OKAY"
            assert self.say("partition") == "OKAY"
        return self

    def put(self, name, image):
        """Send a sparse image and have it written; gives the final answer."""
        answer = self.download(image)
        return self.say(f"flash:{name}") if answer == "OKAY" else answer

    def write(self, name, data, size):
        """Write content into a partition of that size as the vendor's host does: 255 blocks at a time."""
        for first in range(0, -(-len(data) // BLOCK), 255):
            piece = data[first * BLOCK : (first + 255) * BLOCK]
            answer = self.put(name, vendor_sparse(piece, first, size // BLOCK))
            if answer != "OKAY":
                return answer
        return "OKAY"
