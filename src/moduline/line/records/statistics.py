"""What records say about a line: units, yields, units per hour, cycle times, and which errors cost most.

Definitions, all over the tries that are handed in:

* A **unit** is an IMEI; without one, the unit's own number. Tries of which nobody knew either belong to the next try at
  the same place when that one counts itself as their continuation (``tries`` one higher); else each is a unit of its
  own.
* PASS, FAIL, REFUSED and ERROR are **verdicts**; RUNNING and ABORTED tries say nothing about a unit. Units without a
  verdict are not counted.
* **First-pass yield**: units whose first verdict is PASS, of all units. **Final yield**: whose last verdict is PASS.
* **Worked hours**: the time in which at least one try went on, gaps of at most ``IDLE_GAP_S`` included; neither breaks
  nor nights count. A try lasts ``seconds`` from its ``started``, whatever the clock said at its end.
  **Units per hour**: finally passed units by worked hours.
* **Cycle time**: ``seconds`` of the tries that passed; their median.
* In a **breakdown** a unit belongs, as a whole, where its first verdict was given. So a slot cannot look good because
  its failures are repaired elsewhere.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any, Final, Literal

from moduline.burn import BurnRecord

IDLE_GAP_S: Final = 600.0
"""A line that stands still for longer is not working; seconds."""
VERDICTS: Final = frozenset({"PASS", "FAIL", "REFUSED", "ERROR"})
Breakdown = Literal["station", "slot", "operator", "hour"]
BREAKDOWNS: Final[tuple[Breakdown, ...]] = ("station", "slot", "operator", "hour")


@dataclass(frozen=True, slots=True)
class LineFigures:
    """The figures of a line, or of a part of it.

    Args:
        name: which part; empty for everything.
        units: units with a verdict.
        first_passed: units that passed at their first try.
        passed: units that passed in the end.
        tries: verdicts.
        aborted: tries that were stopped or interrupted.
        worked_s: time in which the line worked; seconds.
        cycle_s: median duration of a try that passed; seconds, 0 when none did.
    """

    name: str
    units: int
    first_passed: int
    passed: int
    tries: int
    aborted: int
    worked_s: float
    cycle_s: float

    @property
    def first_pass_yield(self) -> float:
        """Share of units that passed at their first try, 0 to 1; 0 without units."""
        return self.first_passed / self.units if self.units else 0.0

    @property
    def final_yield(self) -> float:
        """Share of units that passed in the end, 0 to 1; 0 without units."""
        return self.passed / self.units if self.units else 0.0

    @property
    def units_per_hour(self) -> float:
        """Finally passed units by worked hours; 0 when nothing was worked."""
        return self.passed / (self.worked_s / 3600.0) if self.worked_s > 0 else 0.0

    def as_json(self) -> dict[str, Any]:
        """The figures as one JSON object."""
        return asdict(self) | {
            "worked_s": round(self.worked_s, 3),
            "cycle_s": round(self.cycle_s, 3),
            "first_pass_yield": round(self.first_pass_yield, 6),
            "final_yield": round(self.final_yield, 6),
            "units_per_hour": round(self.units_per_hour, 3),
        }


@dataclass(frozen=True, slots=True)
class ErrorShare:
    """One line of the Pareto table of errors.

    Args:
        code: such as ML-E0901.
        tries: that ended with it.
        share: of all tries that ended with an error, 0 to 1.
        total: share of this one and those before it, 0 to 1.
        message: of the latest such try, in English.
    """

    code: str
    tries: int
    share: float
    total: float
    message: str


def units_of(records: Sequence[BurnRecord]) -> list[tuple[BurnRecord, ...]]:
    """The tries of each unit, units in the order of their first try.

    Args:
        records: in the order in which the tries began.
    """
    names: list[str] = []
    waiting: dict[tuple[str, str, str], list[int]] = {}
    for index, record in enumerate(records):
        where = (record.station, record.rack, record.place)
        before = waiting.pop(where, [])
        goes_on = bool(before) and record.tries == records[before[-1]].tries + 1
        known = f"imei {record.imei}" if record.imei else f"unit {record.unit}" if record.unit else ""
        names.append(known or (names[before[-1]] if goes_on else f"try {record.id}"))
        if goes_on:
            for earlier in before:
                names[earlier] = names[index]
        if not known:
            waiting[where] = [*(before if goes_on else ()), index]
    units: dict[str, list[BurnRecord]] = {}
    for name, record in zip(names, records, strict=True):
        units.setdefault(name, []).append(record)
    return [tuple(tries) for tries in units.values()]


def figures(records: Sequence[BurnRecord], name: str = "") -> LineFigures:
    """The figures of all tries together.

    Args:
        records: in the order in which the tries began.
        name: what they are the figures of.
    """
    return _figures_of(units_of(records), name)


def breakdown(records: Sequence[BurnRecord], by: Breakdown, zone: tzinfo | None = UTC) -> list[LineFigures]:
    """The figures of each station, slot, operator or hour, by name.

    Args:
        records: in the order in which the tries began.
        by: what they are told apart by.
        zone: whose hours; None is this computer's.
    """
    tell: Callable[[BurnRecord], str] = {
        "station": lambda record: record.station,
        "slot": lambda record: record.slot,
        "operator": lambda record: record.operator,
        "hour": lambda record: _hour(record.started, zone),
    }[by]
    parts: dict[str, list[tuple[BurnRecord, ...]]] = {}
    for tries in units_of(records):
        first = next((one for one in tries if one.outcome in VERDICTS), tries[0])
        parts.setdefault(tell(first), []).append(tries)
    return [_figures_of(units, name) for name, units in sorted(parts.items())]


def pareto(records: Iterable[BurnRecord]) -> list[ErrorShare]:
    """Which errors ended how many tries, the most frequent first; aborted tries are not counted."""
    failed = [one for one in records if one.outcome in VERDICTS and not one.is_pass]
    counts = Counter(one.error_code for one in failed)
    messages = {one.error_code: one.error_message for one in failed}
    shares, total = [], 0
    for code, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        total += count
        shares.append(ErrorShare(code, count, count / len(failed), total / len(failed), messages[code]))
    return shares


def worked_s(records: Iterable[BurnRecord]) -> float:
    """How long the line worked, see the head of this file; seconds."""
    spans = sorted((one.started, one.started + max(one.seconds, 0.0)) for one in records)
    worked, until = 0.0, None
    for begin, end in spans:
        if until is None or begin - until > IDLE_GAP_S:
            worked += end - begin
            until = end
        elif end > until:
            worked += end - until
            until = end
    return worked


def _figures_of(units: Iterable[tuple[BurnRecord, ...]], name: str) -> LineFigures:
    counts: Counter[str] = Counter()
    ended: list[BurnRecord] = []
    for tries in units:
        verdicts = [one for one in tries if one.outcome in VERDICTS]
        ended += [one for one in tries if one.outcome != "RUNNING"]
        counts["tries"] += len(verdicts)
        if verdicts:
            counts["units"] += 1
            counts["first_passed"] += verdicts[0].is_pass
            counts["passed"] += verdicts[-1].is_pass
    cycles = [one.seconds for one in ended if one.is_pass]
    return LineFigures(
        name=name,
        units=counts["units"],
        first_passed=counts["first_passed"],
        passed=counts["passed"],
        tries=counts["tries"],
        aborted=sum(one.outcome == "ABORTED" for one in ended),
        worked_s=worked_s(ended),
        cycle_s=statistics.median(cycles) if cycles else 0.0,
    )


def _hour(seconds: float, zone: tzinfo | None) -> str:
    try:
        local = datetime.fromtimestamp(seconds, UTC).astimezone(zone)
    except (ValueError, OverflowError, OSError):
        return ""
    return local.replace(minute=0, second=0, microsecond=0).isoformat(timespec="minutes")
