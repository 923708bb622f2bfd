"""Time as an argument: the protocol, the system clock, and nothing else.

Rules and sessions never ask the time; loops at the edge own a Clock and hand ``now`` down.
"""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Where a loop gets its time from."""

    def now_s(self) -> float:
        """Seconds of the Unix epoch."""

    def tick_s(self) -> float:
        """Seconds that never go backwards, of unknown origin."""


class SystemClock:
    """The clock of this computer."""

    def now_s(self) -> float:
        """Seconds of the Unix epoch."""
        return time.time()

    def tick_s(self) -> float:
        """Seconds that never go backwards, of unknown origin."""
        return time.monotonic()
