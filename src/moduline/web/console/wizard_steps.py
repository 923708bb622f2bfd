"""Steps 1 to 4 of the wizard: name and product, packages in their order, who gets it, when."""

from __future__ import annotations

import asyncio
import functools
from typing import Any, Final

from nicegui import events, ui

from moduline.cloud.plans.zone import zone_names
from moduline.web.console.plan_words import proof_chip, rehearsed_chip
from moduline.web.console.wizard_fields import help_in_place, into
from moduline.web.console.wizard_form import keys, keys_of_table, new_component, new_release
from moduline.web.console.wizard_state import WizardState
from moduline.web.feedback import told
from moduline.web.texts import t
from moduline.web.widgets import drop_zone, empty, icon_button, row, size

MOST_TABLE: Final = 32 << 20
"""Bytes of a table of keys."""
MOST_SHOWN: Final = 2000
"""Keys that a text field shows."""
_FIRST_ZONES = ("Asia/Shanghai", "UTC", "Europe/Berlin", "America/New_York")


def basics(state: WizardState) -> None:
    """Name and product."""
    form, fields = state.form, state.fields
    help_in_place("wizard.basics_help")
    fields.text("name", t("wizard.name"), form.name, lambda value: setattr(form, "name", value), props="autofocus")
    if not state.products:
        empty("category", t("wizard.no_products"), t("wizard.no_products_hint"))
        return
    options = {0: t("wizard.choose")} | {one["id"]: one["name"] for one in state.products}
    hint = t("wizard.product_fixed") if form.revision else t("wizard.product_hint")
    field = fields.choice(
        "product", t("wizard.product"), options, form.product if form.product in options else 0,
        lambda value: setattr(form, "product", int(value or 0)), hint=hint,
    )  # fmt: skip
    if form.revision:
        field.disable()
    known = next((one for one in state.products if one["id"] == form.product), None)
    if known is not None:
        for name in ("needs_verification", "needs_rehearsal"):
            if known["settings"][name]:
                ui.label(t(f"wizard.product_{name}")).classes("m-muted")


def packages(state: WizardState) -> None:
    """Components in their order, each with its packages."""
    help_in_place("wizard.packages_help")
    if not state.artifacts:
        empty("inventory", t("wizard.no_packages"), t("wizard.no_packages_hint"))
        ui.link(t("wizard.to_packages"), "/console/packages")
        return
    for at in range(len(state.form.components)):
        _component(state, at)
    ui.button(t("wizard.add_component"), icon="add", on_click=lambda: _add_component(state)).props(
        'flat data-testid="wizard-add-component"'
    ).classes("g-start")


def _component(state: WizardState, at: int) -> None:
    form = state.form
    one, place = form.components[at], f"components[{at}]"
    with ui.element("fieldset").classes("g-part").props(f'data-testid="wizard-component-{at}"'):
        with ui.element("legend"):
            ui.label(t("wizard.component_number", number=at + 1))
        with row("g-line"):
            state.fields.text(
                f"{place}.component", t("wizard.component"), one["component"],
                lambda value: one.update(component=value), hint=t("wizard.component_hint"),
            )  # fmt: skip
            if at:
                icon_button("arrow_upward", t("wizard.earlier"), lambda: _swap(state, at))
            if len(form.components) > 1:
                icon_button("delete", t("wizard.remove_component"), lambda: _drop(state, form.components, at))
        for number in range(len(one["releases"])):
            _release(state, one, place, number)
        ui.button(t("wizard.add_stone"), icon="add_road", on_click=lambda: _add_release(state, one)).props(
            "flat dense"
        ).classes("g-start").props(f'data-testid="wizard-add-stone-{at}"')


def _release(state: WizardState, component: dict[str, Any], place: str, number: int) -> None:
    releases = component["releases"]
    one = releases[number]
    known = state.artifact(one["artifact"])
    options = {0: t("wizard.choose")} | {each["id"]: _named(each) for each in state.artifacts}
    is_last = number == len(releases) - 1
    label = t("wizard.package") if len(releases) == 1 else t("wizard.target" if is_last else "wizard.stone")

    def choose(value: Any) -> None:
        one["artifact"] = int(value or 0)
        chosen = state.artifact(one["artifact"])
        if chosen is not None and chosen["component"]:
            component["component"] = chosen["component"]
        state.redraw()

    with row("g-line"):
        value = one["artifact"] if one["artifact"] in options else 0
        state.fields.choice(f"{place}.releases[{number}]", label, options, value, choose, is_long=True)
        if len(releases) > 1:
            icon_button("delete", t("wizard.remove_stone"), lambda: _drop(state, releases, number))
    if known is None:
        return
    with row("g-proofs"):
        proof_chip(known["state"])
        rehearsed_chip(known["is_rehearsed"])
        ui.label(size(sum(file["bytes"] for file in known["files"]))).classes("m-muted")
        if known["state"] != "passed":
            ui.link(t("wizard.verify"), f"/console/verification?artifact={known['id']}")
    if not known["source"]:
        state.fields.text(
            f"{place}.releases[{number}].needs", t("wizard.needs"), one["needs"],
            lambda value: one.update(needs=value), hint=t("wizard.needs_hint"),
        )  # fmt: skip


