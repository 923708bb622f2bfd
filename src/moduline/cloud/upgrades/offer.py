"""What is said to a device, as values; the wire layer makes 0x0111 and 0x0113 of them, or answers of the DDI.

Nothing is queued anywhere: what a device must hear again after a reconnect follows from the state (``standing``).

Source: ota-semantics 11.4, 11.5, 12 (5, 6, 13).
"""

from __future__ import annotations

from dataclasses import dataclass

from moduline.cloud.artifacts.rules import ComponentType
from moduline.cloud.plans.plan import Plan
from moduline.cloud.plans.rules import Match, OfferItem, Versions
from moduline.cloud.upgrades.events import Offered
from moduline.cloud.upgrades.states import ComponentStatus
from moduline.cloud.upgrades.timers import MOST_DOWNLOADS
from moduline.cloud.upgrades.upgrade import ComponentState, Terms, UpgradeState


@dataclass(frozen=True, slots=True)
class PlanItem:
    """One component of an offer (0x0111).

    Args:
        component: id 4.
        type: id 7.
        source: id 5; "": missing.
        target: id 6.
        battery: id 8.
        disk_bytes: id 9.
        signal_dbm: id 10.
    """

    component: str
    type: ComponentType
    source: str
    target: str
    battery: int
    disk_bytes: int
    signal_dbm: int


@dataclass(frozen=True, slots=True)
class SayPlan:
    """Offer the plan: one item as it is, several inside id 28.

    Args:
        plan_id: which.
        items: in order, the module last.
        delay_s: id 12; 0: left out.
    """

    plan_id: int
    items: tuple[PlanItem, ...]
    delay_s: int = 0


@dataclass(frozen=True, slots=True)
class SayUrl:
    """Tell where the files of one component are (0x0113).

    Args:
        plan_id: which.
        sort: of the component.
        component: id 4.
        type: id 7.
        target: id 6.
        artifact_id: whose files; the shell knows URL, size and digests.
        is_again: it was sent before.
    """

    plan_id: int
    sort: int
    component: str
    type: ComponentType
    target: str
    artifact_id: int
    is_again: bool = False


@dataclass(frozen=True, slots=True)
class AskVersions:
    """Read module and MCU versions (0x0041, information 2 and 3)."""


@dataclass(frozen=True, slots=True)
class LookAgain:
    """Match this device anew after the commit: the upgrade waits and could go on at once.

    Args:
        plan_id: which plan it was.
    """

    plan_id: int


@dataclass(frozen=True, slots=True)
class SayMove:
    """Go to another server (0x00B4, id 1).

    Args:
        domain: id 2; "": left out.
        ip: id 3; "": left out.
        port: id 4.
    """

    domain: str
    ip: str
    port: int


Say = SayPlan | SayUrl | AskVersions | SayMove | LookAgain


def terms_of(plan: Plan) -> Terms:
    """What of a plan's strategy goes along with an upgrade."""
    strategy = plan.strategy
    return Terms(
        strategy.min_battery,
        strategy.min_signal_dbm,
        strategy.disk_bytes,
        strategy.negotiation_delay_s,
        strategy.timeout_min * 60.0,
    )


def offered(plan: Plan, match: Match, versions: Versions, free_bytes: int | None = None) -> Offered:
    """The event that begins an upgrade after the rules have matched; with what the device reported last."""
    mentioned = {item.component for item in match.items}
    settled = tuple(
        OfferItem(sort, one.component, one.type, one.target, one.releases[-1], one.target)
        for sort, one in enumerate(plan.ordered)
        if one.component not in mentioned
    )
    return Offered(match.items, settled, terms_of(plan), versions, free_bytes)


def say_plan(state: UpgradeState) -> SayPlan:
    """The offer of everything that is not final."""
    terms = state.terms
    items = tuple(
        PlanItem(
            one.component,
            one.type,
            one.source,
            one.target,
            terms.min_battery,
            one.size_bytes if terms.disk_bytes is None else terms.disk_bytes,
            terms.min_signal_dbm,
        )
        for one in state.components
        if not one.status.is_final
    )
    return SayPlan(state.plan_id, items, terms.negotiation_delay_s)


def say_url(state: UpgradeState, one: ComponentState) -> SayUrl:
    """Where the files of a component are."""
    again = one.url_at is not None
    return SayUrl(state.plan_id, one.sort, one.component, one.type, one.target, one.artifact_id, again)


def standing(state: UpgradeState) -> SayPlan | SayUrl | None:
    """What a device that asks or has just connected must hear now; None: nothing.

    A URL is useless while the device loads, has loaded or writes, so nothing is said then.
    """
    one = state.current
    if not state.is_open or one is None:
        return None
    if one.status in {ComponentStatus.NOT_RECEIVED, ComponentStatus.RECEIVED}:
        return say_plan(state)
    if one.status is ComponentStatus.CONFIRMED:
        return say_url(state, one)
    if one.status is ComponentStatus.DOWNLOAD_FAILED and one.tries <= MOST_DOWNLOADS:
        return say_url(state, one)
    return None
