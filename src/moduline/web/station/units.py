"""The page "Units": every try that was ever made, found by what people have in their hand; and the report of one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from nicegui import ui

from moduline.burn.books import KeptRecord, open_store
from moduline.line import board_words
from moduline.web.feedback import guarded
from moduline.web.jobs import JobState, JobView, job_panel
from moduline.web.shell import page, style
from moduline.web.site import site
from moduline.web.station.asking_form import OUTCOME_CHIPS, asking_form, outcome_word
from moduline.web.station.exports import export
from moduline.web.station.records_asked import PAGE, Asked, asked, without_page
from moduline.web.station.unit_report import show_report
from moduline.web.texts import either, t
from moduline.web.widgets import chip, empty, lasted, moment, row, table

PATH = "/line/units"


@page(PATH)
async def units_page(
    q: str = "",
    order: str = "",
    result: str = "",
    station: str = "",
    span: str = "",
    before: str = "",
    id: str = "",  # noqa: A002  the word in the address
) -> None:
    """The tries that are asked for; with ``id`` the report of one of them."""
    style("gang.css")
    if id:
        await show_report(id, PATH)
        return
    words = asked(q, order, result, station, span, before)
    store = open_store()
    orders, found = await asyncio.gather(
        asyncio.to_thread(store.orders), asyncio.to_thread(store.select, words.filter(site().clock.now_s(), PAGE + 1))
    )
    asking_form(PATH, words, orders)
    if not found:
        empty("search_off", t("units.none"), t("units.none_hint"))
        return
    shown, has_more = found[:PAGE], len(found) > PAGE
    with row():
        ui.label(t("units.shown_more" if has_more else "units.shown", count=len(shown))).classes("m-muted m-grow")
        _export_button("csv", words)
        _export_button("xlsx", words)
    table(
        [t(f"units.col.{name}") for name in ("result", "imei", "unit", "slot", "order", "at", "took", "try", "error")],
        [_row(one) for one in shown],
        caption=t("units.table"),
        numeric=(6, 7),
    ).classes("g-units")
    with row():
        if words.before:
            ui.link(t("units.newest"), without_page(words).address(PATH)).props('data-testid="units-newest"')
        if has_more:
            ui.link(t("units.older"), words.address(PATH, before=shown[-1].seq)).props('data-testid="units-older"')


def _row(kept: KeptRecord) -> list[object | Callable[[], Any]]:
    record = kept.record
    error = board_words.error_of(record.error_code, record.error_message, record.error_facts)[0]
    said = either(error.en, error.zh)
    if record.error_code:
        said = f"{record.error_code} {said}"
    return [
        partial(chip, OUTCOME_CHIPS.get(record.outcome, "idle"), outcome_word(record.outcome)),
        partial(_link, record.imei or record.id[:8], record.id),
        record.unit,
        record.slot,
        record.order,
        moment(record.started),
        lasted(record.seconds) if record.seconds else "",
        record.tries,
        partial(_error, said),
    ]


def _link(word: str, record: str) -> None:
    ui.link(word, f"{PATH}?id={record}").classes("m-mono").props('data-testid="units-open"')


def _error(said: str) -> None:
    ui.label(said).classes("g-error")


def _export_button(kind: str, words: Asked) -> None:
    def begin() -> None:
        with ui.dialog(value=True) as dialog, ui.card().classes("m-dialog"):
            dialog.props(f'aria-label="{t("units.export_title")}"')
            ui.label(t("units.export_title")).classes("m-strong m-dialog-title")

            def ended(view: JobView) -> None:
                if view.state is JobState.DONE:
                    ui.download(f"/line/exports/{view.id}")

            job_panel(export(without_page(words), kind), on_end=ended, with_log=False)
            with ui.row().classes("m-dialog-acts"):
                ui.button(t("shell.close"), on_click=dialog.close).props("flat")

    ui.button(t(f"units.{kind}"), icon="download", on_click=guarded(begin)).props(
        f'outline dense data-testid="units-{kind}"'
    )
