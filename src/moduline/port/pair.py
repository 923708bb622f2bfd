"""Two ends in memory: what one writes, the other reads; for tests and for ends that share a process."""

from __future__ import annotations

import asyncio

from moduline.errors import PortGone
from moduline.port.stream import READ_LIMIT

BUFFER_BYTES = 65536
"""Unread bytes of one direction above which ``write_all`` waits."""


class PairEnd:
    """One end of :func:`pair`; a ByteStream.

    Args:
        name: for messages.
        read_limit: give at most so many bytes per read, to try out fragmentation.
    """

    def __init__(self, name: str, read_limit: int = READ_LIMIT) -> None:
        self._name = name
        self._read_limit = read_limit
        self._inbox = bytearray()
        self._is_gone = False
        self._changed: asyncio.Event | None = None
        self.peer: PairEnd = self

    @property
    def name(self) -> str:
        """The name given at creation."""
        return self._name

    async def read_some(self, limit: int = READ_LIMIT) -> bytes:
        """At least one and at most ``limit`` bytes; bytes that arrived before the cut are still given out.

        Raises:
            PortGone: the pair was cut or closed and everything was read.
        """
        while not self._inbox:
            if self._is_gone:
                raise PortGone(port=self._name)
            await self._wait()
        size = min(limit, self._read_limit)
        data = bytes(self._inbox[:size])
        del self._inbox[:size]
        self.peer._wake()
        return data

    async def write_all(self, data: bytes | bytearray | memoryview) -> None:
        """Put every byte into the peer's buffer; waits while the peer is far behind.

        Raises:
            PortGone: the pair was cut or closed.
        """
        while not self._is_gone and len(self.peer._inbox) > BUFFER_BYTES:
            await self._wait()
        if self._is_gone:
            raise PortGone(port=self._name)
        self.peer._inbox += data
        self.peer._wake()

    async def close(self) -> None:
        """End both ends, like a cable pulled."""
        self.cut()

    def cut(self) -> None:
        """End both ends at once: later writes raise, reads give what had arrived and then raise."""
        for end in (self, self.peer):
            end._is_gone = True
            end._wake()

    async def _wait(self) -> None:
        if self._changed is None:
            self._changed = asyncio.Event()
        self._changed.clear()
        await self._changed.wait()

    def _wake(self) -> None:
        if self._changed is not None:
            self._changed.set()


def pair(name: str = "pair", read_limit: int = READ_LIMIT) -> tuple[PairEnd, PairEnd]:
    """Two connected ends, named ``name:a`` and ``name:b``; ``read_limit`` bounds every single read of both."""
    first, second = PairEnd(f"{name}:a", read_limit), PairEnd(f"{name}:b", read_limit)
    first.peer, second.peer = second, first
    return first, second
