"""Decoder of the ``window`` stream, small profile: a new script from the old one and what changed.

``script_patch.py`` calls it; copy this file to ``/usr`` beside that one. Plain MicroPython 1.12, no part of any
firmware. Format and names: docs/spec/window-stream.md. Why it is here: docs/design/script-updates.md.

::

    patch ──▶ _Coder: bits, numbers ──▶ unpack(): tokens ──▶ copies ──▶ _Window: old file, new file
                                                      └────▶ _Bytes: literals ──┘

Whether the result is right only its hash says. ``ValueError`` when a stream breaks a rule; at most ``new_bytes`` are
written in any case.
"""

try:
    from array import array
except ImportError:
    from uarray import array

MOST_SLOT_KIB = 16  # histories; a stream that asks for more is refused
MOST_BYTES = 1 << 24
_PIECE = 512  # read at once
_WRITTEN = 2048  # at once: whoever reads back between two writes makes the file system copy the block between them

_LADDER = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 16, 22, 30, 41)
_LARGER = (41, 30, 14, 9, 7, 5)  # kept counts, by the smaller one
_CUTS = ((25, 6), (12, 5), (7, 4), (3, 3), (2, 2))
_RATE = (32768, 21845, 16384, 13107, 10923, 9362, 8192, 7282, 6554, 5958, 5461, 5041, 4681, 4369, 4096, 3855)
# fmt: off
SQUASH = (1, 2, 4, 6, 10, 17, 27, 45, 74, 120, 194, 311, 488, 747, 1102, 1546, 2048, 2550, 2994, 3349, 3608, 3785, 3902,
          3976, 4022, 4051, 4069, 4079, 4086, 4090, 4092, 4094, 4095)
# With which chances cells begin, of 256.
_COPY_A = (136, 104, 80, 72, 77, 76, 65, 93, 62, 70, 74, 57, 66, 61, 54, 81)
_AGAIN = (211, 186, 140, 109, 202, 160, 103, 74, 146, 88, 62, 39, 108, 102, 53, 40,
          142, 183, 67, 78, 172, 172, 81, 67, 82, 84, 45, 27, 65, 55, 29, 29)
_WHICH = (79, 143, 163, 229, 51, 70, 90, 94, 111, 96, 58, 126, 65, 89, 68, 45)
_DISTANCE = (239, 232, 218, 209, 212, 206, 211, 202, 206, 184, 175, 171, 151, 174, 209, 184, 191, 210, 170, 80, 60)
_BLOCKS = (219, 189, 193, 199, 171, 120, 106)
_BACK = (242, 246, 240, 231, 218, 215, 192, 185, 175, 171, 181, 175, 178, 169, 183, 145, 110, 90, 70)
_LENGTH = (
    (239, 237, 211, 177, 182, 150, 150, 160, 160, 170, 170, 160, 120, 100, 100),
    (166, 172, 174, 150, 187, 148, 186, 174, 212, 215, 193, 147, 150, 132, 110, 96),
    (248, 222, 162, 175, 145, 154, 167, 180, 165, 163, 172, 145, 110, 110, 100),
    (245, 216, 102, 77, 72, 106, 102, 123, 141, 142, 100),
)
_EDGES = (34, 54, 146, 174, 174, 137, 90)
# fmt: on
_TREE, _TOP, _LOW = 25, 25 + 6 * 32, 25 + 6 * 32 + 25 * 4  # where they begin in a number's cells, behind the prefix
_FOUR = (0, 1, 2, 3)
_NUMBER = _LOW + 16


