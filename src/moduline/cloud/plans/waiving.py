"""Verbs of what a draft waits for: look at it, and let the plan go without a proof, with a reason that is kept.

A waiver is for one wording of the plan, like an approval: the next edit makes it void. It stays in the audit log, with
who gave it and why, also when the plan is gone.

Source: issue 6 (plans that may require a passed verification and a passed rehearsal).
"""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert

from moduline.cloud import audit, tables
from moduline.cloud.edge import Actor, acts, plain_text
from moduline.cloud.plans import readiness
from moduline.cloud.plans import service as plans
from moduline.cloud.plans.approval import PROOFS, Waiver
from moduline.cloud.plans.plan import check_plan
from moduline.cloud.plans.states import PlanState, PlanVerb, move
from moduline.cloud.problem import Problem
from moduline.errors import BadField, StateForbids, Text

MOST_REASON = 500


@acts("plan.waive")
def waive(conn: Connection, plan_id: int, proof: str, reason: str, *, actor: Actor, now: float) -> tuple[Waiver, ...]:
    """Let a draft go without a proof that it needs; all waivers that count for it now.

    Args:
        conn: of a transaction.
        plan_id: the draft.
        proof: ``verification`` or ``rehearsal``.
        reason: why, for those who ask later.
        actor: who answers for it.
        now: UTC seconds.

    Raises:
        BadField: no such proof, or no reason.
        NoSuchObject: there is no such plan.
        StateForbids: it was activated.
    """
    if proof not in PROOFS:
        reason_why = Text("one of {known}", "须为 {known} 之一")
        raise BadField(field="proof", reason=reason_why, known=", ".join(PROOFS))
    plain_text("reason", reason, limit=MOST_REASON)
    plan = plans.by_id(conn, plan_id, actor=actor)
    target = move(plan.state, PlanVerb.APPROVE)
    if not isinstance(target, PlanState):
        raise StateForbids(kind=plans.KIND, name=plan.plan.name, reason=target.text, **target.facts)
    one = tables.plan_waivers
    conn.execute(delete(one).where(one.c.plan_id == plan_id, one.c.proof == proof))
    row = {"plan_id": plan_id, "proof": proof, "account_id": actor.account_id, "account": actor.name}
    conn.execute(insert(one), row | {"revision": plan.revision, "reason": reason, "at": now})
    after = {"proof": proof, "reason": reason, "revision": plan.revision}
    audit.note(conn, "plan.waive", plan_id, plan.plan.name, actor=actor, now=now, after=after)
    return readiness.waivers(conn, plan)


def obstacles(conn: Connection, plan_id: int, *, actor: Actor, at: float) -> tuple[Problem, ...]:
    """All that stands between a draft and its activation; nothing, once it was activated.

    Args:
        conn: of a transaction.
        plan_id: the draft.
        actor: who asks.
        at: UTC seconds.

    Raises:
        NoSuchObject: there is no such plan.
    """
    plan = plans.by_id(conn, plan_id, actor=actor)
    if plan.state.is_activated:
        return ()
    found = (*check_plan(plan.plan), *readiness.problems(conn, plan, now=at))
    return tuple(one for one in found if not one.is_warning)


def waivers(conn: Connection, plan_id: int, *, actor: Actor) -> tuple[Waiver, ...]:
    """Proofs that a plan may go without.

    Raises:
        NoSuchObject: there is no such plan.
    """
    return readiness.waivers(conn, plans.by_id(conn, plan_id, actor=actor))
