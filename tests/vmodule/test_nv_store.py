from __future__ import annotations

import pytest

from moduline.formats import nv
from moduline.nor.memory import MemoryFlash
from moduline.vmodule.facts import identity_of
from moduline.vmodule.nv_store import check_digit, derived_imei, factory_block


@pytest.fixture
def store():
    identity = identity_of("ec600u", "m1")
    return identity.storage(MemoryFlash(identity.geometry)).nv


@pytest.mark.parametrize(("digits", "digit"), [("86854005039372", 3), ("49015420323751", 8), ("00000000000000", 0)])
def test_check_digit_when_known_then_right(digits, digit):
    """The first is the IMEI of S1's transcript."""
    assert check_digit(digits) == digit


def test_imei_when_derived_then_unlike_neighbours_and_always_the_same():
    imeis = [derived_imei("default", number, "86698105") for number in range(1, 300)]
    assert len(set(imeis)) == len(imeis)
    assert imeis == [derived_imei("default", number, "86698105") for number in range(1, 300)]
    assert all(len(imei) == 15 and imei.startswith("86698105") for imei in imeis)
    assert all(check_digit(imei[:14]) == int(imei[14]) for imei in imeis)
    assert derived_imei("other", 1, "86698105") not in imeis


def test_factory_block_when_read_then_imei_calibration_and_right_crc(store):
    block = factory_block("866981057532206", "m1")
    store.write_block(block)
    items = nv.read(store.read_block())
    assert (store.imei, len(block), nv.is_crc_right(block)) == ("866981057532206", 0x20000, True)
    assert {entry.id for entry in items.entries} == {0x26D, 0x26E, 5}


def test_block_when_shorter_than_the_device_has_then_filled_and_crc_right(store):
    short = bytes.fromhex("d9cd 0000 0500 0800 8a16325476981032 0200 0300 01020300".replace(" ", "")).ljust(64, b"\xff")
    assert nv.is_crc_right(short)  # typed from platform-unisoc 3.5
    store.write_block(short)
    block = store.read_block()
    assert (len(block), nv.is_crc_right(block), store.imei) == (0x20000, True, "861234567890123")


def test_nv_when_never_written_or_unreadable_then_no_imei(store):
    assert (store.read_block(), store.imei) == (None, "")
    store.write_block(nv.with_right_crc(bytes(0x20000)))
    assert store.imei == ""
