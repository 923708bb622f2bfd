"""Small packages for tests, put together by hand: nothing of our writer is used for the XML or the image headers."""

from __future__ import annotations

import struct
import zlib

from moduline.formats.container import unisoc
from moduline.formats.container.unisoc import Pac, PacEntry, PacHeader
from moduline.formats.record import WideText

U_ADDRESS, U_SIZE = 0x604E0000, 0x3000
B_ADDRESS, B_SIZE = 0x60540000, 0x2000
VERSION = b"EG915UEUABR03A06M08_OCPU_QPY_01.300.01.300"


def uimage(payload: bytes) -> bytes:
    """A U-Boot image, big-endian header with both CRCs."""
    rest = struct.pack(">II", zlib.crc32(payload), 0x05020100) + b"test".ljust(32, b"\0")
    head = struct.pack(">4I", 1756864823, len(payload), 0x60010040, 0x60010040) + rest
    crc = zlib.crc32(b"\x27\x05\x19\x56" + bytes(4) + head)
    return b"\x27\x05\x19\x56" + struct.pack(">I", crc) + head + payload


def nv_block(size: int = 0x200) -> bytes:
    """A template with a stale CRC, an IMEI and a calibration item."""
    items = bytes.fromhex("0500 0800 8a16325476981032 6d02 0300 01020300 ffff")
    return (b"\x12\x34\x1c\x29" + items).ljust(size, b"\xff")


CPIO = (
    bytes.fromhex("c771 7336 4aca b681 0000 0000 0100 0000 0860 4add 1400 0000 1500")
    + b"prepack/example.txt\0PREPACK FILE EXAMPLE\n\0"
    + bytes.fromhex("c771 0000 0000 0000 0000 0000 0100 0000 0000 0000 0b00 0000 0000")
    + b"TRAILER!!!\0\0"
)


def file_element(name: str, kind: str, address: int, size: int, flag: int, check: int, style: str) -> str:
    """One ``File`` in the vendor generator's style ("crlf") or in pacmerge's ("lf")."""
    lead, step, end = ("\t\t\t", "\t", "\r\n") if style == "crlf" else ("   ", " ", "\n")
    lines = [
        "<File>",
        f"{step}<ID>{name}</ID>",
        f"{step}<IDAlias>{name}</IDAlias>",
        f"{step}<Type>{kind}</Type>",
        f"{step}<Block>",
        f"{step}{step}<Base>{address:#x}</Base>",
        f"{step}{step}<Size>{size:#x}</Size>",
        f"{step}</Block>",
        f"{step}<Flag>{flag}</Flag>",
        f"{step}<CheckFlag>{check}</CheckFlag>",
        f"{step}<Description>{name}</Description>",
        "</File>",
    ]
    return "".join(lead + line + end for line in lines)


def xml_of(files: list[tuple[str, str, int, int, int, int]], style: str = "crlf") -> bytes:
    """A whole XML around ``File`` elements."""
    tab, end = ("\t", "\r\n") if style == "crlf" else (" ", "\n")
    head = '<?xml version="1.0" encoding="utf-8"?>\r\n' if style == "crlf" else ""
    product = [
        "<BMAConfig>",
        f"{tab}<ProductList>",
        f'{tab * 2}<Product name="UIX8910_MODEM">',
        f'{tab * 3}<NVBackup backup="1">',
        f'{tab * 4}<NVItem backup="1" name="Calibration">',
        f"{tab * 5}<ID>0xffffffff</ID>",
        f'{tab * 5}<BackupFlag use="1"/>',
        f"{tab * 4}</NVItem>",
        f'{tab * 4}<NVItem name="GSM Calibration" backup="1">',
        f"{tab * 5}<ID>0x26d</ID>",
        f'{tab * 5}<BackupFlag use="1">',
        f'{tab * 6}<NVFlag name="Continue" check="1"/>',
        f"{tab * 5}</BackupFlag>",
        f"{tab * 4}</NVItem>",
        f"{tab * 3}</NVBackup>",
        f"{tab * 2}</Product>",
        f"{tab}</ProductList>",
        f"{tab}<SchemeList>",
        f'{tab * 2}<Scheme name="UIX8910_MODEM">',
    ]
    tail = [f"{tab * 2}</Scheme>", f"{tab}</SchemeList>", "</BMAConfig>"]
    text = head + "".join(line + end for line in product)
    text += "".join(file_element(*file, style) for file in files)
    return (text + "".join(line + end for line in tail)).encode()


def stock_rows(*, has_areas: bool = True, has_modem: bool = True) -> list[tuple[str, str, int, int, bytes, int]]:
    """(id, type, address, size, content, check) of a small 8910 package in QuecPython's order."""
    areas = [
        ("ERASE_PY_FS_U", "EraseFlash", U_ADDRESS, U_SIZE, b"", 1),
        ("ERASE_PY_FS_B", "EraseFlash", B_ADDRESS, B_SIZE, b"", 1),
    ]
    modem = [("PS", "CODE", 0x60560000, 0x280000, b"\xe5\x01" * 40, 1)]
    return [
        ("HOST_FDL", "HOST_FDL", 0x8000C0, 0xFF40, uimage(b"first loader"), 1),
        ("FDL2", "FDL2", 0x810000, 0x30000, uimage(b"second loader"), 1),
        ("ERASE_BOOT", "EraseFlash", 0x60000000, 0x10000, b"", 1),
        ("AP", "CODE", 0x60010000, 0x280000, uimage(b"\0" + VERSION + b"\0EG915U-EUAB\0"), 1),
        *(areas if has_areas else []),
        *(modem if has_modem else []),
        ("FMT_FSSYS", "EraseFlash", 0xFE000006, 0x53595346, b"", 0),
        ("PhaseCheck", "CODE", 0xFE000002, 0x100, b"", 1),
        ("FLASH", "EraseFlash", 0xFE000001, 0, b"", 1),
        ("NV", "NV", 0xFE000003, 0x20000, nv_block(), 1),
        ("PREPACK", "CODE", 0xFE000004, 0, CPIO, 1),
        ("BOOTLOADER", "CODE", 0x60000000, 0x10000, uimage(b"boot"), 1),
    ]


def small_pac(rows: list[tuple[str, str, int, int, bytes, int]] | None = None, *, style: str = "crlf") -> Pac:
    """A small package as a container value; ``style`` is the XML's."""
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
        (name, kind, address, size, int(bool(data)), int(kind in {"HOST_FDL", "FDL2", "FDL"}))
        for name, kind, address, size, data, _ in rows
    ]
    xml = PacEntry.of(
        "", flag=2, check=0, can_omit=0, address=0, data=xml_of(files, style), file_name="UIX8910_MODEM.xml"
    )
    header = PacHeader(
        WideText.of("UIX8910_MODEM"), WideText.of("8910 MODULE"), WideText.of("8915DM_cat1_open"), 1, nv_backup=1
    )
    return Pac(header, (*entries, xml))


def small_file(*, style: str = "crlf") -> bytes:
    """A small package as bytes."""
    return unisoc.write(small_pac(style=style))
