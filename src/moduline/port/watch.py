"""Ports arriving, leaving and coming back, for real and virtual modules alike.

A watch polls: the registry of virtual modules every 50 ms by file times (a listing only when something changed), the
ports of this computer every 0.5 s in a thread. Everyone who waits for a port asks the same watch, so a gang of sixteen
costs what one module costs.

A *place* (USB location) is present while it has any port. ``arrivals(place)`` counts how often a port set appeared
there, so "was this module re-powered since?" is a comparison of two numbers.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Self, TypeVar

from moduline.port import registry
from moduline.port.listing import PortInfo, real_ports, virtual_ports

VIRTUAL_POLL_S = 0.05
REAL_POLL_S = 0.5
ALIVE_EVERY = 10
"""Every so many polls the registry is read even when no file changed: a killed rack changes none."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class PortChange:
    """A port arrived or left; ``kind`` is "arrived" or "left"."""

    kind: Literal["arrived", "left"]
    port: PortInfo


def _identity(port: PortInfo) -> PortInfo:
    """What makes a port the same one: a virtual module's state may change while its ports stay."""
    return replace(port, state="", model="", imei="")


class Watch:
    """Who is connected, kept up to date; use as ``async with Watch() as watch``.

    Args:
        rack: look at this rack only; None: at everything.
        has_real: whether ports of this computer are looked at, too.
    """

    def __init__(self, rack: str | None = None, *, has_real: bool = True) -> None:
        self._rack = rack
        self._has_real = has_real
        self._virtual: list[PortInfo] = []
        self._real: list[PortInfo] = []
        self._stamp: object = None
        self._polls = 0
        self._now: tuple[PortInfo, ...] = ()
        self._arrivals: Counter[str] = Counter()
        self._listeners: set[asyncio.Queue[PortChange]] = set()
        self._changed = asyncio.Condition()
        self._tasks: list[asyncio.Task[None]] = []
        self._failure: BaseException | None = None

    async def __aenter__(self) -> Self:
        await self._poll_virtual()
        if self._has_real:
            await self._poll_real()
        self._tasks.append(asyncio.create_task(self._repeat(self._poll_virtual, VIRTUAL_POLL_S)))
        if self._has_real:
            self._tasks.append(asyncio.create_task(self._repeat(self._poll_real, REAL_POLL_S)))
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def ports(self) -> tuple[PortInfo, ...]:
        """Every port that is connected now."""
        return self._now

    def at_place(self, place: str) -> tuple[PortInfo, ...]:
        """The ports at a place now; empty while the module is off or restarting."""
        return tuple(port for port in self._now if port.place == place)

    def arrivals(self, place: str) -> int:
        """How often a place went from empty to present since the watch began; the first sight counts."""
        return self._arrivals[place]

    async def wait_for(self, place: str, roles: Sequence[str], limit_s: float) -> PortInfo | None:
        """The first port of one of ``roles`` at ``place``, as soon as it is there; None after ``limit_s``."""

        def found() -> PortInfo | None:
            here = self.at_place(place)
            return next((port for role in roles for port in here if port.role == role), None)

        return await self._wait(found, limit_s)

    async def wait_gone(self, place: str, role: str, limit_s: float) -> bool:
        """Whether the port of ``role`` left ``place`` within ``limit_s``."""
        return (
            await self._wait(lambda: all(port.role != role for port in self.at_place(place)) or None, limit_s) or False
        )

    async def changes(self) -> AsyncIterator[PortChange]:
        """Every port that is there now as arrived, then every change, for ever."""
        queue: asyncio.Queue[PortChange] = asyncio.Queue()
        for port in self._now:
            queue.put_nowait(PortChange("arrived", port))
        self._listeners.add(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self._listeners.discard(queue)

    async def next_change(self, limit_s: float) -> None:
        """Return at the next change, or after ``limit_s``."""
        before = self._now
        await self._wait(lambda: True if self._now is not before else None, limit_s)

    async def _wait(self, ask: Callable[[], _T | None], limit_s: float) -> _T | None:
        try:
            async with asyncio.timeout(limit_s), self._changed:
                while (answer := ask()) is None:
                    await self._changed.wait()
                    if self._failure is not None:
                        raise self._failure
                return answer
        except TimeoutError:
            return None

    async def _repeat(self, poll: Callable[[], object], every_s: float) -> None:
        try:
            while True:
                await asyncio.sleep(every_s)
                await poll()  # type: ignore[misc]
        except asyncio.CancelledError:
            raise
        except BaseException as failure:
            async with self._changed:
                self._failure = failure
                self._changed.notify_all()
            raise

    async def _poll_virtual(self) -> None:
        stamp = registry.tree_stamp()
        self._polls += 1
        if stamp != self._stamp or self._polls % ALIVE_EVERY == 0:
            self._stamp = stamp
            virtual = virtual_ports(self._rack)
            if virtual != self._virtual:
                self._virtual = virtual
                await self._take()

    async def _poll_real(self) -> None:
        real = [port for port in await asyncio.to_thread(real_ports) if self._rack in {None, port.rack}]
        if real != self._real:
            self._real = real
            await self._take()

    async def _take(self) -> None:
        """Compare what is there with what was, tell everyone."""
        before = {_identity(port): port for port in self._now}
        now = tuple(self._virtual + self._real)
        after = {_identity(port): port for port in now}
        old_places = {port.place for port in self._now}
        for place in {port.place for port in now} - old_places:
            self._arrivals[place] += 1
        async with self._changed:
            self._now = now
            for identity, port in before.items():
                if identity not in after:
                    self._tell(PortChange("left", port))
            for identity, port in after.items():
                if identity not in before:
                    self._tell(PortChange("arrived", port))
            self._changed.notify_all()

    def _tell(self, change: PortChange) -> None:
        for queue in self._listeners:
            queue.put_nowait(change)
