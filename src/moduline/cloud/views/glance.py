"""A fleet at a glance: who is there, how plans stand, how upgrades of the last day ended, and what needs somebody.

::

    approval        a draft that more people must approve
    proof           a draft whose artifacts lack a verification or a rehearsal that it needs
    stopped         a plan that its failure threshold has suspended
    users           a plan whose devices wait for their users
    verification    an artifact whose newest verification failed
    job             a patch or a rehearsal that failed within the last day
    webhook         a webhook that was given up
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, func, select

from moduline.cloud import tables
from moduline.cloud.devices import service as devices
from moduline.cloud.devices.device import DeviceFilter
from moduline.cloud.edge import Actor
from moduline.cloud.plans import readiness, stored
from moduline.cloud.plans.states import PlanState
from moduline.cloud.reasons import Reason
from moduline.cloud.upgrades import people, tally
from moduline.cloud.upgrades.tally import Course

DAY_S: Final = 86400.0
MOST: Final = 50
"""Matters of one kind that are named; there is a list for all of them."""
_P: Final = tables.plans.c
_PROOFS: Final = (int(Reason.NOT_VERIFIED), int(Reason.NOT_REHEARSED))


@dataclass(frozen=True, slots=True)
class Matter:
    """Something that needs somebody.

    Args:
        what: of the list above.
        kind: ``plan``, ``artifact``, ``job`` or ``webhook``.
        id: its number.
        name: what people call it.
        reason: in both languages; None: nothing more is known.
        count: devices or persons that it is about; 0: it has no number.
    """

    what: str
    kind: str
    id: int
    name: str
    reason: Mapping[str, str] | None = None
    count: int = 0


@dataclass(frozen=True, slots=True)
class Overview:
    """A fleet at a glance.

    Args:
        at: when, UTC seconds.
        devices: how many there are.
        online: of these connected now.
        plans: number by state; every state has one.
        course: how upgrades of the last day ended.
        matters: what needs somebody, the most urgent kind first.
    """

    at: float
    devices: int
    online: int
    plans: Mapping[str, int]
    course: Course
    matters: tuple[Matter, ...]


def overview(conn: Connection, *, actor: Actor, at: float) -> Overview:
    """The fleet of a main account at a glance.

    Args:
        conn: of a transaction.
        actor: who asks.
        at: now, UTC seconds.
    """
    mine = (_P.account_id == actor.main_id) & (_P.kind == stored.PLAN)
    counted = conn.execute(select(_P.state, func.count()).where(mine).group_by(_P.state))
    known = {str(state): int(count) for state, count in counted}
    return Overview(
        at,
        devices.count(conn, actor=actor),
        devices.count(conn, DeviceFilter(is_online=True), actor=actor),
        {str(state): known.get(state, 0) for state in PlanState},
        tally.ends(conn, at - DAY_S, at, actor=actor),
        (
            *_stopped(conn, mine),
            *_drafts(conn, mine, at),
            *_users(conn, mine, actor),
            *_verifications(conn, actor),
            *_jobs(conn, actor, at),
            *_webhooks(conn, actor),
        ),
    )


def _stopped(conn: Connection, mine: Any) -> Iterator[Matter]:
    query = select(_P.id, _P.name, _P.reason).where(mine, _P.state == str(PlanState.SUSPENDED), _P.reason.is_not(None))
    for row in conn.execute(query.order_by(_P.id.desc()).limit(MOST)):
        if row.reason:
            yield Matter("stopped", "plan", row.id, row.name, row.reason)


def _drafts(conn: Connection, mine: Any, at: float) -> Iterator[Matter]:
    query = select(tables.plans).where(mine, _P.state == str(PlanState.DRAFT)).order_by(_P.id.desc()).limit(MOST)
    for row in conn.execute(query).all():
        plan = stored.of_row(conn, row)
        found = readiness.problems(conn, plan, now=at)
        for one in found:
            if one.facts.get("reason_code") == Reason.NOT_APPROVED:
                yield Matter("approval", "plan", plan.id, plan.plan.name, _both(one), int(one.facts["missing"]))
        proofs = [one for one in found if one.facts.get("reason_code") in _PROOFS]
        if proofs:
            yield Matter("proof", "plan", plan.id, plan.plan.name, _both(proofs[0]), len(proofs))


def _users(conn: Connection, mine: Any, actor: Actor) -> Iterator[Matter]:
    query = select(_P.id, _P.name).where(mine, _P.state == str(PlanState.RUNNING), _P.is_silent.is_(False))
    for row in conn.execute(query.order_by(_P.id.desc()).limit(MOST)).all():
        count = people.waiting_for_users(conn, row.id, actor=actor)
        if count:
            yield Matter("users", "plan", row.id, row.name, None, count)


def _verifications(conn: Connection, actor: Actor) -> Iterator[Matter]:
    one, run = tables.artifacts.c, tables.verifications.c
    mine = (one.account_id == actor.main_id) & (one.state == "failed")
    for row in conn.execute(select(one.id, one.name).where(mine).order_by(one.id.desc()).limit(MOST)).all():
        last = select(run.reason).where(run.artifact_id == row.id).order_by(run.id.desc()).limit(1)
        code = conn.execute(last).scalar()
        reason = None if code is None else {"en": Reason(code).text.en, "zh": Reason(code).text.zh}
        yield Matter("verification", "artifact", row.id, row.name, reason)


def _jobs(conn: Connection, actor: Actor, at: float) -> Iterator[Matter]:
    one = tables.jobs.c
    mine = (one.account_id == actor.main_id) & (one.state == "failed") & (one.ended_at >= at - DAY_S)
    query = select(one.id, one.kind, one.reason).where(mine).order_by(one.id.desc()).limit(MOST)
    for row in conn.execute(query):
        reason = {name: str(row.reason[name]) for name in ("en", "zh") if name in row.reason} if row.reason else None
        yield Matter("job", "job", row.id, row.kind, reason or None)


def _webhooks(conn: Connection, actor: Actor) -> Iterator[Matter]:
    one = tables.webhooks.c
    mine = (one.account_id == actor.main_id) & one.dead_at.is_not(None) & one.is_enabled
    for row in conn.execute(select(one.id, one.name, one.said).where(mine).order_by(one.id.desc()).limit(MOST)):
        yield Matter("webhook", "webhook", row.id, row.name, {"en": row.said, "zh": row.said} if row.said else None)


def _both(problem: Any) -> dict[str, str]:
    return {"en": problem.say("en"), "zh": problem.say("zh")}
