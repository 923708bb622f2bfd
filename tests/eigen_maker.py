"""Small EigenComm packages put together as the reference says, byte by byte; nothing of our writers is used."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zipfile

from moduline.formats.littlefs import FsGeometry, write_image

BLOCK = 4096
TIME = 0x66000000
FOLDER = "QPY_BETA0003_EC800E_CNLC_FW"
VERSION = b"EC800ECNLCR01A01M04_BETA1201"
SYSTEM = b"code " + VERSION + b"\0EC800E-CNLC\0 more code"
U_OFFSET, U_ROOM = 0x300000, 0x40000
B_OFFSET, B_ROOM = 0x340000, 0x20000
AGENTBOOT = b"agentboot for tests " * 20
INI = (
    b"; made by hand\r\n[File]\r\nFile_Count=4\r\n\r\n"
    b"[File_1]\r\nSTART_ADDR=0x2F0000\r\nMAX_SIZE=0x10000 ; room\r\n"
    b"[File_2]\r\nSTART_ADDR=0x3B4000\r\nMAX_SIZE=0x18000\r\n"
    b"[File_3]\r\nSTART_ADDR=0x300000\r\nMAX_SIZE=0x40000\r\n"
    b"[File_4]\r\nSTART_ADDR=0x340000\r\nMAX_SIZE=0x20000\r\n"
)
FORMAT = {
    "fs": {"begin": "0xb00000", "length": 0x40000},
    "rr": {"begin": "0x88E7000", "length": 102400},
    "cal": [{"stor_type": "ap_flash", "offst_flag": 1, "begin": "0x3CC000", "length": 0x18000}],
}
ENTRIES = (
    ("ap_bootloader", "BL", 0x4000, 0x8000, b"boot " * 40),
    ("ap_at_command", "AP", 0x24000, 0x2CC000, SYSTEM),
    ("cp-demo-flash", "CP", 0, 0x80000, b"modem " * 40),
)


def file_system(kind: str = "lfs2", blocks: int = U_ROOM // BLOCK, files=()) -> bytes:
    """A file system as a firmware's own image has it."""
    return write_image(files, FsGeometry(kind, BLOCK, blocks, 32, 32))


def padded(text: str, width: int) -> bytes:
    return text.encode().ljust(width, b"\0")


def binpkg_106(entries=ENTRIES, version: str = "106", records: bytes = b"", variant: int = 0) -> bytes:
    """platform-eigencomm 1.3, 1.4."""
    data = padded(version, 8) + b"bpkg" + struct.pack("<II", TIME, len(entries)) + padded("SHA256", 8)
    data += struct.pack("<HH", variant, 0) + bytes(20) + records
    for name, kind, address, room, content in entries:
        head = padded(name, 64) + struct.pack("<4I", address, room, len(data), len(content))
        data += head + padded(hashlib.sha256(content).hexdigest().upper(), 256) + padded(kind, 16) + bytes(12) + content
    return data


def binpkg_105(entries=ENTRIES) -> bytes:
    data = padded("105", 8) + struct.pack("<II", TIME, len(entries)) + padded("SHA256", 8) + bytes(16)
    for name, kind, address, _, content in entries:
        head = padded(name, 64) + struct.pack("<3I", address, len(data), len(content))
        data += head + padded(hashlib.sha256(content).hexdigest().upper(), 256) + padded(kind, 16) + bytes(4) + content
    return data


def mode_records(product: str) -> bytes:
    """The three records of a "pkgmode" package: the word at 0x38, the product at 0x190."""
    first = struct.pack("<HH", 1, 0) + padded("pkgmode", 64) + struct.pack("<I", 1) + bytes(68)
    second = struct.pack("<HH", 4, 0) + bytes(136)
    third = struct.pack("<HH", 2, 0) + padded("productname", 64) + padded(product, 64) + bytes(8)
    return first + second + third


def members(**changes: bytes | None) -> dict[str, bytes]:
    """The files of the folder, in the published order; a change of None leaves one out."""
    files = {
        "agentboot_uart/agentboot.bin": AGENTBOOT + b"uart",
        "agentboot_usb/agentboot.bin": AGENTBOOT + b"usb",
        "ap_application.bin": b"application",
        "ap_updater.bin": b"updater" * 9,
        "at_command.binpkg": binpkg_106(),
        "customer_backup_fs.bin": file_system(blocks=B_ROOM // BLOCK),
        "customer_fs.bin": file_system(),
        "format_ec618.json": json.dumps(FORMAT).encode(),
        "MergeRfTable.bin": b"calibration table",
        "quec_download_config.ini": INI,
        "quec_download_uart.ini": b"[control]\nrom_version = 0000000102000000\n",
        "quec_download_usb.ini": b"[control]\nrom_version = 0000000102000000\n",
    }
    renamed = {name.replace("__", "."): data for name, data in changes.items()}
    return {name: data for name, data in (files | renamed).items() if data is not None}


def zip_of(files: dict[str, bytes]) -> bytes:
    """A zip as an archiver makes it: mixed compression, times of its own, a directory entry."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for index, (name, data) in enumerate(files.items()):
            info = zipfile.ZipInfo(name, (2023, 5, 1 + index % 28, 10, 20, 2 * index % 60))
            info.compress_type = zipfile.ZIP_DEFLATED if index % 2 else zipfile.ZIP_STORED
            archive.writestr(info, data)
        archive.comment = b"made by hand"
    return target.getvalue()


def layout_2023(**changes: bytes | None) -> bytes:
    folder = {f"{FOLDER}/{name}": data for name, data in members(**changes).items()}
    return zip_of({"changelog.md": b"# changes\n", f"{FOLDER}/": b""} | folder)


def layout_2024(**changes: bytes | None) -> bytes:
    more = {
        "single_pkg/ap_at_command.bin": SYSTEM,
        "allpkg_qdownload_image.bin": b"not documented",
        "quec_usb_prog_pkg.bin": b"not documented either",
    }
    folder = {f"{FOLDER}/{name}": data for name, data in (members(**changes) | more).items()}
    inner = zip_of({"platform_config.json": b'{"platform":"EIGEN"}', f"{FOLDER}/": b""} | folder)
    return zip_of({f"{FOLDER}/changelog.md": b"# changes\n", f"{FOLDER}/{FOLDER}.bin": inner})
