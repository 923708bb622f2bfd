"""Long lists read block by block, each block for itself: nothing is held whole, and no slow reader holds a connection.

A list that is read while it changes shows each row as it was when its block was read; none comes twice, and none that
was there all the time is left out, for the order is that of numbers that never change.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import Connection, or_, select

from moduline.cloud import tables
from moduline.cloud.devices import service as devices
from moduline.cloud.devices.device import Device, DeviceFilter
from moduline.cloud.edge import Actor, Page
from moduline.cloud.plans import scope
from moduline.cloud.plans import service as plans
from moduline.cloud.plans.filters import Filter, parse_filter
from moduline.cloud.views.deciding import Decided, decide

BLOCK: Final = 500
"""Rows of a block."""
_UPGRADES: Final = 200
_U: Final = tables.upgrades.c
_L: Final = tables.upgrade_log.c
_LINE: Final = (
    _L.id, _L.upgrade_id, _L.at, _L.device_at, _L.source, _L.component, _L.status, _L.text, _L.code, _L.message,
)  # fmt: skip


def matching(
    conn: Connection,
    wanted: DeviceFilter,
    text: str,
    *,
    actor: Actor,
    after: int = 0,
    limit: int | None = None,
) -> Page[Device]:
    """Devices by columns and by a filter as plans have it.

    Args:
        wanted: which.
        text: the filter; "": none.
        after: key of the page before.
        limit: rows of the page.

    Raises:
        BadField: the filter is none, or the limit is out of range.
    """
    known, decided = _decided(conn, text)
    return devices.page(
        conn, wanted, actor=actor, after=after, limit=limit, holds=_rules(known, decided), also=_condition(decided)
    )


def count(conn: Connection, wanted: DeviceFilter, text: str, *, actor: Actor) -> int:
    """How many devices there are of those.

    Raises:
        BadField: the filter is none.
    """
    known, decided = _decided(conn, text)
    return _count(conn, wanted, known, decided, actor)


def counted(
    conn: Connection, wanted: DeviceFilter, text: str, *, actor: Actor, after: int = 0, limit: int | None = None
) -> tuple[Page[Device], int]:
    """Both at once, for a screen: the filter is looked at once.

    Raises:
        BadField: the filter is none, or the limit is out of range.
    """
    known, decided = _decided(conn, text)
    holds, also = _rules(known, decided), _condition(decided)
    page = devices.page(conn, wanted, actor=actor, after=after, limit=limit, holds=holds, also=also)
    if after == 0 and page.next_after is None:
        return page, len(page.items)
    return page, _count(conn, wanted, known, decided, actor)


def _decided(conn: Connection, text: str) -> tuple[Filter | None, Decided | None]:
    if not text:
        return None, None
    known = parse_filter(text)
    return known, decide(conn, known)


def _condition(decided: Decided | None) -> Any:
    return None if decided is None else decided.condition


def _rules(known: Filter | None, decided: Decided | None) -> Callable[[Device], bool] | None:
    """What is still to be asked of each device that the database gives; None: nothing."""
    if known is None or decided is None or decided.is_whole:
        return None
    return lambda device: known.holds(scope.ruled(device).names)


def _count(conn: Connection, wanted: DeviceFilter, known: Filter | None, decided: Decided | None, actor: Actor) -> int:
    holds, also = _rules(known, decided), _condition(decided)
    if holds is None:
        return devices.count(conn, wanted, actor=actor, also=also)
    return sum(holds(one) for one in devices.scan(conn, wanted, actor=actor, also=also))


def plan_log(
    conn: Connection, plan_id: int, after: tuple[int, int], *, actor: Actor, limit: int = BLOCK
) -> tuple[list[dict[str, Any]], tuple[int, int] | None]:
    """Some lines of the log of a plan, device by device; where to go on, None: that was all.

    Args:
        plan_id: of the actor's main account.
        after: numbers of the upgrade and of the line that were last; (0, 0) at first.
        limit: lines at most.

    Raises:
        NoSuchObject: there is no such plan.
    """
    plans.by_id(conn, plan_id, actor=actor)
    upgrade, line = after
    some = (
        select(_U.id, tables.devices.c.dk)
        .join_from(tables.upgrades, tables.devices)
        .where(_U.plan_id == plan_id, _U.id >= upgrade)
        .order_by(_U.id)
        .limit(_UPGRADES)
    )
    keys = {row.id: row.dk for row in conn.execute(some)}
    if not keys:
        return [], None
    query = select(*_LINE).where(_L.upgrade_id.in_(keys), or_(_L.upgrade_id > upgrade, _L.id > line))
    rows = conn.execute(query.order_by(_L.upgrade_id, _L.id).limit(limit)).all()
    found = [{"dk": keys[row.upgrade_id], **row._mapping} for row in rows]
    if len(rows) == limit:
        return found, (rows[-1].upgrade_id, rows[-1].id)
    return found, (max(keys) + 1, 0) if len(keys) == _UPGRADES else None
