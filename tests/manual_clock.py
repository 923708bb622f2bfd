"""A clock that stands until a test advances it; whoever sleeps on it is woken in order."""

from __future__ import annotations

import asyncio


class ManualClock:
    """Implements Clock and the module's WaitingClock."""

    def __init__(self):
        self.now = 1_700_000_000.0
        self._sleepers = []

    def now_s(self):
        return self.now

    def tick_s(self):
        return self.now

    async def sleep(self, seconds):
        if seconds <= 0:
            return
        future = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.now + seconds, future))
        await future

    def advance(self, seconds):
        """Move on; wakes everyone whose time has come."""
        self.now += seconds
        due = [pair for pair in self._sleepers if pair[0] <= self.now]
        self._sleepers = [pair for pair in self._sleepers if pair[0] > self.now]
        for _, future in sorted(due, key=lambda pair: pair[0]):
            if not future.done():
                future.set_result(None)

    @property
    def next_s(self):
        """Seconds until the next sleeper is due; None when nobody sleeps."""
        live = [at for at, future in self._sleepers if not future.done()]
        return min(live) - self.now if live else None
