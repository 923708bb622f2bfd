"""Links to the other pages of the line, on pages that fill the screen and so have no navigation beside them."""

from __future__ import annotations

from nicegui import ui

from moduline.web.places import PLACES
from moduline.web.texts import t


def neighbours(here: str) -> None:
    """Show them.

    Args:
        here: path of this page, which is left out.
    """
    with ui.element("nav").props(f'aria-label="{t("shell.room.line")}"').classes("g-nav"):
        for one in PLACES:
            if one.room != "line" or one.path == here:
                continue
            said = t(f"{one.slug}.title")
            with ui.element("a").props(f'href="{one.path}"').classes("g-nav-link"):
                ui.icon(one.icon).props("aria-hidden=true")
                ui.label(said)
