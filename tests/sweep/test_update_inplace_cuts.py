"""Firmware renewed in place by the whole boot code: staging, records, acceptance, steps, results; the power pulled anywhere.

Real code of a corpus stands in the ROM of the old and the new firmware, so the package reads what it overwrites, and
its spare flash is what it leaves of update_store. What a trial prints replays it.

Source: style H32; device-api 7.5, 14.5 (T54); issue 5 (must show).
"""

from __future__ import annotations

import random
from functools import cache

import pytest

from moduline.delta import codecs, make, read_side
from moduline.errors import FlashCut
from moduline.formats import patch
from samples import corpus
from update_rig import IDENTITY, NEW, OLD, PROFILE, Rig, firmware, old_chip

NOISE = random.Random(71).randbytes(60_000)
NOISE_AFTER = NOISE[:20_000] + random.Random(72).randbytes(2_000) + NOISE[20_000:-900]


class Bench:
    """A chip with the old firmware, a package for it, and how the flash stands when it is accepted."""

    def __init__(self, before, after):
        sides = (read_side(firmware(version, rom)) for version, rom in ((OLD, before), (NEW, after)))
        self.package = make(*sides, codec="mapped").files[0]
        assert [one.codec for one in patch.read(self.package).regions] == [codecs.MAPPED]
        self.chip, _ = old_chip(before)
        self.clean = self._cells()
        rig = Rig(self.chip)
        rig.stage([self.package])
        self.staging = rig.flash.operation
        self.staged = self._cells()
        rig.power_on()
        assert rig.boot() == 1
        assert rig.version() == NEW
        self.applying = rig.flash.operation

    def _cells(self):
        """The parts of the chip that an update touches."""
        found = []
        for role in ("system", "update_store"):
            place = PROFILE.partition(role)
            start, size = IDENTITY.offset_of(place), min(place.size_bytes, 3 << 20)
            found.append((start, bytes(self.chip.cells[start : start + size])))
        return found

    def rig(self, cells):
        for start, content in cells:
            self.chip.cells[start : start + len(content)] = content
        return Rig(self.chip)

    def cut_while_staging(self, cuts):
        """The script tries again after each cut."""
        rig = self.rig(self.clean)
        rig.flash.arm(cuts)
        for _ in range(cuts.count(",") + 2):
            try:
                rig.stage([self.package])
                break
            except FlashCut:
                rig.power_on()
                try:
                    rig.boot()
                except FlashCut:
                    rig.power_on()
                    rig.boot()
                if rig.unit.result is not None:  # the cut came after the acceptance was whole
                    break
                assert rig.version() == OLD, cuts
        rig.flash.arm("")
        rig.power_on()
        rig.boot()
        assert (rig.version(), rig.unit.is_due) == (NEW, False), cuts

    def cut_while_applying(self, cuts):
        rig = self.rig(self.staged)
        rig.flash.arm(cuts)
        for _ in range(cuts.count(",") + 2):
            try:
                rig.boot()
                break
            except FlashCut:
                rig.power_on()
        assert (rig.version(), rig.unit.is_due, rig.unit.result.is_done) == (NEW, False, True), cuts

    def sample(self, count, seed):
        """So many single cuts, tears and pairs of both, spread and near."""
        rng = random.Random(seed)
        for number in range(count):
            for operations, cut in ((self.staging, self.cut_while_staging), (self.applying, self.cut_while_applying)):
                first = number * operations // count
                cut(f"cut@{first}")
                cut(f"tear@{first}:{seed + number}")
                cut(f"tear@{first}:{number},{rng.choice(['cut@%d', 'tear@%d:9'])}" % rng.randrange(50))
                cut(f"tear@{rng.randrange(operations)}:3,tear@{rng.randrange(operations)}:4,cut@{rng.randrange(20)}")


@cache
def small():
    return Bench(NOISE, NOISE_AFTER)


def test_update_in_place_when_power_goes_anywhere_then_old_or_new_firmware():
    small().sample(5, 1)


@pytest.mark.sweep
@pytest.mark.timeout(3600)
def test_small_update_in_place_when_power_goes_anywhere_then_old_or_new_firmware():
    small().sample(150, 2)


@pytest.mark.sweep
@pytest.mark.timeout(7200)
def test_real_update_in_place_when_power_goes_anywhere_then_old_or_new_firmware():
    old, new = corpus("zstack-cc2652r")
    bench = Bench(old, new)
    assert bench.applying > 1_000
    bench.sample(60, 3)
    print(f"{bench.staging} operations of staging, {bench.applying} of applying, 480 trials")
