"""One timer for the whole fleet: whoever wants to be woken stands in a heap, once.

An item that is put while it stands earlier stays there: it is woken early, looks, and is put again. So what moves a
deadline at every packet costs nothing.
"""

from __future__ import annotations

import heapq
from math import inf
from typing import Protocol


class Sleeper(Protocol):
    """What can be woken."""

    alarm: float  # when it will be; infinite if it will not. Of `Alarms` alone.

    def wake(self, now: float) -> None:
        """The time has come, or is near."""


class Alarms:
    """Sleepers by the time at which they are to be woken, seconds of one clock."""

    __slots__ = ("_heap", "_order")

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Sleeper]] = []
        self._order = 0

    def put(self, sleeper: Sleeper, due: float) -> None:
        """Has ``sleeper`` woken when ``due`` has come."""
        if due < sleeper.alarm:
            sleeper.alarm = due
            self._order += 1
            heapq.heappush(self._heap, (due, self._order, sleeper))

    def turn(self, now: float) -> None:
        """Wakes all whose time has come, earliest first; those put meanwhile wait for the next turn."""
        due: list[tuple[float, Sleeper]] = []
        while self._heap and self._heap[0][0] <= now:
            at, _, sleeper = heapq.heappop(self._heap)
            due.append((at, sleeper))
        for at, sleeper in due:
            if sleeper.alarm == at:  # not put to an earlier time since
                sleeper.alarm = inf
                sleeper.wake(now)
