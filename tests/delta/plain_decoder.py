"""A second decoder of the delta stream, in plain Python, written from docs/spec/delta-stream.md alone.

It shares nothing with the native one, so that two minds agree on what the specification says. To be read, not to be
fast.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from delta.plain_models import ALL, Cell, Coder, Flags, Number, Octets, StreamError, cells, mixed
from delta.plain_operands import CALL, Map, Operands, distance, halves, instruction, is_wide, with_distance, word_at

MAX_IMAGE_BYTES = 16 << 20
MOST_CALLS = 128
KNOWN_CALL_SET, PLAIN_SET = 80, 64


def decode(old: bytes, stream: bytes, new_bytes: int) -> bytes:
    """The new image, in its own order.

    Raises:
        StreamError: the stream breaks a rule (section 11).
    """
    return Decoder(old, stream, new_bytes).decode()


# -- head (1) ----------------------------------------------------------------------------------------------------------


def demand(is_so, rule):
    if not is_so:
        raise StreamError(rule)


@dataclass(frozen=True)
class Head:
    """The 24 bytes and the ranges behind them."""

    is_thumb: bool
    is_descending: bool
    base: int
    covers: int
    cover_bytes: int
    map_entries: int
    slot_kib: int
    log_flags: int
    log_block: int
    ranges: list[tuple[int, int]]

    @property
    def bytes(self):
        return 24 + 8 * len(self.ranges)

    @classmethod
    def read(cls, stream, new_bytes):
        demand(len(stream) >= 24, "shorter than a head")
        version, flags, reserved, base, covers, cover_bytes, entries, slot_kib, log_flags, log_block, ranges, again = (
            struct.unpack_from("<BBHIIIHBBBBH", stream)
        )
        demand(version == 2, "another version")
        demand(flags < 4, "unknown flags")
        demand(reserved == again == 0, "reserved bytes that are not 0")
        demand(slot_kib > 0, "no histories")
        demand(4 <= log_flags <= 20, "cells of flags")
        demand(12 <= log_block <= 20, "size of blocks")
        demand(ranges <= 16, "too many ranges")
        demand(entries <= covers <= new_bytes, "number of covers")
        demand(24 + 8 * ranges + cover_bytes <= len(stream), "shorter than its parts")
        found = [struct.unpack_from("<II", stream, 24 + 8 * number) for number in range(ranges)]
        return cls(
            bool(flags & 1), bool(flags & 2), base, covers, cover_bytes, entries, slot_kib, log_flags, log_block, found
        )


# -- order (5) ---------------------------------------------------------------------------------------------------------


class Order:
    """Where the bytes of the stream belong in new."""

    def __init__(self, head, new_bytes):
        self.new_bytes, self.block = new_bytes, 1 << head.log_block
        self.is_descending = head.is_descending
        self.count = (new_bytes + self.block - 1) // self.block
        self.first = new_bytes - (self.count - 1) * self.block + new_bytes % 2

    def place(self, at):
        if not self.is_descending:
            return at
        if at < self.first or self.count == 1:
            return (self.count - 1) * self.block + at
        k = (at - self.first) // self.block
        if k <= self.count - 2:
            return (self.count - 2 - k) * self.block + (at - self.first) % self.block
        return self.new_bytes

    def room(self, at):
        place = self.place(at)
        end = self.new_bytes
        if self.is_descending:
            end = min(end, (place // self.block + 1) * self.block)
        return max(end - place, 0)


# -- covers (6) --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cover:
    """A run of new that is one of old, roughly; ``begin`` and ``end`` are counted along the stream."""

    begin: int
    old: int
    bytes: int
    is_in_map: bool

    @property
    def end(self):
        return self.begin + self.bytes


class CoverReader:
    """The covers of a stream, one after the other."""

    def __init__(self, head, order, stream, old_bytes):
        self.order, self.old_bytes, self.left = order, old_bytes, head.covers
        self.coder = Coder(stream[head.bytes : head.bytes + head.cover_bytes])
        self.end, self.last, self.repeat = 0, 0, [0, 0, 0, 0]
        self.old_end, self.was_negative = 0, 0
        self.goes_on = [cells(2), cells(2)]
        self.same = [[cells(3) for _ in range(5)] for _ in range(4)]
        self.far, self.farther, self.sign = cells(3), cells(3), [cells(2) for _ in range(3)]
        self.odd, self.map = Cell(), cells(2)
        self.gap, self.kept, self.moved, self.shift = Number(), Number(), Number(), [Number(), Number()]

    def next(self):
        """The next cover; None behind the last one."""
        if not self.left:
            return None
        self.left -= 1
        gap = self.gap.read(self.coder)
        begin = self.end + 2 * gap
        near = 0 if gap == 0 else 1 if gap < 16 else 2
        if gap and self.goes_on[near == 2][self.last == 4].read(self.coder):
            which, shift = 4, self.old_end - self.order.place(begin)
        else:
            which = self._which(near)
            shift = self._new_shift(near) if which == 4 else self.repeat[which]
        del self.repeat[min(which, 3)]
        self.repeat.insert(0, shift)
        self.last = which
        size = 2 * (self.kept if which < 4 else self.moved).read(self.coder)
        is_in_map = self.map[1 if size > 255 else 0].read(self.coder)
        cover = Cover(begin, self.order.place(begin) + shift & ALL, size, bool(is_in_map))
        self._check(cover)
        self.end, self.old_end = cover.end, cover.old + size
        return cover

    def _which(self, near):
        for which in range(4):
            if self.same[which][self.last][near].read(self.coder):
                return which
        return 4

    def _new_shift(self, near):
        origin = 1 + self.farther[near].read(self.coder) if self.far[near].read(self.coder) else 0
        is_negative, low = self.sign[origin][self.was_negative].read(self.coder), self.odd.read(self.coder)
        self.was_negative = is_negative
        size = 2 * self.shift[1 if origin else 0].read(self.coder) + low
        return self.repeat[origin] - size if is_negative else self.repeat[origin] + size

    def _check(self, cover):
        most = self.order.new_bytes + self.order.new_bytes % 2
        demand(cover.end <= most, "a cover behind the end of new")
        demand(cover.bytes > 0, "an empty cover")
        demand(cover.old <= self.old_bytes, "a cover behind the end of old")
        demand(cover.bytes <= self.old_bytes - cover.old + 1, "a cover beyond the end of old")

    def all(self):
        return list(iter(self.next, None))


# -- content (7, 8.5) --------------------------------------------------------------------------------------------------


class Decoder:
    """What is known while the content is decoded, unit by unit."""

    def __init__(self, old, stream, new_bytes):
        demand(max(len(old), new_bytes) <= MAX_IMAGE_BYTES, "an image above 16 MiB")
        self.old, self.new_bytes, self.head = old, new_bytes, Head.read(stream, new_bytes)
        self.order = Order(self.head, new_bytes)
        every = CoverReader(self.head, self.order, stream, len(old)).all()
        rows = [(one.old, one.bytes, self.order.place(one.begin) - one.old & ALL) for one in every if one.is_in_map]
        demand(len(rows) == self.head.map_entries, "another number of covers in the map")
        self.operands = Operands(self.head, old, Map(rows))
        self.covers = CoverReader(self.head, self.order, stream, len(old))
        self.coder = Coder(stream[self.head.bytes + self.head.cover_bytes :])
        self.flags, self.octets = Flags(self.coder, self.head.log_flags), Octets(self.coder, self.head.slot_kib)
        self.call = Number()
        self.calls = []
        self.at, self.run, self.misses, self.h1, self.h2 = 0, 0, 0, 0, 0
        self.past, self.change = [0] * 16, [0] * 48
        self.is_second, self.is_open = False, 0

    def decode(self):
        new = bytearray(self.new_bytes + 1)
        cover = self.covers.next()
        while self.at < self.new_bytes:
            if cover is not None and self.at >= cover.end:
                cover, self.is_second = self.covers.next(), False
            room = self.order.room(self.at)
            demand(room > 0, "no room")
            if cover is not None and self.at >= cover.begin:
                unit = self._in_cover(cover, room)
            else:
                unit = self._fresh(room if cover is None else min(room, cover.begin - self.at))
            place = self.order.place(self.at)
            new[place : place + len(unit)] = unit
            for (half,) in struct.iter_unpack("<H", unit):
                self.h2, self.h1 = self.h1, half
                self.is_open = int(not self.is_open and is_wide(half))
            self.at += len(unit)
        return bytes(new[: self.new_bytes])

    def _in_cover(self, cover, room):
        begun = self.at - cover.begin
        offset, left = cover.old + begun, cover.bytes - begun
        kind, is_first = 0, False
        if not self.is_second and offset % 2 == 0 and room >= 4:
            kind, is_first = self.operands.look(offset, left)
        if kind:
            self.is_second = False
            return self._operand(kind, offset, begun, left)
        was_second, self.is_second = self.is_second, not self.is_second and is_first
        return self._plain(*halves(word_at(self.old, offset)), begun, was_second)

    def _put_call(self, target):
        self.calls = [target, *(one for one in self.calls if one != target)][:MOST_CALLS]

    def _plain(self, was, behind, begun, is_second):
        run, misses, h1 = self.run, self.misses, self.h1
        is_same = self.flags.read(
            PLAIN_SET + min(run, 15),
            [
                mixed(180, min(run, 40)),
                mixed(181, misses & 0xFFF),
                mixed(182, was >> 8 | min(run, 3) << 8),
                mixed(183, was | (run > 0) << 16),
                mixed(184, h1 >> 8 | (misses & 3) << 8),
                mixed(185, min(begun // 2, 63) | (misses & 3) << 6),
            ],
        )
        self.run, self.misses = (run + 1, misses << 1 & ALL) if is_same else (0, (misses << 1 | 1) & ALL)
        if is_same:
            return was.to_bytes(2, "little")
        return self._changed(was, behind, 32 + (h1 >> 8 & 15) if is_second else was >> 11)

    def _changed(self, was, behind, of_class):
        h1, high, low = self.h1, was >> 8, was & 255
        like = was + self.change[of_class] & 0xFFFF
        a = self.octets.read(
            2,
            [mixed(90, high | (h1 >> 8) << 8), mixed(92, high), mixed(94, h1 >> 8), mixed(86, like >> 8)],
            [mixed(91, was), mixed(93, h1), mixed(95, mixed(self.h2, h1))],
        )
        e = int(a == high)
        b = self.octets.read(
            3,
            [
                mixed(97, a),
                mixed(171, e << 8 | low),
                mixed(170, (behind & 255) << 1 | (a == behind >> 8)),
                mixed(87, (like & 255) << 1 | (a == like >> 8)),
            ],
            [mixed(98, low << 9 | e << 8 | a), mixed(96, was << 1 | e), mixed(99, h1 << 8 | a)],
        )
        self.change[of_class] = (a << 8 | b) - was & 0xFFFF
        return bytes([b, a])

    def _fresh(self, space):
        h1, h2, wide, place = self.h1, self.h2, self.is_open, self.order.place(self.at)
        a = self.octets.read(
            4,
            [
                mixed(110, h1 >> 8 | wide << 8),
                mixed(113, (h2 >> 8) << 8 | h1 >> 8 | wide << 16),
                mixed(114, place & 2 | wide),
            ],
            [mixed(111, h1 | wide << 16), mixed(112, (h2 >> 8) << 16 | h1)],
        )
        self.run, self.misses = 0, self.misses << 1 & ALL
        may_call = self.head.is_thumb and a & 0xF8 == 0xF0 and space >= 4
        if may_call and self.flags.read(KNOWN_CALL_SET, [mixed(190, a), mixed(191, h1 >> 8)]):
            index = self.call.read(self.coder)
            demand(index < len(self.calls), "a call beyond the list")
            target = self.calls[index]
            self._put_call(target)
            return with_distance(CALL, 0xF000, 0xD000, target - place - 4).to_bytes(4, "little")
        b = self.octets.read(
            5,
            [mixed(116, a | wide << 8), mixed(160, (h1 >> 8) << 8 | a | wide << 16)],
            [mixed(117, (h1 & 255) << 8 | a), mixed(118, h1 << 8 | a), mixed(119, (h2 & 255) << 8 | a)],
        )
        return bytes([b, a])

    def _operand(self, kind, offset, begun, left):
        place = self.order.place(self.at)
        operand = self.operands.at(kind, offset, place)
        near = begun // 4 if begun < 64 else 16 + min(left // 4, 16)
        z = 0
        while z < len(operand.guesses) and not self._is_right(operand, z, near):
            z += 1
        is_found = z < len(operand.guesses)
        unit = operand.guesses[z].to_bytes(operand.bytes, "little") if is_found else self._unguessed(operand)
        actual = int.from_bytes(unit, "little")
        self.past[kind] = (self.past[kind] << 2 | (min(z, 2) if is_found else 3)) & ALL
        self.misses = (self.misses << 1 | (z > 0)) & ALL
        self.run = 0 if z else self.run + 1
        a, b = halves(actual)
        if kind == CALL and instruction(a, b) == CALL and b & 0xD000 == 0xD000:
            self._put_call(place + 4 + distance(CALL, a, b) & ALL)
        self.operands.learn(operand, place, actual)
        return unit

    def _is_right(self, operand, z, near):
        k, s, misses, past = operand.kind, operand.source, self.misses, self.past[operand.kind]
        return self.flags.read(
            4 * k + z,
            [
                mixed(50, k << 12 | (64 * z + 8 * len(operand.guesses) + s)),
                mixed(51, k << 24 | z << 16 | (past & 255) << 8 | s),
                mixed(52, z << 16 | (misses & 255) << 8 | s),
                mixed(53, min(self.run, 15) << 8 | k | z << 16),
                mixed(54, z << 24 | s << 20 | k << 16 | (past & 15) << 4 | misses & 15),
                mixed(55, near | z << 8 | s << 12),
            ],
        )

    def _unguessed(self, operand):
        k, h1, unit = operand.kind, self.h1, b""
        for q in range(0, operand.bytes, 2):
            was = operand.guesses[0] >> 8 * q & 0xFFFF
            high, low = was >> 8, was & 255
            a = self.octets.read(
                0,
                [
                    mixed(20 + k, q << 16 | high),
                    mixed(61, high | q << 20),
                    mixed(100 + k, q),
                    mixed(65, h1 >> 8 | q << 16),
                ],
                [mixed(80 + k, h1), mixed(63, was)],
            )
            b = self.octets.read(
                1,
                [mixed(120 + k, q << 16 | a), mixed(72, low << 8 | a), mixed(140 + k, q), mixed(75, low << 4 | q)],
                [mixed(71, was << 8 | a), mixed(73, h1 << 8 | a)],
            )
            unit += bytes([b, a])
        return unit
