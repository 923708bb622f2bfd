"""What happened to one unit, as a value; where such values are kept is ``burn.books``."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, Protocol

from moduline.errors import FormatError, NoModule, PeerError, Refusal, UsageError, WrongModule, leaves

CONTINUES_WITHIN_S = 12 * 3600.0
"""A failed try at the same place counts as the try before the next one for so long."""

Outcome = Literal["RUNNING", "PASS", "FAIL", "REFUSED", "ERROR", "ABORTED"]
OUTCOMES: tuple[Outcome, ...] = ("RUNNING", "PASS", "FAIL", "REFUSED", "ERROR", "ABORTED")


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one check of a functional test found.

    Args:
        name: of the check in its recipe.
        verdict: "pass"; "fail"; "warn" when an optional check is not good; "skip" when it was not asked.
        value: what was measured, as text.
        limits: what would have been right, as text.
        seconds: how long it took.
        detail: why it failed, in English.
    """

    name: str
    verdict: Literal["pass", "fail", "warn", "skip"]
    value: str = ""
    limits: str = ""
    seconds: float = 0.0
    detail: str = ""


@dataclass(frozen=True, slots=True)
class BurnRecord:
    """One try to burn one unit.

    Args:
        id: unique per try.
        outcome: PASS; FAIL (the module), REFUSED (before anything was changed), ERROR (this computer), ABORTED (stopped
            or interrupted); RUNNING while it goes on.
        imei: of the unit; empty as long as nobody knows it.
        imei_from: who said so: ``at`` (before), ``nv``, ``after`` or ``previous`` (the try before, same slot).
        model: as the module says.
        slot: position in the rack, else the place.
        place: USB place.
        rack: rack name.
        package: file name of the package.
        sha256: of the package file.
        package_version: version the package holds.
        version_before: version the module ran.
        version_after: version the module runs now.
        order: production order.
        operator: who ran it.
        station: where.
        started: Unix time, seconds.
        ended: Unix time, seconds; 0 while running. Before ``started`` when the clock was set back in between.
        bytes: content that the module accepted.
        seconds: duration, by a clock that nobody sets.
        error_code: such as ML-E0901; empty on PASS.
        error_message: in English.
        error_facts: facts of the error.
        tries: number of this try at this unit, from 1.
        steps: duration of each step in seconds; a step that did not end is -1.
        nv_file: where the module's own NV block was saved.
        unit: which unit's own data it got, such as a serial number; empty without such data.
        checks: what the functional test found, in the order of the recipe.
        log: where the log of the try lies.
        process: process that ran it, so that a reader can tell running from interrupted.
    """

    id: str
    outcome: Outcome = "RUNNING"
    imei: str = ""
    imei_from: str = ""
    model: str = ""
    slot: str = ""
    place: str = ""
    rack: str = ""
    package: str = ""
    sha256: str = ""
    package_version: str = ""
    version_before: str = ""
    version_after: str = ""
    order: str = ""
    operator: str = ""
    station: str = ""
    started: float = 0.0
    ended: float = 0.0
    bytes: int = 0
    seconds: float = 0.0
    error_code: str = ""
    error_message: str = ""
    error_facts: Mapping[str, Any] = field(default_factory=dict)
    tries: int = 1
    steps: Mapping[str, float] = field(default_factory=dict)
    nv_file: str = ""
    unit: str = ""
    checks: tuple[CheckResult, ...] = ()
    log: str = ""
    process: int = 0

    @property
    def is_pass(self) -> bool:
        """Whether the unit is good."""
        return self.outcome == "PASS"

    def as_json(self) -> dict[str, Any]:
        """The record as one JSON object; texts in English."""
        raw = {name: getattr(self, name) for name in self.__slots__}
        raw["checks"] = [asdict(one) for one in self.checks]
        raw["error_facts"] = {str(name): _plain(value) for name, value in self.error_facts.items()}
        raw["steps"] = dict(self.steps)
        return raw

    def raise_error(self) -> None:
        """Raise the error that ended the try; nothing when it passed.

        Raises:
            ModulineError: the leaf of ``error_code``.
        """
        for leaf in leaves():
            if leaf.code == self.error_code:
                raise leaf(**self.error_facts)


def from_json(raw: Mapping[str, Any]) -> BurnRecord:
    """The record of one JSON object; unknown keys are left out."""
    known = {name.name for name in fields(BurnRecord)}
    facts = {name: value for name, value in raw.items() if name in known}
    return BurnRecord(**facts | {"checks": tuple(_check(one) for one in raw.get("checks", ()))})


def _check(raw: Mapping[str, Any]) -> CheckResult:
    known = {name.name for name in fields(CheckResult)}
    return CheckResult(**{name: value for name, value in raw.items() if name in known})


class Book(Protocol):
    """Where the records of tries go and are read back from."""

    def write(self, record: BurnRecord) -> None:
        """Keep the record's present state; durable when it returns.

        Raises:
            StorageFailed: it cannot be kept.
        """

    def read(self) -> list[BurnRecord]:
        """Every try in the order of its start; interrupted ones as ABORTED.

        Raises:
            StorageFailed: it cannot be read.
        """

    def last_failed(self, place: str) -> BurnRecord | None:
        """The try that the next one at ``place`` goes on from, see :func:`try_before`.

        Raises:
            StorageFailed: it cannot be read.
        """


def try_before(records: Iterable[BurnRecord], place: str, now_s: float) -> BurnRecord | None:
    """The try that the next one at ``place`` goes on from: the last one there, unless it passed or is long ago."""
    last = None
    for record in records:
        if record.place == place:
            last = record
    if last is None or last.is_pass or now_s - last.started > CONTINUES_WITHIN_S:
        return None
    return last


def _plain(value: Any) -> Any:
    """A fact as JSON has it."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if isinstance(value, int | float | str | bool | None) else str(value)


def outcome_of(failure: BaseException) -> Outcome:
    """Which outcome an error means."""
    if isinstance(failure, WrongModule | FormatError | Refusal | UsageError):
        return "REFUSED"
    return "FAIL" if isinstance(failure, PeerError | NoModule) else "ERROR"  # a port that is gone is the unit's affair
