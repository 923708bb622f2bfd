"""Small images of Thumb-2 code with every kind of operand that the delta coder knows, at addresses of one's own choice.

Encodings: ARM Architecture Reference Manual, ARMv7-M, A7.7.
"""

from __future__ import annotations

import random
import struct

BASE = 0x0800_4000
RAM = 0x2000_0000
RAM_BYTES = 0x1_0000


def wide_branch(distance, *, links):
    """BL, or B.W of encoding T4."""
    s, i1, i2 = distance >> 24 & 1, distance >> 23 & 1, distance >> 22 & 1
    low = (0xD000 if links else 0x9000) | (1 - (i1 ^ s)) << 13 | (1 - (i2 ^ s)) << 11 | distance >> 1 & 0x7FF
    return struct.pack("<HH", 0xF000 | s << 10 | distance >> 12 & 0x3FF, low)


def branch_if_wide(distance):
    """BNE.W, encoding T3."""
    s, j2, j1 = distance >> 20 & 1, distance >> 19 & 1, distance >> 18 & 1
    first = 0xF040 | s << 10 | distance >> 12 & 0x3F
    return struct.pack("<HH", first, 0x8000 | j1 << 13 | j2 << 11 | distance >> 1 & 0x7FF)


def move(value, register):
    """MOVW and MOVT of one register."""
    made = b""
    for part, code in ((value & 0xFFFF, 0xF240), (value >> 16, 0xF2C0)):
        first = code | part >> 12 | (part >> 11 & 1) << 10
        made += struct.pack("<HH", first, (part >> 8 & 7) << 12 | register << 8 | part & 255)
    return made


def thumb_image(seed, functions, *, moved_by=0, ram_by=0):
    """Functions that call, branch and load; ``moved_by`` bytes stand before the second half, RAM words moved by ``ram_by``.

    The same seed gives the same functions, so that two images differ in addresses only.
    """
    plan = random.Random(seed)
    sizes = [plan.randrange(12, 40) * 4 for _ in range(functions)]
    starts, at = [], 64
    for number, size in enumerate(sizes):
        at += moved_by if number == functions // 2 else 0
        starts.append(at)
        at += size
    image = bytearray(random.Random(1).randbytes(at))
    for start, size in zip(starts, sizes, strict=True):
        body, pool = bytearray(struct.pack("<H", 0xB510)), start + size - 8
        while len(body) < size - 24:
            here, to, word = start + len(body), plan.choice(starts), RAM + ram_by + plan.randrange(0, RAM_BYTES // 2, 4)
            body += plan.choice(
                [
                    wide_branch(to - here - 4, links=True),
                    wide_branch(to - here - 4, links=False),
                    branch_if_wide(to - here - 4),
                    struct.pack("<H", 0x4800 | (pool - (here + 4 & ~3)) // 4 & 255),  # LDR r0, [pc]
                    struct.pack("<H", 0xA100 | (pool - (here + 4 & ~3)) // 4 & 255),  # ADR r1
                    struct.pack("<HH", 0xF8DF, 0x1000 | pool - (here + 4 & ~3)),  # LDR.W r1, [pc]
                    struct.pack("<H", 0xD000 | (pool - here - 4 >> 1) & 255),  # BEQ
                    struct.pack("<H", 0xE000 | (pool - here - 4 >> 1) & 0x7FF),  # B
                    struct.pack("<H", 0xB100 | (pool - here - 4 >> 1 & 31) << 3),  # CBZ r0
                    move(plan.choice([BASE + to + 1, word]), plan.randrange(8)),
                    plan.randbytes(1) + b"\x60",  # STR
                    plan.randbytes(1) + b"\x1c",  # ADDS
                ]
            )
        body += bytes(size - 8 - len(body))
        word = RAM + ram_by + plan.randrange(0, RAM_BYTES // 2, 4)
        image[start : start + size] = body + struct.pack("<II", BASE + plan.choice(starts) + 1, word)
    return bytes(image)
