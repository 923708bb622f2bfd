from __future__ import annotations

import struct
import zlib

import pytest

from moduline.errors import BadChecksum, BadFormat
from moduline.formats import appimg
from moduline.formats.container import unisoc
from samples import sample


def by_hand(body: bytes = b"code" * 8) -> bytes:
    """A header put together by the offsets of platform-unisoc 3.3."""
    data = bytearray(b"2PPA" + struct.pack("<III", 32 + len(body), 0, 0x10000) + bytes(16) + body)
    struct.pack_into("<I", data, 8, zlib.crc32(bytes(data)))
    return bytes(data)


def test_appimg_when_made_by_hand_then_read_and_written_the_same():
    data = by_hand() + b"RDASEdB2"
    image = appimg.read(data)
    assert (image.total_bytes, image.kind, image.body, image.trailer) == (64, 0x10000, b"code" * 8, b"RDASEdB2")
    assert appimg.write(image) == data


def test_appimg_when_real_then_crc_holds_and_round_trips():
    pac = unisoc.read(
        sample("unisoc/8915DM_cat1_open_EG915UEUABR03A06M08_OCPU_QPY_01.300.01.300_merge.pac").read_bytes()
    )
    data = next(entry.data for entry in pac.entries if entry.id.text == "APPIMG")
    image = appimg.read(data)
    assert image.total_bytes == 0xCF7E0
    assert image.trailer[:8] == b"RDASEdB2"
    assert len(image.trailer) == 0x260
    assert appimg.write(image) == data


@pytest.mark.parametrize("at", [8, 13, 20, 32, 63])
def test_appimg_when_a_bit_flips_then_the_crc_is_wrong(at):
    data = bytearray(by_hand())
    data[at] ^= 1
    with pytest.raises(BadChecksum):
        appimg.read(bytes(data))


@pytest.mark.parametrize("data", [b"", b"2PPA", bytes(64), by_hand()[:-1], b"2PPA" + struct.pack("<I", 31) + bytes(60)])
def test_appimg_when_cut_or_of_another_kind_then_refused(data):
    with pytest.raises(BadFormat):
        appimg.read(data)
