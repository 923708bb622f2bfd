"""The plan of an in-place update: a vector put together by hand, broken plans, the example of the specification."""

from __future__ import annotations

import random
import re
import struct
import zlib
from dataclasses import replace
from pathlib import Path

import pytest

from moduline.errors import BadChecksum, BadFormat, FormatError, Unsupported
from moduline.formats import inplace
from moduline.formats.inplace import KEEP, WRITE, Fill, Move, Plan, Run

SPEC = Path(__file__).resolve().parents[2] / "docs" / "spec" / "in-place.md"
VALUE = Plan(
    old_bytes=20000,
    new_bytes=22000,
    block_bytes=4096,
    is_descending=True,
    every=2,
    saved_bytes=5000,
    log_long=1,
    moves=(
        WRITE,
        Move(is_written=True, saved=(Run(0, 2, 2), Run(2, 10, 0))),
        Move(is_written=True, saved=(Run(15, 1, 1),)),
        Move(is_written=True, saved=(Run(15, 1, 1),)),
        KEEP,
        WRITE,
    ),
)
BODY = bytes([1, 0, 3, 0, 1, 2, 0, 9, 0, 0, 2, 15, 0, 1, 1, 0, 0, 1, 0])


def by_hand(*changes, body=BODY, slots=2, tail=b""):
    """The example of docs/spec/in-place.md, without our writer; changes as (offset, bytes), the check made right."""
    head = bytearray(struct.pack("<4sBBBBIIIHHII", b"MDLP", 2, 1, 12, 1, 20000, 22000, 5000, 2, slots, len(body), 0))
    for at, data in changes:
        head[at : at + len(data)] = data
    head[28:32] = struct.pack("<I", zlib.crc32(bytes(head[:28]) + bytes(4) + body))
    return bytes(head) + body + tail


def test_plan_when_read_by_hand_then_is_the_value_and_writes_the_same():
    assert inplace.read(by_hand()) == VALUE
    assert inplace.write(VALUE) == by_hand()


def test_example_when_printed_then_is_that_of_the_specification():
    lines = [line.split("  ")[1] for line in SPEC.read_text("utf-8").splitlines() if re.match(r"00[0-9a-f]{2}  ", line)]
    assert bytes.fromhex(" ".join(lines)) == by_hand()


def test_plan_when_asked_then_knows_groups_slots_and_the_exact_spare():
    """Two writes, checkpoint, two writes, checkpoint, the last; pages 64 and 65 are needed for three groups."""
    assert VALUE.groups == (0, 0, 1, 1, 2, 2)
    assert [VALUE.place(step) for step in range(6)] == [5, 4, 3, 2, 1, 0]
    assert [VALUE.size(step) for step in range(6)] == [1520, 4096, 4096, 4096, 4096, 4096]
    assert [VALUE.old_pages(place) for place in range(6)] == [16, 16, 16, 16, 15, 0]
    assert VALUE.fills == (
        Fill(group=0, slot=0, pages=(64, 65), until=2),
        Fill(group=0, slot=1, pages=tuple(range(66, 76)), until=0),
        Fill(group=1, slot=1, pages=(63, 47), until=2),
    )
    assert (VALUE.checkpoints, VALUE.bank_blocks, VALUE.slot_count) == (2, 2, 2)
    assert VALUE.spare_bytes == (2 * 2 + 2) * 4096


def test_slots_when_long_copies_do_not_lie_apart_then_as_first_needed():
    plan = replace(VALUE, log_long=0)
    assert [(one.group, one.slot, one.pages) for one in plan.fills] == [
        (0, 0, (64, 65, 63, 47)),
        (0, 1, tuple(range(66, 76))),
    ]


def test_slot_when_it_is_full_then_the_next_one_is_filled_when_its_first_page_is_due():
    moves = (*tuple(Move(True, (Run(0, 9, 1),)) for _ in range(4)), WRITE)
    plan = replace(VALUE, is_descending=False, every=1, new_bytes=20000, log_long=0, moves=moves)
    assert [(one.group, one.slot, len(one.pages), one.until) for one in plan.fills] == [
        (0, 0, 16, 2),
        (1, 1, 16, 4),
        (3, 0, 4, 4),
    ]
    assert plan.fills[1].pages == (23, 24, *range(32, 41), *range(48, 53))


