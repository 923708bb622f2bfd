"""Which plan a device is offered now, and if none, the one reason it waits for.

The conditions are asked in a fixed order and the first that fails is the reason, so that any two nodes say the same:
plan and time, scope, what the device has done in this plan before, whether it is there and free, its versions, the
windows, its group, the user. What a device cannot change comes before what will pass by itself.

A plan with several components is offered as a whole: while one of them can be told nothing (its version is unknown or
is the source of no release), the device waits, for half of an ordered set is not what the operator asked for.

Source: ota-semantics 6, 9; decisions of ours are marked there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Final

from moduline.cloud.artifacts.rules import ComponentType
from moduline.cloud.plans.plan import Plan, Release
from moduline.cloud.plans.states import PlanState
from moduline.cloud.plans.zone import is_open, next_open
from moduline.cloud.reasons import Reason

REFUSED_PAUSE_S: Final = 3600.0
"""A device that refused is left alone for so long."""
FRESH_S: Final = 600.0
"""Status values older than this say nothing."""
_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


class Trigger(StrEnum):
    """Why the platform looks at a device."""

    GRID = "grid"
    REQUEST = "request"
    CONFIRMED = "confirmed"


class DeviceStatus(IntEnum):
    """A device in a plan; the first four numbers are the application interface's."""

    NOT_UPGRADED = 0
    UPGRADING = 1
    UPGRADED = 2
    FAILED = 3
    NO_UPDATE = 4

    @property
    def is_final(self) -> bool:
        """Whether only an explicit retry changes it."""
        return self in {DeviceStatus.UPGRADED, DeviceStatus.FAILED, DeviceStatus.NO_UPDATE}


@dataclass(frozen=True, slots=True)
class Versions:
    """What a device reported last.

    Args:
        module: version of the module; None: never reported.
        mcu: version by component.
    """

    module: str | None = None
    mcu: Mapping[str, str] = field(default_factory=lambda: _NOTHING)

    def of(self, type: ComponentType, component: str) -> str | None:  # noqa: A002 - the field's name everywhere
        """Version of a component; None: unknown. A device has one module, whatever a plan calls it."""
        found = self.module if type is ComponentType.MODULE else self.mcu.get(component)
        return found or None

    def merged(self, newer: Versions) -> Versions:
        """These, with what a newer report says."""
        return Versions(newer.module or self.module, MappingProxyType({**self.mcu, **newer.mcu}))


@dataclass(frozen=True, slots=True)
class Standing:
    """What a device has done in one plan so far.

    Args:
        status: of the device in the plan.
        is_open: an upgrade of this plan is in progress.
        attempts: begun and ended in failure.
        failed_at: when the last one failed.
        failed_versions: what it reported when that attempt began, by component.
        refused_at: when it refused last.
        group: counted from 0.
        is_confirmed: whether the user wants it now (appointed: inside the appointed time).
        is_now: whether the user asked for it at once, whatever the windows.
    """

    status: DeviceStatus = DeviceStatus.NOT_UPGRADED
    is_open: bool = False
    attempts: int = 0
    failed_at: float | None = None
    failed_versions: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    refused_at: float | None = None
    group: int = 0
    is_confirmed: bool = False
    is_now: bool = False


@dataclass(frozen=True, slots=True)
class Device:
    """A device as the rules see it.

    Args:
        dk: device key.
        product_id: row of its product.
        is_enabled: operators can disable one.
        is_online: connected now.
        versions: last reported.
        busy_plan: plan with an upgrade of it in progress; None: none.
        is_verifying: used by a verification.
        names: names and values for filters.
        battery: percent; None: unknown.
        signal_dbm: likewise.
        free_bytes: likewise, of flash.
        facts_at: when the last three were reported.
    """

    dk: str
    product_id: int
    is_enabled: bool = True
    is_online: bool = True
    versions: Versions = field(default_factory=Versions)
    busy_plan: int | None = None
    is_verifying: bool = False
    names: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    battery: int | None = None
    signal_dbm: int | None = None
    free_bytes: int | None = None
    facts_at: float | None = None


@dataclass(frozen=True, slots=True)
class LivePlan:
    """A plan with what has become of it.

    Args:
        plan_id: row.
        plan: as written.
        state: as stored.
        activated_at: UTC seconds; the newest wins.
        open_group: the last open one, counted from 0.
    """

    plan_id: int
    plan: Plan
    state: PlanState
    activated_at: float
    open_group: int = 0


