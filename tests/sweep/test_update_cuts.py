"""Power away at every flash operation of staging and applying an update: the module always ends with old or new firmware.

A clean run counts the operations; then the power is cut before, or torn within, each of them, the module is powered on
until its boot code has nothing left to do, and what is in the flash must boot: the old firmware as long as the package
was not accepted, the new one afterwards. What a failure prints replays it. By default a spread of operations is tried,
the sweep target tries all of them with several tears, and cuts the recoveries again.

Source: style H32; device-api 7.5, 14.5 (T54).
"""

from __future__ import annotations

import functools
import random

import pytest

from moduline.delta import codecs
from moduline.errors import FlashCut
from moduline.formats import patch
from update_rig import IDENTITY, NEW, OLD, PROFILE, Rig, old_chip, packages, user_image


def used(chip):
    """The parts of a chip that an update touches, as (start, bytes); a copy of 16 MB for every cut would be slow."""
    ends = []
    for role in ("system", "user_fs", "update_store"):
        place = PROFILE.partition(role)
        ends.append((IDENTITY.offset_of(place), min(place.size_bytes, 1 << 20)))
    return [(start, bytes(chip.cells[start : start + size])) for start, size in ends]


SHIFTED = random.Random(1).randbytes(20000)
ROMS = {"whole": (None, None), "mapped": (SHIFTED, SHIFTED[:9000] + random.Random(2).randbytes(1500) + SHIFTED[9000:])}


@functools.cache
def chip_with(codec):
    """A chip with the old firmware, its scripts, and what an update may touch."""
    chip, usr = old_chip(ROMS[codec][0])
    return chip, usr, used(chip)


OLD_USR = chip_with("whole")[1]


def fresh(files):
    """The one chip for such packages, as it was before."""
    is_whole = codecs.codec_of(patch.read(files[0]).regions[0].codec).is_whole
    chip, _, clean = chip_with("whole" if is_whole else "mapped")
    for start, cells in clean:
        chip.cells[start : start + len(cells)] = cells
    return chip


def expected(kind):
    return (OLD if kind == "full" else NEW), (OLD_USR if kind == "diff" else user_image())


def check_clean(kind, files):
    """The clean run: (operations of staging, operations of applying)."""
    rig = Rig(fresh(files))
    rig.stage(files)
    staging = rig.flash.operation
    rig.power_on()
    assert rig.boot() == len(files)
    assert (rig.version(), rig.usr() == expected(kind)[1]) == (expected(kind)[0], True)
    assert rig.unit.result.is_done
    assert not rig.unit.is_due
    return staging, rig.flash.operation


def cut_while_staging(kind, files, *cuts):
    """Cut at operations of staging; the script tries again after each."""
    rig = Rig(fresh(files), ",".join(cuts))
    fired = 0
    while True:
        try:
            rig.stage(files)
            break
        except FlashCut:
            fired += 1
            rig.power_on()
            rig.boot()
            is_over = rig.unit.result is not None  # the cut came after the acceptance was whole
            assert rig.version() == (expected(kind)[0] if is_over else OLD), cuts
            assert rig.usr() == (expected(kind)[1] if is_over else OLD_USR), cuts
            if is_over:
                return
    assert fired, cuts
    rig.power_on()
    rig.boot()
    assert (rig.version(), rig.usr() == expected(kind)[1]) == (expected(kind)[0], True), cuts


def cut_while_applying(kind, files, *cuts):
    """Cut at operations of the boot code."""
    rig = Rig(fresh(files))
    rig.stage(files)
    rig.power_on()
    rig.flash.arm(",".join(cuts))
    for _ in range(len(cuts) + 1):
        try:
            rig.boot()
            break
        except FlashCut:
            rig.power_on()
    assert (rig.version(), rig.usr() == expected(kind)[1]) == (expected(kind)[0], True), cuts
    assert rig.unit.result.is_done, cuts


KINDS = (("diff", "whole"), ("full", "whole"), ("mini", "whole"), ("mini", "mapped"))
"""In place as ``diff``: ``tests/vmodule/update/test_in_place.py``."""


@pytest.mark.parametrize(("kind", "codec"), KINDS)
def test_update_when_power_goes_at_any_operation_then_old_or_new_firmware(kind, codec):
    files = packages(kind, codec, ROMS[codec])
    staging, applying = check_clean(kind, files)
    assert staging > 20
    assert applying > 30
    count = 20 if kind == "diff" else 6
    for number in range(0, staging, max(1, staging // count)):
        cut_while_staging(kind, files, f"cut@{number}")
        cut_while_staging(kind, files, f"tear@{number}:{number + 1}")
    for number in range(0, applying, max(1, applying // count)):
        cut_while_applying(kind, files, f"cut@{number}")
        cut_while_applying(kind, files, f"tear@{number}:{number + 1}")


@pytest.mark.sweep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("kind", "codec"), KINDS)
def test_update_when_power_goes_at_every_operation_then_old_or_new_firmware(kind, codec):
    files = packages(kind, codec, ROMS[codec])
    staging, applying = check_clean(kind, files)
    step = 1 if kind == "diff" or codec == "mapped" else 3
    for cut, count in ((cut_while_staging, staging), (cut_while_applying, applying)):
        for number in range(0, count, step):
            cut(kind, files, f"cut@{number}")
            for seed in (1, 7, 4242):
                cut(kind, files, f"tear@{number}:{seed}")


@pytest.mark.sweep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("kind", "codec"), KINDS)
def test_update_when_recovery_is_cut_again_then_old_or_new_firmware(kind, codec):
    files = packages(kind, codec, ROMS[codec])
    staging, applying = check_clean(kind, files)
    chance = random.Random(20262)
    for _ in range(150):
        first, second = chance.randrange(applying), chance.randrange(applying)
        cut_while_applying(kind, files, f"tear@{first}:{first}", f"tear@{second}:{second}", f"cut@{first % 9}")
        first, second = chance.randrange(staging), chance.randrange(staging)
        cut_while_staging(kind, files, f"tear@{first}:{first}", f"cut@{second}")
