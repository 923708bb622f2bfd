"""The secure data area: sixteen small records beside the firmware, which no download of firmware touches.

On a real module it is a piece of bare flash with a backup of its own. Here it lies in the module's NV partition, in
records that are old or new whenever the power goes away; a module without flash (a bench) keeps it in memory.

Source: the public page of ``SecureData``: sizes, return values, that there is no way to delete.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from moduline.errors import TooBig
from moduline.vmodule.interpreter import framing
from moduline.vmodule.interpreter.desk import Answer, DeskContext, Question, fact

DONE: Final = 0
WRONG: Final = -1
ABSENT: Final = -2

LAST_INDEX: Final = 16
_ROOM: Final = ((8, 52), (12, 100), (14, 500), (16, 1000))  # up to this index, so many bytes


class SecureStore(Protocol):
    """Where the records lie; ``vmodule.nv_store.NvStore`` is one."""

    def read_secure(self, index: int) -> bytes | None:
        """The record; None when there is none."""

    def write_secure(self, index: int, data: bytes) -> None:
        """Keep a record."""


class MemoryStore:
    """Records of a module without flash."""

    def __init__(self) -> None:
        self._records: dict[int, bytes] = {}

    def read_secure(self, index: int) -> bytes | None:
        """The record; None when there is none."""
        return self._records.get(index)

    def write_secure(self, index: int, data: bytes) -> None:
        """Keep a record."""
        self._records[index] = data


class SecureArea:
    """The area of one module.

    Attributes:
        store: where the records lie; the module that has flash puts its own there.
    """

    def __init__(self, store: SecureStore | None = None) -> None:
        self.store: SecureStore = store or MemoryStore()

    def desk(self, _: DeskContext) -> SecureDesk:
        """What answers scripts."""
        return SecureDesk(self)


class SecureDesk:
    """Answers one child's questions about the area."""

    def __init__(self, area: SecureArea) -> None:
        self._area = area

    @property
    def questions(self) -> Mapping[str, Question]:
        """What answers each question."""
        return {"secure_store": self._store, "secure_read": self._read}

    async def close(self) -> None:
        """Nothing is open."""

    def _store(self, call: framing.Call) -> Answer:
        index = fact(call, "index", int)
        if not 1 <= index <= LAST_INDEX or len(call.data) > room_of(index):
            return WRONG, b""
        try:
            self._area.store.write_secure(index, call.data)
        except TooBig:
            return WRONG, b""
        return DONE, b""

    def _read(self, call: framing.Call) -> Answer:
        index = fact(call, "index", int)
        if not 1 <= index <= LAST_INDEX:
            return WRONG, b""
        found = self._area.store.read_secure(index)
        return (ABSENT, b"") if found is None else (DONE, found)


def room_of(index: int) -> int:
    """Bytes that record ``index`` (1 to 16) can hold."""
    return next(room for last, room in _ROOM if index <= last)
