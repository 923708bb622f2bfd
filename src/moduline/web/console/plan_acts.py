"""What people do to a plan, each with its question: activate, approve, waive a proof, suspend, resume, terminate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from nicegui import ui

from moduline.cloud.plans.states import PlanState
from moduline.cloud.reasons import Reason
from moduline.web.console.plan_words import both
from moduline.web.feedback import answered, ask, told
from moduline.web.platform_api import api
from moduline.web.texts import t
from moduline.web.viewer import viewer
from moduline.web.widgets import chip, row

Plan = Mapping[str, Any]
PROOFS: Final = {int(Reason.NOT_VERIFIED): "verification", int(Reason.NOT_REHEARSED): "rehearsal"}
SHIFTS: Final = {
    PlanState.SCHEDULED: ("suspend", "terminate"),
    PlanState.RUNNING: ("suspend", "terminate"),
    PlanState.SUSPENDED: ("resume", "terminate"),
}
"""What may be done to a plan that was activated."""


async def activate(plan: Plan, devices: int | None) -> bool:
    """Activate a plan, in two steps, for it is final; whether it was.

    Args:
        plan: the draft.
        devices: how many it would meet; None: nobody knows.

    Raises:
        ModulineError: the platform refuses.
    """
    with ui.dialog() as dialog, ui.card().classes("m-dialog").props('role="alertdialog"'):
        title = t("monitoring.activate_ask", name=plan["name"])
        dialog.props["aria-label"] = title
        ui.label(title).classes("m-strong m-dialog-title")
        if devices is not None:
            ui.label(t("monitoring.activate_devices", count=devices))
        ui.label(t("monitoring.activate_final"))
        sure = ui.checkbox(t("monitoring.activate_sure")).props('data-testid="activate-sure"')
        with ui.row().classes("m-dialog-acts"):
            ui.button(t("shell.cancel"), on_click=lambda: dialog.submit(False)).props("flat")
            act = ui.button(t("monitoring.activate"), on_click=lambda: dialog.submit(True))
            act.props('unelevated data-testid="activate-yes"').bind_enabled_from(sure, "value")
    is_meant = bool(await answered(dialog))
    if is_meant:
        await api().post(f"/v1/plans/{plan['id']}/activate")
        told("monitoring.activated", name=plan["name"])
    return is_meant


async def shift(plan: Plan, verb: str) -> bool:
    """Suspend, resume or terminate a plan, or approve a draft; whether it was done.

    Raises:
        ModulineError: the platform refuses.
    """
    question, about = t(f"monitoring.{verb}_ask", name=plan["name"]), t(f"monitoring.{verb}_about")
    if not await ask(question, t(f"monitoring.{verb}"), about=about, is_dangerous=verb == "terminate"):
        return False
    await api().post(f"/v1/plans/{plan['id']}/{verb}")
    told(f"monitoring.{verb}_done", name=plan["name"])
    return True


async def waive(plan: Plan, proof: str) -> bool:
    """Let a draft go without a proof, with a reason; whether it was done.

    Raises:
        ModulineError: the platform refuses.
    """
    with ui.dialog() as dialog, ui.card().classes("m-dialog").props('role="alertdialog"'):
        title = t(f"monitoring.waive_{proof}", name=plan["name"])
        dialog.props["aria-label"] = title
        ui.label(title).classes("m-strong m-dialog-title")
        ui.label(t("monitoring.waive_about"))
        reason = ui.input(t("monitoring.waive_reason")).props('outlined autofocus data-testid="waive-reason"')
        with ui.row().classes("m-dialog-acts"):
            ui.button(t("shell.cancel"), on_click=lambda: dialog.submit("")).props("flat")
            act = ui.button(t("monitoring.waive"), on_click=lambda: dialog.submit(reason.value.strip()))
            act.props('unelevated data-testid="waive-yes"').bind_enabled_from(reason, "value", backward=bool)
    said = await answered(dialog)
    if said:
        await api().post(f"/v1/plans/{plan['id']}/waivers", {"proof": proof, "reason": said})
        told("monitoring.waived")
    return bool(said)


def obstacles(plan: Plan, found: list[dict[str, Any]], acts: Any) -> None:
    """What stands between a draft and its activation, each with what can be done about it.

    Args:
        plan: the draft.
        found: as the API tells them.
        acts: is called with a coroutine function that was chosen.
    """
    with ui.element("ul").classes("g-matters").props('data-testid="plan-obstacles"'):
        for one in found:
            proof = PROOFS.get(one["reason"] or 0)
            with ui.element("li"):
                chip("warn", t("monitoring.obstacle"), icon="front_hand")
                ui.label(both(one)).classes("m-grow")
                with row():
                    if proof == "verification":
                        ui.link(t("monitoring.to_verification"), _verification(plan, one["field"]))
                    if proof and viewer().may("releaser"):
                        ui.button(
                            t("monitoring.waive"), on_click=lambda proof=proof: acts(lambda: waive(plan, proof))
                        ).props(f'flat dense data-testid="waive-{proof}"')
                    if one["reason"] == Reason.NOT_APPROVED:
                        ui.button(t("monitoring.approve"), on_click=lambda: acts(lambda: shift(plan, "approve"))).props(
                            'flat dense data-testid="plan-approve"'
                        )


def _verification(plan: Plan, field: str) -> str:
    """Page of the verification of the package that a field such as ``components[0].releases[1]`` names."""
    numbers = [int(part.split("]")[0]) for part in field.split("[")[1:]]
    try:
        number = plan["components"][numbers[0]]["releases"][numbers[1]]["artifact"]
    except IndexError:
        return "/console/verification"
    return f"/console/verification?artifact={number}"
