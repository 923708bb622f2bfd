"""Rehearsing an update: the power goes away before and inside every flash operation, and again while it recovers.

::

    chip    targets | spare | store (the patch, as a file of a file system or as it is)

    undisturbed   op 0 .. op k-1 | op k ............ mark          a *milestone*: all but the journal is known by heart
                         cut here ^                   ^
    trial         cells before k, torn --- power on --+ same journal, same cells: from here on it is the undisturbed run

A *life* is what a boot code does at one power-on: it reads the patch from the store and goes on. A trial takes the
cells as they are before an operation, cuts or tears it, powers on, and goes on until the module stands where the
undisturbed run stands after its next mark: the same actions done, the same checkpoint, every cell outside the journal
equal. Since a life knows nothing but the flash, the rest is the rest of the undisturbed run. A trial that does not
come to that, and every sixteenth, goes on to its end: is every new image there to the last byte, is everything else as
it was, does one more life do nothing? Each trial is told by a string that replays it from the beginning (``try_out``).

Source: style-anchors H11, H32; delta.md 4; ``nor.faulty`` for what a cut leaves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from moduline.delta import codecs
from moduline.delta.inplace import InPlacePatch
from moduline.delta.journal import Journal, Region
from moduline.delta.recall import Memory
from moduline.delta.renew import renew
from moduline.delta.steps import InPlaceUpdate, work_of
from moduline.errors import BadFormat, FlashCut, ModulineError, Text
from moduline.formats import littlefs
from moduline.formats.inplace import BANKS
from moduline.nor.faulty import FaultyFlash, parse_cuts
from moduline.nor.geometry import ERASED, Geometry
from moduline.nor.memory import MemoryFlash, page_count

STORES: Final = ("fs", "fp")
PATCH_FILE: Final = "FotaFile.bin"
SEED: Final = 20265
"""Of the pairs, unless another one is asked for."""
MAX_LIVES: Final = 8
TO_THE_END: Final = 16
"""One of so many trials goes on to its end though it stands where it should."""
MOST_AHEAD: Final = 16
"""Milestones of the undisturbed run that are kept."""
NEAR: Final = 48
"""Operations after the first power-on in which most second cuts come."""
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
        is_to_the_end: it went on to its end; else until the rest was known.
    """

    cuts: str
    operation: int
    complaint: str
    is_to_the_end: bool = True


@dataclass(frozen=True, slots=True)
class Moment:
    """A step was taken.

    Attributes:
        what: it is for.
        done: tells how far the update is: number of the region, generation of its journal, actions or bytes done.
    """

    what: str
    done: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class CleanStep:
    """A step of the run that nothing disturbs.

    Attributes:
        what: it is for.
        first: its first operation.
        count: operations.
        done: as ``Moment.done``.
    """

    what: str
    first: int
    count: int
    done: tuple[int, int, int] = (0, 0, 0)


@dataclass(frozen=True, slots=True)
class Change:
    """One call that changes the flash: a program, or an erase of one sector.

    Attributes:
        first: number of its first operation.
        count: operations: pages, or 1.
        address: where.
        data: what is programmed; None for an erase.
    """

    first: int
    count: int
    address: int
    data: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class CleanRun:
    """The run that nothing disturbs."""

    steps: tuple[CleanStep, ...]
    changes: tuple[Change, ...] = field(repr=False)

    @property
    def total(self) -> int:
        """Operations."""
        return sum(step.count for step in self.steps)


