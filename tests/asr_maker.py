"""Small ASR packages for tests, put together by hand: nothing of our writers is used for tables and script."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

VERSION = b"EC600NCNLCR03A01M08_OCPU_PY_HANDMADE"
U_START, U_SIZE = 0x100000, 0x10000
B_START, B_SIZE = 0x110000, 0x10000
ROWS = (
    ("all", b"group", 0, 0x200000, 0),
    ("external", b"flash\x000", 0, 0x200000, 1),
    ("bootloader", b"ubi", 0, 0x10000, 2),
    ("system", b"part", 0x10000, 0x80000, 2),
    ("cp", b"raw", 0x20000, 0x40000, 3),
    ("customer_fs", b"raw", U_START, U_SIZE, 2),
    ("customer_backup_fs", b"raw", B_START, B_SIZE, 2),
    ("nvm", b"raw", 0x1F0000, 0x10000, 2),
)
SCRIPT = b"""[
   {"command" : "require", "group" : "0", "name" : "product", "value" : "arom-tiny"},
   {"command" : "require", "group" : "0", "name" : "version-bootrom", "value" : "2020.07.30"},
   {"command" : "progress", "group" : "0", "name" : "weight", "value" : 3},
   {"command" : "call", "group" : "0", "image" : "preboot.img"},
   {"command" : "call", "group" : "0", "image" : "flasher.img"},
   {"command" : "partition", "group" : "0", "image" : "flashinfo.bin"},
   {"command" : "partition", "group" : "0", "image" : "partition.bin"},
   {"command" : "flash", "group" : "2", "image" : "cp.bin", "partition" : "cp", "weight" : 1, "x-vendor": [1, {"a": 2}]},
   {"command" : "erase", "group" : "4", "partition" : "nvm"},
   {"command" : "flash", "group" : "6", "image" : "customer_fs.bin", "partition" : "customer_fs",
    "imageSize" : "0x10000", "weight" : 1},
   {"command" : "fuse", "group" : "5", "productionOnly" : true}
]
"""


def table(rows=ROWS) -> bytes:
    """A ``partition.bin``."""
    slots = b""
    for name, kind, start, size, depth in rows:
        address = 0xFFFFFFFF if depth == 0 else (0x80000000 + start) & 0xFFFFFFFF
        slots += (
            name.encode().ljust(32, b"\0")
            + kind.ljust(16, b"\0")
            + struct.pack("<5I", start, size, address, size, depth)
        )
    body = (b"BTPA" + struct.pack("<I", len(rows)) + slots).ljust(0x888, b"\0")
    return body + struct.pack("<I", zlib.crc32(body))


def flash_list(size: int = 0x200000) -> bytes:
    """A ``flashinfo.bin`` of one device."""
    head = b"FNIF" + struct.pack("<I", 0x601500C8) + b"TEST".ljust(64, b"\0") + b"QSPI_NOR".ljust(32, b"\0")
    head += struct.pack("<8I", 1, 0x1000, 0x100, 0x1000, 0x10000, 0, size, 0) + b"\xff\0\0\0" + struct.pack("<I", 1)
    return head + struct.pack("<2I", 0x601500C8, 0) + b"TEST".ljust(64, b"\0")


def fip(content: bytes = b"code") -> bytes:
    """A loader image of one content."""
    uuid = bytes.fromhex("5ff9ec0b4d223e4da544c39d81c73f0a")
    end = 16 + 80 + len(content)
    head = struct.pack("<IIQ", 0xAA640001, 0x12345678, 0x100000000) + uuid + struct.pack("<3Q", 96, len(content), 0)
    return head + bytes(16) + struct.pack("<3Q", end, 0, 0) + content


def members(**changes: bytes | None) -> dict[str, bytes]:
    """The members; ``name__ext=...`` changes one, None leaves it out."""
    found: dict[str, bytes | None] = {
        "download.json": SCRIPT,
        "partition.bin": table(),
        "flashinfo.bin": flash_list(),
        "preboot.img": fip(b"one"),
        "flasher.img": fip(b"three"),
        "cp.bin": b"\0" * 16 + VERSION + b"\0" * 16,
        "customer_fs.bin": b"\xff" * U_SIZE,
        "notes.txt": b"hello",
    }
    found |= {name.replace("__", "."): data for name, data in changes.items()}
    return {name: data for name, data in found.items() if data is not None}


def zipped(content: dict[str, bytes], folder: str = "", comment: bytes = b"remark") -> bytes:
    """A zip with a time of its own for each member."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, (name, data) in enumerate(content.items()):
            info = zipfile.ZipInfo(folder + name, (2024, 5, 1 + number % 28, 10, 0, 0))
            info.compress_type = zipfile.ZIP_STORED if number % 2 else zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
        archive.comment = comment
    return target.getvalue()


def small_file(folder: str = "", **changes: bytes | None) -> bytes:
    """A whole package."""
    return zipped(members(**changes), folder)
