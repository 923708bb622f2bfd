"""Words, colours and addresses of plans, devices in plans, components and version packages: the same on every page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from nicegui import ui

from moduline.cloud.plans.rules import DeviceStatus
from moduline.cloud.plans.states import WORDS, PlanState
from moduline.cloud.plans.zone import to_utc
from moduline.cloud.upgrades.states import DEVICE_TEXTS, TEXTS, ComponentStatus
from moduline.errors import Text
from moduline.web.texts import t
from moduline.web.viewer import viewer
from moduline.web.widgets import chip

STATES: Final = {
    PlanState.DRAFT: ("idle", "edit_note"),
    PlanState.SCHEDULED: ("info", "schedule"),
    PlanState.RUNNING: ("busy", ""),
    PlanState.SUSPENDED: ("warn", "pause_circle"),
    PlanState.ENDED: ("good", "task_alt"),
    PlanState.TERMINATED: ("bad", "block"),
}
STATUSES: Final = {
    DeviceStatus.NOT_UPGRADED: ("idle", "hourglass_empty"),
    DeviceStatus.UPGRADING: ("busy", ""),
    DeviceStatus.UPGRADED: ("good", ""),
    DeviceStatus.FAILED: ("bad", ""),
    DeviceStatus.NO_UPDATE: ("idle", "done"),
}
"""Status of a device in a plan: kind of its chip, and its icon."""
_STEPS: Final = {ComponentStatus.FAILED: "bad", ComponentStatus.SUCCEEDED: "good", ComponentStatus.NO_UPDATE: "info"}
PROOFS: Final = {"unverified": "idle", "verifying": "busy", "passed": "good", "failed": "bad"}
"""States of a version package's verification."""


def spoken(text: Text) -> str:
    """A text of the platform in the language of the viewer."""
    return text.say(viewer().lang)


def both(text: Mapping[str, Any] | None) -> str:
    """A text that came in both languages; "" for none."""
    return str(text.get(viewer().lang) or "") if text else ""


def plan_word(state: str) -> str:
    """A state of a plan in words."""
    return spoken(WORDS[PlanState(state)])


def plan_chip(state: str) -> ui.element:
    """A state of a plan."""
    kind, icon = STATES[PlanState(state)]
    return chip(kind, plan_word(state), icon=icon)


def status_of(name: str) -> DeviceStatus:
    """A status of a device by its name in the API."""
    return DeviceStatus[name.upper()]


def status_word(name: str) -> str:
    """A status of a device in a plan in words."""
    return spoken(DEVICE_TEXTS[status_of(name)])


def status_chip(name: str) -> ui.element:
    """A status of a device in a plan."""
    kind, icon = STATUSES[status_of(name)]
    return chip(kind, status_word(name), icon=icon)


def component_word(status: str) -> str:
    """A status of a component in words."""
    return spoken(TEXTS[ComponentStatus(status)])


def component_kind(status: str) -> str:
    """Kind of the chip of a component's status."""
    known = ComponentStatus(status)
    return _STEPS.get(known, "busy" if known.is_started else "idle")


def proof_chip(state: str) -> ui.element:
    """State of the verification of a version package."""
    return chip(PROOFS[state], t(f"verification.state.{state}"))


def rehearsed_chip(is_rehearsed: bool) -> ui.element:
    """Whether a rehearsal of a version package counts."""
    slug = "rehearsed" if is_rehearsed else "not_rehearsed"
    return chip("good" if is_rehearsed else "idle", t(f"verification.{slug}"))


def span(plan: Mapping[str, Any]) -> str:
    """From when until when, on the wall clock of the plan's zone."""
    start, end = plan["start"].replace("T", " "), plan["end"].replace("T", " ")
    return t("plans.span", start=start, end=end, zone=plan["zone"])


def ends_at(plan: Mapping[str, Any]) -> float:
    """Planned end, UTC seconds."""
    return to_utc(plan["end"], plan["zone"])


def shares(counters: Mapping[str, Any]) -> tuple[int, int, int]:
    """Upgraded, failed and all devices of a plan that need the upgrade."""
    by_status = counters["by_status"]
    return by_status["upgraded"], by_status["failed"], int(counters["devices"])
