"""The full-screen view of a gang: one big cell per slot, a head with the yield, everything about the chosen slot.

It only looks: ten times a second it takes a snapshot of the board, and draws the cells whose picture has changed. What
the engine reports never waits for the screen, and what the screen asks of the engine goes through :class:`Engine`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Protocol

from rich.segment import Segment
from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static

from moduline.burn.record import BurnRecord
from moduline.cli.gang_screen_cell import Row, draw, in_language, paint_of
from moduline.cli.gang_screen_text import foot_line, head_lines, slot_text
from moduline.errors import Text
from moduline.line.board import Head, SlotView, Totals

FRAMES_PER_S: Final = 10
DETAILS_EVERY: Final = 5
"""The details pane is drawn at each so many frames; it is for reading."""
DETAILS_WIDTH: Final = 46
SIDE_FROM: Final = 100
"""From so many columns on, details stand beside the cells; below, in place of them."""
ABORT_WITHIN_S: Final = 3.0
LEAST_WIDTH: Final = 8
BEST_WIDTH: Final = 20
BEST_HEIGHT: Final = 5


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What there is to be drawn.

    Args:
        head: what is the same for all slots.
        slots: every slot in its order.
        totals: of the gang.
    """

    head: Head
    slots: Sequence[SlotView]
    totals: Totals


class Engine(Protocol):
    """What the screen may ask of the gang."""

    def start(self) -> None:
        """Begin; asked once, when the screen stands."""

    @property
    def has_ended(self) -> bool:
        """Whether the gang is over; then the screen goes."""

    @property
    def can_stop_taking(self) -> bool:
        """Whether :meth:`stop_taking` does anything."""

    @property
    def can_print(self) -> bool:
        """Whether there are labels to print."""

    def stop_taking(self) -> None:
        """Finish what is being burnt, begin nothing new."""

    def abort(self) -> None:
        """Stop everything now; running tries are recorded as aborted."""

    def print_label(self, record: BurnRecord) -> None:
        """Print the label of a unit that passed once more."""


