from __future__ import annotations

from dataclasses import replace

import pytest

import package_maker
from moduline.errors import BadChecksum, BadFormat
from moduline.formats import uimage
from moduline.formats.container import unisoc
from moduline.formats.uimage import UImage
from samples import sample


def test_uimage_when_made_by_hand_then_read_and_written_the_same():
    data = package_maker.uimage(b"payload") + b"\xff" * 32 + b"RDASEdB2".ljust(0x260, b"\0")
    image = uimage.read(data)
    assert (image.load_address, image.entry_address, image.time) == (0x60010040, 0x60010040, 1756864823)
    assert (image.os, image.arch, image.type, image.compression, image.label) == (5, 2, 1, 0, "test")
    assert image.data == b"payload"
    assert image.is_signed
    assert uimage.write(image) == data


PLACES = {"time": 8, "load_address": 16, "entry_address": 20}


@pytest.mark.parametrize("value", [0, 0x12345678, 0xFFFFFFFF])
@pytest.mark.parametrize("name", PLACES)
def test_uimage_when_number_is_set_then_stands_at_its_place_big_endian(name, value):
    image = replace(UImage(0, 0, b"x"), **{name: value})
    data = uimage.write(image)
    assert data[PLACES[name] : PLACES[name] + 4] == value.to_bytes(4, "big")
    assert uimage.read(data) == image


@pytest.mark.parametrize(
    ("name", "loads"), [("HOST_FDL", 0x800100), ("FDL2", 0x810040), ("AP", 0x60010040), ("BOOTLOADER", 0x800100)]
)
def test_uimage_when_real_then_checked_signed_and_round_trips(name, loads):
    pac = unisoc.read(
        sample("unisoc/8915DM_cat1_open_EG915UEUABR03A06M08_OCPU_QPY_01.300.01.300_merge.pac").read_bytes()
    )
    data = next(entry.data for entry in pac.entries if entry.id.text == name)
    image = uimage.read(data)
    assert image.load_address == loads
    assert image.is_signed
    assert uimage.write(image) == data


@pytest.mark.parametrize("at", [4, 8, 30, 63])
def test_uimage_when_header_flips_then_header_crc_is_named(at):
    data = bytearray(package_maker.uimage(b"payload"))
    data[at] ^= 1
    with pytest.raises(BadChecksum) as failure:
        uimage.read(bytes(data))
    assert failure.value.facts["name"] == "header CRC"


def test_uimage_when_data_flips_then_data_crc_is_named():
    data = bytearray(package_maker.uimage(b"payload"))
    data[-1] ^= 1
    with pytest.raises(BadChecksum) as failure:
        uimage.read(bytes(data))
    assert failure.value.facts["name"] == "data CRC"


@pytest.mark.parametrize("data", [b"", b"\x27\x05\x19\x56", bytes(64), package_maker.uimage(b"payload")[:-1]])
def test_uimage_when_cut_or_of_another_kind_then_refused(data):
    with pytest.raises(BadFormat):
        uimage.read(data)
