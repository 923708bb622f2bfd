"""A stream over a blocking pyserial object: one reading thread, writes in the default executor.

For ports that have no descriptor to wait on: Windows COM ports and RFC 2217. The thread hands its bytes to the event
loop, so cancelling a read loses nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading

import serial

from moduline.errors import PortBusy, PortGone
from moduline.port.stream import READ_LIMIT, no_such_rate

TICK_S = 0.1
"""How often the reading thread looks whether it should end."""


class ThreadedStream:
    """ByteStream over ``port``; must be created inside a running event loop.

    Args:
        port: an open pyserial object; closed with the stream.
        name: where it leads, for messages.
    """

    def __init__(self, port: serial.SerialBase, name: str) -> None:
        self._port = port
        self._name = name
        self._port.timeout = TICK_S
        self._loop = asyncio.get_running_loop()
        self._inbox = bytearray()
        self._arrived = asyncio.Event()
        self._is_gone = False
        self._is_ending = threading.Event()
        self._thread = threading.Thread(target=self._pump, name=f"moduline {name}", daemon=True)
        self._thread.start()

    @property
    def name(self) -> str:
        """Where it leads, for messages."""
        return self._name

    async def read_some(self, limit: int = READ_LIMIT) -> bytes:
        """At least one and at most ``limit`` bytes.

        Raises:
            PortGone: the port vanished or was closed.
        """
        while not self._inbox:
            if self._is_gone:
                raise PortGone(port=self._name)
            self._arrived.clear()
            await self._arrived.wait()
        data = bytes(self._inbox[:limit])
        del self._inbox[:limit]
        return data

    async def write_all(self, data: bytes | bytearray | memoryview) -> None:
        """Hand over every byte of ``data``.

        Raises:
            PortGone: the port vanished or was closed.
        """
        if self._is_gone:
            raise PortGone(port=self._name)
        try:
            await asyncio.to_thread(self._port.write, bytes(data))
        except (serial.SerialException, OSError, ValueError) as cause:
            self._leave()
            raise PortGone(port=self._name) from cause

    async def set_baud(self, baud: int) -> None:
        """Go on at another rate.

        Raises:
            PortGone: the port vanished or was closed.
            PortBusy: it has no such rate.
        """
        if self._is_gone:
            raise PortGone(port=self._name)
        try:
            await asyncio.to_thread(setattr, self._port, "baudrate", baud)
        except ValueError as cause:
            raise PortBusy(port=self._name, reason=no_such_rate(baud)) from cause
        except (serial.SerialException, OSError) as cause:
            self._leave()
            raise PortGone(port=self._name) from cause

    async def close(self) -> None:
        """Let go of the port; pending reads end with PortGone."""
        self._leave()
        if not self._is_ending.is_set():
            self._is_ending.set()
            await asyncio.to_thread(self._thread.join)
            with contextlib.suppress(serial.SerialException, OSError):
                self._port.close()

    def _leave(self) -> None:
        self._is_gone = True
        self._arrived.set()

    def _take(self, data: bytes) -> None:
        self._inbox += data
        self._arrived.set()

    def _pump(self) -> None:
        while not self._is_ending.is_set():
            try:
                data = self._port.read(max(1, min(self._port.in_waiting, READ_LIMIT)))
            except (serial.SerialException, OSError, TypeError, ValueError):
                self._tell(self._leave)
                return
            if data:
                self._tell(self._take, data)

    def _tell(self, what: object, *facts: bytes) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is already closed: nobody listens any more
            self._loop.call_soon_threadsafe(what, *facts)  # type: ignore[arg-type]
