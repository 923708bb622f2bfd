"""What a burn will do, before anything is done: for whom, what is kept and lost, and every action with its place."""

from __future__ import annotations

from nicegui import ui

from moduline.burn import BurnPlan, Order
from moduline.burn.enter import is_same_name
from moduline.burn.words import NO_PLACE, PLAN_VERBS
from moduline.port.connected import ConnectedModule
from moduline.web.studio.burn_module import has_sure_at
from moduline.web.studio.rack_module import said
from moduline.web.texts import t
from moduline.web.viewer import viewer
from moduline.web.widgets import facts, size, table


def draw_plan(order: Order, chosen: ConnectedModule | None) -> None:
    """Show what an order will do to a module."""
    plan = order.plan
    ui.label(
        t(
            "burn.plan_for",
            model=plan.model or plan.chip,
            version=plan.version or t("burn.unknown"),
            bytes=size(plan.write_bytes),
            read_back=size(plan.read_back_bytes),
        )
    ).classes("m-strong").props('data-testid="plan-for"')
    model = chosen.model if chosen is not None else ""
    if model and plan.model and not is_same_name(model, plan.model):
        ui.label(t("burn.wrong_model", package=plan.model, module=model)).classes("m-problem").props('role="alert"')
    if not has_sure_at(model or plan.model or ""):
        with ui.element("p").classes("m-burn-hint"):
            ui.icon("front_hand").props("aria-hidden=true")
            ui.label(t("burn.pin_only"))
    if order.restore_nv is not None:
        ui.label(t("burn.nv_warning", imei=order.restore_nv.imei)).classes("m-problem").props('role="alert"')
    lost = [text.say(viewer().lang) for text in plan.losses]
    facts(
        [
            (t("burn.kept"), t("burn.comma").join(_kept(plan, order))),
            (t("burn.lost"), t("burn.comma").join(lost) or t("burn.lost_nothing")),
        ]
    )
    table(
        (t("burn.does"), t("burn.part"), t("burn.address"), t("burn.bytes"), t("burn.read_back")),
        [
            (
                said(PLAN_VERBS[one.verb]),
                one.part,
                lambda at=one.address: ui.label("" if at == NO_PLACE else f"0x{at:08x}").classes("m-mono"),
                f"{one.size_bytes:,}" if one.size_bytes and one.verb != "format" else "–",
                t("burn.yes") if one.is_read_back else "–",
            )
            for one in plan.actions
        ],
        caption=t("burn.plan"),
        numeric=(3,),
    )


def _kept(plan: BurnPlan, order: Order) -> list[str]:
    """What the module has afterwards as it had it before."""
    does = [one for one in plan.actions if one.verb not in {"skip", "load", "table"}]
    kept = []
    if order.restore_nv is None:
        kept.append(t("burn.kept_nv"))
    if not any(one.role == "system" for one in does):
        kept.append(t("burn.kept_firmware"))
    return [*kept, t("burn.kept_rest")]
