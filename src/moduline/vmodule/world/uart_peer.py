"""A scripted device on a UART: sends at its times, answers to patterns.

It stands where a pseudo-terminal would, so neither the module nor the script can tell. What the module sends is kept
for whoever looks; a pattern is looked for in what came since the last answer.

Source: device-api 10.5 (a test can send bytes while the script runs).
"""

from __future__ import annotations

import asyncio
from typing import Final

from moduline.errors import PortGone
from moduline.port.stream import READ_LIMIT
from moduline.vmodule.world.bench_plan import UartPeer
from moduline.vmodule.world.clock import ModuleClock

MAX_KEPT_BYTES: Final = 1 << 20
MAX_UNREAD_BYTES: Final = 1 << 16
WINDOW_BYTES: Final = 8192
MAX_TIMERS: Final = 20_000  # more than a plan has; a module that asks without end gets no more answers


class ScriptedPeer:
    """The device; outlives power cycles of the module, whose ends come and go.

    Args:
        plan: what it does.
        clock: of the module.
    """

    def __init__(self, plan: UartPeer, clock: ModuleClock) -> None:
        self.plan = plan
        self.received = bytearray()
        self._clock = clock
        self._window = bytearray()
        self._end: PeerEnd | None = None
        self._timers: set[asyncio.TimerHandle] = set()

    def begin(self) -> None:
        """The module has its power for the first time: the times of the plan count from now."""
        for send in self.plan.sends:
            self._later(send.at_s, send.data)

    def send(self, data: bytes) -> None:
        """Send now; lost when the module has no power."""
        if self._end is not None:
            self._end.take(data)

    def open_end(self) -> PeerEnd:
        """The module's end of the wire for one power-on."""
        self._end = PeerEnd(self)
        return self._end

    def let_go(self, end: PeerEnd) -> None:
        """That end is closed."""
        if self._end is end:
            self._end = None

    def hear(self, data: bytes) -> None:
        """The module has sent this."""
        self.received += data[: max(0, MAX_KEPT_BYTES - len(self.received))]
        self._window += data
        while self._answer():
            continue
        del self._window[: max(0, len(self._window) - WINDOW_BYTES)]

    def close(self) -> None:
        """Nothing more is sent."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def _answer(self) -> bool:
        """Answer to the first pattern that is found; False when none is."""
        for reply in self.plan.replies:
            at = self._window.find(reply.pattern)
            if at >= 0:
                del self._window[: at + len(reply.pattern)]
                self._later(reply.after_s, reply.data)
                return True
        return False

    def _later(self, seconds: float, data: bytes) -> None:
        if seconds <= 0:
            self.send(data)
            return
        if len(self._timers) >= MAX_TIMERS:
            return
        handle: asyncio.TimerHandle

        def due() -> None:
            self._timers.discard(handle)
            self.send(data)

        handle = self._clock.call_later(seconds, due)
        self._timers.add(handle)


class PeerEnd:
    """The module's end of a wire to a scripted peer; a ByteStream. Hosts cannot open it."""

    def __init__(self, peer: ScriptedPeer) -> None:
        self._peer = peer
        self._unread = bytearray()
        self._news = asyncio.Event()
        self._is_gone = False

    @property
    def name(self) -> str:
        """For messages."""
        return f"script:uart{self._peer.plan.number}"

    @property
    def path(self) -> str:
        """Empty: nothing a host could open."""
        return ""

    def take(self, data: bytes) -> None:
        """The peer sends."""
        self._unread += data
        del self._unread[: max(0, len(self._unread) - MAX_UNREAD_BYTES)]
        self._news.set()

    async def read_some(self, limit: int = READ_LIMIT) -> bytes:
        """At least one byte of the peer.

        Raises:
            PortGone: the end was closed.
        """
        while not self._unread:
            if self._is_gone:
                raise PortGone(port=self.name)
            self._news.clear()
            await self._news.wait()
        data = bytes(self._unread[:limit])
        del self._unread[:limit]
        return data

    async def write_all(self, data: bytes | bytearray | memoryview) -> None:
        """Give all of it to the peer.

        Raises:
            PortGone: the end was closed.
        """
        if self._is_gone:
            raise PortGone(port=self.name)
        self._peer.hear(bytes(data))

    def write_if_room(self, data: bytes) -> int:
        """Give all of it to the peer."""
        if not self._is_gone:
            self._peer.hear(data)
        return len(data)

    async def close(self) -> None:
        """Vanish; pending reads end with PortGone."""
        self._is_gone = True
        self._news.set()
        self._peer.let_go(self)
