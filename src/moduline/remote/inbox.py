"""What a module sent and nobody read yet: one task reads the stream, so that waiting with a limit loses no byte."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Self

from moduline.errors import ModulineError, NoAnswer, Text
from moduline.port.stream import ByteStream

WRITE_LIMIT_S = 10.0  # a module that takes no byte for so long does not listen
UNREAD_LIMIT_BYTES = 1 << 20  # above this the module has to wait


class Inbox:
    """Bytes of a stream, gathered from ``start`` on; and the way back, with a limit."""

    def __init__(self, stream: ByteStream) -> None:
        self.stream = stream
        self.received_bytes = 0
        self._waiting = bytearray()
        self._arrived = asyncio.Event()
        self._taken = asyncio.Event()
        self._failure: ModulineError | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    def start(self) -> None:
        """Begin to gather; a second call changes nothing."""
        if self._task is None:
            self._task = asyncio.create_task(self._gather())

    async def close(self) -> None:
        """Stop gathering and close the stream."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None
        await self.stream.close()

    async def read(self, limit_s: float | None) -> bytes:
        """Everything that came since the last call; empty when nothing came within ``limit_s`` (None waits).

        Raises:
            PortGone: the port vanished and everything before that was read.
        """
        if not self._waiting and self._failure is None:
            try:
                async with asyncio.timeout(limit_s):
                    await self._arrived.wait()
            except TimeoutError:
                return b""
        self._arrived.clear()
        self._taken.set()
        data, self._waiting = bytes(self._waiting), bytearray()
        if not data and self._failure is not None:
            raise self._failure
        return data

    async def read_until(self, is_enough: Callable[[bytes], bool], limit_s: float) -> bytes:
        """Bytes gathered until ``is_enough`` says so or ``limit_s`` passed, whichever is first."""
        gathered = bytearray()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + limit_s
        while not is_enough(bytes(gathered)) and (left_s := deadline - loop.time()) > 0:
            gathered += await self.read(left_s)
        return bytes(gathered)

    async def write(self, data: bytes) -> None:
        """Write everything.

        Raises:
            NoAnswer: the port takes no bytes.
            PortGone: it vanished.
        """
        try:
            async with asyncio.timeout(WRITE_LIMIT_S):
                await self.stream.write_all(data)
        except TimeoutError as error:
            raise NoAnswer(
                what=Text(
                    f"{len(data)} bytes written to {self.stream.name}", f"写入 {self.stream.name} 的 {len(data)} 字节"
                ),
                seconds=WRITE_LIMIT_S,
            ) from error

    async def _gather(self) -> None:
        try:
            while True:
                data = await self.stream.read_some()
                self.received_bytes += len(data)
                self._waiting += data
                self._arrived.set()
                self._taken.clear()
                if len(self._waiting) > UNREAD_LIMIT_BYTES:
                    await self._taken.wait()
                await asyncio.sleep(0)  # a module that never stops printing must not keep the others waiting
        except ModulineError as failure:
            self._failure = failure
            self._arrived.set()
