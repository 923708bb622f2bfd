"""Making devices known before they come: a table that is looked at line by line first, or the line's own records."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from nicegui import events, ui

from moduline.burn.books import open_store
from moduline.errors import ModulineError
from moduline.web.console.device_tables import FAULTY, DeviceTable, TableLine, of_records, read_table, send_table
from moduline.web.console.forms import choice
from moduline.web.feedback import answered, guarded, show_error, told
from moduline.web.platform_api import api
from moduline.web.texts import t
from moduline.web.viewer import viewer
from moduline.web.widgets import drop_zone, table

MOST_BYTES: Final = 16 << 20
SHOWN: Final = 200
"""Lines that are shown; those with a fault come first."""
_CHIPS: Final = {"ready": "info", "new": "good", "known": "idle", "faulty": "bad"}


async def import_devices(products: dict[int, str], product: int | None) -> bool:
    """Ask for a table, show what it says, import it, show what came of it; whether anything was imported.

    Args:
        products: names by number; not empty.
        product: the one that is chosen at first.
    """
    with ui.dialog().props("persistent") as dialog, ui.card().classes("m-dialog c-wide"):
        dialog.props["aria-label"] = t("devices.import_title")
        ui.label(t("devices.import_title")).classes("m-strong m-dialog-title").props('role="heading" aria-level="2"')
        first = product if product in products else next(iter(products))
        into = choice(t("devices.import_product"), products, first, "devices-import-product")
        asked = ui.element("div").classes("m-stack")
        found = ui.element("div").classes("m-stack")
        state = _Import(into, found, asked)
        with asked:
            _sources(state)
        with ui.row().classes("m-dialog-acts"):
            ui.button(t("shell.close"), on_click=lambda: dialog.submit(state.is_done)).props(
                'flat data-testid="devices-import-close"'
            )
    orders = await asyncio.to_thread(_orders)
    state.offer(orders)
    done = await answered(dialog)
    return bool(done)


class _Import:
    """What was brought along and what became of it.

    Args:
        into: says which product.
        place: gets what was found.
        asked: goes away once there is nothing more to choose.
    """

    def __init__(self, into: ui.select, place: ui.element, asked: ui.element) -> None:
        self._into = into
        self._place = place
        self._asked = asked
        self.orders: ui.select | None = None
        self.is_done = False

    def offer(self, orders: list[str]) -> None:
        """Say which production orders there are."""
        if self.orders is not None:
            self.orders.set_options({"": "—"} | {one: one for one in orders if one}, value="")

    def show(self, found: DeviceTable) -> None:
        """Show what a table says, with the button that imports it."""
        self._place.clear()
        with self._place:
            said = t("devices.import_found", good=len(found.body), bad=found.faults)
            ui.label(said).classes("m-strong").props('role="status" data-testid="devices-import-found"')
            if found.ignored:
                ui.label(t("devices.import_ignored", names=", ".join(found.ignored))).classes("m-muted")
            if not found.body:
                ui.label(t("devices.import_none"))
            else:
                ui.button(
                    t("devices.import_yes", count=len(found.body)), icon="upload", on_click=guarded(self._send(found))
                ).props('unelevated data-testid="devices-import-yes"')
            _lines(found)

    def _send(self, found: DeviceTable) -> Any:
        async def send() -> None:
            self._place.clear()
            with self._place:
                bar = ui.linear_progress(0, show_value=False).props(f'aria-label="{t("devices.import_title")}"')
            try:
                done, new, known = await send_table(api(), self._into.value, found, bar.set_value)
            except ModulineError:
                self.show(found)
                raise
            self.is_done = True
            self._asked.set_visibility(False)
            self._into.disable()
            self._place.clear()
            with self._place:
                ui.label(t("devices.import_done", new=new, known=known)).classes("m-strong").props(
                    'role="status" data-testid="devices-import-done"'
                )
                _lines(done)
            told("devices.import_done", new=new, known=known)

        return send


def _sources(state: _Import) -> None:
    ui.label(t("devices.import_about")).classes("m-muted")

    async def sent(event: events.UploadEventArguments) -> None:
        try:
            state.show(read_table(await event.file.read(), event.file.name))
        except ModulineError as failure:
            show_error(failure)

    drop_zone(
        t("devices.import_drop"),
        sent,
        testid="devices-import-file",
        most_bytes=MOST_BYTES,
        accept=".csv,.txt,.jsonl,.ndjson",
        on_rejected=lambda: ui.notify(t("devices.import_rejected"), type="negative", position="top"),
    )
    with ui.expansion(t("devices.import_line"), icon="precision_manufacturing").props(
        'dense data-testid="devices-import-line"'
    ):
        ui.label(t("devices.import_line_about")).classes("m-muted")
        with ui.element("div").classes("c-filter"):
            state.orders = choice(t("devices.import_order"), {"": "—"}, "", "devices-import-order")

            async def look() -> None:
                assert state.orders is not None
                state.show(await asyncio.to_thread(of_records, state.orders.value or ""))

            ui.button(t("devices.import_look"), icon="search", on_click=guarded(look)).props(
                'outline dense data-testid="devices-import-look"'
            )


def _orders() -> list[str]:
    """Production orders of this computer; none where nothing was ever burnt."""
    try:
        return open_store().orders()
    except ModulineError:
        return []


def _lines(found: DeviceTable) -> None:
    table(
        (t("devices.import_row"), t("devices.dk"), t("devices.versions"), t("devices.import_result")),
        [_cells(one) for one in found.lines[:SHOWN]],
        caption=t("devices.import_result"),
    ).classes("c-lines").props('data-testid="devices-import-lines"')
    if len(found.lines) > SHOWN:
        ui.label(t("devices.import_more", count=len(found.lines) - SHOWN)).classes("m-muted")


def _cells(one: TableLine) -> tuple[object, ...]:
    said = t(
        f"devices.result.{one.result}",
        field=one.field,
        reason="" if one.reason is None else one.reason.say(viewer().lang),
    )

    def result() -> None:
        ui.label(said).classes(f"c-result m-chip-{_CHIPS[one.result]}")

    return (one.line or "", one.dk if one.result != FAULTY else "—", one.about, result)
