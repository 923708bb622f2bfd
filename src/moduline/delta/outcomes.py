"""What a rehearsal tells about each power cut, and how often blocks of the flash were erased.

::

    operations   0 .. first change of a target .. last change of a target .. end
    a cut here   untouched                resumed                  finished

Before the first change of a target the old firmware is still whole, and the module would run it; from there on an
update is carried to its end, never back; after the last one the new firmware is whole, and only marks are missing.

Source: delta.md 4 (in place); style-anchors H32.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from moduline.delta.rehearsal import CleanRun, Model, Trial

KINDS: Final = ("cut", "tear", "pair")
"""The power goes before an operation, within one, or within one and again while it recovers."""


class Outcome(StrEnum):
    """How a trial ended."""

    UNTOUCHED = "untouched"
    RESUMED = "resumed"
    FINISHED = "finished"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Span:
    """Operations in which targets change.

    Attributes:
        first: number of the first one.
        last: number of the last one; less than ``first``: there is none.
    """

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Mark:
    """One trial, or neighbours of the same kind that are shown as one.

    Attributes:
        kind: of ``KINDS``.
        operation: at which the power went away first, of the first trial.
        last: the same of the last trial.
        outcome: the worst of them.
        what: the step is for, of the first trial.
        count: how many trials.
        cuts: replays it: the first that failed, else the first.
        complaint: what was wrong; empty when nothing was.
    """

    kind: str
    operation: int
    last: int
    outcome: Outcome
    what: str
    count: int
    cuts: str
    complaint: str = ""


@dataclass(frozen=True, slots=True)
class Wear:
    """What an undisturbed run does to the flash.

    Attributes:
        erases: of all blocks.
        worst: most erases of one block.
        worst_block: number of that block.
        is_target: it holds firmware; otherwise copies and marks.
        blocks: how many were erased at all.
    """

    erases: int
    worst: int
    worst_block: int
    is_target: bool
    blocks: int


def kind_of(trial: Trial) -> str:
    """Which of ``KINDS`` a trial is."""
    return "pair" if "," in trial.cuts else trial.cuts.partition("@")[0]


def target_span(model: Model, clean: CleanRun) -> Span:
    """Where in the undisturbed run the firmware itself changes."""
    changes = [one for one in clean.changes if one.address < model.targets_end]
    if not changes:
        return Span(clean.total, -1)
    return Span(changes[0].first, changes[-1].first + changes[-1].count - 1)


def outcome_of(trial: Trial, span: Span) -> Outcome:
    """How a trial ended."""
    if trial.complaint:
        return Outcome.FAILED
    is_before = kind_of(trial) == "cut"  # a tear is within its operation
    if trial.operation < span.first or (is_before and trial.operation == span.first):
        return Outcome.UNTOUCHED
    return Outcome.FINISHED if trial.operation > span.last else Outcome.RESUMED


def marks_of(clean: CleanRun, trials: Iterable[Trial], span: Span, most: int) -> list[Mark]:
    """Trials in the order of their operations, at most so many a kind: neighbours go together, the worst shows.

    Args:
        clean: the undisturbed run.
        trials: in any order.
        span: of ``target_span``.
        most: marks of each kind.
    """
    by_kind: dict[str, list[Trial]] = {kind: [] for kind in KINDS}
    for trial in sorted(trials, key=lambda one: one.operation):
        by_kind[kind_of(trial)].append(trial)
    found = []
    for kind, some in by_kind.items():
        size = -(-len(some) // most) if some else 1
        uses = _Uses(clean)
        found += [_mark(kind, some[at : at + size], uses, span) for at in range(0, len(some), size)]
    return found


def wear_of(model: Model, clean: CleanRun) -> Wear:
    """Erases of the undisturbed run."""
    unit = model.flash.geometry.erase_bytes
    erases = Counter(one.address // unit for one in clean.changes if one.data is None)
    if not erases:
        return Wear(0, 0, 0, is_target=False, blocks=0)
    block, worst = max(erases.items(), key=lambda one: (one[1], -one[0]))
    return Wear(erases.total(), worst, block, block * unit < model.targets_end, len(erases))


def stretches(clean: CleanRun) -> Iterator[tuple[str, int, int]]:
    """What the operations are for: neighbours of one purpose as (purpose, first operation, count)."""
    name, first, count = "", 0, 0
    for step in clean.steps:
        if step.what != name and count:
            yield name, first, count
            first, count = step.first, 0
        name = step.what
        count += step.count
    if count:
        yield name, first, count


class _Uses:
    """What an operation is for; asked for in rising order."""

    def __init__(self, clean: CleanRun) -> None:
        self._steps = clean.steps
        self._at = 0

    def of(self, operation: int) -> str:
        while self._at + 1 < len(self._steps) and self._steps[self._at + 1].first <= operation:
            self._at += 1
        return self._steps[self._at].what if self._steps else ""


_ORDER: Final = tuple(Outcome)


def _mark(kind: str, some: Sequence[Trial], uses: _Uses, span: Span) -> Mark:
    known = [(outcome_of(one, span), one) for one in some]
    worst, shown = max(known, key=lambda one: _ORDER.index(one[0]))
    if worst is not Outcome.FAILED:
        worst = Counter(one for one, _ in known).most_common(1)[0][0]
        shown = some[0]
    return Mark(
        kind, some[0].operation, some[-1].operation, worst, uses.of(some[0].operation), len(some), shown.cuts,
        shown.complaint,
    )  # fmt: skip
