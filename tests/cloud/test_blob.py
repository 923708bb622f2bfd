"""What every file store does: a folder, a bucket of a real server that speaks S3, and a bucket with copies here."""

from __future__ import annotations

import hashlib
import random
import time

import pytest

from moduline.errors import NoSuchObject

KEY = "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"
"""SHA-256 of ``123456789``, as published with many implementations."""
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
"""SHA-256 of nothing, likewise."""
LARGE = random.Random(7).randbytes(3_000_001)


def test_file_when_put_then_kept_under_its_digest(store):
    store.check()
    assert store.put([b"1234", b"", b"56789"]) == KEY
    assert store.size(KEY) == 9
    with store.open(KEY) as kept:
        assert kept.read() == b"123456789"
    ((key, size, written_at),) = [(one.key, one.bytes, one.written_at) for one in store.stored()]
    assert (key, size) == (KEY, 9)
    assert abs(written_at - time.time()) < 600


def test_file_when_it_is_empty_then_kept_all_the_same(store):
    assert store.put([]) == EMPTY
    assert store.size(EMPTY) == 0
    with store.open(EMPTY) as kept:
        assert kept.read(10) == b""


def test_file_when_read_in_ranges_then_the_bytes_of_each(store):
    key = store.put([LARGE[:1_000_000], LARGE[1_000_000:]])
    assert key == hashlib.sha256(LARGE).hexdigest()
    with store.open(key) as kept:
        kept.seek(2_999_990)
        assert kept.read(100) == LARGE[2_999_990:]
        for first, count in ((0, 1), (524_287, 2), (524_288, 700_000), (7, 0), (3_000_001, 5), (1, 3_000_000)):
            kept.seek(first)
            assert kept.read(count) == LARGE[first : first + count]
            assert kept.tell() == min(first + count, 3_000_001)
    with store.open(key) as kept:
        pieces = list(iter(lambda: kept.read(65_536), b""))
    assert b"".join(pieces) == LARGE
    assert {len(one) for one in pieces[:-1]} == {65_536}


def test_store_when_the_key_is_none_or_of_nothing_then_no_such_object(store):
    for key in ("", "..", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 64, "0" * 64 + "\n"):
        for ask in (store.open, store.size):
            with pytest.raises(NoSuchObject):
                ask(key)


def test_file_when_its_sender_breaks_off_then_nothing_is_kept(store, tmp_path):
    def broken():
        yield b"half"
        raise ConnectionError

    with pytest.raises(ConnectionError):
        store.put(broken())
    assert list(store.stored()) == []
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_store_when_the_same_content_comes_twice_then_one_file(store):
    assert store.put([b"123456789"]) == store.put([b"12345", b"6789"]) == KEY
    assert [one.key for one in store.stored()] == [KEY]


def test_file_when_it_was_written_since_then_not_removed(store):
    key = store.put([b"x"])
    (there,) = store.stored()
    assert not store.remove(key, there.written_at - 1)
    assert store.size(key) == 1
    assert store.remove(key, there.written_at + 2)
    assert store.remove(key, there.written_at + 2)
    with pytest.raises(NoSuchObject):
        store.size(key)
