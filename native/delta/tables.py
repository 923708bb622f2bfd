"""Writes ``tables.h``: the constant tables of the delta coder. Run after a change here; a test compares.

Everything a decoder computes with comes from these integers, so that host and device agree bit for bit.

* ``SQUASH[i]``: 4096 / (1 + e^-x) for x = (i - 2048) / 256, between 1 and 4095: a probability of twelve bits.
* ``STRETCH[p]``: the inverse, 256 * ln(p / (1 - p)), between -2047 and 2047.
* ``NEXT``, ``WEIGHT``, ``START``: bit histories. A history is how often 0 and 1 were seen in a context, and which was
  last. The more of one kind there were, the fewer of the other are remembered; a surprise halves what was believed. So
  at most 255 histories are needed, and one byte keeps one.
"""

from __future__ import annotations

import math
from pathlib import Path

MOST_SEEN = (41, 30, 14, 9, 7, 5)
"""By the count of the rarer bit: how far the other may count."""
LADDER = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 16, 22, 30, 41)
"""Counts that are told apart."""
KEPT_AFTER_SURPRISE = ((25, 6), (12, 5), (7, 4), (3, 3), (2, 2))
"""Of a count above the first number, the second is kept when the other bit comes."""


def is_kept(zeros: int, ones: int) -> bool:
    """Whether the pair is a history of its own."""
    few, many = sorted((zeros, ones))
    return few < len(MOST_SEEN) and many <= MOST_SEEN[few]


def histories() -> list[tuple[int, int, int]]:
    """Every history: zeros seen, ones seen, the last bit; the empty one first."""
    found = []
    for zeros in LADDER:
        for ones in LADDER:
            if not is_kept(zeros, ones):
                continue
            found += [
                (zeros, ones, last)
                for last in (0, 1)
                if not (
                    (zeros == ones == 0 and last) or (not zeros and ones and not last) or (zeros and not ones and last)
                )
            ]
    return found


def after(history: tuple[int, int, int], bit: int) -> tuple[int, int, int]:
    """The history once ``bit`` was seen."""
    counts = [history[0], history[1]]
    other = counts[1 - bit]
    for above, kept in KEPT_AFTER_SURPRISE:
        if other > above:
            other = kept
            break
    counts[1 - bit] = other
    counts[bit] = LADDER[min(LADDER.index(counts[bit]) + 1, len(LADDER) - 1)]
    while not is_kept(counts[0], counts[1]):
        larger = bit if counts[bit] > counts[1 - bit] else 1 - bit
        counts[larger] = LADDER[LADDER.index(counts[larger]) - 1]
    last = 1 if counts[0] == 0 else 0 if counts[1] == 0 else bit
    return counts[0], counts[1], last


def rows(values: list[int]) -> str:
    """The numbers, sixteen a line."""
    lines = (", ".join(str(one) for one in values[at : at + 16]) for at in range(0, len(values), 16))
    return ",\n    ".join(lines)


def text() -> str:
    """The header file."""
    squash = [max(1, min(4095, int(4096 / (1 + math.exp(-(i - 2048) / 256))))) for i in range(4096)]
    chances = [(i + 0.5) / 4096 for i in range(4096)]
    stretch = [max(-2047, min(2047, round(math.log(p / (1 - p)) * 256))) for p in chances]
    known = histories()
    number = {one: at for at, one in enumerate(known)}
    following = [number[after(one, bit)] for one in known for bit in (0, 1)]
    weight = [min(one[0] + one[1], 255) for one in known]
    start = [int((one[1] + 0.4) / (one[0] + one[1] + 0.8) * 65535) for one in known]
    return "\n".join(
        [
            "/* Written by tables.py; see there. */",
            f"#define HISTORIES {len(known)}",
            f"static const uint16_t SQUASH[4096] = {{\n    {rows(squash)}}};",
            f"static const int16_t STRETCH[4096] = {{\n    {rows(stretch)}}};",
            f"static const uint8_t NEXT[{len(following)}] = {{\n    {rows(following)}}};",
            f"static const uint8_t WEIGHT[{len(known)}] = {{\n    {rows(weight)}}};",
            f"static const uint16_t START[{len(known)}] = {{\n    {rows(start)}}};",
            "",
        ]
    )


if __name__ == "__main__":
    (Path(__file__).parent / "tables.h").write_text(text(), encoding="ascii")
