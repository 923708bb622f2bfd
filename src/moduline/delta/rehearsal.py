"""Rehearsing an update: the power goes away before and inside every flash operation, and again while it recovers.

::

    chip    targets | spare | store (the patch, as a file of a file system or as it is)

A *life* is what a boot code does at one power-on: it reads the patch from the store and goes on. A rehearsal cuts a
life at an operation, powers on until nothing is left to do, and looks: is every new image there to the last byte, is
everything else as it was, does one more life do nothing? Each trial is told by a string that replays it.

Source: style-anchors H32; delta.md 4; ``nor.faulty`` for what a cut leaves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from moduline.delta import codecs
from moduline.delta.inplace import InPlacePatch
from moduline.delta.journal import Region
from moduline.delta.renew import renew
from moduline.delta.steps import InPlaceUpdate
from moduline.errors import BadFormat, FlashCut, ModulineError, Text
from moduline.formats import littlefs
from moduline.nor.faulty import FaultyFlash
from moduline.nor.geometry import Geometry
from moduline.nor.memory import MemoryFlash

STORES: Final = ("fs", "fp")
PATCH_FILE: Final = "FotaFile.bin"
MAX_LIVES: Final = 8
_FS_BLOCK: Final = 4096
_FS_UNIT: Final = 256


@dataclass(frozen=True, slots=True)
class Job:
    """One region to be renewed.

    Attributes:
        role: of the region.
        old: what is there before.
        new: what shall be there.
        patch: in place; None where the new content is in the patch as a whole.
    """

    role: str
    old: bytes = field(repr=False)
    new: bytes = field(repr=False)
    patch: InPlacePatch | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Trial:
    """One try.

    Attributes:
        cuts: replays it; see ``nor.faulty``.
        operation: at which the power went away first.
        complaint: what was wrong afterwards; empty when nothing was.
    """

    cuts: str
    operation: int
    complaint: str


@dataclass(frozen=True, slots=True)
class CleanStep:
    """A step of the run that nothing disturbs: what it is for, its first operation, how many it takes."""

    what: str
    first: int
    count: int


class Model:
    """The flash of a module with a patch in it.

    Args:
        jobs: regions, in order.
        block_bytes: erase unit.
        store: where the patch lies, ``fs`` or ``fp``.
        packed: the patch, as it lies there.
    """

    def __init__(self, jobs: Sequence[Job], block_bytes: int, store: str, packed: bytes) -> None:
        self.jobs = tuple(jobs)
        self.store = store
        self._packed = packed
        sizes = [_blocks(max(len(job.old), len(job.new)), block_bytes) + block_bytes for job in jobs]
        self.spare_bytes = max((job.patch.plan.spare_bytes for job in jobs if job.patch), default=0)
        kept = _file_system(packed, block_bytes) if store == "fs" else packed
        starts = [sum(sizes[:number]) for number in range(len(sizes) + 1)]
        self._store_start = starts[-1] + self.spare_bytes
        self._store_bytes = len(kept)
        capacity = self._store_start + _blocks(len(kept), block_bytes)
        chip = MemoryFlash(Geometry(capacity, block_bytes))
        for start, job in zip(starts, jobs, strict=False):
            chip.cells[start : start + len(job.old)] = job.old
        chip.cells[self._store_start : self._store_start + len(kept)] = kept
        self.flash = FaultyFlash(chip)
        self._targets = [Region(self.flash, at, size) for at, size in zip(starts, sizes, strict=False)]
        self._spare = Region(self.flash, starts[-1], self.spare_bytes)
        self.before = bytes(chip.cells[:])

    def reset(self, cells: bytes) -> None:
        """Bring the flash into a state; powered on, no cuts."""
        self.flash.flash.cells[:] = cells
        self.flash.arm(())
        self.flash.power_on()

    @property
    def cells(self) -> bytes:
        """All that is in the flash."""
        return bytes(self.flash.flash.cells[:])

    def life(self) -> Iterator[str]:
        """One power-on; gives what each step was for.

        Raises:
            FlashCut: the power went away.
            ModulineError: it cannot go on.
        """
        if self._read_store() != self._packed:
            raise BadFormat(format="patch", reason=Text("the store changed", "存储内容已变化"), offset=0)
        for target, job in zip(self._targets, self.jobs, strict=True):
            if job.patch is None:
                for _ in renew(target, job.new):
                    yield "target"
            else:
                for step in InPlaceUpdate(job.patch, target, self._spare).steps():
                    yield step.what

    def run(self) -> None:
        """One power-on, to its end."""
        for _ in self.life():
            continue

    def complaint(self) -> str:
        """What is not as it should be when all is over; empty when nothing is."""
        cells = self.cells
        for target, job in zip(self._targets, self.jobs, strict=True):
            if cells[target.start : target.start + len(job.new)] != job.new:
                return f"{job.role}: not the new image"
            end = target.start + target.size
            last = end - target.block_bytes
            if cells[last:end] != self.before[last:end]:
                return f"{job.role}: changed behind its end"
        if cells[self._store_start :] != self.before[self._store_start :]:
            return "store: changed"
        self.flash.power_on()
        try:
            self.run()
        except ModulineError as wrong:
            return f"one more power-on: {wrong.code}"
        return "one more power-on did something" if self.flash.operation else ""

    def _read_store(self) -> bytes:
        data = self.flash.read(self._store_start, self._store_bytes)
        if self.store == "fp":
            return data
        files = dict(littlefs.read_image(data).entries)
        return files.get(PATCH_FILE) or b""


def clean_run(model: Model) -> tuple[CleanStep, ...]:
    """The steps when nothing happens.

    Raises:
        ModulineError: it does not even work then.
    """
    model.reset(model.before)
    steps, first = [], 0
    for what in model.life():
        steps.append(CleanStep(what, first, model.flash.operation - first))
        first = model.flash.operation
    wrong = model.complaint()
    if wrong:
        raise BadFormat(format="rehearsal", reason=Text("{wrong}", "{wrong}"), offset=0, wrong=wrong)
    return tuple(steps)


def single_cuts(model: Model, steps: Sequence[CleanStep], count: int | None) -> Iterator[Trial]:
    """A cut before, and a tear in, every operation; with a count, so many operations evenly spread.

    A trial begins with what the step before left in the flash: a life knows nothing else.
    """
    total = sum(step.count for step in steps)
    chosen = set(range(total)) if count is None else {number * total // count for number in range(min(count, total))}
    cells = model.before
    for step in steps:
        for number in sorted(chosen & set(range(step.first, step.first + step.count))):
            at = number - step.first
            yield Trial(f"cut@{number}", number, try_out(model, f"cut@{at}", cells))
            yield Trial(f"tear@{number}:{number + 1}", number, try_out(model, f"tear@{at}:{number + 1}", cells))
        model.reset(cells)
        life = model.life()
        while model.flash.operation < step.count and next(life, None) is not None:
            continue
        cells = model.cells


def double_cuts(model: Model, total: int, count: int, seed: int) -> Iterator[Trial]:
    """So many sampled pairs: a tear anywhere, then a cut or a tear while it recovers."""
    for number in range(count):
        words = hashlib.sha256(f"{seed}:{number}".encode()).digest()
        first, second, torn, kind = (int.from_bytes(words[at : at + 4], "little") for at in (0, 4, 8, 12))
        first %= max(total, 1)
        second %= max(total - first + total // 8, 1)
        again = f"cut@{second}" if kind % 2 else f"tear@{second}:{kind >> 8 & 0xFFFF}"
        cuts = f"tear@{first}:{torn & 0xFFFF},{again}"
        yield Trial(cuts, first, try_out(model, cuts, model.before))


def try_out(model: Model, cuts: str, cells: bytes) -> str:
    """Run with these cuts, power on after each until it is over; what was wrong then."""
    model.reset(cells)
    model.flash.arm(cuts)
    for _ in range(MAX_LIVES):
        try:
            model.run()
        except FlashCut:
            model.flash.power_on()
            continue
        except ModulineError as wrong:
            return f"{wrong.code}: cannot go on"
        return model.complaint()
    return "it never ends"


def pack(job: Job) -> bytes:
    """What of a job lies in the store: the data block of its patch."""
    return job.patch.block if job.patch is not None else codecs.encode(job.new)[1]


def _blocks(size: int, block_bytes: int) -> int:
    return -(-size // block_bytes) * block_bytes


def _file_system(packed: bytes, block_bytes: int) -> bytes:
    size = _blocks(len(packed) + len(packed) // 64 + 8 * _FS_BLOCK, max(block_bytes, _FS_BLOCK))
    geometry = littlefs.FsGeometry("lfs2", _FS_BLOCK, size // _FS_BLOCK, _FS_UNIT, _FS_UNIT)
    return littlefs.write_image([(PATCH_FILE, packed)], geometry)
