"""Small .binpkg files for tests, put together as platform-eigencomm 1.3 says, without our code."""

from __future__ import annotations

import hashlib
import struct


def binpkg(*entries):
    """A package of version 106; entries are (name, address, limit, type, data)."""
    out = struct.pack("<8s4sII8s24x", b"106", b"bpkg", 0x66000000, len(entries), b"SHA256")
    assert len(out) == 52
    for name, address, limit, kind, data in entries:
        digest = hashlib.sha256(data).hexdigest().upper().encode()
        out += struct.pack(
            "<64sIIII256s16s12x", name.encode(), address, limit, len(out), len(data), digest, kind.encode()
        )
        out += data
    return out


def entries_of(package):
    """(name, address, limit, type, data, SHA-256 in lower case) of each entry."""
    found, at = [], 52
    while at < len(package):
        name, address, limit, start, size, digest, kind = struct.unpack_from("<64sIIII256s16s", package, at)
        assert start == at
        data = package[at + 364 : at + 364 + size]
        texts = [text.rstrip(b"\0").decode() for text in (name, kind, digest)]
        found.append((texts[0], address, limit, texts[1], data, texts[2].lower()))
        at += 364 + size
    return found
