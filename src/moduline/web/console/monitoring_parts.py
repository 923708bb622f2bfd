"""Parts of the monitoring page: donut, time line, groups with their thresholds, the why-waiting table, components."""

from __future__ import annotations

from typing import Any, Final

from nicegui import ui

from moduline.cloud.plans.rules import DeviceStatus
from moduline.cloud.plans.states import PlanState
from moduline.cloud.reasons import Reason
from moduline.web.console.charts import Bar, Part, bars, donut, gauge, steps
from moduline.web.console.plan_words import (
    STATUSES,
    both,
    component_kind,
    component_word,
    spoken,
    status_chip,
    status_word,
)
from moduline.web.site import site
from moduline.web.texts import TABLE, t
from moduline.web.viewer import viewer
from moduline.web.widgets import chip, empty, row, table

Plan = dict[str, Any]
_KINDS: Final = {
    DeviceStatus.UPGRADED: "good",
    DeviceStatus.FAILED: "bad",
    DeviceStatus.UPGRADING: "busy",
    DeviceStatus.NOT_UPGRADED: "idle",
    DeviceStatus.NO_UPDATE: "done",
}
_WAITS: Final = {PlanState.SUSPENDED: Reason.PLAN_NOT_RUNNING, PlanState.SCHEDULED: Reason.NOT_YET_TIME}
_DAY_S: Final = 86400
FINISHED_KINDS: Final = ("upgraded", "failed", "in_progress", "waiting")


def counts(plan: Plan) -> None:
    """Devices by status: a donut with a legend that is its table."""
    by_status = plan["counters"]["by_status"]
    parts = [
        Part(kind, status_word(status.name.lower()), by_status[status.name.lower()]) for status, kind in _KINDS.items()
    ]
    total = sum(one.count for one in parts)
    good, bad = by_status["upgraded"], by_status["failed"]
    rate = f"{100 * good / (good + bad):.4g} %" if good + bad else "–"
    said = t("monitoring.counts_said", list=", ".join(f"{one.word} {one.count}" for one in parts))
    with ui.element("div").classes("g-counts"):
        ui.html(donut(parts, str(total), t("monitoring.in_all"), said), sanitize=False)
        with ui.element("dl").classes("g-tally"):
            for status in _KINDS:
                name = status.name.lower()
                with ui.element("dt"):
                    status_chip(name)
                with ui.element("dd").props(f'data-testid="count-{name}"'):
                    ui.label(f"{by_status[name]:,}")
            with ui.element("dt"):
                ui.label(t("monitoring.rate"))
            with ui.element("dd").props('data-testid="count-rate"'):
                ui.label(rate)


def course(plan: Plan, went: dict[str, Any]) -> None:
    """How the upgrades ended over time."""
    points = [(one["at"], one["finished"], one["failed"]) for one in went["points"]]
    if not points:
        empty("timeline", t("monitoring.no_course"), t("monitoring.no_course_hint"))
        return
    now = plan["ended_at"] or site().clock.now_s()
    shape = "%m-%d" if went["step_s"] >= _DAY_S else "%H:%M:%S" if went["step_s"] < 60 else "%H:%M"
    filled = steps(went["since"], went["step_s"], max(now, points[-1][0]), points)
    drawn = [Bar(viewer().local(at).strftime(shape), good, bad) for at, good, bad in filled]
    good, bad = sum(one.good for one in drawn), sum(one.bad for one in drawn)
    ui.html(bars(drawn, t("monitoring.course_said", good=good, bad=bad)), sanitize=False)
    with row("g-legend"):
        chip("good", t("overview.went_well", count=good))
        chip("bad", t("overview.went_badly", count=bad))
    with ui.expansion(t("overview.as_table"), icon="table_rows").classes("g-table"):
        head = (t("overview.hour"), t("overview.upgraded"), t("overview.failed"))
        rows = [(viewer().local(at).strftime("%m-%d %H:%M:%S"), *ends) for at, *ends in points]
        table(head, rows, caption=t("monitoring.course"), numeric=(1, 2))


def groups(plan: Plan) -> None:
    """Each group with the place at which the next one opens, and where the plan stops by itself."""
    strategy, counted = plan["strategy"], plan["counters"]["groups"]
    stages = strategy["stages"] or [
        {"percent": 100.0, "success_percent": 100.0, "failure_percent": 0, "failure_least": 1}
    ]
    for number, (stage, count) in enumerate(zip(stages, counted, strict=False)):
        _group(plan, number, stage, count, is_only=len(stages) == 1)
    if strategy["failure_percent"]:
        whole = plan["counters"]["by_status"]
        finished, failed = whole["upgraded"] + whole["failed"], whole["failed"]
        now = 100 * failed / finished if finished else 0.0
        limit = {"percent": f"{strategy['failure_percent']:g}", "least": strategy["failure_least"]}
        ui.label(t("monitoring.stop", **limit)).classes("m-strong")
        said = t("monitoring.stop_now", failed=failed, finished=finished, percent=f"{now:.4g}")
        marks = ((strategy["failure_percent"] / 100, "stop"),)
        ui.html(gauge([Part("bad", "", failed)], max(finished, 1), marks, said), sanitize=False)
        ui.label(said).classes("m-muted m-small").props('data-testid="stop-now"')
    elif not any(one["failure_percent"] for one in stages):
        ui.label(t("plans.say.no_stop")).classes("m-muted")


