"""Which old blocks must be copied before they are overwritten, for how long, and how much spare flash that takes.

A block of the target that is overwritten is lost for the decoder, which may still want to read it: for later blocks, or
again for blocks it has given already, when the power went away and it goes on from the last checkpoint. So a copy of
those of its pages is needed until the checkpoint behind their last reader; and a page that nobody reads any more needs
none. A block whose new content is the old one is left alone.

What each block reads is not guessed from covers: the decoder is run once and watched. Nor is the length of checkpoints:
each is packed as the device will pack it. The covers only say which order is likely to need less, before anything is
encoded.

Source: delta.md 4 (in place); docs/decisions/0017-in-place.md, 0021-less-spare-flash.md.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby, pairwise, product
from typing import Final

from moduline.delta import mapped, native
from moduline.delta.native import Choice
from moduline.delta.streams import decoder_of
from moduline.errors import BadChecksum, BadFormat, SpareTooSmall, Text
from moduline.formats import inplace as plans
from moduline.formats.inplace import BANKS, KEEP, MAX_IMAGE_BYTES, PAGE_BYTES, Move, Plan, Run, groups_of

MARGIN_BYTES: Final = 36
"""An operand may be read with its pair, so far before or behind a cover."""
WINDOW_BYTES: Final = 128
"""The decoder reads aligned runs of so many bytes."""
LEAST_GROUP_BYTES: Final = 32 << 10
"""Fewer bytes between two checkpoints wear the spare flash; done only when it is too small otherwise."""
LONGS: Final = range(1, 6)
"""Tried as ``Plan.log_long``."""
MAX_PLAN_BYTES: Final = 1 << 18
RAM_BYTES: Final = (mapped.RAM_LIMIT_BYTES, 44 << 10)
"""RAM of the decoder: with less, where the spare flash is too small, checkpoints get shorter by a third and streams
longer by a few hundredths."""
QUICK_BYTES: Final = 1 << 20
"""Larger images are not coded again for a spare area that does not even take the copies."""
CLEARLY: Final = 0.75
"""So much of the copies of the order first to last may the other one need."""


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
        """Plan and stream as one data block: length of the plan (u32), of what it is packed to (u32), that, stream."""
        plan = plans.write(self.plan)
        packed = native.pack(bytes(len(plan)), plan)
        return struct.pack("<II", len(plan), len(packed)) + packed + self.stream

    @classmethod
    def of(cls, block: bytes, old_sha256: bytes, new_sha256: bytes) -> InPlacePatch:
        """The patch of a data block.

        Raises:
            FormatError: the plan is damaged, or of another version.
        """
        plan_bytes, packed_bytes = struct.unpack("<II", block[:8].ljust(8, b"\0"))
        if block[4:8] == plans.MAGIC:  # plans of version 1 lay there as they were
            plans.read(block[4 : 4 + plan_bytes])
        if plan_bytes > MAX_PLAN_BYTES or packed_bytes > len(block) - 8:
            raise BadFormat(
                format=plans.NAME, reason=Text("an impossible length", "长度不可能"), offset=0, rule="length"
            )
        end = 8 + packed_bytes
        return cls(plans.read(native.unpack(bytes(plan_bytes), block[8:end])), block[end:], old_sha256, new_sha256)


@dataclass(frozen=True, slots=True)
class Watched:
    """What came of running a decoder once.

    Attributes:
        reads: of each step, the pages of the old image that it reads.
        is_changed: of each step, whether the block differs from the old one at its place.
        saved_bytes: of each step, the length of a checkpoint behind it.
        new_sha256: of what it gave, in the order of the image.
    """

    reads: tuple[frozenset[int], ...]
    is_changed: tuple[bool, ...]
    saved_bytes: tuple[int, ...]
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
    need = MAX_IMAGE_BYTES
    for order, ram_bytes in product((is_descending, not is_descending), RAM_BYTES):
        coded = mapped.make(old, new, base, descending_block=block_bytes if order else 0, ram_bytes=ram_bytes)
        some = plans_for(old, coded.stream, len(new), block_bytes, order)
        plan = best_of(some, spare_bytes)
        if plan is not None:
            return InPlacePatch(plan, coded.stream, hashlib.sha256(old).digest(), hashlib.sha256(new).digest())
        need = min(need, *(one.spare_bytes for one in some))
    raise SpareTooSmall(need=need, have=spare_bytes)


def plan_again(old: bytes, patch: InPlacePatch, spare_bytes: int) -> InPlacePatch:
    """The same patch for so much spare flash; coded again where shorter checkpoints or the other order help.

    Raises:
        SpareTooSmall: the device has too little spare flash; ``need`` says what is needed, at least by this stream.
    """
    plan = patch.plan
    some = plans_for(old, patch.stream, plan.new_bytes, plan.block_bytes, plan.is_descending)
    fitting = best_of(some, spare_bytes)
    if fitting is not None:
        return replace(patch, plan=fitting)
    is_hopeless = min((BANKS + one.slot_count) * one.block_bytes for one in some) > spare_bytes
    if is_hopeless and plan.new_bytes > QUICK_BYTES:
        raise SpareTooSmall(need=min(one.spare_bytes for one in some), have=spare_bytes)
    new = mapped.apply(old, patch.stream, plan.new_bytes, plan.block_bytes if plan.is_descending else 0)
    return make(old, new, block_bytes=plan.block_bytes, spare_bytes=spare_bytes)


def plan_for(
    old: bytes, stream: bytes, new_bytes: int, block_bytes: int, is_descending: bool, spare_bytes: int | None
) -> Plan:
    """The plan for a stream.

    Raises:
        SpareTooSmall: the device has too little spare flash; ``need`` says what is needed.
    """
    some = plans_for(old, stream, new_bytes, block_bytes, is_descending)
    plan = best_of(some, spare_bytes)
    if plan is None:
        raise SpareTooSmall(need=min(one.spare_bytes for one in some), have=spare_bytes)
    return plan


def plans_for(old: bytes, stream: bytes, new_bytes: int, block_bytes: int, is_descending: bool) -> list[Plan]:
    """The plans for a stream: more and more blocks between two checkpoints, until there is none."""
    seen = watch(lambda at, count: old[at : at + count], len(old), stream, new_bytes, block_bytes, is_descending)
    written = max(1, sum(seen.is_changed))
    choices = [1 << power for power in range((written - 1).bit_length() + 1)]
    return [
        plan_of(seen, len(old), new_bytes, block_bytes, is_descending, every) for every in choices if every < 1 << 16
    ]


def best_of(some: Sequence[Plan], spare_bytes: int | None) -> Plan | None:
    """The plan to take; None: none fits.

    Args:
        some: as from ``plans_for``.
        spare_bytes: spare flash of the device, for the fewest checkpoints that fit; None: the least need without wear.
    """
    if spare_bytes is not None:
        fitting = [one for one in some if one.spare_bytes <= spare_bytes]
        return fitting[-1] if fitting else None
    calm = [one for one in some if one.every * one.block_bytes >= LEAST_GROUP_BYTES or one is some[-1]]
    return min(calm, key=lambda one: (one.spare_bytes, -one.every))


def watch(
    read_old: Callable[[int, int], bytes],
    old_bytes: int,
    stream: bytes,
    new_bytes: int,
    block_bytes: int,
    is_descending: bool,
    saved_at: Container[int] | None = None,
) -> Watched:
    """Run the decoder over the whole image and note what it reads, and how long its checkpoints are.

    Args:
        read_old: gives bytes of the old image: offset, length.
        old_bytes: its length.
        stream: of the decoder.
        new_bytes: length of the new image.
        block_bytes: erase unit.
        is_descending: the blocks come last first.
        saved_at: steps behind which checkpoints are measured, the others count 0; None: all.

    Raises:
        BadFormat: the stream breaks a rule of the format.
    """
    reads: list[set[int]] = []

    def noted(at: int, count: int) -> bytes:
        reads[-1].update(range(at // PAGE_BYTES, (at + count - 1) // PAGE_BYTES + 1))
        return read_old(at, count)

    decoder = decoder_of(noted, old_bytes, stream, new_bytes)
    start = decoder.state()
    count = -(-new_bytes // block_bytes)
    is_changed, saved, pieces = [], [], []
    for step in range(count):
        place = (count - 1 - step if is_descending else step) * block_bytes
        reads.append(set())
        given = decoder.read(min(block_bytes, new_bytes - place))
        is_changed.append(place + len(given) > old_bytes or read_old(place, len(given)) != given)
        is_end = saved_at is None or step in saved_at
        saved.append(len(native.pack(start, decoder.state())) if is_end else 0)
        pieces.append(given)
    whole = hashlib.sha256()
    for piece in reversed(pieces) if is_descending else pieces:
        whole.update(piece)
    return Watched(tuple(map(frozenset, reads)), tuple(is_changed), tuple(saved), whole.digest())


def plan_of(seen: Watched, old_bytes: int, new_bytes: int, block_bytes: int, is_descending: bool, every: int) -> Plan:
    """The plan with so many written blocks between two checkpoints: as few and as short-lived copies as are safe."""
    count, per_block = len(seen.reads), block_bytes // PAGE_BYTES
    groups = groups_of(seen.is_changed, every)
    last_reader: dict[int, int] = {}
    for step, pages in enumerate(seen.reads):
        last_reader.update(dict.fromkeys(pages, groups[step]))
    moves = []
    for step, changed in enumerate(seen.is_changed):
        place = count - 1 - step if is_descending else step
        first = place * per_block
        end = min(first + per_block, -(-old_bytes // PAGE_BYTES))
        left = [last_reader.get(page, -1) - groups[step] for page in range(first, end)]
        moves.append(Move(True, _runs(left)) if changed else KEEP)
    saved = max((seen.saved_bytes[step] for step in ends_of(groups)), default=0)
    plain = Plan(old_bytes, new_bytes, block_bytes, is_descending, every, saved, 0, tuple(moves))
    apart = [replace(plain, log_long=log_long) for log_long in LONGS if groups[-1] >> log_long]
    return min([plain, *apart], key=lambda one: one.slot_count)


def ends_of(groups: Sequence[int]) -> frozenset[int]:
    """The steps behind which a checkpoint comes, given the group of each."""
    return frozenset(step for step, (group, following) in enumerate(pairwise(groups)) if group < following)


def _runs(left: Sequence[int]) -> tuple[Run, ...]:
    """Runs of pages by how many groups longer they are needed; less than 0: not at all."""
    runs, first = [], 0
    for groups, same in groupby(left):
        count = len(list(same))
        if groups >= 0:
            runs.append(Run(first, count, groups))
        first += count
    return tuple(runs)


def check(plan: Plan, seen: Watched) -> None:
    """Stop when a plan would not survive: a page is read that is gone, or a block left alone though it differs.

    Every read of every step is looked up as it stands at the end of the group, when most has been overwritten: what can
    be read there can be read at any moment of it.

    Raises:
        BadFormat: the plan is not safe for the stream.
    """
    groups = plan.groups
    fills = {group: list(some) for group, some in groupby(plan.fills, key=lambda one: one.group)}
    gone: set[int] = set()
    copied: dict[int, tuple[int, ...]] = {}  # slot -> old pages
    longest = first = 0
    for group in range(groups[-1] + 1):
        end = next((step for step in range(first, len(groups)) if groups[step] > group), len(groups))
        copied.update({one.slot: one.pages for one in fills.get(group, ())})
        for step in range(first, end):
            place = plan.place(step) * plan.pages_per_block
            if plan.moves[step].is_written:
                gone.update(range(place, place + plan.pages_per_block))
            elif seen.is_changed[step]:
                raise _unsafe("a block is left that changes", "有变化的块未写入", step)
        kept = {page for pages in copied.values() for page in pages}
        for step in range(first, end):
            if not seen.reads[step] & gone <= kept:
                raise _unsafe("a page is read that is gone", "读取的页已不存在", step)
        if end < len(groups):
            longest = max(longest, seen.saved_bytes[end - 1])
        first = end
    if longest != plan.saved_bytes:
        raise _unsafe("the checkpoints are of another length", "检查点长度不符", 0)


def choose_order(old: bytes, new: bytes, base: int | None, block_bytes: int) -> bool:
    """Whether the order last to first is likely to need clearly less spare flash; by the covers, before encoding.

    Clearly: its streams are longer by a hundredth or two, for no cover crosses a block.
    """
    found = mapped.find_base(old) if base is None else base
    choice = Choice(is_thumb=False) if found is None else Choice(base=found)
    rows = mapped.find_covers(old, new, choice).rows()
    down, up = (slots_by_covers(rows, old, new, block_bytes, is_descending) for is_descending in (True, False))
    return down < up * CLEARLY


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
    seen = Watched(reads, is_changed, (0,) * count, b"")
    every = max(1, LEAST_GROUP_BYTES // block_bytes)
    return plan_of(seen, len(old), len(new), block_bytes, is_descending, every).slot_count


def reads_by_covers(
    rows: Sequence[tuple[int, int, int]], old_bytes: int, new_bytes: int, block_bytes: int, is_descending: bool
) -> tuple[frozenset[int], ...]:
    """The old pages that each step may read; never fewer than it does."""
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
                reads[block].update(range(low // PAGE_BYTES, (high - 1) // PAGE_BYTES + 1))
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
