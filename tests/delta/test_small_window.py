"""Two decoders of the window stream, by two minds: the native one and the module's, written from the specification.

The second one is ``onboard/sdk/script_window.py``, here under CPython; under the module's interpreter it is tried in
``tests/onboard/sdk``.  Source: docs/spec/window-stream.md
"""

from __future__ import annotations

import io
import random
import struct
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from delta.small_window import answers, decode, plain, watched
from delta.strange_pairs import strange_pair
from delta.test_window import edited, script
from moduline.delta import window

RETURN = b"def f(x):\n    return x + 1\n"
SENSE = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
LETTERS = st.lists(
    st.sampled_from([b"net", b"cell", b"(", b"):\n", b"    ", b"=", b"0", b"\xff\xff", b"x"]), max_size=60
)
TEXT = st.one_of(st.binary(max_size=200), LETTERS.map(b"".join))


def small(old, new):
    return window.make(old, new, profile="small")


def some_of(count):
    """Seeds: twenty every time, the others in the sweep."""
    return [*range(20), *(pytest.param(seed, marks=pytest.mark.sweep) for seed in range(20, count))]


@pytest.mark.parametrize(
    ("name", "entry", "crc"),
    [
        ("squash", "H", 0x48E4E14C),
        ("stretch", "h", 0x54731215),
        ("next", "B", 0x7A467D87),
        ("weight", "B", 0x0491FC84),
        ("start", "H", 0xBF3A777D),
    ],
)
def test_table_when_made_in_whole_numbers_then_has_the_checksum_of_the_specification(name, entry, crc):
    next_0, next_1, weight, start = plain.histories()
    tables = {"squash": plain.SQUASH, "stretch": plain.stretched(), "weight": weight, "start": start}
    tables["next"] = [to for both in zip(next_0, next_1, strict=True) for to in both]
    table = tables[name]
    assert zlib.crc32(struct.pack(f"<{len(table)}{entry}", *table)) == crc


@pytest.mark.parametrize(
    ("old", "new", "stream"),
    [
        (b"abcabd", b"abcabd", "110132"),
        (b"", b"a", "1101d1"),
        (RETURN, RETURN.replace(b"1", b"2") + b"f(2)\n", "1301000a3c358f50962f548f80"),
    ],
)
def test_example_when_decoded_then_is_that_of_the_specification(old, new, stream):
    assert decode(old, bytes.fromhex(stream), len(new)) == new
    assert decode(old, bytes.fromhex(stream), len(new), watched) == new


@pytest.mark.parametrize("seed", some_of(60))
def test_strange_pair_when_decoded_twice_then_is_the_same(seed):
    pair = strange_pair(seed)
    stream = small(pair.old, pair.new)
    assert answers(pair.old, stream, len(pair.new)) == (pair.new, pair.new)


@SENSE
@given(TEXT, TEXT, st.integers(0, 200), st.booleans())
def test_any_pair_when_decoded_twice_then_is_the_same(old, more, at, is_related):
    new = old[:at] + more + old[at:] if is_related else more
    assert answers(old, small(old, new), len(new)) == (new, new)


@pytest.mark.parametrize("seed", range(6))
def test_script_when_edited_then_no_number_of_it_leaves_31_bits(seed):
    old = script(seed, 30)
    new = edited(old, seed)
    assert decode(old, small(old, new), len(new), watched) == new