def grid_of(count: int, width: int, height: int) -> tuple[int, int, int, int]:
    """How ``count`` cells are laid out: columns, rows, and the width and height of one.

    Cells are made as large as they get in the shape that a big word needs. With less room than the smallest cell needs,
    there are more rows than fit, and the screen is moved to the chosen one.
    """
    if count <= 0 or width <= 0 or height <= 0:
        return 1, 1, max(width, 1), max(height, 1)
    best, found = -1.0, (1, count, width, 1)
    for columns in range(1, count + 1):
        cell_width = width // columns
        rows = -(-count // columns)
        if cell_width < LEAST_WIDTH and columns > 1:
            break
        cell_height = height // rows
        fill = 1.0 if columns * rows == count else 0.75
        score = min(cell_width / BEST_WIDTH, max(cell_height, 0.1) / BEST_HEIGHT) * fill
        if score >= best:
            best, found = score, (columns, rows, cell_width, max(cell_height, 1))
    return found


class Wall(Widget, can_focus=True):
    """All cells; draws only those that have changed."""

    BINDINGS: ClassVar[list[Any]] = [
        Binding("left", "move(-1, 0)"),
        Binding("right", "move(1, 0)"),
        Binding("up", "move(0, -1)"),
        Binding("down", "move(0, 1)"),
        Binding("home", "jump(0)"),
        Binding("end", "jump(-1)"),
    ]

    class Chosen(Message):
        """Another slot was chosen, or the same again with a second click."""

        def __init__(self, *, opens: bool) -> None:
            self.opens = opens
            super().__init__()

    def __init__(self) -> None:
        super().__init__(id="wall")
        self.look = "dark"
        self.lang = "en"
        self.chosen = 0
        self.drawn = 0
        self._views: Sequence[SlotView] = ()
        self._keys: list[Any] = []
        self._cells: list[list[Row]] = []
        self._first_row = 0
        self._laid = grid_of(0, 0, 0)

    def show(self, views: Sequence[SlotView]) -> None:
        """Take the present state; what looks different is drawn anew."""
        is_other_number = len(views) != len(self._views)
        self._views = views
        self.chosen = min(self.chosen, max(len(views) - 1, 0))
        if is_other_number:
            self.redraw()
            return
        columns, _, width, height = self._laid
        for index, view in enumerate(views):
            key = self._key(index, view)
            if key == self._keys[index]:
                continue
            self._keys[index] = key
            self._cells[index] = self._draw(index, view, width, height)
            row, column = divmod(index, columns)
            self.refresh(Region(column * width, (row - self._first_row) * height, width, height))

    def redraw(self) -> None:
        """Draw everything anew: another size, language, theme or number of slots."""
        self._laid = grid_of(len(self._views), self.size.width, self.size.height)
        _, _, width, height = self._laid
        self._scroll_to_chosen()
        self._keys = [self._key(index, view) for index, view in enumerate(self._views)]
        self._cells = [self._draw(index, view, width, height) for index, view in enumerate(self._views)]
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One row of the screen, across all cells."""
        columns, _, _, height = self._laid
        row, line = divmod(y, height)
        first = (row + self._first_row) * columns
        segments = [piece for cell in self._cells[first : first + columns] for piece in cell[line]]
        return Strip(segments).adjust_cell_length(self.size.width, paint_of("ground", self.look).body)

    def on_resize(self, _: events.Resize) -> None:
        """Lay the cells out anew."""
        self.redraw()

    def on_click(self, event: events.Click) -> None:
        """Choose the cell under the pointer; a second click opens the details."""
        columns, _, width, height = self._laid
        column = event.x // width
        index = (event.y // height + self._first_row) * columns + column
        if column < columns and index < len(self._views):
            opens = event.chain > 1
            self._choose(index)
            self.post_message(self.Chosen(opens=opens))

    def action_move(self, columns: int, rows: int) -> None:
        """Choose the neighbour."""
        across = self._laid[0]
        wanted = self.chosen + columns + rows * across
        if 0 <= wanted < len(self._views):
            self._choose(wanted)
            self.post_message(self.Chosen(opens=False))

    def action_jump(self, index: int) -> None:
        """Choose the first (0) or last (-1) slot."""
        if self._views:
            self._choose(index % len(self._views))
            self.post_message(self.Chosen(opens=False))

    @property
    def view(self) -> SlotView | None:
        """The chosen slot."""
        return self._views[self.chosen] if self._views else None

    def _choose(self, index: int) -> None:
        self.chosen = index
        before = self._first_row
        self._scroll_to_chosen()
        if before != self._first_row:
            self.redraw()
        else:
            self.show(self._views)

    def _scroll_to_chosen(self) -> None:
        columns, rows, _, height = self._laid
        seen = max(self.size.height // height, 1)
        row = self.chosen // columns
        self._first_row = max(0, min(max(self._first_row, row - seen + 1), row, max(rows - seen, 0)))

    def _draw(self, index: int, view: SlotView, width: int, height: int) -> list[Row]:
        """The cell with a gap at its right, and below where there is room for one."""
        self.drawn += 1
        has_gap = height > BEST_HEIGHT + 1
        rows = draw(view, max(width - 1, 1), height - has_gap, self.lang, self.look, is_selected=index == self.chosen)
        ground = paint_of("ground", self.look).body
        gap = Segment(" ", ground)
        rows = [[*row, gap] for row in rows]
        return rows + [[Segment(" " * width, ground)]] * (height - len(rows))

    def _key(self, index: int, view: SlotView) -> tuple[Any, ...]:
        """What a cell's picture depends on; times and speeds only as exactly as they are shown."""
        return (
            index == self.chosen, view.state, view.word, view.step, int(view.share * 200), int(view.speed / 1e4),
            int(view.seconds), view.imei, view.model, view.tries, view.error_code, view.error, view.next, view.last,
            view.is_calling,
        )  # fmt: skip


class GangScreen(App[None]):
    """The app.

    Args:
        look_now: gives the present snapshot; called in the thread of the screen.
        engine: the gang.
        lang: "en" or "zh".
        is_plain: without any colour (NO_COLOR).
    """

    CSS = """
    Screen { layout: vertical; }
    #head { height: 2; background: $panel; color: $foreground; }
    #foot { height: 1; background: $panel; color: $foreground; }
    #body { height: 1fr; }
    #wall { width: 1fr; height: 1fr; background: $background; }
    #details { width: 46; height: 1fr; display: none; padding: 0 1; background: $surface; color: $foreground; }
    .detailed #details { display: block; }
    .detailed.narrow #wall { display: none; }
    .detailed.narrow #details { width: 1fr; }
    .plain #head, .plain #foot, .plain #wall, .plain #details, Screen.plain {
        background: ansi_default; color: ansi_default;
    }
    """
    TITLE = "moduline"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[Any]] = [
        Binding("enter", "details", priority=True),
        Binding("escape", "close"),
        Binding("s", "stop_taking"),
        Binding("r", "print_label"),
        Binding("l", "language"),
        Binding("t", "theme"),
        Binding("q", "quit", priority=True),
        Binding("ctrl+c", "interrupt", priority=True),
        Binding("ctrl+q", "quit", priority=True),
    ]

    def __init__(
        self, look_now: Callable[[], Snapshot], engine: Engine, lang: str = "en", *, is_plain: bool = False
    ) -> None:
        super().__init__(ansi_color=is_plain)
        self._look_now = look_now
        self._engine = engine
        self.lang = lang
        self.is_plain = is_plain
        self.wall = Wall()
        self._head, self._foot, self._detail = Static(id="head"), Static(id="foot"), Static(id="detail")
        self._frame = 0
        self._message: Text | None = None
        self._message_until = 0.0
        self._abort_until = 0.0
        self._told = ""
        self._is_finishing = False
        self.is_aborting = False

    def compose(self) -> ComposeResult:
        """Head, cells with details, keys."""
        yield self._head
        with Horizontal(id="body"):
            yield self.wall
            with VerticalScroll(id="details"):
                yield self._detail
        yield self._foot

    def on_mount(self) -> None:
        """Begin to look."""
        self.screen.set_class(self.is_plain, "plain")
        if not self.is_plain:
            self.theme = "textual-light" if is_light(os.environ.get("COLORFGBG", "")) else "textual-dark"
        self.wall.focus()
        self._restyle()
        self._engine.start()
        self.look()
        self.set_interval(1 / FRAMES_PER_S, self.look)

    def look(self) -> None:
        """Take a snapshot and draw what has changed; go when the gang is over."""
        if not self.is_running:
            return
        if self._engine.has_ended:
            self.exit()
            return
        now = self._look_now()
        self.wall.show(now.slots)
        message = self._message if time.monotonic() < self._message_until else None
        head = head_lines(now.head, now.totals, self.size.width, self.lang, self._said(message))
        if head.markup != self._told:
            self._told = head.markup
            self._head.update(head)
        if self._frame % DETAILS_EVERY == 0:
            self._show_details()
        self._frame += 1

    def on_resize(self, event: events.Resize) -> None:
        """Put the details beside the cells or in their place."""
        self.screen.set_class(event.size.width < SIDE_FROM, "narrow")
        self._told = ""
        self._show_foot(event.size.width)

    def on_wall_chosen(self, event: Wall.Chosen) -> None:
        """Another slot: other details."""
        if event.opens:
            self.screen.add_class("detailed")
        self._show_details()

    def action_details(self) -> None:
        """Open or close the details of the chosen slot."""
        self.screen.toggle_class("detailed")
        self._show_details()
        self.call_after_refresh(self._show_details)  # only then is its width known
        if not self.screen.has_class("detailed"):
            self.wall.focus()

    def action_close(self) -> None:
        """Close the details."""
        self.screen.remove_class("detailed")
        self.wall.focus()

    def action_stop_taking(self) -> None:
        """Begin nothing new."""
        if not self._engine.can_stop_taking:
            return
        self._is_finishing = True
        self._engine.stop_taking()
        self._say(Text("no new units; what runs is finished", "不再接收新模组；正在进行的将完成"), for_ever=True)

    def action_print_label(self) -> None:
        """Print the label of the chosen slot's last unit again."""
        view = self.wall.view
        if not self._engine.can_print or view is None:
            return
        if view.record is None or not view.record.is_pass:
            self._say(Text("no unit has passed here", "此通道没有通过的模组"))
            return
        self._engine.print_label(view.record)
        self._say(Text(f"label of {view.record.imei}", f"重打标签 {view.record.imei}"))

    def action_language(self) -> None:
        """Speak the other language."""
        self.lang = "en" if self.lang == "zh" else "zh"
        self._restyle()
        self.look()

    def action_theme(self) -> None:
        """Dark or light."""
        if not self.is_plain:
            self.theme = "textual-dark" if self.theme == "textual-light" else "textual-light"
            self._restyle()

    async def action_quit(self) -> None:
        """Abort at the second press."""
        if self.is_aborting:
            return
        if time.monotonic() < self._abort_until:
            self.is_aborting = True
            self._engine.abort()
            self._say(Text("aborting; records are written", "正在中止，保存记录"), for_ever=True)
            return
        self._abort_until = time.monotonic() + ABORT_WITHIN_S
        self._say(Text("press q again: every running unit is aborted", "再按一次 q：中止所有正在烧录的模组"))

    async def action_interrupt(self) -> None:
        """Ctrl-C as in the plain view: once, and nothing new begins; again, and everything stops."""
        if self._is_finishing or not self._engine.can_stop_taking:
            await self.action_quit()
        else:
            self.action_stop_taking()
            self._abort_until = float("inf")

    def _say(self, text: Text, *, for_ever: bool = False) -> None:
        self._message = text
        self._message_until = float("inf") if for_ever else time.monotonic() + ABORT_WITHIN_S
        self.look()

    def _said(self, text: Text | None) -> str:
        return in_language(text, self.lang) if text is not None else ""

    def _restyle(self) -> None:
        wall = self.wall
        wall.lang = self.lang
        wall.look = "plain" if self.is_plain else "light" if self.theme == "textual-light" else "dark"
        self._told = ""
        wall.redraw()
        self._show_foot()
        self._show_details()

    def _show_foot(self, width: int = 0) -> None:
        text = foot_line(
            width or self.size.width, self.lang, can_print=self._engine.can_print, can_stop=self._engine.can_stop_taking
        )
        self._foot.update(text)

    def _show_details(self) -> None:
        view = self.wall.view
        if view is None or not self.screen.has_class("detailed"):
            return
        width = self._detail.size.width or DETAILS_WIDTH - 4
        self._detail.update(slot_text(view, self.lang, width))


def is_light(colours: str) -> bool:
    """Whether a terminal says that its ground is light, as ``COLORFGBG=0;15`` does."""
    ground = colours.rpartition(";")[2]
    return ground in {"7", "15"}
