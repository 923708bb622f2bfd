"""Differences of machine code: most of what changes between two builds are addresses that moved.

The old image and the new one are compared twice. First with all operands taken out, so that functions are found though
they call other places. What was found says where each old address went; so the second time operands are compared as
places. The covers of that go into the stream, and operands that the map explains cost next to nothing.

Where the images run is found in them: words that are pointers to functions vote for a load address. Which words point
into RAM is found by the pages that literal pools and MOVW/MOVT pairs name often; a page stays if the stream gets
smaller with it. All of it is deterministic.

Source: delta.md 3 and 4; docs/spec/delta-stream.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from moduline.delta import native
from moduline.delta.native import Choice, Costs, Covers, View
from moduline.delta.native_decoder import must_fit
from moduline.digest import sha256_hex
from moduline.errors import BadChecksum, Text, TooBig

RAM_LIMIT_BYTES: Final = 64 << 10
STACK_BYTES: Final = 1024
"""Left for the stack and the caller's buffers under ``RAM_LIMIT_BYTES``."""
MAX_SLOT_KIB: Final = 255
PASSES: Final = 2
MAX_PAGES: Final = 8
MAP_LIMITS: Final = (2400, 1200, 600)
_VOTERS: Final = 1500
_BALLOTS: Final = 40_000_000
_BASE_STEP: Final = 32
_MIN_VOTES: Final = 12


@dataclass(frozen=True, slots=True)
class Coded:
    """A stream and how it came about.

    Attributes:
        stream: the bytes.
        choice: how it was coded.
        ram_bytes: what decoding takes.
        spent: bytes by category (``native.CATEGORIES``).
        covers: number of covers.
    """

    stream: bytes
    choice: Choice
    ram_bytes: int
    spent: dict[str, float]
    covers: int


def make(
    old: bytes,
    new: bytes,
    base: int | None = None,
    *,
    descending_block: int = 0,
    ram_bytes: int = RAM_LIMIT_BYTES,
) -> Coded:
    """The smallest stream that makes ``new`` of ``old`` in so much RAM; decoded and compared.

    Args:
        old: what is there before.
        new: what shall be there.
        base: address at which both run; None: it is found.
        descending_block: 0, or the block size when the blocks are to come last first.
        ram_bytes: RAM of the device for decoding, with stack; less gives shorter checkpoints and longer streams.

    Raises:
        TooBig: an image is larger than 16 MiB, or the RAM is not enough for any stream.
        Unsupported: the native coder was not compiled.
    """
    must_fit(len(old), len(new))
    found = find_base(old) if base is None else base
    choice = Choice(is_thumb=False) if found is None else Choice(base=found)
    best = _with_pages(old, new, choice, descending_block, ram_bytes)
    if apply(old, best.stream, len(new), descending_block) != new:
        raise BadChecksum(format=native.NAME, name="SHA-256", found="other", expected=sha256_hex(new))
    return best


def apply(old: bytes, stream: bytes, new_bytes: int, descending_block: int = 0) -> bytes:
    """The new image.

    Raises:
        BadFormat: the stream breaks a rule of the format.
    """
    decoder = native.Decoder(lambda at, count: old[at : at + count], len(old), stream, new_bytes)
    given = decoder.read(new_bytes)
    if not descending_block:
        return given
    last = new_bytes - (new_bytes - 1) // descending_block * descending_block
    blocks = [given[:last]] + [given[at : at + descending_block] for at in range(last, new_bytes, descending_block)]
    return b"".join(reversed(blocks))


def _with_pages(old: bytes, new: bytes, choice: Choice, block: int, ram_bytes: int) -> Coded:
    """The stream with those pages of RAM that make it smaller."""
    covers = find_covers(old, new, choice)
    best = _coded(old, new, covers, choice, block, ram_bytes)
    covers.choose_map(len(old), MAP_LIMITS[-1])
    if not choice.is_thumb:
        return best
    kept, least = choice, len(native.encode(old, new, covers, choice)[0])
    for first, end in find_pages(old, choice.base):
        trial = replace(kept, ranges=(*kept.ranges, (first, end)))
        size = len(native.encode(old, new, covers, trial)[0])
        if size < least:
            kept, least = trial, size
    if kept.ranges:
        coded = _coded(old, new, find_covers(old, new, kept), kept, block, ram_bytes)
        best = min(best, coded, key=lambda one: len(one.stream))
    return best


