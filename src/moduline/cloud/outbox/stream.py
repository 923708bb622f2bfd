"""The events of a main account as they happen, from any place on: what ``text/event-stream`` is made of.

Who comes back with the place of the last event it has seen gets everything since. What is older than the platform keeps
cannot be had; then the first thing said is ``events.lost``, so that nobody believes to have seen all.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Final

from moduline.cloud.db import Database
from moduline.cloud.outbox import events
from moduline.cloud.outbox.events import Event

LOOK_EVERY_S: Final = 0.5
"""How often is looked for what other nodes have put in order."""
BEAT_S: Final = 15.0
"""So long a stream is silent at most."""
LOST: Final = "events.lost"


class Feed:
    """Streams of one process.

    Args:
        db: of the platform.
        look_every_s: how often each stream looks by itself.
    """

    def __init__(self, db: Database, look_every_s: float = LOOK_EVERY_S) -> None:
        self._db = db
        self._look_every_s = look_every_s
        self._news = asyncio.Event()
        self._is_over = False

    def wake(self) -> None:
        """New events have got their places: every stream looks now."""
        self._news.set()
        self._news = asyncio.Event()

    def end(self) -> None:
        """End every stream, for the process ends."""
        self._is_over = True
        self.wake()

    async def stream(
        self, main_id: int, *, after: int | None = None, kinds: Sequence[str] = ()
    ) -> AsyncIterator[Event]:
        """The events of a main account, in order, for as long as somebody listens and the process lives.

        Args:
            main_id: whose.
            after: place of the last one that was seen; None: from now on.
            kinds: only these; empty: all.
        """
        async with contextlib.aclosing(self.blocks(main_id, after=after, kinds=kinds)) as blocks:
            async for found in blocks:
                for event in found:
                    yield event

    async def blocks(
        self, main_id: int, *, after: int | None = None, kinds: Sequence[str] = (), beat_s: float = BEAT_S
    ) -> AsyncGenerator[tuple[Event, ...], None]:
        """The same in blocks, as they are found; an empty one after ``beat_s`` seconds without any."""
        last = await self._db.read_soon(events.last_place)
        place = last if after is None else after
        first = await self._db.read_soon(events.first_place)
        if after is not None and after < first - 1:
            place = first - 1
            yield (Event(place, main_id, 0.0, LOST, {"after": after, "first": first}),)
        loop = asyncio.get_running_loop()
        beat_at = loop.time() + beat_s
        while not self._is_over:
            news = self._news
            found = await self._db.read_soon(events.page, main_id, after=place, kinds=kinds)
            if found:
                place = found[-1].seq
            if found or loop.time() >= beat_at:
                beat_at = loop.time() + beat_s
                yield found
            if not found:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(news.wait(), min(self._look_every_s, beat_s))
