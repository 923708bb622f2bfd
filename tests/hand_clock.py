"""A module's clock that a test moves by hand: what is due is called in order, at its own time."""

from __future__ import annotations

import heapq
from itertools import count


class HandTimer:
    """A call to come."""

    def __init__(self, callback):
        self.callback = callback
        self.is_cancelled = False

    def cancel(self):
        self.is_cancelled = True


class HandRtc:
    """Remembers what it was set to."""

    def __init__(self, clock):
        self._clock = clock

    def set_to(self, unix_s):
        self._clock.rtc_offset_s = unix_s - self._clock.tick


class HandClock:
    """Stands until ``advance``; begins at ``begin_s`` Unix time."""

    def __init__(self, begin_s=1_700_000_000.0):
        self.tick = 0.0
        self.begin_s = self.rtc_offset_s = begin_s
        self.rtc = HandRtc(self)
        self._due = []
        self._order = count()

    def tick_s(self):
        return self.tick

    def now_s(self):
        return self.rtc_offset_s + self.tick

    def true_s(self):
        return self.begin_s + self.tick

    def call_later(self, seconds, callback):
        timer = HandTimer(callback)
        heapq.heappush(self._due, (self.tick + max(0.0, seconds), next(self._order), timer))
        return timer

    def advance(self, seconds):
        """Move on, calling what is due at its own time; what that makes due is called too."""
        end = self.tick + seconds
        while self._due and self._due[0][0] <= end + 1e-9:
            at, _, timer = heapq.heappop(self._due)
            self.tick = max(self.tick, at)
            if not timer.is_cancelled:
                timer.callback()
        self.tick = end

    @property
    def waiting(self):
        """How many calls are to come."""
        return sum(not timer.is_cancelled for _, _, timer in self._due)
