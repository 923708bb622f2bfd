"""Where a staged package and the state of an update live in the flash.

::

    partition update_store     sector 0, 1   records (two banks, see record_store): state, result
                               sector 2 ..   packages, each from the beginning of a sector
    without such a partition   records and packages are files of the module's own file system (FS_SYS)

Records change atomically. Package bytes do not: nothing about them counts until the record says so, and that holds
their SHA-256.

Source: style H11, H32; device-api 7.2 (fs and fp).
"""

from __future__ import annotations

import json
from typing import Any, Final, Protocol

from moduline.delta.journal import Region
from moduline.errors import TooBig
from moduline.nor.flash import Flash
from moduline.vmodule.file_store import FileStore
from moduline.vmodule.record_store import RecordStore

RECORD_SECTORS: Final = 2
FOLDER: Final = "/fota"
READ_BYTES: Final = 0x10000


class PackageWriter(Protocol):
    """Takes the bytes of one package, in order."""

    def write(self, data: bytes) -> None:
        """The next bytes.

        Raises:
            TooBig: there is no room.
            FlashCut: the power went away.
        """

    def flush(self) -> None:
        """What is still in RAM goes to the flash; more may follow."""


class UpdateStore(Protocol):
    """Records and packages of one module."""

    @property
    def room_bytes(self) -> int:
        """Bytes for packages."""

    def get(self, key: str) -> dict[str, Any] | None:
        """A record; None when there is none."""

    def put(self, key: str, record: dict[str, Any]) -> None:
        """Write or replace a record; the old or the new one is there after a power cut."""

    def drop(self, key: str) -> None:
        """Take a record away."""

    def writer(self, at: int) -> PackageWriter:
        """Begin a package at an offset that ``next_place`` gave; what is there is lost."""

    def read(self, at: int, size: int) -> bytes:
        """A package's bytes; fewer when they are not there."""

    def next_place(self, end: int) -> int:
        """Where the next package begins behind one that ends at ``end``."""

    def spare(self, end: int) -> Region | None:
        """The flash behind packages that end at ``end``; None where packages are files."""


class PartitionStore:
    """Records and packages in a partition of their own.

    Args:
        flash: the module's flash.
        start: offset of the partition, on a sector.
        size: its length in bytes.
    """

    def __init__(self, flash: Flash, start: int, size: int) -> None:
        unit = flash.geometry.erase_bytes
        self._flash = flash
        self._unit = unit
        self._area = start + RECORD_SECTORS * unit
        self._records = RecordStore(flash, start, RECORD_SECTORS * unit)
        self.room_bytes = max(0, size // unit - RECORD_SECTORS) * unit

    def get(self, key: str) -> dict[str, Any] | None:
        """See ``UpdateStore``."""
        return _record(self._records.get(key))

    def put(self, key: str, record: dict[str, Any]) -> None:
        """See ``UpdateStore``."""
        self._records.put(key, _bytes(record))

    def drop(self, key: str) -> None:
        """See ``UpdateStore``."""
        self._records.drop(key)

    def writer(self, at: int) -> PackageWriter:
        """See ``UpdateStore``."""
        return _SectorWriter(self._flash, self._area + at, self._area + self.room_bytes)

    def read(self, at: int, size: int) -> bytes:
        """See ``UpdateStore``."""
        size = max(0, min(size, self.room_bytes - at))
        return self._flash.read(self._area + at, size)

    def next_place(self, end: int) -> int:
        """See ``UpdateStore``."""
        return -(-end // self._unit) * self._unit

    def spare(self, end: int) -> Region | None:
        """See ``UpdateStore``."""
        first = self.next_place(end)
        return Region(self._flash, self._area + first, self.room_bytes - first)


class FilesStore:
    """Records and packages as files of the module's own file system; a package is written when it is flushed.

    Args:
        files: that file system.
    """

    def __init__(self, files: FileStore) -> None:
        self._files = files
        self.room_bytes = 1 << 20  # the file system itself refuses what does not fit

    def get(self, key: str) -> dict[str, Any] | None:
        """See ``UpdateStore``."""
        return _record(self._files.read(f"{FOLDER}/{key}"))

    def put(self, key: str, record: dict[str, Any]) -> None:
        """See ``UpdateStore``."""
        self._files.keep(f"{FOLDER}/{key}", _bytes(record))

    def drop(self, key: str) -> None:
        """See ``UpdateStore``."""
        self._files.remove(f"{FOLDER}/{key}")

    def writer(self, at: int) -> PackageWriter:
        """See ``UpdateStore``."""
        return _FileWriter(self._files, f"{FOLDER}/package{at}", self.room_bytes)

    def read(self, at: int, size: int) -> bytes:
        """See ``UpdateStore``."""
        return (self._files.read(f"{FOLDER}/package{at}") or b"")[:size]

    def next_place(self, end: int) -> int:
        """See ``UpdateStore``."""
        return end

    def spare(self, end: int) -> Region | None:
        """See ``UpdateStore``."""
        del end
        return None


class _SectorWriter:
    """Writes whole sectors, each erased right before; ``flush`` programs the begun one."""

    def __init__(self, flash: Flash, start: int, end: int) -> None:
        self._flash = flash
        self._unit = flash.geometry.erase_bytes
        self._at = start  # everything below is programmed
        self._erased_to = start
        self._end = end
        self._waiting = bytearray()

    def write(self, data: bytes) -> None:
        have = self._end - self._at - len(self._waiting)
        if len(data) > have:
            raise TooBig(what="update_store", need=len(data), have=have)
        self._waiting += data
        sector_left = self._unit - self._at % self._unit
        while len(self._waiting) >= sector_left:
            self._program(sector_left)
            sector_left = self._unit

    def flush(self) -> None:
        if self._waiting:
            self._program(len(self._waiting))

    def _program(self, count: int) -> None:
        if self._at == self._erased_to:
            self._flash.erase(self._at, self._unit)
            self._erased_to = self._at + self._unit
        self._flash.program(self._at, bytes(self._waiting[:count]))
        self._at += count
        del self._waiting[:count]


class _FileWriter:
    def __init__(self, files: FileStore, path: str, room_bytes: int) -> None:
        self._files = files
        self._path = path
        self._room_bytes = room_bytes
        self._content = bytearray()

    def write(self, data: bytes) -> None:
        if len(self._content) + len(data) > self._room_bytes:
            raise TooBig(what="FS_SYS", need=len(self._content) + len(data), have=self._room_bytes)
        self._content += data

    def flush(self) -> None:
        self._files.keep(self._path, bytes(self._content))


def _record(data: bytes | None) -> dict[str, Any] | None:
    if data is None:
        return None
    try:
        record = json.loads(data)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def _bytes(record: dict[str, Any]) -> bytes:
    return json.dumps(record, sort_keys=True, separators=(",", ":")).encode("ascii")
