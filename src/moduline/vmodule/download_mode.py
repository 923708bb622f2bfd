"""The loop between a download port and a download session: bytes in, answers out, events to the module.

The loop knows neither the protocol nor the flash; it reads, hands over, writes, and tells what happened.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from moduline.errors import PortGone
from moduline.port.stream import pump
from moduline.vmodule.download.events import (
    FIRST_LOADERS,
    Connected,
    CutReached,
    DownloadEvent,
    PowerOffWanted,
    ResetWanted,
    StageEntered,
    UnplugReached,
)
from moduline.vmodule.download.session import WireSession
from moduline.vmodule.faults import Faults
from moduline.vmodule.module_options import ModuleEnd
from moduline.vmodule.power import WaitingClock

LeaveReason = ResetWanted | PowerOffWanted | CutReached | UnplugReached | StageEntered


async def serve(
    stream: ModuleEnd,
    session: WireSession,
    faults: Faults,
    report: Callable[[DownloadEvent], None],
    clock: WaitingClock,
) -> LeaveReason | None:
    """Speak the protocol until something ends it; None when the port vanished.

    A stage that was entered ends it only when the loader is to enumerate anew.

    Raises:
        FlashCut: the power went away at a flash operation.
    """
    talk = _Talk(stream, session, faults, report, clock)
    tasks = [asyncio.ensure_future(one) for one in (talk.converse(), talk.keep_time())]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return talk.left


class _Talk:
    """What arrives, what is answered, what happens by itself, and what ended it.

    Args:
        stream: the port.
        session: the protocol.
        faults: whether bytes travel one by one; it may begin and end while the conversation goes on.
        report: gets the session's events.
        clock: what the session's times are of.
    """

    def __init__(
        self,
        stream: ModuleEnd,
        session: WireSession,
        faults: Faults,
        report: Callable[[DownloadEvent], None],
        clock: WaitingClock,
    ) -> None:
        self._stream = stream
        self._session = session
        self._faults = faults
        self._report = report
        self._clock = clock
        self._unread = b""
        self._owed = b""  # the rest of what was said unasked and found only some room
        self._is_writing = False
        self._is_timed = asyncio.Event()
        self.left: LeaveReason | None = None
        self.last_words = b""

    async def converse(self) -> None:
        """Take and answer until something ends it."""
        with contextlib.suppress(PortGone):
            while self.left is None:
                if not self._faults.is_fragmenting:
                    await pump(self._stream, self._react, self._is_sent)
                else:
                    await self._in_pieces(self._take_unread() or await self._stream.read_some())
            if self.last_words:
                await self._stream.write_all(self.last_words)

    async def keep_time(self) -> None:
        """Wake the session when it wants to be; ends when that ends the conversation."""
        while self.left is None:
            due = self._session.wake_at_s
            if due is None:
                self._is_timed.clear()
                await self._is_timed.wait()
                continue
            await self._clock.sleep(max(0.0, due - self._clock.tick_s()))
            self._say_unasked(self._after(self._session.advance(self._clock.tick_s())))

    def _say_unasked(self, said: bytes) -> None:
        """Send what finds room: a frame goes out whole, if not at once then before anything else, or not at all."""
        if self._is_writing:
            return
        self._owed = self._owed[self._stream.write_if_room(self._owed) :]
        if not self._owed and said:
            taken = self._stream.write_if_room(said)
            self._owed = said[taken:] if taken else b""

    def _react(self, data: bytes) -> bytes | None:
        """The answer to what arrived; None when the conversation is over or has to go on in pieces."""
        if self._faults.is_fragmenting:
            self._unread = data
            return None
        answer = self._answer(data)
        self._is_writing = bool(answer)
        return answer

    def _is_sent(self) -> None:
        self._is_writing = False

    def _take_unread(self) -> bytes:
        """What came in just when the pieces began."""
        unread, self._unread = self._unread, b""
        return unread

    async def _in_pieces(self, data: bytes) -> None:
        """Take and answer byte by byte."""
        for at in range(len(data)):
            answer = self._answer(data[at : at + 1])
            if answer is None:
                return
            self._is_writing = True
            for i in range(len(answer)):
                await self._stream.write_all(answer[i : i + 1])
                await asyncio.sleep(0)
            self._is_writing = False

    def _answer(self, data: bytes) -> bytes | None:
        events = self._session.advance(self._clock.tick_s())
        answer = self._after(events + self._session.receive(data))
        if not self._is_timed.is_set() and self._session.wake_at_s is not None:
            self._is_timed.set()
        if self.left is not None:
            return None
        owed, self._owed = self._owed, b""
        return owed + answer

    def _after(self, events: list[DownloadEvent]) -> bytes:
        """Tell what happened; what is to be sent after it."""
        answer = self._session.bytes_to_send()
        for event in events:
            self._report(event)
            if isinstance(event, CutReached | UnplugReached):
                self.left = event
                break
            if isinstance(event, StageEntered) and event.stage in FIRST_LOADERS and self._faults.is_reenumerating:
                self.left, self.last_words = event, answer
                break
            if isinstance(event, ResetWanted | PowerOffWanted):
                self.left, self.last_words = event, answer
        return answer


class Window:
    """The ROM's patience: over after so many seconds without a CONNECT.

    Args:
        clock: to wait on.
        seconds: length; None for ever.
    """

    def __init__(self, clock: WaitingClock, seconds: float | None) -> None:
        self._clock = clock
        self._seconds = seconds
        self._task: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Begin to wait."""
        if self._seconds is not None:
            self._task = asyncio.get_running_loop().create_task(self._clock.sleep(self._seconds))

    def see(self, event: DownloadEvent) -> None:
        """A CONNECT ends the waiting for good."""
        if isinstance(event, Connected):
            self.close()

    def close(self) -> None:
        """Stop waiting."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def over(self) -> None:
        """Return when the time is up; never, when a CONNECT came in time."""
        task = self._task
        if task is not None:
            await asyncio.wait([task])
            if not task.cancelled():
                return
        await asyncio.get_running_loop().create_future()
