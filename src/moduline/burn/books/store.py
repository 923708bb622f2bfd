"""The store of line records: events of tries go in, tries come out; many threads and processes at once.

Every write is one transaction that is durable when it returns. Writers stand in line (SQLite: BEGIN IMMEDIATE;
PostgreSQL: an advisory lock), so ``seq`` grows in the order in which others come to see the events, and a reader that
goes on after the last number it saw misses nothing.

A try that began and did not end is running while its process lives. The first write of a store ends the tries of dead
processes of this computer as ABORTED, in the book and towards the outbox; a reader shows them so and writes nothing.
"""

from __future__ import annotations

import platform
import shutil
import time
import uuid
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Select, and_, exists, func, insert, or_, select

from moduline.burn.books import outbox
from moduline.burn.books.database import Database
from moduline.burn.books.filters import KeptRecord, RecordFilter, RecordPage, Remark
from moduline.burn.books.rows import clean, from_row, to_row
from moduline.burn.books.schema import event, try_record
from moduline.burn.books.schema import remark as remark_table
from moduline.burn.record import BurnRecord
from moduline.errors import StorageFailed, Text
from moduline.port import registry

RESERVE_BYTES: Final = 8 << 20
"""A try is not begun with less room than this, so that it can also be ended."""
FOREIGN_LIMIT_S: Final = 12 * 3600.0
"""A try of another computer that has not ended is shown as running for so long."""
INTERRUPTED: Final = "interrupted: the program ended before the try did"
_ASKED_AT_ONCE: Final = 500
"""Remarks of more tries than this are looked up by reading all of them."""


class RecordStore:
    """Tries and what is known of them, kept for good.

    Args:
        database: where; its tables are made at the first write.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self._has_settled = False

    def write(self, record: BurnRecord) -> None:
        """Keep the record's present state; durable when it returns.

        Raises:
            StorageFailed: it cannot be kept; nothing of it is there then.
        """
        if record.outcome == "RUNNING":
            self._require_room()
        if not self._has_settled:
            self.settle_interrupted()
        row = to_row(record) | {
            "uid": uuid.uuid4().hex,
            "written": time.time(),
            "host": _host(),
            "process_mark": registry.process_mark(record.process),
        }
        self.database.write(lambda connection: _insert(connection, row))

    def settle_interrupted(self) -> int:
        """End the tries of dead processes of this computer as ABORTED; gives their number.

        Raises:
            StorageFailed: that cannot be kept.
        """
        dead = self.database.read(_open_tries, [])
        ends = [_interrupted(row) | {"uid": f"end-{row['uid']}"} for row in dead if not _is_alive(row)]
        for row in ends:
            self.database.write(partial(_insert, row=row, only_once=True))
        self._has_settled = True
        return len(ends)

    def add_remark(self, try_id: str, remark: Remark) -> None:
        """Note what was done about a try afterwards.

        Raises:
            StorageFailed: it cannot be kept.
        """
        row = {"try_id": clean(try_id), "kind": remark.kind, "at": remark.at, "is_ok": remark.is_ok}
        row["detail"] = clean(remark.detail)
        self.database.write(lambda connection: connection.execute(insert(remark_table), row))

    def select(self, wanted: RecordFilter | None = None) -> list[KeptRecord]:
        """The tries that are wanted; interrupted ones as ABORTED.

        Raises:
            StorageFailed: they cannot be read.
        """
        return list(self.page(wanted or RecordFilter()).records)

    def page(self, wanted: RecordFilter) -> RecordPage:
        """As many of the tries that are wanted as ``limit`` says, and where the next ones begin; by ``seq``.

        Raises:
            StorageFailed: they cannot be read.
        """
        rows, remarks = self.database.read(lambda connection: _select(connection, wanted), ([], {}))
        now, host = time.time(), _host()
        found = (KeptRecord(row["seq"], _judged(row, now, host), remarks.get(row["try_id"], ())) for row in rows)
        records = tuple(one for one in found if wanted.outcome in {None, one.record.outcome})
        is_full = wanted.limit and len(rows) == wanted.limit
        return RecordPage(records, rows[-1]["seq"] if is_full else None)

    def orders(self) -> list[str]:
        """The production orders there are, in the order of their beginning; "" stands for tries without one.

        Raises:
            StorageFailed: they cannot be read.
        """
        column = event.c.order_id
        query = select(column).group_by(column).order_by(func.min(event.c.seq))
        return list(self.database.read(lambda connection: connection.execute(query).scalars().all(), []))

    def _require_room(self) -> None:
        """Refuse to begin what could not be ended.

        Raises:
            StorageFailed: the disk is all but full.
        """
        if not self.database.is_file:
            return
        folder = Path(self.database.name).absolute().parent
        while not folder.exists():
            folder = folder.parent
        free = shutil.disk_usage(folder).free
        if free < RESERVE_BYTES:
            reason = Text("no space left on the disk ({free} bytes free)", "磁盘空间不足（剩余 {free} 字节）")
            raise StorageFailed(path=self.database.name, reason=reason, free=free)


def _host() -> str:
    return clean(platform.node())


def _insert(connection: Connection, row: Mapping[str, Any], *, only_once: bool = False) -> None:
    """Add an event and what follows from it; nothing when the same event, or with ``only_once`` any end, is there."""
    mine = event.c.try_id == row["try_id"]
    if connection.execute(select(event.c.seq).where(event.c.uid == row["uid"])).first() is not None:
        return
    if only_once and connection.execute(select(event.c.seq).where(mine, event.c.kind == "ended")).first() is not None:
        return
    began = connection.execute(select(func.min(event.c.seq)).where(mine)).scalar_one()
    kind = "ended" if row["outcome"] != "RUNNING" else "begun" if began is None else "noted"
    values = dict(row) | {"kind": kind, "began": began}
    seq = connection.execute(insert(event).returning(event.c.seq), values).scalar_one()
    if kind == "ended":
        outbox.enqueue(connection, seq)


def _open_tries(connection: Connection) -> Sequence[Mapping[str, Any]]:
    """The last event of each try of this computer that began and has not ended."""
    end, later = event.alias(), event.alias()
    has_end = exists().where(end.c.try_id == event.c.try_id, end.c.kind == "ended")
    is_last = ~exists().where(later.c.try_id == event.c.try_id, later.c.seq > event.c.seq)
    query = select(event).where(event.c.kind != "ended", event.c.host == _host(), ~has_end, is_last)
    return [dict(row) for row in connection.execute(query).mappings()]


def _is_alive(row: Mapping[str, Any]) -> bool:
    process, mark = row["process"], row["process_mark"]
    return registry.is_running(process) and registry.process_mark(process) == mark


def _interrupted(row: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a try whose process is gone; it ended with its last sign of life."""
    rest = {name: value for name, value in row.items() if name not in {"seq", "kind", "began"}}
    return rest | {
        "outcome": "ABORTED",
        "error_message": INTERRUPTED,
        "ended": row["written"],
        "seconds": max(round(row["written"] - row["started"], 3), 0.0),
    }


