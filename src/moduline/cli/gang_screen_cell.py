"""One slot as a rectangle of characters: the big word, the bar, and as much of the rest as fits.

A pure drawing: a :class:`~moduline.line.board.SlotView` and a size go in, rows of styled segments come out, each
exactly as wide as the cell, wide Chinese characters counted as two. The state is always a word, a symbol and a
colour; what falls away first in a smaller cell is what an operator three steps away cannot read anyway.

Colours are chosen so that people who see red and green alike tell them apart: good is light, bad is dark
(Source: Okabe and Ito, Color Universal Design).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from rich.cells import cell_len, chop_cells, set_cell_size
from rich.segment import Segment
from rich.style import Style

from moduline.errors import Text
from moduline.line.board import SlotView
from moduline.line.board_words import BIG

Row = list[Segment]

SYMBOLS: Final = {
    "passed": "✔", "failed": "✘", "refused": "⊘", "broken": "!", "aborted": "=", "empty": "-", "settling": "~",
    "waiting": "~", "pausing": "~", "asking": "?", "burning": ">", "checking": ">", "examining": ">",
}  # fmt: skip
"""Beside each word; characters that every terminal draws one column wide."""
ODD: Final = "*"

_GLYPHS: Final = {
    "A": "### #.# ### #.# #.#", "B": "##. #.# ##. #.# ##.", "C": "### #.. #.. #.. ###",
    "D": "##. #.# #.# #.# ##.", "E": "### #.. ### #.. ###", "F": "### #.. ### #.. #..",
    "I": "### .#. .#. .#. ###", "L": "#.. #.. #.. #.. ###", "O": "### #.# #.# #.# ###",
    "P": "### #.# ### #.. #..", "R": "### #.# ##. #.# #.#", "S": "### #.. ### ..# ###",
    "T": "### .#. .#. .#. .#.", "U": "#.# #.# #.# #.# ###", "0": "### #.# #.# #.# ###",
    "1": ".#. ##. .#. .#. ###", "2": "### ..# ### #.. ###", "3": "### ..# ### ..# ###",
    "4": "#.# #.# ### ..# ..#", "5": "### #.. ### ..# ###", "6": "### #.. ### #.# ###",
    "7": "### ..# ..# ..# ..#", "8": "### #.# ### #.# ###", "9": "### #.# ### ..# ###",
    "%": "#.# ..# .#. #.. #.#", " ": "... ... ... ... ...",
}  # fmt: skip
"""Letters of three by five dots, row by row."""
GLYPH_ROWS: Final = 5
GLYPH_COLUMNS: Final = 3

SCALES: Final = ((8, 4), (6, 3), (4, 2), (2, 1))
"""Columns and rows of one dot, largest first; below the smallest, two dots share a row."""


@dataclass(frozen=True, slots=True)
class Paint:
    """Styles of one kind of cell.

    Args:
        body: text and ground.
        title: the first row.
        strong: the word and its big letters.
        bar: the part of the bar that is done.
        rest: the part that is not.
    """

    body: Style
    title: Style
    strong: Style
    bar: Style
    rest: Style


def _paint(ground: str, ink: str, title: str, strong: str = "", rest: str = "") -> Paint:
    return Paint(
        Style(color=ink, bgcolor=ground),
        Style(color=ink, bgcolor=title, bold=True),
        Style(color=strong or ink, bgcolor=ground, bold=True),
        Style(color=strong or ink, bgcolor=ground),
        Style(color=rest or ink, bgcolor=ground),
    )


_ENDED: Final = {
    "passed": _paint("#2ec79a", "#00140d", "#22a880"),
    "failed": _paint("#a82200", "#ffffff", "#861b00"),
    "refused": _paint("#f0e442", "#1a1800", "#d1c62a"),
    "broken": _paint("#6c2b6e", "#ffffff", "#552157"),
    "aborted": _paint("#9a9a9a", "#000000", "#838383"),
    "calling": _paint("#ffb000", "#1a1200", "#e09a00"),
}
_AT_WORK: Final = ("asking", "burning", "checking", "examining")
_PLAIN: Final = Paint(Style(), Style(bold=True), Style(bold=True), Style(bold=True), Style(dim=True))
_PLAIN_ENDED: Final = Paint(
    Style(reverse=True), Style(reverse=True, bold=True), Style(reverse=True, bold=True), Style(), Style()
)
_PLAIN_GROUND: Final = replace(_PLAIN, title=Style(reverse=True, bold=True, underline=True))


def _chosen_on(ground: str, ink: str, title: str) -> Paint:
    body = Style(bgcolor=ground)
    return Paint(body, Style(color=ink, bgcolor=title, bold=True), body, body, body)


LOOKS: Final[dict[str, dict[str, Paint]]] = {
    "dark": {
        **_ENDED,
        **dict.fromkeys(_AT_WORK, _paint("#0d2b45", "#e6f1fa", "#143d61", "#7cc4f5", "#2c577c")),
        "empty": _paint("#1d1f21", "#9a9da0", "#26292c"),
        "ground": _chosen_on("#101112", "#000000", "#ff8fd5"),
        "": _paint("#33363a", "#f0f0f0", "#43474c"),
    },
    "light": {
        **_ENDED,
        **dict.fromkeys(_AT_WORK, _paint("#d5e9f8", "#06243b", "#b5d6ee", "#00568f", "#9cc4e2")),
        "empty": _paint("#ececec", "#5a5d60", "#dedede"),
        "ground": _chosen_on("#fafafa", "#ffffff", "#b80074"),
        "": _paint("#d8d8d8", "#202020", "#c4c4c4"),
    },
    "plain": dict.fromkeys(_ENDED, _PLAIN_ENDED) | {"ground": _PLAIN_GROUND, "": _PLAIN},
}
"""Paints by state for a dark and a light terminal, and for one without colour.

