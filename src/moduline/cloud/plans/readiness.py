"""What a draft still waits for, read from the rows; ``approval`` has the rules."""

from __future__ import annotations

from sqlalchemy import Connection, select

from moduline.cloud import tables
from moduline.cloud.plans.approval import Approval, Proof, Waiver, activation_problems
from moduline.cloud.plans.stored import StoredPlan
from moduline.cloud.problem import Problem

_W = tables.plan_waivers.c


def waivers(conn: Connection, plan: StoredPlan) -> tuple[Waiver, ...]:
    """Proofs that a plan, as it is written now, may go without; oldest first."""
    mine = (_W.plan_id == plan.id) & (_W.revision == plan.revision)
    query = select(_W.proof, _W.account, _W.revision, _W.reason, _W.at).where(mine).order_by(_W.at, _W.proof)
    return tuple(Waiver(*row) for row in conn.execute(query))


def problems(conn: Connection, plan: StoredPlan, *, now: float) -> tuple[Problem, ...]:
    """What stands between a draft and its activation, beside ``check_plan``.

    Args:
        conn: of a transaction.
        plan: the draft.
        now: UTC seconds.
    """
    wanted = {release.artifact_id for one in plan.plan.components for release in one.releases}
    piece, consent, product = tables.artifacts.c, tables.plan_approvals.c, tables.products.c
    known = conn.execute(select(piece.id, piece.state, piece.is_rehearsed).where(piece.id.in_(wanted))).all()
    given = conn.execute(select(consent.account_id, consent.revision, consent.at).where(consent.plan_id == plan.id))
    asked = select(product.needs_verification, product.needs_rehearsal).where(product.id == plan.plan.product_id)
    needs = conn.execute(asked).one()
    return activation_problems(
        plan.plan,
        now=now,
        revision=plan.revision,
        author_ids=plan.authors,
        approvals=tuple(Approval(*row) for row in given),
        proof=Proof(
            frozenset(one.id for one in known if one.state == "passed"),
            frozenset(one.id for one in known if one.is_rehearsed),
            frozenset(wanted - {one.id for one in known}),
            frozenset(one.proof for one in waivers(conn, plan)),
        ),
        needs_verification=bool(needs.needs_verification),
        needs_rehearsal=bool(needs.needs_rehearsal),
    )
