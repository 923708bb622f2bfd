"""A table that is kept up to date: what did not change stays, so that focus, reading place and a click survive.

::

    rows asked now ──by key──▶ row gone: deleted │ new: drawn │ known: only its cells that changed are drawn anew

Whoever tabs through the buttons of a list that changes every second keeps the button they are at, and a button that is
being pressed is not replaced between finger down and finger up.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field

from nicegui import ui

from moduline.web.widgets import table_frame


@dataclass(frozen=True, slots=True)
class Drawn:
    """A cell that is more than a text.

    Args:
        facts: what it shows; the same facts need no drawing.
        draw: draws it.
    """

    facts: object
    draw: Callable[[], object]


@dataclass(frozen=True, slots=True)
class Parts:
    """A cell of several that are drawn anew one by one: a button that stays is not replaced because another one goes.

    Args:
        around: draws what they stand in.
        drawn: as many at every time.
    """

    around: Callable[[], ui.element]
    drawn: tuple[Drawn, ...]


Cell = str | Drawn | Parts


@dataclass(slots=True)
class _Place:
    made: ui.element
    facts: object = None
    parts: list[_Place] = field(default_factory=list)

    def fill(self, cell: Cell) -> None:
        if isinstance(cell, Parts):
            self._fill_parts(cell)
            return
        facts = (cell.facts,) if isinstance(cell, Drawn) else cell
        if self.facts == facts:
            return
        self.facts = facts
        self.made.clear()
        with self.made:
            if isinstance(cell, Drawn):
                cell.draw()
            else:
                ui.label(cell)

    def _fill_parts(self, cell: Parts) -> None:
        if not self.parts:
            with self.made, cell.around():
                self.parts = [_Place(ui.element("div").classes("m-part")) for _ in cell.drawn]
        for part, drawn in zip(self.parts, cell.drawn, strict=True):
            part.fill(drawn)


@dataclass(slots=True)
class _Row:
    made: ui.element
    cells: list[_Place] = field(default_factory=list)


class LiveTable:
    """The table; empty at first. ``box`` is what it scrolls in.

    Args:
        head: names of the columns.
        caption: what it is, read out.
        numeric: positions of columns that stand at the right.
    """

    def __init__(self, head: Sequence[str], *, caption: str, numeric: Sequence[int] = ()) -> None:
        self._numeric = frozenset(numeric)
        self._rows: dict[Hashable, _Row] = {}
        made = table_frame(head, caption=caption, numeric=numeric)
        assert made.parent_slot is not None
        self.box = made.parent_slot.parent
        with made:
            self._body = ui.element("tbody")

    def show(self, rows: Sequence[tuple[Hashable, Sequence[Cell]]]) -> None:
        """Show these rows in this order.

        Args:
            rows: of each its key, unlike all others, and its cells from left to right.
        """
        wanted = {key for key, _ in rows}
        for key in [one for one in self._rows if one not in wanted]:
            self._rows.pop(key).made.delete()
        order = list(self._rows)
        for at, (key, cells) in enumerate(rows):
            row = self._rows.get(key)
            if row is None:
                row = self._rows[key] = self._new(len(cells))
                order.append(key)
            for place, cell in zip(row.cells, cells, strict=True):
                place.fill(cell)
            if order[at] != key:
                order.remove(key)
                order.insert(at, key)
                row.made.move(self._body, at)
        self._rows = {key: self._rows[key] for key in order}

    def _new(self, count: int) -> _Row:
        with self._body, ui.element("tr") as made:
            row = _Row(made)
            for at in range(count):
                row.cells.append(_Place(ui.element("td").classes("m-number" if at in self._numeric else "")))
        return row