def unpack(window, patch, new_bytes, file):
    """Write the new file.

    ``window`` is the old file, seekable; ``patch`` stands at the first byte of the stream; ``file`` is empty and can be
    read back ("w+b"): what was given belongs to the window.
    """
    coder = _Coder(patch)
    slot_kib, log_block, prime_at, prime_bytes = _head(coder)
    both = _Window(window, file, new_bytes)
    if both.old_bytes > MOST_BYTES or new_bytes > MOST_BYTES or prime_at + prime_bytes > both.old_bytes:
        raise ValueError("beyond the files")
    try:
        literals = _Bytes(coder, slot_kib)
        tokens = _Tokens(coder, both, literals, log_block)
    except MemoryError:
        raise ValueError("too little RAM")
    for _ in (0, 1, 2):
        coder.code = coder.code << 8 | coder.next()
    window.seek(prime_at)
    while prime_bytes:
        piece = window.read(min(_PIECE, prime_bytes))
        if not piece:
            raise ValueError("the old file ended")
        for byte in piece:
            literals.give(0, 0, (), byte)
        prime_bytes -= len(piece)
    while both.done < new_bytes:
        tokens.next()
    both.flush()


def _head(coder):
    kind, slot_kib = coder.head_byte(), coder.head_byte()
    if kind & 0xF9 != 0x11:
        raise ValueError("version or profile")
    if not 1 <= slot_kib <= MOST_SLOT_KIB:
        raise ValueError("%d KiB of histories" % slot_kib)
    log_block = prime_at = prime_bytes = 0
    if kind & 4:
        log_block = coder.head_number()
        if not 8 <= log_block <= 20:
            raise ValueError("blocks of 2^%d" % log_block)
    if kind & 2:
        prime_at, prime_bytes = coder.head_number(), coder.head_number()
    return slot_kib, log_block, prime_at, prime_bytes


class _Window:
    """The old file, then what was given of the new one; a place counts through both.

    What is given waits in ``tail``; of what was read a piece is kept for each of two askers.
    """

    def __init__(self, old, new, new_bytes):
        self.old, self.new, self.new_bytes = old, new, new_bytes
        self.old_bytes = old.seek(0, 2)
        self.done = self.written = 0
        self.tail, self.was_read = bytearray(), False
        self.kept, self.kept_at = [b"", b""], [0, 0]

    def give(self, data):
        self.tail += data
        self.done += len(data)
        if len(self.tail) >= _WRITTEN:
            self.flush()

    def flush(self):
        if self.was_read:
            self.new.seek(self.written)
            self.was_read = False
        self.new.write(self.tail)
        self.written = self.done
        self.tail = bytearray()

    def read(self, place, count):
        """Up to ``count`` bytes that lie together, one at least."""
        at = place - self.old_bytes
        if at >= self.written:
            return self.tail[at - self.written : at - self.written + count]
        if at >= 0:
            self.was_read = True
            self.new.seek(at)
            data = self.new.read(min(count, self.written - at))
        else:
            self.old.seek(place)
            data = self.old.read(min(count, -at))
        if not data:
            raise ValueError("a file ended")
        return data

    def byte(self, place, asker):
        at = place - self.kept_at[asker]
        kept = self.kept[asker]
        if not 0 <= at < len(kept):
            if place - self.old_bytes >= self.written:
                return self.tail[place - self.old_bytes - self.written]
            kept = self.kept[asker] = self.read(place, _PIECE)
            self.kept_at[asker], at = place, 0
        return kept[at]

    def copy(self, distance, count):
        """Bytes that may be given by this very copy: what is there of it twice counts as one more period."""
        step = distance
        while count:
            data = self.read(self.old_bytes + self.done - step, min(count, step, _PIECE))
            self.give(data)
            count -= len(data)
            if len(data) == step:
                step += step


