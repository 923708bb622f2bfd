"""Which module is burnt: what is connected now, live, or an address of one's own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from nicegui import events, ui

from moduline.port.connected import ConnectedModule, connected_modules
from moduline.port.listing import PortInfo, all_ports
from moduline.profiles import catalog
from moduline.web.feedback import guarded
from moduline.web.texts import t
from moduline.web.widgets import empty, section

LOOK_S: Final = 1.0
BURNABLE: Final = ("download", "at")


def words_of(one: ConnectedModule) -> str:
    """What a module is, in a line."""
    parts = [one.name or one.place, one.model or ("" if one.state == "download" else t("burn.unknown_model")), one.imei]
    parts.append(t("burn.slot", slot=one.slot) if one.slot else "")
    parts.append(t("burn.in_download" if one.state == "download" else "burn.runs"))
    parts.append(t("burn.virtual") if one.is_virtual else t("burn.real"))
    return " · ".join(part for part in parts if part)


def burnable(ports: list[PortInfo]) -> list[ConnectedModule]:
    """Those that have a port to begin a burn with."""
    return [one for one in connected_modules(ports) if any(one.port(role) for role in BURNABLE)]


def has_sure_at(model: str) -> bool:
    """Whether the chip of a model is known to switch by an AT command; true of models that nobody knows."""
    known = catalog.module_of_model(model) if model else None
    return known is None or bool(catalog.chip_of(known).entry.at_commands)


class ModuleChoice:
    """The list of modules, kept up to date, and a field for any other address.

    Args:
        address: what is chosen at first.
        changed: called after another one was chosen, or the chosen one came or went.
    """

    def __init__(self, address: str, changed: Callable[[], Awaitable[Any]]) -> None:
        self.address = address
        self._changed = guarded(changed)
        self._found: list[ConnectedModule] = []
        self._shown: dict[str, str] | None = None
        self._radio: ui.radio | None = None
        with section(t("burn.module"), about=t("burn.module_about")) as card:
            card.props('data-testid="burn-module"')
            self._box = ui.element("div").classes("m-burn-modules")
            self._lost = ui.label().classes("m-problem").props('role="status"')
            self._lost.set_visibility(False)
            with ui.expansion(t("burn.other"), icon="edit"):
                self._other = ui.input(t("burn.other"), placeholder=t("burn.other_hint")).props(
                    'outlined dense debounce=400 data-testid="burn-other"'
                )
                self._other.on_value_change(guarded(self._named))

    @property
    def chosen(self) -> ConnectedModule | None:
        """The chosen module, when it is connected now."""
        return next((one for one in self._found if self._means(one)), None)

    async def look(self) -> None:
        """Show who is connected now."""
        was = self.chosen
        self._found = burnable(await asyncio.to_thread(all_ports))
        options = {one.address: words_of(one) for one in self._found}
        if options != self._shown:
            self._draw(options)
        chosen = self.chosen
        self._lost.set_visibility(bool(self.address) and chosen is None and not self._other.value)
        self._lost.set_text(t("burn.module_lost", address=self.address))
        if (was and was.model) != (chosen and chosen.model):
            await self._changed()

    def _means(self, one: ConnectedModule) -> bool:
        by_name = {f"virt:{one.rack}/{one.name}", f"virt:{one.name}"} if one.name else set()
        return self.address in {one.address, one.place, *by_name, *(port.path for port in one.ports)}

    def _draw(self, options: dict[str, str]) -> None:
        chosen = next((one.address for one in self._found if self._means(one)), None)
        if self._radio is not None and options and self._shown:
            self._shown = options
            self._radio.set_options(options, value=chosen)
            return
        self._shown = options
        self._box.clear()
        with self._box:
            if not options:
                self._radio = None
                empty("usb_off", t("burn.module_none"), t("burn.module_none_hint"))
                return
            self._radio = ui.radio(options, value=chosen, on_change=guarded(self._chose))
            self._radio.props(f'aria-label="{t("burn.module")}" data-testid="burn-modules"')

    async def _chose(self, event: events.ValueChangeEventArguments[Any]) -> None:
        if event.value and event.value != self.address:
            self.address = str(event.value)
            self._other.set_value("")
            await self._changed()

    async def _named(self, event: events.ValueChangeEventArguments[Any]) -> None:
        if event.value:
            self.address = str(event.value).strip()
            if self._radio is not None:
                self._radio.set_value(None)
            await self._changed()
