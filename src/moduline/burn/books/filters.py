"""Which tries are wanted, as a value; the same for the command line, the HTTP interface and the store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from moduline.burn.record import BurnRecord, Outcome


@dataclass(frozen=True, slots=True)
class RecordFilter:
    """Which tries are wanted; what is left at its default is not asked about.

    Args:
        order: of this production order; "" are those without one, None is every order.
        outcome: with this outcome.
        station: done at this station.
        slot: done in this slot.
        place: done at this USB place.
        operator: done by this operator.
        imei: of this module.
        unit: with this unit's own data, such as its serial number.
        id: whose id begins so.
        since_s: begun at this time or later; Unix time, seconds.
        until_s: begun before this time; Unix time, seconds.
        after: whose last event has a higher number than this.
        before: whose last event has a lower number than this; 0 is no such end.
        like: whose IMEI ends so, whose unit's number has this in it, or whose id begins so.
        limit: at most so many; 0 is no limit.
        by: in the order in which the tries began, or in that of their last events.
        is_newest_first: turns the order round.
    """

    order: str | None = None
    outcome: Outcome | None = None
    station: str | None = None
    slot: str | None = None
    place: str | None = None
    operator: str | None = None
    imei: str | None = None
    unit: str | None = None
    id: str | None = None
    since_s: float | None = None
    until_s: float | None = None
    after: int = 0
    before: int = 0
    like: str | None = None
    limit: int = 0
    by: Literal["began", "seq"] = "began"
    is_newest_first: bool = False


@dataclass(frozen=True, slots=True)
class Remark:
    """What became of a unit's papers after its try, such as a label; it never changes the outcome.

    Args:
        kind: such as ``label``.
        at: Unix time, seconds.
        is_ok: whether it worked.
        detail: where it went, or why it failed, in English.
    """

    kind: str
    at: float
    is_ok: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class KeptRecord:
    """A record as a store keeps it.

    Args:
        seq: number of its last event; grows with every change of any record.
        record: the try.
        remarks: what was noted about it afterwards, oldest first.
    """

    seq: int
    record: BurnRecord
    remarks: tuple[Remark, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The record as one JSON object, with ``seq`` and ``remarks``."""
        remarks = [{"kind": one.kind, "at": one.at, "ok": one.is_ok, "detail": one.detail} for one in self.remarks]
        return self.record.as_json() | {"seq": self.seq, "remarks": remarks}


@dataclass(frozen=True, slots=True)
class RecordPage:
    """Some of many records.

    Args:
        records: those that were wanted.
        next_after: where the next page begins, for ``RecordFilter.after``; None when there is none.
    """

    records: tuple[KeptRecord, ...]
    next_after: int | None