class _Coder:
    """The arithmetic code, and what is coded with cells: 16 bits, a chance of 4096 and how often it was seen."""

    def __init__(self, patch):
        self.patch = patch
        self.piece, self.at, self.missing = b"", 0, 0
        self.span, self.code = 1 << 24, 0

    def next(self):
        """A byte; a few zeros behind the end."""
        if self.at == len(self.piece):
            self.piece, self.at = self.patch.read(64), 0
            if not self.piece:
                self.missing += 1
                if self.missing > 8:
                    raise ValueError("the patch ended")
                return 0
        byte = self.piece[self.at]
        self.at += 1
        return byte

    def head_byte(self):
        byte = self.next()
        if self.missing:
            raise ValueError("the patch ended")
        return byte

    def head_number(self):
        """7 bits a byte, lowest first."""
        value = 0
        for shift in (0, 7, 14, 21):
            byte = self.head_byte()
            value |= (byte & 127) << shift
            if byte < 128 and (byte or not shift):
                return value
            if not byte:
                break
        raise ValueError("a number of the head")

    def bit(self, chance):
        bound = (self.span >> 12) * chance
        if self.code < bound:
            self.span = bound
            bit = 1
        else:
            self.code -= bound
            self.span -= bound
            bit = 0
        while self.span < 0x100000:
            self.span <<= 8
            self.code = self.code << 8 | self.next()
        return bit

    def flag(self, cells, at):
        bit = self.bit(cells[at] >> 4 or 1)
        cells[at] = adapted(cells[at], bit)
        return bit

    def number(self, cells):
        count = 0
        while count < 24 and self.flag(cells, count):
            count += 1
        got = node = 1
        for i in range(count - 1, -1, -1):
            if count < 6:
                bit = self.flag(cells, _TREE + count * 32 + got)
            elif i >= count - 2:
                bit = self.flag(cells, _TOP + count * 4 + got)
            elif i < 4:
                bit = self.flag(cells, _LOW + node)
                node = node << 1 | bit
            else:
                bit = self.bit(2048)
            got = got << 1 | bit
        return got - 1


def adapted(cell, bit):
    """The cell after this bit."""
    chance, seen = cell >> 4, cell & 15
    chance += ((4095 if bit else 0) - chance) * _RATE[seen] >> 16
    return chance << 4 | min(seen + 1, 15)


def _cells(count, first=(), chance=2048):
    cells = array("H", bytes(2 * count))
    for at in range(count):
        cells[at] = first[at] << 8 | 4 if at < len(first) else chance << 4
    return cells


def squash(x):
    """-2047 to 2047 becomes a chance."""
    at = (x >> 7) + 16
    return (SQUASH[at] * (128 - (x & 127)) + SQUASH[at + 1] * (x & 127) + 64) >> 7


def stretched():
    """What squash takes to reach each chance, 4,096 numbers."""
    table, chance = array("h", bytes(8192)), 0
    for x in range(-2047, 2048):
        top = squash(x)
        while chance <= top:
            table[chance] = x
            chance += 1
    return table


def histories():
    """(NEXT for 0, NEXT for 1, WEIGHT, START) of the 175 histories."""
    numbers, rows = {}, []
    for zeros in _LADDER:
        for ones in _LADDER:
            if _is_kept(zeros, ones):
                for last in (0, 1) if zeros and ones else (0 if zeros or not ones else 1,):
                    numbers[zeros << 7 | ones << 1 | last] = len(rows)
                    rows.append(zeros << 7 | ones << 1 | last)
    nexts = bytearray(len(rows)), bytearray(len(rows))
    weight, start = bytearray(len(rows)), array("H", bytes(2 * len(rows)))
    for number, row in enumerate(rows):
        zeros, ones = row >> 7, row >> 1 & 63
        nexts[0][number] = numbers[_followed(zeros, ones, 0)]
        nexts[1][number] = numbers[_followed(ones, zeros, 1)]
        weight[number] = zeros + ones
        start[number] = (5 * ones + 2) * 65535 // (5 * (zeros + ones) + 4)
        if (zeros == 1 and ones == 22) or (zeros == 22 and ones == 1):
            start[number] -= 1  # where floating point of 64 bits ends just below the whole number
    return nexts[0], nexts[1], weight, start


def _is_kept(one, other):
    smaller = min(one, other)
    return smaller <= 5 and max(one, other) <= _LARGER[smaller]


def _followed(own, other, bit):
    """The history behind one with these counts of the bit that comes, and of the other."""
    for above, cut in _CUTS:
        if other > above:
            other = cut
            break
    own = _LADDER[min(_LADDER.index(own) + 1, 16)]
    while not _is_kept(own, other):
        if own > other:
            own = _LADDER[_LADDER.index(own) - 1]
        else:
            other = _LADDER[_LADDER.index(other) - 1]
    zeros, ones = (other, own) if bit else (own, other)
    last = 1 if not zeros else 0 if not ones else bit
    return zeros << 7 | ones << 1 | last


