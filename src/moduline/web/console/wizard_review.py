"""Step 7 of the wizard: the plan in sentences, what stands in its way, and its activation, which is final."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import ui

from moduline.web.console import plan_acts, plan_sentences
from moduline.web.console.wizard_state import WizardState
from moduline.web.feedback import guarded
from moduline.web.platform_api import api
from moduline.web.texts import t
from moduline.web.viewer import viewer
from moduline.web.widgets import chip, row

Acts = Callable[[Callable[[], Awaitable[Any]]], Awaitable[None]]


async def review(state: WizardState, devices: int | None, acts: Acts) -> None:
    """Show the saved draft and what can be done with it now.

    Args:
        state: of the wizard; its plan is saved.
        devices: how many the plan would meet.
        acts: does something to the draft and looks at it again.
    """
    plan = state.plan
    assert plan is not None
    product = next((one["name"] for one in state.products if one["id"] == plan["product"]), str(plan["product"]))
    found = (await api().get(f"/v1/plans/{plan['id']}/obstacles"))["items"]
    do = guarded(acts)
    with row():
        chip("idle", t("wizard.is_saved"), icon="save")
        ui.label(plan["name"]).classes("m-strong")
        if devices is not None:
            ui.label(t("wizard.count", count=devices)).props('data-testid="wizard-review-count"')
    if devices == 0:
        ui.label(t("wizard.meets_nobody")).classes("m-muted")
    plan_sentences.draw(plan, product)
    if found:
        ui.html(f"<h3>{t('wizard.obstacles')}</h3>", sanitize=False)
        plan_acts.obstacles(plan, found, do)
    else:
        ui.label(t("wizard.nothing_in_the_way")).classes("m-strong")
    with row("g-acts-row"):
        ui.link(t("wizard.leave_as_draft"), "/console/plans")
        ui.element("div").classes("m-space")
        if viewer().may("releaser"):
            button = ui.button(
                t("monitoring.activate"),
                icon="rocket_launch",
                on_click=lambda: do(lambda: plan_acts.activate(plan, devices)),
            ).props('unelevated data-testid="wizard-activate"')
            button.set_enabled(not found)
        else:
            ui.label(t("wizard.needs_releaser")).classes("m-muted")
