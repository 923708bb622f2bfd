"""Monitoring of one plan, live: how far it is, how it went, what it waits for, and every device with its log.

::

    head      state, what may be done to it                              each with its question
    counts    donut and time line          from the plan's counters and the course of its events
    groups    bars with the marks at which the next group opens and at which the plan stops
    why       reasons in words, how many devices, what to do
    devices   page by page, their log, their users; files for spreadsheets

A draft shows its sentences and what stands in the way of its activation instead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import ui

from moduline.cloud.plans.states import PlanState
from moduline.web.console import plan_acts, plan_sentences
from moduline.web.console.live import Event, follow
from moduline.web.console.monitoring_devices import DeviceList
from moduline.web.console.monitoring_parts import components, counts, course, groups, reasons
from moduline.web.console.plan_words import both, plan_chip, span
from moduline.web.feedback import ask, guarded, told
from moduline.web.platform_api import api
from moduline.web.shell import page, style
from moduline.web.texts import t
from moduline.web.viewer import viewer
from moduline.web.widgets import moment, row, section

SLOW_S = 5.0
"""So long a live plan is shown before it is asked for again: that a device begins is no event."""


@page("/console/plans/{plan}")
async def monitoring_page(plan: int) -> None:
    """How a plan goes, live."""
    style("monitoring.css")
    view = Monitoring(plan)
    await view.build()
    follow(view.look, view.concerns, slow_s=SLOW_S)


class Monitoring:
    """One plan on one page.

    Args:
        number: of the plan.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.plan: dict[str, Any] = {}
        self.product = ""
        self._shown: dict[str, object] = {}
        self._places: dict[str, ui.element] = {}
        self.devices = DeviceList(number, self.look)

    def concerns(self, event: Event) -> bool:
        """Whether an event is of this plan."""
        data = event.get("data") or {}
        return data.get("plan_id") == self.number

    async def build(self) -> None:
        """Draw the page and fill it."""
        self.plan = await api().get(f"/v1/plans/{self.number}")
        self.product = (await api().get(f"/v1/products/{self.plan['product']}"))["name"]
        self._place("head")
        if self.plan["state"] == PlanState.DRAFT:
            self._place("draft")
        else:
            with ui.element("div").classes("m-two"):
                self._place("counts", t("monitoring.counts"))
                self._place("course", t("monitoring.course"))
            with ui.element("div").classes("m-two"):
                self._place("reasons", t("monitoring.reasons"))
                self._place("groups", t("monitoring.groups"))
            if len(self.plan["components"]) > 1:
                self._place("components", t("monitoring.components"))
            with section(t("monitoring.devices")):
                await self.devices.build(self.plan)
            with ui.expansion(t("monitoring.sentences"), icon="notes").classes("m-card g-expansion"):
                plan_sentences.draw(self.plan, self.product)
        await self.look()

    def _place(self, name: str, title: str = "") -> None:
        with section(title) if title else ui.element("section").classes("m-card g-head") as made:
            made.props(f'data-testid="monitoring-{name}"')
            self._places[name] = ui.element("div").classes("m-stack")

    async def look(self) -> None:
        """Ask how it is and show what has changed."""
        path = f"/v1/plans/{self.number}"
        was = self.plan["state"]
        self.plan = plan = await api().get(path)
        if (was == PlanState.DRAFT) != (plan["state"] == PlanState.DRAFT):
            ui.navigate.reload()
            return
        self._draw("head", [plan["state"], plan["reason"], plan["open_group"]], self._head)
        if plan["state"] == PlanState.DRAFT:
            found = (await api().get(f"{path}/obstacles"))["items"]
            self._draw("draft", [plan, found], lambda: self._draft(found))
            return
        counters = plan["counters"]
        if (
            self._shown.get("counters") == counters
            and self._shown.get("state") == plan["state"]
            and was == plan["state"]
        ):
            why = await api().get(f"{path}/reasons")
            self._draw("reasons", why, lambda: reasons(plan, why["items"]))
            await self.devices.look(plan)
            return
        self._shown |= {"counters": counters, "state": plan["state"]}
        why, went = await asyncio.gather(api().get(f"{path}/reasons"), api().get(f"{path}/course"))
        self._draw("counts", counters, lambda: counts(plan))
        self._draw("course", went, lambda: course(plan, went))
        self._draw("groups", [counters["groups"], plan["open_group"], plan["state"]], lambda: groups(plan))
        self._draw("reasons", why, lambda: reasons(plan, why["items"]))
        if "components" in self._places:
            parts = (await api().get(f"{path}/components"))["items"]
            self._draw("components", parts, lambda: components(plan, parts))
        await self.devices.look(plan)

    def _draw(self, name: str, facts: object, draw: Callable[[], None]) -> None:
        """Draw a part anew when its facts have changed."""
        if name in self._shown and self._shown[name] == facts:
            return
        self._shown[name] = facts
        place = self._places[name]
        place.clear()
        with place:
            draw()

    def _head(self) -> None:
        plan = self.plan
        with row():
            plan_chip(plan["state"]).props('role="status" data-testid="plan-state"')
            ui.html("<h2></h2>", sanitize=False).classes("g-unseen")
            ui.label(plan["name"]).classes("m-strong g-plan-name")
            ui.link(self.product, f"/console/products/{plan['product']}")
            ui.label(span(plan)).classes("m-muted")
        if plan["reason"] and plan["state"] != PlanState.DRAFT:
            with ui.element("p").classes("g-why").props('data-testid="plan-reason"'):
                ui.icon("info").props("aria-hidden=true")
                ui.label(both(plan["reason"]))
        with row("g-acts-row"):
            if viewer().may("releaser"):
                for verb in plan_acts.SHIFTS.get(PlanState(plan["state"]), ()):
                    kind = "m-danger" if verb == "terminate" else ""
                    ui.button(
                        t(f"monitoring.{verb}"),
                        on_click=guarded(lambda verb=verb: self._do(lambda: plan_acts.shift(plan, verb))),
                    ).props(f'unelevated data-testid="plan-{verb}"').classes(kind)
            elif plan["state"] in plan_acts.SHIFTS:
                ui.label(t("monitoring.needs_releaser")).classes("m-muted")
            if plan["state"] == PlanState.DRAFT and viewer().may("operator"):
                ui.link(t("plans.edit"), f"/console/plans/new?plan={plan['id']}").props('data-testid="plan-edit"')
                ui.button(t("plans.delete"), on_click=guarded(self._delete)).props("flat")
            ui.element("div").classes("m-space")
            ui.link(t("monitoring.all_plans"), "/console/plans")

    def _draft(self, found: list[dict[str, Any]]) -> None:
        plan = self.plan
        do = guarded(self._do)
        plan_sentences.draw(plan, self.product)
        for one in plan["approvals"]:
            ui.label(t("monitoring.approved_by", name=one["account"], at=moment(one["at"])))
        for one in plan["waivers"]:
            proof = t(f"monitoring.proof.{one['proof']}")
            ui.label(t("monitoring.waived_by", proof=proof, name=one["account"], reason=one["reason"]))
        if found:
            ui.html(f"<h3>{t('wizard.obstacles')}</h3>", sanitize=False)
            plan_acts.obstacles(plan, found, do)
        if viewer().may("releaser"):
            button = (
                ui.button(
                    t("monitoring.activate"),
                    icon="rocket_launch",
                    on_click=lambda: do(lambda: plan_acts.activate(plan, None)),
                )
                .props('unelevated data-testid="plan-activate"')
                .classes("g-start")
            )
            button.set_enabled(not found)

    async def _do(self, act: Callable[[], Awaitable[Any]]) -> None:
        if await act():
            await self.look()

    async def _delete(self) -> None:
        name = self.plan["name"]
        if await ask(t("plans.delete_ask", name=name), t("plans.delete"), is_dangerous=True):
            await api().delete(f"/v1/plans/{self.number}")
            told("plans.deleted", name=name)
            ui.navigate.to("/console/plans")
