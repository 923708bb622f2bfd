"""The set-up of a station on its page: what is burnt, for which order, by whom, where; remembered at the start."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any, Final
from urllib.parse import quote

from nicegui import ui

from moduline import burn as burning
from moduline.errors import BadOption, BadRecipe, StorageFailed, UnknownOrder
from moduline.line.work_order import WorkOrder, all_orders, read_order, state_of
from moduline.port import registry
from moduline.port.listing import read_slots
from moduline.web.feedback import guarded
from moduline.web.file_dialog import choose_file
from moduline.web.station.setup import StationSetup, stations
from moduline.web.texts import t
from moduline.web.widgets import icon_button

PACKAGES: Final = (".zip", ".pac", ".binpkg", ".bin")
ALL: Final = ""
MOST_OFFERED: Final = 50


class SetupPane:
    """The form.

    Args:
        kept: what is shown at first.
    """

    def __init__(self, kept: StationSetup) -> None:
        self._kept = kept
        self._files = {name: getattr(kept, name) for name in ("package", "recipe", "units", "label")}
        self._shown: dict[str, ui.label] = {}
        self._clears: dict[str, ui.button] = {}
        self._order_said = ""
        self.on_start: Callable[[], Awaitable[Any]] | None = None
        ui.html(f"<h2>{t('gang.setup')}</h2>", sanitize=False)
        with ui.element("div").classes("g-form"):
            self._build(kept)
        ui.timer(0.05, self._look_at_order, once=True)

    def value(self) -> StationSetup:
        """What the form says now."""
        return replace(
            self._kept,
            station=self._station.value or "",
            operator=self._operator.value or "",
            order=self._order.value or "",
            count=int(self._count.value or 0),
            rack=self._rack.value or "",
            is_auto=bool(self._auto.value),
            is_again=bool(self._again.value),
            label_to=self._label_to.value or "",
            **self._files,
        )

    def set_order(self, name: str) -> None:
        """Choose an order."""
        self._order.set_value(name)

    def set_operator(self, name: str) -> None:
        """Say who works here."""
        self._operator.set_value(name)

    @contextlib.contextmanager
    def busy(self) -> Iterator[None]:
        """While the gang is being begun."""
        self._start.props("loading").disable()
        try:
            yield
        finally:
            self._start.props(remove="loading").enable()

    async def refresh(self) -> None:
        """Look again at what may have changed outside of the form: the order."""
        await self._look_at_order()

    # ---- the fields -------------------------------------------------------------------------------------------------

    def _build(self, kept: StationSetup) -> None:
        self._file_row("package", "gang.setup.load", "folder_open", PACKAGES)
        self._order = _input("order", kept.order).props('data-testid="gang-order"')
        self._order.on_value_change(self._look_at_order)
        self._order_state = ui.label().classes("m-muted g-hint").props('role="status" data-testid="gang-order-state"')
        self._count = (
            ui.number(t("gang.setup.count"), value=kept.count, min=0, precision=0)
            .props('outlined dense data-testid="gang-count"')
            .classes("g-input")
        )
        self._rack = (
            ui.select(_racks(kept.rack), value=kept.rack, label=t("gang.setup.rack"))
            .props('outlined dense data-testid="gang-rack"')
            .classes("g-input")
        )
        with ui.element("div").classes("g-pair"):
            self._operator = _input("operator", kept.operator).props('data-testid="gang-operator"')
            self._station = _input("station", kept.station).props('data-testid="gang-station"')
            self._station.set_autocomplete(stations())
            self._station.on("blur", self._other_station)
        self._auto = ui.switch(t("gang.setup.auto"), value=kept.is_auto).props('data-testid="gang-auto"')
        self._again = ui.checkbox(t("gang.setup.again"), value=kept.is_again).props('dense data-testid="gang-again"')
        with ui.expansion(t("gang.setup.more"), icon="tune").classes("g-more"):
            self._file_row("recipe", "gang.setup.recipe", "checklist", (".toml",))
            self._file_row("units", "gang.setup.units", "table_view", (".csv", ".toml"))
            self._file_row("label", "gang.setup.label", "label", ())
            self._label_to = _input("label_to", kept.label_to)
        self._start = (
            ui.button(t("gang.setup.start"), icon="play_arrow", on_click=self._begin)
            .props('unelevated size="lg" data-testid="gang-start"')
            .classes("g-start")
        )

    def _file_row(self, name: str, said: str, icon: str, suffixes: tuple[str, ...]) -> None:
        async def choose() -> None:
            start = str(PurePosixPath(self._files[name]).parent).removeprefix(".") if self._files[name] else ""
            path = await choose_file(suffixes, start)
            if path is not None:
                self._set_file(name, path)

        with ui.element("div").classes("g-file"):
            is_first = name == "package"
            ui.button(t(said), icon=icon, on_click=guarded(choose)).props(
                f'{"outline" if is_first else "flat dense"} no-caps align="left" data-testid="gang-{name}"'
            )
            with ui.element("div").classes("g-file-name"):
                self._shown[name] = ui.label().props(f'data-testid="gang-{name}-name"')
                self._clears[name] = icon_button(
                    "close", f"{t('gang.setup.clear')}: {t(said)}", lambda: self._set_file(name, "")
                )
        self._set_file(name, self._files[name])

    def _set_file(self, name: str, path: str) -> None:
        self._files[name] = path
        none = self._order_said if name == "package" and self._order_said else ""
        none = none or t("gang.setup.no_package" if name == "package" else "gang.setup.none")
        self._shown[name].set_text(PurePosixPath(path).name or none)
        self._shown[name].props(f'title="{path}"')
        self._clears[name].set_visibility(bool(path))

    # ---- what follows from a field ----------------------------------------------------------------------------------

    async def _begin(self) -> None:
        if self.on_start is not None:
            await self.on_start()

    def _other_station(self) -> None:
        """A station that was set up before has its own set-up."""
        name = (self._station.value or "").strip()
        if name and name != self._kept.station and name in stations():
            ui.navigate.to(f"/line?station={quote(name)}")

    async def _look_at_order(self) -> None:
        name = (self._order.value or "").strip()
        found, said = await asyncio.to_thread(_order_state, name)
        if name != (self._order.value or "").strip():
            return
        self._order.set_autocomplete(await asyncio.to_thread(_open_orders))
        self._order_said = t("gang.setup.order_package", file=Path(found.file).name) if found is not None else ""
        self._count.set_visibility(bool(name) and found is None)
        self._order_state.set_text(t(said[0], **said[1]) if said[0] else "")
        self._order_state.set_visibility(bool(said[0]))
        self._set_file("package", self._files["package"])


def _input(name: str, value: str) -> ui.input:
    return ui.input(t(f"gang.setup.{name}"), value=value).props("outlined dense").classes("g-input")


def _racks(kept: str) -> dict[str, str]:
    names = {entry.rack for entry in registry.modules()} | set(read_slots()) | ({kept} if kept else set())
    return {ALL: t("gang.setup.rack_all")} | {name: name for name in sorted(names)}


def _order_state(name: str) -> tuple[WorkOrder | None, tuple[str, dict[str, Any]]]:
    """The order of that name, and what is said of it."""
    if not name:
        return None, ("", {})
    try:
        work = read_order(name)
        state = state_of(work, burning.book(name).read())
    except UnknownOrder:
        return None, ("gang.setup.order_new", {})
    except (BadOption, BadRecipe, StorageFailed):
        return None, ("", {})
    if work.is_closed or state.is_full:
        return work, ("gang.setup.order_over", {})
    if state.left is None:
        return work, ("gang.setup.order_no_end", {"passed": state.passed})
    return work, ("gang.setup.order_open", {"passed": state.passed, "left": state.left})


def _open_orders() -> list[str]:
    try:
        return [work.id for work in reversed(all_orders()) if not work.is_closed][:MOST_OFFERED]
    except (BadRecipe, StorageFailed):
        return []
