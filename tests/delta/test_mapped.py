"""The native coder: whole trips, states, other orders, streams that lie, and facts found in real images."""

from __future__ import annotations

import random
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from moduline.delta import mapped, native_decoder
from moduline.delta.native import Choice, Costs, Decoder
from moduline.errors import BadFormat, TooBig
from samples import corpus

NATIVE = Path(__file__).parents[2] / "native" / "delta"
BASE = 0x0800_4000


def call(place, target):
    """BL at ``place`` to ``target``, encoding T1 of the architecture manual."""
    distance = target - place - 4
    s, i1, i2 = distance >> 24 & 1, distance >> 23 & 1, distance >> 22 & 1
    high = 0xF000 | s << 10 | distance >> 12 & 0x3FF
    low = 0xD000 | (1 - (i1 ^ s)) << 13 | (1 - (i2 ^ s)) << 11 | distance >> 1 & 0x7FF
    return struct.pack("<HH", high, low)


def firmware(seed, functions, extra=0):
    """An image of functions that call each other and end in a pool of pointers; ``extra`` bytes stand in the middle."""
    rng = random.Random(seed)
    sizes = [rng.randrange(8, 40) * 4 for _ in range(functions)]
    starts, at = [], 64
    for number, size in enumerate(sizes):
        at += extra if number == functions // 2 else 0
        starts.append(at)
        at += size
    image = bytearray(random.Random(1).randbytes(at))
    for start, size in zip(starts, sizes, strict=True):
        body = bytearray(struct.pack("<H", 0xB510))
        while len(body) < size - 8:
            body += (
                call(start + len(body), rng.choice(starts)) if rng.random() < 0.4 else rng.randbytes(2) + b"\x1c\x60"
            )
        body = body[: size - 8] + struct.pack(
            "<II", BASE + rng.choice(starts) + 1, 0x2000_0000 + rng.randrange(4096) * 4
        )
        image[start : start + size] = body
    return bytes(image)


OLD, NEW = firmware(7, 400), firmware(7, 400, extra=52)


@pytest.fixture(scope="module")
def coded():
    return mapped.make(OLD, NEW)


def test_image_when_made_and_applied_then_is_the_new_one(coded):
    assert mapped.apply(OLD, coded.stream, len(NEW)) == NEW


def test_code_when_everything_moved_then_costs_little_beside_a_plain_difference(coded):
    plain = mapped._coded(OLD, NEW, mapped.find_covers(OLD, NEW, Choice(is_thumb=False)), Choice(is_thumb=False), 0)
    assert mapped.apply(OLD, plain.stream, len(NEW)) == NEW
    assert len(coded.stream) < len(plain.stream) / 2


def test_stream_when_made_twice_then_is_the_same(coded):
    assert mapped.make(OLD, NEW).stream == coded.stream


def test_load_address_when_pointers_lead_to_functions_then_is_found():
    assert mapped.find_base(OLD) == BASE


def test_load_address_when_there_is_no_code_then_is_none():
    assert mapped.find_base(random.Random(3).randbytes(20000)) is None


def test_ram_when_decoding_then_is_below_the_limit(coded):
    assert coded.ram_bytes + mapped.STACK_BYTES <= mapped.RAM_LIMIT_BYTES


