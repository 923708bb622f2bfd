"""How many devices of a plan have which status, by group: kept with every change, never recomputed.

Each node counts in a slot of its own, so that two nodes never wait for one row; what counts is the sum over the slots.
A single slot may be negative. At every commit the sums equal the numbers of rows (invariant 10).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, bindparam, func, select
from sqlalchemy.dialects import postgresql, sqlite

from moduline.cloud import tables
from moduline.cloud.hot import Hot
from moduline.cloud.plans.groups import Count
from moduline.cloud.plans.rules import DeviceStatus

_C: Final = tables.plan_counters.c


def _add(made: Any) -> Hot:
    made = made.values({column.name: bindparam(column.name) for column in tables.plan_counters.c})
    key = ["plan_id", "group_number", "status", "slot"]
    return Hot(made.on_conflict_do_update(index_elements=key, set_={"count": _C.count + made.excluded.count}))


_ADD: Final = {
    "sqlite": _add(sqlite.insert(tables.plan_counters)),
    "postgresql": _add(postgresql.insert(tables.plan_counters)),
}


def add(conn: Connection, plan_id: int, counts: Mapping[tuple[int, int], int], *, is_whole: bool = False) -> None:
    """Add to counters: (group, status) -> how many more; negative numbers take away.

    Args:
        is_whole: also those that come to nothing, so that there are the same rows as after one change at a time.
    """
    slot = conn.get_execution_options().get("moduline_slot", 0)
    made = [
        {"plan_id": plan_id, "group_number": group, "status": status, "slot": slot, "count": count}
        for (group, status), count in sorted(counts.items())
        if count or is_whole
    ]
    _ADD[conn.dialect.name].many(conn, made)


def move(conn: Connection, plan_id: int, group: int, before: int, after: int) -> None:
    """One device of a group has another status."""
    if before != after:
        add(conn, plan_id, {(group, before): -1, (group, after): 1})


def counts(conn: Connection, plan_id: int, groups: int) -> tuple[Count, ...]:
    """What the groups of a plan have come to, group 0 first.

    Args:
        groups: how many there are at least.
    """
    query = select(_C.group_number, _C.status, func.sum(_C.count)).where(_C.plan_id == plan_id)
    found: dict[int, dict[int, int]] = {}
    for group, status, count in conn.execute(query.group_by(_C.group_number, _C.status)):
        found.setdefault(group, {})[status] = int(count)
    size = max([groups, *(group + 1 for group in found)])
    return tuple(_count(found.get(group, {})) for group in range(size))


def totals(conn: Connection, plan_ids: Sequence[int]) -> dict[int, Count]:
    """What each of some plans has come to, all groups together."""
    query = select(_C.plan_id, _C.status, func.sum(_C.count)).where(_C.plan_id.in_(plan_ids))
    found: dict[int, dict[int, int]] = {number: {} for number in plan_ids}
    for plan_id, status, count in conn.execute(query.group_by(_C.plan_id, _C.status)):
        found[plan_id][status] = int(count)
    return {number: _count(one) for number, one in found.items()}


def _count(found: Mapping[int, int]) -> Count:
    return Count(*(found.get(int(status), 0) for status in DeviceStatus))