def _group(plan: Plan, number: int, stage: dict[str, Any], count: dict[str, int], *, is_only: bool) -> None:
    total = sum(count[name] for name in FINISHED_KINDS)
    good, bad, busy = count["upgraded"], count["failed"], count["in_progress"]
    said = t("monitoring.group_said", number=number + 1, good=good, bad=bad, busy=busy, total=total)
    is_last = number == max(len(plan["strategy"]["stages"]) - 1, 0)
    marks = [] if is_last else [(stage["success_percent"] / 100, "open")]
    with ui.element("div").classes("g-group").props(f'data-testid="group-{number}"'):
        with row():
            ui.label(t("monitoring.only_group") if is_only else t("monitoring.group", number=number + 1)).classes(
                "m-strong"
            )
            _group_chip(plan, number)
            ui.element("div").classes("m-space")
            ui.label(f"{good} / {total}").classes("m-mono")
        parts = (Part("good", "", good), Part("bad", "", bad), Part("busy", "", busy))
        ui.html(gauge(parts, total, marks, said), sanitize=False)
        lines = [] if is_last else [t("monitoring.next_opens", percent=f"{stage['success_percent']:g}")]
        if stage["failure_percent"]:
            facts = {"percent": f"{stage['failure_percent']:g}", "least": stage["failure_least"]}
            now = 100 * bad / (good + bad) if good + bad else 0.0
            lines.append(t("monitoring.group_stops", **facts, now=f"{now:.4g}"))
        if lines:
            ui.label(" · ".join(lines)).classes("m-muted m-small")


def _group_chip(plan: Plan, number: int) -> None:
    if number > plan["open_group"]:
        chip("idle", t("monitoring.group_waits"), icon="lock")
    elif plan["state"] == PlanState.RUNNING:
        chip("info", t("monitoring.group_open"), icon="lock_open")


def reasons(plan: Plan, found: list[dict[str, Any]]) -> None:
    """Why devices wait and why they failed, and what to do about it."""
    if not found:
        empty("done_all", t("monitoring.no_reasons"), t("monitoring.no_reasons_hint"))
        return
    head = [t(f"monitoring.{one}") for one in ("status", "reason", "how_many", "what_to_do")]
    rows = [
        (
            lambda one=one: status_chip(one["status_name"]),
            both(one["reason"]) or not_judged(plan, one["status_name"]),
            f"{one['count']:,}",
            remedy(plan, one["reason"]),
        )
        for one in found
    ]
    table(head, rows, caption=t("monitoring.reasons"), numeric=(2,))


def not_judged(plan: Plan, status_name: str) -> str:
    """What a device waits for that nobody has had reason to look at yet."""
    if status_name != "not_upgraded":
        return "–"
    if plan["state"] == PlanState.RUNNING:
        return t("monitoring.not_judged")
    return spoken(_WAITS[PlanState(plan["state"])].text) if plan["state"] in _WAITS else "–"


def remedy(plan: Plan, reason: dict[str, Any] | None) -> str:
    """What to do about a reason; what passes by itself says so."""
    if reason is None:
        is_suspended = plan["state"] == PlanState.SUSPENDED
        return t("monitoring.do.plan_not_running" if is_suspended else "monitoring.do.nothing")
    slug = f"monitoring.do.{Reason(reason['code']).name.lower()}"
    return (
        t(slug)
        if slug in TABLE
        else t("monitoring.do.log" if reason["code"] >= Reason.BATTERY_LOW else "monitoring.do.nothing")
    )


def components(plan: Plan, found: list[dict[str, Any]]) -> None:
    """How far devices are with each component."""
    for part in plan["components"]:
        mine = [one for one in found if one["component"] == part["component"]]
        with row():
            ui.label(part["component"]).classes("m-strong m-mono")
            ui.label(f"→ {part['target']}").classes("m-muted")
            for one in mine:
                chip(component_kind(one["status"]), f"{component_word(one['status'])} {one['count']:,}")
            if not mine:
                ui.label(t("monitoring.not_offered")).classes("m-muted")


assert set(STATUSES) == set(_KINDS)
