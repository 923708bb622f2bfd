"""Which old blocks must be copied before they are overwritten, for how long, and how much spare flash that takes.

A block of the target that is overwritten is lost for the decoder, which may still want to read it: for later blocks, or
again for blocks it has given already, when the power went away and it goes on from the last checkpoint. So a copy is
needed from when the block is overwritten until the checkpoint behind its last reader; and a block that nobody reads any
more needs none. A block whose new content is the old one is left alone.

What each block reads is not guessed from covers: the decoder is run once and watched. The covers only say which order
is likely to need less, before anything is encoded.

Source: delta.md 4 (in place); docs/decisions/0017-in-place.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from moduline.delta import mapped, native
from moduline.delta.native import Choice
from moduline.errors import BadChecksum, BadFormat, SpareTooSmall, Text
from moduline.formats import inplace as plans
from moduline.formats.inplace import KEEP, SAVE, WRITE, Plan

MARGIN_BYTES: Final = 36
"""An operand may be read with its pair, so far before or behind a cover."""
WINDOW_BYTES: Final = 128
"""The decoder reads aligned runs of so many bytes."""
LEAST_GROUP_BYTES: Final = 32 << 10
"""Fewer bytes between two checkpoints wear the spare flash; done only when it is too small otherwise."""


@dataclass(frozen=True, slots=True)
class InPlacePatch:
    """All that a device needs to renew a region in place.

    Attributes:
        plan: what to do.
        stream: of the decoder.
        old_sha256: of the old image.
        new_sha256: of the new one.
    """

    plan: Plan
    stream: bytes = field(repr=False)
    old_sha256: bytes
    new_sha256: bytes

    @property
    def session(self) -> bytes:
        """8 bytes that tell this patch from others in a journal."""
        return hashlib.sha256(self.old_sha256 + self.new_sha256 + self.block).digest()[:8]

    @property
    def block(self) -> bytes:
        """Plan and stream as one data block: length of the plan (u32), plan, stream."""
        plan = plans.write(self.plan)
        return len(plan).to_bytes(4, "little") + plan + self.stream

    @classmethod
    def of(cls, block: bytes, old_sha256: bytes, new_sha256: bytes) -> InPlacePatch:
        """The patch of a data block.

        Raises:
            FormatError: the plan is damaged.
        """
        end = 4 + int.from_bytes(block[:4], "little")
        return cls(plans.read(block[4:end]), block[end:], old_sha256, new_sha256)


@dataclass(frozen=True, slots=True)
class Watched:
    """What came of running a decoder once.

    Attributes:
        reads: of each step, the old blocks that it reads.
        is_changed: of each step, whether the block differs from the old one at its place.
        state_bytes: of the decoder.
        new_sha256: of what it gave, in the order of the image.
    """

    reads: tuple[frozenset[int], ...]
    is_changed: tuple[bool, ...]
    state_bytes: int
    new_sha256: bytes


def make(
    old: bytes, new: bytes, base: int | None = None, *, block_bytes: int = 4096, spare_bytes: int | None = None
) -> InPlacePatch:
    """The patch that makes ``new`` of ``old`` where it stands.

    Args:
        old: what is there before.
        new: what shall be there.
        base: address at which both run; None: it is found.
        block_bytes: erase unit of the flash, a power of two from 4096 to 1 MiB.
        spare_bytes: spare flash of the device; None: as little as does not wear it.

    Raises:
        SpareTooSmall: the device has too little spare flash; ``need`` says what is needed.
        TooBig: an image is larger than 16 MiB.
        Unsupported: the native coder was not compiled.
    """
    is_descending = choose_order(old, new, base, block_bytes)
    coded = mapped.make(old, new, base, descending_block=block_bytes if is_descending else 0)
    plan = plan_for(old, coded.stream, len(new), block_bytes, is_descending, spare_bytes)
    return InPlacePatch(plan, coded.stream, hashlib.sha256(old).digest(), hashlib.sha256(new).digest())


def plan_for(
    old: bytes, stream: bytes, new_bytes: int, block_bytes: int, is_descending: bool, spare_bytes: int | None
) -> Plan:
    """The plan for a stream.

    Raises:
        SpareTooSmall: the device has too little spare flash; ``need`` says what is needed.
    """
    seen = watch(lambda at, count: old[at : at + count], len(old), stream, new_bytes, block_bytes, is_descending)
    written = max(1, sum(seen.is_changed))
    choices = [1 << power for power in range((written - 1).bit_length() + 1)]
    every_plan = [
        Plan(
            len(old),
            new_bytes,
            block_bytes,
            is_descending,
            every,
            seen.state_bytes,
            lay(seen, len(old), block_bytes, is_descending, every),
        )
        for every in choices
        if every < 1 << 16
    ]
    if spare_bytes is not None:
        fitting = [one for one in every_plan if one.spare_bytes <= spare_bytes]
        if not fitting:
            raise SpareTooSmall(need=min(one.spare_bytes for one in every_plan), have=spare_bytes)
        return fitting[-1]
    calm = [one for one in every_plan if one.every * block_bytes >= LEAST_GROUP_BYTES or one is every_plan[-1]]
    return min(calm, key=lambda one: (one.spare_bytes, -one.every))


def watch(
    read_old: Callable[[int, int], bytes],
    old_bytes: int,
    stream: bytes,
    new_bytes: int,
    block_bytes: int,
    is_descending: bool,
) -> Watched:
    """Run the decoder over the whole image and note what it reads.

    Raises:
        BadFormat: the stream breaks a rule of the format.
    """
    reads: list[set[int]] = []

    def noted(at: int, count: int) -> bytes:
        reads[-1].update(range(at // block_bytes, (at + count - 1) // block_bytes + 1))
        return read_old(at, count)

    decoder = native.Decoder(noted, old_bytes, stream, new_bytes)
    count = -(-new_bytes // block_bytes)
    is_changed, pieces = [], []
    for step in range(count):
        place = (count - 1 - step if is_descending else step) * block_bytes
        reads.append(set())
        given = decoder.read(min(block_bytes, new_bytes - place))
        is_changed.append(place + len(given) > old_bytes or read_old(place, len(given)) != given)
        pieces.append(given)
    whole = hashlib.sha256()
    for piece in reversed(pieces) if is_descending else pieces:
        whole.update(piece)
    return Watched(tuple(map(frozenset, reads)), tuple(is_changed), decoder.ram_bytes, whole.digest())


def lay(seen: Watched, old_bytes: int, block_bytes: int, is_descending: bool, every: int) -> tuple[int, ...]:
    """The moves, one for each step, with as few and as short-lived copies as are safe."""
    count, old_blocks = len(seen.reads), -(-old_bytes // block_bytes)
    plain = tuple(WRITE if changed else KEEP for changed in seen.is_changed)
    groups = Plan(old_bytes, count * block_bytes, block_bytes, is_descending, every, 0, plain).groups
    last_reader: dict[int, int] = {}
    for step, blocks in enumerate(seen.reads):
        last_reader.update(dict.fromkeys(blocks, step))
    moves = []
    for step, move in enumerate(plain):
        place = count - 1 - step if is_descending else step
        last = groups[last_reader[place]] if place < old_blocks and place in last_reader else -1
        is_needed = move == WRITE and last >= groups[step]
        moves.append(SAVE + last - groups[step] if is_needed else move)
    return tuple(moves)


def check(plan: Plan, seen: Watched) -> None:
    """Stop when a plan would not survive: a block is read that is gone, or left alone though it differs.

    Every read of every step is looked up as it stands at the end of the group, when most has been overwritten: what can
    be read there can be read at any moment of it.

    Raises:
        BadFormat: the plan is not safe for the stream.
    """
    groups, slots = plan.groups, plan.slots
    if plan.checkpoints and seen.state_bytes != plan.state_bytes:
        raise _unsafe("the state is of another length", "状态长度不符", 0)
    gone: set[int] = set()
    copied: dict[int, int] = {}  # slot -> old block
    first = 0
    for group in range(groups[-1] + 1):
        end = next((step for step in range(first, len(groups)) if groups[step] > group), len(groups))
        taken: set[int] = set()
        for step in range(first, end):
            if plan.moves[step] == KEEP:
                if seen.is_changed[step]:
                    raise _unsafe("a block is left that changes", "有变化的块未写入", step)
                continue
            gone.add(plan.place(step))
            slot = slots[step]
            if slot is not None:
                if slot in taken:
                    raise _unsafe("a slot is taken twice", "备份块重复占用", step)
                taken.add(slot)
                copied[slot] = plan.place(step)
        for step in range(first, end):
            if not seen.reads[step] & gone <= set(copied.values()):
                raise _unsafe("a block is read that is gone", "读取的块已不存在", step)
        first = end


def choose_order(old: bytes, new: bytes, base: int | None, block_bytes: int) -> bool:
    """Whether the order last to first is likely to need less spare flash; by the covers, before anything is encoded."""
    found = mapped.find_base(old) if base is None else base
    choice = Choice(is_thumb=False) if found is None else Choice(base=found)
    rows = mapped.find_covers(old, new, choice).rows()
    return slots_by_covers(rows, old, new, block_bytes, True) < slots_by_covers(rows, old, new, block_bytes, False)


def slots_by_covers(
    rows: Sequence[tuple[int, int, int]], old: bytes, new: bytes, block_bytes: int, is_descending: bool
) -> int:
    """Slots that the covers ask for in one order.

    Args:
        rows: ``(new offset, old offset, bytes)`` of each cover, in the order of the image.
        old: the old image.
        new: the new one.
        block_bytes: erase unit.
        is_descending: the blocks come last first.
    """
    reads = reads_by_covers(rows, len(old), len(new), block_bytes, is_descending)
    count = len(reads)
    places = [count - 1 - step if is_descending else step for step in range(count)]
    is_changed = tuple(
        old[place * block_bytes : (place + 1) * block_bytes][: len(new) - place * block_bytes]
        != new[place * block_bytes : (place + 1) * block_bytes]
        for place in places
    )
    seen = Watched(reads, is_changed, 0, b"")
    every = max(1, LEAST_GROUP_BYTES // block_bytes)
    moves = lay(seen, len(old), block_bytes, is_descending, every)
    return Plan(len(old), len(new), block_bytes, is_descending, every, 0, moves).slot_count


def reads_by_covers(
    rows: Sequence[tuple[int, int, int]], old_bytes: int, new_bytes: int, block_bytes: int, is_descending: bool
) -> tuple[frozenset[int], ...]:
    """The old blocks that each step may read; never fewer than it does."""
    count = -(-new_bytes // block_bytes)
    reads: list[set[int]] = [set() for _ in range(count)]
    for fresh, source, size in rows:
        at = fresh
        while at < fresh + size:
            block = min(at // block_bytes, count - 1)
            end = fresh + size if block == count - 1 else min(fresh + size, (block + 1) * block_bytes)
            low = max(0, source + at - fresh - MARGIN_BYTES) & ~(WINDOW_BYTES - 1)
            high = min(old_bytes, (source + end - fresh + MARGIN_BYTES + WINDOW_BYTES - 1) & ~(WINDOW_BYTES - 1))
            if high > low:
                reads[block].update(range(low // block_bytes, (high - 1) // block_bytes + 1))
            at = end
    return tuple(map(frozenset, reversed(reads) if is_descending else reads))


def must_give(seen: Watched, sha256: bytes) -> None:
    """Stop when the decoder gave another image.

    Raises:
        BadChecksum: it did.
    """
    if seen.new_sha256 != sha256:
        raise BadChecksum(format=native.NAME, name="SHA-256", found=seen.new_sha256.hex(), expected=sha256.hex())


def _unsafe(en: str, zh: str, step: int) -> BadFormat:
    return BadFormat(format=plans.NAME, reason=Text(en, zh), offset=step, rule="safe")
