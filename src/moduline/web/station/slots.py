"""The page "Slots": how each slot of the line fares, and in a sentence which one looks like a bad pogo pin."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Final

from nicegui import ui

from moduline.burn.books import open_store
from moduline.line.records.slot_figures import LEAST_FAILURES, STAGES, SlotFigures, Suspect, slot_figures, suspects
from moduline.web.shell import page, style
from moduline.web.site import site
from moduline.web.station.asking_form import asking_form
from moduline.web.station.records_asked import asked
from moduline.web.station.setup import stations
from moduline.web.texts import t
from moduline.web.widgets import chip, empty, section, table

PATH: Final = "/line/slots"
COUNTED: Final = 20_000
"""So many of the latest tries are reckoned with."""
ENOUGH: Final = 30
"""Units below which nothing is said of a line."""
MILLION: Final = 1_000_000


@page(PATH)
async def slots_page(order: str = "", station: str = "", span: str = "") -> None:
    """How each slot fared in a time or an order."""
    style("gang.css")
    words = asked("", order, "", station, span, usual="all" if order else "week")
    store = open_store()
    known, found, names = await asyncio.gather(
        asyncio.to_thread(store.orders),
        asyncio.to_thread(store.select, words.filter(site().clock.now_s(), COUNTED)),
        asyncio.to_thread(stations),
    )
    asking_form(PATH, words, known, has_search=False, stations=sorted({*names, *filter(None, [words.station])}))
    records = [one.record for one in reversed(found)]
    figures = await asyncio.to_thread(slot_figures, records)
    if not figures:
        empty("grid_off", t("slots.none"), t("slots.none_hint"))
        return
    suspected = await asyncio.to_thread(suspects, figures)
    _verdict(figures, suspected)
    _table(figures, suspected)
    if len(found) == COUNTED:
        ui.label(t("slots.many", count=COUNTED)).classes("m-muted")
    with ui.expansion(t("slots.how"), icon="functions"):
        ui.label(t("slots.rule")).classes("m-muted")


def _verdict(figures: list[SlotFigures], suspected: list[Suspect]) -> None:
    units = sum(one.units for one in figures)
    with section(t("slots.verdict")).props('data-testid="slots-verdict"'):
        for one in suspected:
            with ui.element("p").classes("g-suspect"):
                ui.icon("warning").props("aria-hidden=true")
                ui.label(_said(one))
        if suspected:
            return
        with ui.element("p").classes("g-suspect g-suspect-none"):
            ui.icon("check_circle" if units >= ENOUGH else "hourglass_empty").props("aria-hidden=true")
            slug = "slots.fine" if units >= ENOUGH else "slots.too_few"
            ui.label(t(slug, units=units, slots=len(figures), least=LEAST_FAILURES))


def _said(one: Suspect) -> str:
    count = int(1 / one.chance) if one.chance > 0 else MILLION + 1
    chance = t("slots.chance_tiny") if count > MILLION else t("slots.chance", count=f"{count:,}")
    return t(
        "slots.suspect",
        slot=one.slot,
        stage=t(f"slots.stage.{one.stage}"),
        failed=one.failed,
        units=one.units,
        others_failed=one.others_failed,
        others=one.others,
        chance=chance,
        look=t(f"slots.look.{one.stage}"),
    )


def _table(figures: list[SlotFigures], suspected: list[Suspect]) -> None:
    named = {(one.station, one.rack, one.slot) for one in suspected}
    several = len({(one.station, one.rack) for one in figures}) > 1
    most = max(max(one.failed_at.values(), default=0) for one in figures)
    with section(t("slots.table")):
        table(
            [t(f"slots.col.{name}") for name in ("slot", "units", "yield", "failed", "cycle", "tries")],
            [
                (
                    partial(_name, one, is_named=(one.station, one.rack, one.slot) in named, with_jig=several),
                    one.units,
                    partial(_yield, one),
                    partial(_failures, one, most),
                    f"{one.cycle_s:.1f} s" if one.cycle_s else "–",
                    one.tries,
                )
                for one in figures
            ],
            caption=t("slots.table"),
            numeric=(1, 4, 5),
        )


def _name(one: SlotFigures, *, is_named: bool, with_jig: bool) -> None:
    with ui.element("span").classes("g-slot-name"):
        ui.label(one.slot).classes("m-strong")
        if with_jig:
            ui.label(" · ".join(filter(None, (one.station, one.rack)))).classes("m-muted m-small")
        if is_named:
            chip("warn", t("slots.suspected"))


def _yield(one: SlotFigures) -> None:
    """The share of units that passed at once, as a bar and a number."""
    share = one.passed / one.units if one.units else 0.0
    with ui.element("span").classes("g-share"):
        with ui.element("span").classes("g-share-bar").props("aria-hidden=true"):
            ui.element("span").classes("g-share-fill").style(f"width: {100 * share:.1f}%")
        ui.label(f"{100 * share:.1f} %" if one.units else "–")


def _failures(one: SlotFigures, most: int) -> None:
    with ui.element("span").classes("g-stages"):
        for stage in STAGES:
            count = one.failed_at.get(stage, 0)
            if not count:
                continue
            with ui.element("span").classes("g-stage"):
                ui.label(t(f"slots.stage.{stage}"))
                ui.element("span").classes("g-stage-bar").style(f"width: {8 + 72 * count / max(most, 1):.0f}px").props(
                    "aria-hidden=true"
                )
                ui.label(str(count)).classes("m-strong")
        if not one.failed_at:
            ui.label("–").classes("m-muted")
