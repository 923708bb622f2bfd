"""Writes ``window_tables.h``: the constant tables of the window coder. Run after a change here; a test compares.

* ``SQUASH[i]``: 4096 / (1 + e^-x) for x = (i - 16) / 2: 33 points of the curve, between which it is straight.
* ``STRETCH[p]``: the smallest x from -2047 on for which the straightened curve is at least p; 2047 at most.
* ``NEXT``, ``WEIGHT``, ``START``: bit histories, see ``histories.py``.
"""

from __future__ import annotations

import math
from pathlib import Path

from histories import after, histories, rows

CHANCES = {
    "COPY": (136, 104, 80, 72, 77, 76, 65, 93, 62, 70, 74, 57, 66, 61, 54, 81),
    "SOURCE_EDGE": (243,),
    "AGAIN": (
        211, 186, 140, 109, 202, 160, 103, 74, 146, 88, 62, 39, 108, 102, 53, 40,
        142, 183, 67, 78, 172, 172, 81, 67, 82, 84, 45, 27, 65, 55, 29, 29,
    ),
    "WHICH": (79, 143, 163, 229, 51, 70, 90, 94, 111, 96, 58, 126, 65, 89, 68, 45),
    "OTHERS": (92, 92, 108, 108, 6, 56, 50, 38, 32, 39, 30, 46, 12, 20, 227, 162, 182, 149),
    "DISTANCE": (239, 232, 218, 209, 212, 206, 211, 202, 206, 184, 175, 171, 151, 174, 209, 184, 191, 210, 170, 80, 60),
    "BLOCKS": (219, 189, 193, 199, 171, 120, 106),
    "BACK": (242, 246, 240, 231, 218, 215, 192, 185, 175, 171, 181, 175, 178, 169, 183, 145, 110, 90, 70),
    "LATEST": (239, 237, 211, 177, 182, 150, 150, 160, 160, 170, 170, 160, 120, 100, 100),
    "EARLIER": (166, 172, 174, 150, 187, 148, 186, 174, 212, 215, 193, 147, 150, 132, 110, 96),
    "FROM_ANCHOR": (248, 222, 162, 175, 145, 154, 167, 180, 165, 163, 172, 145, 110, 110, 100),
    "FROM_HERE": (245, 216, 102, 77, 72, 106, 102, 123, 141, 142, 100),
    "EDGES": (34, 54, 146, 174, 174, 137, 90),
}  # fmt: skip
"""Chances of a one that cells begin with, of 256: means over pairs of scripts, file systems and code."""


def squash_points() -> list[int]:
    """The points of the curve."""
    return [max(1, min(4095, round(4096 / (1 + math.exp(-(i - 16) / 2))))) for i in range(33)]


def squash(points: list[int], x: int) -> int:
    """The curve at ``x``, -2047 to 2047."""
    i, w = (x >> 7) + 16, x & 127
    return (points[i] * (128 - w) + points[i + 1] * w + 64) >> 7


def stretch(points: list[int]) -> list[int]:
    """The inverse for 0 to 4095."""
    found, x = [], -2047
    for chance in range(4096):
        while x < 2047 and squash(points, x) < chance:
            x += 1
        found.append(x)
    return found


def text() -> str:
    """The header file."""
    points, known = squash_points(), histories()
    number = {one: at for at, one in enumerate(known)}
    following = [number[after(one, bit)] for one in known for bit in (0, 1)]
    weight = [min(one[0] + one[1], 255) for one in known]
    start = [int((one[1] + 0.4) / (one[0] + one[1] + 0.8) * 65535) for one in known]
    return "\n".join(
        [
            "/* Written by window_tables.py; see there. */",
            f"#define W_HISTORIES {len(known)}",
            f"static const uint16_t SQUASH[33] = {{\n    {rows(points)}}};",
            f"static const int16_t STRETCH[4096] = {{\n    {rows(stretch(points))}}};",
            f"static const uint8_t NEXT[{len(following)}] = {{\n    {rows(following)}}};",
            f"static const uint8_t WEIGHT[{len(known)}] = {{\n    {rows(weight)}}};",
            f"static const uint16_t START[{len(known)}] = {{\n    {rows(start)}}};",
            *(
                f"static const uint8_t {name}_CHANCE[{len(row)}] = {{\n    {rows(list(row))}}};"
                for name, row in CHANCES.items()
            ),
            "",
        ]
    )


if __name__ == "__main__":
    (Path(__file__).parent / "window_tables.h").write_text(text(), encoding="ascii")
