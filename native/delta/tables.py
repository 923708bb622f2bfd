"""Writes ``tables.h``: the constant tables of the delta coder. Run after a change here; a test compares.

Everything a decoder computes with comes from these integers, so that host and device agree bit for bit.

* ``SQUASH[i]``: 4096 / (1 + e^-x) for x = (i - 2048) / 256, between 1 and 4095: a probability of twelve bits.
* ``STRETCH[p]``: the inverse, 256 * ln(p / (1 - p)), between -2047 and 2047.
* ``NEXT``, ``WEIGHT``, ``START``: bit histories, see ``histories.py``.
"""

from __future__ import annotations

import math
from pathlib import Path

from histories import after, histories, rows


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
