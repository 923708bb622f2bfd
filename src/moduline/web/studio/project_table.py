"""The files of a project with their two ticks, *encrypt* and *backup*, as QPYcom shows them."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import ui

from moduline.image import ticks as ticking
from moduline.image.settings_text import Value
from moduline.image.ticks import FileTicks
from moduline.web.feedback import guarded
from moduline.web.texts import t
from moduline.web.viewer import viewer
from moduline.web.widgets import empty, icon_button, size

Change = Callable[[dict[str, Value]], Awaitable[Any]]
ENCRYPT, BACKUP = "encrypt", "backup"


class TicksTable:
    """The table; a change of ticks alone leaves it standing, so that the keyboard stays where it is.

    Args:
        change: sets settings of the project.
        on_open: opens a file.
        on_remove: takes a file out of the project.
    """

    def __init__(
        self, change: Change, on_open: Callable[[str], Awaitable[Any]], on_remove: Callable[[str], Awaitable[Any]]
    ) -> None:
        self._change, self._on_open, self._on_remove = change, on_open, on_remove
        self._files: tuple[FileTicks, ...] = ()
        self._boxes: dict[tuple[str, str], ui.checkbox] = {}
        self._is_drawn = False
        self._one_by_one = asyncio.Lock()  # each tick is worked out from the settings that the one before it left
        self._box = ui.element("div").classes("m-table-box").props('tabindex="0" role="region"')
        self._box.props["aria-label"] = t("project.files")

    def update(self, files: tuple[FileTicks, ...]) -> None:
        """Show these files."""
        rows = [(one.path, one.origin, one.size_bytes, one.why_plain) for one in files]
        is_same = rows == [(one.path, one.origin, one.size_bytes, one.why_plain) for one in self._files]
        self._files = files
        if not is_same or not self._is_drawn:
            self._is_drawn = True
            self._draw()
            return
        for one in files:
            for what in (ENCRYPT, BACKUP):
                self._boxes[what, one.path].set_value(_is_on(one, what))
        for what in (ENCRYPT, BACKUP):
            self._boxes[what, ""].set_value(self._all_on(what))

    def _draw(self) -> None:
        self._box.clear()
        self._boxes = {}
        with self._box:
            if not self._files:
                empty("note_add", t("project.no_files"), t("project.no_files_hint"))
            with ui.element("table").classes("m-table project-files"):
                with ui.element("thead"), ui.element("tr"):
                    _head(t("project.file"))
                    _head(t("project.size"), "m-number")
                    for what in (ENCRYPT, BACKUP):
                        with ui.element("th").props('scope="col"'):
                            self._check(what, "", self._all_on(what), t(f"project.{what}"), t(f"project.{what}_all"))
                    _head(t("project.remove"), "project-hidden")
                with ui.element("tbody"):
                    for one in self._files:
                        self._row(one)

    def _row(self, one: FileTicks) -> None:
        with ui.element("tr"):
            with ui.element("td"), ui.element("button").classes("files-name").props('type="button"') as name:
                name.props["data-testid"] = f"project:{one.path}"
                name.on("click", guarded(functools.partial(self._on_open, one.origin)))
                ui.icon("description").props("aria-hidden=true")
                ui.label(one.path)
            with ui.element("td").classes("m-number"):
                ui.label(size(one.size_bytes))
            with ui.element("td"):
                said = t("project.encrypt_file", name=one.path)
                made = self._check(ENCRYPT, one.path, one.is_encrypted, "", said)
                if one.why_plain is not None:
                    made.disable()
                    why = one.why_plain.say(viewer().lang)
                    made.props["aria-label"] = f"{said}: {why}"
                    ui.label(why).classes("m-muted m-small project-why")
            with ui.element("td"):
                self._check(BACKUP, one.path, one.is_backed_up, "", t("project.backup_file", name=one.path))
            with ui.element("td"):
                act = guarded(functools.partial(self._on_remove, one.path))
                icon_button("delete", t("project.remove_file", name=one.path), act, testid=f"remove:{one.path}")

    def _check(self, what: str, path: str, value: bool, label: str, said: str) -> ui.checkbox:
        async def turned(event: Any) -> None:
            is_on = bool(event.args[0] if isinstance(event.args, list) else event.args)
            async with self._one_by_one:
                if is_on != (_is_on(self._of(path), what) if path else self._all_on(what)):
                    await self._change(self._changes(what, path, is_on=is_on))

        made = ui.checkbox(label, value=value).props("dense")
        made.on("update:model-value", guarded(turned))  # of the viewer alone: what the table sets by itself is no wish
        made.props["aria-label"] = said
        made.props["data-testid"] = f"{what}:{path}"
        self._boxes[what, path] = made
        return made

    def _changes(self, what: str, path: str, *, is_on: bool) -> dict[str, Value]:
        if what == ENCRYPT:
            return ticking.encrypt_ticked(self._files, path, is_on=is_on) if path else ticking.encrypt_all(is_on=is_on)
        return ticking.backup_ticked(self._files, path, is_on=is_on) if path else ticking.backup_all(is_on=is_on)

    def _of(self, path: str) -> FileTicks:
        return next(one for one in self._files if one.path == path)

    def _all_on(self, what: str) -> bool:
        asked = [one for one in self._files if what == BACKUP or one.why_plain is None]
        return bool(asked) and all(_is_on(one, what) for one in asked)


def _is_on(one: FileTicks, what: str) -> bool:
    return one.is_encrypted if what == ENCRYPT else one.is_backed_up


def _head(word: str, classes: str = "") -> None:
    with ui.element("th").props('scope="col"').classes(classes):
        ui.label(word)
