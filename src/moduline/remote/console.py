"""The REPL port of one module, listened to all the time; now and then lent to a REPL session.

::

    port ──▶ Console ──▶ on_output            what main.py prints
                 │  └──▶ Loan ──▶ ReplSession   while something is done at the raw prompt
                 └ the port vanishes: it is opened again when it is back

Whoever develops a script wants to see what it prints before, between and after the moments in which files are
exchanged over the same port; and a module that resets itself takes the port along for a while.

Source: device-api 2.2, 2.4, 4.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Final, Self

from moduline.errors import NoModule, PortBusy, PortGone
from moduline.port.stream import READ_LIMIT, ByteStream
from moduline.remote.repl_session import Sink, drop

REOPEN_PAUSE_S: Final = 0.1
RESTART: Final = b"\x04"  # Ctrl-D at an empty prompt: soft reset, main.py runs

Opener = Callable[[], Awaitable[ByteStream]]


class Console:
    """What a module prints.

    Args:
        open_port: opens the REPL port, wherever it is by now.
        on_output: gets what the module prints while no session has the port.
        on_presence: told False when the port vanished, True when it is back.
    """

    def __init__(
        self, open_port: Opener, on_output: Sink = drop, on_presence: Callable[[bool], None] | None = None
    ) -> None:
        self._open_port = open_port
        self._on_output = on_output
        self._on_presence = on_presence
        self._stream: ByteStream | None = None
        self._is_there = asyncio.Event()
        self._loan: _Loan | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    @property
    def is_there(self) -> bool:
        """Whether the port is open now."""
        return self._is_there.is_set()

    async def open(self) -> None:
        """Open the port for the first time.

        Raises:
            BadAddress, NoModule, SeveralModules, PortBusy: as ``port.address``.
        """
        self._take(await self._open_port())
        self._task = asyncio.create_task(self._listen())

    async def close(self) -> None:
        """Stop listening and let go of the port."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None
        await self._drop_stream()

    async def wait_there(self) -> None:
        """Return when the port is open; the caller sets the time limit."""
        await self._is_there.wait()

    def lend(self) -> ByteStream:
        """The port for a session of its own, until that closes it; output goes to the session meanwhile.

        Raises:
            PortGone: it is not there, or lent already.
        """
        if self._stream is None or (self._loan is not None and not self._loan.is_over):
            raise PortGone(port="REPL")
        self._loan = _Loan(self._stream, self._deliver)
        return self._loan

    async def write(self, data: bytes) -> None:
        """Send bytes, such as ``RESTART``.

        Raises:
            PortGone: the port is not there.
        """
        if self._stream is None:
            raise PortGone(port="REPL")
        await self._stream.write_all(data)

    def _take(self, stream: ByteStream) -> None:
        self._stream = stream
        self._is_there.set()

    async def _listen(self) -> None:
        while True:
            with contextlib.suppress(PortGone):
                await self._hear()
            await self._drop_stream()
            if self._on_presence is not None:
                self._on_presence(False)
            self._take(await self._back())
            if self._on_presence is not None:
                self._on_presence(True)

    async def _hear(self) -> None:
        assert self._stream is not None
        while True:
            self._deliver(await self._stream.read_some())
            await asyncio.sleep(0)  # a module that never stops printing must not keep the others waiting

    def _deliver(self, data: bytes) -> None:
        if self._loan is not None and not self._loan.is_over:
            self._loan.take(data)
        elif data:
            self._on_output(data)

    async def _back(self) -> ByteStream:
        while True:
            try:
                return await self._open_port()
            except (NoModule, PortBusy, PortGone):
                await asyncio.sleep(REOPEN_PAUSE_S)

    async def _drop_stream(self) -> None:
        self._is_there.clear()
        if self._loan is not None:
            self._loan.lose()
            self._loan = None
        stream, self._stream = self._stream, None
        if stream is not None:
            await stream.close()


class _Loan:
    """A ByteStream over a console's port: reads what the console hears, writes straight to it."""

    def __init__(self, stream: ByteStream, give_back: Sink) -> None:
        self._stream = stream
        self._give_back = give_back
        self._waiting = bytearray()
        self._arrived = asyncio.Event()
        self._is_gone = False
        self.is_over = False

    @property
    def name(self) -> str:
        """Where it leads, for messages."""
        return self._stream.name

    def take(self, data: bytes) -> None:
        """The console heard this."""
        self._waiting += data
        self._arrived.set()

    def lose(self) -> None:
        """The port vanished."""
        self._is_gone = True
        self._arrived.set()

    async def read_some(self, limit: int = READ_LIMIT) -> bytes:
        """At least one and at most ``limit`` bytes.

        Raises:
            PortGone: the port vanished or was given back.
        """
        while not self._waiting:
            if self._is_gone or self.is_over:
                raise PortGone(port=self.name)
            self._arrived.clear()
            await self._arrived.wait()
        data = bytes(self._waiting[:limit])
        del self._waiting[:limit]
        return data

    async def write_all(self, data: bytes | bytearray | memoryview) -> None:
        """Hand over every byte of ``data``.

        Raises:
            PortGone: the port vanished or was given back.
        """
        if self._is_gone or self.is_over:
            raise PortGone(port=self.name)
        await self._stream.write_all(data)

    async def close(self) -> None:
        """Give the port back; what was not read is the console's again."""
        if not self.is_over:
            self.is_over = True
            self._arrived.set()
            rest, self._waiting = bytes(self._waiting), bytearray()
            self._give_back(rest)