``calling`` is a unit that needs the operator's hand, ``""`` every other state, ``ground`` what lies between the cells,
its title that of the chosen cell.
"""


def in_language(text: Text, lang: str) -> str:
    """A finished sentence in ``lang``."""
    return text.zh if lang == "zh" else text.en


def fit(text: str, width: int) -> str:
    """The text in exactly ``width`` columns, cut with an ellipsis."""
    if cell_len(text) > width > 1:
        return set_cell_size(set_cell_size(text, width - 1).rstrip() + "…", width)
    return set_cell_size(text, max(width, 0))


def centred(text: str, width: int) -> str:
    """The text in the middle of exactly ``width`` columns."""
    room = width - cell_len(text)
    return fit(text, width) if room <= 0 else " " * (room // 2) + text + " " * (room - room // 2)


def ends(left: str, right: str, width: int) -> str:
    """Two texts at the two ends of exactly ``width`` columns; the left one stays when there is no room for both."""
    room = width - cell_len(left) - cell_len(right)
    return fit(left, width) if room < 1 or not right else left + " " * room + right


def wrapped(text: str, width: int, rows: int) -> list[str]:
    """The text in at most ``rows`` rows of ``width`` columns, cut at blanks where there are any."""
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        joined = f"{line} {word}" if line else word
        if cell_len(joined) <= width:
            line = joined
            continue
        if line:
            lines.append(line)
        *full, line = chop_cells(word, width) or [""]
        lines += full
    lines.append(line)
    if len(lines) > rows:
        lines = [*lines[: rows - 1], fit(" ".join(lines[rows - 1 :]), width)] if rows > 0 else []
    return [one for one in lines if one.strip()]


@lru_cache(maxsize=512)
def big(word: str, width: int, height: int) -> tuple[str, ...]:
    """The word in the largest letters that fit; nothing when none do."""
    if any(letter not in _GLYPHS for letter in word):
        return ()
    dots = len(word) * (GLYPH_COLUMNS + 1) - 1
    picture = [".".join(_GLYPHS[letter].split()[row] for letter in word) for row in range(GLYPH_ROWS)]
    for columns, rows in SCALES:
        if dots * columns <= width and GLYPH_ROWS * rows <= height:
            return tuple(
                "".join(("█" if dot == "#" else " ") * columns for dot in line) for line in picture for _ in range(rows)
            )
    if dots > width or height < (GLYPH_ROWS + 1) // 2:
        return ()
    halves = {("#", "#"): "█", ("#", "."): "▀", (".", "#"): "▄", (".", "."): " "}
    picture.append("." * dots)
    return tuple("".join(halves[pair] for pair in zip(*picture[at : at + 2], strict=True)) for at in (0, 2, 4))


def kind_of(view: SlotView) -> str:
    """Which paint a slot has."""
    return "calling" if view.is_calling else view.state


def paint_of(state: str, look: str) -> Paint:
    """The styles of a state; an unknown one has those of any other."""
    paints = LOOKS[look]
    return paints.get(state, paints[""])


def word_of(view: SlotView, lang: str) -> str:
    """Symbol and word."""
    return f"{SYMBOLS.get(view.state, ODD)} {in_language(view.word, lang)}"


def draw(view: SlotView, width: int, height: int, lang: str, look: str, *, is_selected: bool = False) -> list[Row]:
    """The cell: ``height`` rows, each exactly ``width`` columns."""
    paint = paint_of(kind_of(view), look)
    if width < 1 or height < 1:
        return []
    if is_selected:
        paint = replace(paint, title=paint_of("ground", look).title)
    if height == 1:
        return [_one_row(view, width, lang, paint, is_selected=is_selected)]
    rows = [_title(view, width, lang, paint, is_selected=is_selected)]
    room = height - 1
    inner = max(width - 2, 1)
    body = _small(view, inner, room, lang, paint) if room < 4 else _large(view, inner, room, lang, paint)
    blank = Segment(" " * width, paint.body)
    spare = room - len(body)
    above = spare // 2 if room >= 4 else 0
    rows += [[blank]] * above
    for row in body[:room]:
        rows.append([Segment(" " * ((width - inner) // 2), paint.body), *row])
        if rest := width - sum(cell_len(piece.text) for piece in rows[-1]):
            rows[-1].append(Segment(" " * rest, paint.body))
    return rows + [[blank]] * (height - len(rows))


def _one_row(view: SlotView, width: int, lang: str, paint: Paint, *, is_selected: bool) -> Row:
    name = f"{_mark(is_selected=is_selected)}{view.slot}"
    more = f"{percent(view)}" if view.is_at_work else _tail(view)
    word = BIG["calling"] if view.is_calling else word_of(view, lang)
    text = ends(f"{name} {word}", "" if view.is_calling else more, width - 1)
    return [Segment(f"{text} ", paint.title if is_selected else paint.strong)]


def _title(view: SlotView, width: int, lang: str, paint: Paint, *, is_selected: bool) -> Row:
    left = f"{_mark(is_selected=is_selected)}{view.slot}"
    tries = f"#{view.tries} " if view.tries > 1 else ""
    seconds = f"{view.seconds:.0f} s" if view.seconds and view.state != "empty" else ""
    right = f"{tries}{seconds}"
    if width < 14:
        right = tries.strip()
    if width >= 30 and view.model:
        left += f"  {view.model}"
    return [Segment(ends(left, f"{right} ", width), paint.title)]


def _small(view: SlotView, width: int, room: int, lang: str, paint: Paint) -> list[Row]:
    """Up to three rows under the title: word, then bar or error, then what is next."""
    word = word_of(view, lang)
    if view.is_calling:
        told = in_language(view.next, lang)
        return [[Segment(fit(one, width), paint.strong)] for one in wrapped(told, width, room)]
    if view.is_at_work:
        head = Segment(_word_and_share(view, width, lang), paint.strong)
        rows: list[Row] = [[head], _bar(view, width, paint)]
        return [*rows, [Segment(fit(in_language(view.step, lang), width), paint.body)]][:room]
    rows = [[Segment(ends(word, _tail(view), width), paint.strong)]]
    if room > 1:
        detail = _detail(view, lang)
        rows += [[Segment(fit(line, width), paint.body)] for line in wrapped(detail, width, room - 1)]
    return rows


def _large(view: SlotView, width: int, room: int, lang: str, paint: Paint) -> list[Row]:
    """Big letters, and under them as many lines as are left."""
    is_work = view.is_at_work
    under = _under(view, width, lang, paint)
    least = 1 + is_work if room < 9 else 3 + is_work  # what must stay to be read under the letters
    said = BIG.get(kind_of(view), percent(view).rjust(3) if is_work else "-")
    letters = big(said, width, room - min(least, len(under)))
    rows: list[Row] = [[Segment(centred(line, width), paint.strong)] for line in letters]
    if not letters and is_work and not view.is_calling:
        rows = [[Segment(_word_and_share(view, width, lang), paint.strong)]]
        under = under[:1] + under[2:]
    left = room - len(rows)
    if letters and left > len(under):
        rows.append([Segment(" " * width, paint.body)])
        left -= 1
    return rows + [part(width) for part in under[:left]]


def _under(view: SlotView, width: int, lang: str, paint: Paint) -> list[Callable[[int], Row]]:
    """The lines under the big letters, the most important first."""

    def line(text: str, style: Style | None = None) -> Callable[[int], Row]:
        return lambda width: [Segment(centred(text, width), style or paint.body)]

    def lines(text: str, most: int) -> list[Callable[[int], Row]]:
        return [line(one) for one in wrapped(text, width, most)]

    unit = "  ".join(filter(None, (view.imei if width >= 24 else _tail(view), view.model if width >= 50 else "")))
    if view.is_calling:
        return [*lines(in_language(view.next, lang), 3), line(word_of(view, lang), paint.strong)]
    if view.is_at_work:  # always as many lines, so that the letters stay where they are
        speed = f"  {_rate(view.speed)}" if view.speed >= 1 and width >= 24 else ""
        return [
            lambda width: _bar(view, width, paint),
            line(f"{word_of(view, lang)}{speed}", paint.strong),
            line(in_language(view.step, lang)),
            line(in_language(view.next, lang)),
            line(unit),
        ]
    told = lines(in_language(view.next, lang), 2)
    more = _tail(view) if view.state == "passed" else view.error_code
    unit = "" if unit == more else unit
    word = line(f"{word_of(view, lang)}  {more}".rstrip(), paint.strong)
    wrong = lines(in_language(view.error, lang), 3)
    step = lines(in_language(view.step, lang), 1)
    return [word, *told, *wrong, *step, *([line(unit)] if unit else [])]


def _detail(view: SlotView, lang: str) -> str:
    if view.state == "empty":
        return "" if not view.last else f"({view.last})"
    wrong = f"{view.error_code} {in_language(view.error, lang)}".strip()
    return wrong or in_language(view.step, lang) or in_language(view.next, lang)


def _bar(view: SlotView, width: int, paint: Paint) -> Row:
    eighths = int(view.share * width * 8)
    full, part = divmod(eighths, 8)
    edge = " ▏▎▍▌▋▊▉"[part] if part else ""
    done = "█" * full + edge
    return [Segment(done, paint.bar), Segment("─" * (width - len(done)), paint.rest)]


def percent(view: SlotView) -> str:
    """The share in whole per cent; 100 only at the end."""
    return f"{int(view.share * 100)}%"


def _word_and_share(view: SlotView, width: int, lang: str) -> str:
    """Both; where there is no room for both, the share."""
    word, share = word_of(view, lang), percent(view)
    has_room = cell_len(word) + 1 + len(share) <= width
    return ends(word, share, width) if has_room else fit(f"{SYMBOLS.get(view.state, ODD)} {share}", width)


def _tail(view: SlotView) -> str:
    return f"…{view.imei_tail}" if view.imei_tail else ""


def _rate(speed: float) -> str:
    return f"{speed / 1e6:.1f} MB/s" if speed >= 1e6 else f"{speed / 1e3:.0f} kB/s"


def _mark(*, is_selected: bool) -> str:
    return "▶" if is_selected else " "
