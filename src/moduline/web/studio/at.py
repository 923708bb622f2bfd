"""The page "AT console": commands, answers, what comes by itself, repetition and scripts."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from nicegui import events, ui

from moduline.errors import BadOption, Text
from moduline.web.feedback import guarded
from moduline.web.shell import page, style
from moduline.web.studio.at_list import command_list
from moduline.web.studio.at_script_view import ScriptView
from moduline.web.studio.at_session import SESSIONS, AtPort, AtRow
from moduline.web.studio.port_bar import PortBar, opened
from moduline.web.studio.terminal_buttons import CommandButtons
from moduline.web.studio.terminal_history_list import choose_line
from moduline.web.studio.terminal_transcript import stamp
from moduline.web.texts import t
from moduline.web.viewer import viewer
from moduline.web.widgets import chip, empty, icon_button

PATH: Final = "/studio/at"
PAINT_S: Final = 0.1
SHOWN: Final = 400
CHIPS: Final = {"ok": "good", "error": "bad", "unsolicited": "warn", "note": "info"}
ICONS: Final = {"unsolicited": "campaign", "sent": "chevron_right"}


@page(PATH)
async def at_page(port: str = "", stamps: bool = True) -> None:
    """The AT port of a module."""
    style("terminal.css")
    style("at.css")
    found = await opened(PATH, "at", port, SESSIONS)
    if found is not None:
        session, bar = found
        AtView(session, ui.context.client.id, bar, has_stamps=stamps)


class AtView:
    """An AT console on a page.

    Args:
        session: whose port.
        key: of the page.
        bar: the line above.
        has_stamps: whether times are shown to begin with.
    """

    def __init__(self, session: AtPort, key: str, bar: PortBar, *, has_stamps: bool) -> None:
        self._session = session
        self._key = key
        self._bar = bar
        self._client = ui.context.client
        self._lang, self._local = viewer().lang, viewer().local
        self._has_stamps = has_stamps
        self._count = 0
        self._cleared = session.cleared
        self._is_due = False
        self._shown: list[ui.element] = []
        with ui.element("div").classes("at-page"):
            with ui.element("div").classes("m-stack at-main"):
                self._tools()
                self._box = (
                    ui.element("div")
                    .classes("at-rows")
                    .props(
                        f'role="log" aria-live="polite" tabindex="0" aria-label="{t("at.rows")}" data-testid="at-rows"'
                    )
                )
                with self._box:
                    self._none = empty("terminal", t("at.none"), t("at.none_hint"))
                self._line_row()
                self._repeat_row()
                CommandButtons("at", self._run)
                ui.label(t("at.command_hint")).classes("m-muted m-small")
            with ui.element("div").classes("m-stack at-side"):
                command_list(self._take)
        self._script = ScriptView(session, self._may_write)
        self._client.on_delete(session.attach(key, self._client, self._look))
        self._drawn()

    # ---- parts ----------------------------------------------------------------------------------------------------

    def _tools(self) -> None:
        with ui.element("div").classes("m-row terminal-tools").props('role="toolbar"'):
            ui.element("div").classes("m-space")
            stamps = ui.switch(t("terminal.stamps"), value=self._has_stamps, on_change=self._toggle_stamps)
            stamps.props('dense data-testid="stamps"')
            icon_button("history", t("terminal.history"), self._history, testid="history")
            icon_button("save_alt", t("terminal.save"), self._save, testid="save-log")
            icon_button("delete_sweep", t("terminal.clear"), self._clear, testid="clear")

    def _line_row(self) -> None:
        with ui.element("div").classes("m-row terminal-line"):
            self._line = (
                ui.input(t("at.command"))
                .classes("m-grow")
                .props(
                    'outlined dense hide-bottom-space input-class="m-mono" autofocus '
                    'data-testid="at-line" spellcheck=false autocomplete=off'
                )
            )
            self._line.on("keydown.enter", guarded(self._enter), js_handler="(e) => emit(e.target.value)")
            self._line.on("keydown.up", lambda: self._browse(-1), js_handler="(e) => { e.preventDefault(); emit() }")
            self._line.on("keydown.down", lambda: self._browse(1), js_handler="(e) => { e.preventDefault(); emit() }")
            ui.button(t("at.send"), icon="send", on_click=guarded(self._send_line)).props(
                'unelevated data-testid="at-send"'
            )

    def _repeat_row(self) -> None:
        with ui.element("div").classes("m-row"):
            self._every = ui.number(t("at.repeat"), value=2, min=0.2, max=3600, step=0.5, suffix=t("at.seconds"))
            self._every.props('outlined dense data-testid="every"').classes("at-every")
            ui.button(t("at.repeat_start"), icon="repeat", on_click=guarded(self._repeat)).props(
                'outline data-testid="repeat"'
            )
            self._stop = ui.button(t("at.stop"), icon="stop", on_click=self._end).props(
                'unelevated data-testid="repeat-stop"'
            )
            self._repeating = ui.label().classes("m-muted").props('role="status" data-testid="repeating"')

    # ---- what is shown ----------------------------------------------------------------------------------------------

    def _look(self) -> None:
        if not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_later(PAINT_S, self._drawn)

    def _drawn(self) -> None:
        self._is_due = False
        if self._client.id not in self._client.instances:
            return
        session = self._session
        with self._box:
            self._bar.look()
            if self._cleared != session.cleared:
                self._cleared = session.cleared
                for one in self._shown:
                    one.delete()
                self._shown = []
            fresh = session.since(self._count)[-SHOWN:]
            self._count = session.count
            for row in fresh:
                self._shown.append(self._draw(row))
            while len(self._shown) > SHOWN:
                self._shown.pop(0).delete()
            self._none.set_visibility(not self._shown)
            if fresh:
                ui.run_javascript(f"{{ const box = getHtmlElement({self._box.id}); box.scrollTop = box.scrollHeight }}")
            self._stop.set_visibility(bool(session.repeated) or session.is_running)
            every = f"{session.every_s:g}"
            self._repeating.set_text(
                t("at.repeating", command=session.repeated, every=every) if session.repeated else ""
            )
            self._script.look()

    def _draw(self, row: AtRow) -> ui.element:
        said = row.said.say(self._lang) if isinstance(row.said, Text) else row.said
        with ui.element("div").classes(f"at-row at-{row.kind}").props(f'data-kind="{row.kind}"') as made:
            time_label = ui.label(stamp(row.at, self._local)).classes("at-time m-mono")
            time_label.set_visibility(self._has_stamps)
            if row.kind in CHIPS:
                chip(CHIPS[row.kind], t(f"at.kind.{row.kind}"), icon=ICONS.get(row.kind, ""))
            else:
                word = t(f"at.kind.{row.kind}")
                icon = ui.icon(ICONS.get(row.kind, "subdirectory_arrow_right"))
                icon.classes("at-mark").props(f'role="img" aria-label="{word}" title="{word}"')
            ui.label(said).classes("at-said m-mono")
        return made

    # ---- what is done -----------------------------------------------------------------------------------------------

    def _may_write(self) -> bool:
        if self._session.may_write(self._key):
            return True
        ui.notify(t("terminal.other_writes"), position="top", timeout=2000)
        return False

    async def _run(self, text: str) -> None:
        if not self._may_write():
            return
        commands = [line.strip() for line in text.splitlines() if line.strip()]
        if not commands:
            raise BadOption(name="CMD", reason=Text("empty, or with control characters", "为空或含控制字符"))
        for command in commands:
            self._session.history.add(command)
            await self._session.ask(command)

    async def _enter(self, event: events.GenericEventArguments) -> None:
        self._line.set_value("")
        await self._run(str(event.args))

    async def _send_line(self) -> None:
        text = str(self._line.value or "")
        self._line.set_value("")
        await self._run(text)

    def _browse(self, step: int) -> None:
        history = self._session.history
        found = history.earlier(str(self._line.value or "")) if step < 0 else history.later()
        if found is not None:
            self._line.set_value(found)

    async def _history(self) -> None:
        chosen = await choose_line(self._session.history)
        if chosen is not None:
            self._take(chosen)

    def _take(self, command: str) -> None:
        self._line.set_value(command)
        self._line.run_method("focus")

    def _repeat(self) -> None:
        command = str(self._line.value or "") or next(reversed(self._session.history.lines), "")
        if self._may_write():
            if not command.strip():
                raise BadOption(name="CMD", reason=Text("empty, or with control characters", "为空或含控制字符"))
            self._session.repeat(command, float(self._every.value or 0))

    def _end(self) -> None:
        if self._may_write():
            self._session.stop()

    def _clear(self) -> None:
        if self._may_write():
            self._session.clear()

    def _toggle_stamps(self, event: events.ValueChangeEventArguments[bool | None]) -> None:
        self._has_stamps = bool(event.value)
        more = "" if self._has_stamps else "&stamps=false"
        ui.navigate.history.replace(f"{PATH}?port={self._session.address}{more}")
        for made in self._shown:
            next(iter(made.default_slot.children)).set_visibility(self._has_stamps)

    def _save(self) -> None:
        name = "".join(one if one.isalnum() else "-" for one in self._session.title).strip("-")
        file = f"at-{name}-{self._local(time.time()):%Y%m%d-%H%M%S}.log"
        ui.download.content(self._session.log(self._lang, self._local if self._has_stamps else None), file)
