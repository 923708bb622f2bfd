"""Pictures of counts as SVG: a donut, bars over time, a bar with marks. Each says in words what it shows.

Colours are classes of ``monitoring.css`` that stand for kinds (``good``, ``bad``, ``busy``, ``idle``, ``done``): they
follow light and dark. Beside every picture stands a legend or a table with the same numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

WIDTH: Final = 640
HEIGHT: Final = 170
_LEFT: Final = 40
_BOTTOM: Final = 24
_TOP: Final = 10
_LABEL: Final = 84
"""Width that the name of a moment takes at most."""
_RADIUS: Final = 54.0
_ROUND: Final = 2 * math.pi * _RADIUS


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a whole.

    Args:
        kind: its colour.
        word: what it is called.
        count: how many.
    """

    kind: str
    word: str
    count: int


@dataclass(frozen=True, slots=True)
class Bar:
    """One step of a time line.

    Args:
        label: of its moment.
        good: that went well.
        bad: that did not.
    """

    label: str
    good: int
    bad: int


def donut(parts: Sequence[Part], middle: str, below: str, said: str) -> str:
    """A ring of parts with a text in the middle.

    Args:
        parts: in their order, clockwise from the top.
        middle: large text.
        below: small text under it.
        said: the picture in words.
    """
    total = sum(one.count for one in parts)
    drawn = [f'<circle class="g-none" cx="70" cy="70" r="{_RADIUS}" />']
    begin = 0.0
    for one in parts:
        if not one.count:
            continue
        share = one.count / total * _ROUND
        gap = 2.0 if share > 6.0 and one.count != total else 0.0
        dash = f"{share - gap:.2f} {_ROUND - share + gap:.2f}"
        drawn.append(
            f'<circle class="g-{one.kind}" cx="70" cy="70" r="{_RADIUS}" stroke-dasharray="{dash}" '
            f'stroke-dashoffset="{-begin:.2f}" transform="rotate(-90 70 70)"><title>{escape(one.word)}: {one.count}'
            "</title></circle>"
        )
        begin += share
    label = escape(said, quote=True)
    return (
        f'<svg class="g-donut" viewBox="0 0 140 140" role="img" aria-label="{label}">{"".join(drawn)}'
        f'<text class="g-middle" x="70" y="72">{escape(middle)}</text>'
        f'<text class="g-below" x="70" y="91">{escape(below)}</text></svg>'
    )


def bars(steps: Sequence[Bar], said: str, *, labels: int = 6) -> str:
    """What happened step by step: good upwards, bad on top of it, hatched.

    Args:
        steps: all steps, also those in which nothing happened.
        said: the picture in words.
        labels: how many moments are named below.
    """
    most = scale(max((one.good + one.bad for one in steps), default=0))
    inner, floor = HEIGHT - _BOTTOM - _TOP, HEIGHT - _BOTTOM
    width = (WIDTH - _LEFT) / max(len(steps), 1)
    drawn = []
    for part in range(3):
        y = floor - inner * part / 2
        value = most * part / 2
        drawn.append(f'<line class="g-grid" x1="{_LEFT}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}" />')
        if value == int(value):
            drawn.append(f'<text class="g-axis g-end" x="{_LEFT - 6}" y="{y + 4:.1f}">{int(value)}</text>')
    every = max(1, math.ceil(len(steps) / labels))
    for at, one in enumerate(steps):
        x, wide = _LEFT + at * width, max(width - 2, 0.8)
        good, bad = inner * one.good / most, inner * one.bad / most
        for kind, tall, y in (("good", good, floor - good), ("bad", bad, floor - good - bad)):
            if tall:
                drawn.append(
                    f'<rect class="g-{kind}" x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{tall:.1f}" rx="1" />'
                )
        if at % every == 0 and (x < WIDTH - _LABEL or not at):
            drawn.append(f'<text class="g-axis" x="{x:.1f}" y="{HEIGHT - 6}">{escape(one.label)}</text>')
    return (
        f'<svg class="g-bars" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(said, quote=True)}">'
        f"{''.join(drawn)}</svg>"
    )


def gauge(parts: Sequence[Part], total: int, marks: Sequence[tuple[float, str]], said: str) -> str:
    """A bar of parts of a total, with marks across it.

    Args:
        parts: from left to right.
        total: what the whole width is.
        marks: place from 0 to 1, and the class of a mark.
        said: the picture in words.
    """
    x, drawn = 0.0, ['<rect class="g-none" x="0" y="3" width="300" height="12" rx="3" />']
    for one in parts:
        wide = 300.0 * one.count / total if total else 0.0
        if wide:
            drawn.append(f'<rect class="g-{one.kind}" x="{x:.1f}" y="3" width="{wide:.1f}" height="12" />')
        x += wide
    for place, kind in marks:
        at = min(max(place, 0.0), 1.0) * 298 + 1
        drawn.append(f'<line class="g-mark g-mark-{kind}" x1="{at:.1f}" x2="{at:.1f}" y1="0" y2="18" />')
    return (
        '<svg class="g-gauge" viewBox="0 0 300 18" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(said, quote=True)}">{"".join(drawn)}</svg>'
    )


def scale(most: int) -> int:
    """The top of an axis: 2, 4, 10, 20, 40, 100 ... so that its half is a whole number, too."""
    size = 1
    while True:
        for step in (2, 4, 10):
            if most <= step * size:
                return step * size
        size *= 10


def steps(
    since: float, step_s: int, until: float, points: Sequence[tuple[float, int, int]]
) -> list[tuple[float, int, int]]:
    """All steps between two moments, those in which nothing happened, too.

    Args:
        since: begin of the first, UTC seconds.
        step_s: length of one.
        until: the last one holds this moment.
        points: begin, good and bad of those in which something happened.
    """
    known = {round((at - since) / step_s): (good, bad) for at, good, bad in points}
    count = max([int((until - since) // step_s), *known]) + 1
    return [(since + step_s * at, *known.get(at, (0, 0))) for at in range(count)]
