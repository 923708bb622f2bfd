"""How far an in-place update is, in two banks of erased flash: marks are only added, and every one carries a check.

::

    0     header   32 bytes: whose journal, number of the bank, actions done before it
    32    marks    8 bytes each: actions done, CRC-32 over session, generation and that number

The bank with the higher generation counts. A bank that is full is followed by the other one, which is erased and gets
its header first; so one of the two is whole at any moment. A mark that was torn fails its check and is passed over: the
next one goes behind everything that is not blank.

Source: docs/spec/in-place.md; style-anchors H11.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from moduline.digest import crc32
from moduline.formats.inplace import JOURNAL_BANKS
from moduline.formats.record import Field, RecordTable
from moduline.nor.flash import Flash
from moduline.nor.geometry import ERASED

MARK_BYTES: Final = 8
BANK: Final = RecordTable(
    "in-place journal bank",
    (
        Field("magic", "bytes:4", "MDLJ"),
        Field("session", "bytes:8", "which patch it is for"),
        Field("generation", "u32", "number of the bank, from 1"),
        Field("done", "u32", "actions done before this bank"),
        Field("reserved", "bytes:8", "0"),
        Field("crc", "u32", "CRC-32 of the 28 bytes before"),
    ),
    total_bytes=32,
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
    """

    def __init__(self, area: Region, session: bytes) -> None:
        self._area = area
        self._session = session
        self.generation = 0
        """Of the bank that counts; 0: this patch was not begun."""
        self.done = 0
        """Actions done."""
        self._next = 0
        for bank in range(JOURNAL_BANKS):
            self._load(bank)

    def begin(self) -> Iterator[None]:
        """Make the first bank; nothing of an older journal is left. One operation for each item."""
        for bank in range(JOURNAL_BANKS):
            if not self._area.is_blank(bank):
                self._area.erase(bank)
                yield
        self.generation = 0
        yield from self._open(0)

    def make_room(self) -> Iterator[None]:
        """See to it that a mark can be added. One operation for each item."""
        if self._next + MARK_BYTES <= self._area.block_bytes:
            return
        other = self.generation % JOURNAL_BANKS
        if not self._area.is_blank(other):
            self._area.erase(other)
            yield
        yield from self._open(self.done)

    def mark(self, done: int) -> None:
        """Note that so many actions are done; ``make_room`` was called before."""
        at = self._bank_of(self.generation) * self._area.block_bytes + self._next
        self._area.program(at, struct.pack("<II", done, self._check(self.generation, done)))
        self.done = done
        self._next += MARK_BYTES

    def _open(self, done: int) -> Iterator[None]:
        generation = self.generation + 1
        head = {
            "magic": MAGIC,
            "session": self._session,
            "generation": generation,
            "done": done,
            "reserved": bytes(8),
            "crc": 0,
        }
        head["crc"] = crc32(BANK.pack(head)[:-4])
        self._area.program(self._bank_of(generation) * self._area.block_bytes, BANK.pack(head))
        self.generation, self.done, self._next = generation, done, BANK.total_bytes
        yield

    def _load(self, bank: int) -> None:
        data = self._area.read(bank * self._area.block_bytes, self._area.block_bytes)
        head = BANK.unpack(data)
        if (
            head["crc"] != crc32(data[: BANK.total_bytes - 4])
            or head["magic"] != MAGIC
            or head["session"] != self._session
            or self._bank_of(head["generation"]) != bank
            or head["generation"] <= self.generation
        ):
            return
        self.generation, self.done = head["generation"], head["done"]
        used = len(data.rstrip(bytes([ERASED])))
        self._next = max(BANK.total_bytes, -(-used // MARK_BYTES) * MARK_BYTES)
        for at in range(BANK.total_bytes, self._next, MARK_BYTES):
            done, check = struct.unpack_from("<II", data, at)
            if check == self._check(self.generation, done):
                self.done = max(self.done, done)

    def _check(self, generation: int, done: int) -> int:
        return crc32(self._session + struct.pack("<II", generation, done))

    def _bank_of(self, generation: int) -> int:
        return (generation - 1) % JOURNAL_BANKS