@dataclass(frozen=True, slots=True)
class OfferItem:
    """One component of what a device is offered.

    Args:
        sort: place in the order, from 0; the module is last.
        component: identifier.
        type: module or MCU.
        source: version the device reports.
        release: what it gets now, perhaps a stepping stone.
        target: what the plan is for.
    """

    sort: int
    component: str
    type: ComponentType
    source: str
    release: Release
    target: str


@dataclass(frozen=True, slots=True)
class Match:
    """The device may be offered the plan now.

    Args:
        plan_id: which.
        items: what; components at the target already are left out.
    """

    plan_id: int
    items: tuple[OfferItem, ...]


@dataclass(frozen=True, slots=True)
class Wait:
    """The device is not offered the plan now.

    Args:
        plan_id: which.
        reason: why; ``AT_TARGET`` is "no update required".
        component: which one is meant, if one is.
        until: when to look again at the earliest, if that is known.
    """

    plan_id: int
    reason: Reason
    component: str = ""
    until: float | None = None


Verdict = Match | Wait


def in_scope(plan: Plan, device: Device) -> bool:
    """Whether product, lists and filter let a device in; black wins."""
    if device.product_id != plan.product_id or device.dk in plan.black:
        return False
    if plan.has_white_list and device.dk not in plan.white:
        return False
    return plan.filter is None or plan.filter.holds(device.names)


def judge(live: LivePlan, device: Device, standing: Standing, trigger: Trigger, now: float) -> Verdict:
    """Whether a device is offered a plan now.

    Args:
        live: the plan.
        device: what is known of it.
        standing: what it has done in this plan.
        trigger: the grid, the device's own request, or the user's confirmation.
        now: UTC seconds.

    Returns:
        What to offer, or the one reason why not.
    """
    for condition in (_plan_runs, _scope_and_state, _past, _there_and_free):
        wait = condition(live, device, standing, now)
        if wait is not None:
            return wait
    items = items_for(live.plan, device.versions)
    if isinstance(items, Wait):
        return Wait(live.plan_id, items.reason, items.component)
    wait = (
        _unchanged_since(live, standing, items)
        or _when(live, standing, trigger, now)
        or _held(live, device, items, now)
    )
    return wait or Match(live.plan_id, items)


def _plan_runs(live: LivePlan, _device: Device, standing: Standing, now: float) -> Wait | None:
    if standing.is_open:
        return Wait(live.plan_id, Reason.IN_PROGRESS)
    ends = {PlanState.ENDED: Reason.PLAN_ENDED, PlanState.TERMINATED: Reason.TERMINATED}
    if live.state in ends:
        return Wait(live.plan_id, ends[live.state])
    start, end = live.plan.start_at, live.plan.end_at
    if now >= end:
        return Wait(live.plan_id, Reason.PLAN_ENDED)
    if now < start:
        return Wait(live.plan_id, Reason.NOT_YET_TIME, until=start)
    return None if live.state is PlanState.RUNNING else Wait(live.plan_id, Reason.PLAN_NOT_RUNNING)


def _scope_and_state(live: LivePlan, device: Device, standing: Standing, _now: float) -> Wait | None:
    if not in_scope(live.plan, device):
        return Wait(live.plan_id, Reason.OUT_OF_SCOPE)
    if not device.is_enabled:
        return Wait(live.plan_id, Reason.DISABLED)
    if standing.status in {DeviceStatus.UPGRADED, DeviceStatus.NO_UPDATE}:
        return Wait(live.plan_id, Reason.AT_TARGET)
    return Wait(live.plan_id, Reason.AT_TARGET) if is_at_target(live.plan, device.versions) else None


def _past(live: LivePlan, _device: Device, standing: Standing, now: float) -> Wait | None:
    strategy = live.plan.strategy
    if standing.status is DeviceStatus.FAILED:
        if not live.plan.is_silent or standing.attempts > strategy.retries:
            return Wait(live.plan_id, Reason.NO_ATTEMPT_LEFT)
        again = (standing.failed_at or 0.0) + strategy.retry_interval_min * 60.0
        if now < again:
            return Wait(live.plan_id, Reason.RETRY_LATER, until=again)
    if standing.refused_at is not None and now < standing.refused_at + REFUSED_PAUSE_S:
        return Wait(live.plan_id, Reason.REFUSED, until=standing.refused_at + REFUSED_PAUSE_S)
    return None


