"""The one loop: reads the port, feeds the session, writes what it wants sent, honours its deadline.

It does not know the chip; the session does not know the port. One timer stands for all deadlines: it is armed again
only when a deadline moves closer or when it fires too early, so a packet costs no timer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from moduline.burn.session import NvRead, Session
from moduline.errors import PortGone
from moduline.events import Event, Reporter
from moduline.port.stream import ByteStream, pump


async def converse(
    session: Session,
    stream: ByteStream,
    report: Reporter,
    store: Callable[[NvRead], Awaitable[None]],
    reopen: Callable[[], Awaitable[ByteStream]],
) -> None:
    """Run ``session`` over ``stream`` to its end; closes the stream.

    Args:
        session: not started yet.
        stream: the download port, open.
        report: gets the session's events.
        store: makes the module's NV block durable.
        reopen: opens the port again after it vanished at a moment when it may.

    Raises:
        PortGone: the port vanished at any other moment.
        ModulineError: whatever the session raises.
    """
    clock = asyncio.get_running_loop().time

    async def tell(events: Sequence[Event | NvRead]) -> None:
        for event in events:
            if isinstance(event, NvRead):
                await store(event)
                await tell(session.stored(clock()))
            else:
                report(event)

    try:
        await tell(session.start(clock()))
        while not session.is_over:
            try:
                await tell(await _until_late(session, stream, report))
            except TimeoutError:
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


async def _until_late(session: Session, stream: ByteStream, report: Reporter) -> list[Event | NvRead]:
    """Talk until the session is over or an event has to be waited for (given); TimeoutError at its deadline."""
    clock = asyncio.get_running_loop().time
    held: list[Event | NvRead] = []
    async with asyncio.timeout(None) as alarm:
        timer = _Timer(session, alarm)

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

        try:
            timer.arm()
            if data := session.bytes_to_send():
                await stream.write_all(data)
                session.prepare()
            await pump(stream, react, session.prepare)
        finally:
            timer.stop()
    return held


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
