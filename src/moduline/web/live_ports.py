"""Who is connected, kept up to date once for all pages of the server."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

from moduline.errors import ModulineError
from moduline.port.listing import PortInfo
from moduline.port.watch import Watch

AGAIN_S: Final = 2.0
"""So long after a listing failed, such as for a file of slots that is none, it is tried again."""
NEVER_S: Final = 3600.0


class LivePorts:
    """One watch, begun by the first who asks; use it from the event loop of the server only."""

    def __init__(self) -> None:
        self.ports: tuple[PortInfo, ...] = ()
        self.failure: ModulineError | None = None
        self._task: asyncio.Task[None] | None = None
        self._has_looked = asyncio.Event()
        self._changed = asyncio.Event()
        self._listeners: set[Callable[[], None]] = set()

    async def look(self) -> tuple[PortInfo, ...]:
        """Every port that is connected now."""
        if self._task is None:
            self._task = asyncio.create_task(self._keep())
        await self._has_looked.wait()
        return self.ports

    def on_change(self, tell: Callable[[], None]) -> Callable[[], None]:
        """Have ``tell`` called at every change; gives what ends this."""
        self._listeners.add(tell)
        return lambda: self._listeners.discard(tell)

    async def next_change(self, limit_s: float) -> None:
        """Return at the next change, or after ``limit_s``."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), limit_s)

    async def close(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _keep(self) -> None:
        while True:
            try:
                await self._follow()
            except ModulineError as failure:
                self._take((), failure)
                await asyncio.sleep(AGAIN_S)

    async def _follow(self) -> None:
        async with Watch() as watch:
            while True:
                if watch.ports is not self.ports or self.failure is not None:
                    self._take(watch.ports, None)
                await watch.next_change(NEVER_S)

    def _take(self, ports: tuple[PortInfo, ...], failure: ModulineError | None) -> None:
        self.ports, self.failure = ports, failure
        self._has_looked.set()
        self._changed.set()
        self._changed = asyncio.Event()
        for tell in tuple(self._listeners):
            tell()


_one: list[LivePorts] = []


def live_ports() -> LivePorts:
    """The watch of this server."""
    if not _one:
        _one.append(LivePorts())
    return _one[0]


async def close() -> None:
    """End the watch of this server."""
    while _one:
        await _one.pop().close()
