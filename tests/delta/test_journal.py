"""The journal: marks that are torn, banks that are full, whatever stood there before."""

from __future__ import annotations

import random
import struct
import zlib

import pytest

from moduline.delta.journal import Journal, Region
from moduline.errors import FlashCut
from moduline.nor.faulty import FaultyFlash
from moduline.nor.geometry import Geometry
from moduline.nor.memory import MemoryFlash

OURS, THEIRS = b"patch  1", b"patch  2"


def area(fill=0xFF):
    chip = MemoryFlash(Geometry(4 * 4096))
    chip.cells[:] = bytes([fill]) * len(chip.cells)
    return Region(FaultyFlash(chip), 4096, 2 * 4096)


def begun(region, session=OURS):
    journal = Journal(region, session, 1)
    for _ in journal.begin():
        continue
    return journal


def add(journal, done):
    for _ in journal.make_room():
        continue
    journal.mark(done)


def test_journal_when_begun_then_its_bytes_are_those_of_the_specification():
    region = area(0)
    journal = begun(region)
    add(journal, 1)
    head = struct.pack("<4s8sII8x", b"MDLJ", OURS, 1, 0)
    mark = struct.pack("<II", 1, zlib.crc32(OURS + struct.pack("<II", 1, 1)))
    wanted = head + struct.pack("<I", zlib.crc32(head)) + mark
    assert region.read(0, 48) == wanted + b"\xff" * 8


def test_journal_when_it_is_of_another_patch_or_junk_then_nothing_was_begun():
    region = area()
    add(begun(region), 1)
    assert (Journal(region, OURS, 1).generation, Journal(region, OURS, 1).done) == (1, 1)
    assert Journal(region, THEIRS, 1).generation == 0
    for fill in (0xFF, 0, 0x4D):
        assert Journal(area(fill), OURS, 1).generation == 0


def test_journal_when_begun_again_then_nothing_of_the_older_one_counts():
    region = area()
    journal = begun(region)
    for done in range(1, 1300):
        add(journal, done)
    assert journal.generation == 3
    begun(region)
    assert (Journal(region, OURS, 1).generation, Journal(region, OURS, 1).done) == (1, 0)
    assert region.is_blank(1)


def test_journal_when_power_goes_at_random_then_never_goes_back_and_never_tells_too_much():
    region, rng = area(), random.Random(3)
    flash = region.flash
    begun(region)
    done = 0
    for _ in range(4000):
        journal = Journal(region, OURS, 1)
        assert journal.generation
        assert done <= journal.done <= done + 1
        done = journal.done
        flash.arm(rng.choice(["cut@%d", "tear@%d:" + str(rng.randrange(1 << 16))]) % rng.randrange(4))
        try:
            for _ in range(3):
                add(journal, done + 1)
                done += 1
        except FlashCut:
            flash.power_on()
    assert Journal(region, OURS, 1).generation > 10


def test_mark_when_its_number_is_changed_then_does_not_count():
    region = area()
    add(begun(region), 1)
    region.flash.flash.cells[4096 + 32 : 4096 + 36] = struct.pack("<I", 999)
    assert Journal(region, OURS, 1).done == 0


@pytest.mark.parametrize("at", range(32))
def test_head_when_a_byte_is_changed_then_the_bank_does_not_count(at):
    region = area()
    begun(region)
    cell = region.flash.flash.cells[4096 + at]
    region.flash.flash.cells[4096 + at] = cell ^ 1
    assert Journal(region, OURS, 1).generation == 0
