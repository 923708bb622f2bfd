"""The commands that modules know, to search and to take."""

from __future__ import annotations

import functools
from collections.abc import Callable

from nicegui import ui

from moduline.web.studio.at_commands import AtHelp, commands_like
from moduline.web.texts import t
from moduline.web.viewer import viewer
from moduline.web.widgets import section


def command_list(take: Callable[[str], None]) -> None:
    """Draw the list; ``take`` gets the command that somebody chose."""
    lang = viewer().lang
    with section(t("at.list"), classes="at-list-card"):
        wanted = ui.input(t("at.list_filter")).props('outlined dense clearable data-testid="at-filter"')
        box = ui.element("ul").classes("at-list").props(f'aria-label="{t("at.list")}"')

    def row(one: AtHelp) -> None:
        words = one.words.say(lang)
        with ui.element("li"), ui.element("button").classes("at-take") as button:
            button.props(f'type="button" data-testid="at-take" data-command="{one.command.replace(chr(34), "&quot;")}"')
            button.on("click", functools.partial(take, one.command))
            ui.label(one.command).classes("m-mono m-strong")
            ui.label(words).classes("m-muted m-small")

    def draw() -> None:
        found = commands_like(str(wanted.value or ""))
        box.clear()
        with box:
            for one in found:
                row(one)
            if not found:
                with ui.element("li"):
                    ui.label(t("at.list_none")).classes("m-muted")

    wanted.on_value_change(draw)
    draw()
