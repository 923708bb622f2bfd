"""A plan in sentences: what it does, to whom, when and how; the same before it is activated and while it runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nicegui import ui

from moduline.web.console.plan_words import span
from moduline.web.texts import t
from moduline.web.widgets import size

Plan = Mapping[str, Any]


def sentences(plan: Plan, product: str) -> list[tuple[str, list[str]]]:
    """Headings, each with its sentences.

    Args:
        plan: as the API shows it, with its lists.
        product: name of its product.
    """
    strategy = plan["strategy"]
    return [
        (t("plans.what"), [_component(one) for one in plan["components"]]),
        (t("plans.who"), _who(plan, product)),
        (t("plans.when"), _when(plan)),
        (t("plans.how"), [_how(plan)]),
        (t("plans.under"), _conditions(strategy)),
        (t("plans.spread"), _spread(strategy)),
        (t("plans.before"), _before(strategy)),
    ]


def draw(plan: Plan, product: str) -> None:
    """Show them."""
    with ui.element("dl").classes("m-facts g-sentences").props('data-testid="plan-sentences"'):
        for heading, lines in sentences(plan, product):
            with ui.element("dt"):
                ui.label(heading)
            with ui.element("dd"):
                for line in lines:
                    ui.label(line)


def _component(one: Mapping[str, Any]) -> str:
    named = []
    for each in one["releases"]:
        kind = t("plans.say.delta", source=each["source"]) if each["source"] else t("plans.say.whole")
        if each["needs"]:
            kind = t("plans.say.needs", versions=", ".join(each["needs"]))
        named.append(f"{each['name']} ({kind}, {size(each['bytes'])})")
    return t("plans.say.component", component=one["component"], target=one["target"], names=" → ".join(named))


def _who(plan: Plan, product: str) -> list[str]:
    if plan["has_white_list"]:
        lines = [t("plans.say.white", count=len(plan["white"]), product=product)]
    else:
        lines = [t("plans.say.everybody", product=product)]
    if plan["filter"]:
        lines.append(t("plans.say.filter", filter=plan["filter"]))
    if plan["black"]:
        lines.append(t("plans.say.black", count=len(plan["black"])))
    return lines


def _when(plan: Plan) -> list[str]:
    if not plan["windows"]:
        return [span(plan), t("plans.say.always")]
    hours = ", ".join(f"{start:02}:00–{end:02}:00" for start, end in plan["windows"])
    asked = t("plans.say.strict" if plan["is_windows_strict"] else "plans.say.lenient")
    return [span(plan), t("plans.say.hours", hours=hours), asked]


def _how(plan: Plan) -> str:
    if plan["is_silent"]:
        return t("plans.say.silent")
    return t("plans.say.confirmed", languages=", ".join(sorted(plan["texts"])))


def _conditions(strategy: Mapping[str, Any]) -> list[str]:
    lines = []
    if strategy["min_battery"]:
        lines.append(t("plans.say.battery", value=strategy["min_battery"]))
    if strategy["min_signal_dbm"]:
        lines.append(t("plans.say.signal", value=strategy["min_signal_dbm"]))
    if strategy["disk_bytes"] is not None:
        lines.append(t("plans.say.disk", value=size(strategy["disk_bytes"])))
    if lines and strategy["holds_on_status"]:
        lines.append(t("plans.say.holds"))
    lines = lines or [t("plans.say.no_conditions")]
    if strategy["retries"]:
        lines.append(t("plans.say.retries", count=strategy["retries"], minutes=strategy["retry_interval_min"]))
    else:
        lines.append(t("plans.say.no_retries"))
    return [*lines, t("plans.say.timeout", minutes=strategy["timeout_min"])]


def _spread(strategy: Mapping[str, Any]) -> list[str]:
    stages = strategy["stages"]
    percents = " / ".join(f"{one['percent']:g}" for one in stages)
    lines = [t("plans.say.groups", count=len(stages), percents=percents) if stages else t("plans.say.one_group")]
    if strategy["rate_per_min"]:
        lines.append(t("plans.say.rate", count=strategy["rate_per_min"]))
    if strategy["cell_most"]:
        lines.append(t("plans.say.cell", count=strategy["cell_most"]))
    if strategy["failure_percent"]:
        facts = {"percent": f"{strategy['failure_percent']:g}", "least": strategy["failure_least"]}
        lines.append(t("plans.say.stop", **facts))
    elif not any(one["failure_percent"] for one in stages):
        lines.append(t("plans.say.no_stop"))
    return lines


def _before(strategy: Mapping[str, Any]) -> list[str]:
    lines = []
    if strategy["approvals"]:
        lines.append(t("plans.say.approvals", count=strategy["approvals"]))
    if strategy["needs_verification"]:
        lines.append(t("plans.say.verified"))
    if strategy["needs_rehearsal"]:
        lines.append(t("plans.say.rehearsed"))
    return lines or [t("plans.say.nothing_before")]
