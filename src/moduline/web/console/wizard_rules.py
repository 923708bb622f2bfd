"""Steps 5 and 6 of the wizard: how devices are upgraded and under which conditions; how the plan spreads and stops."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final

from nicegui import ui

from moduline.cloud.plans.plan import RETRIES, RETRY_INTERVALS_MIN
from moduline.web.console.wizard_fields import help_in_place, into
from moduline.web.console.wizard_form import STAGE
from moduline.web.console.wizard_state import WizardState
from moduline.web.texts import t
from moduline.web.widgets import icon_button

PRESET: Final = (5.0, 25.0, 100.0)
"""Groups that are offered to begin with: a few, a quarter, all."""
_KIB: Final = 1024


def strategy(state: WizardState) -> None:
    """Silent or asked, conditions, retries."""
    form, fields = state.form, state.fields
    help_in_place("wizard.strategy_help")

    def choose(change: Any) -> None:
        form.is_silent = bool(change.value)
        state.redraw()

    options = {True: t("wizard.silent"), False: t("wizard.confirmed")}
    ui.radio(options, value=form.is_silent, on_change=choose).props('inline data-testid="wizard-mode"').classes(
        "g-radio"
    )
    ui.label(t("wizard.silent_about" if form.is_silent else "wizard.confirmed_about")).classes("m-muted")
    if not form.is_silent:
        with ui.element("div").classes("m-two"):
            for lang in ("zh", "en"):
                fields.lines(
                    f"texts.{lang}", t(f"wizard.text_{lang}"), form.texts.get(lang, ""),
                    into(form.texts, lang),
                )  # fmt: skip
    ui.html(f"<h3>{t('wizard.conditions')}</h3>", sanitize=False)
    ui.label(t("wizard.conditions_about")).classes("m-muted")
    with ui.element("div").classes("g-fields"):
        _number(state, "min_battery", unit="%", hint=t("wizard.none_is_zero"))
        _number(state, "min_signal_dbm", unit="dBm", hint=t("wizard.none_is_zero"))
        _disk(state)
    fields.tick(
        "strategy.holds_on_status", t("wizard.holds"), bool(form.value("holds_on_status")),
        _into(state, "holds_on_status"), about=t("wizard.holds_about"),
    )  # fmt: skip
    ui.html(f"<h3>{t('wizard.failures')}</h3>", sanitize=False)
    with ui.element("div").classes("g-fields"):
        for name, values in (("retries", RETRIES), ("retry_interval_min", RETRY_INTERVALS_MIN)):
            value = form.value(name)
            options_of = {one: str(one) for one in values} | ({} if value in values else {value: str(value)})
            fields.choice(f"strategy.{name}", t(f"wizard.{name}"), options_of, value, _into(state, name))
        _number(state, "timeout_min", unit="min")


def groups(state: WizardState) -> None:
    """Groups one after the other, when the plan stops, how fast, and what must be shown before."""
    form, fields = state.form, state.fields
    help_in_place("wizard.groups_help")
    stages = form.strategy.get("stages") or []
    for at, one in enumerate(stages):
        _stage(state, stages, at, one)
    if not stages:
        ui.label(t("wizard.one_group")).classes("m-muted")

    def add() -> None:
        if not stages:
            form.strategy["stages"] = [dict(STAGE) | {"percent": percent} for percent in PRESET]
        else:
            stages.insert(len(stages) - 1, dict(STAGE) | {"percent": 50})
        state.redraw()

    slug = "wizard.add_group" if stages else "wizard.make_groups"
    ui.button(t(slug), icon="add", on_click=add).props('flat data-testid="wizard-add-group"').classes("g-start")
    ui.html(f"<h3>{t('wizard.stop')}</h3>", sanitize=False)
    ui.label(t("wizard.stop_about")).classes("m-muted")
    with ui.element("div").classes("g-fields"):
        _number(state, "failure_percent", unit="%", hint=t("wizard.none_is_zero"))
        _number(state, "failure_least")
    ui.html(f"<h3>{t('wizard.rates')}</h3>", sanitize=False)
    with ui.element("div").classes("g-fields"):
        _number(state, "rate_per_min", hint=t("wizard.unlimited_is_zero"))
        _number(state, "cell_most", hint=t("wizard.unlimited_is_zero"))
        _number(state, "rate_growth_percent", unit="%")
        _number(state, "rate_growth_every")
        _number(state, "rate_most_per_min", hint=t("wizard.unlimited_is_zero"))
    ui.html(f"<h3>{t('wizard.before')}</h3>", sanitize=False)
    with ui.element("div").classes("g-fields"):
        _number(state, "approvals", hint=t("wizard.approvals_hint"))
    for name in ("needs_verification", "needs_rehearsal"):
        fields.tick(f"strategy.{name}", t(f"wizard.{name}"), bool(form.value(name)), _into(state, name))


def _stage(state: WizardState, stages: list[dict[str, Any]], at: int, one: dict[str, Any]) -> None:
    with ui.element("fieldset").classes("g-part").props(f'data-testid="wizard-group-{at}"'):
        with ui.element("legend"):
            ui.label(t("wizard.group_number", number=at + 1))
        with ui.element("div").classes("g-fields"):
            for name, unit in (
                ("percent", "%"), ("success_percent", "%"), ("failure_percent", "%"), ("failure_least", "")
            ):  # fmt: skip
                state.fields.number(
                    f"strategy.stages[{at}].{name}", t(f"wizard.group_{name}"), one.get(name, STAGE[name]),
                    functools.partial(_of_stage, one, name), unit=unit,
                )  # fmt: skip
        icon_button("delete", t("wizard.remove_group", number=at + 1), lambda: _drop_stage(state, stages, at))


def _of_stage(one: dict[str, Any], name: str, value: Any) -> None:
    one[name] = STAGE[name] if value is None else value


def _drop_stage(state: WizardState, stages: list[dict[str, Any]], at: int) -> None:
    del stages[at]
    if stages:
        stages[-1]["percent"] = 100
    state.redraw()


def _disk(state: WizardState) -> None:
    value = state.form.strategy.get("disk_bytes")

    def take(given: Any) -> None:
        state.form.strategy["disk_bytes"] = None if given is None else int(given * _KIB)

    shown = None if value is None else value / _KIB
    state.fields.number(
        "strategy.disk_bytes", t("wizard.disk_bytes"), shown, take, unit="KiB", hint=t("wizard.disk_hint")
    )


def _number(state: WizardState, name: str, *, unit: str = "", hint: str = "") -> None:
    value = state.form.value(name)
    state.fields.number(f"strategy.{name}", t(f"wizard.{name}"), value, _into(state, name), unit=unit, hint=hint)


def _into(state: WizardState, name: str) -> Callable[[Any], None]:
    return into(state.form.strategy, name)
