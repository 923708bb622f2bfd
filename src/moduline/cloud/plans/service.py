"""Verbs of plans that people use: write, edit, approve, activate, suspend, resume, terminate, delete.

Activation is one INSERT ... SELECT: one row of ``upgrades`` per device in scope. Where a plan has groups or a filter,
the rules decide for each device first, and their answer goes along as one JSON value. What the platform does to plans
by itself - begin, end, stop, take in late devices - is in ``course``.

Source: ota-semantics, sections 2 to 5, 7 and 10.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Connection, exists, insert, select, update
from sqlalchemy import delete as remove

from moduline.cloud import audit, tables
from moduline.cloud.edge import Actor, Page, acts, page_limit, page_of
from moduline.cloud.outbox import events as outbox
from moduline.cloud.plans import counters, course, readiness, scope, stored
from moduline.cloud.plans.approval import approval_problem
from moduline.cloud.plans.plan import Plan, check_plan
from moduline.cloud.plans.states import PlanState, PlanVerb, move
from moduline.cloud.plans.stored import StoredPlan
from moduline.cloud.problem import Problem, refuse_first
from moduline.cloud.reasons import Reason
from moduline.errors import BadField, NameTaken, NoSuchObject, StateForbids, Text

KIND: Final = Text("plan", "升级计划")
PRODUCT: Final = Text("product", "产品")
ARTIFACT: Final = Text("artifact", "版本包")
_P: Final = tables.plans.c
_TOLD: Final = {
    PlanVerb.SUSPEND: "plan.suspended",
    PlanVerb.RESUME: "plan.resumed",
    PlanVerb.TERMINATE: "plan.terminated",
}


@acts("plan.create")
def create(conn: Connection, plan: Plan, *, actor: Actor, now: float) -> StoredPlan:
    """Write a draft.

    Raises:
        BadField, NameTaken, NoSuchObject: it cannot be so.
    """
    number = draft(conn, plan, stored.PLAN, author=actor, now=now)
    audit.note(conn, "plan.create", number, plan.name, actor=actor, now=now, after=stored.shown(plan))
    return by_id(conn, number, actor=actor)


@acts("plan.change")
def change(conn: Connection, plan_id: int, plan: Plan, *, actor: Actor, now: float) -> StoredPlan:
    """Write a draft anew, lists too; approvals that were given are void.

    Raises:
        BadField, NameTaken, NoSuchObject: it cannot be so.
        StateForbids: it was activated.
    """
    old = stored.with_lists(conn, by_id(conn, plan_id, actor=actor, locks=True))
    _move(old, PlanVerb.EDIT)
    if plan.product_id != old.plan.product_id:
        reason = Text("is fixed after the first save", "首次保存后不可更改")
        raise BadField(field="product_id", reason=reason)
    if plan.name != old.plan.name:
        _require_free(conn, plan.name, actor)
    _check(conn, plan, actor)
    more = {"revision": old.revision + 1, "authors": sorted({*old.authors, actor.account_id})}
    conn.execute(update(tables.plans).where(_P.id == plan_id).values(**stored.columns(plan), **more))
    stored.write(conn, plan_id, plan)
    before, after = stored.shown(old.plan), stored.shown(plan)
    audit.note(conn, "plan.change", plan_id, plan.name, actor=actor, now=now, before=before, after=after)
    return by_id(conn, plan_id, actor=actor)


@acts("plan.delete")
def delete(conn: Connection, plan_id: int, *, actor: Actor, now: float) -> None:
    """Remove a draft.

    Raises:
        NoSuchObject: there is none.
        StateForbids: it was activated.
    """
    old = by_id(conn, plan_id, actor=actor, locks=True)
    _move(old, PlanVerb.DELETE)
    conn.execute(remove(tables.plans).where(_P.id == plan_id))
    audit.note(conn, "plan.delete", plan_id, old.plan.name, actor=actor, now=now, before=stored.shown(old.plan))


@acts("plan.approve")
def approve(conn: Connection, plan_id: int, *, actor: Actor, now: float) -> StoredPlan:
    """Agree to a draft as it stands now; who wrote it cannot.

    Raises:
        NoSuchObject: there is none.
        StateForbids: it was activated, or the actor is one of its authors.
    """
    old = by_id(conn, plan_id, actor=actor, locks=True)
    _move(old, PlanVerb.APPROVE)
    _forbid(old, approval_problem(old.authors, old.revision, actor.account_id))
    one = tables.plan_approvals.c
    mine = (one.plan_id == plan_id) & (one.account_id == actor.account_id)
    conn.execute(remove(tables.plan_approvals).where(mine))
    row = {"plan_id": plan_id, "account_id": actor.account_id, "revision": old.revision, "at": now}
    conn.execute(insert(tables.plan_approvals), row)
    after = {"revision": old.revision}
    audit.note(conn, "plan.approve", plan_id, old.plan.name, actor=actor, now=now, after=after)
    return by_id(conn, plan_id, actor=actor)


@acts("plan.activate")
def activate(conn: Connection, plan_id: int, *, actor: Actor, now: float) -> StoredPlan:
    """Start a plan: from now on it is neither edited nor deleted.

    Raises:
        BadField: something stands in its way, such as a missing verification.
        NoSuchObject: there is none.
        StateForbids: it was activated before.
    """
    old = stored.with_lists(conn, by_id(conn, plan_id, actor=actor, locks=True))
    _move(old, PlanVerb.ACTIVATE)
    refuse_first(check_plan(old.plan))
    refuse_first(readiness.problems(conn, old, now=now))
    count = start(conn, old, now=now)
    after = {"state": str(PlanState.SCHEDULED), "devices": count}
    before = {"state": str(old.state)}
    said = {"plan_id": plan_id, "name": old.plan.name, "by": actor.name, "devices": count}
    outbox.note(conn, old.account_id, "plan.activated", said, now=now)
    audit.note(conn, "plan.activate", plan_id, old.plan.name, actor=actor, now=now, before=before, after=after)
    course.settle(conn, plan_id, now=now)
    return by_id(conn, plan_id, actor=actor)


@acts("plan.suspend")
def suspend(conn: Connection, plan_id: int, *, actor: Actor, now: float) -> StoredPlan:
    """Offer the plan to nobody for the time being; devices that have started go on to their end.

    Raises:
        NoSuchObject, StateForbids: it cannot be done.
    """
    return _shift(conn, plan_id, PlanVerb.SUSPEND, actor=actor, now=now)


@acts("plan.resume")
def resume(conn: Connection, plan_id: int, *, actor: Actor, now: float) -> StoredPlan:
    """Go on; failures that have happened do not stop the plan again.

    Raises:
        NoSuchObject, StateForbids: it cannot be done.
    """
    return _shift(conn, plan_id, PlanVerb.RESUME, actor=actor, now=now)


@acts("plan.terminate")
def terminate(conn: Connection, plan_id: int, *, actor: Actor, now: float) -> StoredPlan:
    """End the plan for good; devices that have started go on to their end and are counted.

    Raises:
        NoSuchObject, StateForbids: it cannot be done.
    """
    return _shift(conn, plan_id, PlanVerb.TERMINATE, actor=actor, now=now)


def by_id(conn: Connection, plan_id: int, *, actor: Actor, locks: bool = False) -> StoredPlan:
    """A plan of the actor's main account, without its lists (``stored.with_lists`` adds them).

    Args:
        conn: of the transaction.
        plan_id: which.
        actor: who asks.
        locks: it is about to be changed.

    Raises:
        NoSuchObject: there is none.
    """
    found = stored.load(conn, plan_id, locks=locks)
    if found is None or found.account_id != actor.main_id:
        raise NoSuchObject(kind=KIND, name=str(plan_id))
    return found


def page(
    conn: Connection,
    *,
    actor: Actor,
    state: PlanState | None = None,
    product_id: int | None = None,
    after: int = 0,
    limit: int | None = None,
) -> Page[StoredPlan]:
    """The plans of the actor's main account, oldest first."""
    size = page_limit(limit)
    query = select(tables.plans).where(_P.account_id == actor.main_id, _P.kind == stored.PLAN, _P.id > after)
    for column, value in ((_P.state, state), (_P.product_id, product_id)):
        if value is not None:
            query = query.where(column == value)
    rows = conn.execute(query.order_by(_P.id).limit(size + 1)).all()
    return page_of([stored.of_row(conn, row) for row in rows], size, lambda one: one.id)


