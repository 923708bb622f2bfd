"""Choosing a file or folder of the computer that serves the pages; a file may be sent there from the viewer's own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Final

from nicegui import events, ui

from moduline.errors import ModulineError
from moduline.web import host_files
from moduline.web.feedback import answered, show_error
from moduline.web.texts import t
from moduline.web.widgets import size

UPLOADS: Final = "uploads"
"""Folder below the root that gets what people send."""
PIECE: Final = 1 << 20


async def choose_file(suffixes: Sequence[str] = (), start: str = "") -> str | None:
    """Have the viewer choose a file; its path below the root, None when they do not.

    Args:
        suffixes: endings that are offered, such as ``.pac``; empty: all.
        start: folder to begin with.
    """
    return await _choose(suffixes, start, is_folder=False)


async def choose_folder(start: str = "") -> str | None:
    """Have the viewer choose a folder; its path below the root, None when they do not."""
    return await _choose((), start, is_folder=True)


async def _choose(suffixes: Sequence[str], start: str, *, is_folder: bool) -> str | None:
    title = t("chooser.folder" if is_folder else "chooser.file")
    with ui.dialog() as dialog, ui.card().classes("m-dialog m-chooser"):
        dialog.props(f'aria-label="{title}"')
        ui.label(title).classes("m-strong m-dialog-title")
        where = ui.element("div").classes("m-row")
        rows = ui.element("ul").classes("m-chooser-list")

        def show(folder: str) -> None:
            try:
                found = host_files.listing(folder)
            except ModulineError as failure:
                show_error(failure)
                return
            where.clear()
            rows.clear()
            with where:
                if folder:
                    above = str(PurePosixPath(folder).parent).removeprefix(".")
                    ui.button(icon="arrow_upward", on_click=lambda: show(above)).props(
                        f'flat dense aria-label="{t("chooser.up")}"'
                    )
                ui.label(f"/{folder}" if folder else t("chooser.root")).classes("m-mono")
                if is_folder:
                    ui.button(t("chooser.here"), on_click=lambda: dialog.submit(folder)).props(
                        'unelevated dense data-testid="chooser-here"'
                    )
            wanted = [one for one in found if one.is_folder or (not is_folder and _fits(one.name, suffixes))]
            with rows:
                for one in wanted:
                    _row(one, show, dialog)
                if not wanted:
                    ui.label(t("chooser.nothing")).classes("m-muted")

        show(start)
        if not is_folder:

            async def sent(event: events.UploadEventArguments) -> None:
                path = f"{UPLOADS}/{PurePosixPath(event.file.name).name}"
                try:
                    await host_files.keep(path, event.file.iterate(chunk_size=PIECE))
                except ModulineError as failure:
                    show_error(failure)
                    return
                dialog.submit(path)

            ui.upload(on_upload=sent, auto_upload=True, label=t("chooser.upload")).props(
                'flat bordered data-testid="chooser-upload"'
            ).classes("m-upload")
        with ui.row().classes("m-dialog-acts"):
            ui.button(t("shell.cancel"), on_click=lambda: dialog.submit(None)).props("flat")
    answer = await answered(dialog)
    return None if answer is None else str(answer)


def _row(one: host_files.HostEntry, show: object, dialog: ui.dialog) -> None:
    with ui.element("li"):
        act = (lambda: show(one.path)) if one.is_folder else (lambda: dialog.submit(one.path))  # type: ignore[operator]
        with (
            ui.button(on_click=act).props(f'flat no-caps align="left" data-path="{one.path}"').classes("m-chooser-row")
        ):
            ui.icon("folder" if one.is_folder else "description").props("aria-hidden=true")
            ui.label(one.name).classes("m-grow")
            if not one.is_folder:
                ui.label(size(one.size_bytes)).classes("m-muted")


def _fits(name: str, suffixes: Sequence[str]) -> bool:
    return not suffixes or name.lower().endswith(tuple(suffixes))