def _there_and_free(live: LivePlan, device: Device, _standing: Standing, _now: float) -> Wait | None:
    if device.is_verifying:
        return Wait(live.plan_id, Reason.IN_VERIFICATION)
    if device.busy_plan is not None:
        return Wait(live.plan_id, Reason.BUSY)
    return None if device.is_online else Wait(live.plan_id, Reason.OFFLINE)


def items_for(plan: Plan, versions: Versions) -> tuple[OfferItem, ...] | Wait:
    """What a device with these versions gets, in order; or why nothing (with plan 0)."""
    items: list[OfferItem] = []
    for sort, one in enumerate(plan.ordered):
        version = versions.of(one.type, one.component)
        if version is None:
            return Wait(0, Reason.VERSION_UNKNOWN, one.component)
        if version == one.target:
            continue
        release = one.next_release(version)
        if release is None:
            return Wait(0, Reason.SOURCE_DIFFERS, one.component)
        items.append(OfferItem(sort, one.component, one.type, version, release, one.target))
    return tuple(items) or Wait(0, Reason.AT_TARGET)


def is_at_target(plan: Plan, versions: Versions) -> bool:
    """Whether every component reports its target already: no update required."""
    return all(versions.of(one.type, one.component) == one.target for one in plan.components)


def _unchanged_since(live: LivePlan, standing: Standing, items: tuple[OfferItem, ...]) -> Wait | None:
    """A failed device is tried again only while it reports what it did before."""
    if standing.status is DeviceStatus.FAILED:
        for item in items:
            if standing.failed_versions.get(item.component, item.source) != item.source:
                return Wait(live.plan_id, Reason.SOURCE_DIFFERS, item.component)
    return None


def _when(live: LivePlan, standing: Standing, trigger: Trigger, now: float) -> Wait | None:
    plan = live.plan
    if not plan.is_silent and not standing.is_confirmed:
        return Wait(live.plan_id, Reason.WAITING_FOR_USER)
    asked_by_user = trigger is Trigger.CONFIRMED or standing.is_now
    is_bound = trigger is Trigger.GRID or plan.is_windows_strict
    if is_bound and not asked_by_user and not is_open(plan.windows, plan.zone, now):
        return Wait(live.plan_id, Reason.OUTSIDE_WINDOW, until=next_open(plan.windows, plan.zone, now))
    return Wait(live.plan_id, Reason.RATE_LIMITED) if standing.group > live.open_group else None


def _held(live: LivePlan, device: Device, items: tuple[OfferItem, ...], now: float) -> Wait | None:
    strategy = live.plan.strategy
    if not strategy.holds_on_status or device.facts_at is None or now - device.facts_at > FRESH_S:
        return None
    if device.battery is not None and device.battery < strategy.min_battery:
        return Wait(live.plan_id, Reason.BATTERY_LOW)
    if strategy.min_signal_dbm and device.signal_dbm is not None and device.signal_dbm < strategy.min_signal_dbm:
        return Wait(live.plan_id, Reason.SIGNAL_WEAK)
    need = max(strategy.disk_for(item.release.size_bytes) for item in items)
    if device.free_bytes is not None and device.free_bytes < need:
        return Wait(live.plan_id, Reason.NO_SPACE)
    return None


def choose(verdicts: Iterable[tuple[LivePlan, Verdict]]) -> Match | None:
    """The one match a device is offered: the newest activation wins, then the lower plan."""
    matches = [(-live.activated_at, live.plan_id, verdict) for live, verdict in verdicts if isinstance(verdict, Match)]
    return min(matches, key=lambda one: one[:2])[2] if matches else None


def judge_all(
    plans: Iterable[tuple[LivePlan, Standing]], device: Device, trigger: Trigger, now: float
) -> tuple[Match | None, tuple[Wait, ...]]:
    """The plan a device is offered, and a reason for every other; those that lost the choice say ``BUSY``."""
    verdicts = [(live, judge(live, device, standing, trigger, now)) for live, standing in plans]
    chosen = choose(verdicts)
    waits = tuple(
        verdict if isinstance(verdict, Wait) else Wait(live.plan_id, Reason.BUSY)
        for live, verdict in verdicts
        if verdict is not chosen
    )
    return chosen, waits


def closed_list_size(plan: Plan) -> int | None:
    """Devices of a plan that can end before its time, because none can join; None: it runs to its end."""
    return len(plan.white - plan.black) if plan.has_white_list else None
