"""The loop between a download port and a download session: bytes in, answers out, events to the module.

The loop knows neither the protocol nor the flash; it reads, hands over, writes, and tells what happened.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

from moduline.errors import PortGone
from moduline.port.stream import ByteStream, pump
from moduline.vmodule.download.events import (
    Connected,
    CutReached,
    DownloadEvent,
    PowerOffWanted,
    ResetWanted,
    StageEntered,
    UnplugReached,
)
from moduline.vmodule.download.unisoc import DownloadSession
from moduline.vmodule.faults import Faults
from moduline.vmodule.power import WaitingClock

MODELLED_WIRES: Final = ("pdl",)
"""Protocols of ROMs that ``DownloadSession`` speaks."""

LeaveReason = ResetWanted | PowerOffWanted | CutReached | UnplugReached | StageEntered


async def serve(
    stream: ByteStream, session: DownloadSession, faults: Faults, report: Callable[[DownloadEvent], None]
) -> LeaveReason | None:
    """Speak the protocol until something ends it; None when the port vanished.

    A stage that was entered ends it only when the loader is to enumerate anew.

    Raises:
        FlashCut: the power went away at a flash operation.
    """
    talk = _Talk(session, faults, report)
    with contextlib.suppress(PortGone):
        while talk.left is None:
            if not faults.is_fragmenting:
                await pump(stream, talk.react)
            else:
                await talk.in_pieces(stream, talk.take_unread() or await stream.read_some())
        if talk.last_words:
            await stream.write_all(talk.last_words)
    return talk.left


async def listen_only(stream: ByteStream) -> None:
    """Take what arrives and answer nothing, until the port vanishes."""
    with contextlib.suppress(PortGone):
        while True:
            await stream.read_some()


class _Talk:
    """What arrives, what is answered, and what ended it.

    Args:
        session: the protocol.
        faults: whether bytes travel one by one; it may begin and end while the conversation goes on.
        report: gets the session's events.
    """

    def __init__(self, session: DownloadSession, faults: Faults, report: Callable[[DownloadEvent], None]) -> None:
        self._session = session
        self._faults = faults
        self._report = report
        self._unread = b""
        self.left: LeaveReason | None = None
        self.last_words = b""

    def react(self, data: bytes) -> bytes | None:
        """The answer to what arrived; None when the conversation is over or has to go on in pieces."""
        if self._faults.is_fragmenting:
            self._unread = data
            return None
        return self._answer(data)

    def take_unread(self) -> bytes:
        """What came in just when the pieces began."""
        unread, self._unread = self._unread, b""
        return unread

    async def in_pieces(self, stream: ByteStream, data: bytes) -> None:
        """Take and answer byte by byte."""
        for at in range(len(data)):
            answer = self._answer(data[at : at + 1])
            if answer is None:
                return
            for i in range(len(answer)):
                await stream.write_all(answer[i : i + 1])
                await asyncio.sleep(0)

    def _answer(self, data: bytes) -> bytes | None:
        events = self._session.receive(data)
        answer = self._session.bytes_to_send()
        for event in events:
            self._report(event)
            if isinstance(event, CutReached | UnplugReached):
                self.left = event
                return None
            if isinstance(event, StageEntered) and event.stage == "fdl1" and self._faults.is_reenumerating:
                self.left = event
                return None
            if isinstance(event, ResetWanted | PowerOffWanted):
                self.left, self.last_words = event, answer
        return answer if self.left is None else None


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
