"""What the slots of a line say about themselves: how each fares, and which one fails too often to be chance.

A bad pogo pin shows itself as one slot whose units fail at one stage more often than those of its neighbours. To tell
that from chance:

* Counted are **units**, not tries: a unit belongs to the slot of its first PASS or FAIL, with that verdict. A bad unit
  that is powered again five times is one failure, and a failure that another slot repairs stays with the first.
  REFUSED, ERROR and ABORTED are not the slot's doing.
* The **stage** is where the failing try stood: the step of its record that began and did not end.
* **Neighbours** of a slot are all other slots of the same station and rack.
* A slot is **suspect** at a stage when its failures there, against its neighbours', have by Fisher's exact test
  (one-sided) a chance below :data:`CHANCE`, divided by the number of pairs of slot and stage that were looked at, so
  that sixteen good slots do not make one suspect; and never with fewer than :data:`LEAST_FAILURES`.

Source: R. A. Fisher, The Design of Experiments (1935), chapter 2; O. J. Dunn, Multiple comparisons among means (1961).
"""

from __future__ import annotations

import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from moduline.burn import BurnRecord
from moduline.line.board import counting
from moduline.line.records.statistics import units_of

CHANCE: Final = 0.01
"""How often a line without any bad slot may be told of one."""
LEAST_FAILURES: Final = 3
STAGES: Final = ("enter", "connect", "write", "verify", "restart", "check", "test", "other")
"""Where a try can fail, in the order of a try."""
_STAGE_OF_STEP: Final = {
    "enter": "enter", "connect": "connect", "nv_backup": "connect", "unit": "connect", "verify": "verify",
    "reset": "restart", "check": "check", "examine": "test",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SlotFigures:
    """How a slot fared.

    Args:
        station: where.
        rack: which jig.
        slot: its name.
        units: whose first verdict was given here, PASS or FAIL.
        passed: of these, at once.
        tries: that ended here with any verdict.
        failed_at: units that failed here first, by stage.
        cycle_s: median duration of a try that passed; seconds, 0 when none did.
    """

    station: str
    rack: str
    slot: str
    units: int
    passed: int
    tries: int
    failed_at: dict[str, int] = field(default_factory=dict)
    cycle_s: float = 0.0

    @property
    def failed(self) -> int:
        """Units that failed here first."""
        return self.units - self.passed


@dataclass(frozen=True, slots=True)
class Suspect:
    """A slot that fails at a stage more often than its neighbours.

    Args:
        station: where.
        rack: which jig.
        slot: its name.
        stage: of :data:`STAGES`.
        failed: units of the slot that failed there.
        units: of the slot.
        others_failed: units of its neighbours that failed there.
        others: units of its neighbours.
        chance: that a slot like all others has so many failures or more.
    """

    station: str
    rack: str
    slot: str
    stage: str
    failed: int
    units: int
    others_failed: int
    others: int
    chance: float


def stage_of(record: BurnRecord) -> str:
    """Where a try that failed stood, of :data:`STAGES`."""
    open_steps = [name for name, seconds in record.steps.items() if seconds < 0]
    if not open_steps:
        return "other"
    name = open_steps[-1].removeprefix("burn.")
    return _STAGE_OF_STEP.get(name, "write")


def slot_figures(records: Sequence[BurnRecord]) -> list[SlotFigures]:
    """How each slot fared, by station, rack and name.

    Args:
        records: in the order in which the tries began.
    """
    units: Counter[tuple[str, str, str]] = Counter()
    passed: Counter[tuple[str, str, str]] = Counter()
    failed: defaultdict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
    for tries in units_of(records):
        first = next((one for one in tries if one.outcome in {"PASS", "FAIL"}), None)
        if first is None:
            continue
        units[_place(first)] += 1
        if first.is_pass:
            passed[_place(first)] += 1
        else:
            failed[_place(first)][stage_of(first)] += 1
    ended = Counter(_place(one) for one in records if one.outcome not in {"RUNNING", "ABORTED"})
    cycles: defaultdict[tuple[str, str, str], list[float]] = defaultdict(list)
    for one in records:
        if one.is_pass:
            cycles[_place(one)].append(one.seconds)
    return [
        SlotFigures(
            *place,
            units=units[place],
            passed=passed[place],
            tries=count,
            failed_at={stage: failed[place][stage] for stage in STAGES if failed[place][stage]},
            cycle_s=statistics.median(cycles[place]) if cycles[place] else 0.0,
        )
        for place, count in sorted(ended.items(), key=lambda item: _counting(item[0]))
    ]


def suspects(slots: Sequence[SlotFigures]) -> list[Suspect]:
    """Slots that fail too often to be chance, the least likely first; see the head of this file."""
    found: list[Suspect] = []
    jigs: defaultdict[tuple[str, str], list[SlotFigures]] = defaultdict(list)
    for one in slots:
        if one.units:
            jigs[one.station, one.rack].append(one)
    for jig in jigs.values():
        if len(jig) < 2:
            continue
        stages = [stage for stage in STAGES if any(one.failed_at.get(stage) for one in jig)]
        limit = CHANCE / max(len(jig) * len(stages), 1)
        units = sum(one.units for one in jig)
        for stage in stages:
            failures = sum(one.failed_at.get(stage, 0) for one in jig)
            for one in jig:
                own = one.failed_at.get(stage, 0)
                others, others_failed = units - one.units, failures - own
                if own < LEAST_FAILURES:
                    continue
                chance = fisher(own, one.units, others_failed, others)
                if chance < limit:
                    found.append(
                        Suspect(one.station, one.rack, one.slot, stage, own, one.units, others_failed, others, chance)
                    )
    return sorted(found, key=lambda one: one.chance)


def fisher(failed: int, units: int, others_failed: int, others: int) -> float:
    """The chance that of all failures so many or more fall on these units, were all alike (one-sided, exact).

    Args:
        failed: of these units.
        units: how many these are.
        others_failed: of the other units.
        others: how many those are.
    """
    failures = failed + others_failed
    whole = _log_choose(units + others, failures)
    most = min(units, failures)
    logs = [
        _log_choose(units, count) + _log_choose(others, failures - count) - whole
        for count in range(failed, most + 1)
        if failures - count <= others
    ]
    return min(1.0, math.fsum(math.exp(one) for one in logs))


def _log_choose(count: int, taken: int) -> float:
    return math.lgamma(count + 1) - math.lgamma(taken + 1) - math.lgamma(count - taken + 1)


def _place(record: BurnRecord) -> tuple[str, str, str]:
    return record.station, record.rack, record.slot or record.place


def _counting(place: tuple[str, str, str]) -> tuple[str, str, list[tuple[int, int, str]]]:
    station, rack, slot = place
    return station, rack, counting(slot)
