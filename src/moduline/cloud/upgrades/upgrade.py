"""One device going through one plan, as values: its components, what was said and heard, and when to look again.

Everything a decision needs is in here, so that it survives a restart of the server: rows in, ``reading.read``, rows
out. Nothing in here is final by time alone; ``deadline`` says when the platform must look again.

Source: ota-semantics 1, 7.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from operator import attrgetter
from types import MappingProxyType
from typing import Any, Final, TypeVar

from moduline.cloud.artifacts.rules import ComponentType
from moduline.cloud.plans.rules import DeviceStatus, Versions
from moduline.cloud.reasons import Reason
from moduline.cloud.upgrades.states import ComponentStatus, device_status
from moduline.errors import Text


class Phase(StrEnum):
    """Whether the platform is at work with the device."""

    WAITING = "waiting"
    """Nothing is said; the grid, a request or the user begins it."""
    OPEN = "open"
    """Offered: in progress, and the only one of this device."""
    FINAL = "final"
    """Over; only an explicit retry leads out."""


class WakeKind(StrEnum):
    """What the platform waits for; see ``timers``."""

    PLAN_ANSWER = "plan-answer"
    DECISION = "decision"
    URL_AGAIN = "url-again"
    URL_ANSWER = "url-answer"
    SILENCE = "silence"
    DOWNLOAD_AGAIN = "download-again"
    GREETING = "greeting"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Wake:
    """When to look again, and why.

    Args:
        kind: what should have come until then.
        at: UTC seconds.
    """

    kind: WakeKind
    at: float


@dataclass(frozen=True, slots=True)
class Terms:
    """What of the plan's strategy an upgrade needs; copied at the offer.

    Args:
        min_battery: percent.
        min_signal_dbm: negative, 0: none.
        disk_bytes: None: the size of the files.
        negotiation_delay_s: 0: not said.
        timeout_s: longest upgrade of one component.
    """

    min_battery: int = 0
    min_signal_dbm: int = 0
    disk_bytes: int | None = None
    negotiation_delay_s: int = 0
    timeout_s: float = 3600.0


@dataclass(frozen=True, slots=True)
class ComponentState:
    """One component in an upgrade.

    Args:
        sort: place in the order, from 0.
        component: identifier.
        type: module or MCU.
        source: version the device reported when it was offered.
        target: version after this artifact.
        final_target: version the plan is for; another than ``target`` at a stepping stone.
        artifact_id: row.
        size_bytes: sum of the files.
        status: where it is.
        last_code: last code that belongs to the present try, 0: none.
        code_at: when it came.
        tries: downloads that failed.
        digest_tries: those of them that failed after the file was complete.
        urls_sent: since the component became ready for one, or its last download failed.
        url_at: when the last URL was sent.
        broken: what our own HTTP log says of the download.
        is_claimed: the device said success without a version.
        has_reconnected: connected again since the last code 4 or 9.
        reason: why it failed.
        seen: codes that are in the log already, one bit each.
        started_at: when the device agreed or began.
        ended_at: when it became final.
    """

    sort: int
    component: str
    type: ComponentType
    source: str
    target: str
    final_target: str
    artifact_id: int
    size_bytes: int = 0
    status: ComponentStatus = ComponentStatus.NOT_RECEIVED
    last_code: int = 0
    code_at: float | None = None
    tries: int = 0
    digest_tries: int = 0
    urls_sent: int = 0
    url_at: float | None = None
    broken: Reason | None = None
    is_claimed: bool = False
    has_reconnected: bool = False
    reason: Reason | None = None
    seen: int = 0
    started_at: float | None = None
    ended_at: float | None = None

    @property
    def is_stepping_stone(self) -> bool:
        """Whether another artifact must follow this one."""
        return self.target != self.final_target


@dataclass(frozen=True, slots=True)
class UpgradeState:
    """One row per plan and device, with its components.

    Args:
        plan_id: which plan.
        phase: waiting, open, final.
        components: in order; none before the first offer.
        attempt: 1 for the first; an explicit retry adds one.
        terms: of the strategy.
        versions: last reported by the device, as far as this upgrade saw it.
        free_bytes: last reported free flash.
        is_online: as far as events say.
        wake: the next timer.
        limit_at: when the present component has failed by time.
        offer_until: when an offer that the device did not take up is withdrawn, however often it connects or asks.
        reason: why it waits or why it ended; None: nothing to say.
        refused_at: when the device refused last.
        failed_at: when the last attempt failed.
        over: the plan ended or was terminated meanwhile.
        is_lapsed: the offer was withdrawn because nothing came; a late answer takes it up again.
    """

    plan_id: int
    phase: Phase = Phase.WAITING
    components: tuple[ComponentState, ...] = ()
    attempt: int = 1
    terms: Terms = field(default_factory=Terms)
    versions: Versions = field(default_factory=Versions)
    free_bytes: int | None = None
    is_online: bool = True
    wake: Wake | None = None
    limit_at: float | None = None
    offer_until: float | None = None
    reason: Reason | None = None
    refused_at: float | None = None
    failed_at: float | None = None
    over: Reason | None = None
    is_lapsed: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it is in progress; at most one of a device is."""
        return self.phase is Phase.OPEN

    @property
    def status(self) -> DeviceStatus:
        """What the device is in the plan."""
        return device_status([one.status for one in self.components], is_open=self.is_open)

    @property
    def deadline(self) -> float | None:
        """When a ``TimePassed`` event is due; never None while open."""
        if not self.is_open:
            return None
        times = [at for at in (self.wake.at if self.wake else None, self.limit_at, self.offer_limit) if at is not None]
        return min(times, default=None)

    @property
    def offer_limit(self) -> float | None:
        """When the offer is withdrawn; None once the device has begun."""
        current = self.current
        return None if current is None or current.status.is_started else self.offer_until

    @property
    def current(self) -> ComponentState | None:
        """The component whose turn it is: the first that is not final."""
        for one in self.components:
            if not one.status.is_final:
                return one
        return None

    @property
    def failed_versions(self) -> Mapping[str, str]:
        """Source versions of what failed; a retry by itself needs them unchanged."""
        return {one.component: one.source for one in self.components if one.status is ComponentStatus.FAILED}


class LogSource(StrEnum):
    """Whose act a line of the log is."""

    DEVICE = "device"
    PLATFORM = "platform"
    USER = "user"


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a device's log in a plan.

    Args:
        at: server time, UTC seconds.
        source: whose act.
        text: what happened.
        component: identifier; "": the whole upgrade.
        status: of the component afterwards; None: of none.
        facts: of the text.
        code: raw code of the device; None: none.
        message: words of the device, as they came; they never decide.
        device_at: device time, if it told any.
    """

    at: float
    source: LogSource
    text: Text
    component: str = ""
    status: ComponentStatus | None = None
    facts: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    code: int | None = None
    message: str = ""
    device_at: float | None = None


_T = TypeVar("_T", ComponentState, UpgradeState)
_FIELDS: Final = {kind: tuple(one.name for one in fields(kind)) for kind in (ComponentState, UpgradeState)}
_CONTENTS: Final = {kind: attrgetter(*names) for kind, names in _FIELDS.items()}


def changed(value: _T, **new: Any) -> _T:
    """``dataclasses.replace`` in half of its time; an event replaces three or four of these."""
    kind = type(value)
    return kind(**(dict(zip(_FIELDS[kind], _CONTENTS[kind](value), strict=True)) | new))
