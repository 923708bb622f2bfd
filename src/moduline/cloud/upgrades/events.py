"""What can happen to an upgrade; ``reading.read`` takes one at a time.

Order of arrival is not to be relied on: everything here may come twice, late, or after the end.
"""

from __future__ import annotations

from dataclasses import dataclass

from moduline.cloud.artifacts.rules import ComponentType
from moduline.cloud.plans.rules import OfferItem, Versions
from moduline.cloud.reasons import Reason
from moduline.cloud.upgrades.upgrade import Terms


@dataclass(frozen=True, slots=True)
class Offered:
    """The rules matched: the plan is offered to the device now.

    Args:
        items: what, in order.
        settled: components of the plan that are at their target already.
        terms: of the strategy.
        versions: what the device reported last.
        free_bytes: likewise, of flash; None: never.
    """

    items: tuple[OfferItem, ...]
    settled: tuple[OfferItem, ...] = ()
    terms: Terms | None = None
    versions: Versions | None = None
    free_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class StatusReported:
    """Command 0x0114.

    Args:
        code: id 13, whatever number came.
        type: id 7.
        component: id 4.
        versions: ids 25 and 26; None: not in the message.
        message: id 14.
        device_at: device time, if known.
        is_free: no other upgrade of the device is open; else a withdrawn offer is not taken up again.
    """

    code: int
    type: ComponentType
    component: str
    versions: Versions | None = None
    message: str = ""
    device_at: float | None = None
    is_free: bool = True


@dataclass(frozen=True, slots=True)
class VersionsReported:
    """Versions by command 0x0044, 0x0042 or 0x0115, or by the attributes of the DDI.

    Args:
        versions: only what the message names.
        is_request: the device asks for a plan (0x0115, or a poll).
    """

    versions: Versions
    is_request: bool = False


@dataclass(frozen=True, slots=True)
class SpaceReported:
    """Free flash by command 0x0034 or 0x0032.

    Args:
        free_bytes: as told.
    """

    free_bytes: int


@dataclass(frozen=True, slots=True)
class Connected:
    """The device has a connection, authenticated and subscribed."""


@dataclass(frozen=True, slots=True)
class Disconnected:
    """Its connection is gone, and no newer one has taken its place."""


@dataclass(frozen=True, slots=True)
class FileAsked:
    """A line of our own HTTP log.

    Args:
        artifact_id: whose file.
        http_status: what was answered; 200 and 206 are good.
        is_broken: the answer began and did not end within its time.
    """

    artifact_id: int
    http_status: int
    is_broken: bool = False


@dataclass(frozen=True, slots=True)
class DdiFeedback:
    """Feedback on an action of the DDI; it concerns every component.

    Args:
        execution: ``closed``, ``proceeding``, ``canceled``, ``rejected``, ``download``, ``downloaded``, ``scheduled``,
            ``resumed``.
        finished: ``success``, ``failure``, ``none``.
        details: texts of the device.
    """

    execution: str
    finished: str
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TimePassed:
    """``deadline`` has come; harmless when it has not."""


@dataclass(frozen=True, slots=True)
class PlanOver:
    """The plan ended or was terminated.

    Args:
        reason: ``PLAN_ENDED`` or ``TERMINATED``.
    """

    reason: Reason


@dataclass(frozen=True, slots=True)
class Cancelled:
    """A user or an operator takes the offer back, possible until the download begins."""


@dataclass(frozen=True, slots=True)
class Retried:
    """A failed upgrade is to be tried again: by the retry rule, or by a user.

    Args:
        by_user: whose act it is.
    """

    by_user: bool = False


Event = (
    Offered
    | StatusReported
    | VersionsReported
    | SpaceReported
    | Connected
    | Disconnected
    | FileAsked
    | DdiFeedback
    | TimePassed
    | PlanOver
    | Cancelled
    | Retried
)
