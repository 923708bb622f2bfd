"""The report of a unit: what was burnt into it, when, where, by whom, what every check found, and its label."""

from __future__ import annotations

import asyncio
import base64
from functools import partial
from typing import Final

from nicegui import ui

from moduline.burn import BurnRecord
from moduline.burn.books import KeptRecord, RecordFilter, open_store
from moduline.errors import LabelFailed, ModulineError
from moduline.line import board_words
from moduline.line.records.labels import LabelTemplate, render
from moduline.line.records.printing import LabelTarget, print_label
from moduline.web.feedback import error_card, guarded, told
from moduline.web.station.asking_form import OUTCOME_CHIPS, outcome_word
from moduline.web.station.setup import label_of, remembered
from moduline.web.station.slot_details import CHIPS
from moduline.web.texts import TABLE, either, t
from moduline.web.widgets import chip, copy_button, empty, facts, lasted, moment, row, section, table

WHAT: Final = (
    "imei",
    "unit",
    "model",
    "package",
    "sha256",
    "package_version",
    "version_before",
    "version_after",
    "bytes",
)
WHO: Final = ("order", "station", "operator", "slot", "place", "rack", "started", "seconds", "tries", "id", "nv_file")
MOST_TRIES: Final = 100


async def show_report(record_id: str, path: str) -> None:
    """Show the report of a try.

    Args:
        record_id: its id, or the beginning of it.
        path: of the page that lists records.
    """
    found = await asyncio.to_thread(open_store().select, RecordFilter(id=record_id[:64], limit=2))
    ui.link(t("units.back"), path).props('data-testid="units-back"')
    if len(found) != 1:
        empty("search_off", t("units.gone", id=record_id[:64]), t("units.gone_hint"))
        return
    kept = found[0]
    record = kept.record
    with row("g-report-head").props('data-testid="units-report"'):
        ui.html(
            f"<h2>{_plain(t('units.report', unit=record.unit or record.imei or record.id[:8]))}</h2>", sanitize=False
        )
        chip(OUTCOME_CHIPS.get(record.outcome, "idle"), outcome_word(record.outcome))
        copy_button(record.imei or record.id)
    _error(record)
    with ui.element("div").classes("m-two"):
        with section(t("units.what")):
            facts(_rows(record, WHAT))
        with section(t("units.who")):
            facts(_rows(record, WHO))
    _checks(record)
    with ui.element("div").classes("m-two"):
        _steps(record)
        await _label(record)
    _remarks(kept)
    await _tries(record, path)


def _error(record: BurnRecord) -> None:
    if not record.error_code and not record.error_message:
        return
    error, hint = board_words.error_of(record.error_code, record.error_message, record.error_facts)
    with ui.element("div").classes("m-problem"):
        ui.label(f"{either(error.en, error.zh)} ({record.error_code or '–'})").classes("m-strong")
        ui.label(either(hint.en, hint.zh))


def _rows(record: BurnRecord, names: tuple[str, ...]) -> list[tuple[str, object]]:
    shown = {
        "started": moment(record.started) if record.started else "",
        "seconds": lasted(record.seconds) if record.seconds else "",
        "bytes": f"{record.bytes:,}" if record.bytes else "",
    }
    values = [(name, shown.get(name, getattr(record, name))) for name in names]
    return [(t(f"units.fact.{name}"), value) for name, value in values if value not in {"", 0}]


def _checks(record: BurnRecord) -> None:
    if not record.checks:
        return
    with section(t("units.checks")):
        table(
            [t(f"units.{name}") for name in ("check", "check_value", "check_limits", "check_detail")],
            [
                (partial(chip, CHIPS.get(one.verdict, "idle"), one.name), one.value, one.limits, one.detail)
                for one in record.checks
            ],
            caption=t("units.checks"),
        )


def _steps(record: BurnRecord) -> None:
    if not record.steps:
        return
    with section(t("units.steps")):
        table(
            (t("units.step"), t("units.col.took")),
            [
                (_step(name), lasted(seconds) if seconds >= 0 else partial(chip, "bad", t("units.step_open")))
                for name, seconds in record.steps.items()
            ],
            caption=t("units.steps"),
            numeric=(1,),
        )


def _step(name: str) -> str:
    said = board_words.step_of(name, {})
    return either(said.en, said.zh)


async def _label(record: BurnRecord) -> None:
    """The label as it would be printed, and printing it."""
    with section(t("units.label")):
        kept = await asyncio.to_thread(remembered, record.station)
        try:
            label = await asyncio.to_thread(label_of, kept)
        except ModulineError as failure:
            error_card(failure)
            return
        if label is None:
            ui.label(t("units.label_none", station=kept.station)).classes("m-muted")
            return
        template, target = label
        _picture(record, template)
        ui.label(t("units.label_goes", target=target)).classes("m-muted")
        if not record.is_pass:
            ui.label(t("units.label_not_passed"))
            return
        ui.button(
            t("units.label_print"), icon="print", on_click=guarded(partial(_print, record, template, target))
        ).props('outline data-testid="units-print"')


def _picture(record: BurnRecord, template: LabelTemplate) -> None:
    made = render(template, record, None)
    said = t("units.label_picture")
    kinds = {"xml": "image/svg+xml", "svg": "image/svg+xml", "png": "image/png"}
    if template.kind in kinds:  # as a picture nothing in it can run
        data = base64.b64encode(made).decode()
        ui.element("img").props(f'src="data:{kinds[template.kind]};base64,{data}" alt="{said}"').classes("g-label")
    else:
        with ui.element("pre").classes("g-label m-mono").props(f'aria-label="{said}" tabindex="0"'):
            ui.label(made.decode("utf-8", "replace"))


async def _print(record: BurnRecord, template: LabelTemplate, target: LabelTarget) -> None:
    remark = await asyncio.to_thread(print_label, record, template, target)
    await asyncio.to_thread(open_store().add_remark, record.id, remark)
    if not remark.is_ok:
        raise LabelFailed(target=str(target), reason=remark.detail)
    told("gang.slot.label_sent", imei=record.imei)


def _remarks(kept: KeptRecord) -> None:
    if not kept.remarks:
        return
    with section(t("units.remarks")):
        table(
            ("", "", "", ""),
            [
                (
                    moment(one.at),
                    t(f"units.remark.{one.kind}") if f"units.remark.{one.kind}" in TABLE else one.kind,
                    partial(
                        chip, "good" if one.is_ok else "bad", t("units.remark_ok" if one.is_ok else "units.remark_bad")
                    ),
                    one.detail,
                )
                for one in kept.remarks
            ],
            caption=t("units.remarks"),
        )


async def _tries(record: BurnRecord, path: str) -> None:
    """Every try of the same unit."""
    if not record.imei and not record.unit:
        return
    wanted = RecordFilter(imei=record.imei or None, unit=None if record.imei else record.unit, limit=MOST_TRIES)
    tries = await asyncio.to_thread(open_store().select, wanted)
    with section(t("units.tries")):
        table(
            [t(f"units.col.{name}") for name in ("result", "at", "slot", "order", "try", "error")],
            [
                (
                    partial(chip, OUTCOME_CHIPS.get(one.record.outcome, "idle"), outcome_word(one.record.outcome)),
                    partial(ui.link, moment(one.record.started), f"{path}?id={one.record.id}"),
                    one.record.slot,
                    one.record.order,
                    one.record.tries,
                    one.record.error_code,
                )
                for one in tries
            ],
            caption=t("units.tries"),
            numeric=(4,),
        )


def _plain(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
