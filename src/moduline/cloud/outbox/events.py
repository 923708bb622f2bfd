"""Events: written in the transaction of the change, put in order afterwards, read by their place in that order.

::

    verb ── note ──▶ row without a place        in the same transaction: kept with the change or not at all
    worker ── order ──▶ places 1, 2, 3 ...      one at a time, of what is committed
    webhooks, streams ── page(after) ──▶ rows   a place never appears behind one that was read

Several nodes commit at once, so the number that a row gets while it is written says nothing about when it can be seen:
a reader that remembers the last number would miss what was committed late. So places are given to committed rows only,
by one transaction at a time (a row of ``settings`` is its lock).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from moduline.cloud import tables
from moduline.cloud.hot import Hot, as_json

KINDS: Final = (
    "plan.activated",
    "plan.started",
    "plan.suspended",
    "plan.resumed",
    "plan.group-opened",
    "plan.ended",
    "plan.terminated",
    "upgrade.finished",
    "upgrade.failed",
    "device.created",
    "device.deleted",
    "verification.passed",
    "verification.failed",
    "artifact.created",
    "job.done",
    "job.failed",
    "webhook.dead",
)
"""Everything that is told."""
ORDERED_AT_ONCE: Final = 1000
"""Places that one transaction gives."""
PAGE: Final = 100
_COUNTER: Final = "outbox.last"
_O: Final = tables.outbox.c
_NOTE: Final = Hot(
    insert(tables.outbox).values(
        main_id=bindparam("main"), at=bindparam("now"), kind=bindparam("what"), payload=bindparam("said")
    )
)
_PLACE: Final = update(tables.outbox).where(_O.id == bindparam("row")).values(seq=bindparam("place"))


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened.

    Args:
        seq: its place; grows by order of commit.
        main_id: main account that it concerns.
        at: when, UTC seconds.
        kind: one of ``KINDS``.
        payload: what is known of it.
    """

    seq: int
    main_id: int
    at: float
    kind: str
    payload: Mapping[str, Any]

    def shown(self) -> dict[str, Any]:
        """As other programs get it."""
        return {"id": self.seq, "at": self.at, "event": self.kind, "data": dict(self.payload)}


def note(conn: Connection, main_id: int, kind: str, payload: Mapping[str, Any], *, now: float) -> None:
    """Write an event, with the change that it tells of."""
    _NOTE.run(conn, {"main": main_id, "now": now, "what": kind, "said": as_json(payload)})


def note_each(conn: Connection, events: Sequence[tuple[int, str, Mapping[str, Any], float]]) -> None:
    """Write many events of any kind: main account, kind, payload, time of each."""
    _NOTE.many(
        conn,
        [{"main": main_id, "now": at, "what": kind, "said": as_json(payload)} for main_id, kind, payload, at in events],
    )


def note_many(conn: Connection, main_id: int, kind: str, payloads: Sequence[Mapping[str, Any]], *, now: float) -> None:
    """Write many events of one kind."""
    if payloads:
        rows = [{"main_id": main_id, "at": now, "kind": kind, "payload": dict(one)} for one in payloads]
        conn.execute(insert(tables.outbox), rows)


def order(conn: Connection, limit: int = ORDERED_AT_ONCE) -> int:
    """Give committed events their places, oldest first; how many got one."""
    if not _are_new(conn):
        return 0
    one = tables.settings.c
    mine = one.name == _COUNTER
    locked = update(tables.settings).where(mine).values(value=one.value)  # others wait here
    if not conn.execute(locked).rowcount:
        conn.execute(insert(tables.settings), {"name": _COUNTER, "value": {"seq": 0}})
    last = int(conn.execute(select(one.value).where(mine)).scalar_one()["seq"])
    new = conn.execute(select(_O.id).where(_O.seq.is_(None)).order_by(_O.id).limit(limit)).scalars().all()
    if new:
        conn.execute(_PLACE, [{"row": row, "place": last + at} for at, row in enumerate(new, 1)])
        conn.execute(update(tables.settings).where(mine).values(value={"seq": last + len(new)}))
    return len(new)


def has_new(conn: Connection) -> bool:
    """Whether events wait for their places."""
    return _are_new(conn)


def page(
    conn: Connection, main_id: int, *, after: int = 0, kinds: Sequence[str] = (), limit: int = PAGE
) -> tuple[Event, ...]:
    """The events of a main account behind a place, in order.

    Args:
        after: place of the last one that was read.
        kinds: only these; empty: all.
        limit: how many at most.
    """
    query = select(_O.seq, _O.main_id, _O.at, _O.kind, _O.payload).where(_O.main_id == main_id, _O.seq > after)
    if kinds:
        query = query.where(_O.kind.in_(kinds))
    return tuple(Event(*row) for row in conn.execute(query.order_by(_O.seq).limit(limit)))


def last_place(conn: Connection) -> int:
    """The last place that was given; 0: none yet."""
    one = tables.settings.c
    found = conn.execute(select(one.value).where(one.name == _COUNTER)).scalar()
    return int(found["seq"]) if found else 0


def first_place(conn: Connection) -> int:
    """The oldest place that is still kept; behind the last one when nothing is."""
    found = conn.execute(select(func.min(_O.seq))).scalar()
    return last_place(conn) + 1 if found is None else int(found)


def forget(conn: Connection, before: float, limit: int = ORDERED_AT_ONCE) -> int:
    """Forget some of the events that are older; how many."""
    old = select(_O.id).where(_O.at < before, _O.seq.is_not(None)).order_by(_O.id).limit(limit)
    return conn.execute(delete(tables.outbox).where(_O.id.in_(old))).rowcount


def _are_new(conn: Connection) -> bool:
    return conn.execute(select(_O.id).where(_O.seq.is_(None)).limit(1)).first() is not None
