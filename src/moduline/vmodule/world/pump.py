"""A connection of the module: two byte streams joined, with the delays, limits and faults of a cellular network.

::

    near (a socket pair's end; the other one is the script's or a service's)
       │ ▲
       ▼ │   up / down: counted, delayed, limited, cut
    far (a TCP connection of this computer)

Who reads waits when the other side is slow: at most ``WINDOW_BYTES`` are under way in one direction. The near side
closing means that nobody is there any more; the far side closing means that no more comes, and the near side may still
send.

Source: micropython-runtime 9.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from moduline.vmodule.world.clock import ModuleClock

WINDOW_BYTES: Final = 256 * 1024
PIECE_BYTES: Final = 1460  # what a limited connection passes at once: one TCP segment
CONNECTED: Final = b"\0"  # the first byte of a line whose connection stands


@dataclass(slots=True)
class Traffic:
    """What went through a network.

    Attributes:
        sent_bytes: by the module, datagrams included.
        received_bytes: by the module, datagrams included.
        connections: that stood.
        refused: connections that came to nothing.
        lost_datagrams: by the plan's ``loss``.
    """

    sent_bytes: int = 0
    received_bytes: int = 0
    connections: int = 0
    refused: int = 0
    lost_datagrams: int = 0


@dataclass(frozen=True, slots=True)
class Shape:
    """How bytes pass.

    Attributes:
        delay_s: one way.
        bytes_per_s: of one direction; 0 for no limit.
        drop_after_bytes: the connection is reset after so many bytes of both directions; None for never.
    """

    delay_s: float = 0.0
    bytes_per_s: int = 0
    drop_after_bytes: int | None = None


class _Side(asyncio.Protocol):
    """One of the two streams."""

    def __init__(self, pump: Pump, *, is_near: bool) -> None:
        self.pump = pump
        self.is_near = is_near
        self.transport: asyncio.Transport | None = None
        self.way_out = _Way(self)
        self.is_full = False
        self.is_at_end = False  # it will send nothing more
        self.is_shut = False  # it has been told that nothing more comes

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.pump.moved(self, data)

    def eof_received(self) -> bool:
        self.is_at_end = True
        self.pump.ended(self)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        self.pump.lost(self, exc)

    def put(self, data: bytes) -> None:
        """Hand it over, unless nobody takes anything any more."""
        if self.transport is not None and not self.is_shut:
            self.transport.write(data)

    def shut(self) -> None:
        """Nothing more comes."""
        if self.transport is not None and not self.is_shut and not self.transport.is_closing():
            self.is_shut = True
            self.transport.write_eof()

    def pause_writing(self) -> None:
        self.is_full = True
        self.pump.balance(self)

    def resume_writing(self) -> None:
        self.is_full = False
        self.pump.balance(self)


class _Way:
    """What is under way to one side: (due, bytes), oldest first; None for the end of the stream."""

    def __init__(self, side: _Side) -> None:
        self._side = side
        self._waiting: deque[tuple[float, bytes | None]] = deque()
        self._free_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self.waiting_bytes = 0

    def put(self, data: bytes) -> None:
        """Send it when its time has come."""
        pump = self._side.pump
        if pump.is_straight:
            self._deliver(data)
            return
        now, rate = pump.clock.tick_s(), pump.shape.bytes_per_s
        pieces = [data[at : at + PIECE_BYTES] for at in range(0, len(data), PIECE_BYTES)] if rate else [data]
        for piece in pieces:
            self._free_at = max(now, self._free_at) + (len(piece) / rate if rate else 0.0)
            self._waiting.append((self._free_at + pump.shape.delay_s, piece))
        self.waiting_bytes += len(data)
        self._arm()

    def end(self) -> None:
        """The stream ends behind what is under way."""
        if self._waiting:
            self._waiting.append((self._waiting[-1][0], None))
        else:
            self._deliver(None)

    def clear(self) -> None:
        """Forget everything under way."""
        self._waiting.clear()
        self.waiting_bytes = 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        if self._timer is None and self._waiting:
            clock = self._side.pump.clock
            self._timer = clock.call_later(self._waiting[0][0] - clock.tick_s(), self._due)

    def _due(self) -> None:
        self._timer = None
        now = self._side.pump.clock.tick_s()
        while self._waiting and self._waiting[0][0] <= now:
            _, data = self._waiting.popleft()
            self.waiting_bytes -= len(data or b"")
            self._deliver(data)
        self._arm()
        self._side.pump.balance(self._side)

    def _deliver(self, data: bytes | None) -> None:
        if data is not None:
            self._side.put(data)
        elif self._side.is_near:
            self._side.shut()
        elif self._side.transport is not None:
            self._side.transport.close()


class Pump:
    """One connection, from the moment its far side stands until both sides are closed.

    Args:
        clock: of the module.
        shape: how bytes pass.
        traffic: where they are counted.
        has_data: whether the module is on line; a connection that finds itself off line is lost.
        on_over: called once, when nothing is left of it.
    """

    def __init__(
        self,
        clock: ModuleClock,
        shape: Shape,
        traffic: Traffic,
        has_data: Callable[[], bool],
        on_over: Callable[[Pump], None],
    ) -> None:
        self.clock = clock
        self.shape = shape
        self.is_straight = not shape.delay_s and not shape.bytes_per_s
        self.error = 0  # errno of what ended it, 0 for an orderly end
        self._traffic = traffic
        self._has_data = has_data
        self._on_over = on_over
        self._passed_bytes = 0
        self._is_over = False
        self.near = _Side(self, is_near=True)
        self.far = _Side(self, is_near=False)

    @property
    def is_far_closed(self) -> bool:
        """The peer sends nothing more."""
        return self.far.is_at_end or self.far.transport is None

    @property
    def has_ended(self) -> bool:
        """Nothing is left of it."""
        return self._is_over

    async def attach(self, end: socket.socket, greeting: bytes = b"") -> None:
        """Join the near side; ``greeting`` goes first. What came so far follows."""
        await asyncio.get_running_loop().create_connection(lambda: self.near, sock=end)
        if self.near.transport is None:
            return
        self.near.put(greeting)
        if self.far.transport is None:
            self.near.transport.close()
        elif self.far.is_at_end:
            self.near.way_out.end()
        else:
            self.far.transport.resume_reading()

    def hold(self) -> None:
        """Take nothing from the far side yet: there is no near one."""
        if self.far.transport is not None:
            self.far.transport.pause_reading()

    def moved(self, source: _Side, data: bytes) -> None:
        """Bytes came from one side."""
        if not self._has_data():
            self.abort(errno.ECONNABORTED)
            return
        limit = self.shape.drop_after_bytes
        is_last = limit is not None and self._passed_bytes + len(data) >= limit
        if limit is not None and is_last:
            data = data[: max(0, limit - self._passed_bytes)]
        self._passed_bytes += len(data)
        if source.is_near:
            self._traffic.sent_bytes += len(data)
        else:
            self._traffic.received_bytes += len(data)
        target = self.far if source.is_near else self.near
        target.way_out.put(data)
        if is_last:
            self.abort(errno.ECONNRESET)
        else:
            self.balance(target)

    def balance(self, target: _Side) -> None:
        """Let the other side send, or not, by what is under way to ``target``."""
        source = self.far if target.is_near else self.near
        if source.transport is None or source.transport.is_closing():
            return
        is_full = target.is_full or target.way_out.waiting_bytes > WINDOW_BYTES
        if is_full == source.transport.is_reading() and not source.is_at_end:
            if is_full:
                source.transport.pause_reading()
            else:
                source.transport.resume_reading()

    def ended(self, side: _Side) -> None:
        """One side sends nothing more."""
        if side.is_near:
            self.far.way_out.end()
            if self.near.transport is not None:
                self.near.transport.close()
        else:
            self.near.way_out.end()

    def lost(self, side: _Side, fault: Exception | None) -> None:
        """One side is gone."""
        if fault is not None and not side.is_near and not self.error:
            self.error = getattr(fault, "errno", None) or errno.ECONNRESET
        if side.is_near:
            self.far.way_out.end()
        elif self.near.transport is not None:
            if self.error:
                self.near.way_out.clear()
            self.near.transport.close()
        if self.near.transport is None and self.far.transport is None and not self._is_over:
            self._is_over = True
            self._on_over(self)

    def wake_near(self) -> None:
        """The near side was closed while another thread waits for it: have that wait end."""
        self.near.shut()

    def abort(self, error: int = errno.ECONNABORTED) -> None:
        """End it at once, as a reset does: what is under way is lost."""
        self.error = self.error or error
        for side in (self.near, self.far):
            side.way_out.clear()
        if self.far.transport is not None:
            self.far.transport.abort()
        if self.near.transport is not None:
            self.near.transport.close()  # what the module has got already stays readable
        if self.near.transport is None and self.far.transport is None and not self._is_over:
            self._is_over = True
            self._on_over(self)
