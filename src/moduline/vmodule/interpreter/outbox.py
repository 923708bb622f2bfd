"""Bytes on their way to a port that may have no reader.

What a module prints while nobody listens is lost, and the script must not wait for a listener for ever. So: bytes
wait in order; a writer sends them piece by piece; when the port takes nothing for a while, everything that waits is
dropped and the port is only tried from then on until it takes bytes again.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

from moduline.errors import PortGone
from moduline.vmodule.interpreter.plan import ByteEnd

PIECE_BYTES: Final = 2048
FULL_BYTES: Final = 65536
STALLED_AFTER_S: Final = 1.0
TRY_S: Final = 0.02


class Outbox:
    """Queue and writer for one port.

    Args:
        end: the module's end of the port.
    """

    def __init__(self, end: ByteEnd) -> None:
        self._end = end
        self._bytes = bytearray()
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._is_stalled = False
        self._task = asyncio.create_task(self._write())

    def put(self, data: bytes) -> None:
        """Queue ``data``; never waits."""
        if self._task.done():
            return  # the port is gone
        self._bytes += data
        if self._bytes:
            self._wake.set()
        if len(self._bytes) >= FULL_BYTES:
            self._room.clear()

    @property
    def is_full(self) -> bool:
        """True when the producer should wait for ``room``."""
        return not self._room.is_set()

    async def room(self) -> None:
        """Wait until the queue takes more."""
        await self._room.wait()

    async def close(self) -> None:
        """Stop writing; what waits is dropped."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _write(self) -> None:
        with contextlib.suppress(PortGone):
            while True:
                await self._wake.wait()
                piece = bytes(self._bytes[:PIECE_BYTES])
                del self._bytes[:PIECE_BYTES]
                try:
                    async with asyncio.timeout(TRY_S if self._is_stalled else STALLED_AFTER_S):
                        await self._end.write_all(piece)
                    self._is_stalled = False
                except TimeoutError:
                    self._is_stalled = True
                    self._bytes.clear()
                if not self._bytes:
                    self._wake.clear()
                if len(self._bytes) < FULL_BYTES:
                    self._room.set()
        self._bytes.clear()
        self._room.set()