class _Bytes:
    """Bytes that are told one by one: four contexts and up to four guesses, mixed."""

    def __init__(self, coder, slot_kib):
        self.coder, self.slots = coder, 64 * slot_kib
        self.table = bytearray(1024 * slot_kib)
        self.next0, self.next1, self.weight, start = histories()
        self.stretch = stretched()
        self.meaning = [array("H", start) for _ in range(4)]
        self.guess_cells = _cells(4 * 512, chance=3072)
        self.rows = [[4000] * 8 + [0] for _ in range(15)]
        self.last = [0, 0, 0]  # the latest first
        self.inputs = [0] * 8  # of contexts and guesses

    def passed(self, byte):
        """One that was copied."""
        self.last = [byte, self.last[0], self.last[1]]

    def _hashes(self, p, literals):
        one, two, three = self.last
        return (
            step(_FOLD[0], one),
            step(step(_FOLD[1], one), two),
            step(step(step(_FOLD[2], one), two), three),
            step(step(_FOLD[3], p & 255), p >> 8 | min(literals, 3) << 1),
        )

    def _places(self, hashes):
        """Where in the table the slot of each hash begins; the least of three gives way."""
        table, slots, weight, places = self.table, self.slots, self.weight, []
        for hashed in hashes:
            check = hashed & 255 or 1
            slot = (hashed >> 8) * slots >> 12
            at = slot << 4
            if table[at] != check:
                least, found = weight[table[at + 1]] if table[at] else 0, at
                for _ in (1, 2):
                    slot += 1
                    if slot == slots:
                        slot = 0
                    at = slot << 4
                    if table[at] == check:
                        break
                    worth = weight[table[at + 1]] if table[at] else 0
                    if worth < least:
                        least, found = worth, at
                else:
                    at = found
                    if table[at]:
                        for byte in range(at + 1, at + 16):
                            table[byte] = 0
                    table[at] = check
            places.append(at)
        return places

    def give(self, p, literals, guesses, taught=-1):
        """The next byte, or ``taught`` is learnt; ``p`` is guess 0 plus 1 or 0, ``guesses`` are as in _guesses."""
        hashes = self._hashes(p, literals)
        coder, stretch, table, inputs, meaning = self.coder, self.stretch, self.table, self.inputs, self.meaning
        cells, span, code, squashed, rate = self.guess_cells, coder.span, coder.code, SQUASH, _RATE
        got, live = 1, guesses
        for i in range(7, -1, -1):
            if i == 7:
                path, places = 1, self._places(hashes)
            elif i == 3:
                path, places = 1, self._places([step(hashed, got) for hashed in hashes])
            # what the contexts and the guesses say
            known = 0
            for j in _FOUR:
                h = table[places[j] + path]
                inputs[j] = stretch[meaning[j][h] >> 4] if h else 0
                if h:
                    known += 3
            if p:
                known += 1 if live and not live[0][0] else 2
            row = self.rows[known]
            total = row[0] * inputs[0] + row[1] * inputs[1] + row[2] * inputs[2] + row[3] * inputs[3] + (row[8] << 8)
            for g, guess, place in live:
                x = stretch[cells[place + i] >> 4]
                if not guess >> i & 1:
                    x = -x
                inputs[4 + g] = x
                total += row[4 + g] * x
            # the bit
            total >>= 14
            total = -2047 if total < -2047 else 2047 if total > 2047 else total
            at = (total >> 7) + 16
            w = total & 127
            chance = squashed[at] * (128 - w) + squashed[at + 1] * w + 64 >> 7
            if taught >= 0:
                bit = taught >> i & 1
            else:
                bound = (span >> 12) * chance
                if code < bound:
                    span = bound
                    bit = 1
                else:
                    code -= bound
                    span -= bound
                    bit = 0
                while span < 0x100000:
                    span <<= 8
                    code = code << 8 | coder.next()
            # what is learnt from it
            error = ((bit << 12) - chance) * 9
            aim, following = (65535, self.next1) if bit else (0, self.next0)
            for j in _FOUR:
                if inputs[j]:
                    w = row[j] + (inputs[j] * error + 32768 >> 16)
                    row[j] = w if -65536 < w < 65536 else limited(w)
                at = places[j] + path
                h = table[at]
                m = meaning[j]
                m[h] += aim - m[h] >> 6
                table[at] = following[h]
            w = row[8] + (error + 128 >> 8)
            row[8] = w if -65536 < w < 65536 else limited(w)
            got = got << 1 | bit
            path = path << 1 | bit
            is_wrong = False
            for g, guess, place in live:
                w = row[4 + g] + (inputs[4 + g] * error + 32768 >> 16)
                row[4 + g] = w if -65536 < w < 65536 else limited(w)
                h = cells[place + i]
                w = h >> 4
                if guess >> i == got:
                    w += (4095 - w) * rate[h & 15] >> 16
                else:
                    w += -w * rate[h & 15] >> 16
                    is_wrong = True
                cells[place + i] = w << 4 | (h & 15) + 1 if h & 15 < 15 else w << 4 | 15
            if is_wrong:
                live = [one for one in live if one[1] >> i == got]
        coder.span, coder.code = span, code
        self.passed(got & 255)
        return got & 255


