"""Two decoders of the delta stream, by two minds: the native one and one in plain Python from the specification alone."""

from __future__ import annotations

import random
import struct
import zlib

import pytest

from delta import plain_models
from delta.plain_decoder import decode
from delta.plain_models import StreamError, mixed
from delta.strange_pairs import LIES, block_of, lie, strange_pair
from moduline.delta import mapped, native
from moduline.delta.native import Choice
from moduline.errors import BadFormat
from samples import corpus
from thumb_maker import BASE, RAM, RAM_BYTES, move, thumb_image, wide_branch

OLD_EXAMPLE = bytes.fromhex("10b500f003f8012010bd00bf704700bf0d400008")
NEW_EXAMPLE = bytes.fromhex("10b500f005f8022000f002f810bd00bf704700bf11400008")
EXAMPLE = bytes.fromhex(
    "02010000004000080200000002000000"
    "02000104 0c010000 00000020 00000120"
    "8c21 41bfa95d"
)  # fmt: skip
OLD, NEW = thumb_image(5, 50), thumb_image(5, 50, moved_by=52, ram_by=8)
EDITED = bytes(byte ^ 7 if at % 97 == 0 else byte for at, byte in enumerate(NEW))
RANGES = ((RAM, RAM + RAM_BYTES),)
SMALL = Choice(base=BASE, ranges=RANGES, slot_kib=1, log_flags=4)


def coded(old, new, choice, *, map_limit=1000, is_split=True):
    covers = mapped.find_covers(old, new, choice)
    if choice.descending_block and is_split:
        covers = covers.split(choice.descending_block, len(new))
    covers.choose_map(len(old), map_limit)
    return native.encode(old, new, covers, choice)[0]


