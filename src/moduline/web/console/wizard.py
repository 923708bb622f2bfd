"""The plan wizard: seven steps in the order of the developer centre, help in place, nothing lost by a reload.

::

    1 basics ─▶ 2 packages ─▶ 3 scope ─▶ 4 window ─▶ 5 strategy ─▶ 6 groups ─▶ 7 review ─▶ activate
       └── each change is kept beside the server; each step asks the platform what is wrong with its fields
                                                              7 saves the draft, then asks what stands in its way
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from fastapi.responses import RedirectResponse
from nicegui import ui

from moduline.errors import BadField, ModulineError, NoSuchObject
from moduline.web.console import wizard_forms, wizard_rules, wizard_steps
from moduline.web.console.plan_words import both
from moduline.web.console.wizard_fields import Fields
from moduline.web.console.wizard_form import STEPS, PlanForm, new_form, of_plan, step_of
from moduline.web.console.wizard_review import review
from moduline.web.console.wizard_state import WizardState
from moduline.web.feedback import guarded, show_error, told
from moduline.web.platform_api import api
from moduline.web.shell import page, style
from moduline.web.site import site
from moduline.web.texts import t, text
from moduline.web.viewer import viewer
from moduline.web.widgets import row

SETTLE_S: Final = 0.3
"""So long after a change it is kept."""
DRAWS: Final = {
    "basics": wizard_steps.basics,
    "packages": wizard_steps.packages,
    "scope": wizard_steps.scope,
    "window": wizard_steps.window,
    "strategy": wizard_rules.strategy,
    "groups": wizard_rules.groups,
}


@page("/console/plans/new")
async def wizard_page(plan: int = 0, form: str = "", step: int = 1, product: int = 0) -> RedirectResponse | None:
    """A new plan, or a draft that is edited (``plan``), or a form that was begun (``form``)."""
    style("monitoring.css")
    style("wizard.css")
    known: dict[str, Any] | None = None
    key = form if wizard_forms.is_key(form) else wizard_forms.new_key()
    if plan:
        known, key = await api().get(f"/v1/plans/{plan}"), wizard_forms.key_of(plan)
        if known["state"] != "draft":
            return RedirectResponse(f"/console/plans/{plan}", 303)
    kept = await asyncio.to_thread(wizard_forms.kept, viewer().account, key)
    if known is not None and (kept is None or kept.revision != known["revision"]):
        kept = of_plan(known)
    if kept is None:
        kept = new_form(site().clock.now_s(), time.tzname[0] if time.tzname[0] == "UTC" else "Asia/Shanghai")
        kept.product = product
    products, artifacts = await api().every("/v1/products"), await api().every("/v1/artifacts")
    wizard = Wizard(key, kept, known, products, list(reversed(artifacts)))
    wizard.build(STEPS[min(max(step, 1), len(STEPS)) - 1])
    return None


class Wizard:
    """The wizard on one page.

    Args:
        key: under which the form is kept.
        form: what was given so far.
        plan: the draft as the platform has it; None: it is not saved.
        products: that can be chosen.
        artifacts: that can be chosen, newest first.
    """

    def __init__(
        self,
        key: str,
        form: PlanForm,
        plan: dict[str, Any] | None,
        products: list[dict[str, Any]],
        artifacts: list[dict[str, Any]],
    ) -> None:
        self.key = key
        self.step = STEPS[0]
        self.visited: set[str] = set(STEPS) if plan else set()
        self.state = WizardState(form, Fields(self._changed), products, artifacts, self._redraw, self._count_soon)
        self.state.plan = plan
        self._is_changed = self._wants_count = False
        self._changed_at = 0.0
        self._is_busy = False

    def build(self, step: str) -> None:
        """Draw the page, at a step."""
        with ui.element("div").classes("g-wizard"):
            with ui.element("nav").props(f'aria-label="{t("wizard.steps")}"').classes("g-steps"):
                self._steps = ui.element("ol")
            with ui.element("section").classes("m-card g-step"):
                self._body = ui.element("div").classes("m-stack").props('data-testid="wizard-step"')
                self._said = ui.element("div").props('role="alert" data-testid="wizard-problems"')
                self._acts = row("g-acts-row")
        self.visited |= set(STEPS[: STEPS.index(step)])
        self._timer = ui.timer(SETTLE_S, self._settle)
        if step == "review":
            ui.timer(0.01, guarded(lambda: self.go("review")), once=True)
            step = "groups"
        self.step = step
        self.draw()
        self._address()

    def draw(self) -> None:
        """Draw the step."""
        self._draw_steps()
        self._draw_body()
        self._draw_acts()

    def _draw_body(self) -> None:
        self._body.clear()
        self.state.fields.clear()
        self.state.count_label = None
        with self._body:
            ui.html(f"<h2>{t(f'wizard.step.{self.step}')}</h2>", sanitize=False)
            ui.label(t(f"wizard.about.{self.step}")).classes("m-muted")
            if self.step in DRAWS:
                DRAWS[self.step](self.state)

    def _redraw(self) -> None:
        """Draw the step anew, for a field has changed what it consists of, once that field is done with it."""
        self._changed()
        asyncio.get_running_loop().call_soon(self._draw_body)

    def _draw_steps(self) -> None:
        wrong = {step_of(one["field"]) for one in self.state.problems}
        self._steps.clear()
        with self._steps:
            for number, step in enumerate(STEPS, 1):
                is_here, is_done = step == self.step, step in self.visited and step != self.step
                kind = "here" if is_here else "wrong" if step in wrong else "done" if is_done else "open"
                with ui.element("li"):
                    button = ui.element("button").classes(f"g-step-button g-step-{kind}")
                    button.props(f'type="button" data-testid="wizard-go-{step}"')
                    if is_here:
                        button.props('aria-current="step"')
                    button.on("click", guarded(lambda step=step: self.go(step)))
                    with button:
                        with ui.element("span").classes("g-step-number").props("aria-hidden=true"):
                            icons = {"done": "check", "wrong": "priority_high"}
                            ui.icon(icons[kind]) if kind in icons else ui.label(str(number))
                        ui.label(t(f"wizard.step.{step}"))
                        if kind in {"done", "wrong"}:
                            ui.label(t(f"wizard.is_{kind}")).classes("g-unseen")

    def _draw_acts(self) -> None:
        at = STEPS.index(self.step)
        self._acts.clear()
        with self._acts:
            if at:
                ui.button(t("wizard.back"), icon="arrow_back", on_click=guarded(lambda: self.go(STEPS[at - 1]))).props(
                    'flat data-testid="wizard-back"'
                )
            ui.element("div").classes("m-space")
            if self.step != "review":
                ui.button(t("wizard.save"), on_click=guarded(self._save_now)).props('outline data-testid="wizard-save"')
                ui.button(t("wizard.next"), on_click=guarded(lambda: self.go(STEPS[at + 1]))).props(
                    'unelevated icon-right=arrow_forward data-testid="wizard-next"'
                )

    async def go(self, step: str) -> None:
        """Go to a step; forward only when nothing is wrong with what was passed."""
        if self._is_busy:
            return
        self._is_busy = True
        try:
            await self._go(step)
        finally:
            self._is_busy = False

    async def _go(self, step: str) -> None:
        await self._keep()
        is_forward = STEPS.index(step) > STEPS.index(self.step)
        if is_forward:
            await self._check()
            passed = STEPS[: STEPS.index(step)]
            stop = next(
                (one for one in passed if any(step_of(each["field"]) == one for each in self.state.problems)), ""
            )
            if stop:
                self._show(stop)
                return
        self.visited.add(self.step)
        if step == "review":
            await self._to_review()
        else:
            self._show(step)

    def _show(self, step: str) -> None:
        """Show a step with what is wrong in it."""
        mine = [one for one in self.state.problems if step_of(one["field"]) == step]
        self.step = step
        self.draw()
        self._address()
        self._complain(self.state.fields.show(mine))

    def _complain(self, problems: list[dict[str, Any]] | Any) -> None:
        """Say what is wrong with no field that is shown."""
        self._said.clear()
        with self._said:
            for one in problems:
                with ui.element("p").classes("m-problem"):
                    ui.label(both(one))

    async def _check(self) -> int | None:
        """Ask the platform what is wrong; how many devices the plan would meet."""
        missing = text("wizard.choose_package")
        form = self.state.form
        self.state.problems = [
            {"field": f"components[{at}].releases[{len(form.components[at]['releases']) - 1}]"}
            | {"en": missing.en, "zh": missing.zh}
            for at in form.without_packages()
        ]
        plan = self.state.plan["id"] if self.state.plan else None
        query = "" if plan is None else f"?plan={plan}"
        found = await api().post(f"/v1/plans/check{query}", form.body())
        known = bool(self.state.problems)
        self.state.problems += [one for one in found["items"] if not (known and step_of(one["field"]) == "packages")]
        count: int | None = found["devices"]
        return count

    async def _to_review(self) -> None:
        """Save the draft, and show it in sentences with what stands in its way."""
        devices = await self._check()
        if not await self.save():
            return
        self.step = "review"
        self.draw()
        self._address()
        self._complain(())
        with self._body:
            await review(self.state, devices, self._again)

    async def _again(self, act: Callable[[], Awaitable[Any]]) -> None:
        """Do something to the draft, then look at it again."""
        if await act() and self.state.plan is not None:
            self.state.plan = await api().get(f"/v1/plans/{self.state.plan['id']}")
            if self.state.plan["state"] != "draft":
                ui.navigate.to(f"/console/plans/{self.state.plan['id']}")
                return
            await self._to_review()

    async def _save_now(self) -> None:
        await self._keep()
        await self._check()
        if self.state.problems:
            self._show(step_of(self.state.problems[0]["field"]))
            return
        if await self.save():
            self.draw()

    async def save(self) -> bool:
        """Save the draft at the platform, when it differs; whether it is there now as it stands here."""
        state = self.state
        body = state.form.body()
        try:
            if state.plan is None:
                made = await api().post("/v1/plans", body)
            elif of_plan(state.plan).body() != body:
                made = await api().put(f"/v1/plans/{state.plan['id']}", body)
            else:
                return True
        except BadField as refused:
            known = {"field": str(refused.facts["field"]), "en": refused.message("en"), "zh": refused.message("zh")}
            state.problems = [known]
            self._show(step_of(known["field"]))
            return False
        except NoSuchObject as gone:
            show_error(gone)
            return False
        await asyncio.to_thread(wizard_forms.drop, viewer().account, self.key)
        state.plan = await api().get(f"/v1/plans/{made['id']}")
        self.key, state.form.revision = wizard_forms.key_of(made["id"]), made["revision"]
        self._is_changed = False
        self._address()
        told("wizard.saved", name=made["name"])
        return True

    def _address(self) -> None:
        """Have the address say where this is, for a reload."""
        what = f"plan={self.state.plan['id']}" if self.state.plan else f"form={self.key}"
        ui.navigate.history.replace(f"/console/plans/new?{what}&step={STEPS.index(self.step) + 1}")

    def _changed(self) -> None:
        self._is_changed = True
        self._changed_at = time.monotonic()
        if self.state.count_label is not None:
            self._count_soon()

    def _count_soon(self) -> None:
        self._wants_count = True

    async def _settle(self) -> None:
        """Keep what was changed, and count, once nobody types."""
        if time.monotonic() - self._changed_at < SETTLE_S:
            return
        try:
            if self._is_changed:
                await self._keep()
            if self._wants_count and self.state.count_label is not None:
                self._wants_count = False
                await self._count(self.state.count_label)
        except ModulineError as failure:
            self._complain([{"en": failure.message("en"), "zh": failure.message("zh")}])

    async def _count(self, label: ui.label) -> None:
        if not self.state.form.product:
            label.set_text(t("wizard.count_needs_product"))
            return
        devices = await self._check()
        wrong = [one for one in self.state.problems if step_of(one["field"]) == "scope"]
        self._complain(self.state.fields.show(wrong))
        label.set_text(t("wizard.count_unknown") if devices is None else t("wizard.count", count=devices))

    async def _keep(self) -> None:
        if self._is_changed:
            self._is_changed = False
            await asyncio.to_thread(wizard_forms.keep, viewer().account, self.key, self.state.form)
