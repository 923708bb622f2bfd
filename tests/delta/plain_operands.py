"""Operands of Thumb-2 code in the delta stream, in plain Python: what stands there, and what it may have become.

Written from docs/spec/delta-stream.md alone (sections 8 and 9), without the native decoder in sight. To be read, not to
be fast.
"""

from __future__ import annotations

from bisect import bisect
from dataclasses import dataclass, field

from delta.plain_models import ALL, StreamError, mixed

CALL, BRANCH_WIDE, LOAD_WIDE, LOAD, ADDRESS, BRANCH, BRANCH_IF, BRANCH_ZERO = range(1, 9)
MOVE_LOW, MOVE_HIGH, POINTER, RAM_WORD = range(9, 13)
IS_BLX = 0xC000
FAR_BYTES = 4096
TO_THE_NEXT = 65534
"""A row of the map that is so long counts up to the next one."""
MOST_GUESSES = 4


def word_at(image, offset):
    """Four bytes, zeros behind the end."""
    return int.from_bytes(image[offset : offset + 4].ljust(4, b"\0"), "little")


def halves(word):
    return word & 0xFFFF, word >> 16


# -- instructions (8.1, 8.3) -------------------------------------------------------------------------------------------


def is_wide(a):
    return a & 0xF800 == 0xE800 or a & 0xF000 == 0xF000


def is_movw(a):
    return a & 0xFBF0 == 0xF240


def is_movt(a):
    return a & 0xFBF0 == 0xF2C0


def instruction(a, b):
    """The kind of the instruction; 0: none with an operand."""
    if a & 0xF800 == 0xF000 and b & 0xD000 in {0xD000, IS_BLX, 0x9000}:
        return CALL
    if a & 0xF800 == 0xF000 and b & 0xD000 == 0x8000 and a >> 6 & 15 < 14:
        return BRANCH_WIDE
    if not b & 0x8000 and (is_movw(a) or is_movt(a)):
        return MOVE_LOW if is_movw(a) else MOVE_HIGH
    if a & 0xFF7F == 0xF85F:
        return LOAD_WIDE
    if a >> 12 == 0xD and a >> 8 & 15 < 14:
        return BRANCH_IF
    if a & 0xF500 == 0xB100:
        return BRANCH_ZERO
    return {0x09: LOAD, 0x14: ADDRESS, 0x1C: BRANCH}.get(a >> 11, 0)


def bytes_of(kind):
    return 2 if kind in {LOAD, ADDRESS, BRANCH, BRANCH_IF, BRANCH_ZERO} else 4


def signed(value, bits):
    return value - (1 << bits) if value >> bits - 1 else value


def distance(kind, a, b):
    """The signed distance that the bits of kind 1 to 8 hold."""
    s, j1, j2 = a >> 10 & 1, b >> 13 & 1, b >> 11 & 1
    low = (b & 0x7FF) << 1
    if kind == CALL:
        return signed(s << 24 | (j1 ^ s ^ 1) << 23 | (j2 ^ s ^ 1) << 22 | (a & 0x3FF) << 12 | low, 25)
    if kind == BRANCH_WIDE:
        return signed(s << 20 | j2 << 19 | j1 << 18 | (a & 0x3F) << 12 | low, 21)
    if kind == LOAD_WIDE:
        return b & 0xFFF if a & 0x80 else -(b & 0xFFF)
    if kind in {LOAD, ADDRESS}:
        return (a & 255) * 4
    if kind == BRANCH:
        return signed((a & 0x7FF) << 1, 12)
    if kind == BRANCH_IF:
        return signed((a & 255) << 1, 9)
    return (a >> 9 & 1) << 6 | (a >> 3 & 31) << 1


def with_distance(kind, a, b, d):
    """The unit with another distance, whose high bits are lost if it does not fit."""
    d = signed(d & ALL, 32)
    if kind == CALL:
        s = d >> 24 & 1
        a = a & 0xF800 | s << 10 | d >> 12 & 0x3FF
        return a | (b & 0xD000 | (d >> 23 & 1 ^ s ^ 1) << 13 | (d >> 22 & 1 ^ s ^ 1) << 11 | d >> 1 & 0x7FF) << 16
    if kind == BRANCH_WIDE:
        a = a & 0xFBC0 | (d >> 20 & 1) << 10 | d >> 12 & 0x3F
        return a | (b & 0xD000 | (d >> 18 & 1) << 13 | (d >> 19 & 1) << 11 | d >> 1 & 0x7FF) << 16
    if kind == LOAD_WIDE:
        return a & 0xFF7F | (0 if d < 0 else 0x80) | (b & 0xF000 | abs(d) & 0xFFF) << 16
    if kind in {LOAD, ADDRESS}:
        return a & 0xFF00 | d >> 2 & 255
    if kind == BRANCH:
        return a & 0xF800 | d >> 1 & 0x7FF
    if kind == BRANCH_IF:
        return a & 0xFF00 | d >> 1 & 255
    return a & 0xFD07 | (d >> 6 & 1) << 9 | (d >> 1 & 31) << 3