def test_checkpoint_when_nothing_is_written_behind_it_then_is_left_out():
    plan = replace(VALUE, is_descending=False, new_bytes=16384, saved_bytes=0, moves=(WRITE, WRITE, KEEP, KEEP))
    assert (plan.checkpoints, plan.spare_bytes) == (0, 2 * 4096)


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (by_hand((0, b"X")), "magic"),
        (by_hand((5, b"\2")), "reserved"),
        (by_hand((7, b"\x0d")), "reserved"),
        (by_hand((6, b"\x0b")), "block"),
        (by_hand((6, b"\x15")), "block"),
        (by_hand((12, bytes(4))), "size"),
        (by_hand((11, b"\2")), "size"),
        (by_hand((16, bytes(4))), "saved"),
        (by_hand((20, bytes(2))), "every"),
        (by_hand((20, b"\7")), "move"),
        (by_hand(tail=b"\0"), "length"),
        (by_hand(body=BODY[:-1]), "number"),
        (by_hand(body=BODY[:-2]), "moves"),
        (by_hand(body=BODY + b"\0\0"), "moves"),
        (by_hand(body=BODY[:-4] + bytes([0, 0, 0, 0, 1, 0])), "moves"),
        (by_hand(body=BODY[:-4] + bytes([0, 0x81, 0, 1, 0])), "number"),
        (by_hand(body=BODY[:-4] + bytes([0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 1, 0])), "number"),
        (by_hand(body=BODY[:-4] + bytes([0, 0x7F, 1, 0])), "moves"),
        (by_hand(body=bytes([0]) + BODY[1:]), "move"),
        (by_hand(body=bytes([2, 0, 0, 0]) + BODY[1:]), "move"),
        (by_hand(body=bytes([1, 0, 2, 15, 0, 0]) + BODY[9:]), "move"),
        (by_hand(body=bytes([1, 0, 2, 0, 0, 3]) + BODY[9:]), "move"),
        (by_hand(body=bytes([1, 0, 2, 0, 16, 0]) + BODY[9:]), "moves"),
        (by_hand(body=bytes([1, 0, 2, 0, 0, 7]) + BODY[9:]), "moves"),
        (by_hand(body=bytes([1, 0, 3, 0, 1, 0, 0, 2, 0]) + BODY[9:]), "moves"),
        (by_hand(body=bytes([1, 0, 99, *[0, 0, 0] * 20]) + BODY[9:]), "moves"),
        (by_hand(slots=1), "slots"),
        (by_hand(slots=3), "slots"),
        (by_hand()[:31], "truncated"),
    ],
)
def test_plan_when_it_breaks_a_rule_then_refused(data, rule):
    with pytest.raises(BadFormat) as caught:
        inplace.read(data)
    assert caught.value.facts["rule"] == rule


def test_plan_when_of_another_version_then_refused_and_told_what_to_do():
    for number, words in ((1, "make the patch again"), (3, "update Moduline")):
        with pytest.raises(Unsupported) as caught:
            inplace.read(by_hand((4, bytes([number]))))
        assert caught.value.facts["number"] == number
        assert words in str(caught.value.facts["remedy"])


def test_plan_when_damaged_then_refused():
    with pytest.raises(BadChecksum):
        inplace.read(by_hand()[:-1] + b"\1")


def test_plan_when_a_value_cannot_be_written_then_refused():
    for wrong in (
        replace(VALUE, block_bytes=5000),
        replace(VALUE, moves=VALUE.moves[:-1]),
        replace(VALUE, saved_bytes=0),
        replace(VALUE, log_long=13),
    ):
        with pytest.raises(FormatError):
            inplace.write(wrong)


def test_plan_when_mutated_with_right_check_then_value_or_coded_error():
    rng = random.Random(5)
    good = 0
    for _ in range(4000):
        body = bytearray(rng.choice([BODY, bytes(rng.randrange(4) for _ in range(rng.randrange(24)))]))
        for _ in range(rng.randrange(3)):
            if body:
                body[rng.randrange(len(body))] = rng.randrange(256) >> rng.randrange(8)
        changes = [(rng.randrange(28), rng.randbytes(1)) for _ in range(rng.randrange(2))]
        data = by_hand(*changes, body=bytes(body), slots=rng.randrange(5))
        try:
            plan = inplace.read(data)
        except FormatError:
            continue
        good += 1
        assert inplace.write(plan) == data
        assert plan.spare_bytes > 0
    assert good > 20
