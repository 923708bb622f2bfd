"""A text file edited in place, of either side: Ctrl-S saves, and what somebody else wrote meanwhile is not replaced."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from nicegui import ui

from moduline.errors import FileChanged
from moduline.web.feedback import ask, guarded, show_error, told
from moduline.web.studio.files_sides import Side
from moduline.web.texts import t
from moduline.web.viewer import viewer
from moduline.web.widgets import chip

MOST_BYTES: Final = 512 * 1024
LANGUAGES: Final = {".py": "Python", ".json": "JSON", ".toml": "TOML", ".md": "Markdown", ".yml": "YAML", ".xml": "XML"}


def text_of(data: bytes) -> str | None:
    """The text of a file that can be edited; None: it is too large, or no text."""
    if len(data) > MOST_BYTES or b"\0" in data:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def bytes_of(text: str, before: bytes) -> bytes:
    """The bytes of an edited text, with the line ends that the file had."""
    plain = text.replace("\r\n", "\n")
    is_windows = b"\r\n" in before and before.count(b"\n") == before.count(b"\r\n")
    return (plain.replace("\n", "\r\n") if is_windows else plain).encode("utf-8")


async def edit(
    side: Side,
    path: str,
    *,
    line: int = 0,
    on_saved: Callable[[], Awaitable[Any]] | None = None,
    on_run: Callable[[], Awaitable[Any]] | None = None,
) -> None:
    """Open a file in the editor.

    Args:
        side: whose file.
        path: of it.
        line: shown first, from 1 on; 0: the beginning.
        on_saved: called behind each save.
        on_run: runs it; None: there is no way to.

    Raises:
        ModulineError: it cannot be read.
    """
    data = await side.read(path)
    if text_of(data) is None:
        ui.notify(t("files.not_text", path=path), type="warning", position="top")
        return
    await Editor(side, path, data, on_saved, on_run).show(line)


class Editor:
    """An open file."""

    def __init__(
        self,
        side: Side,
        path: str,
        data: bytes,
        on_saved: Callable[[], Awaitable[Any]] | None,
        on_run: Callable[[], Awaitable[Any]] | None,
    ) -> None:
        self._side, self._path, self._known = side, path, data
        self._on_saved, self._on_run = on_saved, on_run
        self._shown_dirty: bool | None = None

    async def show(self, line: int) -> None:
        """Draw it and come back at once."""
        theme = viewer().theme
        is_dark = theme == "dark" or (
            theme == "auto" and bool(await ui.run_javascript('matchMedia("(prefers-color-scheme: dark)").matches'))
        )
        ending = next((one for one in LANGUAGES if self._path.endswith(one)), "")
        with (
            ui.context.client,
            ui.dialog().props("persistent maximized") as self._dialog,
            ui.card().classes("files-editor"),
        ):
            self._dialog.props["aria-label"] = t("files.editing", path=self._path)
            with ui.element("div").classes("files-editor-head"):
                ui.label(self._path).classes("m-strong m-mono m-grow").props('data-testid="editor-path"')
                self._state = ui.element("span").props('role="status"')
                ui.button(t("files.save"), icon="save", on_click=guarded(self._save)).props(
                    'unelevated dense title="Ctrl+S" data-testid="editor-save"'
                )
                if self._on_run is not None:
                    ui.button(t("files.do.run"), icon="play_arrow", on_click=guarded(self._run)).props(
                        'flat dense data-testid="editor-run"'
                    )
                ui.button(t("files.reload"), icon="refresh", on_click=guarded(self._reload)).props(
                    'flat dense data-testid="editor-reload"'
                )
                ui.button(t("files.close"), icon="close", on_click=guarded(self._close)).props(
                    'flat dense data-testid="editor-close"'
                )
            self._code = ui.codemirror(
                text_of(self._known) or "",
                language=LANGUAGES.get(ending),  # type: ignore[arg-type]
                theme="vscodeDark" if is_dark else "githubLight",
                on_change=self._look,
                keymap={"Mod-s": guarded(self._save)},
                line_wrapping=True,
            )
        self._look()
        self._dialog.on("escape-key", guarded(self._close))
        self._dialog.open()
        if line:
            ui.timer(0.3, lambda: self._code.reveal_line(line), once=True)

    @property
    def _is_dirty(self) -> bool:
        return bytes_of(self._code.value or "", self._known) != self._known

    def _look(self) -> None:
        is_dirty = self._is_dirty
        if is_dirty is self._shown_dirty:
            return
        self._shown_dirty = is_dirty
        self._state.clear()
        with self._state:
            chip(*(("warn", t("files.unsaved")) if is_dirty else ("good", t("files.saved"))))
        ui.run_javascript(f"moduFiles.dirty({str(is_dirty).lower()})")

    async def _save(self) -> bool:
        data = bytes_of(self._code.value or "", self._known)
        try:
            await self._side.replace(self._path, data, self._known)
        except FileChanged as failure:
            show_error(failure)
            return False
        self._known = data
        self._look()
        told("files.was_saved", path=self._path)
        if self._on_saved is not None:
            await self._on_saved()
        return True

    async def _run(self) -> None:
        if self._is_dirty and not await self._save():
            return
        assert self._on_run is not None
        with ui.context.client:  # what runs is shown on the page, not in the editor that closes
            self._end()
            await self._on_run()

    async def _reload(self) -> None:
        if self._is_dirty and not await ask(t("files.discard"), t("files.discard_yes"), is_dangerous=True):
            return
        data = await self._side.read(self._path)
        if text_of(data) is None:
            ui.notify(t("files.not_text", path=self._path), type="warning", position="top")
            return
        self._known = data
        self._code.set_value(text_of(data) or "")
        self._look()

    async def _close(self) -> None:
        if self._is_dirty and not await ask(t("files.discard"), t("files.discard_yes"), is_dangerous=True):
            return
        self._end()

    def _end(self) -> None:
        ui.run_javascript("moduFiles.dirty(false)")
        self._dialog.close()
        self._dialog.clear()
