"""Seeded pairs of images that no compiler makes, streams for them with covers that no search finds, and lies about them.

Every kind of operand in every form, with targets in the images, behind them and far away; halves of addresses in both
orders, apart or alone. Covers overlap in old, cross blocks, begin at odd offsets and reach one byte behind an odd image.
"""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass

from moduline.delta import mapped, native
from moduline.delta.native import Choice
from thumb_maker import branch_if_wide, move, wide_branch

BASES = (0x0800_4000, 0x0800_4002, 0, 0x1_0001, 0x2000_0000, 0xFFFF_F000)
RANGES = ((), ((0x2000_0000, 0x2001_0000),), ((0x2000_0000, 0x2000_1000), (8, 8), (0xFFFF_0000, 0xFFFF_FFFF)))
SIZES = (0, 1, 7, 60, 999, 3000, 5001)
WIDE = (
    (0xF000, 0xF800, 0xD000, 0xD000),  # BL
    (0xF000, 0xF800, 0xC000, 0xD000),  # BLX
    (0xF000, 0xF800, 0x9000, 0xD000),  # B.W
    (0xF000, 0xF800, 0x8000, 0xD000),  # Bcc.W, and others
    (0xF240, 0xFBF0, 0x0000, 0x8000),  # MOVW
    (0xF2C0, 0xFBF0, 0x0000, 0x8000),  # MOVT
    (0xF85F, 0xFF7F, 0x0000, 0x0000),  # LDR.W, literal
    (0xE800, 0xF800, 0x0000, 0x0000),  # a wide one without an operand
)
"""Both halfwords and which of their bits are fixed."""
NARROW = ((0x4800, 0xF800), (0xA000, 0xF800), (0xD000, 0xF000), (0xE000, 0xF800), (0xB100, 0xF500))
"""LDR literal, ADR, Bcc, B, CBZ or CBNZ."""
LIES = ("bytes", "cut", "head", "covers", "content", "end of content")


@dataclass(frozen=True)
class Pair:
    """Two images and a stream that makes the one of the other, as bytes come from the native coder."""

    old: bytes
    new: bytes
    stream: bytes


def _filled(rng, value, fixed):
    return value | rng.getrandbits(16) & ~fixed & 0xFFFF


def _wide(rng):
    first, fixed, second, fixed_too = rng.choice(WIDE)
    a, b = _filled(rng, first, fixed), _filled(rng, second, fixed_too)
    if first == 0xF000 and rng.random() < 0.6:  # a call or branch to a place that is not far
        a, b = rng.choice((0xF000, 0xF7FF)), b | 0x2800
    elif first == 0xF85F and rng.random() < 0.7:  # a distance of next to nothing, of either sign
        b = b & 0xF000 | rng.choice((0, 4, 8))
    return struct.pack("<HH", a, b)


def _halves(rng, value):
    """MOVW and MOVT in either order, with up to two halfwords between them."""
    made = move(value, rng.randrange(3))
    halves = [made[:4], made[4:]]
    rng.shuffle(halves)
    return halves[0] + rng.randbytes(2 * rng.randrange(3)) + halves[1]


def _address(rng, size, choice):
    """In the image, at its edges, in RAM or anywhere."""
    kind = rng.random()
    if kind < 0.4:
        address = choice.base + rng.randrange(size + 8)
    elif kind < 0.5:
        address = choice.base + rng.choice((-1, 0, size - 1, size))
    elif choice.ranges:
        first, behind = rng.choice(choice.ranges)
        address = rng.choice(
            (
                first + rng.randrange(0, 0x1000, 4),
                first + rng.randrange(4) * 4 + rng.choice((0, 64, 2048)),
                first - 1,
                behind,
            )
        )
    else:
        address = rng.getrandbits(32)
    return address & 0xFFFF_FFFF


