"""Bit histories, which both coders keep a byte each of.

A history is how often 0 and 1 were seen in a context, and which was last. The more of one kind there were, the fewer of
the other are remembered; a surprise halves what was believed. So at most 255 histories are needed, and one byte keeps
one.
"""

from __future__ import annotations

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
            lasts = (0,) if not ones else (1,) if not zeros else (0, 1)
            found += [(zeros, ones, last) for last in lasts]
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
