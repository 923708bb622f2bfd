"""Files by their content: the store that artifacts live in.

A file is known by its SHA-256 and never changes. ``put`` takes pieces, writes them under a name of its own, hashes
while it writes, syncs and renames, so that a file is either whole or not there; ``kill -9`` leaves at most a
temporary file, which the collector removes. The protocol is small so that an object store can keep it too.

::

    files/ab/abcdef...      a whole file, named by its SHA-256
    files/new/…             what is being written
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from moduline.cloud.db_reasons import in_our_words
from moduline.errors import NoSuchObject, Text

PIECE: Final = 1 << 20
"""Bytes read at a time."""
KIND: Final = Text("file", "文件")
"""What a blob is called in errors."""
_KEY: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Stored:
    """A file of the store.

    Args:
        key: its SHA-256, lower-case hex.
        bytes: its size.
        written_at: when it was last written or asked for again, seconds since 1970.
    """

    key: str
    bytes: int
    written_at: float


class BlobStore(Protocol):
    """Where files of artifacts live."""

    def check(self) -> None:
        """See that it can be used; called once, before anybody is let in."""

    def put(self, pieces: Iterable[bytes]) -> str:
        """Keep a file; its key. The same content again is kept once."""

    def open(self, key: str) -> BinaryIO:
        """The file for reading, at its first byte; it can be sought."""

    def open_here(self, key: str) -> BinaryIO | None:
        """The file, if it lies on a disk of this machine, which takes no time; None: it must be opened."""

    def size(self, key: str) -> int:
        """Its bytes."""

    def stored(self) -> Iterator[Stored]:
        """Every whole file there is, in no order."""

    def remove(self, key: str, before: float) -> bool:
        """Forget a file if it was last written before this time; whether it is gone."""

    def sweep(self, before: float) -> int:
        """Remove what was begun before this time and never finished; how many."""


class FolderStore:
    """A store in a folder of this machine.

    Args:
        folder: made when the first file is put.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def check(self) -> None:
        """Put back what a collector that was killed had taken aside and not yet looked at."""
        with self._in_our_words():
            for aside in self.folder.glob("new/*.aside"):
                place = self._path(aside.name.partition(".")[0])
                with contextlib.suppress(FileNotFoundError):  # another node was quicker
                    aside.replace(place)

    def put(self, pieces: Iterable[bytes]) -> str:
        """Keep a file; its key.

        What the pieces raise while they are read goes through; nothing of the file is kept then.

        Raises:
            DatabaseFull, DatabaseReadOnly, StorageFailed: it cannot be kept.
        """
        started = self.folder / "new" / uuid.uuid4().hex
        digest = hashlib.sha256()
        try:
            with self._in_our_words():
                started.parent.mkdir(parents=True, exist_ok=True)
                file = started.open("xb")
            with file:
                for piece in pieces:
                    digest.update(piece)
                    with self._in_our_words():
                        file.write(piece)
                with self._in_our_words():
                    file.flush()
                    os.fsync(file.fileno())
            key = digest.hexdigest()
            with self._in_our_words():
                self._settle(started, self._path(key))
        finally:
            with contextlib.suppress(OSError):
                started.unlink()
        return key

    def open(self, key: str) -> BinaryIO:
        """The file for reading.

        Raises:
            NoSuchObject: there is none of that key.
            StorageFailed: it cannot be read.
        """
        with self._of(key):
            return self._path(key).open("rb")

    def open_here(self, key: str) -> BinaryIO:
        """The same: all files are here."""
        return self.open(key)

    def path(self, key: str) -> Path:
        """Where the file is, for a server that sends files itself.

        Raises:
            NoSuchObject: there is none of that key.
        """
        with self._of(key):
            self._path(key).stat()
        return self._path(key)

    def size(self, key: str) -> int:
        """Its bytes.

        Raises:
            NoSuchObject: there is none of that key.
        """
        with self._of(key):
            return self._path(key).stat().st_size

    def stored(self) -> Iterator[Stored]:
        """Every whole file there is."""
        for path in self.folder.glob("[0-9a-f][0-9a-f]/*"):
            with contextlib.suppress(FileNotFoundError):
                if _KEY.fullmatch(path.name):
                    found = path.stat()
                    yield Stored(path.name, found.st_size, found.st_mtime)

    def remove(self, key: str, before: float) -> bool:
        """Forget a file if it was last written before this time; whether it is gone.

        It is taken aside first, so that one that is put at this very moment is never the one that is removed.
        """
        place, aside = self._path(key), self.folder / "new" / f"{key}.{uuid.uuid4().hex}.aside"
        with self._in_our_words():
            try:
                aside.parent.mkdir(parents=True, exist_ok=True)
                place.replace(aside)
                if aside.stat().st_mtime >= before:
                    aside.replace(place)
                    return False
                aside.unlink()
            except FileNotFoundError:
                return not place.exists()
            return True

    def sweep(self, before: float) -> int:
        """Remove what was begun before this time and never finished."""
        removed = 0
        for path in self.folder.glob("new/*"):
            with contextlib.suppress(FileNotFoundError), self._in_our_words():
                if path.stat().st_mtime < before:
                    path.unlink()
                    removed += 1
        return removed

    def _path(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise NoSuchObject(kind=KIND, name=key)
        return self.folder / key[:2] / key

    def _settle(self, started: Path, place: Path) -> None:
        """Give a whole file its name, durably; the same content again only gets a new time."""
        place.parent.mkdir(exist_ok=True)
        started.replace(place)
        for folder in (place.parent, self.folder):
            _sync(folder)

    @contextlib.contextmanager
    def _of(self, key: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as cause:
            raise NoSuchObject(kind=KIND, name=key) from cause
        except OSError as cause:
            raise in_our_words(cause, str(self.folder)) from cause

    @contextlib.contextmanager
    def _in_our_words(self) -> Iterator[None]:
        try:
            yield
        except OSError as cause:
            raise in_our_words(cause, str(self.folder)) from cause


def _sync(folder: Path) -> None:
    """Have the names in a folder on the disk; nothing where the system cannot."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
