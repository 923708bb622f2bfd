from __future__ import annotations

import struct
import zlib

import pytest

from moduline.errors import BadChecksum, BadFormat
from moduline.formats import sihr
from moduline.formats.container import unisoc
from samples import sample


def by_hand(payload: bytes = b"p" * 64, total: int | None = None) -> bytes:
    """A header put together by the offsets of platform-unisoc 3.2."""
    head = bytearray(256)
    head[0:4] = b"SIHR"
    struct.pack_into("<I", head, 36, 256 + len(payload) if total is None else total)
    head[40:44] = b"test"
    struct.pack_into("<I", head, 120, 0x657DAE07)
    struct.pack_into("<II", head, 124, 0x100, 0)
    struct.pack_into("<I", head, 132, zlib.crc32(payload))
    struct.pack_into("<III", head, 164, 0x100, len(payload), 0)
    struct.pack_into("<IIII", head, 176, 0x50800100, 0, 0x508002A4, 0)
    struct.pack_into("<II", head, 204, 0x120, 0x20)
    struct.pack_into("<I", head, 4, zlib.crc32(bytes(head[36:256])))
    return bytes(head) + payload


def test_sihr_when_made_by_hand_then_every_fact_is_read():
    image = sihr.read(by_hand())
    assert (image.name, image.total_bytes, image.time) == ("test", 320, 0x657DAE07)
    assert (image.load_address, image.entry_address) == (0x50800100, 0x508002A4)
    assert image.data == b"p" * 64
    assert image.is_signed


@pytest.mark.parametrize(
    ("name", "loads"), [("FDL", 0x50800100), ("AP", 0x60030100), ("SPL", 0x50800100), ("BOOT", 0x802EC100)]
)
def test_sihr_when_real_then_both_crcs_hold(name, loads):
    pac = unisoc.read(sample("unisoc/EC600GCN_LD__8850XM_cat1_open_core.pac").read_bytes())
    image = sihr.read(next(entry.data for entry in pac.entries if entry.id.text == name))
    assert image.name == "1_1_W23.42.5-unknown"
    assert image.load_address == loads


@pytest.mark.parametrize(
    ("at", "name"),
    [(4, "header CRC"), (100, "header CRC"), (255, "header CRC"), (256, "payload CRC"), (319, "payload CRC")],
)
def test_sihr_when_a_bit_flips_then_the_crc_is_named(at, name):
    data = bytearray(by_hand())
    data[at] ^= 1
    with pytest.raises(BadChecksum) as failure:
        sihr.read(bytes(data))
    assert failure.value.facts["name"] == name


@pytest.mark.parametrize(
    "data",
    [b"", b"SIHR", bytes(256), by_hand()[:-1], by_hand(total=255), by_hand(total=0xFFFFFFFF), by_hand(total=300)],
)
def test_sihr_when_cut_or_of_another_kind_then_refused(data):
    with pytest.raises(BadFormat):
        sihr.read(data)
