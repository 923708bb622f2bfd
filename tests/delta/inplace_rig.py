"""A chip with a target and a spare area, an old image in it, and junk in the spare; small patches with a small decoder."""

from __future__ import annotations

import copy
import hashlib
import random

from moduline.delta import inplace, mapped, native
from moduline.delta.inplace import InPlacePatch
from moduline.delta.journal import Journal, Region
from moduline.delta.native import Choice
from moduline.delta.steps import InPlaceUpdate
from moduline.errors import FlashCut
from moduline.nor.faulty import FaultyFlash
from moduline.nor.geometry import Geometry
from moduline.nor.memory import MemoryFlash


def pair(seed, size, extra=5000):
    """An image, and the same with something put in near its start and cut off at its end, and one changed byte."""
    rng = random.Random(seed)
    old = rng.randbytes(size)
    new = bytearray(old[:3000] + rng.randbytes(extra) + old[3000:-700])
    new[size // 2] ^= 1
    return old, bytes(new)


def small_patch(old, new, *, block=4096, down=False, every=None):
    """A patch whose decoder takes as little RAM as the format allows, so that checkpoints are short."""
    choice = Choice(is_thumb=False, slot_kib=1, log_flags=4, descending_block=block if down else 0)
    covers = mapped.find_covers(old, new, Choice(is_thumb=False))
    covers = covers.split(block, len(new)) if down else covers
    covers.choose_map(len(old), 4)
    stream, _ = native.encode(old, new, covers, choice)
    seen = inplace.watch(lambda at, n: old[at : at + n], len(old), stream, len(new), block, down)
    plan = inplace.plan_of(seen, len(old), len(new), block, down, every or len(seen.reads))
    return InPlacePatch(plan, stream, hashlib.sha256(old).digest(), hashlib.sha256(new).digest())


class Rig:
    """The chip; ``update`` is a new life: nothing in RAM is left of the one before."""

    def __init__(self, patch, old, new, *, spare=None, program_bytes=1):
        block = patch.plan.block_bytes
        self.patch, self.new = patch, new
        self.target_bytes = -(-max(len(old), len(new)) // block) * block + block
        self.spare_bytes = patch.plan.spare_bytes if spare is None else spare
        geometry = Geometry(self.target_bytes + self.spare_bytes, block, program_bytes)
        chip = MemoryFlash(geometry)
        self.chip = chip
        chip.cells[:] = random.Random(9).randbytes(geometry.capacity_bytes)
        chip.cells[: len(old)] = old
        self.before = bytes(chip.cells)
        self.flash = FaultyFlash(chip)

    def twin(self):
        """Another chip that holds the same."""
        other = copy.copy(self)
        other.chip = MemoryFlash(self.chip.geometry, bytearray(self.chip.cells))
        other.flash = FaultyFlash(other.chip)
        return other

    def reset(self, cells=None):
        self.chip.cells[:] = self.before if cells is None else cells
        self.flash.arm(())
        self.flash.power_on()

    def spare(self):
        return Region(self.flash, self.target_bytes, self.spare_bytes)

    def journal(self):
        return Journal(self.spare(), self.patch.session, self.patch.plan.bank_blocks)

    def update(self):
        return InPlaceUpdate(self.patch, Region(self.flash, 0, self.target_bytes), self.spare())

    def run(self):
        for _ in self.update().steps():
            continue

    def is_new(self):
        """The new image is there, what lies behind it in the target is as it was, another life finds nothing to do."""
        image = bytes(self.chip.cells[: len(self.new)])
        kept = self.target_bytes - self.patch.plan.block_bytes
        is_rest_kept = bytes(self.chip.cells[kept : self.target_bytes]) == self.before[kept : self.target_bytes]
        return image == self.new and is_rest_kept and not list(self.update().steps())

    def survives(self, cuts, cells=None):
        """Run with these cuts from the beginning or from ``cells``, power on after each, until it is over."""
        self.reset(cells)
        self.flash.arm(cuts)
        for _ in range(cuts.count(",") + 2):
            try:
                self.run()
                break
            except FlashCut:
                self.flash.power_on()
        return self.is_new()
