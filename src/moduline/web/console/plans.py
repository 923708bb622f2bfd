"""All upgrade plans: their state, how far they are, when they run; drafts and forms that were begun go on from here."""

from __future__ import annotations

from typing import Any, Final

from nicegui import ui

from moduline.cloud.plans.states import PlanState
from moduline.web.console.charts import Part, gauge
from moduline.web.console.live import Event, follow
from moduline.web.console.plan_words import plan_chip, plan_word, shares, span
from moduline.web.console.wizard_forms import kept_forms
from moduline.web.feedback import ask, guarded, told
from moduline.web.live_table import Cell, Drawn, LiveTable
from moduline.web.platform_api import api
from moduline.web.shell import page, style
from moduline.web.texts import t
from moduline.web.viewer import viewer
from moduline.web.widgets import chip, empty, icon_button, row

SHOWN: Final = 50
"""Plans that are shown at first, and how many more at a time."""
ALL: Final = "all"


@page("/console/plans")
async def plans_page(state: str = ALL, product: int = 0, name: str = "") -> None:
    """Plans, newest first, by state, product and a part of the name; live."""
    style("monitoring.css")
    view = PlansView(state if state in {*PlanState, ALL} else ALL, product, name)
    await view.build()
    follow(view.look, _concerns)


def _concerns(event: Event) -> bool:
    return str(event["event"]).startswith(("plan.", "upgrade."))


class PlansView:
    """The list on one page.

    Args:
        state: only plans in it; ``all``: any.
        product: only of this one; 0: of any.
        name: what the name must hold.
    """

    def __init__(self, state: str, product: int, name: str) -> None:
        self.state, self.product, self.name = state, product, name
        self.most = SHOWN
        self.products: dict[int, str] = {}
        self._found: list[dict[str, Any]] = []
        self._nothing_said: bool | None = None

    async def build(self) -> None:
        """Draw the page and fill it."""
        self.products = {one["id"]: one["name"] for one in await api().every("/v1/products")}
        with row("g-filters"):
            states = {ALL: t("plans.all")} | {str(one): plan_word(one) for one in PlanState}
            ui.select(states, value=self.state, label=t("plans.state"), on_change=self._by_state).props(
                'outlined dense data-testid="plans-state"'
            )
            ui.select(
                {0: t("plans.all")} | self.products, value=self.product if self.product in self.products else 0,
                label=t("plans.product"), on_change=self._by_product,
            ).props('outlined dense data-testid="plans-product"')  # fmt: skip
            ui.input(t("plans.name"), value=self.name, on_change=self._by_name).props(
                'outlined dense clearable debounce=300 data-testid="plans-name"'
            )
            ui.element("div").classes("m-space")
            if viewer().may("operator"):
                with ui.element("a").props('href="/console/plans/new" data-testid="plans-new"').classes("g-button"):
                    ui.icon("add").props("aria-hidden=true")
                    ui.label(t("plans.new"))
        self.begun = ui.element("div")
        self.box = ui.element("div").classes("m-stack").props('data-testid="plans-list"')
        head = ("name", "state", "progress", "product", "window", "acts")
        with self.box:
            self._nothing = ui.element("div")
            self._table = LiveTable([t(f"plans.{one}") for one in head], caption=t("plans.title"))
            self._button = ui.button(on_click=self._more).props("flat")
        self._draw_begun()
        await self.look()

    async def look(self) -> None:
        """Ask for the plans and show what has changed."""
        wanted = {"state": None if self.state == ALL else self.state, "product": self.product or None}
        self._found = list(reversed(await api().every("/v1/plans", **wanted)))
        self._draw()

    async def _by_state(self, change: Any) -> None:
        self.state = str(change.value)
        await guarded(self.look)()

    async def _by_product(self, change: Any) -> None:
        self.product = int(change.value)
        await guarded(self.look)()

    def _by_name(self, change: Any) -> None:
        self.name = str(change.value or "")
        self._draw()

    def _draw(self) -> None:
        plans = [one for one in self._found if self.name.lower() in one["name"].lower()]
        is_filtered = bool(self.name or self.product or self.state != ALL)
        nothing = None if plans else is_filtered
        if nothing != self._nothing_said:
            self._nothing_said = nothing
            self._nothing.clear()
            with self._nothing:
                if nothing is not None:
                    slug = "plans.none_match" if is_filtered else "plans.none"
                    empty("event_note", t(slug), t(f"{slug}_hint"))
        self._table.show([(one["id"], self._cells(one)) for one in plans[: self.most]])
        self._table.box.set_visibility(bool(plans))
        self._button.set_text(t("plans.more", count=len(plans) - self.most))
        self._button.set_visibility(len(plans) > self.most)

    def _more(self) -> None:
        self.most += SHOWN
        self._draw()

    def _cells(self, one: dict[str, Any]) -> list[Cell]:
        number, name, state, counters = one["id"], one["name"], one["state"], one["counters"]
        is_begun = bool(one["activated_at"])
        return [
            Drawn(name, lambda: ui.link(name, f"/console/plans/{number}").props(f'data-testid="plan-{number}"')),
            Drawn(state, lambda: plan_chip(state)),
            Drawn(counters, lambda: progress(counters)) if is_begun else t("plans.not_begun"),
            self.products.get(one["product"], str(one["product"])),
            span(one),
            Drawn((state, name), lambda: self._acts(one)),
        ]

    def _acts(self, one: dict[str, Any]) -> None:
        with row("g-acts"):
            if one["state"] != PlanState.DRAFT:
                ui.link(t("plans.monitor"), f"/console/plans/{one['id']}")
            elif viewer().may("operator"):
                ui.link(t("plans.edit"), f"/console/plans/new?plan={one['id']}")
                icon_button("delete", t("plans.delete_named", name=one["name"]), guarded(lambda: self._delete(one)))

    async def _delete(self, one: dict[str, Any]) -> None:
        if await ask(t("plans.delete_ask", name=one["name"]), t("plans.delete"), is_dangerous=True):
            await api().delete(f"/v1/plans/{one['id']}")
            told("plans.deleted", name=one["name"])
            await self.look()

    def _draw_begun(self) -> None:
        forms = kept_forms(viewer().account) if viewer().may("operator") else []
        with self.begun:
            if forms:
                with ui.element("section").classes("m-card").props('data-testid="plans-begun"'):
                    ui.html(f"<h2>{t('plans.begun')}</h2>", sanitize=False)
                    with row():
                        for one in forms:
                            with ui.element("a").props(f'href="{one.path}"').classes("g-begun"):
                                chip("idle", one.name or t("plans.unnamed"), icon="edit_note")


def progress(counters: dict[str, Any]) -> None:
    """How far a plan is: a bar and its numbers."""
    good, bad, total = shares(counters)
    said = t("plans.progress_said", good=good, bad=bad, total=total)
    with ui.element("div").classes("g-progress"):
        parts = (Part("good", "", good), Part("bad", "", bad), Part("busy", "", counters["by_status"]["upgrading"]))
        ui.html(gauge(parts, total, (), said), sanitize=False)
        ui.label(f"{good} / {total}" + (f" · {t('plans.failed', count=bad)}" if bad else "")).classes("m-small")
