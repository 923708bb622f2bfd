"""States of a plan, and which verbs are allowed in which of them.

::

    draft --activate--> scheduled --begin--> running --end--> ended
      |                     |                  | ^
      | edit, delete        +-----suspend------+ | resume (goes on as scheduled before the start)
      v                     v                    |
    (gone)             +--suspended--------------+--terminate--> terminated

Only a draft is edited or deleted. A plan that was suspended by its failure threshold can be resumed: it is never
terminated by itself. ``ended`` and ``terminated`` are final; upgrades that had begun still finish and count.

Source: ota-semantics 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from moduline.cloud.problem import Problem
from moduline.errors import Text


class PlanState(StrEnum):
    """Where a plan is."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    RUNNING = "running"
    SUSPENDED = "suspended"
    ENDED = "ended"
    TERMINATED = "terminated"

    @property
    def is_final(self) -> bool:
        """Whether no verb leads out of it."""
        return self in {PlanState.ENDED, PlanState.TERMINATED}

    @property
    def is_activated(self) -> bool:
        """Whether it was activated once: from then on no edit and no deletion."""
        return self is not PlanState.DRAFT


class PlanVerb(StrEnum):
    """What happens to a plan: people's verbs, then the platform's own."""

    EDIT = "edit"
    DELETE = "delete"
    APPROVE = "approve"
    ACTIVATE = "activate"
    SUSPEND = "suspend"
    RESUME = "resume"
    TERMINATE = "terminate"
    BEGIN = "begin"
    STOP = "stop"
    END = "end"

    @property
    def is_own(self) -> bool:
        """Whether the platform does it by itself: start time, failure threshold, end."""
        return self in {PlanVerb.BEGIN, PlanVerb.STOP, PlanVerb.END}


TRANSITIONS: Final[Mapping[tuple[PlanState, PlanVerb], PlanState]] = {
    (PlanState.DRAFT, PlanVerb.EDIT): PlanState.DRAFT,
    (PlanState.DRAFT, PlanVerb.DELETE): PlanState.DRAFT,
    (PlanState.DRAFT, PlanVerb.APPROVE): PlanState.DRAFT,
    (PlanState.DRAFT, PlanVerb.ACTIVATE): PlanState.SCHEDULED,
    (PlanState.SCHEDULED, PlanVerb.BEGIN): PlanState.RUNNING,
    (PlanState.SCHEDULED, PlanVerb.SUSPEND): PlanState.SUSPENDED,
    (PlanState.SCHEDULED, PlanVerb.TERMINATE): PlanState.TERMINATED,
    (PlanState.RUNNING, PlanVerb.SUSPEND): PlanState.SUSPENDED,
    (PlanState.RUNNING, PlanVerb.STOP): PlanState.SUSPENDED,
    (PlanState.RUNNING, PlanVerb.END): PlanState.ENDED,
    (PlanState.RUNNING, PlanVerb.TERMINATE): PlanState.TERMINATED,
    (PlanState.SUSPENDED, PlanVerb.RESUME): PlanState.SCHEDULED,
    (PlanState.SUSPENDED, PlanVerb.END): PlanState.ENDED,
    (PlanState.SUSPENDED, PlanVerb.TERMINATE): PlanState.TERMINATED,
}
"""A deleted plan is gone, so DELETE leads nowhere else."""

WORDS: Final[Mapping[PlanState, Text]] = {
    PlanState.DRAFT: Text("draft", "草稿"),
    PlanState.SCHEDULED: Text("scheduled", "待开始"),
    PlanState.RUNNING: Text("running", "运行中"),
    PlanState.SUSPENDED: Text("suspended", "已暂停"),
    PlanState.ENDED: Text("ended", "已结束"),
    PlanState.TERMINATED: Text("terminated", "已终止"),
}

_ACTIVATED: Final = Text("it was activated: no edit and no deletion any more", "升级计划已激活，不可再编辑或删除")
_NOT_ACTIVATED: Final = Text("it is not activated yet", "升级计划尚未激活")
_OVER: Final = Text("it is {state}, which is final", "升级计划{state}，不可再更改")
_MISFIT: Final = Text("not while it is {state}", "{state}状态下不允许此操作")


def move(state: PlanState, verb: PlanVerb) -> PlanState | Problem:
    """The state after a verb, or why it is not allowed."""
    after = TRANSITIONS.get((state, verb))
    if after is not None:
        return after
    if state.is_activated and verb in {PlanVerb.EDIT, PlanVerb.DELETE, PlanVerb.APPROVE, PlanVerb.ACTIVATE}:
        text = _ACTIVATED
    elif state.is_final:
        text = _OVER
    else:
        text = _MISFIT if state.is_activated else _NOT_ACTIVATED
    return Problem("state", text, {"state": WORDS[state]})


def allowed(state: PlanState) -> tuple[PlanVerb, ...]:
    """Verbs of people that are allowed now, in the order of the class."""
    return tuple(verb for verb in PlanVerb if (state, verb) in TRANSITIONS and not verb.is_own)


def settle(state: PlanState, now: float, start_at: float, end_at: float) -> PlanState:
    """The state after the clock has done what is due: begin at the start, end at the end.

    Args:
        state: as stored.
        now: UTC seconds.
        start_at: planned start.
        end_at: planned end.
    """
    if state is PlanState.SCHEDULED and now >= start_at:
        state = TRANSITIONS[state, PlanVerb.BEGIN]
    if now >= end_at and (state, PlanVerb.END) in TRANSITIONS:
        state = TRANSITIONS[state, PlanVerb.END]
    return state
