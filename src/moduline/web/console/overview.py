"""The fleet at a glance: who is there, how plans stand, how the last day went, and what needs somebody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from nicegui import ui

from moduline.cloud.plans.states import PlanState
from moduline.web.console.charts import Bar, bars, steps
from moduline.web.console.live import Event, follow
from moduline.web.console.plan_words import STATES, both, plan_word
from moduline.web.platform_api import api
from moduline.web.shell import page, style
from moduline.web.texts import t
from moduline.web.viewer import viewer
from moduline.web.widgets import chip, empty, row, section, table

ICONS: Final = {
    "stopped": ("bad", "front_hand"),
    "proof": ("warn", "verified_user"),
    "approval": ("warn", "how_to_reg"),
    "users": ("info", "person"),
    "verification": ("bad", "gpp_bad"),
    "job": ("bad", "error"),
    "webhook": ("bad", "webhook"),
}
"""Matters with the kind of their chip and their icon."""
_PLACES: Final = {
    "plan": "/console/plans/{id}",
    "artifact": "/console/verification?artifact={id}",
    "job": "/console/packages",
    "webhook": "/console/settings",
}


@page("/console")
async def overview_page() -> None:
    """Figures, the last day, and what needs somebody; live."""
    style("monitoring.css")
    figures = ui.element("div").classes("g-figures").props('data-testid="overview-figures"')
    with ui.element("div").classes("m-two"):
        with section(t("overview.needs")) as needs:
            needs.props('data-testid="overview-needs"')
            matters = ui.element("div")
        with section(t("overview.day")) as day:
            day.props('data-testid="overview-day"')
            picture = ui.element("div").classes("m-stack")
    shown: dict[str, Any] = {}

    async def look() -> None:
        found = await api().get("/v1/overview")
        parts: tuple[tuple[str, Any, ui.element, Callable[[], None]], ...] = (
            ("figures", (found["devices"], found["online"], found["plans"]), figures, lambda: _figures(found)),
            ("matters", found["matters"], matters, lambda: _matters(found["matters"])),
            ("course", found["course"]["points"], picture, lambda: _day(found)),
        )
        for name, facts, place, draw in parts:
            if shown.get(name) != facts or name not in shown:
                shown[name] = facts
                place.clear()
                with place:
                    draw()

    await look()
    follow(look, _concerns)


def _concerns(event: Event) -> bool:
    return not str(event["event"]).startswith("webhook.test")


def _figures(found: dict[str, Any]) -> None:
    total, online = found["devices"], found["online"]
    share = t("overview.online_share", share=f"{100 * online / total:.0f}") if total else t("overview.no_devices")
    _figure("sensors", t("overview.devices"), f"{total:,}", share, "/console/devices", "devices")
    with ui.element("section").classes("m-card g-figure"):
        ui.html(f"<h2>{t('overview.plans')}</h2>", sanitize=False)
        with row("g-states"):
            for state in PlanState:
                with ui.element("a").props(f'href="/console/plans?state={state}" data-testid="overview-plans-{state}"'):
                    kind, icon = STATES[state]
                    count = found["plans"][state]
                    chip(kind if count else "idle", f"{plan_word(state)} {count}", icon=icon or "play_circle")
        if viewer().may("operator"):
            ui.link(t("overview.new_plan"), "/console/plans/new")
    points = found["course"]["points"]
    good, bad = sum(one["finished"] for one in points), sum(one["failed"] for one in points)
    rate = t("overview.rate", rate=f"{100 * good / (good + bad):.1f}") if good + bad else t("overview.quiet_day")
    _figure("task_alt", t("overview.upgraded_day"), f"{good:,}", rate, "/console/plans", "upgraded")
    said = t("overview.failed_hint") if bad else t("overview.none_failed")
    _figure("error", t("overview.failed_day"), f"{bad:,}", said, "/console/plans", "failed")


def _figure(icon: str, title: str, number: str, below: str, href: str, testid: str) -> None:
    with ui.element("section").classes("m-card g-figure"):
        ui.html(f'<h2><a href="{href}">{title}</a></h2>', sanitize=False)
        with row("g-number-row"):
            ui.icon(icon).props("aria-hidden=true")
            ui.label(number).classes("g-number").props(f'data-testid="overview-{testid}"')
        ui.label(below).classes("m-muted m-small")


def _matters(found: list[dict[str, Any]]) -> None:
    if not found:
        empty("done_all", t("overview.nothing"), t("overview.nothing_hint"))
        return
    with ui.element("ul").classes("g-matters"):
        for one in found:
            with ui.element("li").props(f'data-testid="matter-{one["what"]}"'):
                kind, icon = ICONS[one["what"]]
                chip(kind, t(f"overview.matter.{one['what']}"), icon=icon)
                with ui.element("div").classes("m-grow"):
                    name = t(f"overview.job.{one['name']}") if one["kind"] == "job" else one["name"]
                    ui.link(name, _PLACES[one["kind"]].format(id=one["id"])).classes("m-strong")
                    said = both(one["reason"]) or (t("overview.users", count=one["count"]) if one["count"] else "")
                    if said:
                        ui.label(said).classes("m-muted m-small")


def _day(found: dict[str, Any]) -> None:
    course = found["course"]
    points = [(one["at"], one["finished"], one["failed"]) for one in course["points"]]
    filled = steps(course["since"], course["step_s"], found["at"], points)
    shape = [Bar(viewer().local(at).strftime("%H:%M"), good, bad) for at, good, bad in filled]
    good, bad = sum(one.good for one in shape), sum(one.bad for one in shape)
    ui.html(bars(shape, t("overview.day_said", good=good, bad=bad)), sanitize=False)
    with row("g-legend"):
        chip("good", t("overview.went_well", count=good))
        chip("bad", t("overview.went_badly", count=bad))
    with ui.expansion(t("overview.as_table"), icon="table_rows").classes("g-table"):
        if not points:
            ui.label(t("overview.quiet_day"))
            return
        table(
            (t("overview.hour"), t("overview.upgraded"), t("overview.failed")),
            [(viewer().local(at).strftime("%m-%d %H:%M"), good, bad) for at, good, bad in points],
            caption=t("overview.day"),
            numeric=(1, 2),
        )
