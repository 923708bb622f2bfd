"""Packages as maps of the flash: parts, partitions around them, what is free; nothing overlaps, nothing is left out."""

from __future__ import annotations

import itertools

import pytest

import asr_maker
from eigen_package import binpkg
from moduline.formats.container import unisoc
from moduline.package import read_package
from moduline.package.flash_map import FREE, flash_map
from package_maker import B_ADDRESS, U_ADDRESS, U_SIZE, small_pac, stock_rows
from samples import sample

VENDOR = "unisoc/8915DM_cat1_open_EG915UEUABR03A06M08_OCPU_QPY_01.300.01.300_merge.pac"


def must_fill(found):
    """Places at depth 0 lie one behind the other, from the first byte of the flash to its last."""
    top = [one for one in found.places if not one.depth]
    assert top[0].address == found.address
    assert top[-1].end == found.address + found.size_bytes
    assert all(first.end == second.address for first, second in itertools.pairwise(top))


def test_map_when_a_pac_has_areas_then_they_lie_between_its_parts_and_the_profile_fills_the_rest():
    found = flash_map(read_package(unisoc.write(small_pac()), "small.pac"))
    must_fill(found)
    assert (found.module, found.address, found.size_bytes) == ("eg915u", 0x60000000, 0x800000)
    places = {one.role: one for one in found.places if one.role}
    assert (places["boot"].source, places["boot"].part) == ("package", len(stock_rows()) - 1)
    assert (places["user_fs"].source, places["user_fs"].address, places["user_fs"].size_bytes) == (
        "erased", U_ADDRESS, U_SIZE,
    )  # fmt: skip
    assert places["user_fs"].mount == "/usr"
    assert places["backup_fs"].address == B_ADDRESS
    assert places["update_store"].source == "profile"
    assert "first_loader" not in places  # it runs in RAM


def test_map_when_the_module_is_not_known_then_the_package_alone_is_the_map():
    rows = [row for row in stock_rows() if row[0] != "AP"]
    found = flash_map(read_package(unisoc.write(small_pac(rows)), "nobody.pac"))
    must_fill(found)
    assert found.module == ""
    assert {one.source for one in found.places} == {"package", "erased", FREE}


def test_map_when_a_part_lies_within_another_then_it_is_drawn_inside():
    line = b'   {"command" : "flash", "group" : "1", "image" : "system.bin", "partition" : "system", "weight" : 1},\n'
    script = asr_maker.SCRIPT.replace(b'   {"command" : "erase"', line + b'   {"command" : "erase"')
    data = asr_maker.small_file(download__json=script, system__bin=b"system" * 99)
    found = flash_map(read_package(data, "asr.zip"))
    must_fill(found)
    rows = [(one.name, one.address, one.size_bytes, one.depth) for one in found.places if one.source == "package"]
    assert rows[:2] == [("system", 0x80010000, 0x80000, 0), ("cp", 0x80020000, 0x40000, 1)]
    assert rows[2] == ("customer_fs", 0x80100000, asr_maker.U_SIZE, 0)


def test_map_when_a_binpkg_has_modem_code_then_it_is_elsewhere():
    data = binpkg(("ap_bootloader", 0x4000, 0x8000, "BL", b"boot"), ("cp", 0x0, 0x80000, "CP", b"modem" * 9))
    found = flash_map(read_package(data, "bare.binpkg"))
    must_fill(found)
    assert "boot" in {one.role for one in found.places}


@pytest.mark.parametrize("name", [VENDOR])
def test_map_when_a_vendor_package_is_shown_then_its_own_partitions_count(name):
    found = flash_map(read_package(sample(name).read_bytes(), name))
    must_fill(found)
    rows = [(one.source, one.name, one.address, one.used_bytes) for one in found.places if one.source == "package"]
    assert rows == [
        ("package", "BOOTLOADER", 0x60000000, 48960),
        ("package", "AP", 0x60010000, 2424992),
        ("package", "APPIMG", 0x60290000, 850496),
        ("package", "PS", 0x60560000, 2621440),
    ]