def strange_code(rng, size, choice):
    """``size`` bytes of operands of every kind."""
    code = bytearray()
    while len(code) < size:
        address, kind = _address(rng, size, choice), rng.random()
        if kind < 0.05:  # just where places begin that the map is not asked for
            code += wide_branch(size + 4096 + rng.choice((-2, 0, 2)) - len(code) - 4, links=rng.random() < 0.5)
        elif kind < 0.08:
            code += branch_if_wide(rng.randrange(-4096, 4096, 2))
        elif kind < 0.3:
            code += _wide(rng)
        elif kind < 0.45:
            code += _halves(rng, address)
        elif kind < 0.65:
            code += struct.pack("<H", _filled(rng, *rng.choice(NARROW)))
        elif kind < 0.85:
            code += bytes(-(len(code) + choice.base) % 4) + struct.pack("<I", address)
        else:
            code += rng.randbytes(rng.choice((2, 2, 4)))
    return bytes(code[:size])


def _edited(rng, old):
    new = bytearray(old)
    for _ in range(rng.randrange(8)):
        at, count = rng.randrange(len(new) + 1), rng.choice((1, 2, 4, 6, 30, 60))
        at -= at % 2 if rng.random() < 0.9 else 0
        new[at : at + rng.choice((0, count))] = rng.randbytes(rng.choice((0, count)))
    for _ in range(rng.randrange(60) if len(new) > 8 else 0):
        new[rng.randrange(len(new))] ^= rng.randrange(256)
    for at in range(0, len(new) - 3, 4) if rng.random() < 0.5 else ():
        word = int.from_bytes(new[at : at + 4], "little")
        if word >> 16 == 0x2000 and rng.random() < 0.7:  # RAM that moved, every variable as it likes
            new[at : at + 4] = (word + rng.choice((4, 8, 12, -4, -64, 65532, 65536, -65536))).to_bytes(4, "little")
    return bytes(new)


def _strange_covers(rng, old_bytes, new_bytes):
    rows, at, end = [], 0, new_bytes + new_bytes % 2
    while at < end:
        at += 2 * rng.choice((0, 0, 1, 3, 20))
        shift = rng.choice((0, 0, 2, -2, 1, 16, 52, rng.randrange(-300, 300)))
        old = max(0, min(at + shift, old_bytes))
        count = min(2 * rng.choice((1, 2, 5, 20, 100, 200)), end - at, old_bytes - old + 1 & ~1)
        if count > 0:
            rows.append((at, old, count))
        at += max(count, 2)
    return native.covers_of(rows)


def strange_pair(seed):
    """The pair of this seed."""
    rng = random.Random(seed)
    block = rng.choice((0, 0, 4096))
    choice = Choice(
        base=rng.choice(BASES),
        ranges=rng.choice(RANGES),
        is_thumb=rng.random() < 0.9,
        slot_kib=rng.choice((1, 1, 3)),
        log_flags=rng.choice((4, 8, 11)),
        descending_block=block,
    )
    old = strange_code(rng, rng.choice(SIZES), choice)
    new = _edited(rng, old) if rng.random() < 0.9 else strange_code(rng, rng.randrange(3000), choice)
    if rng.random() < 0.5 or not old or not new:
        covers = _strange_covers(rng, len(old), len(new))
    else:
        covers = mapped.find_covers(old, new, choice)
    if block and new and rng.random() < 0.7:
        covers = covers.split(block, len(new))
    covers.choose_map(len(old), rng.choice((0, 3, 1000)))
    return Pair(old, new, native.encode(old, new, covers, choice)[0])


def block_of(stream):
    """The size of the blocks that come last first; 0: the image comes in order, or the head is none."""
    is_descending = len(stream) >= 24 and stream[1] & 2 and 12 <= stream[20] <= 20
    return 1 << stream[20] if is_descending else 0


def lie(rng, pair, kind):
    """The stream of ``pair``, damaged."""
    stream = bytearray(pair.stream)
    covers = 24 + 8 * stream[21]
    content = covers + int.from_bytes(stream[12:16], "little")
    if kind == "bytes":
        for _ in range(rng.randrange(1, 4)):
            stream[rng.randrange(len(stream))] = rng.randrange(256)
    elif kind == "cut":
        del stream[rng.randrange(len(stream)) :]
    elif kind == "head":
        stream[rng.randrange(covers)] ^= 1 << rng.randrange(8)
    elif kind == "covers" and content > covers:
        stream[rng.randrange(covers, content)] ^= 1 << rng.randrange(8)
    else:
        stream[content if kind == "content" else rng.randrange(content, len(stream) + 1) :] = rng.randbytes(
            len(pair.new) // 2 + 40
        )
    return bytes(stream)