def immediate(a, b):
    return (a & 15) << 12 | (a >> 10 & 1) << 11 | (b >> 12 & 7) << 8 | b & 255


def with_immediate(a, b, v):
    a = a & 0xFBF0 | v >> 12 & 15 | (v >> 11 & 1) << 10
    return a | (b & 0x8F00 | (v >> 8 & 7) << 12 | v & 255) << 16


def pc_of(place, base, *, is_aligned):
    """The pc of an instruction at an offset, as an offset."""
    if not is_aligned:
        return place + 4
    t = base & 2
    return (place + 4 + t & ~3) - t


# -- map (8.4) ---------------------------------------------------------------------------------------------------------


class Map:
    """Where old offsets went, by the covers that count for it: rows of (old, bytes, shift)."""

    def __init__(self, rows):
        self.rows = sorted(rows)
        self.starts = [old for old, _, _ in self.rows]
        if len(set(self.starts)) != len(self.starts):
            raise StreamError("two covers of the map begin at the same old offset")

    def moved(self, target):
        """Where ``target`` may have gone, and what that adds to the source."""
        even, odd = target & ~1, target & 1
        behind = bisect(self.starts, even)
        around = self.rows[max(behind - 1, 0) : behind + 1]
        if behind and (even - around[0][0] < around[0][1] or around[0][1] >= TO_THE_NEXT):
            return [even + around[0][2] + odd & ALL], 2
        shifts = [shift for _, _, shift in around] or [0]
        places = [even + shift + odd & ALL for shift in (shifts[0], shifts[-1])]
        return places, 4 if places[0] == places[1] else 6


# -- memory (9) --------------------------------------------------------------------------------------------------------

BECAME = {CALL: 1, BRANCH_WIDE: 1, POINTER: 2, RAM_WORD: 3, MOVE_LOW: 4, MOVE_HIGH: 4}
"""The number of the table *seen* under which a kind is remembered."""
RAM, FAR, OFF = 1, 5, 9
"""The sorts of shifts and of what the map is wrong by: the first of their two numbers in the table *near*."""


class Table:
    """512 values that were remembered, the later over the earlier."""

    def __init__(self):
        self.entries = [(0, 0)] * 512

    def get(self, value, number):
        key, found = self.entries[mixed(value, number) & 511]
        return found if key == (value ^ number << 28) + 1 & ALL else None

    def put(self, value, number, what):
        self.entries[mixed(value, number) & 511] = (value ^ number << 28) + 1 & ALL, what


@dataclass
class Memory:
    """What operands became, and by how much their neighbours moved."""

    seen: Table = field(default_factory=Table)
    near: Table = field(default_factory=Table)
    last: dict[int, int] = field(default_factory=lambda: {RAM: 0, FAR: 0, OFF: 0})

    def shifts(self, sort, value):
        """Shifts of the neighbours of ``value``, and what was found."""
        close, wider = self.near.get(value >> 5, sort), self.near.get(value >> 8, sort + 1)
        found = (2 if close is not None else 0) | (4 if wider is not None else 0)
        return [shift for shift in (close, wider, self.last[sort]) if shift is not None], found

    def off(self, address):
        """By how much the map is wrong about ``address``."""
        for number, places in ((OFF, 10), (OFF + 1, 16)):
            found = self.near.get(address >> places, number)
            if found is not None:
                return found
        return self.last[OFF]

    def note_off(self, address, off):
        self.last[OFF] = off
        self.near.put(address >> 10, OFF, off)
        self.near.put(address >> 16, OFF + 1, off)

    def note(self, sort, value, shift):
        self.last[sort] = shift
        self.near.put(value >> 5, sort, shift)
        self.near.put(value >> 8, sort + 1, shift)


# -- operands (8.1, 8.2, 9.3) ------------------------------------------------------------------------------------------


@dataclass
class Operand:
    """An operand of old and what it may be in new.

    ``subject`` is what is remembered: the target, word, or value of two halves (0: there is no other half). ``mapped``
    is what the map alone makes of it, if it is an address in the image.
    """

    kind: int
    word: int
    bytes: int
    guesses: list[int]
    source: int
    subject: int
    mapped: int


