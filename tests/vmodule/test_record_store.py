from __future__ import annotations

import random

import pytest

from moduline.errors import TooBig
from moduline.nor.geometry import Geometry
from moduline.nor.memory import MemoryFlash
from moduline.vmodule.record_store import RecordStore

SIZE = 0x8000


@pytest.fixture
def flash():
    return MemoryFlash(Geometry(0x10000))


@pytest.fixture
def store(flash):
    return RecordStore(flash, 0x4000, SIZE)


def noise(size, seed=1):
    return random.Random(seed).randbytes(size)


def test_store_when_flash_is_erased_then_empty_and_mountable(store):
    assert store.is_mountable
    assert store.keys() == ()
    assert store.get("a") is None


def test_record_when_put_then_read_by_a_new_store(store, flash):
    store.put("a", b"1")
    store.put("b", bytes(100_000))
    store.put("a", b"2")
    again = RecordStore(flash, 0x4000, SIZE)
    assert (again.keys(), again.get("a"), again.get("b")) == (("b", "a"), b"2", bytes(100_000))


def test_record_when_dropped_then_gone(store):
    store.put("a", b"1")
    store.drop("a")
    store.drop("never there")
    assert store.get("a") is None


def test_record_when_unchanged_then_flash_is_left_alone(store, flash):
    store.put("a", b"1")
    before = flash.counts.operations
    store.put("a", b"1")
    assert flash.counts.operations == before


def test_store_when_written_for_long_then_moves_between_banks_and_stays_inside(store, flash):
    for i in range(200):
        store.put(f"k{i % 5}", noise(700, i))
    assert {store.get(f"k{i % 5}") == noise(700, i) for i in range(195, 200)} == {True}
    assert flash.read(0, 0x4000) == b"\xff" * 0x4000
    assert flash.read(0xC000, 0x4000) == b"\xff" * 0x4000
    assert max(flash.wear) - min(wear for wear in flash.wear if wear) <= 1


def test_record_when_too_big_then_refused_and_old_one_stays(store):
    store.put("a", b"old")
    with pytest.raises(TooBig):
        store.put("a", noise(SIZE))
    assert store.get("a") == b"old"


def test_store_when_region_is_foreign_then_not_mountable_until_formatted(flash):
    flash.program(0x5000, b"x")
    store = RecordStore(flash, 0x4000, SIZE)
    assert not store.is_mountable
    store.format()
    assert store.is_mountable
    store.put("a", b"1")
    assert store.get("a") == b"1"


def test_store_when_bytes_are_arbitrary_then_never_raises(flash):
    for seed in range(50):
        flash.erase(0, 0x10000)
        store = RecordStore(flash, 0x4000, SIZE)
        store.put("a", b"1")
        flash.cells[0x4010:0x4400] = noise(0x3F0, seed)
        assert store.get("a") in {None, b"1"}
        assert isinstance(store.keys(), tuple)
