"""Questions of the file manager that name the files in question, and the one that wants a name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from nicegui import ui

from moduline.web.feedback import answered
from moduline.web.texts import t

SHOWN: Final = 200


async def ask_about(
    question: str, yes: str, names: Sequence[str], *, about: str = "", is_dangerous: bool = True
) -> bool:
    """Ask before something happens to files, each of which is named; whether the answer is yes."""
    with ui.dialog() as dialog, ui.card().classes("m-dialog").props('role="alertdialog"'):
        dialog.props["aria-label"] = question
        ui.label(question).classes("m-strong m-dialog-title")
        if about:
            ui.label(about)
        with ui.element("ul").classes("files-names").props('tabindex="0" data-testid="files-named"') as listed:
            listed.props["aria-label"] = question
            for name in names[:SHOWN]:
                with ui.element("li"):
                    ui.label(name)
        if len(names) > SHOWN:
            ui.label(t("files.and_more", count=len(names) - SHOWN)).classes("m-muted")
        with ui.row().classes("m-dialog-acts"):
            ui.button(t("shell.cancel"), on_click=lambda: dialog.submit(False)).props("flat autofocus")
            made = ui.button(yes, on_click=lambda: dialog.submit(True)).props('unelevated data-testid="ask-yes"')
            made.classes("m-danger" if is_dangerous else "")
    answer = await answered(dialog)
    return bool(answer)


async def ask_name(question: str, yes: str, value: str = "") -> str:
    """Ask for a name; "" when there is none."""
    with ui.dialog() as dialog, ui.card().classes("m-dialog"):
        dialog.props["aria-label"] = question
        ui.label(question).classes("m-strong m-dialog-title")
        given = ui.input(t("files.name"), value=value).props('outlined dense autofocus data-testid="files-name-input"')
        given.on("keydown.enter", lambda: dialog.submit(given.value))
        with ui.row().classes("m-dialog-acts"):
            ui.button(t("shell.cancel"), on_click=lambda: dialog.submit(None)).props("flat")
            ui.button(yes, on_click=lambda: dialog.submit(given.value)).props('unelevated data-testid="files-name-yes"')
    answer = await answered(dialog)
    return str(answer or "").strip()