def agree(old, new, choice=SMALL, skipped=0):
    """Whether both decode ``new`` from one cover, the old bytes behind ``skipped``.

    What is put behind it cannot be guessed: it comes out wrong wherever one decoder took another chance before.
    """
    covers = native.covers_of([(0, skipped, (len(old) - skipped) // 2 * 2)])
    covers.choose_map(len(old), 1)
    new += random.Random(3).randbytes(40)
    return answers(old, native.encode(old, new, covers, choice)[0], len(new)) == (new, new)


def answers(old, stream, new_bytes):
    """What each decoder makes of it; None: refused."""
    try:
        one = mapped.apply(old, stream, new_bytes, block_of(stream))
    except BadFormat:
        one = None
    try:
        other = decode(old, stream, new_bytes)
    except StreamError:
        other = None
    return one, other


def test_hash_when_computed_then_is_that_of_the_specification():
    assert [mixed(0, 0), mixed(1, 2), mixed(50, 0x12345)] == [0, 0x3733C53D, 0x9B728166]


@pytest.mark.parametrize(
    ("table", "entry", "crc"),
    [
        (plain_models.SQUASH, "H", 0x041F5FD4),
        (plain_models.STRETCH, "h", 0x74DF510C),
        ([to for both in plain_models.NEXT for to in both], "B", 0x7A467D87),
        (plain_models.WEIGHT, "B", 0x0491FC84),
        (plain_models.START, "H", 0xBF3A777D),
    ],
    ids=["squash", "stretch", "next", "weight", "start"],
)
def test_table_when_made_by_its_rule_then_has_the_checksum_of_the_specification(table, entry, crc):
    assert zlib.crc32(struct.pack(f"<{len(table)}{entry}", *table)) == crc


def test_example_when_decoded_twice_then_is_that_of_the_specification():
    assert answers(OLD_EXAMPLE, EXAMPLE, len(NEW_EXAMPLE)) == (NEW_EXAMPLE, NEW_EXAMPLE)


@pytest.mark.parametrize("new_bytes", [0, 1, 23, 24, 25, 40])
def test_example_when_cut_or_for_other_images_then_both_say_the_same(new_bytes):
    for cut in range(len(EXAMPLE) + 1):
        one, other = answers(OLD_EXAMPLE, EXAMPLE[:cut], new_bytes)
        assert one == other, cut
    for old_bytes in range(24):
        one, other = answers((OLD_EXAMPLE + b"more")[:old_bytes], EXAMPLE, new_bytes)
        assert one == other, old_bytes


def test_head_when_any_bit_is_another_then_both_say_the_same():
    refused = 0
    for bit in range(32 * 8):
        head = int.from_bytes(EXAMPLE[:32], "little") ^ 1 << bit
        one, other = answers(OLD_EXAMPLE, head.to_bytes(32, "little") + EXAMPLE[32:], len(NEW_EXAMPLE))
        assert one == other, bit
        refused += one is None
    assert refused > 100


def test_image_when_above_16_mib_then_refused():
    with pytest.raises(StreamError, match="16 MiB"):
        decode(bytes((16 << 20) + 1), EXAMPLE, 24)


@pytest.mark.parametrize(
    "unit",
    [b"\xff\xff\xff\xcf", move(0xBFFF_FFFF, 3), move(0xCFFF_FFFF, 3)],
    ids=["word", "move", "move of a word"],
)
def test_value_when_its_key_is_that_of_an_empty_entry_then_both_recall_nothing_known(unit):
    """The format's own oddity: key 0 is found in an entry that was never written."""
    old = (unit + bytes(4)) * 20
    new = bytes([unit[0] ^ 5]) + old[1:]
    assert agree(old, new, Choice(base=BASE, ranges=((0xC000_0000, 0xD000_0000),), slot_kib=1, log_flags=4))


@pytest.mark.parametrize(
    ("new", "choice"),
    [
        (NEW, Choice(base=BASE)),
        (NEW, Choice(base=BASE, ranges=RANGES)),
        (EDITED, SMALL),
        (EDITED, Choice(is_thumb=False)),
        (EDITED, Choice(base=BASE + 2, ranges=RANGES)),
        (EDITED[:-1], Choice(base=BASE, ranges=RANGES, slot_kib=1, log_flags=4, descending_block=4096)),
        (thumb_image(6, 30), SMALL),
        (bytes(3001), SMALL),
        (b"", SMALL),
    ],
    ids=["code", "ram", "small", "data", "shifted base", "last first", "another", "zeros", "nothing"],
)
def test_firmware_when_decoded_twice_then_is_the_same(new, choice):
    stream = coded(OLD, new, choice) if new else native.encode(OLD, new, native.covers_of([]), choice)[0]
    assert answers(OLD, stream, len(new)) == (new, new)


def test_covers_when_they_cross_blocks_then_both_go_on_in_old():
    """Pieces of 512 bytes with a number each, so that it shows from which piece the decoder takes the old bytes."""
    choice = Choice(base=BASE, ranges=RANGES, slot_kib=1, log_flags=4, descending_block=4096)
    old = b"".join(OLD[:510] + struct.pack("<H", number) for number in range(24))
    new = b"".join(OLD[:510] + struct.pack("<H", number // 2) for number in range(24))[:-1]
    covers = native.covers_of([(0, 1024, 6000), (6016, 2944, 5000)])
    covers.choose_map(len(old), 1)
    stream = native.encode(old, new, covers, choice)[0]
    assert answers(old, stream, len(new)) == (new, new)


@pytest.mark.parametrize("moves", [(4, 8, 12, 16, 20), (4, 65532, 65536, -65536, -65540)], ids=["near", "far"])
def test_words_when_there_are_five_things_they_may_be_then_both_take_four(moves):
    rng = random.Random(1)
    words = [RAM + 0x1_0000 + rng.choice((0, 4, 64, 2048)) for _ in range(300)]
    moved = [word + rng.choice(moves) for word in words]
    choice = Choice(base=BASE, ranges=((RAM, RAM + 2 * RAM_BYTES),), slot_kib=1, log_flags=4)
    assert agree(struct.pack("<300I", *words), struct.pack("<300I", *moved), choice)


@pytest.mark.parametrize("moved", [4, 0x1_0000, -0x2_0000])
def test_pointers_when_their_region_runs_elsewhere_then_both_follow(moved):
    rng = random.Random(4)
    words = [BASE + rng.randrange(0, 1200, 4) for _ in range(300)]
    new = [word + moved if rng.random() < 0.9 else word for word in words]
    assert agree(struct.pack("<300I", *words), struct.pack("<300I", *new))


def test_cover_when_longer_than_an_entry_of_the_map_tells_then_both_take_it_for_whole():
    """Pointers to what lies 64 KiB and more behind its beginning; ``skipped`` makes all places move."""
    size = 0x1_0800
    old = (
        bytes(4)
        + struct.pack("<6I", *(BASE + at for at in (65528, 65530, 65536, 65540, size - 8, 6)))
        + bytes(size - 28)
    )
    new = struct.pack("<6I", *(BASE + at - 4 for at in (65528, 65530, 65536, 65540, size - 8, 6))) + bytes(size - 28)
    assert agree(old, new, skipped=4)


def test_calls_when_more_are_known_than_are_kept_then_both_keep_128():
    old = b"".join(wide_branch(4 * number, links=True) for number in range(200))
    targets = [8 * number + 4 for number in range(200)]
    fresh = b""
    for target in (targets[200 - 128], targets[0], *random.Random(2).choices(targets, k=100)):
        fresh += wide_branch(target - len(old + fresh) - 4, links=True)
    assert agree(old, old + fresh)


@pytest.mark.parametrize("cut", [(8, 14), (4, 14), (12, 24)])
def test_move_when_its_other_half_is_cut_then_both_find_none(cut):
    old, new = (bytes(8) + move(RAM + ram, 0) + bytes(12) for ram in (0x20, 0x24))
    assert agree(old[slice(*cut)], new[slice(*cut)])


@pytest.mark.parametrize("before", [0, 2, 4])
def test_move_when_it_begins_the_image_then_both_find_its_other_half(before):
    """It is looked for in the whole of old, here before the cover, where nothing was remembered of it."""
    old = bytes(before) + move(RAM + 0x20, 0) + bytes(12)
    assert agree(old, old[before + 4 :], skipped=before + 4)


SEEDS = [*range(24), *(pytest.param(seed, marks=pytest.mark.sweep) for seed in range(24, 60))]


@pytest.mark.parametrize("seed", SEEDS)
def test_strange_pair_when_decoded_twice_then_is_the_same(seed):
    pair = strange_pair(seed)
    assert answers(pair.old, pair.stream, len(pair.new)) == (pair.new, pair.new)


@pytest.mark.parametrize("seed", SEEDS)
def test_stream_when_it_lies_then_both_say_the_same(seed):
    rng, pair = random.Random(seed), strange_pair(seed + 100)
    one, other = answers(pair.old, lie(rng, pair, LIES[seed % len(LIES)]), len(pair.new))
    assert one == other


@pytest.mark.sweep
@pytest.mark.timeout(900)
def test_streams_when_a_thousand_lie_then_both_say_the_same_and_some_are_refused():
    refused, given = 0, 0
    for seed in range(1000, 2000):
        rng, pair = random.Random(seed), strange_pair(seed)
        one, other = answers(pair.old, lie(rng, pair, LIES[seed % len(LIES)]), len(pair.new))
        assert one == other, seed
        refused, given = refused + (one is None), given + (one is not None)
    assert min(refused, given) > 200


def test_real_pair_when_decoded_twice_then_is_the_same():
    old, new = corpus("zstack-cc2652r")
    stream = coded(old, new, Choice(ranges=RANGES))
    assert answers(old, stream, len(new)) == (new, new)
