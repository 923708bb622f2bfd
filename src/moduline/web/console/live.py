"""Pages that are told: one reader of the platform's event stream per account, shared by all pages that look.

::

    platform ──text/event-stream──▶ reader of the account ──▶ page: "something happened"  ─┐
                                                              page's own slow clock       ─┴▶ look again, at most 1/s

A page never asks row by row. When the stream breaks off, the reader comes back with the last event it has seen, and
every page looks once, for nobody knows what it missed. Without pages there is no reader.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

from nicegui import background_tasks, ui

from moduline.errors import ModulineError, TokenRefused
from moduline.web.platform_api import PlatformApi
from moduline.web.viewer import viewer

TURN_S: Final = 0.5
"""How often a page sees whether it was told; asks nobody."""
REST_S: Final = 1.0
"""So long a page rests between two looks, however much happens."""
SLOW_S: Final = 10.0
"""So long a page waits for being told before it looks by itself."""
AGAIN_S: Final = 2.0
MOST_LINE: Final = 1 << 20
GAP: Final = "live.gap"
"""Kind of what a page is told when events may have been missed."""
Event = dict[str, Any]
Listener = Callable[[Event], None]


class EventLines:
    """Reads ``text/event-stream``, however it is cut into pieces.

    Source: WHATWG HTML, Server-sent events, 9.2.6.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[str] = []

    def feed(self, piece: bytes) -> list[Event]:
        """The events that a piece completes; what is no JSON object is passed over."""
        *lines, self._rest = (self._rest + piece).replace(b"\r\n", b"\n").split(b"\n")
        if len(self._rest) > MOST_LINE:
            self._rest = b""
        found = []
        for line in lines:
            if line.startswith(b"data:"):
                self._data.append(line[5:].removeprefix(b" ").decode("utf-8", "replace"))
            elif not line and self._data:
                event = _read("\n".join(self._data))
                self._data = []
                if event is not None:
                    found.append(event)
        return found


def _read(data: str) -> Event | None:
    try:
        event = json.loads(data)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


@dataclass(slots=True)
class Reader:
    """Reads the stream of an account for as long as somebody listens.

    Args:
        account: number of the account.
        last: place of the last event that was seen; None: none yet.
    """

    account: int
    last: int | None = None
    _listeners: dict[int, tuple[str, Listener]] = field(default_factory=dict)
    _next: int = 0
    _is_reading: bool = False

    def listen(self, token: str, tell: Listener) -> Callable[[], None]:
        """Tell somebody of every event from now on; what is given back ends it.

        Args:
            token: of their session.
            tell: is called at once and must not wait.
        """
        number, self._next = self._next, self._next + 1
        self._listeners[number] = (token, tell)
        if not self._is_reading:
            self._is_reading = True
            background_tasks.create(self._read(), name=f"events of account {self.account}")
        return lambda: self._forget(number)

    def _forget(self, number: int) -> None:
        self._listeners.pop(number, None)

    async def _read(self) -> None:
        try:
            while self._listeners:
                token = next(reversed(self._listeners.values()))[0]
                try:
                    await self._follow(token)
                except TokenRefused:
                    refused = [number for number, one in self._listeners.items() if one[0] == token]
                    for number in refused:  # their pages find out for themselves, and leave
                        self._forget(number)
                    continue
                except ModulineError:
                    self._tell({"event": GAP})
                await asyncio.sleep(AGAIN_S)
        finally:
            self._is_reading = False

    async def _follow(self, token: str) -> None:
        """Read until the stream ends or nobody listens."""
        lines = EventLines()
        if self.last is not None:
            self._tell({"event": GAP})
        async for piece in PlatformApi(token).fetch("/v1/events/stream", after=self.last):
            for event in lines.feed(piece):
                if isinstance(event.get("id"), int):
                    self.last = event["id"]
                self._tell(event)
            if not self._listeners:
                return

    def _tell(self, event: Event) -> None:
        for _, tell in list(self._listeners.values()):
            tell(event)


_readers: dict[int, Reader] = {}


def follow(look: Callable[[], Awaitable[object]], concerns: Callable[[Event], bool], *, slow_s: float = SLOW_S) -> None:
    """Have the page that is being built look again when something happened that it shows, and now and then besides.

    Args:
        look: asks the platform and shows what there is; the first look is the page's own.
        concerns: whether an event may change what the page shows.
        slow_s: so long it waits at most.
    """
    seen = viewer()
    loop = asyncio.get_running_loop()
    is_told = False
    looked_at = loop.time()

    def tell(event: Event) -> None:
        nonlocal is_told
        is_told = is_told or event["event"] == GAP or concerns(event)

    async def turn() -> None:
        nonlocal is_told, looked_at
        waited = loop.time() - looked_at
        if not (waited >= slow_s or (is_told and waited >= REST_S)):
            return
        is_told = False
        try:
            await look()
        except ModulineError:
            is_told = True  # the platform is away for a moment: what is shown stays, and the next turn asks again
        looked_at = loop.time()

    reader = _readers.setdefault(seen.account, Reader(seen.account))
    ui.context.client.on_delete(reader.listen(seen.token, tell))
    ui.timer(TURN_S, turn)
