"""How far an in-place update is, in two banks of erased flash: marks are only added, and every one carries a check.

::

    0         head        32 bytes: whose journal, number of the bank, actions done before it, its checkpoint
    32        checkpoint  what the decoder goes on from, packed; none at the beginning
    on 8      marks       8 bytes each: actions done, CRC-32 over session, generation and that number

The bank with the higher generation counts, if its head and its checkpoint are right. A new checkpoint goes into the
other bank, whose head is programmed last; a bank without room for marks is followed by the other one with the same
checkpoint. So one of the two is whole at any moment. A mark that was torn fails its check and is passed over: the next
one goes behind everything that is not blank.

Source: docs/spec/in-place.md; style-anchors H11.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from moduline.digest import crc32
from moduline.formats.inplace import BANK_HEAD_BYTES, BANKS, MARK_BYTES
from moduline.formats.record import Field, RecordTable
from moduline.nor.flash import Flash
from moduline.nor.geometry import ERASED

BANK: Final = RecordTable(
    "in-place journal bank",
    (
        Field("magic", "bytes:4", "MDLJ"),
        Field("session", "bytes:8", "which patch it is for"),
        Field("generation", "u32", "number of the bank, from 1"),
        Field("done", "u32", "actions done before this bank"),
        Field("saved_bytes", "u32", "length of the checkpoint behind this head", "bytes"),
        Field("saved_crc", "u32", "CRC-32 of the checkpoint"),
        Field("crc", "u32", "CRC-32 of the 28 bytes before"),
    ),
    total_bytes=BANK_HEAD_BYTES,
)
MAGIC: Final = b"MDLJ"


@dataclass(frozen=True, slots=True)
class Region:
    """A run of whole sectors of a flash; addresses count from its start.

    Attributes:
        flash: the chip.
        start: offset in it, on a sector.
        size: length in bytes, whole sectors.
    """

    flash: Flash
    start: int
    size: int

    @property
    def block_bytes(self) -> int:
        """Its erase unit."""
        return self.flash.geometry.erase_bytes

    def read(self, at: int, count: int) -> bytes:
        """As ``Flash.read``."""
        return self.flash.read(self.start + at, count)

    def is_blank(self, block: int) -> bool:
        """Whether a sector holds nothing."""
        return self.read(block * self.block_bytes, self.block_bytes).count(ERASED) == self.block_bytes

    def erase(self, block: int) -> None:
        """Erase one sector."""
        assert 0 <= block < self.size // self.block_bytes
        self.flash.erase(self.start + block * self.block_bytes, self.block_bytes)

    def program(self, at: int, data: bytes) -> None:
        """As ``Flash.program``; filled up with blank bytes to the chip's unit."""
        assert 0 <= at <= self.size - len(data)
        unit = self.flash.geometry.program_bytes
        self.flash.program(self.start + at, data.ljust(-(-len(data) // unit) * unit, bytes([ERASED])))


class Journal:
    """The journal of one patch.

    Args:
        area: begins with the banks.
        session: 8 bytes that tell the patch.
        bank_blocks: blocks of each bank.
    """

    def __init__(self, area: Region, session: bytes, bank_blocks: int) -> None:
        self._area = area
        self._session = session
        self._bank_blocks = bank_blocks
        self.generation = 0
        """Of the bank that counts; 0: this patch was not begun."""
        self.done = 0
        """Actions done."""
        self.saved = b""
        """The checkpoint of that bank."""
        self._next = 0
        for bank in range(BANKS):
            self._load(bank)

    def begin(self) -> Iterator[None]:
        """Make the first bank; nothing of an older journal is left. One operation for each item."""
        counting = self._bank_of(max(self.generation, 1))
        for bank in (BANKS - 1 - counting, counting):  # as long as there is one, it is the one that counts
            if not self._area.is_blank(bank * self._bank_blocks):
                self._area.erase(bank * self._bank_blocks)
                yield
        self.generation = 0
        yield from self.open(b"", 0)

    def make_room(self) -> Iterator[None]:
        """See to it that a mark can be added. One operation for each item."""
        if self._next + MARK_BYTES > self._bank_blocks * self._area.block_bytes:
            yield from self.open(self.saved, self.done)

    def mark(self, done: int) -> None:
        """Note that so many actions are done; ``make_room`` was called before."""
        at = self._start_of(self.generation) + self._next
        self._area.program(at, struct.pack("<II", done, self._check(self.generation, done)))
        self.done = done
        self._next += MARK_BYTES

    def open(self, saved: bytes, done: int) -> Iterator[None]:
        """Begin the other bank with a checkpoint. One operation for each item, the head is the last.

        What a block should hold and does hold is left alone, so a cut costs only time. Should something in it not
        last, its check tells, and the bank before still counts.
        """
        generation = self.generation + 1
        head = BANK.pack(self._head(generation, saved, done))
        block, start = self._area.block_bytes, self._start_of(generation)
        content = bytes([ERASED]) * len(head) + saved
        for number in range(self._bank_blocks):
            wanted = content[number * block : (number + 1) * block]
            at = start + number * block
            if self._area.read(at, block) == wanted.ljust(block, bytes([ERASED])):
                continue
            if not self._area.is_blank(at // block):
                self._area.erase(at // block)
                yield
            skipped = len(head) if number == 0 else 0
            if wanted[skipped:]:
                self._area.program(at + skipped, wanted[skipped:])
                yield
        self._area.program(start, head)
        self.generation, self.done, self.saved, self._next = generation, done, saved, _behind(saved)
        yield

    def _head(self, generation: int, saved: bytes, done: int) -> dict[str, object]:
        head: dict[str, object] = {
            "magic": MAGIC,
            "session": self._session,
            "generation": generation,
            "done": done,
            "saved_bytes": len(saved),
            "saved_crc": crc32(saved),
            "crc": 0,
        }
        head["crc"] = crc32(BANK.pack(head)[:-4])
        return head

    def _load(self, bank: int) -> None:
        size = self._bank_blocks * self._area.block_bytes
        data = self._area.read(bank * size, size)
        head = BANK.unpack(data)
        saved = data[BANK.total_bytes : BANK.total_bytes + head["saved_bytes"]]
        if (
            head["crc"] != crc32(data[: BANK.total_bytes - 4])
            or head["magic"] != MAGIC
            or head["session"] != self._session
            or self._bank_of(head["generation"]) != bank
            or head["generation"] <= self.generation
            or len(saved) != head["saved_bytes"]
            or crc32(saved) != head["saved_crc"]
        ):
            return
        self.generation, self.done, self.saved = head["generation"], head["done"], saved
        first = _behind(saved)
        used = first + len(data[first:].rstrip(bytes([ERASED])))
        self._next = -(-used // MARK_BYTES) * MARK_BYTES
        for at in range(first, self._next, MARK_BYTES):
            done, check = struct.unpack_from("<II", data, at)
            if check == self._check(self.generation, done):
                self.done = max(self.done, done)

    def _check(self, generation: int, done: int) -> int:
        return crc32(self._session + struct.pack("<II", generation, done))

    def _bank_of(self, generation: int) -> int:
        return (generation - 1) % BANKS

    def _start_of(self, generation: int) -> int:
        return self._bank_of(generation) * self._bank_blocks * self._area.block_bytes


def _behind(saved: bytes) -> int:
    """Where the marks begin."""
    return -(-(BANK.total_bytes + len(saved)) // MARK_BYTES) * MARK_BYTES
