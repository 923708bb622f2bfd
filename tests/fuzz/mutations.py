"""Seeded damage: the same number always gives the same broken bytes."""

from __future__ import annotations

import random
from collections.abc import Iterator

INTERESTING = (0, 1, 0x7F, 0x80, 0xFF)
WORDS = (0, 1, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def mutations(original: bytes, count: int, seed: int) -> Iterator[bytes]:
    """``count`` damaged copies: flips, cuts, insertions, repetitions, extreme numbers, swapped halves."""
    dice = random.Random(seed)
    for _ in range(count):
        data = bytearray(original)
        for _ in range(dice.choice((1, 1, 2, 5))):
            damage(data, dice)
        yield bytes(data)


def damage(data: bytearray, dice: random.Random) -> None:
    """One act of damage in place."""
    kind = dice.randrange(7)
    at = dice.randrange(len(data)) if data else 0
    if kind == 0 and data:
        data[at] ^= 1 << dice.randrange(8)
    elif kind == 1 and data:
        data[at] = dice.choice(INTERESTING)
    elif kind == 2:
        del data[at:]
    elif kind == 3:
        data[at:at] = bytes(dice.randrange(256) for _ in range(dice.randrange(1, 20)))
    elif kind == 4:
        data[at : at + 4] = dice.choice(WORDS).to_bytes(4, dice.choice(("little", "big")))
    elif kind == 5:
        del data[at : at + dice.randrange(1, 40)]
    else:
        other = dice.randrange(len(data) + 1)
        piece = data[at : at + dice.randrange(1, 60)]
        data[other : other + len(piece)] = piece
