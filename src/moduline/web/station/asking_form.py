"""The row of fields above tables of records: what is asked for goes into the address of the page."""

from __future__ import annotations

from collections.abc import Sequence

from nicegui import ui

from moduline.burn.record import OUTCOMES
from moduline.line import board_words
from moduline.web.station.records_asked import SPANS, Asked
from moduline.web.texts import either, t
from moduline.web.widgets import row

MOST_ORDERS = 300


def asking_form(
    path: str, words: Asked, orders: Sequence[str], *, has_search: bool = True, stations: Sequence[str] = ()
) -> None:
    """Show the fields; a change of one, or Enter, asks anew.

    Args:
        path: of the page.
        words: what is asked for now.
        orders: that there are; "" is none.
        has_search: whether units and results are asked for, too.
        stations: that there are; empty: not asked for.
    """
    listed = {"": t("units.any")} | {name: name for name in list(orders)[-MOST_ORDERS:][::-1] if name}
    if words.order:
        listed.setdefault(words.order, words.order)

    def ask() -> None:
        told = {"before": 0, "order": order.value or "", "span": span.value}
        if has_search:
            told |= {"q": (search.value or "").strip(), "result": result.value or ""}
        if stations:
            told["station"] = station.value or ""
        ui.navigate.to(words.address(path, **told))

    with row("g-ask").props('role="search"'):
        if has_search:
            search = (
                ui.input(t("units.q"), value=words.q)
                .props('outlined dense clearable data-testid="units-q"')
                .classes("g-ask-wide")
                .on("keydown.enter", ask)
            )
            result = _select("units.result", {"": t("units.any")} | _outcomes(), words.result, "units-result")
            result.on_value_change(ask)
        order = _select("units.order", listed, words.order, "units-order").on_value_change(ask)
        if stations:
            known = {"": t("units.any")} | {name: name for name in stations}
            station = _select("slots.station", known, words.station, "units-station").on_value_change(ask)
        spans = {name: t(f"units.span.{name}") for name in SPANS}
        span = _select("units.span", spans, words.span, "units-span").on_value_change(ask)
        if has_search:
            ui.button(t("units.search"), icon="search", on_click=ask).props('unelevated data-testid="units-search"')


def outcome_word(outcome: str) -> str:
    """What an outcome is called: as on the label."""
    state = board_words.OUTCOMES.get(outcome)
    if state is None:
        return t("units.running")
    word = board_words.word_of(state)
    local = either(word.en, word.zh)
    return outcome if local.upper() == outcome else f"{outcome} {local}"


OUTCOME_CHIPS = {"PASS": "good", "FAIL": "bad", "REFUSED": "warn", "ERROR": "bad", "ABORTED": "idle", "RUNNING": "busy"}


def _select(label: str, options: dict[str, str], value: str, testid: str) -> ui.select:
    return (
        ui.select(options, value=value if value in options else "", label=t(label))
        .props(f'outlined dense data-testid="{testid}"')
        .classes("g-ask-select")
    )


def _outcomes() -> dict[str, str]:
    return {name: outcome_word(name) for name in OUTCOMES if name != "RUNNING"}
