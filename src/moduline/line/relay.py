"""Where a gang reports while somebody looks: into the board, under a lock, and on as lines where there is no screen.

::

    engine thread  -- report, finished -->  Relay (board, lines)  <-- look() --  screen or page, when it gets to it

The engine never waits for whoever looks, and what is shown can be lost without the gang losing anything.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

from moduline.burn import BurnPlan, BurnRecord
from moduline.events import Event, Notice, Step
from moduline.line.board import Board, Head, SlotView, Totals
from moduline.line.records.labels import LabelTemplate
from moduline.line.records.printing import LabelTarget, print_label
from moduline.port import registry
from moduline.port.listing import read_slots


class Lines(Protocol):
    """Something that prints what happens, line by line."""

    def report(self, event: Event) -> None:
        """Print an event."""

    def finished(self, record: BurnRecord) -> None:
        """Print a finished record."""


class Relay:
    """Where the engine reports: into the board, and on as lines while there is no screen.

    Args:
        board: the reducer.
    """

    def __init__(self, board: Board) -> None:
        self._board = board
        self._lock = threading.Lock()
        self._lines: Lines | None = None
        self._unprinted: dict[str, list[Event | BurnRecord]] = {}
        self._clock_offset = time.time() - time.monotonic()
        self._frozen_at: float | None = None

    def now(self) -> float:
        """Unix time that never jumps, seconds; the end of the gang once it is over."""
        return time.monotonic() + self._clock_offset if self._frozen_at is None else self._frozen_at

    def freeze(self, at: float | None = None) -> None:
        """The gang is over: the clock of the board stands still, at a moment or now."""
        self._frozen_at = self.now() if at is None else at

    def report(self, event: Event) -> None:
        """Take an event; in the engine's thread."""
        with self._lock:
            self._board.take(event, self.now())
            lines = self._lines
            if lines is None and isinstance(event, Step):
                self._unprinted[event.where] = [event]
        if lines is not None:
            self._print(lines.report, event)

    def finished(self, record: BurnRecord) -> None:
        """Take a record; in the engine's thread."""
        with self._lock:
            self._board.finished(record, self.now())
            lines = self._lines
            if lines is None:
                self._unprinted.setdefault(record.slot, []).append(record)
        if lines is not None:
            self._print(lines.finished, record)

    def look(self) -> tuple[Head, list[SlotView], Totals]:
        """The present state; in any thread."""
        with self._lock:
            now = self.now()
            return self._board.head, self._board.slots(now), self._board.totals(now)

    def tell(self, lines: Lines | None) -> None:
        """From now on print lines too, beginning with the last of each slot that nobody printed; or no more."""
        with self._lock:
            self._lines = lines
            waiting = [one for slot in self._unprinted.values() for one in slot]
            self._unprinted.clear()
        if lines is not None:
            for one in waiting:
                self._print(lines.finished if isinstance(one, BurnRecord) else lines.report, one)

    def _print(self, show: Callable[[Any], None], what: Event | BurnRecord) -> None:
        """A terminal that is gone must not end the gang."""
        try:
            show(what)
        except OSError:
            self.tell(None)


def slot_names(rack: str | None) -> list[str]:
    """Slots that are known: of the user's map of the rack, and of the virtual modules in it."""
    mapped = read_slots()
    names = list(mapped.get(rack, ())) if rack else [name for slots in mapped.values() for name in slots]
    if rack is None and len(mapped) > 1:
        names = []  # the same name may stand in two racks
    learnt = {name for name, slots in mapped.items() if slots}  # the user's names stand for the rack's own
    virtual = [entry.slot or entry.name for entry in registry.modules(rack) if entry.rack not in learnt]
    return list(dict.fromkeys([*names, *virtual]))


def printer_of(label: tuple[LabelTemplate, LabelTarget] | None) -> Callable[[BurnRecord], Event] | None:
    """What prints a unit's label once more and gives how it went; None without labels."""
    if label is None:
        return None
    template, target = label

    def again(record: BurnRecord) -> Event:
        remark = print_label(record, template, target)
        facts = {"imei": record.imei, "reason": remark.detail}
        return Notice("label.printed" if remark.is_ok else "label.failed", record.slot, facts)

    return again


def head_of(plan: BurnPlan, package: str, sha256: str, rack: str | None, words: tuple[str, str, str]) -> Head:
    """The head of a gang that begins now; ``words`` are order, operator and station."""
    order, operator, station = words
    return Head(order, operator, station, rack or "", package, sha256, plan.version or "", time.time())
