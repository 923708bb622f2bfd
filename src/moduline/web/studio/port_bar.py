"""The line above a terminal or an AT console: which module, how the connection stands, who writes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar
from urllib.parse import quote

from nicegui import ui

from moduline.errors import ModulineError
from moduline.port.connected import ConnectedModule, connected_modules
from moduline.web.feedback import error_card, guarded, told
from moduline.web.live_ports import live_ports
from moduline.web.studio.modules_card import title_of
from moduline.web.studio.port_session import LinkState, PortSession, PortSessions
from moduline.web.texts import t
from moduline.web.viewer import viewer
from moduline.web.widgets import chip, empty

S = TypeVar("S", bound=PortSession)
CHIPS: Final = {
    LinkState.CONNECTING: "busy",
    LinkState.CONNECTED: "good",
    LinkState.AWAY: "warn",
    LinkState.BUSY: "warn",
    LinkState.LENT: "info",
    LinkState.RELEASED: "idle",
}


async def modules_with(role: str) -> list[ConnectedModule]:
    """Modules that have a port of a role now."""
    return [one for one in connected_modules(await live_ports().look()) if one.port(role) is not None]


async def opened(path: str, role: str, port: str, sessions: PortSessions[S]) -> tuple[S, PortBar] | None:
    """The session of the port that a page is asked for, and the line above it; None: the page offers ports.

    Args:
        path: of the page.
        role: of its ports.
        port: address; "": the only module there is.
        sessions: of that role.
    """
    modules = await modules_with(role)
    if not port and len(modules) == 1:
        port = modules[0].address
    if port:
        try:
            session = await sessions.at(port)
        except ModulineError as failure:
            error_card(failure)
        else:
            return session, PortBar(session, ui.context.client.id, path, modules)
    port_chooser(path, role, modules)
    return None


def link_to(path: str, address: str) -> str:
    """A page with an address filled in."""
    return f"{path}?port={quote(address, safe=':/')}"


def port_chooser(path: str, role: str, shown: Sequence[ConnectedModule]) -> None:
    """Where no module was named: those that there are, kept up to date.

    Args:
        path: of the page that they lead to.
        role: of the port that they must have.
        shown: those that have it now.
    """
    box = ui.element("div").props('data-testid="port-chooser"')

    def draw(modules: Sequence[ConnectedModule]) -> None:
        box.clear()
        with box:
            if not modules:
                empty("usb_off", t("terminal.none"), t("terminal.none_hint"))
                return
            with ui.element("div").classes("m-stack"):
                ui.label(t("terminal.choose")).classes("m-strong")
                for module in modules:
                    with ui.element("a").props(f'href="{link_to(path, module.address)}"').classes("port-choice"):
                        ui.icon("usb").props("aria-hidden=true")
                        ui.label(title_of(module)).classes("m-strong")
                        ui.label(" · ".join(filter(None, (module.model, module.imei, module.address)))).classes(
                            "m-muted"
                        )

    draw(shown)
    known = live_ports().ports

    def look() -> None:
        nonlocal known
        if live_ports().ports is not known:
            known = live_ports().ports
            draw([one for one in connected_modules(known) if one.port(role) is not None])

    ui.timer(0.5, look)


class PortBar:
    """The line itself; ``look`` draws what changed.

    Args:
        session: whose port.
        key: of this page.
        path: of this page.
        modules: that can be chosen.
    """

    def __init__(self, session: PortSession, key: str, path: str, modules: Sequence[ConnectedModule]) -> None:
        self._session = session
        self._key = key
        self._shown: object = None
        names = {one.address: f"{title_of(one)}  ·  {one.address}" for one in modules}
        here = next((one.address for one in modules if one.place == session.place), session.address)
        names.setdefault(here, session.title)
        with ui.element("div").classes("m-row port-bar"):
            ui.select(
                names, value=here, label=t("terminal.port"),
                on_change=lambda event: ui.navigate.to(link_to(path, event.value)),
            ).props('outlined dense options-dense data-testid="port"').classes("port-select")  # fmt: skip
            self._state = ui.element("span").props('role="status" data-testid="link-state"')
            self._connect = ui.button(icon="power", on_click=guarded(self._toggle)).props(
                'flat dense data-testid="connect"'
            )
        self._why = ui.label().classes("m-muted m-small")
        with ui.element("div").classes("port-reads").props('role="status" data-testid="reads-along"') as self._reads:
            ui.icon("visibility").props("aria-hidden=true")
            ui.label(t("terminal.other_writes")).classes("m-grow")
            ui.button(t("terminal.take_over"), on_click=self._take_over).props(
                'unelevated dense data-testid="take-over"'
            )
        self.look()

    def look(self) -> None:
        """Draw what changed."""
        session = self._session
        now = (session.state, session.failure, session.is_writer(self._key), session.is_wanted)
        if now == self._shown:
            return
        self._shown = now
        self._state.props(f'data-state="{session.state}"')
        self._state.clear()
        with self._state:
            chip(CHIPS[session.state], t(f"terminal.state.{session.state}"))
        self._connect.set_text(t("terminal.disconnect" if session.is_wanted else "terminal.connect"))
        failure = session.failure
        lang = viewer().lang
        has_reason = failure is not None and session.state is not LinkState.LENT
        why = f"{failure.message(lang)}. {failure.remedy(lang)}" if failure is not None and has_reason else ""
        self._why.set_text(why)
        self._why.set_visibility(bool(why))
        self._reads.set_visibility(not session.is_writer(self._key))

    async def _toggle(self) -> None:
        if self._session.is_wanted:
            await self._session.disconnect()
        else:
            self._session.connect()
            self._session.tell()

    def _take_over(self) -> None:
        self._session.take_over(self._key)
        told("terminal.taken_over")
