"""What was typed before, as a list to choose from."""

from __future__ import annotations

import functools

from nicegui import ui

from moduline.web.feedback import answered
from moduline.web.studio.terminal_history import History
from moduline.web.texts import t

SHOWN = 80


async def choose_line(history: History) -> str | None:
    """Ask which line; None: none. Enter takes the first that fits the filter."""
    with ui.dialog() as dialog, ui.card().classes("m-dialog").props('data-testid="history-dialog"'):
        dialog.props(f'aria-label="{t("terminal.history")}"')
        ui.label(t("terminal.history")).classes("m-strong m-dialog-title")
        wanted = ui.input(t("terminal.history_filter")).props('outlined dense autofocus data-testid="history-filter"')
        ui.label(t("terminal.history_pick")).classes("m-muted m-small")
        box = ui.element("ul").classes("m-chooser-list history-list")

        def fitting() -> list[str]:
            words = str(wanted.value or "").lower().split()
            return [one for one in reversed(history.lines) if all(word in one.lower() for word in words)]

        def draw() -> None:
            box.clear()
            with box:
                lines = fitting()[:SHOWN]
                if not lines:
                    with ui.element("li"):
                        ui.label(t("terminal.history_none")).classes("m-muted")
                for line in lines:
                    with ui.element("li"):
                        ui.button(line, on_click=functools.partial(dialog.submit, line)).props(
                            'flat dense no-caps align=left data-testid="history-line"'
                        ).classes("m-mono history-line")

        def first() -> None:
            lines = fitting()
            if lines:
                dialog.submit(lines[0])

        wanted.on_value_change(draw)
        wanted.on("keydown.enter", first)
        draw()
        with ui.row().classes("m-dialog-acts"):
            ui.button(t("shell.cancel"), on_click=lambda: dialog.submit(None)).props("flat")
    chosen = await answered(dialog)
    return chosen if isinstance(chosen, str) else None
