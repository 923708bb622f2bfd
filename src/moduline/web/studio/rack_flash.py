"""The flash of a module: how worn it is, as blocks and as a table, and what is done to it just now."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from typing import Any, Final

from nicegui import ui

from moduline.vmodule.rack_words import VERBS
from moduline.web.feedback import guarded
from moduline.web.studio.rack_module import Shown, said
from moduline.web.texts import t
from moduline.web.widgets import section, size, table, time_of_day

COLUMNS: Final = 64
CELL: Final = 8
LEVELS: Final = (0, 1, 2, 4, 8, 32)
"""Fewest erases of each colour."""
LOOK_S: Final = 0.5
ROWS: Final = 100
HOT_S: Final = 3.0


def level_of(erases: int) -> int:
    """Which colour so many erases have, 0 to 5."""
    return sum(1 for least in LEVELS if erases >= least) - 1


def strips(runs: Sequence[Sequence[int]], first: int, count: int) -> list[tuple[int, int, int]]:
    """Runs of sectors within a partition.

    Args:
        runs: first sector, sectors, erases; of the whole flash, in order.
        first: first sector of the partition.
        count: its sectors.

    Returns:
        First sector within the partition, sectors, erases.
    """
    cut = []
    for start, length, erases in runs:
        begin, end = max(start, first), min(start + length, first + count)
        if begin < end:
            cut.append((begin - first, end - begin, erases))
    return cut


def drawing(runs: Sequence[tuple[int, int, int]], count: int, hot: Sequence[tuple[int, int]], label: str) -> str:
    """Blocks of a partition as SVG.

    Args:
        runs: from ``strips``.
        count: sectors of the partition.
        hot: first sector and sectors that were touched just now, within the partition.
        label: what it shows, read out.
    """
    height = -(-count // COLUMNS) * CELL
    parts = [
        f'<svg viewBox="0 0 {COLUMNS * CELL} {height}" role="img" aria-label="{label}" preserveAspectRatio="xMinYMin">'
    ]
    for start, length, erases in runs:
        for x, y, width in _rows(start, length):
            parts.append(
                f'<rect class="w{level_of(erases)}" x="{x}" y="{y}" width="{width}" height="{CELL}">'
                f"<title>{erases}</title></rect>"
            )
    across = "".join(f"M0 {y}.5H{COLUMNS * CELL}" for y in range(CELL - 1, height, CELL))
    down = "".join(f"M{x}.5 0V{height}" for x in range(CELL - 1, COLUMNS * CELL, CELL))
    parts.append(f'<path class="seams" d="{across}{down}"/>')
    for start, length in hot:
        for x, y, width in _rows(start, length):
            parts.append(f'<rect class="hot" x="{x + 0.5}" y="{y + 0.5}" width="{width - 2}" height="{CELL - 2}"/>')
    return "".join(parts) + "</svg>"


def _rows(start: int, length: int) -> list[tuple[int, int, int]]:
    """Rectangles of a run: left, top, width."""
    found = []
    while length:
        row, column = divmod(start, COLUMNS)
        here = min(length, COLUMNS - column)
        found.append((column * CELL, row * CELL, here * CELL))
        start, length = start + here, length - here
    return found


class Operations:
    """The latest operations, as runs; grown ones replace what they were."""

    def __init__(self, most: int = ROWS) -> None:
        self.last = 0
        self.is_gap = False
        self.rows: deque[dict[str, Any]] = deque(maxlen=most)

    def take(self, answer: dict[str, Any]) -> bool:
        """Take what a rack answered; whether anything is new."""
        if answer["last"] < self.last:  # the rack was started again and counts from the beginning: so does the list
            self.rows.clear()
            self.last = 0
            return False
        fresh = answer["operations"]
        for one in fresh:
            if self.rows and self.rows[-1]["first"] == one["first"]:
                self.rows.pop()
            self.rows.append(one)
        self.is_gap = answer["is_gap"] if fresh else self.is_gap
        self.last = answer["last"]
        return bool(fresh)


class FlashView:
    """Map and operations of one module; asks while somebody looks.

    Args:
        shown: the module.
    """

    def __init__(self, shown: Shown) -> None:
        self._shown = shown
        self._operations = Operations()
        self._is_paused = False
        self._wear: dict[str, Any] | None = None
        self._hot: list[tuple[float, int, int]] = []
        self._drawn_hot = 0
        self._strips: dict[str, ui.html] = {}
        self._words: dict[str, ui.label] = {}
        self._map()
        self._list()

    async def begin(self) -> None:
        """Show what is so now, and go on."""
        await self.look()
        ui.timer(LOOK_S, self.look, immediate=False)

    @guarded
    async def look(self) -> None:
        """Ask for what came since; an unchanged flash costs one short answer."""
        answer = await self._shown.ask("operations", since=self._operations.last, most=ROWS)
        is_first = self._wear is None
        is_new = self._operations.take(answer)
        now = time.monotonic()
        if is_new and not is_first:
            self._hot += [(now + HOT_S, one["address"], one["size_bytes"]) for one in answer["operations"]]
        self._hot = [one for one in self._hot if one[0] > now]
        if (is_new or is_first) and not self._is_paused:
            self._show_list()
        if is_new or is_first or len(self._hot) != self._drawn_hot:
            self._wear = await self._shown.ask("wear")
            self._show_map()

    # ---- map -----------------------------------------------------------------------------------------------------

    def _map(self) -> None:
        with section(t("rack.flash"), classes="m-flash") as card:
            card.props('data-testid="flash-map"')
            self._about = ui.label().classes("m-muted")
            self._facts = ui.label().props('data-testid="flash-facts"')
            with ui.element("ul").classes("m-legend").props(f'aria-label="{t("rack.erased_times")}"'):
                for level in range(len(LEVELS)):
                    _legend(f'<rect class="w{level}" width="14" height="14"/>', t(f"rack.wear.{level}"))
                _legend('<rect class="hot" x="1" y="1" width="12" height="12"/>', t("rack.touched"))
            self._box = ui.element("div")
            with ui.expansion(t("rack.flash_table"), icon="table_rows").props('data-testid="flash-as-table"'):
                self._table = ui.element("div")

    def _show_map(self) -> None:
        assert self._wear is not None
        wear = self._wear
        unit = wear["sector_bytes"]
        self._about.set_text(t("rack.flash_about", sector=size(unit)))
        self._facts.set_text(
            t("rack.flash_facts", size=size(wear["capacity_bytes"]), erases=wear["erases"], most=wear["most"])
        )
        if not self._strips:
            self._box.clear()
            with self._box:
                for one in wear["partitions"]:
                    self._strip(one)
        self._drawn_hot = len(self._hot)
        for one in wear["partitions"]:
            first, count = one["offset"] // unit, one["size_bytes"] // unit
            label = t("rack.strip", partition=one["role"], sectors=count, erases=one["erases"], most=one["most"])
            hot = [
                ((address - one["address"]) // unit, max(1, -(-length // unit)))
                for _, address, length in self._hot
                if one["address"] <= address < one["address"] + one["size_bytes"]
            ]
            self._strips[one["role"]].set_content(drawing(strips(wear["runs"], first, count), count, hot, label))
            self._words[one["role"]].set_text(t("rack.strip_short", erases=one["erases"], most=one["most"]))
        self._table.clear()
        with self._table:
            table(
                (t("rack.partition"), t("rack.address"), t("rack.size"), t("rack.erases"), t("rack.most")),
                [
                    (one["role"], f"0x{one['address']:08x}", size(one["size_bytes"]), one["erases"], one["most"])
                    for one in wear["partitions"]
                ],
                caption=t("rack.flash"),
                numeric=(2, 3, 4),
            )

    def _strip(self, one: dict[str, Any]) -> None:
        with ui.element("div").classes("m-strip"):
            with ui.element("div").classes("m-strip-name"):
                ui.label(f"{one['role']} · {one['mount']}" if one["mount"] else one["role"]).classes("m-strong")
                ui.label(f"0x{one['address']:08x} · {size(one['size_bytes'])}").classes("m-mono m-small m-muted")
                self._words[one["role"]] = ui.label().classes("m-small m-muted")
            self._strips[one["role"]] = ui.html("", sanitize=False)

    # ---- operations ----------------------------------------------------------------------------------------------

    def _list(self) -> None:
        with section(t("rack.operations"), about=t("rack.operations_about")) as card:
            card.props('data-testid="flash-operations"')
            with ui.element("div").classes("m-row"):
                self._pause = ui.button(t("rack.pause"), icon="pause", on_click=self._pause_or_go).props(
                    'outline dense data-testid="operations-pause"'
                )
                self._paused = ui.label(t("rack.paused")).classes("m-muted").props('role="status"')
                self._paused.set_visibility(False)
            box = ui.element("div").classes("m-table-box m-ops")
            box.props(f'tabindex="0" role="region" aria-label="{t("rack.operations")}"')
            with box:
                self._rows = ui.html("", sanitize=False)
            self._gap = ui.label(t("rack.gap")).classes("m-muted m-small")

    def _pause_or_go(self) -> None:
        self._is_paused = not self._is_paused
        self._pause.set_text(t("rack.go_on") if self._is_paused else t("rack.pause"))
        self._pause.props(f"icon={'play_arrow' if self._is_paused else 'pause'}")
        self._paused.set_visibility(self._is_paused)
        if not self._is_paused:
            self._show_list()

    def _show_list(self) -> None:
        self._gap.set_visibility(self._operations.is_gap)
        if not self._operations.rows:
            self._rows.set_content(f"<p class='m-muted' style='padding:12px'>{t('rack.operations_none')}</p>")
            return
        words = {verb: said(text) for verb, text in VERBS.items()}
        names = ("rack.number", "rack.time", "rack.action", "rack.address", "rack.bytes", "rack.partition")
        head = "".join(
            f'<th scope="col"{" class=m-number" if name == "rack.bytes" else ""}>{t(name)}</th>' for name in names
        )
        body = "".join(_operation(one, words[one["verb"]]) for one in reversed(self._operations.rows))
        self._rows.set_content(f'<table class="m-table"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>')


def _operation(one: dict[str, Any], word: str) -> str:
    numbers = str(one["first"]) if one["first"] == one["last"] else f"{one['first']}–{one['last']}"
    at = f"{time_of_day(one['at_s'])}.{int(one['at_s'] * 10) % 10}"
    return (
        f"<tr><td>{numbers}</td><td>{at}</td><td><span class='m-op m-op-{one['verb']}'>{word}</span></td>"
        f"<td class='m-mono'>0x{one['address']:08x}</td><td class='m-number'>{one['size_bytes']}</td>"
        f"<td>{one['partition'] or '–'}</td></tr>"
    )


def _legend(shape: str, word: str) -> None:
    with ui.element("li"):
        ui.html(f'<svg viewBox="0 0 14 14" aria-hidden="true">{shape}</svg>', sanitize=False)
        ui.label(word)
