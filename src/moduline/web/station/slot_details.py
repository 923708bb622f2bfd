"""Everything about one slot, in a dialog: state, error and remedy, steps, checks, log; and its label once more."""

from __future__ import annotations

import asyncio
from typing import Final

from nicegui import ui

from moduline.errors import Text
from moduline.line.board import SlotView
from moduline.web.feedback import answered, told
from moduline.web.station.live import LiveGang
from moduline.web.texts import either, t
from moduline.web.widgets import chip, facts, lasted, table, time_of_day

CHIPS: Final = {"pass": "good", "fail": "bad", "warn": "warn", "skip": "idle"}
STEP_CHIPS: Final = {"done": "good", "failed": "bad", "open": "bad", "begin": "busy"}
LOG_SHOWN: Final = 60


async def show_slot(gang: LiveGang, name: str) -> None:
    """Show a slot as it is now, until somebody closes it."""
    view = _slot(gang, name)
    if view is None:
        return
    title = t("gang.slot.title", slot=view.slot, word=_in(view.word))
    with ui.dialog() as dialog, ui.card().classes("m-dialog g-details").props('data-testid="gang-details"'):
        dialog.props(f'aria-label="{title}"')
        ui.html(f"<h2>{_plain(title)}</h2>", sanitize=False)
        if _in(view.error):
            with ui.element("div").classes("m-problem").props('role="alert"'):
                ui.label(f"{_in(view.error)} ({view.error_code})" if view.error_code else _in(view.error))
                ui.label(_in(view.hint))
        _facts(view)
        _steps(view)
        _checks(view)
        _log(view)
        with ui.row().classes("m-dialog-acts"):
            record = view.record
            if record is not None:
                ui.button(
                    t("gang.slot.report"),
                    icon="fact_check",
                    on_click=lambda: ui.navigate.to(f"/line/units?id={record.id}"),
                ).props("flat")
                if gang.print_label is not None and record.is_pass:
                    ui.button(t("gang.slot.label"), icon="label", on_click=lambda: print_again(gang, name)).props(
                        "flat"
                    )
            ui.button(t("shell.close"), on_click=dialog.close).props("unelevated autofocus")
    await answered(dialog)


async def print_again(gang: LiveGang, name: str) -> None:
    """Print the label of the last unit of a slot once more."""
    view = _slot(gang, name)
    if view is None or view.record is None or not view.record.is_pass or gang.print_label is None:
        ui.notify(t("gang.slot.no_label"), type="warning", position="top", classes="m-notice")
        return
    event = await asyncio.to_thread(gang.print_label, view.record)
    gang.relay.report(event)
    answer = getattr(event, "facts", {})
    if getattr(event, "slug", "") == "label.printed":
        told("gang.slot.label_sent", imei=answer.get("imei", ""))
    else:
        said = t("gang.slot.label_failed", reason=answer.get("reason", ""))
        ui.notify(said, type="negative", position="top", classes="m-notice")


def _slot(gang: LiveGang, name: str) -> SlotView | None:
    _, slots, _ = gang.relay.look()
    return next((one for one in slots if one.slot == name), None)


def _facts(view: SlotView) -> None:
    record = view.record if not view.is_at_work else None
    rows = [
        ("next", _in(view.next)),
        ("imei", view.imei),
        ("model", view.model),
        ("tries", str(view.tries or "")),
        ("seconds", lasted(view.seconds) if view.seconds else ""),
        ("before", record.version_before if record is not None else ""),
        ("after", record.version_after if record is not None else ""),
    ]
    facts((t(f"gang.slot.{name}"), value) for name, value in rows if value)


def _steps(view: SlotView) -> None:
    if not view.steps:
        return
    _heading("gang.slot.steps")
    with ui.element("ul").classes("g-steps"):
        for step in view.steps:
            with ui.element("li"):
                chip(STEP_CHIPS.get(step.state, "idle"), _in(step.text))
                ui.label(lasted(step.seconds)).classes("m-number m-muted")


def _checks(view: SlotView) -> None:
    if not view.checks:
        return
    _heading("gang.slot.checks")
    table(
        ("", "", ""),
        [
            (
                lambda one=one: chip(CHIPS.get(one.verdict, "idle"), one.name),
                f"{one.value} {one.limits}".strip(),
                one.detail,
            )
            for one in view.checks
        ],
        caption=t("gang.slot.checks"),
    )


def _log(view: SlotView) -> None:
    if not view.log:
        return
    _heading("gang.slot.log")
    with ui.element("ol").classes("g-log"):
        for line in list(reversed(view.log))[:LOG_SHOWN]:
            with ui.element("li"):
                ui.label(time_of_day(line.at)).classes("m-muted m-mono")
                ui.label(_in(line.text))


def _heading(slug: str) -> None:
    ui.html(f"<h3>{t(slug)}</h3>", sanitize=False)


def _in(text: Text) -> str:
    return either(text.en, text.zh)


def _plain(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
