"""The page "Terminal": the REPL of a module, shared with everybody who looks at it."""

from __future__ import annotations

import asyncio
import functools
import json
import time
from typing import Final

from nicegui import events, ui

from moduline.web.feedback import guarded
from moduline.web.shell import page, script, style
from moduline.web.studio.port_bar import PortBar, opened
from moduline.web.studio.terminal_buttons import CommandButtons
from moduline.web.studio.terminal_history_list import choose_line
from moduline.web.studio.terminal_session import FINISH, INTERRUPT, PASTE_KEY, SESSIONS, TerminalSession
from moduline.web.studio.terminal_transcript import Painter
from moduline.web.texts import t
from moduline.web.viewer import viewer
from moduline.web.widgets import icon_button

PATH: Final = "/studio/terminal"
PAINT_S: Final = 0.03
"""What comes within this time is sent to the browser at once."""
SAY_S: Final = 1.0
FLOOD_S: Final = 0.25
"""The same while a module prints more than anybody reads."""
MOST_AT_ONCE: Final = 64_000
OPTIONS: Final = {
    "scrollback": 10_000,
    "fontSize": 14,
    "fontFamily": '"SF Mono", "Cascadia Mono", Consolas, "DejaVu Sans Mono", "Noto Sans Mono CJK SC", monospace',
    "cursorBlink": True,
    "minimumContrastRatio": 4.5,
    "rightClickSelectsWord": True,
}


@page(PATH)
async def terminal_page(port: str = "", stamps: bool = False) -> None:
    """The REPL of a module."""
    style("terminal.css")
    script("terminal.js")
    found = await opened(PATH, "repl", port, SESSIONS)
    if found is not None:
        session, bar = found
        TerminalView(session, ui.context.client.id, bar, has_stamps=stamps)


