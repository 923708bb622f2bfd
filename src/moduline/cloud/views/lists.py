"""Long lists read block by block, each block for itself: nothing is held whole, and no slow reader holds a connection.

A list that is read while it changes shows each row as it was when its block was read; none comes twice, and none that
was there all the time is left out, for the order is that of numbers that never change.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Connection, or_, select

from moduline.cloud import tables
from moduline.cloud.devices import service as devices
from moduline.cloud.devices.device import Device, DeviceFilter
from moduline.cloud.edge import Actor, Page
from moduline.cloud.plans import scope
from moduline.cloud.plans import service as plans
from moduline.cloud.plans.filters import parse_filter

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
    known = parse_filter(text) if text else None

    def holds(device: Device) -> bool:
        return known is None or known.holds(scope.ruled(device).names)

    return devices.page(conn, wanted, actor=actor, after=after, limit=limit, holds=holds if known else None)


def count(conn: Connection, wanted: DeviceFilter, text: str, *, actor: Actor) -> int:
    """How many devices there are of those.

    Raises:
        BadField: the filter is none.
    """
    if not text:
        return devices.count(conn, wanted, actor=actor)
    known = parse_filter(text)
    return sum(known.holds(scope.ruled(one).names) for one in devices.scan(conn, wanted, actor=actor))


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
