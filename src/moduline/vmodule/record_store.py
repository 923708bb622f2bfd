"""Named records in a stretch of flash, of which a power cut can never take more than the one being written.

::

    region   = bank A | bank B                       each half of the region, whole sectors
    bank     = header | record | record | ... | erased
    header   = magic, sequence, CRC-32               programmed last: it makes the bank valid
    record   = magic, kind, key size, data size, CRC-32 | key | data

The valid bank with the higher sequence holds the truth; in it the last intact record of a key counts. A write appends
one record. When the bank has no room left, or its tail was torn, the live records go into the other bank: erase it,
program the records, then its header. Until that header is whole the old bank stays in force, so a cut at any
operation, torn or not, leaves the old or the new record and never none.

A region that is wholly erased counts as an empty store and is formatted at the first write. Anything else without a
valid bank is foreign and needs ``format``, which destroys it.

Data is kept compressed: an NV block of 128 KiB with its 90 KiB of items takes 8 KiB.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import Final

from moduline.digest import crc32
from moduline.errors import TooBig
from moduline.nor.flash import Flash
from moduline.nor.geometry import ERASED

_BANK: Final = struct.Struct("<8sII")
_BANK_MAGIC: Final = b"MODLBANK"
_RECORD: Final = struct.Struct("<HBBII")
_RECORD_MAGIC: Final = 0x5243
_KEEP: Final = 1
_DROP: Final = 2
_ALIGN: Final = 4
_MAX_DATA_BYTES: Final = 1 << 22


@dataclass(frozen=True, slots=True)
class _Bank:
    sequence: int
    records: dict[str, bytes]  # still compressed
    end: int  # first free byte, relative to the bank
    is_tail_clean: bool


class RecordStore:
    """The records in ``[start, start + size)`` of a flash.

    Args:
        flash: where they are.
        start: offset in the flash, on an erase sector.
        size: bytes, at least two sectors; an odd last sector stays unused.
    """

    def __init__(self, flash: Flash, start: int, size: int) -> None:
        unit = flash.geometry.erase_bytes
        self._flash = flash
        self._bank_bytes = size // 2 // unit * unit
        self._starts = (start, start + self._bank_bytes)

    @property
    def is_mountable(self) -> bool:
        """Whether a valid bank is there, or nothing at all."""
        return any(bank is not None for bank in self._banks()) or self._is_erased()

    def keys(self) -> tuple[str, ...]:
        """Keys of all records, oldest first."""
        current = self._current()
        return tuple(current[1].records) if current else ()

    def get(self, key: str) -> bytes | None:
        """Data of the record, None when there is none."""
        current = self._current()
        packed = current[1].records.get(key) if current else None
        return None if packed is None else zlib.decompress(packed)

    def put(self, key: str, data: bytes) -> None:
        """Write or replace a record; atomic against power cuts.

        Raises:
            TooBig: it does not fit, not even into an empty bank with the other records.
            FlashCut: the power went away; the old or the new data is in force.
        """
        packed = zlib.compress(data, 1)
        current = self._current()
        if current is not None and current[1].records.get(key) == packed:
            return
        self._write(key, packed)

    def drop(self, key: str) -> None:
        """Take a record away; nothing happens when there is none.

        Raises:
            FlashCut: the power went away; the record is there or not.
        """
        current = self._current()
        if current is not None and key in current[1].records:
            self._write(key, None)

    def format(self) -> None:
        """Make the store empty, whatever the flash held.

        Raises:
            FlashCut: the power went away; the store is as before, empty, or foreign.
        """
        for start in self._starts:
            self._flash.erase(start, self._bank_bytes)
        self._seal(0, 1)

    def _write(self, key: str, packed: bytes | None) -> None:
        record = _pack(key, packed)
        current = self._current()
        if current is not None:
            number, bank = current
            if bank.is_tail_clean and bank.end + len(record) <= self._bank_bytes:
                self._flash.program(self._starts[number] + bank.end, record)
                return
        self._move(current, key, packed)

    def _move(self, current: tuple[int, _Bank] | None, key: str, packed: bytes | None) -> None:
        """Write the live records and the new one into the other bank and put it in force."""
        number, sequence, live = (
            (1 - current[0], current[1].sequence + 1, dict(current[1].records))
            if current
            else (
                0,
                1,
                dict[str, bytes](),
            )
        )
        live.pop(key, None)
        if packed is not None:
            live[key] = packed
        content = b"".join(_pack(name, data) for name, data in live.items())
        if _BANK.size + len(content) > self._bank_bytes:
            raise TooBig(what=key, need=_BANK.size + len(content), have=self._bank_bytes)
        self._flash.erase(self._starts[number], self._bank_bytes)
        self._flash.program(self._starts[number] + _BANK.size, content)
        self._seal(number, sequence)

    def _seal(self, number: int, sequence: int) -> None:
        head = _BANK_MAGIC + sequence.to_bytes(4, "little")
        self._flash.program(self._starts[number], head + crc32(head).to_bytes(4, "little"))

    def _current(self) -> tuple[int, _Bank] | None:
        banks = [(number, bank) for number, bank in enumerate(self._banks()) if bank is not None]
        return max(banks, key=lambda pair: pair[1].sequence, default=None)

    def _banks(self) -> tuple[_Bank | None, _Bank | None]:
        return self._read_bank(0), self._read_bank(1)

    def _is_erased(self) -> bool:
        return all(_is_blank(self._flash.read(start, self._bank_bytes)) for start in self._starts)

    def _read_bank(self, number: int) -> _Bank | None:
        start = self._starts[number]
        head = self._flash.read(start, _BANK.size)
        magic, sequence, check = _BANK.unpack(head)
        if magic != _BANK_MAGIC or check != crc32(head[:-4]):
            return None
        content = self._flash.read(start, self._bank_bytes)
        records: dict[str, bytes] = {}
        at = _BANK.size
        while (found := _unpack(content, at)) is not None:
            key, packed, at = found
            records.pop(key, None)
            if packed is not None:
                records[key] = packed
        return _Bank(sequence, records, at, _is_blank(content[at:]))


def _is_blank(data: bytes) -> bool:
    return data.count(ERASED) == len(data)


def _pack(key: str, packed: bytes | None) -> bytes:
    name = key.encode()
    data = packed or b""
    head = _RECORD.pack(_RECORD_MAGIC, _DROP if packed is None else _KEEP, len(name), len(data), 0)
    check = crc32(head + name + data)
    record = head[:-4] + check.to_bytes(4, "little") + name + data
    return record + b"\0" * (-len(record) % _ALIGN)


def _unpack(content: bytes, at: int) -> tuple[str, bytes | None, int] | None:
    """Key, data (None: dropped) and end of the record at ``at``; None where no intact record begins."""
    if at + _RECORD.size > len(content):
        return None
    magic, kind, name_size, data_size, check = _RECORD.unpack_from(content, at)
    end = at + _RECORD.size + name_size + data_size
    if magic != _RECORD_MAGIC or kind not in {_KEEP, _DROP} or data_size > _MAX_DATA_BYTES or end > len(content):
        return None
    body = content[at + _RECORD.size : end]
    if crc32(content[at : at + _RECORD.size - 4] + b"\0\0\0\0" + body) != check:
        return None
    padded = end + -(end - at) % _ALIGN
    return body[:name_size].decode("utf-8", "replace"), body[name_size:] if kind == _KEEP else None, padded