def test_state_when_restored_in_another_decoder_then_goes_on(coded):
    first = Decoder(lambda at, count: OLD[at : at + count], len(OLD), coded.stream, len(NEW))
    begun = first.read(len(NEW) // 3)
    kept = first.state()
    second = Decoder(lambda at, count: OLD[at : at + count], len(OLD), coded.stream, len(NEW))
    second.restore(kept)
    assert begun + second.read(second.left) == NEW


def test_state_when_damaged_then_is_refused_or_harmless(coded):
    """A false offset in it once wrote outside the RAM block."""
    rng = random.Random(5)
    decoder = Decoder(lambda at, count: OLD[at : at + count], len(OLD), coded.stream, len(NEW))
    decoder.read(1000)
    kept, refused = decoder.state(), 0
    for _ in range(300):
        broken = bytearray(kept)
        broken[rng.randrange(2000 if rng.random() < 0.5 else len(broken))] ^= rng.randrange(1, 256)
        try:
            decoder.restore(bytes(broken))
            decoder.read(500)
        except BadFormat:
            refused += 1
        decoder.restore(kept)
    assert refused


@pytest.mark.parametrize("tail", [0, 4])
def test_image_when_nearly_the_same_then_costs_next_to_nothing(tail):
    """Long runs without news end in zero bytes of the coder, of which only four may be left out."""
    old = random.Random(9).randbytes(300_000)
    new = old[:800] + bytes(tail) + old[800 + tail :]
    made = mapped.make(old, new)
    assert len(made.stream) < 200
    assert mapped.apply(old, made.stream, len(new)) == new


def test_image_when_empty_then_is_made_and_applied():
    assert mapped.apply(OLD, mapped.make(OLD, b"").stream, 0) == b""


def test_failure_when_it_came_once_then_reading_goes_on_failing(coded):
    decoder = Decoder(
        lambda at, count: OLD[at : at + count], len(OLD), coded.stream[: len(coded.stream) // 2], len(NEW)
    )
    for _ in range(3):
        with pytest.raises(BadFormat):
            decoder.read(len(NEW))


@pytest.mark.parametrize("sizes", [(1, 1), (1, 1000), (1000, 1), (0, 5), (999, 1001), (4096, 4095)])
def test_odd_sizes_when_made_then_come_back(sizes):
    rng = random.Random(sizes[0])
    old, new = rng.randbytes(sizes[0]), rng.randbytes(sizes[1])
    assert mapped.apply(old, mapped.make(old, new).stream, len(new)) == new


@pytest.mark.parametrize("block", [4096, 65536])
@pytest.mark.parametrize("cut", [0, 1, 2, 4095])
def test_blocks_when_they_come_last_first_then_the_image_is_the_same(block, cut):
    new = NEW[: len(NEW) - cut]
    made = mapped.make(OLD, new, BASE, descending_block=block)
    assert mapped.apply(OLD, made.stream, len(new), block) == new


def test_stream_when_damaged_then_ends_in_a_coded_error_or_other_bytes(coded):
    rng = random.Random(11)
    for _ in range(300):
        broken = bytearray(coded.stream)
        for _ in range(rng.randrange(1, 4)):
            broken[rng.randrange(len(broken))] = rng.randrange(256)
        broken = bytes(broken[: rng.randrange(len(broken))] if rng.random() < 0.3 else broken)
        try:
            given = mapped.apply(OLD, broken, len(NEW))
        except BadFormat:
            continue
        assert len(given) == len(NEW)


def test_old_image_when_it_is_another_then_gives_other_bytes_or_an_error(coded):
    other = bytes(len(OLD))
    try:
        given = mapped.apply(other, coded.stream, len(NEW))
    except BadFormat:
        given = b""
    assert given != NEW


def test_read_when_the_image_cannot_be_read_then_the_failure_comes_through(coded):
    def gone(at, count):
        raise OSError("gone")

    decoder = Decoder(gone, len(OLD), coded.stream, len(NEW))
    with pytest.raises(OSError, match="gone"):
        decoder.read(len(NEW))


def test_image_when_larger_than_the_format_then_refused():
    with pytest.raises(TooBig):
        native_decoder.must_fit(native_decoder.MAX_IMAGE_BYTES + 1)


def test_search_when_costs_differ_then_covers_do():
    eager = mapped.find_covers(OLD, NEW, Choice(base=BASE), Costs(moved=100, kept=50))
    shy = mapped.find_covers(OLD, NEW, Choice(base=BASE), Costs(moved=5000, kept=4000))
    assert shy.count < eager.count


def test_tables_when_written_again_then_are_those_of_the_repository(tmp_path):
    for name in ("histories.py", "tables.py"):
        shutil.copy(NATIVE / name, tmp_path)
    subprocess.run([sys.executable, str(tmp_path / "tables.py")], check=True)
    assert (tmp_path / "tables.h").read_bytes() == (NATIVE / "tables.h").read_bytes()


@pytest.mark.parametrize(("name", "base", "limit"), [("zstack-cc2652r", 0, 12200), ("ec618-cp", 0x80_0000, 9700)])
def test_real_pair_when_made_then_is_small(name, base, limit):
    """Sizes of the peers: docs/design/delta-coder.md."""
    old, new = corpus(name)
    assert mapped.find_base(old) == base
    assert len(mapped.make(old, new, base).stream) < limit
