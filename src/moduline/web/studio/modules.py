"""The page "Modules and ports": what is connected, live, and the way to everything that can be done with it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Final

from nicegui import ui

from moduline.port import registry, udev_rules
from moduline.port.connected import ConnectedModule, connected_modules, unknown_ports
from moduline.port.diagnosis import Finding, judge_ports
from moduline.port.listing import PortInfo
from moduline.web.feedback import error_card, guarded
from moduline.web.live_ports import live_ports
from moduline.web.shell import page, style
from moduline.web.studio import modules_known
from moduline.web.studio.modules_card import ModuleCard, role_words
from moduline.web.texts import t
from moduline.web.viewer import viewer
from moduline.web.widgets import chip, copy_button, empty, row, section, table

LOOK_S: Final = 0.2


@page("/studio")
async def modules_page() -> None:
    """What is connected."""
    style("modules.css")
    await live_ports().look()
    ModulesView()


class ModulesView:
    """The page, kept up to date: a card is drawn anew when its module changed, and no other."""

    def __init__(self) -> None:
        self._client = ui.context.client
        self._shown: tuple[PortInfo, ...] | None = None
        self._cards: dict[str, ModuleCard] = {}
        self._asking: asyncio.Task[None] | None = None
        with ui.element("div").classes("m-row"):
            self._count = ui.label().classes("m-strong").props('role="status" aria-live="polite"')
            ui.element("div").classes("m-space")
            ui.button(t("modules.check"), icon="troubleshoot", on_click=guarded(self._check)).props(
                'flat dense data-testid="modules-check"'
            )
        self._failure = ui.element("div")
        self._empty = ui.element("div")
        with self._empty, empty("usb_off", t("modules.none"), t("modules.none_hint")):
            ui.link(t("modules.to_rack"), "/studio/rack")
        self._grid = (
            ui.element("div")
            .classes("modules-grid")
            .props(f'role="list" aria-label="{t("modules.list")}" data-testid="modules"')
        )
        self._off = ui.element("div")
        self._unknown = ui.element("div")
        self._findings = ui.element("div").props('role="status"')
        _help()
        self._look()
        ui.timer(LOOK_S, self._look)

    def _look(self) -> None:
        live = live_ports()
        if live.ports is self._shown:
            return
        self._shown = live.ports
        self._failure.clear()
        if live.failure is not None:
            with self._failure:
                error_card(live.failure)
        modules = connected_modules(live.ports)
        self._draw(modules)
        self._draw_off(modules)
        self._draw_unknown(unknown_ports(live.ports))
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask(modules))

    async def _ask(self, modules: list[ConnectedModule]) -> None:
        is_new = await modules_known.ask_racks(modules)
        if is_new and self._client.id in self._client.instances:
            with self._grid:
                self._redraw()

    def _draw(self, modules: list[ConnectedModule]) -> None:
        count = len(modules)
        said = t("modules.count_one") if count == 1 else t("modules.count", count=count) if count else ""
        self._count.set_text(said)
        self._empty.set_visibility(not modules and live_ports().failure is None)
        here = {module.place for module in modules}
        for place in [one for one in self._cards if one not in here]:
            self._cards.pop(place).element.delete()
        for at, module in enumerate(modules):
            card = self._cards.get(module.place)
            if card is None or card.module != module:
                if card is not None:
                    card.element.delete()
                with self._grid:
                    card = self._cards[module.place] = ModuleCard(module, self._redraw)
            card.show()
            card.element.move(self._grid, at)

    def _redraw(self) -> None:
        self._draw(connected_modules(live_ports().ports))

    def _draw_off(self, modules: list[ConnectedModule]) -> None:
        here = {(one.rack, one.name) for one in modules}
        gone = [one.name for one in registry.modules() if (one.rack, one.name) not in here]
        self._off.clear()
        if not gone:
            return
        with self._off, row("m-muted"):
            ui.icon("power_off").props("aria-hidden=true")
            ui.label(f"{t('modules.is_off')}: {', '.join(gone)}").props('data-testid="modules-off"')
            ui.link(t("modules.to_rack"), "/studio/rack")

    def _draw_unknown(self, ports: list[PortInfo]) -> None:
        self._unknown.clear()
        if not ports:
            return
        head = [t("modules.path"), t("modules.open"), t("modules.product"), t("modules.usb_id"), t("modules.place")]
        with self._unknown, section(t("modules.unknown"), about=t("modules.unknown_about")):
            table(head, [_unknown_row(port) for port in ports], caption=t("modules.unknown"))

    async def _check(self) -> None:
        found = await asyncio.to_thread(judge_ports, live_ports().ports)
        self._findings.clear()
        with self._findings, section(t("modules.findings")):
            worth = [one for one in found if one.level != "ok" and not _is_our_own(one)]
            if not worth:
                chip("good", t("modules.nothing_wrong"))
            for one in worth:
                _finding(one)


def _is_our_own(finding: Finding) -> bool:
    """Whether it says only that this server has the port open."""
    return f"({os.getpid()})" in finding.what.en


def _finding(finding: Finding) -> None:
    lang = viewer().lang
    with ui.element("div").classes("modules-finding").props('data-testid="modules-finding"'):
        is_problem = finding.level == "problem"
        chip("bad" if is_problem else "info", t("modules.problem" if is_problem else "modules.hint"))
        with ui.element("div").classes("m-grow"):
            ui.label(f"{finding.subject}: {finding.what.say(lang)}").classes("m-strong")
            ui.label(finding.remedy.say(lang)).classes("m-muted")


def _unknown_row(port: PortInfo) -> list[object]:
    def path() -> None:
        with row():
            ui.label(port.path).classes("m-mono")
            copy_button(port.path, t("modules.copy_what", what=port.path))

    usb = f"{port.vid:04x}:{port.pid:04x}" if port.vid else ""
    return [path, _opens(port), port.product or role_words(port.role), usb, port.location]


def _opens(port: PortInfo) -> Callable[[], None]:
    def draw() -> None:
        with row():
            ui.link(t("modules.go.terminal"), f"/studio/terminal?port={port.path}")
            ui.link(t("modules.go.at"), f"/studio/at?port={port.path}")

    return draw


def _help() -> None:
    command = f"moduline doctor --udev | sudo tee {udev_rules.FILE}"
    with (
        ui.expansion(t("modules.help"), icon="help_outline").classes("modules-help"),
        ui.element("div").classes("m-stack"),
    ):
        ui.label(t("modules.help_cable"))
        ui.label(t("modules.help_rules"))
        with row():
            ui.label(command).classes("m-mono m-grow")
            copy_button(command)
            ui.button(
                t("modules.help_save"),
                icon="download",
                on_click=lambda: ui.download.content(udev_rules.rules_file(), "70-moduline.rules"),
            ).props("flat dense")
