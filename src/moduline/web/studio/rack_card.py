"""A module as a card, and the row of things that hands do with it; both are kept up to date without being redrawn."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import ui

from moduline.web.feedback import guarded
from moduline.web.studio.rack_module import CHIPS, NO_SIGNAL, Shown
from moduline.web.texts import t
from moduline.web.widgets import chip

Refresh = Callable[[], Awaitable[Any]]


class Hands:
    """Power, reset, boot pin and cable of one module.

    Args:
        shown: the module.
        refresh: called after something was done.
    """

    def __init__(self, shown: Shown, refresh: Refresh) -> None:
        self._shown = shown
        self._refresh = refresh
        with ui.element("div").classes("m-row m-rack-hands"):
            self._power = self._button("power_settings_new", "rack.power_on", self._switch)
            self._reset = self._button("restart_alt", "rack.reset", lambda: self._do("power", action="reset"))
            self._pin = self._button("push_pin", "rack.boot_pin", lambda: self._do("power", action="boot-pin"))
            self._pin.tooltip(t("rack.boot_pin_about"))
            self._cable = self._button("usb_off", "rack.cable_pull", self._plug)
        for button, testid in (
            (self._power, "power"),
            (self._reset, "reset"),
            (self._pin, "boot-pin"),
            (self._cable, "cable"),
        ):
            button.props(f'data-testid="{testid}-{shown.name}"')

    def update(self, shown: Shown) -> None:
        """Show what can be done now."""
        self._shown = shown
        is_off = shown.state == "off"
        self._name(self._power, "rack.power_on" if is_off else "rack.power_off")
        self._reset.set_enabled(not is_off)
        self._name(self._cable, "rack.cable_pull" if shown.is_plugged else "rack.cable_put")
        self._cable.props(f"icon={'usb_off' if shown.is_plugged else 'usb'}")

    def _button(self, icon: str, slug: str, act: Callable[[], Any]) -> ui.button:
        made = ui.button(icon=icon, on_click=guarded(act)).props("outline dense no-wrap")
        self._name(made, slug)
        return made

    def _name(self, button: ui.button, slug: str) -> None:
        said = t(slug)
        if button.text != said:
            button.set_text(said)
            button.props(f'aria-label="{t("rack.of", act=said, name=self._shown.name)}"')

    async def _switch(self) -> None:
        await self._do("power", action="on" if self._shown.state == "off" else "off")

    async def _plug(self) -> None:
        await self._do("cable", way="out" if self._shown.is_plugged else "in")

    async def _do(self, do: str, **wanted: Any) -> None:
        buttons = (self._power, self._reset, self._pin, self._cable)
        for one in buttons:
            one.disable()
        try:
            await self._shown.ask(do, **wanted)
        finally:
            for one in buttons:
                one.enable()
            await self._refresh()


class Card:
    """A module among others.

    Args:
        shown: the module.
        refresh: called after something was done.
        href: page with its details.
    """

    def __init__(self, shown: Shown, refresh: Refresh, href: str) -> None:
        self._seen: tuple[object, ...] = ()
        with ui.element("section").classes("m-card m-rack-card").props(f'data-testid="module-{shown.name}"') as card:
            card.props(f'aria-label="{shown.name}"')
            with ui.element("div").classes("m-row m-rack-head"):
                with ui.element("h2").classes("m-grow"):
                    ui.label(shown.name)
                self._state = ui.element("span").props('role="status"')
            self._about = ui.label().classes("m-rack-about")
            self._imei = ui.label().classes("m-mono m-small m-muted")
            self._marks = ui.element("div").classes("m-row m-rack-marks")
            self.hands = Hands(shown, refresh)
            with ui.element("a").props(f'href="{href}" data-testid="details-{shown.name}"').classes("m-rack-more"):
                ui.icon("tune").props("aria-hidden=true")
                ui.label(t("rack.details"))
                ui.html(f'<span class="m-hidden-word">{shown.name}</span>', sanitize=False)

    def update(self, shown: Shown) -> None:
        """Show what is so now; only what changed is sent."""
        self.hands.update(shown)
        self._about.set_text(f"{shown.facts['model']} · {t('rack.slot')} {shown.facts['slot']}")
        self._imei.set_text(f"IMEI {shown.facts['imei'] or '–'}")
        seen = (shown.state_words(), shown.is_plugged, tuple(shown.faults), tuple(shown.signal.items()))
        if seen == self._seen:
            return
        if not self._seen or self._seen[0] != seen[0]:
            self._state.clear()
            with self._state:
                state_chip(shown)
        self._seen = seen
        self._marks.clear()
        with self._marks:
            marks(shown)


def state_chip(shown: Shown) -> None:
    """The state of a module."""
    kind, icon = CHIPS[shown.state]
    chip(kind, shown.state_words(), icon=icon)


def marks(shown: Shown) -> None:
    """What is not as usual, and the signal."""
    signal = shown.signal
    if not shown.is_plugged:
        chip("warn", t("rack.cable_out"), icon="usb_off")
    if shown.state == "running" and signal:
        if not signal["is_sim_in"]:
            chip("warn", t("rack.no_sim"), icon="sim_card_alert")
        elif signal["rssi"] == NO_SIGNAL:
            chip("warn", t("rack.no_signal"), icon="signal_cellular_off")
        else:
            chip("idle", t("rack.signal_now", rssi=signal["rssi"]), icon="signal_cellular_alt")
    if shown.faults:
        chip("warn", t("rack.faults_on", count=len(shown.faults)), icon="bug_report")
