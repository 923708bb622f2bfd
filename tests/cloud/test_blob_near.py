"""Copies of a far store on this machine: for speed only, never wrong, and never more than they may be."""

from __future__ import annotations

import io
import os
import threading

import pytest

from moduline.cloud.blob import FolderStore
from moduline.cloud.blob_near import NearStore
from moduline.errors import NoSuchObject, StoreUnreachable


class Far(FolderStore):
    """A store far away: its files are no files of this machine; it counts who asks, may lie, wait or be away."""

    def __init__(self, folder):
        super().__init__(folder)
        self.asked = 0
        self.lies = False
        self.is_away = False
        self.gate = threading.Event()
        self.gate.set()

    def open(self, key):
        if self.is_away:
            raise StoreUnreachable(store="far", reason="away")
        self.asked += 1
        with super().open(key) as file:
            content = file.read()
        return Slow(b"lies" if self.lies else content, self.gate)


class Slow(io.BytesIO):
    """A file whose bytes come when the gate is open."""

    def __init__(self, content, gate):
        super().__init__(content)
        self.gate = gate

    def read(self, size=-1):
        assert self.gate.wait(60)
        return super().read(size)


@pytest.fixture
def far(tmp_path):
    return Far(tmp_path / "far")


@pytest.fixture
def near(far, tmp_path):
    return NearStore(far, FolderStore(tmp_path / "near"), 1000)


def read(store, key):
    with store.open(key) as file:
        return file.read()


def test_file_when_read_again_then_from_the_copy_even_if_the_far_store_is_away(far, near):
    key = near.put([b"firmware"])
    assert read(near, key) == b"firmware"
    near.settle()
    far.is_away = True
    with near.open(key) as file:
        assert (file.read(), file.fileno() > 0) == (b"firmware", True)
    assert far.asked == 2  # the first reader, and the copy


def test_copy_when_it_is_being_made_then_others_read_the_far_file_and_no_second_is_begun(far, near):
    key = near.put([b"firmware"])
    far.gate.clear()
    files = [near.open(key) for _ in range(5)]
    far.gate.set()
    assert [file.read() for file in files] == [b"firmware"] * 5
    near.settle()
    assert far.asked == 6
    for file in files:
        file.close()


def test_copy_when_the_far_file_is_damaged_then_not_taken_for_it(far, near, tmp_path):
    key = near.put([b"firmware"])
    far.lies = True
    assert read(near, key) == b"lies"
    near.settle()
    far.lies = False
    assert read(near, key) == b"firmware"


def test_copies_when_there_is_no_room_then_the_one_used_longest_ago_goes(far, near, tmp_path):
    keys = [near.put([bytes([number]) * 400]) for number in range(3)]
    large = near.put([bytes(1001)])
    copies = FolderStore(tmp_path / "near")
    for key in (*keys[:2], keys[0], keys[2], large):
        read(near, key)
        near.settle()
    assert {one.key for one in copies.stored()} == {keys[0], keys[2]}
    assert sum(one.bytes for one in copies.stored()) <= 1000


def test_file_when_removed_then_its_copy_too_and_what_is_there_is_the_far_stores_to_say(far, near):
    key = near.put([b"firmware"])
    read(near, key)
    near.settle()
    assert near.remove(key, 1e12)
    with pytest.raises(NoSuchObject):
        near.open(key)
    kept = near.put([b"other"])
    read(near, kept)
    near.settle()
    far.remove(kept, 1e12)
    with pytest.raises(NoSuchObject):
        near.size(kept)
    assert list(near.stored()) == []


def test_copy_when_its_process_died_over_it_then_removed_at_the_start(near, tmp_path):
    old, fresh = (tmp_path / "near" / "new" / name for name in ("old", "fresh"))
    old.parent.mkdir(parents=True)
    for path in (old, fresh):
        path.write_bytes(b"firm")
    os.utime(old, (1000.0, 1000.0))
    near.check()
    assert (old.exists(), fresh.exists()) == (False, True)


def test_copy_when_it_cannot_be_made_then_told_and_the_file_is_read_all_the_same(far, tmp_path):
    (tmp_path / "near").write_text("no folder")
    told = []
    near = NearStore(far, FolderStore(tmp_path / "near"), 1000, told.append)
    key = near.put([b"firmware"])
    assert read(near, key) == b"firmware"
    near.settle()
    assert {one.slug for one in told} == {"store.uncopied"}
    assert near.remove(key, 1e12)