class _Watched(FaultyFlash):
    """Notes every call that changes the flash."""

    changes: list[Change] | None = None

    def program(self, address: int, data: bytes) -> None:
        """As Flash.program."""
        first, count = self.operation, page_count(self.geometry, address, len(data))
        super().program(address, data)
        if self.changes is not None:
            self.changes.append(Change(first, count, address, data))

    def erase(self, address: int, size: int) -> None:
        """As Flash.erase."""
        first = self.operation
        super().erase(address, size)
        if self.changes is not None:
            unit = self.geometry.erase_bytes
            some = (Change(first + number, 1, address + number * unit, None) for number in range(size // unit))
            self.changes.extend(some)


class Model:
    """The flash of a module with a patch in it.

    Args:
        jobs: regions, in order.
        block_bytes: erase unit.
        store: where the patch lies, ``fs`` or ``fp``.
        packed: the patch, as it lies there.

    ``targets_end`` is the first address behind the firmware, ``spare_bytes`` what is left for copies and marks there.
    """

    def __init__(self, jobs: Sequence[Job], block_bytes: int, store: str, packed: bytes) -> None:
        self.jobs = tuple(jobs)
        self.store = store
        self._packed = packed
        sizes = [_blocks(max(len(job.old), len(job.new)), block_bytes) + block_bytes for job in jobs]
        self.spare_bytes = max((job.patch.plan.spare_bytes for job in jobs if job.patch), default=0)
        kept = _file_system(packed, block_bytes) if store == "fs" else packed
        starts = [sum(sizes[:number]) for number in range(len(sizes) + 1)]
        self.targets_end = starts[-1]
        self._store_start = starts[-1] + self.spare_bytes
        self._store_bytes = len(kept)
        self._kept = kept
        capacity = self._store_start + _blocks(len(kept), block_bytes)
        chip = MemoryFlash(Geometry(capacity, block_bytes))
        for start, job in zip(starts, jobs, strict=False):
            chip.cells[start : start + len(job.old)] = job.old
        chip.cells[self._store_start : self._store_start + len(kept)] = kept
        self.flash = _Watched(chip)
        self._memories = [Memory() for _ in self.jobs]
        self._targets = [Region(self.flash, at, size) for at, size in zip(starts, sizes, strict=False)]
        self._spare = Region(self.flash, starts[-1], self.spare_bytes)
        self.before = bytes(chip.cells[:])

    def reset(self, cells: bytes | bytearray) -> None:
        """Bring the flash into a state; powered on, no cuts."""
        self.flash.flash.cells[:] = bytes(cells)
        self.flash.arm(())
        self.flash.power_on()

    @property
    def cells(self) -> bytes:
        """All that is in the flash."""
        return bytes(self.flash.flash.cells[:])

    def life(self) -> Iterator[Moment]:
        """One power-on; gives each step.

        Raises:
            FlashCut: the power went away.
            ModulineError: it cannot go on.
        """
        if self._read_store() != self._packed:
            raise BadFormat(format="patch", reason=Text("the store changed", "存储内容已变化"), offset=0)
        for number, (target, job) in enumerate(zip(self._targets, self.jobs, strict=True)):
            if job.patch is None:
                for done in renew(target, job.new):
                    yield Moment("target", (number, 0, done))
            else:
                update = InPlaceUpdate(job.patch, target, self._spare, self._memories[number].decoder)
                for step in update.steps():
                    yield Moment(step.what, (number, step.generation, step.done))

    def standing(self, number: int) -> tuple[object, ...]:
        """What a life goes by while this region is renewed: the journal as it is read, all other cells."""
        cells, patch = self.cells, self.jobs[number].patch
        if patch is None:
            return (cells,)
        work, start = work_of(patch), self._spare.start
        journal = Journal(self._spare, work.session, work.bank_blocks)
        behind = start + BANKS * work.bank_blocks * self._spare.block_bytes
        return journal.generation, journal.done, journal.saved, cells[:start], cells[behind:]

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
        if data == self._kept:  # the same bytes say the same, thousands of times
            return self._packed
        if self.store == "fp":
            return data
        files = dict(littlefs.read_image(data).entries)
        return files.get(PATCH_FILE) or b""


def clean_run(model: Model) -> CleanRun:
    """What happens when nothing happens.

    Raises:
        ModulineError: it does not even work then.
    """
    model.reset(model.before)
    changes: list[Change] = []
    model.flash.changes = changes
    steps: list[CleanStep] = []
    first = 0
    for moment in model.life():
        steps.append(CleanStep(moment.what, first, model.flash.operation - first, moment.done))
        first = model.flash.operation
    model.flash.changes = None
    wrong = model.complaint()
    if wrong:
        raise BadFormat(format="rehearsal", reason=Text("{wrong}", "{wrong}"), offset=0, wrong=wrong)
    return CleanRun(tuple(steps), tuple(changes))


def single_cuts(total: int, count: int | None, torn: int = 1) -> Iterator[str]:
    """A cut before, and tears in, every operation; with a count, so many operations evenly spread.

    Args:
        total: operations of the undisturbed run.
        count: operations to cut at; None: all.
        torn: tears of each.
    """
    count = total if count is None else min(count, total)
    chosen = (number * total // count for number in range(count))
    for number in chosen:
        yield f"cut@{number}"
        yield from (f"tear@{number}:{number + 1 + 7919 * kind}" for kind in range(torn))


def double_cuts(total: int, count: int, seed: int) -> Iterator[str]:
    """So many sampled pairs: a tear anywhere, then a cut or a tear while it recovers; one in eight far behind."""
    for number in range(count):
        words = hashlib.sha256(f"{seed}:{number}".encode()).digest()
        first, second, torn, kind = (int.from_bytes(words[at : at + 4], "little") for at in (0, 4, 8, 12))
        first %= max(total, 1)
        second %= max(total - first + total // 8, 1) if number % 8 == 0 else min(NEAR, total + 1)
        again = f"cut@{second}" if kind % 2 else f"tear@{second}:{kind >> 8 & 0xFFFF}"
        yield f"tear@{first}:{torn & 0xFFFF},{again}"


class _Tracks:
    """The flash along the undisturbed run: as it is before an operation, and at the next milestones."""

    def __init__(self, model: Model, clean: CleanRun) -> None:
        self._model, self._clean = model, clean
        self.before = bytearray(model.before)
        self._after = bytearray(model.before)
        self._before_at = self._after_at = 0  # calls that are in them
        self._step = 0  # behind the last milestone
        self._ahead: list[tuple[int, tuple[int, int, int], tuple[object, ...]]] = []  # last operation, done, standing

    def go(self, operation: int) -> Change:
        """Go on to an operation, never backwards; gives the call that it is part of."""
        changes = self._clean.changes
        while changes[self._before_at].first + changes[self._before_at].count <= operation:
            self._replay(self.before, changes[self._before_at])
            self._before_at += 1
        while self._ahead and self._ahead[0][0] < operation:
            self._ahead.pop(0)
        while not self._ahead and self._step < len(self._clean.steps):
            self._look_ahead()
            if self._ahead[0][0] < operation:
                self._ahead.pop(0)
        return changes[self._before_at]

    def is_at(self, done: tuple[int, int, int]) -> bool:
        """Whether the flash of the model is as the undisturbed run has it when so much is done."""
        if not self._ahead or done < self._ahead[0][1]:
            return False
        while self._ahead[-1][1] < done and len(self._ahead) < MOST_AHEAD and self._step < len(self._clean.steps):
            self._look_ahead()
        standing = next((known for _, name, known in self._ahead if name == done), None)
        return standing is not None and self._model.standing(done[0]) == standing

    def _look_ahead(self) -> None:
        """Find the next milestone."""
        changes, steps = self._clean.changes, self._clean.steps
        done = steps[self._step - 1].done if self._step else None
        while self._step + 1 < len(steps) and steps[self._step].done == done:
            self._step += 1
        step = steps[self._step]
        self._step += 1
        last = step.first + step.count - 1
        while self._after_at < len(changes) and changes[self._after_at].first <= last:
            self._replay(self._after, changes[self._after_at])
            self._after_at += 1
        cells = self._model.cells
        self._model.flash.flash.cells[:] = bytes(self._after)
        self._ahead.append((last, step.done, self._model.standing(step.done[0])))
        self._model.flash.flash.cells[:] = cells

    def _replay(self, cells: bytearray, change: Change) -> None:
        blank = bytes([ERASED]) * self._model.flash.geometry.erase_bytes
        data = blank if change.data is None else change.data
        cells[change.address : change.address + len(data)] = data


def rehearse(model: Model, clean: CleanRun, cuts: Iterable[str]) -> Iterator[Trial]:
    """Try cuts; in the order of their first operations.

    Args:
        model: of the module.
        clean: its undisturbed run.
        cuts: strings of ``single_cuts``, ``double_cuts`` or by hand; all of them are read first.
    """
    wanted = sorted(((parse_cuts(one)[0].operation, one) for one in cuts), key=lambda one: one[0])
    tracks = _Tracks(model, clean)
    for number, (first, spec) in enumerate(wanted):
        if first >= clean.total:
            yield Trial(spec, first, try_out(model, spec, model.before))
            continue
        change = tracks.go(first)
        model.reset(tracks.before)
        _cut_at(model, change, spec)
        complaint = _recover(model, tracks, to_the_end=number % TO_THE_END == 0)
        yield Trial(spec, first, complaint or "", is_to_the_end=complaint is not None)


def _cut_at(model: Model, change: Change, spec: str) -> None:
    """Do the call that is cut, as the undisturbed run does it."""
    flash = model.flash
    flash.arm(spec)
    flash.operation = change.first
    try:
        if change.data is None:
            flash.erase(change.address, flash.geometry.erase_bytes)
        else:
            flash.program(change.address, change.data)
    except FlashCut:
        flash.power_on()


def _recover(model: Model, tracks: _Tracks, *, to_the_end: bool) -> str | None:
    """Power on after each cut until it is over; what was wrong then, or None once the rest is known to be good."""
    for _ in range(MAX_LIVES):
        try:
            for moment in model.life():
                if not to_the_end and not model.flash.has_cuts and tracks.is_at(moment.done):
                    return None
        except FlashCut:
            model.flash.power_on()
            continue
        except ModulineError as wrong:
            return f"{wrong.code}: cannot go on"
        return model.complaint()
    return "it never ends"


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
