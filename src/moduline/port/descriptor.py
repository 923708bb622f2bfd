"""A stream over a non-blocking file descriptor: the fast path below pseudo-terminals and serial ports.

Idea. A request and its answer are a few microseconds of copying; what costs is waking up. So every call tries the
system call first and waits only when the kernel says so. Once a wait was needed the descriptor stays registered with
the event loop: registration costs two system calls, and in a conversation the next wait comes soon. A wake-up that
nobody waits for takes the registration away again, so unread bytes never make the loop spin.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Any

from moduline.errors import PortGone
from moduline.port.stream import READ_LIMIT, React


class DescriptorStream:
    """ByteStream over ``descriptor``, which must be non-blocking; closing the stream closes it.

    Args:
        descriptor: open for reading and writing.
        name: where it leads, for messages.
        on_close: called once, after the descriptor was closed.
    """

    def __init__(self, descriptor: int, name: str, on_close: Callable[[], None] | None = None) -> None:
        self._descriptor = descriptor
        self._name = name
        self._on_close = on_close
        self._is_gone = False
        self._read_waiter: asyncio.Future[bytes] | None = None
        self._read_limit = READ_LIMIT
        self._kept = b""
        self._write_waiter: asyncio.Future[None] | None = None
        self._watched: asyncio.AbstractEventLoop | None = None
        self._sink: Callable[[], None] | None = None
        self._sink_done: asyncio.Future[memoryview | None] | None = None

    @property
    def name(self) -> str:
        """Where it leads, for messages."""
        return self._name

    async def read_some(self, limit: int = READ_LIMIT) -> bytes:
        """At least one and at most ``limit`` bytes.

        Raises:
            PortGone: the port vanished or was closed.
        """
        if self._kept:
            data, self._kept = self._kept[:limit], self._kept[limit:]
            return data
        if self._is_gone:
            raise PortGone(port=self._name)
        try:
            return self._read_now(limit)
        except BlockingIOError:
            return await self._read_later(limit)

    async def write_all(self, data: bytes | bytearray | memoryview) -> None:
        """Hand every byte of ``data`` to the operating system.

        Raises:
            PortGone: the port vanished or was closed.
        """
        written = self._write(data)
        if written < len(data):
            rest = memoryview(data)[written:]
            while rest:
                await self._wait_writable()
                rest = rest[self._write(rest) :]

    async def pump(self, react: React, idle: Callable[[], None] | None = None) -> None:
        """Hand what arrives to ``react`` and send what it gives; see :func:`moduline.port.stream.pump`.

        ``react`` runs in the event loop's own callback: no task switch between the bytes and their answer.

        Raises:
            PortGone: the port vanished or was closed.
        """
        while (rest := await self._react_while_room(react, idle)) is not None:
            await self.write_all(rest)
            if idle is not None:
                idle()

    async def _react_while_room(self, react: React, idle: Callable[[], None] | None) -> memoryview | None:
        """React until ``react`` is done (None), or until the kernel takes no more (what is left of an answer)."""
        if self._is_gone:
            raise PortGone(port=self._name)
        loop = asyncio.get_running_loop()
        done: asyncio.Future[memoryview | None] = loop.create_future()

        def take() -> None:
            if done.done():
                return
            try:
                data, self._kept = self._kept or self._read_now(), b""
                answer = react(data)
                if answer is None:
                    done.set_result(None)
                elif (taken := self._write(answer) if answer else 0) < len(answer):
                    done.set_result(memoryview(answer)[taken:])
                elif idle is not None:
                    idle()
            except BlockingIOError:
                return
            except Exception as failure:  # noqa: BLE001  handed to whoever awaits the pump
                if not done.done():
                    done.set_exception(failure)

        self._sink, self._sink_done = take, done
        self._watch(loop)
        if self._kept:
            take()
        try:
            return await done
        finally:
            self._sink = self._sink_done = None

    def _read_now(self, limit: int = READ_LIMIT) -> bytes:
        """What is there; raises BlockingIOError when nothing is, PortGone when nothing more will be."""
        try:
            data = os.read(self._descriptor, limit)
        except BlockingIOError:
            raise
        except OSError as cause:
            self._go()
            raise PortGone(port=self._name) from cause
        if not data:
            self._go()
            raise PortGone(port=self._name)
        return data

    async def _read_later(self, limit: int) -> bytes:
        """The bytes of the next arrival, read as soon as they are there."""
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[bytes] = loop.create_future()
        self._read_limit, self._read_waiter = limit, waiter
        self._watch(loop)
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self._kept += waiter.result()  # read, but nobody got it
            raise
        finally:
            self._read_waiter = None

    async def close(self) -> None:
        """Close the descriptor; pending calls end with PortGone."""
        self._go()
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            os.close(descriptor)
            if self._on_close is not None:
                self._on_close()

    def _write(self, data: bytes | bytearray | memoryview) -> int:
        if self._is_gone:
            raise PortGone(port=self._name)
        try:
            return os.write(self._descriptor, data)
        except BlockingIOError:
            return 0
        except OSError as cause:
            self._go()
            raise PortGone(port=self._name) from cause

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._watched is not loop:
            loop.add_reader(self._descriptor, self._on_readable)
            self._watched = loop

    def _on_readable(self) -> None:
        waiter = self._read_waiter
        if self._sink is not None:
            self._sink()
        elif waiter is None:
            self._unwatch()
        elif not waiter.done():
            try:
                waiter.set_result(self._read_now(self._read_limit))
            except BlockingIOError:
                return
            except PortGone as gone:
                if not waiter.done():
                    waiter.set_exception(gone)

    async def _wait_writable(self) -> None:
        loop = asyncio.get_running_loop()
        self._write_waiter = loop.create_future()
        loop.add_writer(self._descriptor, _wake, self._write_waiter)
        try:
            await self._write_waiter
        finally:
            self._write_waiter = None
            if self._descriptor >= 0:
                loop.remove_writer(self._descriptor)

    def _unwatch(self) -> None:
        if self._watched is not None and not self._watched.is_closed():
            self._watched.remove_reader(self._descriptor)
        self._watched = None

    def _go(self) -> None:
        """From here on every call raises; whoever waits is woken to find out."""
        self._is_gone = True
        if self._descriptor >= 0:
            self._unwatch()
        _wake(self._write_waiter)
        for waiter in (self._read_waiter, self._sink_done):
            if waiter is not None and not waiter.done():
                waiter.set_exception(PortGone(port=self._name))


def _wake(waiter: asyncio.Future[Any] | None) -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)
