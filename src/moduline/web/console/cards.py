"""Tables whose rows become cards where a window is narrow: nobody has to scroll sideways for an act."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nicegui import ui

from moduline.web.widgets import table


def card_table(head: Sequence[str], rows: Iterable[Sequence[object]], *, caption: str, testid: str) -> ui.element:
    """A table of ``widgets.table`` that knows the names of its cells.

    Args:
        head: names of the columns.
        rows: texts, or functions that draw a cell.
        caption: what it is, read out.
        testid: for tests.
    """
    made = table(head, rows, caption=caption).props(f'data-testid="{testid}"').classes("m-cards")
    cells = [one for one in made.descendants() if one.tag == "td"]
    for at, cell in enumerate(cells):
        cell.props["data-label"] = head[at % len(head)]
    return made