def _coded(
    old: bytes, new: bytes, covers: Covers, choice: Choice, block: int, ram_bytes: int = RAM_LIMIT_BYTES
) -> Coded:
    """Encode within the RAM limit: the map as large as it likes, the histories get the rest."""
    if block:
        covers = covers.split(block, len(new))
        choice = replace(choice, descending_block=block)
    best: Coded | None = None
    beside = 0
    for limit in MAP_LIMITS:
        chosen = covers.choose_map(len(old), limit)
        stream, _ = native.encode(old, new, covers, replace(choice, slot_kib=1))
        beside = native.Decoder(lambda at, count: old[at : at + count], len(old), stream, len(new)).ram_bytes - 1024
        slot_kib = min((ram_bytes - STACK_BYTES - beside) // 1024, MAX_SLOT_KIB)
        if slot_kib >= 1:
            trial = replace(choice, slot_kib=slot_kib)
            stream, spent = native.encode(old, new, covers, trial)
            if best is None or len(stream) < len(best.stream):
                best = Coded(stream, trial, beside + 1024 * slot_kib, spent, covers.count)
        if chosen < limit and best is not None:
            break
    if best is None:
        raise TooBig(what=Text("RAM of the decoder", "解码器内存"), need=beside + 1024 + STACK_BYTES, have=ram_bytes)
    return best


def find_covers(old: bytes, new: bytes, choice: Choice, costs: Costs | None = None) -> Covers:
    """The covers: first with blanked operands, then with operands as places."""
    costs = costs or Costs()
    if not choice.is_thumb:
        return native.search(old, new, _suffixes(old), costs)
    before, after = View(old, len(old), choice), View(new, len(old), choice)
    left, right = before.blanked(), after.blanked()
    covers = native.search(left, right, _suffixes(left), costs)
    right = after.resolved(None)
    for _ in range(PASSES):
        covers.choose_map(len(old), 1 << 16)
        left = before.resolved(covers, new)
        covers = native.search(left, right, _suffixes(left), costs)
    return covers


def _suffixes(data: bytes) -> Any:
    import numpy as np
    from pydivsufsort import divsufsort  # slow to load: only when differences are made

    return np.ascontiguousarray(divsufsort(np.frombuffer(data, dtype=np.uint8).copy()), dtype=np.int32)


def find_base(image: bytes) -> int | None:
    """The address at which the image runs, by the votes of its pointers to functions; None: it is no Thumb code.

    A function begins with a push of LR; a pointer to one is its address plus 1. Each pair of a word and a function
    votes for their difference, and only the right difference gets more than chance votes. Two elections: among all
    words, and among those that code names; the clearer one counts.
    """
    import numpy as np

    halves = np.frombuffer(image[: len(image) & ~1], dtype="<u2").astype(np.int64)
    words = np.frombuffer(image[: len(image) & ~3], dtype="<u4").astype(np.int64)
    if len(halves) < 64:
        return None
    pushes = np.nonzero((halves & 0xFF00) == 0xB500)[0]
    wide = np.nonzero((halves[:-1] == 0xE92D) & ((halves[1:] & 0x4000) != 0))[0]
    entries = np.unique(np.concatenate([pushes, wide])) * 2
    best: tuple[float, int] | None = None
    for pointers in (words, _named(halves, words, 0)):
        won = _elect(entries, np.unique(pointers[(pointers & 1) == 1]) - 1)
        if won is not None and (best is None or won[0] > best[0]):
            best = won
    return None if best is None else best[1]


def _elect(entries: Any, pointers: Any) -> tuple[float, int] | None:
    """How many times the second the winner has, and the winner; None when there is no clear one."""
    import numpy as np

    if len(entries) < _MIN_VOTES or len(pointers) < _MIN_VOTES:
        return None
    voters = min(len(entries), max(_VOTERS, _BALLOTS // len(pointers)))
    votes: list[Any] = []
    for entry in entries[:: max(1, len(entries) // voters)]:
        difference = pointers - entry
        votes.append((difference[(difference >= 0) & (difference % _BASE_STEP == 0)] // _BASE_STEP).astype(np.int32))
    ballots = np.concatenate(votes)
    del votes
    if not len(ballots):
        return None
    ballots.sort()
    first = np.concatenate([[0], np.nonzero(ballots[1:] != ballots[:-1])[0].astype(np.int32) + 1]).astype(np.int32)
    values, counts = ballots[first], np.diff(first, append=np.int32(len(ballots)))
    del ballots, first
    best = int(np.argmax(counts))  # the smallest of equals
    winner, difference = int(counts[best]), int(values[best]) * _BASE_STEP
    counts[best] = 0
    second = int(counts.max()) if len(counts) > 1 else 1
    return (winner / second, difference) if winner >= _MIN_VOTES and winner > second * 3 // 2 else None


def _named(halves: Any, words: Any, base: int) -> Any:
    """Values that code names: words of literal pools and MOVW/MOVT pairs."""
    import numpy as np

    short = np.nonzero(halves >> 11 == 9)[0]
    wide = np.nonzero(halves[:-1] == 0xF8DF)[0]
    places = np.concatenate(
        [
            ((base + short * 2 + 4) & ~3) - base + (halves[short] & 255) * 4,
            ((base + wide * 2 + 4) & ~3) - base + (halves[wide + 1] & 0xFFF),
        ]
    )
    places = np.unique(places[(places >= 0) & (places + 4 <= len(words) * 4) & (places & 3 == 0)])
    return np.unique(np.concatenate([words[places // 4], _pairs(halves)]))


def _pairs(halves: Any) -> Any:
    """Values of MOVW/MOVT pairs of the same register, at most 15 halfwords apart."""
    import numpy as np

    first, second = halves[:-1], halves[1:]
    low = np.nonzero(((first & 0xFBF0) == 0xF240) & ((second & 0x8000) == 0))[0]

    def immediate(at: Any) -> Any:
        a, b = halves[at], halves[at + 1]
        return (a & 15) << 12 | ((a >> 10) & 1) << 11 | ((b >> 12) & 7) << 8 | (b & 255)

    found = [np.empty(0, dtype=np.int64)]
    for distance in range(2, 16):
        at = low[low + distance + 1 < len(halves)]
        a, b = halves[at + distance], halves[at + distance + 1]
        is_pair = ((a & 0xFBF0) == 0xF2C0) & ((b & 0x8000) == 0) & (((b ^ halves[at + 1]) & 0x0F00) == 0)
        at = at[is_pair]
        found.append(immediate(at + distance) << 16 | immediate(at))
    return np.concatenate(found)


def find_pages(image: bytes, base: int) -> list[tuple[int, int]]:
    """Runs of 64 KiB pages that literal pools and MOVW/MOVT pairs name often: first, end; most named first."""
    import numpy as np

    halves = np.frombuffer(image[: len(image) & ~1], dtype="<u2").astype(np.int64)
    words = np.frombuffer(image[: len(image) & ~3], dtype="<u4").astype(np.int64)
    values = _named(halves, words, base)
    values = values[(values >= 0x1000) & (values < 0xFFFF0000)]
    values = values[(values < base) | (values >= base + len(image))]
    pages, counts = np.unique(values >> 16, return_counts=True)
    runs: list[list[int]] = []
    for page, count in zip(pages.tolist(), counts.tolist(), strict=True):
        if count < 8:
            continue
        if runs and runs[-1][1] == page:
            runs[-1][1] = page + 1
            runs[-1][2] += count
        else:
            runs.append([page, page + 1, count])
    runs.sort(key=lambda run: (-run[2], run[0]))
    return [(first << 16, end << 16) for first, end, _ in runs[:MAX_PAGES]]