class Operands:
    """Finds operands in old, guesses what they became, and learns from what they did become."""

    def __init__(self, head, old, mapping):
        self.head, self.old, self.map = head, old, mapping
        self.memory = Memory()

    def look(self, offset, left):
        """The kind that stands at ``offset`` (0: none), and whether a wide instruction begins there."""
        if not self.head.is_thumb:
            return 0, False
        word = word_at(self.old, offset)
        a, b = halves(word)
        if left < 4 or offset + 4 > len(self.old):
            return 0, is_wide(a)
        if self.head.base + offset & 3 == 0:
            if self._is_inside(word):
                return POINTER, False
            if any(first <= word < behind for first, behind in self.head.ranges):
                return RAM_WORD, False
        return instruction(a, b), is_wide(a)

    def _is_inside(self, address):
        """Whether ``address`` is one of old."""
        return 0 <= address - self.head.base < len(self.old)

    def at(self, kind, offset, place):
        """The operand of ``kind`` at ``offset`` of old, with the guesses for ``place`` in new."""
        size, word = bytes_of(kind), word_at(self.old, offset)
        a, b = halves(word)
        if kind == POINTER:
            subject, (tos, source) = word, self._new_addresses(kind, word)
            guesses = tos
        elif kind == RAM_WORD:
            subject, (tos, source) = word, self._new_ram_words(word)
            guesses = tos
        elif kind in {MOVE_LOW, MOVE_HIGH}:
            subject = self._whole_value(kind, offset, a, b)
            tos, source = ([], 7) if subject is None else self._new_values(kind, subject)
            guesses = [with_immediate(a, b, to if kind == MOVE_LOW else to >> 16) for to in tos]
            subject = subject or 0
        else:
            is_aligned = self._is_aligned(kind, b)
            subject = pc_of(offset, self.head.base, is_aligned=is_aligned) + distance(kind, a, b) & ALL
            tos, source = self._new_targets(kind, subject)
            pc = pc_of(place, self.head.base, is_aligned=is_aligned)
            guesses = [with_distance(kind, a, b, to - pc) for to in tos]
        guesses.append(word if size == 4 else a)
        mapped = self._addresses(subject)[0][0] if self._is_inside(subject) else 0
        return Operand(kind, word, size, list(dict.fromkeys(guesses))[:MOST_GUESSES], source, subject, mapped)

    @staticmethod
    def _is_aligned(kind, b):
        return kind in {LOAD_WIDE, LOAD, ADDRESS} or (kind == CALL and b & 0xD000 == IS_BLX)

    def _recalled(self, kind, subject):
        found = self.memory.seen.get(subject, BECAME[kind]) if kind in BECAME else None
        return ([], 0) if found is None else ([found], 1)

    def _new_targets(self, kind, target):
        tos, source = self._recalled(kind, target)
        if target < len(self.old) + FAR_BYTES:
            more, found = self.map.moved(target)
        elif kind == CALL:
            shifts, found = self.memory.shifts(FAR, target)
            more = [target + shift & ALL for shift in shifts][: 3 - len(tos)]
        else:
            more, found = [target], 0
        return tos + more, source | found

    def _new_addresses(self, kind, address):
        tos, source = self._recalled(kind, address)
        places, found = self._addresses(address)
        return [*tos, places[0] + self.memory.off(address) & ALL, *places], source | found

    def _addresses(self, address):
        """Where an address of the image went by the map alone, and what that adds to the source."""
        places, found = self.map.moved(address - self.head.base)
        return [self.head.base + place & ALL for place in places], found

    def _new_ram_words(self, word):
        tos, source = self._recalled(RAM_WORD, word)
        shifts, found = self.memory.shifts(RAM, word)
        return tos + [word + shift & ALL for shift in shifts], source | found

    def _new_values(self, kind, value):
        if self._is_inside(value):
            return self._new_addresses(kind, value)
        tos, source = self._recalled(kind, value)
        shifts, found = self.memory.shifts(RAM, value)
        return [*tos, value + shifts[0] & ALL], source | found

    def _whole_value(self, kind, offset, a, b):
        """The value of which this MOVW or MOVT is one half; None: the other one is not near."""
        for i in range(2, 16):
            there = offset + 2 * i if kind == MOVE_LOW else offset - 2 * i
            if there < 0 or (kind == MOVE_LOW and there + 4 > len(self.old)):
                return None
            x, y = halves(word_at(self.old, there))
            if y & 0x8000 or (y ^ b) & 0x0F00:
                continue
            if kind == MOVE_LOW and is_movt(x):
                return immediate(x, y) << 16 | immediate(a, b)
            if is_movw(x):
                return None if kind == MOVE_LOW else immediate(a, b) << 16 | immediate(x, y)
        return None

    def learn(self, operand, place, actual):
        """Remember that ``operand`` became ``actual``."""
        kind, subject = operand.kind, operand.subject
        a, b = halves(actual)
        is_missed = actual != operand.guesses[0]
        if kind in {CALL, BRANCH_WIDE}:
            pc = pc_of(place, self.head.base, is_aligned=self._is_aligned(kind, b))
            became = pc + distance(kind, a, b) & ALL
            if kind == CALL and subject >= len(self.old) + FAR_BYTES:
                self.memory.note(FAR, subject, became - subject & ALL)
        elif kind == POINTER:
            became = actual
            self.memory.note_off(subject, actual - operand.mapped & ALL)
        elif kind == RAM_WORD:
            became = actual
            if actual - subject + 0x10_0000 & ALL < 0x20_0000:
                self.memory.note(RAM, subject, actual - subject & ALL)
        elif kind == MOVE_LOW and subject:
            became = subject & 0xFFFF_0000 | immediate(a, b)
            if self._is_inside(subject):
                self.memory.note_off(subject, became - operand.mapped & ALL)
            else:
                self.memory.note(RAM, subject, became - subject & ALL)
        else:
            return
        if is_missed:
            self.memory.seen.put(subject, BECAME[kind], became)
