"""The module's own clock: it may run faster than the host's, and drift with its temperature.

Source: device-api 2.5, 10.3.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from moduline.clock import Clock, SystemClock

MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class ClockPlan:
    """How the module's clock runs.

    Attributes:
        speed: module seconds per host second; 3600 lets a day pass in 24 seconds.
        drift_ppm: how much its crystal is fast, in parts per million.
        start_s: Unix time the module believes in at first; None for the host's.
    """

    speed: float = 1.0
    drift_ppm: float = 0.0
    start_s: float | None = None


class ModuleClock:
    """Time as one module sees it; a ``Clock`` for everything that happens in its world.

    Args:
        plan: how it runs.
        host: the clock of this computer.
    """

    def __init__(self, plan: ClockPlan | None = None, host: Clock | None = None) -> None:
        self.plan = plan or ClockPlan()
        self._host = host or SystemClock()
        self._begin_tick_s = self._host.tick_s()
        self._begin_s = self._host.now_s() if self.plan.start_s is None else self.plan.start_s

    @property
    def rate(self) -> float:
        """Module seconds per host second, drift included."""
        return self.plan.speed * (1 + self.plan.drift_ppm / MILLION)

    def now_s(self) -> float:
        """Seconds of the Unix epoch, as the module's RTC has them."""
        return self._begin_s + self.tick_s()

    def tick_s(self) -> float:
        """Module seconds since this clock was made."""
        return (self._host.tick_s() - self._begin_tick_s) * self.rate

    def call_later(self, seconds: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
        """Have the event loop call ``callback`` when that many module seconds have passed."""
        return asyncio.get_running_loop().call_later(max(0.0, seconds) / self.rate, callback)
