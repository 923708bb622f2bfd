"""One pane of the file manager: a folder of one side, what is chosen in it, and its room."""

from __future__ import annotations

import functools
import html
import posixpath
from collections.abc import Awaitable, Callable
from typing import Any, Final

from nicegui import ui

from moduline.errors import ModulineError
from moduline.web.feedback import error_card, guarded
from moduline.web.studio.files_sides import Look, Row, Side, Space
from moduline.web.texts import t
from moduline.web.widgets import empty, icon_button, moment, size

SHOWN: Final = 600
"""Rows of a folder that are drawn."""
FULL: Final = 0.9

Act = Callable[["Pane"], Awaitable[Any] | Any]


class Pane:
    """A pane.

    Args:
        side: what it shows.
        title: what that is called.
        icon: of it.
        tools: buttons over the list: slug, icon, what it does.
        on_open: called with a file that somebody opens.
        folder: to begin with; empty: the home of the side.
    """

    def __init__(
        self,
        side: Side,
        title: str,
        icon: str,
        tools: list[tuple[str, str, Act]],
        on_open: Callable[[Pane, str], Awaitable[Any]],
        folder: str = "",
    ) -> None:
        self.side = side
        self.folder = folder or side.home
        self.rows: tuple[Row, ...] = ()
        self._look: Look | None = None
        self.spaces: tuple[Space, ...] = ()
        self._chosen: dict[str, ui.checkbox] = {}
        self._on_open = on_open
        box = ui.element("section").classes("files-pane")
        box.props(f'data-pane="{side.name}" data-testid="files-{side.name}"').props["aria-label"] = title
        self.box = box
        with box:
            with ui.element("div").classes("files-head"):
                ui.icon(icon).props("aria-hidden=true")
                ui.html(f"<h2>{html.escape(title)}</h2>", sanitize=False).classes("m-grow")
            self._where = ui.element("nav").classes("files-where")
            self._where.props["aria-label"] = t("files.path")
            with ui.element("div").classes("files-tools").props('role="toolbar"') as bar:
                bar.props["aria-label"] = t("files.tools")
                for slug, drawn, act in tools:
                    made = icon_button(
                        drawn,
                        t(f"files.do.{slug}"),
                        guarded(functools.partial(act, self)),
                        testid=f"{side.name}-{slug}",
                    )
                    made.props(f'data-act="{slug}"')
            self._list = ui.element("div").classes("files-list").props('tabindex="-1" role="region"')
            self._list.props["aria-label"] = title
            self._spaces = ui.element("div").classes("files-spaces")

    @property
    def chosen(self) -> list[str]:
        """Paths that are ticked, in the order of the list."""
        return [row.path for row in self.rows if (tick := self._chosen.get(row.path)) is not None and tick.value]

    def row(self, path: str) -> Row | None:
        """The row of a path."""
        return next((one for one in self.rows if one.path == path), None)

    async def go(self, folder: str) -> None:
        """Show a folder; an error leaves the pane where it was."""
        look = await self.side.look(folder)
        if self._look is not None and (folder, look.rows) == (self.folder, self._look.rows):
            self._look = look
            self._draw_spaces(look)
            return  # what is chosen, and where the keyboard is, stay
        chosen = self.chosen if folder == self.folder else []
        self.folder, self._look = folder, look
        self._show(look)
        for path in chosen:
            if path in self._chosen:
                self._chosen[path].set_value(True)

    async def refresh(self) -> None:
        """Show what the folder holds now; where it is gone, the home of the side, and where that fails, why."""
        try:
            try:
                await self.go(self.folder)
            except ModulineError:
                if self.folder == self.side.home:
                    raise
                await self.go(self.side.home)
        except ModulineError as failure:
            self.rows, self._chosen, self._look = (), {}, None
            self._list.clear()
            with self._list:
                error_card(failure)

    def _show(self, look: Look) -> None:
        self.rows, self._chosen = look.rows, {}
        self.box.props["data-at"] = self.folder
        self._draw_where()
        self._list.clear()
        with self._list:
            if not look.rows:
                empty("folder_open", t("files.nothing"), t("files.nothing_hint"))
            else:
                self._draw_rows()
        self._draw_spaces(look)

    def _draw_spaces(self, look: Look) -> None:
        self.spaces = look.spaces
        self._spaces.clear()
        with self._spaces:
            for one in look.spaces:
                _space(one, t("files.disk") if self.side.name == "host" else one.mount)

    def _draw_where(self) -> None:
        self._where.clear()
        above = self.side.parent(self.folder)
        with self._where:
            if above is not None:
                made = icon_button("arrow_upward", t("files.up"), guarded(functools.partial(self.go, above)))
                made.props(f'data-act="up" data-testid="{self.side.name}-up"')
            is_host = self.side.name == "host"
            _step(t("files.root") if is_host else "/", functools.partial(self.go, "" if is_host else "/"))
            parts = [part for part in self.folder.split("/") if part]
            for at, part in enumerate(parts):
                path = "/".join(parts[: at + 1])
                target = path if is_host else f"/{path}"
                if at or is_host:
                    ui.label("/").classes("files-slash").props("aria-hidden=true")
                _step(part, functools.partial(self.go, target))

    def _draw_rows(self) -> None:
        has_time = any(one.changed_at is not None for one in self.rows)
        with ui.element("table"):
            with ui.element("thead"), ui.element("tr"):
                with ui.element("th").classes("files-tick").props('scope="col"'):
                    self._all = ui.checkbox(on_change=lambda event: self._choose_all(bool(event.value)))
                    self._all.props("dense").props["aria-label"] = t("files.all")
                for slug, kind in (("name", ""), ("size", "m-number"), ("time", "m-number files-time")):
                    if slug != "time" or has_time:
                        with ui.element("th").props('scope="col"').classes(kind):
                            ui.label(t(f"files.{slug}"))
            with ui.element("tbody"):
                for one in self.rows[:SHOWN]:
                    self._draw_row(one, has_time=has_time)
        if len(self.rows) > SHOWN:
            ui.label(t("files.more_rows", count=len(self.rows) - SHOWN)).classes("m-muted m-small")

    def _draw_row(self, one: Row, *, has_time: bool) -> None:
        with ui.element("tr").props('draggable="true"') as line:
            line.props["data-path"] = one.path
            line.props["data-folder"] = "1" if one.is_folder else "0"
            with ui.element("td").classes("files-tick"):
                tick = ui.checkbox(on_change=lambda event: line.props(f'data-chosen="{int(event.value)}"'))
                tick.props("dense").props["aria-label"] = t("files.choose", name=one.name)
                tick.props["data-testid"] = f"tick:{self.side.name}:{one.name}"
                self._chosen[one.path] = tick
            with ui.element("td"), ui.element("button").classes("files-name").props('type="button"') as name:
                name.props["data-folder"] = "1" if one.is_folder else "0"
                name.props["data-testid"] = f"{self.side.name}:{one.name}"
                name.on("click", guarded(functools.partial(self._open, one)))
                ui.icon("folder" if one.is_folder else "description").props("aria-hidden=true")
                ui.label(one.name)
            with ui.element("td").classes("m-number"):
                ui.label(t("files.folder") if one.is_folder else size(one.size_bytes))
            if has_time:
                with ui.element("td").classes("m-number files-time"):
                    ui.label(moment(one.changed_at or 0)[:16])

    def _choose_all(self, is_on: bool) -> None:
        for tick in self._chosen.values():
            tick.set_value(is_on)

    async def _open(self, one: Row) -> None:
        if one.is_folder:
            await self.go(one.path)
        else:
            await self._on_open(self, one.path)


def _step(word: str, act: Callable[[], Awaitable[Any]]) -> None:
    ui.button(word, on_click=guarded(act)).props("flat dense no-caps")


def _space(one: Space, name: str) -> None:
    used = 1 - one.free_bytes / one.total_bytes if one.total_bytes else 0.0
    said = t("files.free", free=size(one.free_bytes), total=size(one.total_bytes))
    with ui.element("div").classes("files-space"):
        with ui.element("p"):
            ui.label(name).classes("m-strong")
            ui.label(said)
        with ui.element("div").classes("files-meter is-full" if used > FULL else "files-meter") as meter:
            meter.props(f'role="meter" aria-valuemin="0" aria-valuemax="100" aria-valuenow="{100 * used:.0f}"')
            meter.props["aria-label"] = f"{name}: {said}"
            ui.element("i").style(f"width: {100 * used:.1f}%")


def name_of(path: str) -> str:
    """The last part of a path."""
    return posixpath.basename(path.rstrip("/")) or path