def approvals(conn: Connection, plan: StoredPlan) -> list[tuple[str, float]]:
    """Who has agreed to a plan as it is written now, by name, and when (UTC seconds)."""
    one, account = tables.plan_approvals.c, tables.accounts.c
    query = select(account.name, one.at).join_from(tables.plan_approvals, tables.accounts, account.id == one.account_id)
    mine = (one.plan_id == plan.id) & (one.revision == plan.revision)
    return [(row.name, row.at) for row in conn.execute(query.where(mine).order_by(one.at))]


def start(conn: Connection, plan: StoredPlan, *, now: float) -> int:
    """Write the rows of a plan that is being activated; how many devices are in it.

    Args:
        plan: with its lists.
    """
    groups = scope.groups(conn, plan)
    count = conn.execute(scope.rows(conn, plan), scope.values(plan, groups)).rowcount
    if groups is None:
        counters.add(conn, plan.id, {(0, 0): count})
    else:
        sizes: dict[tuple[int, int], int] = {}
        for group in groups.values():
            sizes[group, 0] = sizes.get((group, 0), 0) + 1
        counters.add(conn, plan.id, sizes)
    changed = {"state": str(PlanState.SCHEDULED), "activated_at": now, "open_group": 0}
    conn.execute(update(tables.plans).where(_P.id == plan.id).values(**changed))
    return int(count)


