"""The user's part of a user-confirmed plan: now, at an appointed time, not now, once more.

The platform offers the plan only after the user has confirmed. "Now" goes out at once to an online device, whatever
the push windows, for the user asked; so does an appointed time when it has come.

Source: ota-semantics 9.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from moduline.cloud.artifacts.rules import ComponentType
from moduline.cloud.plans.plan import Plan
from moduline.cloud.plans.rules import Versions
from moduline.cloud.plans.states import PlanState
from moduline.cloud.plans.zone import GRID_S
from moduline.cloud.problem import Problem
from moduline.cloud.upgrades.reading import may_cancel, may_retry
from moduline.cloud.upgrades.upgrade import Phase, UpgradeState
from moduline.errors import Text

LEAST_APPOINTED_S: Final = float(GRID_S)
"""One step of the grid, or the platform might never look while it is open."""


class ConfirmStatus(IntEnum):
    """What the user has said; the numbers are the application interface's."""

    NONE = 0
    NOW = 1
    APPOINTED = 2
    CANCELLED = 3
    RESULT_SEEN = 4


class Operation(IntEnum):
    """What the user can do; 4 does not exist."""

    NOW = 1
    APPOINT = 2
    CANCEL = 3
    RETRY = 5


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What the user of one device has said about one plan.

    Args:
        status: the last of it.
        start_at: appointed: from, UTC seconds.
        end_at: appointed: until.
        changed_at: when it was said.
    """

    status: ConfirmStatus = ConfirmStatus.NONE
    start_at: float | None = None
    end_at: float | None = None
    changed_at: float = 0.0

    def wants(self, now: float) -> bool:
        """Whether the user wants the upgrade at this moment."""
        if self.status is ConfirmStatus.APPOINTED and self.start_at is not None and self.end_at is not None:
            return self.start_at <= now < self.end_at
        return self.status is ConfirmStatus.NOW

    def next_change(self, now: float) -> float | None:
        """When an appointed time begins or ends next; None: never."""
        times = [at for at in (self.start_at, self.end_at) if at is not None and at > now]
        return min(times) if times and self.status is ConfirmStatus.APPOINTED else None


@dataclass(frozen=True, slots=True)
class ConfirmEntry:
    """One component as the application shows it to the user.

    Args:
        sort: place in the order.
        component: identifier.
        type: module or MCU.
        current: version the device reports; "": unknown.
        target: version of the plan.
        text: in the language asked for, else en, else zh.
    """

    sort: int
    component: str
    type: ComponentType
    current: str
    target: str
    text: str


def entries(plan: Plan, versions: Versions, language: str) -> tuple[ConfirmEntry, ...]:
    """What the user is shown of a plan, in the order it is done."""
    text = plan.text_for(language)
    return tuple(
        ConfirmEntry(sort, one.component, one.type, versions.of(one.type, one.component) or "", one.target, text)
        for sort, one in enumerate(plan.ordered)
    )


def operate(
    before: Confirmation,
    operation: Operation,
    *,
    plan: Plan,
    plan_state: PlanState,
    upgrade: UpgradeState,
    now: float,
    start_at: float | None = None,
    end_at: float | None = None,
) -> Confirmation | Problem:
    """What an operation of the user makes of their confirmation, or why it is not possible.

    Args:
        before: as stored.
        operation: what the user does.
        plan: of the upgrade.
        plan_state: its state.
        upgrade: of the device.
        now: UTC seconds.
        start_at: appointed: from, UTC seconds.
        end_at: appointed: until.

    Returns:
        The new confirmation; after NOW and RETRY the device is matched with ``Trigger.CONFIRMED``, after CANCEL an
        open upgrade reads ``Cancelled``, before a RETRY it reads ``Retried(by_user=True)``.
    """
    if plan.is_silent:
        return Problem("operation", Text("a silent plan asks nobody", "静默升级无需用户确认"))
    if plan_state.is_final or not plan_state.is_activated or now >= plan.end_at:
        return Problem("operation", Text("the plan is not active", "升级计划未生效或已结束"))
    match operation:
        case Operation.NOW | Operation.APPOINT if upgrade.phase is not Phase.WAITING:
            return Problem("operation", Text("the upgrade has begun or is over", "升级已开始或已结束"))
        case Operation.NOW:
            return Confirmation(ConfirmStatus.NOW, changed_at=now)
        case Operation.APPOINT:
            problem = appointment_problem(plan, start_at, end_at, now)
            return problem or Confirmation(ConfirmStatus.APPOINTED, start_at, end_at, now)
        case Operation.CANCEL:
            return _cancelled(before, upgrade, now)
        case Operation.RETRY:
            if not may_retry(upgrade):
                text = Text("only a failed upgrade with an unchanged version", "仅升级失败且版本未变化时可以重试")
                return Problem("operation", text)
            return Confirmation(ConfirmStatus.NOW, changed_at=now)


def _cancelled(before: Confirmation, upgrade: UpgradeState, now: float) -> Confirmation | Problem:
    if upgrade.is_open and not may_cancel(upgrade):
        return Problem("operation", Text("the download has begun", "下载已开始，无法取消"))
    if not upgrade.is_open and before.status not in {ConfirmStatus.NOW, ConfirmStatus.APPOINTED}:
        return Problem("operation", Text("nothing was confirmed", "尚未确认，无需取消"))
    if upgrade.phase is Phase.FINAL:
        return Problem("operation", Text("the upgrade is over", "升级已结束"))
    return Confirmation(ConfirmStatus.CANCELLED, changed_at=now)


def appointment_problem(plan: Plan, start_at: float | None, end_at: float | None, now: float) -> Problem | None:
    """Why a time cannot be appointed; None if it can."""
    if start_at is None or end_at is None:
        return Problem("start", Text("start and end are needed", "须给出开始和结束时间"))
    if not start_at < end_at:
        return Problem("end", Text("must come after the start", "结束时间必须晚于开始时间"))
    if start_at < plan.start_at or end_at > plan.end_at:
        return Problem("start", Text("outside the planned time", "超出计划的起止时间"))
    if end_at - max(start_at, now) < LEAST_APPOINTED_S:
        text = Text("at least {least} s must be left", "至少需要 {least} 秒")
        return Problem("end", text, {"least": int(LEAST_APPOINTED_S)})
    return None


def see_result(before: Confirmation, upgrade: UpgradeState, now: float) -> Confirmation:
    """The user has seen how it ended; as before if it has not."""
    return Confirmation(ConfirmStatus.RESULT_SEEN, changed_at=now) if upgrade.phase is Phase.FINAL else before
