"""The page "Scan gate": one field, one answer that fills the screen, and what was answered before."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from urllib.parse import urlencode

from nicegui import events, ui

from moduline.burn.books import open_store
from moduline.errors import ModulineError
from moduline.line import board_words
from moduline.line.records.permit import Permit
from moduline.line.records.printing import print_label
from moduline.web.feedback import guarded
from moduline.web.shell import page, script, style
from moduline.web.station import gate
from moduline.web.station.setup import StationSetup, label_of, remembered
from moduline.web.texts import either, t
from moduline.web.widgets import chip, moment, table

PATH = "/line/scan"
HANDS = {"passed": "passed", "unknown": "no", "running": "running", "not-passed": "again", "other-image": "no"}


@page(PATH, frame="wide")
async def scan_page(order: str = "", labels: str = "", station: str = "") -> None:
    """Scan a label: may the unit go?"""
    style("gang.css")
    script("gang.js")
    kept = await asyncio.to_thread(remembered, station)
    orders = await asyncio.to_thread(open_store().orders)
    with ui.element("div").classes("g-gate-page"):
        _head(order, orders, kept, prints=labels == "1")
        answer = ui.element("section").classes("g-gate").props('role="status" aria-live="assertive" data-testid="gate"')
        with answer:
            _nothing_yet()
        with ui.element("section").classes("g-gate-log"):
            ui.html(f"<h2>{t('scan.log')}</h2>", sanitize=False)
            log = ui.element("div").props('data-testid="gate-log"')
    show_log = partial(_show_log, log)
    show_log(await asyncio.to_thread(gate.last))

    turn = asyncio.Lock()

    async def scanned(event: events.GenericEventArguments) -> None:
        async with turn:  # in the order of the scanner: the word that stands is that of the last label
            await guarded(_answer)(str(event.args), order, answer, show_log, kept if labels == "1" else None)

    ui.on("gate_scan", scanned)


def _head(order: str, orders: list[str], kept: StationSetup, *, prints: bool) -> None:
    def ask() -> None:
        told = {"order": chosen.value or "", "labels": "1" if label.value else "", "station": kept.station}
        ui.navigate.to(f"{PATH}?{urlencode({name: value for name, value in told.items() if value})}")

    known = {"": t("scan.any")} | {name: name for name in reversed(orders) if name}
    known |= {order: order} if order else {}
    with ui.element("section").classes("g-top g-gate-top"):
        with ui.element("div").classes("g-title"):
            ui.html(f"<h1>{t('scan.title')}</h1>", sanitize=False)
            ui.label(t("scan.about")).classes("m-muted")
        chosen = (
            ui.select(known, value=order, label=t("scan.order"))
            .props('outlined dense data-testid="gate-order"')
            .classes("g-ask-select")
            .on_value_change(ask)
        )
        label = ui.switch(t("scan.print", station=kept.station), value=prints).on_value_change(ask)
        label.set_visibility(bool(kept.label and kept.label_to))
        with ui.element("label").classes("g-scan g-gate-scan"):
            ui.icon("qr_code_scanner").props("aria-hidden=true")
            said = t("scan.field")
            ui.element("input").props(
                f'id="g-scan" data-event="gate_scan" data-testid="gate-scan" aria-label="{said}" placeholder="{said}" '
                'autocomplete="off"'
            )


def _nothing_yet() -> None:
    ui.icon("qr_code_scanner").props("aria-hidden=true").classes("g-gate-icon")
    ui.label(t("scan.ready")).classes("g-gate-why")
    ui.label(t("scan.ready_hint")).classes("m-muted")


async def _answer(
    scanned: str,
    order: str,
    box: ui.element,
    show_log: Callable[[list[gate.Passage]], None],
    printing: StationSetup | None,
) -> None:
    """Judge a label, say it, keep it, print what is to be printed."""
    unit, found = await asyncio.to_thread(gate.judge, scanned, order)
    box.props(f"data-k={'pass' if found.is_given else 'refused'}")
    box.clear()
    with box:
        _big(unit, order, found)
    await asyncio.to_thread(gate.note, unit, order, found)
    show_log(await asyncio.to_thread(gate.last))
    if printing is not None and found.is_given:
        await _print(found, printing, box)


def _big(unit: str, order: str, found: Permit) -> None:
    word = "pass" if found.is_given else "refused"
    with ui.element("div").classes("g-gate-word"):
        ui.icon("check_circle" if found.is_given else "block").props("aria-hidden=true")
        ui.label(t(f"scan.{word}")).props('data-testid="gate-word"')
    ui.label(t(f"scan.{word}_under")).classes("g-gate-under")
    ui.label(unit).classes("g-gate-unit m-mono").props('data-testid="gate-unit"')
    ui.label(_why(order, found)).classes("g-gate-why").props('data-testid="gate-why"')
    ui.label(t(f"scan.hand.{HANDS[found.reason]}")).classes("g-gate-hand")


def _why(order: str, found: Permit) -> str:
    record = found.record
    if record is None:
        return t("scan.reason.unknown_order", order=order) if order else t("scan.reason.unknown")
    error = board_words.error_of(record.error_code, record.error_message, record.error_facts)[0]
    facts = {
        "at": moment(record.ended or record.started),
        "slot": record.slot,
        "package": record.package,
        "outcome": record.outcome,
        "error": either(error.en, error.zh) or "–",
    }
    return t(f"scan.reason.{found.reason}", **facts)


async def _print(found: Permit, kept: StationSetup, box: ui.element) -> None:
    record = gate.wanted_record(found)
    if record is None:
        return
    try:
        label = await asyncio.to_thread(label_of, kept)
        if label is None:
            return
        remark = await asyncio.to_thread(print_label, record, *label)
        await asyncio.to_thread(open_store().add_remark, record.id, remark)
        said = t("scan.label_sent") if remark.is_ok else t("scan.label_failed", reason=remark.detail)
    except ModulineError as failure:
        said = t("scan.label_failed", reason=either(failure.message("en"), failure.message("zh")))
    with box:
        ui.label(said).classes("g-gate-label").props('data-testid="gate-label"')


def _show_log(box: ui.element, passages: list[gate.Passage]) -> None:
    box.clear()
    with box:
        if not passages:
            ui.label(t("scan.log_none")).classes("m-muted")
            return
        given = sum(one.is_given for one in passages)
        ui.label(t("scan.counts", passed=given, refused=len(passages) - given)).classes("m-muted")
        table(
            [t(f"scan.col.{name}") for name in ("at", "unit", "answer")],
            [
                (
                    moment(one.at)[11:],
                    partial(_unit, one),
                    partial(
                        chip, "good" if one.is_given else "warn", t("scan.pass" if one.is_given else "scan.refused")
                    ),
                )
                for one in passages
            ],
            caption=t("scan.log"),
        )


def _unit(one: gate.Passage) -> None:
    if one.record:
        ui.link(one.unit, f"/line/units?id={one.record}").classes("m-mono")
    else:
        ui.label(one.unit).classes("m-mono")