def draft(conn: Connection, plan: Plan, kind: str, *, author: Actor, now: float) -> int:
    """Write the rows of a draft of either kind; its number.

    Raises:
        BadField, NameTaken, NoSuchObject: it cannot be so.
    """
    if kind == stored.PLAN:
        _require_free(conn, plan.name, author)
    _check(conn, plan, author)
    more = {
        "account_id": author.main_id,
        "kind": kind,
        "state": str(PlanState.DRAFT),
        "revision": 1,
        "authors": [author.account_id],
        "open_group": 0,
        "ignored_failures": 0,
        "created_at": now,
    }
    number = conn.execute(insert(tables.plans).returning(_P.id), stored.columns(plan) | more).scalar_one()
    stored.write(conn, number, plan)
    return int(number)


def _shift(conn: Connection, plan_id: int, verb: PlanVerb, *, actor: Actor, now: float) -> StoredPlan:
    old = by_id(conn, plan_id, actor=actor, locks=True)
    target = _move(old, verb)
    values: dict[str, Any] = {"state": str(target), "reason": None}
    if verb is PlanVerb.RESUME:
        values["ignored_failures"] = course.total(conn, old).failed
    if target.is_final:
        values["ended_at"] = now
    conn.execute(update(tables.plans).where(_P.id == plan_id).values(**values))
    if target is PlanState.TERMINATED:
        course.close_rows(conn, plan_id, Reason.TERMINATED, now=now)
    said = {"plan_id": plan_id, "name": old.plan.name, "by": actor.name}
    outbox.note(conn, old.account_id, _TOLD[verb], said, now=now)
    before, after = {"state": str(old.state)}, {"state": str(target)}
    audit.note(conn, f"plan.{verb}", plan_id, old.plan.name, actor=actor, now=now, before=before, after=after)
    course.settle(conn, plan_id, now=now)
    return by_id(conn, plan_id, actor=actor)


def _move(plan: StoredPlan, verb: PlanVerb) -> PlanState:
    """The state after a verb.

    Raises:
        StateForbids: it is not allowed now.
    """
    target = move(plan.state, verb)
    if isinstance(target, PlanState):
        return target
    raise StateForbids(kind=KIND, name=plan.plan.name, reason=target.text, **target.facts)


def _forbid(plan: StoredPlan, problem: Problem | None) -> None:
    if problem is not None:
        raise StateForbids(kind=KIND, name=plan.plan.name, reason=problem.text, **problem.facts)


def _check(conn: Connection, plan: Plan, actor: Actor) -> None:
    refuse_first(check_plan(plan))
    one = tables.products.c
    if not _has(conn, tables.products, (one.id == plan.product_id) & (one.account_id == actor.main_id)):
        raise NoSuchObject(kind=PRODUCT, name=str(plan.product_id))
    piece = tables.artifacts.c
    for at, component in enumerate(plan.components):
        for number, release in enumerate(component.releases):
            mine = (piece.id == release.artifact_id) & (piece.account_id == actor.main_id)
            row = conn.execute(select(piece.type, piece.source, piece.target).where(mine)).first()
            if row is None:
                raise NoSuchObject(kind=ARTIFACT, name=str(release.artifact_id))
            if (row.type, row.source, row.target) != (int(component.type), release.source, release.target):
                reason = Text("differs from the artifact", "与版本包不一致")
                raise BadField(field=f"components[{at}].releases[{number}]", reason=reason)


def _require_free(conn: Connection, name: str, actor: Actor) -> None:
    if _has(conn, tables.plans, (_P.name == name) & (_P.account_id == actor.main_id) & (_P.kind == stored.PLAN)):
        raise NameTaken(kind=KIND, name=name)


def _has(conn: Connection, table: Any, condition: Any) -> bool:
    return bool(conn.execute(select(exists().select_from(table).where(condition))).scalar_one())
