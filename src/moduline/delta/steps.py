"""Renewing a region in place, one flash operation after the other; the power may go away at any of them.

::

    spare    journal (2 blocks) | checkpoints (0, 1 or 2) | copies of old blocks
    target   the old image, then the new one

The plan makes one list of *actions*, each the erase or the program of one block. A step does one of them and marks it
in the journal. What comes next is known from flash and patch alone: the journal says how many actions are done, and a
program that finds its block not blank was torn and erases it again. The decoder is part of no decision: after a
restart it goes on from the last checkpoint and gives again what it gave before.

The source is compared by its hash, and the whole patch is decoded and checked against the plan, before anything is
erased; the target is compared at the end.

Source: style-anchors H11; docs/spec/in-place.md; delta.md 4.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from moduline.delta import inplace, native
from moduline.delta.inplace import InPlacePatch
from moduline.delta.journal import MARK_BYTES, Journal, Region
from moduline.digest import crc32
from moduline.errors import BadChecksum, PatchMisfit, SpareTooSmall, Text, TooBig
from moduline.formats import inplace as plans
from moduline.formats.inplace import CHECKPOINT_HEAD_BYTES, JOURNAL_BANKS, KEEP, Plan
from moduline.formats.record import Field, RecordTable

STATE_MAGIC: Final = b"MDLS"
STATE: Final = RecordTable(
    "in-place checkpoint",
    (
        Field("magic", "bytes:4", "MDLS"),
        Field("session", "bytes:8", "which patch it is for"),
        Field("number", "u32", "of the checkpoint, from 1"),
        Field("state_bytes", "u32", "length of the state behind it", "bytes"),
        Field("state_crc", "u32", "CRC-32 of the state"),
        Field("reserved", "u32", "0"),
        Field("crc", "u32", "CRC-32 of the 28 bytes before"),
    ),
    total_bytes=CHECKPOINT_HEAD_BYTES,
)
_READ_BYTES: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Action:
    """The erase or program of one block.

    Attributes:
        is_erase: erase, else program.
        what: ``copy``, ``target`` or ``checkpoint``.
        block: number of the block, in the spare area or (``target``) in the target.
        step: of the stream: the block that is written; the last one before a checkpoint.
        piece: of a checkpoint, its block.
    """

    is_erase: bool
    what: str
    block: int
    step: int
    piece: int = 0


@dataclass(frozen=True, slots=True)
class StepDone:
    """One step was taken.

    Attributes:
        what: ``journal``, or as ``Action.what``.
        done: actions done.
        total: actions of the whole update.
    """

    what: str
    done: int
    total: int


def actions_of(plan: Plan) -> tuple[Action, ...]:
    """All actions of a plan, in order."""
    actions: list[Action] = []
    copies = JOURNAL_BANKS + plan.areas * plan.checkpoint_blocks
    groups, slots = plan.groups, plan.slots

    def renew(what: str, block: int, step: int, piece: int = 0) -> None:
        actions.extend(Action(is_erase, what, block, step, piece) for is_erase in (True, False))

    for step, move in enumerate(plan.moves):
        if step and groups[step] > groups[step - 1]:
            first = JOURNAL_BANKS + (groups[step] - 1) % 2 * plan.checkpoint_blocks
            for piece in range(plan.checkpoint_blocks):
                renew("checkpoint", first + piece, step - 1, piece)
        slot = slots[step]
        if slot is not None:
            renew("copy", copies + slot, step)
        if move != KEEP:
            renew("target", plan.place(step), step)
    return tuple(actions)


class InPlaceUpdate:
    """The update of one region by one patch.

    Args:
        patch: what to do.
        target: where the old image is.
        spare: flash that is free, at least ``patch.plan.spare_bytes``.

    Raises:
        PatchMisfit: made for another erase unit.
        SpareTooSmall: the spare flash is too small.
        TooBig: an image is longer than the target.
    """

    def __init__(self, patch: InPlacePatch, target: Region, spare: Region) -> None:
        self._patch, self._plan = patch, patch.plan
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
        if plan.spare_bytes > spare.size:
            raise SpareTooSmall(need=plan.spare_bytes, have=spare.size)
        self.actions = actions_of(plan)
        """All that will be done."""
        self._groups = plan.groups
        self._copied = {
            plan.place(one.step): (number, one.block)
            for number, one in enumerate(self.actions)
            if one.what == "copy" and not one.is_erase
        }
        self._first_renewed = next(
            (number for number, one in enumerate(self.actions) if one.what == "target" and not one.is_erase), 0
        )
        self._journal = Journal(spare, patch.session)
        self._decoder: native.Decoder | None = None
        self._given = 0  # steps that the decoder gave
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
            BadChecksum: the same, or a checkpoint or the result is not what it should be.
            FlashCut: the power went away; make a new object and go on.
        """
        if self.is_done:
            return
        is_source = self._holds(self._plan.old_bytes, self._patch.old_sha256)
        is_begun = self._journal.generation > 0 and not (is_source and self._journal.done > self._first_renewed)
        if not is_begun:
            if not is_source:
                raise PatchMisfit(reason=Text("the old image is not there", "旧镜像不存在"), slug="source-changed")
            self.examine()
            for _ in self._journal.begin():
                yield self._step("journal")
        while self._journal.done < len(self.actions):
            for _ in self._journal.make_room():
                yield self._step("journal")
            yield from self._perform(self.actions[self._journal.done])
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
        return StepDone(what, self._journal.done, len(self.actions))

    # ---- content -----------------------------------------------------------------------------------------------------

    def _data_of(self, action: Action) -> bytes:
        block = self._plan.block_bytes
        if action.what == "copy":
            at = self._plan.place(action.step) * block
            return self._target.read(at, block)
        self._decode(action.step)
        if action.what == "target":
            return self._content
        data = self._checkpoint(self._groups[action.step] + 1)
        return data[action.piece * block : (action.piece + 1) * block]

    def _decode(self, step: int) -> None:
        """Bring the decoder to just behind a step."""
        if self._decoder is None or self._given > step + 1:
            self._decoder = self._new_decoder()
            self._given = next(number for number, group in enumerate(self._groups) if group == self._groups[step])
            if self._groups[step]:
                self._decoder.restore(self._state(self._groups[step]))
        while self._given <= step:
            self._content = self._decoder.read(self._plan.size(self._given))
            self._given += 1

    def _new_decoder(self) -> native.Decoder:
        plan = self._plan
        return native.Decoder(self._read_old, plan.old_bytes, self._patch.stream, plan.new_bytes)

    def _read_old(self, at: int, count: int) -> bytes:
        """Bytes of the old image, from where they are now."""
        block, data = self._plan.block_bytes, b""
        while count:
            part = min(count, block - at % block)
            number, spare = self._copied.get(at // block, (len(self.actions), 0))
            if number < self._journal.done:
                data += self._spare.read(spare * block + at % block, part)
            else:
                data += self._target.read(at, part)
            at, count = at + part, count - part
        return data

    def _checkpoint(self, number: int) -> bytes:
        assert self._decoder is not None
        state = self._decoder.state()
        head: dict[str, Any] = {
            "magic": STATE_MAGIC,
            "session": self._patch.session,
            "number": number,
            "state_bytes": len(state),
            "state_crc": crc32(state),
            "reserved": 0,
            "crc": 0,
        }
        head["crc"] = crc32(STATE.pack(head)[:-4])
        return STATE.pack(head) + state

    def _state(self, number: int) -> bytes:
        """The decoder's state at a checkpoint."""
        plan = self._plan
        at = (JOURNAL_BANKS + (number - 1) % 2 * plan.checkpoint_blocks) * plan.block_bytes
        data = self._spare.read(at, STATE.total_bytes + plan.state_bytes)
        head, state = STATE.unpack(data), data[STATE.total_bytes :]
        found = (head["magic"], head["session"], head["number"], head["state_bytes"], head["state_crc"], head["crc"])
        crc = crc32(data[: STATE.total_bytes - 4])
        wanted = (STATE_MAGIC, self._patch.session, number, plan.state_bytes, crc32(state), crc)
        if found != wanted:
            raise BadChecksum(format=STATE.name, name="CRC", found=f"0x{head['crc']:08x}", expected=f"0x{crc:08x}")
        return state

    # ---- whole images ------------------------------------------------------------------------------------------------

    def examine(self) -> None:
        """Decode everything once and hold the plan against it, before anything is changed; the old image is there.

        Raises:
            FormatError: the patch is not sound.
        """
        plan = self._plan
        seen = inplace.watch(
            self._target.read, plan.old_bytes, self._patch.stream, plan.new_bytes, plan.block_bytes, plan.is_descending
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