def _judged(row: Mapping[str, Any], now_s: float, host: str) -> BurnRecord:
    """The record; one that will never end, as ABORTED."""
    if row["kind"] == "ended":
        return from_row(row)
    runs = _is_alive(row) if row["host"] == host else now_s - row["written"] < FOREIGN_LIMIT_S
    return from_row(row) if runs else from_row(_interrupted(row))


def _select(connection: Connection, wanted: RecordFilter) -> tuple[list[dict[str, Any]], dict[str, tuple[Remark, ...]]]:
    names = try_record.c.keys()
    rows = [dict(zip(names, row, strict=True)) for row in connection.execute(_query(wanted))]
    query = select(remark_table).order_by(remark_table.c.seq)
    if len(rows) <= _ASKED_AT_ONCE:
        query = query.where(remark_table.c.try_id.in_([row["try_id"] for row in rows]))
    remarks: dict[str, tuple[Remark, ...]] = {}
    for row in connection.execute(query).mappings():
        one = Remark(row["kind"], row["at"], row["is_ok"], row["detail"])
        remarks[row["try_id"]] = (*remarks.get(row["try_id"], ()), one)
    return rows, remarks


def _query(wanted: RecordFilter) -> Select[Any]:
    columns = try_record.c
    asked = {
        columns.order_id: wanted.order,
        columns.station: wanted.station,
        columns.slot: wanted.slot,
        columns.place: wanted.place,
        columns.operator: wanted.operator,
        columns.imei: wanted.imei,
        columns.unit: wanted.unit,
    }
    rules = [column == clean(value) for column, value in asked.items() if value is not None]
    if wanted.id is not None:
        rules.append(columns.try_id.startswith(clean(wanted.id), autoescape=True))
    if wanted.outcome in {"RUNNING", "ABORTED"}:  # which of the two an open try is, only its process can tell
        rules.append(columns.outcome.in_([wanted.outcome, "RUNNING"]))
    elif wanted.outcome is not None:
        rules.append(columns.outcome == wanted.outcome)
    if wanted.since_s is not None:
        rules.append(columns.started >= wanted.since_s)
    if wanted.until_s is not None:
        rules.append(columns.started < wanted.until_s)
    if wanted.before:
        rules.append(columns.seq < wanted.before)
    if wanted.like:
        part = clean(wanted.like)
        rules.append(
            or_(
                columns.imei.endswith(part, autoescape=True),
                columns.unit.contains(part, autoescape=True),
                columns.try_id.startswith(part, autoescape=True),
            )
        )
    if wanted.after:
        rules.append(columns.seq > wanted.after)
    column = columns.seq if wanted.by == "seq" else columns.began
    query = select(try_record).where(and_(True, *rules)).order_by(column.desc() if wanted.is_newest_first else column)
    return query.limit(wanted.limit) if wanted.limit else query