def _named(one: dict[str, Any]) -> str:
    source = one["source"] or t("wizard.any_version")
    return f"{one['name']} · {source} → {one['target']}"


def _add_component(state: WizardState) -> None:
    state.form.components.append(new_component())
    state.redraw()


def _add_release(state: WizardState, component: dict[str, Any]) -> None:
    component["releases"].insert(0, new_release())
    state.redraw()


def _drop(state: WizardState, some: list[Any], at: int) -> None:
    del some[at]
    state.redraw()


def _swap(state: WizardState, at: int) -> None:
    some = state.form.components
    some[at - 1], some[at] = some[at], some[at - 1]
    state.redraw()


def scope(state: WizardState) -> None:
    """All devices, a white list, a black list, a filter; and how many that meets."""
    form, fields = state.form, state.fields
    help_in_place("wizard.scope_help")

    def choose(change: Any) -> None:
        form.is_white = bool(change.value)
        state.redraw()

    options = {False: t("wizard.everybody"), True: t("wizard.only_white")}
    ui.radio(options, value=form.is_white, on_change=choose).props('inline data-testid="wizard-scope"').classes(
        "g-radio"
    )
    if form.is_white:
        _list(state, "white")
    _list(state, "black")
    fields.text(
        "filter", t("wizard.filter"), form.filter, lambda value: setattr(form, "filter", value),
        hint=t("wizard.filter_hint"), props="autocapitalize=off spellcheck=false",
    )  # fmt: skip
    with ui.element("p").classes("g-count").props('role="status" data-testid="wizard-count"'):
        state.count_label = ui.label(t("wizard.counting"))
    state.count_soon()


def _list(state: WizardState, name: str) -> None:
    """Keys that are typed, pasted or read from a table; very many are counted and not shown."""
    form = state.form
    count = len(keys(getattr(form, name)))
    with ui.element("div").classes("g-list"):
        if count > MOST_SHOWN:
            with row().props(f'data-testid="wizard-{name}-many"'):
                ui.label(t(f"wizard.{name}")).classes("m-strong")
                ui.label(t("wizard.list_many", count=f"{count:,}"))
                ui.button(t("wizard.list_clear"), on_click=lambda: _set_list(state, name, "")).props("flat dense")
        else:
            state.fields.lines(
                name, t(f"wizard.{name}"), getattr(form, name), functools.partial(setattr, form, name),
                hint=t("wizard.list_hint"), props='input-style="max-height: 220px"',
            )  # fmt: skip

        async def sent(event: events.UploadEventArguments) -> None:
            found = await asyncio.to_thread(keys_of_table, await event.file.read())
            merged = list(dict.fromkeys([*keys(getattr(form, name)), *found]))
            _set_list(state, name, "\n".join(merged))

        drop_zone(
            t("wizard.csv"), sent, testid=f"wizard-{name}-csv", most_bytes=MOST_TABLE, accept=".csv,.txt",
            on_rejected=lambda: told("wizard.csv_rejected"),
        ).classes("g-upload")  # fmt: skip


def _set_list(state: WizardState, name: str, value: str) -> None:
    setattr(state.form, name, value)
    state.redraw()


def window(state: WizardState) -> None:
    """Zone, start and end, and the hours in which the platform pushes."""
    form, fields = state.form, state.fields
    help_in_place("wizard.window_help")
    zones = [*_FIRST_ZONES, *sorted(zone_names() - set(_FIRST_ZONES))]
    fields.choice(
        "zone", t("wizard.zone"), zones, form.zone if form.zone in zones else None,
        lambda value: setattr(form, "zone", value or ""), is_long=True,
    )  # fmt: skip
    with row("g-line"):
        for name in ("start", "end"):
            fields.text(
                name, t(f"wizard.{name}"), getattr(form, name), functools.partial(setattr, form, name),
                props="type=datetime-local stack-label",
            )  # fmt: skip
    ui.html(f"<h3>{t('wizard.windows')}</h3>", sanitize=False)
    ui.label(t("wizard.windows_about")).classes("m-muted")
    hours = {hour: f"{hour:02}:00" for hour in range(25)}
    for at, one in enumerate(form.windows):
        with row("g-line").props(f'data-testid="wizard-window-{at}"'):
            for place, side in ((0, "start"), (1, "end")):
                fields.choice(
                    f"windows[{at}].{side}", t(f"wizard.window_{side}"), hours, one[place],
                    into(one, place, int),
                )  # fmt: skip
            icon_button("delete", t("wizard.remove_window"), lambda at=at: _drop(state, form.windows, at))

    def add() -> None:
        form.windows.append([9, 18])
        state.redraw()

    ui.button(t("wizard.add_window"), icon="add", on_click=add).props('flat data-testid="wizard-add-window"').classes(
        "g-start"
    )
    if form.windows:
        fields.tick(
            "is_windows_strict", t("wizard.strict"), form.is_windows_strict,
            lambda value: setattr(form, "is_windows_strict", value), about=t("wizard.strict_about"),
        )  # fmt: skip
