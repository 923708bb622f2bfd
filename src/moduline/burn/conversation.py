"""The one loop: reads the port, feeds the session, writes what it wants sent, honours its deadline.

It does not know the chip; the session does not know the port. One timer stands for all deadlines: it is armed again
only when a deadline moves closer or when it fires too early, so a packet costs no timer.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from moduline.burn.session import ChangesRate, Leaves, NvRead, Session, Streams
from moduline.errors import ModulineError, PortGone
from moduline.events import Event, Reporter
from moduline.port.stream import ByteStream, pump, set_baud

LEAVE_LIMIT_S: Final = 1.0
"""How long a module that is let go may take to acknowledge it."""


async def converse(
    session: Session,
    stream: ByteStream,
    report: Reporter,
    store: Callable[[NvRead], Awaitable[bytes | None]],
    reopen: Callable[[], Awaitable[ByteStream]],
) -> None:
    """Run ``session`` over ``stream`` to its end; closes the stream.

    Args:
        session: not started yet.
        stream: the download port, open.
        report: gets the session's events.
        store: makes the module's NV block durable; gives the unit's block to go on with instead, or None.
        reopen: opens the port again after it vanished at a moment when it may.

    Raises:
        PortGone: the port vanished at any other moment.
        PortBusy: the port has not the rate that the module was told.
        ModulineError: whatever the session raises.
    """
    clock = asyncio.get_running_loop().time

    async def tell(events: Sequence[Event | NvRead]) -> None:
        for event in events:
            if isinstance(event, NvRead):
                try:
                    own_nv = await store(event)
                except ModulineError:
                    await _leave(session, stream)
                    raise
                await tell(session.stored(clock(), own_nv))
            else:
                report(event)

    rate = 0
    try:
        await tell(session.start(clock()))
        while not session.is_over:
            try:
                await tell(await _until_late(session, stream, report))
            except TimeoutError:
                if isinstance(session, ChangesRate) and session.line_rate != rate:
                    rate = session.line_rate
                    await set_baud(stream, rate)
                await tell(session.wake(clock()))
            except PortGone:
                if not session.may_lose_port:
                    raise
                await tell(session.gone(clock()))
                if not session.is_over:
                    await stream.close()
                    stream = await reopen()
    finally:
        await stream.close()


async def _leave(session: Session, stream: ByteStream) -> None:
    """Let a module go that is not burnt after all, as far as it can be."""
    if isinstance(session, Leaves):
        with contextlib.suppress(PortGone, TimeoutError):
            await stream.write_all(session.leave())
            async with asyncio.timeout(LEAVE_LIMIT_S):
                await stream.read_some()


async def _until_late(session: Session, stream: ByteStream, report: Reporter) -> list[Event | NvRead]:
    """Talk until the session is over or an event has to be waited for (given); TimeoutError at its deadline."""
    clock = asyncio.get_running_loop().time
    held: list[Event | NvRead] = []
    async with asyncio.timeout(None) as alarm:
        timer = _Timer(session, alarm)
        feeder = _Feeder(session, stream, report, alarm)

        def react(data: bytes) -> bytes | None:
            for event in session.receive(data, clock()):
                if held or isinstance(event, NvRead):
                    held.append(event)
                else:
                    report(event)
            if held or session.is_over:
                return None
            timer.arm()
            return session.bytes_to_send()

        def idle() -> None:
            session.prepare()
            feeder.begin()

        try:
            timer.arm()
            if data := session.bytes_to_send():
                await stream.write_all(data)
                idle()
            await pump(stream, react, idle)
        finally:
            timer.stop()
            await feeder.end()
    return held


class _Feeder:
    """Hands over content that flows without answers, piece by piece, while the loop goes on listening."""

    def __init__(self, session: Session, stream: ByteStream, report: Reporter, alarm: asyncio.Timeout) -> None:
        self._streaming = session if isinstance(session, Streams) else None
        self._stream = stream
        self._report = report
        self._alarm = alarm
        self._task: asyncio.Task[None] | None = None
        self._failure: PortGone | None = None

    def begin(self) -> None:
        """Feed when there is something to feed and nobody does."""
        if self._streaming is not None and self._streaming.is_streaming and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._feed(self._streaming))

    async def _feed(self, session: Streams) -> None:
        loop = asyncio.get_running_loop()
        try:
            while session.is_streaming:
                data, events = session.more_to_send(loop.time())
                for event in events:
                    if not isinstance(event, NvRead):
                        self._report(event)
                await self._stream.write_all(data)
        except PortGone as gone:
            self._failure = gone
            self._alarm.reschedule(loop.time())

    async def end(self) -> None:
        """Stop feeding.

        Raises:
            PortGone: the port vanished while it was fed.
        """
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        if self._failure is not None:
            raise self._failure


class _Timer:
    """Fires ``alarm`` when the session's deadline has really passed."""

    def __init__(self, session: Session, alarm: asyncio.Timeout) -> None:
        self._session = session
        self._alarm = alarm
        self._loop = asyncio.get_running_loop()
        self._handle: asyncio.TimerHandle | None = None
        self._armed_for = 0.0

    def arm(self) -> None:
        """Make sure that a timer fires no later than the session's deadline."""
        wake_at = self._session.wake_at
        if wake_at is not None and (self._handle is None or wake_at < self._armed_for):
            self.stop()
            self._handle = self._loop.call_at(wake_at, self._fire)
            self._armed_for = wake_at

    def stop(self) -> None:
        """Fire no more."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _fire(self) -> None:
        self._handle = None
        wake_at = self._session.wake_at
        if wake_at is not None and self._loop.time() >= wake_at:
            self._alarm.reschedule(self._loop.time())
        else:
            self.arm()
