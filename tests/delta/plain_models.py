"""The arithmetic coder and the models of the delta stream in plain Python: a second mind's reading of them.

Written from docs/spec/delta-stream.md alone (sections 2 to 4), without the native decoder in sight. To be read, not to
be fast.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict

ALL = 0xFFFF_FFFF


class StreamError(ValueError):
    """The stream breaks a rule; the text says which."""


def mixed(a, b):
    """The hash H(a, b) (section 3)."""
    h = (a * 0x9E37_79B1 ^ b * 0x85EB_CA6B) & ALL
    h = (h ^ h >> 15) * 0x2C1B_3C6D & ALL
    return h ^ h >> 13


def towards_zero(number, divisor):
    return -(-number // divisor) if number < 0 else number // divisor


# -- tables (4.1, 4.3) -------------------------------------------------------------------------------------------------

RATE = (32768, 21845, 16384, 13107, 10923, 9362, 8192, 7282, 6554, 5958, 5461, 5041)
TRUST = (0, 10, 14, 16, 18, 19, 20, 21, 22, 23, 24, 24)
LADDER = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 16, 22, 30, 41)
LARGER_AT_MOST = (41, 30, 14, 9, 7, 5)


def clamped(number, least, most):
    return max(least, min(number, most))


def stretched(chance):
    q = (chance + 0.5) / 4096
    return clamped(round(256 * math.log(q / (1 - q))), -2047, 2047)


SQUASH = [clamped(math.floor(4096 / (1 + math.exp(-(i - 2048) / 256))), 1, 4095) for i in range(4096)]
STRETCH = [stretched(chance) for chance in range(4096)]


def is_kept(one, other):
    smaller, larger = sorted((one, other))
    return smaller < len(LARGER_AT_MOST) and larger <= LARGER_AT_MOST[smaller]


def last_bits(zeros, ones):
    """Which bits can have come last."""
    return (0,) if ones == 0 else (1,) if zeros == 0 else (0, 1)


HISTORIES = [
    (zeros, ones, last)
    for zeros, ones in itertools.product(LADDER, LADDER)
    if is_kept(zeros, ones)
    for last in last_bits(zeros, ones)
]
NUMBER_OF = {history: number for number, history in enumerate(HISTORIES)}


def stepped(count, step):
    return LADDER[min(LADDER.index(count) + step, len(LADDER) - 1)]


def after(history, bit):
    """The history that follows when ``bit`` comes."""
    own, other = history[bit], history[1 - bit]
    for above, to in ((25, 6), (12, 5), (7, 4), (3, 3), (2, 2)):
        if other > above:
            other = to
            break
    own = stepped(own, 1)
    while not is_kept(own, other):
        if own > other:
            own = stepped(own, -1)
        else:
            other = stepped(other, -1)
    zeros, ones = (other, own) if bit else (own, other)
    return zeros, ones, bit if zeros and ones else int(zeros == 0)


NEXT = [tuple(NUMBER_OF[after(history, bit)] for bit in (0, 1)) for history in HISTORIES]
WEIGHT = [zeros + ones for zeros, ones, _ in HISTORIES]
START = [math.floor((ones + 0.4) / (zeros + ones + 0.8) * 65535) for zeros, ones, _ in HISTORIES]

# -- coder (2) ---------------------------------------------------------------------------------------------------------


class Coder:
    """Decodes bits from one of the two streams."""

    MAY_MISS = 8
    """Bytes behind the end that read as 0."""

    def __init__(self, data):
        self.data, self.at = data, 0
        self.low, self.high, self.code = 0, ALL, 0
        for _ in range(4):
            self.code = self.code << 8 | self._next()

    def _next(self):
        at, self.at = self.at, self.at + 1
        if at >= len(self.data) + self.MAY_MISS:
            raise StreamError("more bytes are missing than may be left out")
        return self.data[at] if at < len(self.data) else 0

    def bit(self, chance):
        """One bit that is 1 with ``chance`` 65536ths."""
        span = self.high - self.low
        middle = self.low + (span >> 16) * chance + ((span & 0xFFFF) * chance >> 16)
        bit = int(self.code <= middle)
        if bit:
            self.high = middle
        else:
            self.low = middle + 1
        while self.low >> 24 == self.high >> 24:
            self.low = self.low << 8 & ALL
            self.high = (self.high << 8 | 0xFF) & ALL
            self.code = (self.code << 8 | self._next()) & ALL
        return bit


# -- models (4.1, 4.2) -------------------------------------------------------------------------------------------------


class Cell:
    """A chance of twelve bits that learns fast at first."""

    __slots__ = ("chance", "seen")

    def __init__(self):
        self.chance, self.seen = 2048, 0

    def learn(self, bit):
        self.chance += towards_zero(((4095 if bit else 0) - self.chance) * RATE[self.seen], 65536)
        self.seen = min(self.seen + 1, 11)

    def read(self, coder):
        bit = coder.bit(max(16, 16 * self.chance))
        self.learn(bit)
        return bit


def cells(count):
    return [Cell() for _ in range(count)]


class Number:
    """Numbers of 0 to 2^24 - 2: how many bits follow the highest one, then these."""

    def __init__(self):
        self.prefix, self.first, self.rest = cells(24), cells(72), cells(24)

    def read(self, coder):
        n = 0
        while n < 23 and self.prefix[n].read(coder):
            n += 1
        got = 1
        for i in reversed(range(n)):
            if i == n - 1:
                cell = self.first[3 * n]
            elif i == n - 2:
                cell = self.first[3 * n + 1 + (got & 1)]
            else:
                cell = self.rest[i]
            got = got << 1 | cell.read(coder)
        return got - 1


# -- mixed models (4.4, 4.5) -------------------------------------------------------------------------------------------


def squashed(total):
    return SQUASH[2048 + clamped(total, -2047, 2047)]


def weighed(weights, x):
    return sum(weight * one for weight, one in zip(weights, x, strict=True))


def correct(weights, x, bit, chance, rate):
    error = ((4096 if bit else 0) - chance) * rate
    for j, one in enumerate(x):
        weights[j] += (one * error + 8192) >> 14


class Flags:
    """Single bits in contexts: 2^log cells, 82 sets of weights."""

    MOST_CONTEXTS = 6

    def __init__(self, coder, log_flags):
        self.coder, self.cells, self.mask = coder, defaultdict(Cell), (1 << log_flags) - 1
        self.weights = [[8000] * self.MOST_CONTEXTS + [0] for _ in range(82)]

    def read(self, which, contexts):
        found = [self.cells[mixed(context, 0x777) & self.mask] for context in contexts]
        x = [towards_zero(STRETCH[cell.chance] * TRUST[cell.seen], 16) for cell in found]
        x += [0] * (self.MOST_CONTEXTS - len(x)) + [256]
        weights = self.weights[which]
        chance = squashed(weighed(weights, x) >> 16)
        bit = self.coder.bit(16 * chance)
        correct(weights, x, bit, chance, 8)
        for cell in found:
            cell.learn(bit)
        return bit


class Run:
    """Which byte came in a context the last time, and how often in turn."""

    __slots__ = ("byte", "check", "count")

    def __init__(self):
        self.check, self.byte, self.count = 0, 0, 0

    def says(self, node, i):
        """Whether it says anything of bit ``i`` behind the bits of ``node``."""
        return self.count > 0 and (256 | self.byte) >> (i + 1) == node

    def learn(self, byte):
        self.count = min(self.count + 1, 255) if self.count and self.byte == byte else 1
        self.byte = byte


class Octets:
    """Bytes in contexts, by six models that share the slots of histories and the runs."""

    def __init__(self, coder, slot_kib):
        self.coder = coder
        self.slots = [bytearray(4) for _ in range(slot_kib * 256)]
        self.runs = [Run() for _ in range(512)]
        self.learned = [[list(START) for _ in range(4)] for _ in range(6)]
        self.goes_on = [[[65535 - 65536 // (2 * k + 2) for k in range(8)] for _ in range(3)] for _ in range(6)]
        self.by_known = [[[20000] * 7 + [0] for _ in range(8)] for _ in range(6)]
        self.by_place = [[[20000] * 7 + [0] for _ in range(8)] for _ in range(6)]

    def find(self, hashed):
        """The slot of this hash, another's if need be."""
        check = hashed & 255 or 1
        tried = [self.slots[((hashed >> 8) + step) % len(self.slots)] for step in range(4)]
        for slot in tried:
            if slot[0] == check:
                return slot
        least = min(tried, key=lambda slot: WEIGHT[slot[1]] if slot[0] else 0)
        least[:] = bytes([check, 0, 0, 0])
        return least

    def find_run(self, hashed):
        """The run of this hash, another's if need be."""
        check = hashed & 0xFFFF or 1
        number = hashed >> 16 & 511
        first, second = self.runs[number], self.runs[number ^ 1]
        for run in (first, second):
            if run.check == check:
                return run
        taken, other = (second, first) if second.count < first.count else (first, second)
        other.count = max(other.count - 1, 0)
        taken.check, taken.byte, taken.count = check, 0, 0
        return taken

    def read(self, model, in_slots, in_runs):
        """A byte; the contexts that have slots, and those that have runs."""
        runs = [self.find_run(mixed(context, model << 24)) for context in in_runs]
        node, path, slots = 1, 1, []
        for i in reversed(range(8)):
            if i % 2:
                path, before = 1, 0 if i == 7 else node
                slots = [self.find(mixed(context, model << 24 | before)) for context in in_slots]
            bit = self._bit(model, i, node, path, slots, runs)
            node, path = node << 1 | bit, path << 1 | bit
        for run in runs:
            run.learn(node & 255)
        return node & 255

    def _bit(self, model, i, node, path, slots, runs):
        learned, goes_on = self.learned[model], self.goes_on[model]
        histories = [slot[path] for slot in slots]
        x = [0] * 7 + [256]
        for j, h in enumerate(histories):
            x[j] = STRETCH[learned[j][h] >> 4] if h else 0
        saying = [(j, run, min(run.count, 7)) for j, run in enumerate(runs) if run.says(node, i)]
        for j, run, k in saying:
            stretched_chance = STRETCH[goes_on[j][k] >> 4]
            x[4 + j] = stretched_chance if run.byte >> i & 1 else -stretched_chance
        known = sum(h != 0 for h in histories) + len(saying)
        mixers = (self.by_known[model][known], self.by_place[model][i])
        sums = [weighed(weights, x) for weights in mixers]
        bit = self.coder.bit(16 * squashed(sum(sums) >> 17))
        for weights, total in zip(mixers, sums, strict=True):
            correct(weights, x, bit, squashed(total >> 16), 28)
        for chances, slot in zip(learned, slots, strict=False):
            history = slot[path]
            chances[history] += ((65535 if bit else 0) - chances[history]) >> 6
            slot[path] = NEXT[history][bit]
        for j, run, k in saying:
            goes_on[j][k] += ((65535 if run.byte >> i & 1 == bit else 0) - goes_on[j][k]) >> 5
        return bit