class TerminalView:
    """A terminal on a page.

    Args:
        session: whose REPL.
        key: of the page.
        bar: the line above.
        has_stamps: whether times are shown to begin with.
    """

    def __init__(self, session: TerminalSession, key: str, bar: PortBar, *, has_stamps: bool) -> None:
        self._session = session
        self._key = key
        self._bar = bar
        self._client = ui.context.client
        self._lang, self._local = viewer().lang, viewer().local
        self._has_stamps = has_stamps
        self._painter = Painter(self._lang, self._local if has_stamps else None)
        self._count = 0
        self._cleared = session.cleared
        self._is_due = False
        self._pause_s = PAINT_S
        self._said_at = 0.0
        self._tools()
        self._search_row()
        self._xterm = (
            ui.xterm(OPTIONS, on_data=self._typed)
            .classes("terminal-screen")
            .props(f'role="group" aria-label="{t("terminal.screen", port=session.title)}" data-testid="terminal"')
        )
        self._line_row()
        CommandButtons("repl", self._run)
        with ui.element("div").classes("m-muted m-small"):
            ui.label(t("terminal.line_hint"))
            ui.label(t("terminal.keys"))
        self._said = (
            ui.label()
            .classes("terminal-said")
            .props(f'role="log" aria-live="polite" aria-label="{t("terminal.said")}" data-testid="terminal-said"')
        )
        ui.on("terminal_key", self._key_pressed)
        leave = session.attach(key, self._client, self._look)
        self._client.on_delete(leave)
        ui.timer(0.05, self._begin, once=True)

    # ---- parts --------------------------------------------------------------------------------------------------

    def _tools(self) -> None:
        with ui.element("div").classes("m-row terminal-tools").props('role="toolbar"'):
            for slug, icon, word, sent in (
                ("interrupt", "front_hand", "Ctrl-C", INTERRUPT),
                ("restart", "restart_alt", "Ctrl-D", FINISH),
                ("paste", "content_paste", "Ctrl-E", PASTE_KEY),
            ):
                said = t(f"terminal.{slug}")
                ui.button(said, icon=icon, on_click=guarded(functools.partial(self._send, sent.decode()))).props(
                    f'outline dense title="{word}" data-testid="key-{slug}"'
                )
            ui.element("div").classes("m-space")
            self._stamps = ui.switch(t("terminal.stamps"), value=self._has_stamps, on_change=self._toggle_stamps)
            self._stamps.props('dense data-testid="stamps"')
            icon_button("history", t("terminal.history"), self._history, testid="history")
            icon_button("search", t("terminal.search"), self._open_search, testid="search")
            icon_button("save_alt", t("terminal.save"), self._save, testid="save-log")
            icon_button("delete_sweep", t("terminal.clear"), guarded(self._clear), testid="clear")

    def _search_row(self) -> None:
        with ui.element("div").classes("m-row terminal-search").props('role="search"') as self._search_box:
            self._search = ui.input(t("terminal.search_for")).props('outlined dense clearable data-testid="search-for"')
            self._search.classes("m-grow")
            self._search.on("keydown.enter", lambda: self._find(1))
            self._search.on("keydown.shift.enter", lambda: self._find(-1))
            self._search.on("keydown.esc", self._close_search)
            self._found = ui.label().props('role="status" data-testid="found"')
            icon_button("expand_less", t("terminal.search_before"), lambda: self._find(-1))
            icon_button("expand_more", t("terminal.search_next"), lambda: self._find(1), testid="search-next")
            icon_button("close", t("terminal.search_close"), self._close_search)
        self._search_box.set_visibility(False)

    def _line_row(self) -> None:
        with ui.element("div").classes("m-row terminal-line"):
            self._line = (
                ui.textarea(t("terminal.line"))
                .classes("m-grow")
                .props(
                    'outlined dense autogrow hide-bottom-space rows=1 input-class="m-mono" '
                    'data-testid="line" spellcheck=false'
                )
            )
            # Enter while an input method composes belongs to it
            self._line.on(
                "keydown",
                guarded(self._enter),
                js_handler="(e) => { if (e.key === 'Enter' && !e.shiftKey && !e.isComposing) "
                "{ e.preventDefault(); emit(e.target.value); } }",
            )
            ui.button(t("terminal.send"), icon="send", on_click=guarded(self._send_line)).props(
                'unelevated data-testid="send"'
            )

    # ---- what is shown --------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        ui.run_javascript(f"mTerminal.setup({self._xterm.id})")
        self._paint()

    def _look(self) -> None:
        """Something changed: draw it soon, with whatever else comes meanwhile."""
        if not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_later(self._pause_s, self._drawn)

    def _drawn(self) -> None:
        self._is_due = False
        if self._client.id not in self._client.instances:
            return
        with self._xterm:
            self._bar.look()
            self._paint()

    def _paint(self) -> None:
        transcript = self._session.transcript
        if self._cleared != self._session.cleared:
            self._restart()
        pieces = transcript.since(self._count)
        self._count = transcript.count
        painted = self._painter.paint(pieces)
        self._pause_s = FLOOD_S if len(painted) > MOST_AT_ONCE // 8 else PAINT_S
        if painted:
            self._xterm.write(painted[-MOST_AT_ONCE:])
            self._say()

    def _restart(self) -> None:
        self._cleared = self._session.cleared
        self._painter = Painter(self._lang, self._local if self._has_stamps else None)
        self._count = 0
        self._xterm.run_terminal_method("reset")

    def _say(self) -> None:
        now = time.monotonic()
        if now - self._said_at >= SAY_S:
            self._said_at = now
            asyncio.get_running_loop().call_later(SAY_S, self._said_soon)

    def _said_soon(self) -> None:
        if self._client.id in self._client.instances:
            self._said.set_text("\n".join(self._session.transcript.tail(3, self._lang)))

    # ---- what is done --------------------------------------------------------------------------------------------

    async def _typed(self, event: events.XtermDataEventArguments) -> None:
        await guarded(self._send)(event.data)

    async def _send(self, typed: str) -> None:
        if self._session.may_write(self._key):
            await self._session.press(typed)
        else:
            ui.notify(t("terminal.other_writes"), position="top", timeout=2000)

    async def _run(self, text: str) -> None:
        if self._session.may_write(self._key):
            await self._session.enter(text)
        else:
            ui.notify(t("terminal.other_writes"), position="top", timeout=2000)

    async def _enter(self, event: events.GenericEventArguments) -> None:
        self._line.set_value("")
        await self._run(str(event.args))

    async def _send_line(self) -> None:
        text = str(self._line.value or "")
        self._line.set_value("")
        await self._run(text)

    async def _clear(self) -> None:
        if self._session.may_write(self._key):
            self._session.clear()

    def _toggle_stamps(self) -> None:
        self._has_stamps = bool(self._stamps.value)
        more = "&stamps=true" if self._has_stamps else ""
        ui.navigate.history.replace(f"{PATH}?port={self._session.address}{more}")
        self._restart()
        self._paint()

    def _save(self) -> None:
        name = "".join(one if one.isalnum() else "-" for one in self._session.title).strip("-")
        file = f"terminal-{name}-{self._local(time.time()):%Y%m%d-%H%M%S}.log"
        ui.download.content(self._session.transcript.log(self._lang, self._local if self._has_stamps else None), file)

    async def _history(self) -> None:
        chosen = await choose_line(self._session.history)
        if chosen is None:
            return
        if "\n" in chosen or not chosen.isascii() or not self._session.is_at_prompt:
            self._line.set_value(chosen)
            self._line.run_method("focus")
        elif self._session.may_write(self._key):
            await guarded(self._session.insert)(chosen)
            self._xterm.run_terminal_method("focus")

    async def _key_pressed(self, event: events.GenericEventArguments) -> None:
        if event.args == "history":
            await self._history()
        elif event.args == "search":
            self._open_search()

    def _open_search(self) -> None:
        self._search_box.set_visibility(True)
        self._search.run_method("focus")

    def _close_search(self) -> None:
        self._search_box.set_visibility(False)
        self._xterm.run_terminal_method("focus")

    async def _find(self, step: int) -> None:
        wanted = str(self._search.value or "")
        asked = f"mTerminal.find({self._xterm.id}, {json.dumps(wanted)}, {step})"
        found = (await ui.run_javascript(asked) if wanted else None) or {"at": 0, "count": 0}
        self._found.set_text(t("terminal.found", **found) if found["count"] else t("terminal.found_none"))
