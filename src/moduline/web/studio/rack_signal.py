"""Card, network and supply of a module, changed while it runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from nicegui import events, ui

from moduline.vmodule.rack_words import REGISTRATIONS
from moduline.vmodule.world.radio_plan import REGISTRATIONS as KINDS
from moduline.vmodule.world.radio_plan import dbm_of_rssi
from moduline.web.feedback import guarded
from moduline.web.studio.rack_module import NO_SIGNAL, Shown, said
from moduline.web.texts import t
from moduline.web.widgets import section

PLAN: Final = "plan"
MOST_RSSI: Final = 31


class SignalView:
    """Slider, switches and number; what the module has now is shown until somebody changes it.

    Args:
        shown: the module.
        refresh: called after a change.
    """

    def __init__(self, shown: Shown, refresh: Callable[[], Awaitable[Any]]) -> None:
        self._shown = shown
        self._refresh = refresh
        self._is_showing = False
        self._is_held = False
        self._is_typing = False
        with section(t("rack.surroundings"), about=t("rack.surroundings_about")) as card:
            card.props('data-testid="signal"')
            with ui.element("div").classes("m-row").props('role="status"'):
                ui.label(t("rack.registration_now")).classes("m-muted")
                self._now = ui.label().classes("m-strong").props('data-testid="registration-now"')
            with ui.element("div").classes("m-rack-field"):
                with ui.element("div").classes("m-row"):
                    ui.label(t("rack.signal")).classes("m-grow")
                    self._word = ui.label().classes("m-number m-strong").props('data-testid="signal-word"')
                self._rssi = ui.slider(min=0, max=MOST_RSSI, step=1, value=0, on_change=self._moved)
                self._rssi.props(f'aria-label="{t("rack.signal")}" data-testid="signal-slider"')
                self._rssi.on("change", guarded(self._set_rssi))
            kinds = {PLAN: t("rack.registration.plan")} | {kind: t(f"rack.registration.{kind}") for kind in KINDS}
            self._kind = ui.select(
                kinds, value=PLAN, label=t("rack.registration"), on_change=guarded(self._set_kind)
            ).props('outlined dense data-testid="registration"')
            with ui.element("div").classes("m-row"):
                self._network = ui.switch(t("rack.network"), on_change=guarded(self._set_network))
                self._sim = ui.switch(t("rack.sim"), on_change=guarded(self._set_sim))
            self._network.props('data-testid="network"')
            self._sim.props('data-testid="sim"')
            self._battery = ui.number(t("rack.battery"), min=0, max=6000, step=50, precision=0).props(
                'outlined dense debounce=600 data-testid="battery"'
            )
            self._battery.on("change", guarded(self._set_battery))
            self._battery.on("focus", lambda: setattr(self, "_is_typing", True), args=[])
            self._battery.on("blur", lambda: setattr(self, "_is_typing", False), args=[])
            with ui.element("div").classes("m-row"):
                ui.button(
                    t("rack.as_planned"),
                    icon="undo",
                    on_click=guarded(
                        lambda: self._change(rssi=PLAN, registration=PLAN, battery=PLAN, network="on", sim="in")
                    ),
                ).props('outline dense data-testid="as-planned"')

    def update(self, shown: Shown) -> None:
        """Show what is so now."""
        self._shown = shown
        signal = shown.signal
        forced = dict(word.split("=", 1) for word in shown.faults if "=" in word)
        data = t("rack.data_up" if signal["has_data"] else "rack.data_down")
        self._now.set_text(f"{said(REGISTRATIONS[signal['registration']])} · {data}")
        rssi = int(signal["rssi"])
        below = round(-dbm_of_rssi(rssi))
        self._word.set_text(t("rack.no_signal") if rssi == NO_SIGNAL else t("rack.signal_dbm", rssi=rssi, below=below))
        self._is_showing = True
        try:
            if not self._is_held:
                self._rssi.set_value(0 if rssi == NO_SIGNAL else rssi)
            self._kind.set_value(forced.get("registration", PLAN))
            self._network.set_value(signal["is_heard"])
            self._sim.set_value(signal["is_sim_in"])
            if not self._is_typing:
                self._battery.set_value(signal["battery_mv"])
        finally:
            self._is_showing = False

    async def _change(self, **wanted: Any) -> None:
        try:
            await self._shown.ask("signal", **wanted)
        finally:
            await self._refresh()

    def _moved(self) -> None:
        """From the first touch to the last, what the module has does not move the slider away below the hand."""
        self._is_held = self._is_held or not self._is_showing

    async def _set_rssi(self, event: events.GenericEventArguments) -> None:
        self._is_held = False
        await self._change(rssi=int(event.args))

    async def _set_kind(self, event: events.ValueChangeEventArguments[Any]) -> None:
        if not self._is_showing and event.value:
            await self._change(registration=event.value)

    async def _set_network(self, event: events.ValueChangeEventArguments[Any]) -> None:
        if not self._is_showing:
            await self._change(network="on" if event.value else "off")

    async def _set_sim(self, event: events.ValueChangeEventArguments[Any]) -> None:
        if not self._is_showing:
            await self._change(sim="in" if event.value else "out")

    async def _set_battery(self) -> None:
        if self._battery.value is not None:
            await self._change(battery=int(self._battery.value))
