"""The loop between a download port and a download session: bytes in, answers out, events to the module.

The loop knows neither the protocol nor the flash; it reads, hands over, writes, and tells what happened.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from moduline.errors import PortGone
from moduline.port.stream import ByteStream
from moduline.vmodule.download.events import (
    Connected,
    CutReached,
    DownloadEvent,
    PowerOffWanted,
    ResetWanted,
    UnplugReached,
)
from moduline.vmodule.download.unisoc import DownloadSession
from moduline.vmodule.faults import Faults
from moduline.vmodule.power import WaitingClock

LeaveReason = ResetWanted | PowerOffWanted | CutReached | UnplugReached


async def serve(
    stream: ByteStream, session: DownloadSession, faults: Faults, report: Callable[[DownloadEvent], None]
) -> LeaveReason | None:
    """Speak the protocol until something ends it; None when the port vanished.

    Raises:
        FlashCut: the power went away at a flash operation.
    """
    with contextlib.suppress(PortGone):
        while True:
            data = await stream.read_some()
            pieces = [data] if not faults.is_fragmenting else [data[i : i + 1] for i in range(len(data))]
            for piece in pieces:
                events = session.receive(piece)
                answer = session.bytes_to_send()
                for event in events:
                    report(event)
                    if isinstance(event, CutReached | UnplugReached):
                        return event
                if answer:
                    await _send(stream, answer, is_fragmenting=faults.is_fragmenting)
                for event in events:
                    if isinstance(event, ResetWanted | PowerOffWanted):
                        return event
    return None


async def _send(stream: ByteStream, answer: bytes, *, is_fragmenting: bool) -> None:
    if not is_fragmenting:
        await stream.write_all(answer)
        return
    for i in range(len(answer)):
        await stream.write_all(answer[i : i + 1])
        await asyncio.sleep(0)


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
