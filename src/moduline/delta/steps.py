"""Renewing a region in place, one flash operation after the other; the power may go away at any of them.

::

    spare    journal (two banks, each with room for a checkpoint) | copies of old pages
    target   the old image, then the new one

The plan makes one list of *actions*: each the erase or the program of one block, or a checkpoint. A step does one
operation of them and marks in the journal what is done. What comes next is known from flash and patch alone: the
journal says how many actions are done, and a program that finds its block not blank was torn and erases it again. The
decoder is part of no decision: after a restart it goes on from the last checkpoint and gives again what it gave before.

The source is compared by its hash, and the whole patch is decoded and checked against the plan, before anything is
erased; the target is compared at the end.

Source: style-anchors H11; docs/spec/in-place.md; delta.md 4.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby
from typing import Final, Protocol

from moduline.delta import inplace, native
from moduline.delta.inplace import InPlacePatch
from moduline.delta.journal import Journal, Region
from moduline.delta.native_decoder import ReadAt
from moduline.delta.streams import decoder_of
from moduline.errors import BadChecksum, PatchMisfit, SpareTooSmall, Text, TooBig
from moduline.formats import inplace as plans
from moduline.formats.inplace import BANKS, MARK_BYTES, PAGE_BYTES, Fill, Plan

_READ_BYTES: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Action:
    """The erase or program of one block, or a checkpoint.

    Attributes:
        what: ``copy``, ``target`` or ``checkpoint``.
        is_erase: erase, else program.
        block: number of the block, in the spare area or (``target``) in the target.
        step: of the stream: the block that is written; the last one before a checkpoint.
        fill: what is copied.
    """

    what: str
    is_erase: bool = False
    block: int = 0
    step: int = 0
    fill: Fill | None = None


@dataclass(frozen=True, slots=True)
class StepDone:
    """One step was taken.

    Attributes:
        what: ``journal``, or as ``Action.what``.
        done: actions done.
        total: actions of the whole update.
        generation: of the journal's bank that counts.
    """

    what: str
    done: int
    total: int
    generation: int


def actions_of(plan: Plan) -> tuple[Action, ...]:
    """All actions of a plan, in order."""
    actions: list[Action] = []
    copies, groups = BANKS * plan.bank_blocks, plan.groups
    fills = {group: list(some) for group, some in groupby(plan.fills, key=lambda one: one.group)}
    for step, move in enumerate(plan.moves):
        if step and groups[step] > groups[step - 1]:
            actions.append(Action("checkpoint", step=step - 1))
        for fill in fills.pop(groups[step], ()):
            actions += [Action("copy", is_erase, copies + fill.slot, step, fill) for is_erase in (True, False)]
        if move.is_written:
            actions += [Action("target", is_erase, plan.place(step), step) for is_erase in (True, False)]
    return tuple(actions)


@dataclass(frozen=True, slots=True)
class Work:
    """What follows from a patch alone.

    Attributes:
        session: of the journal.
        actions: all that is to be done.
        groups: of each step of the stream.
        copied: of each page that is copied: the action that does it, and where in the spare flash it lies then.
        first_renewed: the first action after which the old image is not whole any more.
        bank_blocks: of the journal.
        spare_bytes: spare flash it takes.
    """

    session: bytes
    actions: tuple[Action, ...] = field(repr=False)
    groups: tuple[int, ...] = field(repr=False)
    copied: Mapping[int, tuple[int, int]] = field(repr=False)
    first_renewed: int
    bank_blocks: int
    spare_bytes: int


@lru_cache(maxsize=4)
def work_of(patch: InPlacePatch) -> Work:
    """The work of a patch; kept for a few of them, since sweeps begin thousands of lives with one."""
    plan = patch.plan
    actions = actions_of(plan)
    copied = {
        page: (number, one.block * plan.block_bytes + place * PAGE_BYTES)
        for number, one in enumerate(actions)
        if one.fill is not None and not one.is_erase
        for place, page in enumerate(one.fill.pages)
    }
    renewed = (number for number, one in enumerate(actions) if one.what == "target" and not one.is_erase)
    return Work(patch.session, actions, plan.groups, copied, next(renewed, 0), plan.bank_blocks, plan.spare_bytes)


class Decodes(Protocol):
    """What an update asks of a decoder: ``Decoder``, or one that remembers (``delta.recall``)."""

    def read(self, count: int, /) -> bytes:
        """The next bytes of the new image, in the order of the stream."""

    def state(self) -> bytes:
        """All that it needs to go on from here."""

    def restore(self, state: bytes, /) -> None:
        """Go on from a state."""


NewDecoder = Callable[[ReadAt, int, bytes, int, ReadAt], Decodes]
"""Makes one: gives bytes of the old image, its length, stream, length of the new image, gives what was given before."""


@lru_cache(maxsize=4)
def _packed(start: bytes, state: bytes) -> bytes:
    return native.pack(start, state)


@lru_cache(maxsize=4)
def _unpacked(start: bytes, packed: bytes) -> bytes:
    return native.unpack(start, packed)


class InPlaceUpdate:
    """The update of one region by one patch.

    Args:
        patch: what to do.
        target: where the old image is.
        spare: flash that is free, at least ``patch.plan.spare_bytes``.
        new_decoder: makes the decoders.

    Raises:
        PatchMisfit: made for another erase unit.
        SpareTooSmall: the spare flash is too small.
        TooBig: an image is longer than the target.
    """

    def __init__(
        self, patch: InPlacePatch, target: Region, spare: Region, new_decoder: NewDecoder = decoder_of
    ) -> None:
        self._patch, self._plan, self._make_decoder = patch, patch.plan, new_decoder
        self._target, self._spare = target, spare
        plan = patch.plan
        for region in (target, spare):
            if region.block_bytes != plan.block_bytes or MARK_BYTES % region.flash.geometry.program_bytes:
                why = Text(
                    "it is made for erase units of {wanted} bytes, not {found}",
                    "它适用于 {wanted} 字节擦除单位，而非 {found}",
                )
                raise PatchMisfit(reason=why, wanted=plan.block_bytes, found=region.block_bytes)
        if max(plan.old_bytes, len(plan.moves) * plan.block_bytes) > target.size:
            need = max(plan.old_bytes, len(plan.moves) * plan.block_bytes)
            raise TooBig(what=Text("the region", "目标区域"), need=need, have=target.size)
        work = work_of(patch)
        if work.spare_bytes > spare.size:
            raise SpareTooSmall(need=work.spare_bytes, have=spare.size)
        self.actions = work.actions
        """All that will be done."""
        self._work = work
        self._groups = work.groups
        self._journal = Journal(spare, work.session, work.bank_blocks)
        self._decoder: Decodes | None = None
        self._start = b""  # its state at the beginning
        self._given = 0  # steps that it gave
        self._content = b""  # the last of them

    @property
    def is_done(self) -> bool:
        """Whether the new image is there."""
        return self._holds(self._plan.new_bytes, self._patch.new_sha256)

    def steps(self) -> Iterator[StepDone]:
        """All that is left to do; each item is at most one erase or program, and its mark.

        Raises:
            PatchMisfit: what is there is neither the source nor a begun update of this patch; nothing was changed.
            BadFormat: the patch is not sound; nothing was changed.
            BadChecksum: the same, or the result is not what it should be.
            FlashCut: the power went away; make a new object and go on.
        """
        if self.is_done:
            return
        is_source = self._holds(self._plan.old_bytes, self._patch.old_sha256)
        is_begun = self._journal.generation > 0 and not (is_source and self._journal.done > self._work.first_renewed)
        if not is_begun:
            if not is_source:
                raise PatchMisfit(reason=Text("the old image is not there", "旧镜像不存在"), slug="source-changed")
            self.examine()
            for _ in self._journal.begin():
                yield self._step("journal")
        while self._journal.done < len(self.actions):
            action = self.actions[self._journal.done]
            if action.what == "checkpoint":
                for _ in self._journal.open(self._checkpoint(action.step), self._journal.done + 1):
                    yield self._step("checkpoint")
                continue
            for _ in self._journal.make_room():
                yield self._step("journal")
            yield from self._perform(action)
        if not self.is_done:
            found = self._hash(self._plan.new_bytes).hex()
            raise BadChecksum(format=plans.NAME, name="SHA-256", found=found, expected=self._patch.new_sha256.hex())

    def _perform(self, action: Action) -> Iterator[StepDone]:
        region = self._target if action.what == "target" else self._spare
        if action.is_erase:
            region.erase(action.block)
        else:
            data = self._data_of(action)
            if not region.is_blank(action.block):
                region.erase(action.block)
                yield self._step(action.what)
            region.program(action.block * self._plan.block_bytes, data)
        self._journal.mark(self._journal.done + 1)
        yield self._step(action.what)

    def _step(self, what: str) -> StepDone:
        return StepDone(what, self._journal.done, len(self.actions), self._journal.generation)

    # ---- content -----------------------------------------------------------------------------------------------------

    def _data_of(self, action: Action) -> bytes:
        if action.fill is not None:
            return b"".join(self._target.read(page * PAGE_BYTES, PAGE_BYTES) for page in action.fill.pages)
        self._decode(action.step)
        return self._content

    def _decode(self, step: int) -> Decodes:
        """The decoder, brought to just behind a step."""
        if self._decoder is None or self._given > step + 1:
            self._decoder = self._new_decoder()
            self._start = self._decoder.state()
            self._given = self._groups.index(self._groups[step])
            if self._groups[step]:
                self._decoder.restore(_unpacked(self._start, self._journal.saved))
        while self._given <= step:
            self._content = self._decoder.read(self._plan.size(self._given))
            self._given += 1
        return self._decoder

    def _checkpoint(self, step: int) -> bytes:
        """What the decoder goes on from behind a step."""
        state = self._decode(step).state()
        return _packed(self._start, state)

    def _new_decoder(self) -> Decodes:
        plan = self._plan
        return self._make_decoder(self._read_old, plan.old_bytes, self._patch.stream, plan.new_bytes, self._read_new)

    def _read_old(self, at: int, count: int) -> bytes:
        """Bytes of the old image, from where they are now."""
        data = b""
        while count:
            part = min(count, PAGE_BYTES - at % PAGE_BYTES)
            number, place = self._work.copied.get(at // PAGE_BYTES, (len(self.actions), 0))
            if number < self._journal.done:
                data += self._spare.read(place + at % PAGE_BYTES, part)
            else:
                data += self._target.read(at, part)
            at, count = at + part, count - part
        return data

    def _read_new(self, at: int, count: int) -> bytes:
        """Bytes that the decoder gave for earlier blocks, from where they stand now; counted along the stream."""
        data, first = b"", self._plan.size(0)
        while count:
            step, inside = (0, at) if at < first else divmod(at - first, self._plan.block_bytes)
            step += at >= first
            part = min(count, self._plan.size(step) - inside)
            data += self._target.read(self._plan.place(step) * self._plan.block_bytes + inside, part)
            at, count = at + part, count - part
        return data

    # ---- whole images ------------------------------------------------------------------------------------------------

    def examine(self) -> None:
        """Decode everything once and hold the plan against it, before anything is changed; the old image is there.

        Raises:
            FormatError: the patch is not sound.
        """
        plan = self._plan
        seen = inplace.watch(
            self._target.read,
            plan.old_bytes,
            self._patch.stream,
            plan.new_bytes,
            plan.block_bytes,
            plan.is_descending,
            saved_at=inplace.ends_of(self._groups),
        )
        inplace.must_give(seen, self._patch.new_sha256)
        inplace.check(plan, seen)

    def _hash(self, size: int) -> bytes:
        whole = hashlib.sha256()
        for at in range(0, size, _READ_BYTES):
            whole.update(self._target.read(at, min(_READ_BYTES, size - at)))
        return whole.digest()

    def _holds(self, size: int, sha256: bytes) -> bool:
        return self._hash(size) == sha256
