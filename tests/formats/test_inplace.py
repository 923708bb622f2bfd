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
from moduline.formats.inplace import KEEP, SAVE, WRITE, Plan

SPEC = Path(__file__).resolve().parents[2] / "docs" / "spec" / "in-place.md"
VALUE = Plan(
    old_bytes=20000,
    new_bytes=22000,
    block_bytes=4096,
    is_descending=True,
    every=2,
    state_bytes=5000,
    moves=(WRITE, SAVE + 1, SAVE, SAVE, KEEP, WRITE),
)
BODY = bytes([1, 0, 3, 0, 2, 1, 0, 0, 1, 0])


def by_hand(*changes, body=BODY, slots=3, tail=b""):
    """The example of docs/spec/in-place.md, without our writer; changes as (offset, bytes), the check made right."""
    head = bytearray(struct.pack("<4sBBBBIIIHHII", b"MDLP", 1, 1, 12, 0, 20000, 22000, 5000, 2, slots, len(body), 0))
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
    """Two writes, checkpoint, two writes, checkpoint, the last; the first copy is needed for two groups."""
    assert VALUE.groups == (0, 0, 1, 1, 2, 2)
    assert VALUE.slots == (None, 0, 1, 2, None, None)
    assert (VALUE.checkpoints, VALUE.checkpoint_blocks, VALUE.areas, VALUE.slot_count) == (2, 2, 2, 3)
    assert VALUE.spare_bytes == (2 + 2 * 2 + 3) * 4096
    assert [VALUE.place(step) for step in range(6)] == [5, 4, 3, 2, 1, 0]
    assert [VALUE.size(step) for step in range(6)] == [1520, 4096, 4096, 4096, 4096, 4096]


def test_slot_when_its_checkpoint_has_gone_by_then_is_used_again():
    plan = replace(VALUE, is_descending=False, every=1, new_bytes=20000, moves=(SAVE, SAVE + 1, SAVE, SAVE, WRITE))
    assert plan.slots == (0, 0, 1, 0, None)


def test_checkpoint_when_nothing_is_written_behind_it_then_is_left_out():
    plan = replace(VALUE, is_descending=False, new_bytes=16384, moves=(WRITE, WRITE, KEEP, KEEP))
    assert (plan.checkpoints, plan.spare_bytes) == (0, 2 * 4096)


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (by_hand((0, b"X")), "magic"),
        (by_hand((5, b"\2")), "reserved"),
        (by_hand((7, b"\1")), "reserved"),
        (by_hand((6, b"\x0b")), "block"),
        (by_hand((6, b"\x15")), "block"),
        (by_hand((12, bytes(4))), "size"),
        (by_hand((11, b"\2")), "size"),
        (by_hand((20, bytes(2))), "every"),
        (by_hand(tail=b"\0"), "length"),
        (by_hand(body=BODY[:-1]), "number"),
        (by_hand(body=BODY[:-2]), "moves"),
        (by_hand(body=BODY + b"\2\0"), "moves"),
        (by_hand(body=bytes([1, 0, 3, 0, 2, 0, 2, 0, 0, 0, 1, 0])), "moves"),
        (by_hand(body=bytes([1, 0, 3, 0, 2, 0x81, 0, 0, 0, 1, 0])), "number"),
        (by_hand(body=bytes([1, 0, 3, 0, 2, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 1, 0])), "number"),
        (by_hand(body=bytes([1, 0, 3, 0, 2, 0x7F, 0, 0, 1, 0])), "moves"),
        (by_hand(body=bytes([2, 0, 3, 0, 2, 1, 0, 0, 1, 0])), "move"),
        (by_hand(body=bytes([0, 0, 3, 0, 2, 1, 0, 0, 1, 0])), "move"),
        (by_hand(body=bytes([1, 0, 3, 0, 2, 0, 4, 0, 0, 0, 1, 0])), "move"),
        (by_hand(slots=2), "slots"),
        (by_hand(slots=4), "slots"),
        (by_hand()[:31], "truncated"),
    ],
)
def test_plan_when_it_breaks_a_rule_then_refused(data, rule):
    with pytest.raises(BadFormat) as caught:
        inplace.read(data)
    assert caught.value.facts["rule"] == rule


def test_plan_when_of_a_later_version_or_damaged_then_refused():
    with pytest.raises(Unsupported):
        inplace.read(by_hand((4, b"\2")))
    with pytest.raises(BadChecksum):
        inplace.read(by_hand()[:-1] + b"\1")


def test_plan_when_a_value_cannot_be_written_then_refused():
    with pytest.raises(FormatError):
        inplace.write(replace(VALUE, block_bytes=5000))
    with pytest.raises(BadFormat):
        inplace.write(replace(VALUE, moves=VALUE.moves[:-1]))


def test_plan_when_mutated_with_right_check_then_value_or_coded_error():
    rng = random.Random(5)
    good = 0
    for _ in range(3000):
        body = bytearray(rng.choice([BODY, bytes(rng.randrange(4) for _ in range(rng.randrange(14)))]))
        for _ in range(rng.randrange(3)):
            if body:
                body[rng.randrange(len(body))] = rng.randrange(256) >> rng.randrange(8)
        data = by_hand((rng.randrange(28), rng.randbytes(1)), body=bytes(body), slots=rng.randrange(5))
        try:
            plan = inplace.read(data)
        except FormatError:
            continue
        good += 1
        assert inplace.write(plan) == data
    assert good
