"""What a plan has come to, counted: why its devices wait or failed, how its components stand, how it went over time.

Source: ota-semantics, sections 7 and 8; seed 003 step 4 (monitoring).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, Connection, Integer, cast, func, select, text

from moduline.cloud import tables
from moduline.cloud.edge import Actor
from moduline.cloud.plans import service as plans
from moduline.cloud.plans.rules import DeviceStatus
from moduline.cloud.reasons import Reason
from moduline.cloud.upgrades.states import ComponentStatus

MOST_STEPS: Final = 120
"""Points of a course at most."""
STEPS_S: Final = (10, 60, 300, 600, 1800, 3600, 4 * 3600, 86400, 7 * 86400)
"""What lies between two points, seconds: the least that fits."""
_ENDS: Final = ("upgrade.finished", "upgrade.failed")
_U: Final = tables.upgrades.c
_O: Final = tables.outbox.c
_COMPONENTS: Final = {
    "sqlite": """
SELECT json_extract(one.value, '$.component') AS component, json_extract(one.value, '$.status') AS status,
count(*) AS count FROM upgrades, json_each(upgrades.state, '$.components') AS one
WHERE upgrades.plan_id = :plan GROUP BY 1, 2""",
    "postgresql": """
SELECT one ->> 'component' AS component, one ->> 'status' AS status, count(*) AS count
FROM upgrades, jsonb_array_elements(CAST(upgrades.state AS jsonb) -> 'components') AS one
WHERE upgrades.plan_id = :plan GROUP BY 1, 2""",
}


@dataclass(frozen=True, slots=True)
class Why:
    """One reason, and how many devices have it.

    Args:
        status: of these devices.
        reason: None: nobody has had reason to look at them yet.
        count: devices.
    """

    status: DeviceStatus
    reason: Reason | None
    count: int


@dataclass(frozen=True, slots=True)
class ComponentCount:
    """How many devices are how far with a component.

    Args:
        component: identifier.
        status: of the component.
        count: devices that were offered it.
    """

    component: str
    status: ComponentStatus
    count: int


@dataclass(frozen=True, slots=True)
class Point:
    """What happened in one step of a course.

    Args:
        at: where the step begins, UTC seconds.
        finished: upgrades that succeeded.
        failed: upgrades that failed; one that is tried again and fails again counts twice.
    """

    at: float
    finished: int
    failed: int


@dataclass(frozen=True, slots=True)
class Course:
    """How a plan, or a whole fleet, went over time.

    Args:
        since: begin of the first step, UTC seconds.
        step_s: length of a step.
        points: steps in which something happened, in order.
    """

    since: float
    step_s: int
    points: tuple[Point, ...]


def reasons(conn: Connection, plan_id: int, *, actor: Actor) -> tuple[Why, ...]:
    """Why devices of a plan wait, and why they failed; the most frequent first.

    Raises:
        NoSuchObject: there is no such plan.
    """
    plans.by_id(conn, plan_id, actor=actor)
    told = (DeviceStatus.NOT_UPGRADED, DeviceStatus.FAILED)
    query = select(_U.status, _U.reason, func.count()).where(
        _U.plan_id == plan_id, _U.status.in_(tuple(map(int, told))), _U.phase != "open"
    )
    rows = conn.execute(query.group_by(_U.status, _U.reason))
    found = [Why(DeviceStatus(status), None if code is None else Reason(code), count) for status, code, count in rows]
    return tuple(sorted(found, key=lambda one: (one.status, -one.count, one.reason or 0)))


def components(conn: Connection, plan_id: int, *, actor: Actor) -> tuple[ComponentCount, ...]:
    """How far devices are with each component of a plan, in the order of the plan.

    Raises:
        NoSuchObject: there is no such plan.
    """
    order = [one.component for one in plans.by_id(conn, plan_id, actor=actor).plan.ordered]
    steps = list(ComponentStatus)
    found: list[ComponentCount] = []
    for row in conn.execute(text(_COMPONENTS[conn.dialect.name]), {"plan": plan_id}):
        component, status, count = row
        found.append(ComponentCount(component, ComponentStatus(status or ComponentStatus.NOT_RECEIVED), int(count)))
    known = [one for one in found if one.component in order]
    return tuple(sorted(known, key=lambda one: (order.index(one.component), steps.index(one.status))))


def course(conn: Connection, plan_id: int, *, actor: Actor, at: float) -> Course:
    """How a plan went, from its activation until it was over, or until now; as far back as events are kept.

    Args:
        conn: of a transaction.
        plan_id: of the actor's main account.
        actor: who asks.
        at: now, UTC seconds.

    Raises:
        NoSuchObject: there is no such plan.
    """
    plan = plans.by_id(conn, plan_id, actor=actor)
    if plan.activated_at is None:
        return Course(at, STEPS_S[0], ())
    until = at
    if plan.ended_at is not None:  # what had begun before the end goes on behind it
        last = select(func.max(_O.at)).where(_O.main_id == actor.main_id, _O.kind.in_(_ENDS), _is_of(plan_id))
        until = max(plan.ended_at, conn.execute(last).scalar() or 0.0)
    return ends(conn, plan.activated_at, until, actor=actor, plan_id=plan_id)


def ends(conn: Connection, since: float, until: float, *, actor: Actor, plan_id: int | None = None) -> Course:
    """How upgrades of a main account ended between two moments.

    Args:
        conn: of a transaction.
        since: UTC seconds.
        until: likewise.
        actor: who asks.
        plan_id: only of this plan; None: of all.
    """
    step_s = next((one for one in STEPS_S if (until - since) / one < MOST_STEPS), STEPS_S[-1])
    begin = since // step_s * step_s
    steps = (_O.at - begin) / step_s
    place = cast(steps if conn.dialect.name == "sqlite" else func.floor(steps), Integer)
    query = select(place.label("place"), _O.kind, func.count()).where(
        _O.main_id == actor.main_id, _O.at >= since, _O.at <= until, _O.kind.in_(_ENDS)
    )
    if plan_id is not None:
        query = query.where(_is_of(plan_id))
    counts: dict[int, dict[str, int]] = {}
    for at, kind, count in conn.execute(query.group_by(place, _O.kind)):
        counts.setdefault(int(at), {})[kind] = int(count)
    points = [Point(begin + step_s * at, *(counts[at].get(kind, 0) for kind in _ENDS)) for at in sorted(counts)]
    return Course(begin, step_s, tuple(points))


def _is_of(plan_id: int) -> ColumnElement[bool]:
    found: ColumnElement[bool] = _O.payload["plan_id"].as_integer() == plan_id
    return found