def blocks_moved(count):
    """Two images of blocks: some edited, one put in between, pointers in the head of each."""
    rng = random.Random(count)
    old = [script(number, 70)[:4096].ljust(4096, b"\xff") for number in range(count)]
    new = [
        edited(block, number, 2)[:4096].ljust(4096, b"\xff") if number % 3 else block
        for number, block in enumerate(old)
    ]
    new.insert(count // 2, rng.randbytes(20).ljust(4096, b"\0"))
    new = [new[0], *(struct.pack("<II", max(at - 1, 0), max(at - 2, 0)) + one[8:] for at, one in enumerate(new[1:], 1))]
    return b"".join(old), b"".join(new[:count])


@pytest.mark.parametrize("count", [4, 16, 33])
def test_image_when_in_blocks_then_decoded_twice_is_the_same(count):
    old, new = blocks_moved(count)
    stream = small(old, new)
    assert stream[0] & 4  # blocks are told
    assert answers(old, stream, len(new)) == (new, new)
    assert decode(old, stream, len(new), watched) == new


def test_head_when_any_bit_is_another_then_both_say_the_same_but_of_the_other_profile():
    new = RETURN.replace(b"1", b"2") + b"f(2)\n"
    stream = bytes.fromhex("1301000a3c358f50962f548f80")
    refused = 0
    for bit in range(8, 48):
        one, other = answers(RETURN, _flipped(stream, bit), len(new))
        assert one == other, bit
        refused += one is None
    assert refused > 8
    assert [decode(RETURN, _flipped(stream, bit), len(new)) for bit in (0, 3, 4, 5, 6, 7)] == [None] * 6


def _flipped(stream, bit):
    changed = bytearray(stream)
    changed[bit >> 3] ^= 1 << (bit & 7)
    return bytes(changed)


@pytest.mark.parametrize(
    "head",
    ["", "11", "1100", "1139", "150107", "150115", "15018d00", "13011b01", "13018000", "130180808080", "1301ffffff7f01"],
)  # fmt: skip
def test_head_when_it_breaks_a_rule_then_both_refuse_and_nothing_is_written(head):
    """Too short, too few or many histories, blocks too small or large, numbers not the shortest or too long, outside."""
    assert answers(RETURN, bytes.fromhex(head), 5) == (None, None)


def test_histories_when_more_than_a_module_has_room_for_then_refused():
    with pytest.raises(ValueError, match="57 KiB"):
        plain.unpack(io.BytesIO(b""), io.BytesIO(b"\x11\x39\xd1"), 1, io.BytesIO())


def test_files_when_above_16_mib_then_refused():
    assert decode(b"", bytes.fromhex("1101d1"), (1 << 24) + 1) is None
    assert decode(bytes((1 << 24) + 1), bytes.fromhex("110132"), 6) is None


@pytest.mark.parametrize("cut", range(14))
def test_example_when_cut_then_both_say_the_same(cut):
    stream = bytes.fromhex("1301000a3c358f50962f548f80")[:cut]
    for new_bytes in (0, 1, 20, 31, 32, 33, 400):
        one, other = answers(RETURN, stream, new_bytes)
        assert one == other, new_bytes


def damaged(rng, stream):
    """Bits, ends, or everything behind a place are others; the profile stays."""
    bad = bytearray(stream)
    kind = rng.randrange(4)
    if kind == 0:
        for _ in range(rng.randrange(1, 4)):
            bad[rng.randrange(1, len(bad))] ^= 1 << rng.randrange(8)
    elif kind == 1:
        del bad[rng.randrange(1, len(bad)) :]
    elif kind == 2:
        bad[rng.randrange(2, len(bad)) :] = rng.randbytes(rng.randrange(300))
    else:
        bad[rng.randrange(1, min(len(bad), 12))] = rng.randrange(256)
    return bytes(bad)


def mutated(count, seed):
    """(old, stream, new_bytes) of damaged streams."""
    rng = random.Random(seed)
    pairs = [(old[:700], new[:700]) for old, new in ((one.old, one.new) for one in map(strange_pair, range(30))) if new]
    pairs += [(script(number, 12), edited(script(number, 12), number)) for number in range(8)]
    pairs.append(blocks_moved(4))
    streams = [(old, small(old, new), len(new)) for old, new in pairs]
    for _ in range(count):
        old, stream, new_bytes = rng.choice(streams)
        other = rng.choice((new_bytes,) * 4 + (0, 1, new_bytes + 1, rng.randrange(1000)))
        yield old, damaged(rng, stream), other


def test_streams_when_five_hundred_are_damaged_then_both_say_the_same_and_some_are_refused():
    refused, given_out = 0, 0
    for number, (old, stream, new_bytes) in enumerate(mutated(500, 5)):
        one, other = answers(old, stream, new_bytes)
        assert one == other, number
        refused, given_out = refused + (one is None), given_out + (one is not None)
    assert min(refused, given_out) > 75


@pytest.mark.sweep
@pytest.mark.timeout(1800)
def test_streams_when_many_more_are_damaged_then_both_say_the_same():
    for number, (old, stream, new_bytes) in enumerate(mutated(30_000, 6)):
        one, other = answers(old, stream, new_bytes)
        assert one == other, number


def test_copy_when_longer_than_what_it_begins_with_then_repeats_it():
    for period in (1, 2, 3, 511, 512, 513, 700):
        once = random.Random(period).randbytes(period)
        new = (once * (5000 // period + 2))[:5000]
        assert decode(b"other", small(b"other", new), len(new)) == new


def test_decoder_when_its_memory_is_counted_then_below_40_kib():
    """Cells and tables as a module keeps them: numbers of a list in 4 bytes, of an array in its own."""
    coder = plain._Coder(io.BytesIO(small(RETURN, RETURN)))
    tokens = plain._Tokens(coder, plain._Window(io.BytesIO(RETURN), io.BytesIO(), 10), plain._Bytes(coder, 8), 0)
    assert 28_000 < kept(tokens, set()) + 3 * 1024 < 40 * 1024  # and what waits or was read


def kept(value, seen):
    """Bytes of what hangs on a value."""
    if id(value) in seen:
        return 0
    seen.add(id(value))
    if hasattr(value, "itemsize"):
        return 16 + value.itemsize * len(value)
    if isinstance(value, bytes | bytearray):
        return 16 + len(value)
    if isinstance(value, list | tuple):
        return 16 + sum(4 + kept(one, seen) for one in value)
    if type(value).__module__ == "script_window":
        return 16 + sum(8 + kept(one, seen) for one in vars(value).values())
    return 0