def limited(weight):
    return -65535 if weight < -65535 else 65535 if weight > 65535 else weight


def step(hashed, byte):
    """The hash with one byte more."""
    hashed = (hashed + byte) * 1013 & 0xFFFFF
    return hashed ^ hashed >> 9


_FOLD = (step(1, 77), step(2, 77), step(3, 77), step(4, 77))


class _Tokens:
    """What comes next, and all that is remembered for it."""

    def __init__(self, coder, window, literals, log_block):
        self.coder, self.window, self.bytes = coder, window, literals
        self.block = 1 << log_block if log_block else 0
        self.anchor, self.distances = window.old_bytes, [window.old_bytes, 1, 2, 3]
        self.literals = self.kinds = self.shift = 0
        self.hits = [0, 0, 0, 0]
        self.copy_a = _cells(64, [243 if at == 61 else _COPY_A[at >> 2] for at in range(64)])
        self.copy_b, self.copy_c, self.copy_d = _cells(256), _cells(256), _cells(256)
        self.copy_rows = [[10000, 6000, 6000, 6000, 0] for _ in range(8)]
        self.again, self.which = _cells(32, _AGAIN), _cells(16, _WHICH)
        self.recent, self.sign, self.in_blocks = _cells(2, (92, 92)), _cells(2, (108, 108)), _cells(2, (6, 56))
        self.edge, self.which_edge = _cells(8, (50, 38, 32, 39, 30, 46, 12, 20)), _cells(4, (227, 162, 182, 149))
        self.distance, self.blocks = _cells(_NUMBER, _DISTANCE), _cells(_NUMBER, _BLOCKS)
        self.back, self.edges = _cells(_NUMBER, _BACK), _cells(_NUMBER, _EDGES)
        self.length = [_cells(_NUMBER, first) for first in _LENGTH]

    def next(self):
        """One copy or one literal byte."""
        window = self.window
        guesses = self._guesses(window.old_bytes + window.done)
        if self._is_copy(guesses):
            return self._copy()
        p = guesses[0][1] - 255 if guesses and not guesses[0][0] else 0
        byte = self.bytes.give(p, self.literals, guesses)
        for g, guess, _ in guesses:
            self.hits[g] = (self.hits[g] << 1 | (guess & 255 == byte)) & 255
        if p and p - 1 != byte:
            self.shift = byte - (p - 1) & 255
        self.literals += 1
        window.give(bytes((byte,)))

    def _guesses(self, end):
        """Those that are there: [number, byte + 256, where its cells begin]."""
        window, literals, first = self.window, min(self.literals, 7), self.distances[0]
        found = []
        if first:
            byte = window.byte(end - first, 0)
            found.append((0, byte | 256, (self.hits[0] & 7) << 6 | literals << 3))
        if self.anchor and self.anchor != first:
            other = window.byte(end - self.anchor, 1)
            found.append((1, other | 256, 512 | (self.hits[1] & 7) << 6 | literals << 3))
        if self.block:
            at, number = window.done % self.block, window.done // self.block
            if at < 48 and number >= 1 << (at >> 2):
                value = number - (1 << (at >> 2)) >> 8 * (at & 3) & 255
                found.append((2, value | 256, 1024 | (self.hits[2] & 7) << 6 | min(at >> 2, 7) << 3))
        if first and self.shift:
            found.append((3, byte + self.shift & 255 | 256, 1536 | (self.hits[3] & 7) << 6 | literals << 3))
        return found

    def _source_place(self, distance):
        """Of a source in its own image."""
        place = self.window.old_bytes + self.window.done - distance
        return place if place < self.window.old_bytes else place - self.window.old_bytes

    def _is_copy(self, guesses):
        a = 4 * min(self.literals, 14) + (self.kinds & 3)
        if self.block:
            if not self.window.done % self.block:
                a = 60
            elif not self._source_place(self.distances[0]) % self.block:
                a = 61
        d = guesses[0][1] & 255 if guesses and not guesses[0][0] else 0
        pairs = ((self.copy_a, a), (self.copy_b, self.bytes.last[0]), (self.copy_c, self.hits[0]), (self.copy_d, d))
        stretch, row = self.bytes.stretch, self.copy_rows[min(self.literals, 7)]
        inputs = [stretch[cells[at] >> 4] for cells, at in pairs]
        inputs.append(256)
        total = 0
        for weight, x in zip(row, inputs):
            total += weight * x
        chance = squash(min(max(total >> 14, -2047), 2047))
        bit = self.coder.bit(chance)
        error = ((bit << 12) - chance) * 6
        for at in range(5):
            row[at] = limited(row[at] + (inputs[at] * error + 32768 >> 16))
        for cells, at in pairs:
            cells[at] = adapted(cells[at], bit)
        return bit

    def _copy(self):
        window, after = self.window, 0 if self.literals else 1
        distance, kind = self._source(after)
        if not 1 <= distance <= window.old_bytes + window.done:
            raise ValueError("a copy from outside")
        count = self._count(distance, kind, after)
        if count > window.new_bytes - window.done:
            raise ValueError("a copy beyond the end")
        del self.distances[self.distances.index(distance) if distance in self.distances else 3]
        self.distances.insert(0, distance)
        if count >= 24:
            self.anchor = distance
        self.kinds = (self.kinds << 2 | kind) & 15
        self.literals = 0
        window.copy(distance, count)
        for at in range(window.done - min(3, count), window.done):
            self.bytes.passed(window.byte(window.old_bytes + at, 0))

    def _source(self, after):
        """(distance, kind) of a copy."""
        flag = self.coder.flag
        if flag(self.again, self.kinds & 15 | after << 4):
            n, far = 0, 1 if self.kinds & 3 >= 2 else 0
            while n < 4 and flag(self.which, n * 4 + (after << 1 | far)):
                n += 1
            return (self.distances[n] if n < 4 else self.anchor), (1 if n else 0)
        if flag(self.recent, after):
            return self.coder.number(self.back) + 1, 3
        is_less = flag(self.sign, after)
        if self.block and flag(self.in_blocks, after):
            size = self._blocks(self.blocks, 1) * self.block
        else:
            size = self.coder.number(self.distance) + 1
        return (self.anchor - size if is_less else self.anchor + size), 2

    def _blocks(self, cells, more):
        count = self.coder.number(cells) + more
        if count > MOST_BYTES // self.block:
            raise ValueError("too many blocks")
        return count

    def _count(self, distance, kind, after):
        """Length of a copy."""
        if not self.coder.flag(self.edge, 2 * kind + after):
            return self.coder.number(self.length[kind]) + 1
        if not self.block:
            return self.window.new_bytes - self.window.done
        is_own = self.coder.flag(self.which_edge, kind)
        place = self.window.done if is_own else self._source_place(distance)
        first = self.block - place % self.block
        return first + self._blocks(self.edges, 0) * self.block
