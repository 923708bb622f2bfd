"""What must be true before a plan is activated: approval by other people, proofs of its artifacts, an end to come.

An approval is for one wording of the plan. Every edit gives the plan a new revision and makes the approvals before it
void, so nobody can have one thing approved and activate another. So is a waiver: a releaser's word, with a reason, that
the plan may go without a proof it needs. What a product asks for a plan cannot leave out, it can only ask for more.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from moduline.cloud.plans.plan import Plan
from moduline.cloud.problem import Problem
from moduline.cloud.reasons import Reason
from moduline.errors import Text

VERIFICATION: Final = "verification"
REHEARSAL: Final = "rehearsal"
_NOT_VERIFIED: Final = Text("artifact {name} has not passed a verification", "版本包 {name} 未通过固件验证")
_NOT_REHEARSED: Final = Text("artifact {name} has not passed a rehearsal", "版本包 {name} 未通过虚拟模组演练")
PROOFS: Final = (VERIFICATION, REHEARSAL)
"""What a plan may need of each of its artifacts, and a releaser may waive."""


@dataclass(frozen=True, slots=True)
class Approval:
    """One person's consent.

    Args:
        account_id: who.
        revision: of the plan they saw.
        at: UTC seconds.
    """

    account_id: int
    revision: int
    at: float


@dataclass(frozen=True, slots=True)
class Proof:
    """What is known of the artifacts of a plan.

    Args:
        verified: artifacts whose newest verification passed.
        rehearsed: artifacts whose rehearsal passed.
        missing: artifacts that are not there any more.
        waived: proofs that the plan may go without, of ``PROOFS``.
    """

    verified: frozenset[int] = frozenset()
    rehearsed: frozenset[int] = frozenset()
    missing: frozenset[int] = frozenset()
    waived: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Waiver:
    """A releaser's word that a plan may go without a proof.

    Args:
        proof: of ``PROOFS``.
        account: who.
        revision: of the plan it was given for.
        reason: why.
        at: UTC seconds.
    """

    proof: str
    account: str
    revision: int
    reason: str
    at: float


def approval_problem(author_ids: Collection[int], revision: int, account_id: int) -> Problem | None:
    """Why an account cannot approve a plan; None if it can.

    Args:
        author_ids: who wrote this wording or edited it.
        revision: of the plan now; named in the answer.
        account_id: who wants to.
    """
    if account_id in author_ids:
        text = Text(
            "another person than its authors must approve (revision {revision})",
            "须由编写者以外的人批准（版本 {revision}）",
        )
        return Problem("approval", text, {"revision": revision})
    return None


def approvals_missing(needed: int, author_ids: Collection[int], revision: int, approvals: Iterable[Approval]) -> int:
    """How many persons must still approve this wording."""
    persons = {one.account_id for one in approvals if one.revision == revision} - set(author_ids)
    return max(needed - len(persons), 0)


def activation_problems(
    plan: Plan,
    *,
    now: float,
    revision: int,
    author_ids: Collection[int],
    approvals: Iterable[Approval] = (),
    proof: Proof | None = None,
    needs_verification: bool = False,
    needs_rehearsal: bool = False,
) -> tuple[Problem, ...]:
    """What stands between a draft and its activation, beside ``check_plan``.

    Args:
        plan: the draft, free of problems.
        now: UTC seconds.
        revision: of the draft.
        author_ids: who wrote or edited it.
        approvals: all that were given, of whatever revision.
        proof: of its artifacts.
        needs_verification: the product's setting; the plan's own counts as well.
        needs_rehearsal: the same.
    """
    found = []
    proof = proof or Proof()
    if plan.end_at <= now:
        found.append(Problem("end", Text("the planned end is over", "计划结束时间已过")))
    missing = approvals_missing(plan.strategy.approvals, author_ids, revision, approvals)
    if missing:
        text = Text("{missing} more approvals are needed", "还需 {missing} 人批准")
        found.append(Problem("approval", text, {"missing": missing, "reason_code": int(Reason.NOT_APPROVED)}))
    wants_verified = needs_verification or plan.strategy.needs_verification
    wants_rehearsed = needs_rehearsal or plan.strategy.needs_rehearsal
    for at, component in enumerate(plan.components):
        for number, release in enumerate(component.releases):
            place, facts = f"components[{at}].releases[{number}]", {"name": release.name or str(release.artifact_id)}
            if release.artifact_id in proof.missing:
                found.append(Problem(place, Text("artifact {name} is gone", "版本包 {name} 已不存在"), facts))
            for wants, shown, kind, text, code in (
                (wants_verified, proof.verified, VERIFICATION, _NOT_VERIFIED, Reason.NOT_VERIFIED),
                (wants_rehearsed, proof.rehearsed, REHEARSAL, _NOT_REHEARSED, Reason.NOT_REHEARSED),
            ):
                if wants and kind not in proof.waived and release.artifact_id not in shown:
                    found.append(Problem(place, text, facts | {"reason_code": int(code)}))
    return tuple(found)
