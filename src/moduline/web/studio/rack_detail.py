"""One module in all detail: power, network, faults, ports, flash."""

from __future__ import annotations

from nicegui import ui

from moduline.web.feedback import guarded
from moduline.web.studio import rack_module
from moduline.web.studio.rack_bring_up import take_one_down
from moduline.web.studio.rack_card import Hands, marks, state_chip
from moduline.web.studio.rack_faults import FaultsView
from moduline.web.studio.rack_flash import FlashView
from moduline.web.studio.rack_module import Shown
from moduline.web.studio.rack_signal import SignalView
from moduline.web.texts import t
from moduline.web.widgets import copy_button, empty, section

LOOK_S = 1.0
ALL = "/studio/rack"


async def detail(key: str) -> None:
    """Show the module ``RACK/NAME``."""
    with ui.element("div").classes("m-row"):
        ui.link(t("rack.back"), ALL).props('data-testid="rack-back"')
    shown = await _find(key)
    if shown is None:
        empty("developer_board_off", t("rack.gone", name=key), t("rack.none_hint"))
        return
    view = _Detail(shown)
    await view.begin()


async def _find(key: str) -> Shown | None:
    modules, _ = await rack_module.look()
    return next((one for one in modules if key in {one.key, one.name}), None)


class _Detail:
    """The page of one module, kept up to date.

    Args:
        shown: the module.
    """

    def __init__(self, shown: Shown) -> None:
        self._shown = shown
        self._seen: object = None
        self._seen_ports: object = None
        self._head()
        with ui.element("div").classes("m-rack-two"):
            self._signal = SignalView(shown, self.look)
            self._faults = FaultsView(shown, self.look)
        with section(t("rack.ports"), about=t("rack.ports_about")) as card:
            card.props('data-testid="ports"')
            self._ports = ui.element("div")
        self._flash = FlashView(shown)

    async def begin(self) -> None:
        """Show what is so now, and go on."""
        self._show(self._shown)
        await self._flash.begin()
        ui.timer(LOOK_S, self.look, immediate=False)

    @guarded
    async def look(self) -> None:
        """Show what is so now."""
        shown = await _find(self._shown.key)
        if shown is None:
            ui.navigate.to(ALL)
            return
        self._show(shown)

    def _head(self) -> None:
        shown = self._shown
        with ui.element("section").classes("m-card").props(f'data-testid="module-{shown.name}"'):
            with ui.element("div").classes("m-row m-rack-head"):
                with ui.element("h2").classes("m-grow"):
                    ui.label(f"{shown.name} · {shown.facts['model']}")
                self._state = ui.element("span").props('role="status" data-testid="module-state"')
            self._marks = ui.element("div").classes("m-row m-rack-marks")
            with ui.element("dl").classes("m-facts"):
                self._fact("IMEI", str(shown.facts["imei"]), t("rack.copy_imei", name=shown.name))
                self._fact(t("rack.address"), shown.address, t("rack.copy_address"))
                self._fact(t("rack.slot"), f"{shown.facts['slot']} · {t('rack.rack')} {shown.rack}")
                with ui.element("dt"):
                    ui.label(t("rack.version"))
                with ui.element("dd"):
                    self._version = ui.label().classes("m-mono").props('data-testid="module-version"')
            self._hands = Hands(shown, self.look)
            with ui.element("div").classes("m-row m-rack-hands"):
                for icon, slug, is_deleting in (
                    ("power_off", "rack.take_down", False),
                    ("delete_forever", "rack.delete", True),
                ):
                    ui.button(
                        t(slug), icon=icon, on_click=guarded(lambda gone=is_deleting: self._down(is_deleting=gone))
                    ).props(f'flat dense data-testid="{"delete" if is_deleting else "take-down"}-{shown.name}"')

    def _fact(self, name: str, value: str, copy: str = "") -> None:
        with ui.element("dt"):
            ui.label(name)
        with ui.element("dd"):
            ui.label(value).classes("m-mono" if copy else "").style("display:inline")
            if copy and value:
                copy_button(value, copy)

    async def _down(self, *, is_deleting: bool) -> None:
        if await take_one_down(self._shown, is_deleting=is_deleting):
            ui.navigate.to(ALL)

    def _show(self, shown: Shown) -> None:
        self._shown = shown
        self._hands.update(shown)
        self._signal.update(shown)
        self._faults.update(shown)
        self._version.set_text(str(shown.facts["version"]) or t("rack.no_version"))
        seen = (shown.state_words(), shown.is_plugged, tuple(shown.faults), tuple(shown.signal.items()))
        if seen != self._seen:
            self._seen = seen
            self._state.clear()
            with self._state:
                state_chip(shown)
            self._marks.clear()
            with self._marks:
                marks(shown)
        ports = (shown.facts["ports"], shown.state, shown.is_plugged)
        if ports != self._seen_ports:
            self._seen_ports = ports
            self._ports.clear()
            with self._ports:
                self._port_rows(shown)

    def _port_rows(self, shown: Shown) -> None:
        ports: dict[str, str] = shown.facts["ports"]
        if not ports:
            why = "rack.why_off" if shown.state == "off" else "rack.why_booting"
            ui.label(t("rack.no_ports", why=t("rack.why_cable" if not shown.is_plugged else why))).classes("m-muted")
            return
        with ui.element("dl").classes("m-facts"):
            for role, path in ports.items():
                self._fact(role, path, t("rack.copy_path", role=role))
