"""What was done to a flash lately: a bounded list of reads, programs and erases, neighbours joined.

::

    operation 17  program 0x60000000 +256  ┐
    operation 18  program 0x60000100 +256  ├─▶ run 17..19  program 0x60000000 +768
    operation 19  program 0x60000200 +256  ┘

A run ends where an operation of another kind or another place comes, and after 64 KiB, so a long write is seen to
move. Operations are numbered from 1 for as long as the chip is open, reads among them (so these are not the
numbers of ``cut@N``); somebody who has seen number N asks for what came after it, and is given a run that grew since
then again, under its first number.

It is always on: an operation costs a comparison and two stores, a quarter of a microsecond, and no memory beyond the
list. What an interpreter reads goes past the flash model (it maps the cells), so only boot code and loaders read here.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import takewhile
from typing import Final, Literal

RUN_BYTES: Final = 64 << 10
KEPT_RUNS: Final = 512
FlashVerb = Literal["read", "program", "erase"]


@dataclass(slots=True)
class FlashRun:
    """Operations of one kind at neighbouring addresses, one after the other.

    Attributes:
        first: number of the first operation; names the run.
        last: number of the last one so far.
        at_s: Unix time of the first one.
        verb: what was done.
        offset: where in the chip the first one began.
        end: where the last one ended.
    """

    first: int
    last: int
    at_s: float
    verb: FlashVerb
    offset: int
    end: int


@dataclass(frozen=True, slots=True)
class FlashNews:
    """What came after an operation.

    Attributes:
        runs: in the order of their beginning; those that only grew are among them.
        last: number of the last operation; what to ask with next time.
        is_gap: more came than is kept or was asked for, and the oldest is not there any more.
    """

    runs: tuple[FlashRun, ...]
    last: int
    is_gap: bool


class FlashLog:
    """The operations of one chip.

    Args:
        kept: how many runs are kept.
        now: Unix time.
    """

    def __init__(self, kept: int = KEPT_RUNS, now: Callable[[], float] = time.time) -> None:
        self._runs: deque[FlashRun] = deque(maxlen=kept)
        self._now = now
        self._run = FlashRun(0, 0, 0.0, "read", -1, -1)
        self._number = 0

    def note(self, verb: FlashVerb, offset: int, size: int) -> None:
        """An operation was done."""
        self._number += 1
        run = self._run
        if offset == run.end and verb == run.verb and offset - run.offset < RUN_BYTES:
            run.end = offset + size
            run.last = self._number
            return
        self._run = FlashRun(self._number, self._number, self._now(), verb, offset, offset + size)
        self._runs.append(self._run)

    def since(self, number: int, most: int = KEPT_RUNS) -> FlashNews:
        """What came after operation ``number``, the latest ``most`` runs of it; 0 for everything that is kept."""
        news = list(takewhile(lambda run: run.last > number, reversed(self._runs)))
        found = news[:most][::-1]
        oldest = found[0].first if found else self._number + 1
        return FlashNews(tuple(found), self._number, is_gap=oldest > number + 1)
