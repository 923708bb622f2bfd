"""The gate behind the line: a scanned label, the permit of ``line.records``, and a log of every answer."""

from __future__ import annotations

import json
import threading
from collections import deque
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from moduline.burn import BurnRecord
from moduline.burn.books import Remark, open_store
from moduline.errors import BadOption, BadRecipe, StorageFailed, UnknownOrder
from moduline.line.records.permit import Permit, permit
from moduline.line.work_order import read_order
from moduline.web.site import site
from moduline.web.station.scanned import LONGEST, tries_of, unit_of

SHOWN: Final = 30
KEPT_BYTES: Final = 4 << 20
"""A log that grows beyond is begun anew; the one before is kept."""
KIND: Final = "gate"
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Passage:
    """One answer of the gate.

    Args:
        at: UTC seconds.
        unit: number that was read from the label.
        order: that was asked for; "": any.
        is_given: whether the unit may go.
        reason: of ``line.records.permit``.
        record: id of the try that decided; "": none.
    """

    at: float
    unit: str
    order: str
    is_given: bool
    reason: str
    record: str = ""


def judge(scanned: str, order: str) -> tuple[str, Permit]:
    """The number on a label, and whether its unit may go.

    Args:
        scanned: text of the label.
        order: that it must belong to, and whose firmware it must have; "": any.

    Raises:
        StorageFailed: the records cannot be read.
    """
    unit = unit_of(scanned[:LONGEST])
    return unit, permit(tries_of(unit, order or None), _firmware_of(order) if order else "")


def note(unit: str, order: str, answer: Permit) -> Passage:
    """Keep an answer: beside the record that decided, then in the log of the gate.

    Raises:
        StorageFailed: it cannot be kept.
    """
    at = site().clock.now_s()
    made = Passage(at, unit, order, answer.is_given, answer.reason, answer.record.id if answer.record else "")
    if answer.record is not None:
        detail = answer.reason if not order else f"{answer.reason}, order {order}"
        open_store().add_remark(answer.record.id, Remark(KIND, at, answer.is_given, detail))
    path = _path()
    with _lock:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists() and path.stat().st_size > KEPT_BYTES:
                path.replace(path.with_suffix(".old.jsonl"))
            with path.open("ab") as opened:
                opened.write(json.dumps(asdict(made), ensure_ascii=False).encode() + b"\n")
        except OSError as cause:
            raise StorageFailed(path=str(path), reason=cause.strerror or str(cause)) from cause
    return made


def last(count: int = SHOWN) -> list[Passage]:
    """The latest answers, newest first; torn lines are left out."""
    try:
        with _path().open("rb") as opened:
            lines = deque(opened, maxlen=count)
    except OSError:
        return []
    return [made for line in reversed(lines) if (made := _passage(line)) is not None]


def wanted_record(answer: Permit) -> BurnRecord | None:
    """The record whose label may be printed: of a unit that may go."""
    return answer.record if answer.is_given else None


def _passage(line: bytes) -> Passage | None:
    try:
        raw: Any = json.loads(line)
        return Passage(
            float(raw["at"]), str(raw["unit"]), str(raw["order"]), bool(raw["is_given"]), str(raw["reason"]),
            str(raw["record"]),
        )  # fmt: skip
    except (ValueError, TypeError, KeyError, OverflowError):
        return None


def _firmware_of(order: str) -> str:
    """What a unit of an order must have in it; "": the order is none that is locked."""
    try:
        return read_order(order).sha256
    except (BadOption, BadRecipe, StorageFailed, UnknownOrder):
        return ""


def _path() -> Path:
    return site().data / "line" / "gate.jsonl"
