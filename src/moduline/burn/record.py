"""What happened to one unit, as a value, and the book that keeps it through power cuts.

A book is a file of JSON lines. A try writes two: ``started`` before anything is erased, ``finished`` at its end; each
is appended with one write and synced. A try without its second line was interrupted (``kill -9``, power of the
computer) and reads back as ABORTED. A torn last line is passed over, and the next line begins on a fresh one.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, Protocol

from moduline.errors import FormatError, PeerError, Refusal, StorageFailed, Text, UsageError, WrongModule, leaves
from moduline.port import registry

CONTINUES_WITHIN_S = 12 * 3600.0
"""A failed try at the same place counts as the try before the next one for so long."""

Outcome = Literal["RUNNING", "PASS", "FAIL", "REFUSED", "ERROR", "ABORTED"]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one check of a functional test found.

    Args:
        name: of the check in its recipe.
        verdict: "pass"; "fail"; "skip" when it could not be asked because of an earlier one.
        value: what was measured, as text.
        limits: what would have been right, as text.
        seconds: how long it took.
        detail: why it failed, in English.
    """

    name: str
    verdict: Literal["pass", "fail", "skip"]
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
        ended: Unix time, seconds; 0 while running.
        bytes: content that the module accepted.
        seconds: duration.
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
        raw = asdict(replace(self, error_facts={}, steps={}))
        raw["checks"] = [asdict(one) for one in self.checks]
        raw["error_facts"] = {name: _plain(value) for name, value in self.error_facts.items()}
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
    """The record of one line; unknown keys are left out."""
    known = {name.name for name in fields(BurnRecord)}
    facts = {name: value for name, value in raw.items() if name in known}
    return BurnRecord(**facts | {"checks": tuple(CheckResult(**one) for one in raw.get("checks", ()))})


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


class RecordBook:
    """Records of one production order, or of everything without one.

    Args:
        path: the file; made with its folder at the first line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, record: BurnRecord) -> None:
        """Append the record's present state; durable when it returns.

        Raises:
            StorageFailed: the disk is full or the file cannot be written.
        """
        event = "started" if record.outcome == "RUNNING" else "finished"
        line = json.dumps({"event": event, **record.as_json()}, ensure_ascii=False) + "\n"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab+", buffering=0) as file:
                _lock(file)
                end = file.seek(0, os.SEEK_END)
                if end:
                    file.seek(end - 1)
                    if file.read(1) != b"\n":
                        line = "\n" + line
                file.write(line.encode())
                os.fsync(file.fileno())
        except OSError as cause:
            reason = cause.strerror or Text("cannot write", "无法写入")
            raise StorageFailed(path=str(self.path), reason=reason) from cause

    def read(self) -> list[BurnRecord]:
        """Every try in the order of its start; interrupted ones as ABORTED.

        Raises:
            StorageFailed: the file is there and cannot be read.
        """
        try:
            text = self.path.read_bytes().decode("utf-8", "replace")
        except FileNotFoundError:
            return []
        except OSError as cause:
            raise StorageFailed(path=str(self.path), reason=cause.strerror or "") from cause
        found: dict[str, BurnRecord] = {}
        for line in text.splitlines():
            with contextlib.suppress(ValueError, TypeError, AttributeError):  # a torn line is no record
                raw = json.loads(line)
                if isinstance(raw.get("id"), str):
                    found[raw["id"]] = from_json(raw)
        return [_judge(record) for record in found.values()]


def books_folder() -> Path:
    """Where the books lie."""
    return registry.home() / "records"


def book(order: str = "") -> RecordBook:
    """The book of a production order; without one, the book of single burns."""
    name = re.sub(r"[^\w.-]+", "_", order) or "unordered"
    return RecordBook(books_folder() / f"{name}.jsonl")


def all_records() -> list[BurnRecord]:
    """Every record of every book, by start."""
    books = [RecordBook(path) for path in sorted(books_folder().glob("*.jsonl"))]
    return sorted((record for one in books for record in one.read()), key=lambda record: record.started)


def try_before(records: Iterable[BurnRecord], place: str, now_s: float) -> BurnRecord | None:
    """The try that the next one at ``place`` goes on from: the last one there, unless it passed or is long ago."""
    last = None
    for record in records:
        if record.place == place:
            last = record
    if last is None or last.is_pass or now_s - last.started > CONTINUES_WITHIN_S:
        return None
    return last


def as_csv(records: Iterable[BurnRecord]) -> str:
    """The records as a table with one header line."""
    names = [one.name for one in fields(BurnRecord)]
    out = io.StringIO()
    writer = csv.DictWriter(out, names, lineterminator="\n")
    writer.writeheader()
    for record in records:
        raw = record.as_json()
        cells = {name: json.dumps(raw[name]) if isinstance(raw[name], dict | list) else raw[name] for name in names}
        writer.writerow({name: _no_formula(cell) for name, cell in cells.items()})
    return out.getvalue()


def _no_formula(cell: Any) -> Any:
    """A cell that no spreadsheet takes for a formula; facts come from modules and file names."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in {"=", "+", "-", "@"} else cell


def _judge(record: BurnRecord) -> BurnRecord:
    """A try that began and did not end: running while its process lives, interrupted after."""
    if record.outcome != "RUNNING" or (record.process and registry.is_running(record.process)):
        return record
    return replace(record, outcome="ABORTED", error_message="interrupted: the program ended before the try did")


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | float | str | bool | None) else str(value)


def _lock(file: Any) -> None:
    """Keep other writers of the same book out until the file is closed; no lock where the system has none."""
    try:
        import fcntl  # POSIX only
    except ImportError:
        return
    fcntl.flock(file.fileno(), fcntl.LOCK_EX)


def outcome_of(failure: BaseException) -> Outcome:
    """Which outcome an error means."""
    if isinstance(failure, WrongModule | FormatError | Refusal | UsageError):
        return "REFUSED"
    return "FAIL" if isinstance(failure, PeerError) else "ERROR"
