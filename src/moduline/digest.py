"""CRC and hash variants, each under the name of the specification that asks for it; pure."""

from __future__ import annotations

import binascii
import hashlib
import zlib

import fastcrc


def crc16_arc(data: bytes, start: int = 0) -> int:
    """CRC-16/ARC (polynomial 0xA001 reflected, init 0); check value of ``123456789`` is 0xBB3D.

    Source: platform-unisoc 2.5 (.pac header and contents), 3.5 (fixed NV).
    """
    return int(fastcrc.crc16.arc(data, start))


def crc16_xmodem(data: bytes, start: int = 0) -> int:
    """CRC-16/XMODEM (polynomial 0x1021, init 0, MSB first); check value of ``123456789`` is 0x31C3.

    Source: platform-unisoc 5.4 (BSL frames of the 8850 ROM).
    """
    return binascii.crc_hqx(data, start)


def crc32(data: bytes, start: int = 0) -> int:
    """CRC-32 of zlib; check value of ``123456789`` is 0xCBF43926."""
    return zlib.crc32(data, start)


def crc32_checksum_json(data: bytes) -> int:
    """CRC-32 continued from 0xFFFFFFFF, as ``checksum.json`` of the crc32 era stores it.

    Source: device-api 6.1.
    """
    return zlib.crc32(data, 0xFFFFFFFF)


def sha256_hex(data: bytes) -> str:
    """SHA-256 as 64 lower-case hex digits."""
    return hashlib.sha256(data).hexdigest()
