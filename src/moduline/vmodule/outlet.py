"""A port of the module as hosts find it: behind a cable that can be out, over a line that can be bad.

The module's programs hold an *outlet* for a whole stage of its life; the pseudo-terminal or TCP port that hosts open is
made when the cable is put in and vanishes when it goes out, while the programs run on and notice nothing but silence,
as on the metal. Every new port has an enumeration number of its own, so that whoever watches sees a port that went
and came back between two looks.

While the line is clean, conversations run straight on the port below; see ``port.stream.pump``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from moduline.errors import PortGone
from moduline.port.registry import next_enumeration
from moduline.port.stream import READ_LIMIT, React, pump
from moduline.vmodule.faults.line import Line
from moduline.vmodule.power import WaitingClock

SLICE_S: Final = 0.02  # a slow line moves this much at a time


class HostEnd(Protocol):
    """What hosts open: a pseudo-terminal or a TCP port."""

    @property
    def name(self) -> str:
        """For messages."""

    @property
    def path(self) -> str:
        """What a host opens."""

    async def read_some(self, limit: int = READ_LIMIT) -> bytes:
        """As in ``ByteStream``."""

    async def write_all(self, data: bytes | bytearray | memoryview) -> None:
        """As in ``ByteStream``."""

    def write_if_room(self, data: bytes) -> int:
        """Hand over what fits without waiting."""

    async def close(self) -> None:
        """Vanish."""


class Outlet:
    """The module's side of one port; a ``ModuleEnd``. Not plugged in when new.

    Args:
        role: of the port.
        make_end: makes the port that hosts open.
        line: what happens to the bytes.
        clock: slow lines wait on it.
    """

    def __init__(self, role: str, make_end: Callable[[], Awaitable[HostEnd]], line: Line, clock: WaitingClock) -> None:
        self.role = role
        self.enumeration = 0
        self._make_end = make_end
        self._line = line
        self._clock = clock
        self._end: HostEnd | None = None
        self._is_closed = False
        self._plugged = asyncio.Event()
        self._unread = b""
        self._owed = 0  # bytes read that a slow line has not yet waited for
        self._later = bytearray()
        self._trickle: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """For messages."""
        return self._end.name if self._end is not None else self.role

    @property
    def path(self) -> str:
        """What a host opens; empty while the cable is out."""
        return self._end.path if self._end is not None else ""

    async def plug(self) -> None:
        """Make the port, unless it is there; a closed outlet stays closed."""
        if self._end is None and not self._is_closed:
            self._end = await self._make_end()
            self.enumeration = next_enumeration()
            self._plugged.set()

    async def unplug(self) -> None:
        """The port vanishes; what was on its way is lost."""
        end, self._end = self._end, None
        self._plugged.clear()
        self._later.clear()
        if end is not None:
            await end.close()

    async def close(self) -> None:
        """Vanish for good; pending calls end with PortGone."""
        self._is_closed = True
        if self._trickle is not None:
            self._trickle.cancel()
            await asyncio.gather(self._trickle, return_exceptions=True)
        await self.unplug()
        self._plugged.set()
        self._line.release()

    # ---- bytes -----------------------------------------------------------------------------------------------------

    async def read_some(self, limit: int = READ_LIMIT) -> bytes:
        """At least one byte of a host; waits for the cable.

        Raises:
            PortGone: the outlet was closed.
        """
        while True:
            if not self._unread:
                self._unread = self._line.inwards(await self._read(limit))
            await self._line.moving()
            if self._is_closed:
                raise PortGone(port=self.name)
            if self._unread:
                data, self._unread = self._unread[:limit], self._unread[limit:]
                return data

    async def write_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send; what is sent while the cable is out is lost.

        Raises:
            PortGone: the outlet was closed.
        """
        left = self._line.outwards(bytes(data))
        while left and not self._is_closed:
            piece, left = self._slice(left)
            end = self._end
            if end is None:
                return
            try:
                await end.write_all(piece)
            except PortGone:
                if self._end is end:
                    await self.unplug()
                return
            await self._pace(len(piece))
        if self._is_closed:
            raise PortGone(port=self.name)

    def write_if_room(self, data: bytes) -> int:
        """Hand over what fits without waiting; a slow line takes everything and sends it in its own time."""
        left = self._line.outwards(data)
        if not self._line.bytes_per_s:
            return self._end.write_if_room(left) if self._end is not None and left else 0
        self._later += left
        if self._trickle is None or self._trickle.done():
            self._trickle = asyncio.get_running_loop().create_task(self._send_later())
        return len(data)

    async def pump(self, react: React, idle: Callable[[], None] | None = None) -> None:
        """Hand what arrives to ``react`` and send what it gives; see :func:`moduline.port.stream.pump`.

        Raises:
            PortGone: the outlet was closed.
        """
        line, is_over = self._line, False

        def passed(data: bytes) -> bytes | None:
            nonlocal is_over
            data = line.inwards(data)
            if line.bytes_per_s or line.is_held:
                self._unread = data
                return None
            answer = react(data) if data else b""
            is_over = answer is None
            return line.outwards(answer) if answer else answer

        while not is_over:
            if line.bytes_per_s or line.is_held or self._unread:
                data = await self.read_some()
                answer = react(data)
                if answer is None:
                    return
                await self.write_all(answer)
                if idle is not None:
                    idle()
            else:
                end = await self._plugged_end()
                try:
                    await pump(end, passed, idle)
                except PortGone:
                    if self._end is end:
                        await self.unplug()

    async def _read(self, limit: int) -> bytes:
        while True:
            end = await self._plugged_end()
            await self._pace(self._owed)
            self._owed = 0
            try:
                data = await end.read_some(min(limit, self._most()) if self._line.bytes_per_s else limit)
            except PortGone:
                if self._end is end:
                    await self.unplug()
            else:
                self._owed = len(data)
                return data

    async def _plugged_end(self) -> HostEnd:
        while self._end is None:
            if self._is_closed:
                raise PortGone(port=self.role)
            await self._plugged.wait()
        return self._end

    # ---- slow lines ------------------------------------------------------------------------------------------------

    def _most(self) -> int:
        return max(1, int(self._line.bytes_per_s * SLICE_S))

    def _slice(self, data: bytes) -> tuple[bytes, bytes]:
        size = self._most() if self._line.bytes_per_s else len(data)
        return data[:size], data[size:]

    async def _pace(self, count: int) -> None:
        if self._line.bytes_per_s:
            await self._clock.sleep(count / self._line.bytes_per_s)

    async def _send_later(self) -> None:
        while self._later and self._end is not None:
            piece, rest = self._slice(bytes(self._later))
            self._later[:] = rest
            self._end.write_if_room(piece)
            await self._pace(len(piece))


class Cable:
    """The USB cable of a module: its outlets come and go together; UARTs are not on it."""

    def __init__(self) -> None:
        self.is_in = True
        self._outlets: list[Outlet] = []

    async def hold(self, outlet: Outlet) -> None:
        """Lead to an outlet from now on; it is plugged in when the cable is."""
        self._outlets.append(outlet)
        if self.is_in:
            await outlet.plug()

    def let_go(self, outlet: Outlet) -> None:
        """Lead there no longer."""
        self._outlets.remove(outlet)

    async def pull(self) -> None:
        """The cable goes out."""
        self.is_in = False
        for outlet in tuple(self._outlets):
            await outlet.unplug()

    async def put_in(self) -> None:
        """The cable is in again."""
        self.is_in = True
        for outlet in tuple(self._outlets):
            if self.is_in:
                await outlet.plug()
