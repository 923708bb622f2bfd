"""Copies of a far store's files on this machine, so that ten thousand devices that load one file ask for it once.

::

    open ─▶ copy here? ─ yes ─▶ the copy: a file of this disk, sent by the system's sendfile
                │ no
                └─▶ the far file at once, piece by piece; meanwhile a copy is made, for whoever comes next

A file is named by its content, so a copy is never out of date. It gets its name only after its digest was found right.
What there is and what may go is the far store's to say: a copy is worth nothing but speed, and the one that was used
longest ago makes room.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterable, Iterator
from typing import BinaryIO, Final

from moduline.cloud.blob import PIECE, BlobStore, FolderStore, Stored
from moduline.errors import ModulineError, NoSuchObject
from moduline.events import Notice, Reporter, silent

COPIES_AT_ONCE: Final = 2
LONG_AGO_S: Final = 3600.0
"""A copy that was begun before that is of a process that died; another one may share the folder."""


class NearStore:
    """A far store with copies in a folder.

    Args:
        far: where the files are.
        near: where copies are kept.
        most_bytes: of all copies together.
        report: hears of copies that could not be made: ``store.uncopied``.
    """

    def __init__(self, far: BlobStore, near: FolderStore, most_bytes: int, report: Reporter = silent) -> None:
        self.far = far
        self._near = near
        self._most_bytes = most_bytes
        self._report = report
        self._lock = threading.Lock()
        self._copying: dict[str, threading.Thread] = {}

    def check(self) -> None:
        """See that the far store can be used; copies that were begun long ago and never finished are removed."""
        self.far.check()
        self._near.sweep(time.time() - LONG_AGO_S)

    def put(self, pieces: Iterable[bytes]) -> str:
        """Keep a file in the far store; its key."""
        return self.far.put(pieces)

    def open(self, key: str) -> BinaryIO:
        """The copy, or the far file while the copy is made."""
        copy = self.open_here(key)
        if copy is not None:
            return copy
        found = self.far.open(key)
        self._copy_soon(key)
        return found

    def open_here(self, key: str) -> BinaryIO | None:
        """The copy, if there is one."""
        with self._telling(key), contextlib.suppress(NoSuchObject):
            file = self._near.open(key)
            with contextlib.suppress(OSError):  # only the order of going
                now = time.time_ns()  # finer than the clock that file systems write by
                os.utime(self._near.path(key), ns=(now, now))
            return file
        return None

    def size(self, key: str) -> int:
        """Its bytes, as the far store has it."""
        return self.far.size(key)

    def stored(self) -> Iterator[Stored]:
        """Every file of the far store."""
        return self.far.stored()

    def remove(self, key: str, before: float) -> bool:
        """Forget a file, and its copy here; copies elsewhere go when there is no room for them."""
        is_gone = self.far.remove(key, before)
        if is_gone:
            with self._telling(key):
                self._near.remove(key, float("inf"))
        return is_gone

    def sweep(self, before: float) -> int:
        """Remove what was begun and not finished, here and there."""
        return self.far.sweep(before) + self._near.sweep(before)

    def settle(self) -> None:
        """Wait until no copy is being made."""
        while True:
            with self._lock:
                running = next(iter(self._copying.values()), None)
            if running is None:
                return
            running.join()

    @contextlib.contextmanager
    def _telling(self, key: str) -> Iterator[None]:
        """A copy that cannot be had or made is told of, and done without."""
        try:
            yield
        except NoSuchObject:
            raise
        except ModulineError as failure:
            self._report(Notice("store.uncopied", key, {"reason": str(failure)}))

    def _copy_soon(self, key: str) -> None:
        with self._lock:
            if key in self._copying or len(self._copying) >= COPIES_AT_ONCE:
                return
            thread = threading.Thread(target=self._copy, args=(key,), name=f"copy {key[:8]}", daemon=True)
            self._copying[key] = thread
            thread.start()

    def _copy(self, key: str) -> None:
        try:
            with contextlib.suppress(NoSuchObject), self._telling(key), self.far.open(key) as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(0)
                if size <= self._most_bytes and self._make_room(size):
                    self._near.put(iter(lambda: file.read(PIECE), b""))
        finally:
            with self._lock:
                del self._copying[key]

    def _make_room(self, size: int) -> bool:
        """Remove what was used longest ago; whether there is room then."""
        there = sorted(self._near.stored(), key=lambda one: one.written_at)
        total = sum(one.bytes for one in there) + size
        for one in there:
            if total <= self._most_bytes:
                break
            if self._near.remove(one.key, float("inf")):
                total -= one.bytes
        return total <= self._most_bytes
