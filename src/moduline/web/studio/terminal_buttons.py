"""Buttons that people make for themselves, above a terminal or an AT console."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable

from nicegui import events, ui

from moduline.web.feedback import guarded, told
from moduline.web.site import site
from moduline.web.studio import terminal_commands as kept
from moduline.web.studio.terminal_commands import Command
from moduline.web.texts import t
from moduline.web.viewer import viewer
from moduline.web.widgets import icon_button

IMPORT_LIMIT_BYTES = 1 << 20


class CommandButtons:
    """The buttons of the viewer.

    Args:
        kind: ``repl`` or ``at``.
        send: sends the text of a button.
    """

    def __init__(self, kind: str, send: Callable[[str], Awaitable[None]]) -> None:
        self._kind = kind
        self._path = kept.commands_file(site().data, viewer().account, kind)
        self._send = send
        self._commands = kept.read_commands(self._path)
        self._dialogs = ui.element("div")
        """Outlives the row, which is drawn anew."""
        self._row = (
            ui.element("div")
            .classes("m-row command-row")
            .props(f'role="group" aria-label="{t("terminal.commands")}" data-testid="commands"')
        )
        self._draw()

    def _draw(self) -> None:
        self._row.clear()
        with self._row:
            for command in self._commands:
                ui.button(command.name, on_click=guarded(functools.partial(self._send, command.text))).props(
                    'outline dense no-caps data-testid="command"'
                ).tooltip(command.text[:200])
            ui.button(t("terminal.commands_edit"), icon="edit", on_click=self._edit).props(
                'flat dense data-testid="commands-edit"'
            )

    async def _keep(self, commands: list[Command]) -> None:
        await asyncio.to_thread(kept.write_commands, self._path, commands)
        self._commands = commands
        self._draw()

    def _edit(self) -> None:
        card = ui.card
        with self._dialogs, ui.dialog() as dialog, card().classes("m-dialog").props('data-testid="commands-dialog"'):
            dialog.props(f'aria-label="{t("terminal.commands")}"')
            ui.label(t("terminal.commands")).classes("m-strong m-dialog-title")
            box = ui.element("div").classes("m-stack command-list")

            def draw() -> None:
                box.clear()
                with box:
                    if not self._commands:
                        ui.label(t("terminal.commands_none")).classes("m-muted")
                    for command in self._commands:
                        with ui.element("div").classes("m-row command-one"):
                            ui.label(command.name).classes("m-strong")
                            ui.label(command.text).classes("m-mono m-grow command-text")
                            said = t("terminal.command_remove", name=command.name)
                            icon_button("delete", said, guarded(functools.partial(remove, command)))

            async def remove(command: Command) -> None:
                await self._keep([one for one in self._commands if one != command])
                draw()

            draw()
            name = ui.input(t("terminal.command_name")).props('outlined dense data-testid="command-name"')
            text = ui.textarea(t("terminal.command_text")).props(
                'outlined dense autogrow input-class="m-mono" data-testid="command-text"'
            )

            async def add() -> None:
                made = kept.checked(name.value or "", text.value or "", [one.name for one in self._commands])
                await self._keep([*self._commands, made])
                draw()
                name.set_value("")
                text.set_value("")
                told("terminal.command_added", name=made.name)

            async def take(event: events.UploadEventArguments) -> None:
                more = kept.parse_commands(await event.file.read(), event.file.name)
                await self._keep(kept.merged(self._commands, more))
                draw()
                told("terminal.commands_imported", count=len(more))
                upload.reset()

            ui.button(t("terminal.command_add"), icon="add", on_click=guarded(add)).props(
                'unelevated data-testid="command-add"'
            )
            upload = ui.upload(on_upload=guarded(take), auto_upload=True, max_file_size=IMPORT_LIMIT_BYTES).props(
                'accept=".json" data-testid="commands-file"'
            ).classes("command-upload")  # fmt: skip
            with ui.row().classes("m-dialog-acts"):
                ui.button(
                    t("terminal.commands_import"), icon="upload", on_click=lambda: upload.run_method("pickFiles")
                ).props("flat")
                ui.button(t("terminal.commands_export"), icon="download", on_click=self._export).props(
                    'flat data-testid="commands-export"'
                )
                ui.button(t("shell.close"), on_click=dialog.close).props("flat")
        dialog.on("hide", dialog.delete)
        dialog.open()

    def _export(self) -> None:
        ui.download.content(kept.export_commands(self._commands), f"moduline-{self._kind}-commands.json")
