"""The module's own clock: it may run faster than the host's, and drifts with its temperature.

::

    host's monotonic clock ──time line──▶ ticks of the module ──offset──▶ RTC (``rtc``)
                            pieces of                        set by scripts, NITZ, NTP; kept over power cuts
                            constant rate

The time line is known in advance: the plan says when the crystal has which temperature, and between two such points it
runs at one rate. So the script's interpreter, which sees the same monotonic clock, computes the module's time without
asking (``facts``), and both sides agree to the microsecond. Everything in the world that waits, waits on this clock:
with speed 3600 a day passes in 24 seconds.

The crystal is the usual 32.768 kHz tuning fork: fast by ``drift_ppm`` at 25 °C, slower on both sides of it by a
parabola of -0.034 ppm/K². A temperature holds from its point to the next one; before the first point it is 25 °C.

Source: device-api 2.5, 10.3. The parabola is the one on data sheets of tuning-fork crystals.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from moduline.clock import Clock, SystemClock
from moduline.profiles.schema import Table
from moduline.vmodule.world.rtc import Rtc

MILLION: Final = 1_000_000
TURNOVER_CELSIUS: Final = 25.0
PARABOLA_PPM: Final = -0.034
MAX_SPEED: Final = 100_000
MAX_POINTS: Final = 1000


@dataclass(frozen=True, slots=True)
class Warmth:
    """The crystal has that temperature from then on.

    Attributes:
        at_s: seconds of true time since the module's world began.
        celsius: temperature.
    """

    at_s: float
    celsius: float


@dataclass(frozen=True, slots=True)
class ClockPlan:
    """How the module's clock runs.

    Attributes:
        speed: module seconds per host second; 3600 lets a day pass in 24 seconds.
        drift_ppm: how much its crystal is fast at 25 °C, in parts per million.
        start_s: true time at first, Unix seconds; None for the host's.
        rtc_error_s: how far the RTC is ahead of true time at first.
        is_rtc_kept: VRTC is supplied: the RTC goes on while the module has no power.
        temperatures: of the crystal, in order of time.
    """

    speed: float = 1.0
    drift_ppm: float = 0.0
    start_s: float | None = None
    rtc_error_s: float = 0.0
    is_rtc_kept: bool = True
    temperatures: tuple[Warmth, ...] = ()


def read_clock(table: Table) -> ClockPlan:
    """The plan in a scenario's ``clock`` table.

    Raises:
        BadRecipe: a key is wrong or unknown.
    """
    plan = ClockPlan(
        speed=table.amount("speed", 1.0),
        drift_ppm=table.amount("drift_ppm", 0.0),
        start_s=table.amount("start_s") if table.has("start_s") else None,
        rtc_error_s=table.amount("rtc_error_s", 0.0),
        is_rtc_kept=table.flag("is_rtc_kept", True),
        temperatures=tuple(_read_warmth(one) for one in table.tables("temperatures", [])),
    )
    if not 0 < plan.speed <= MAX_SPEED:
        table.refuse("speed", "above 0, at most {most}", "应大于 0 且不超过 {most}", most=MAX_SPEED)
    if abs(plan.drift_ppm) > MILLION / 2:
        table.refuse("drift_ppm", "at most half a million", "绝对值不超过五十万")
    times = [point.at_s for point in plan.temperatures]
    if times != sorted(set(times)) or len(times) > MAX_POINTS:
        en, zh = "points in order of time, at most {most}", "各点须按时间递增，最多 {most} 个"
        table.refuse("temperatures", en, zh, most=MAX_POINTS)
    table.end()
    return plan


def _read_warmth(table: Table) -> Warmth:
    point = Warmth(table.seconds("at_s"), table.amount("celsius"))
    if point.at_s < 0:
        table.refuse("at_s", "it must not be negative", "不能为负")
    if not -100 <= point.celsius <= 200:
        table.refuse("celsius", "from -100 to 200", "应在 -100 至 200 之间")
    table.end()
    return point


def ppm_at(celsius: float) -> float:
    """How much a tuning fork is fast at a temperature, against 25 °C, in parts per million."""
    return PARABOLA_PPM * (celsius - TURNOVER_CELSIUS) ** 2


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the time line.

    Attributes:
        host_s: where it begins, on the host's monotonic clock.
        tick_s: the module's ticks there.
        rate: module seconds per host second from there on.
    """

    host_s: float
    tick_s: float
    rate: float


class ModuleClock:
    """Time as one module sees it; a ``Clock`` for everything that happens in its world.

    Args:
        plan: how it runs.
        host: the clock of this computer.
    """

    def __init__(self, plan: ClockPlan | None = None, host: Clock | None = None) -> None:
        self.plan = plan or ClockPlan()
        self._host = host or SystemClock()
        self._begin_host_s = self._host.tick_s()
        self._begin_s = self._host.now_s() if self.plan.start_s is None else self.plan.start_s
        self.line = _time_line(self.plan, self._begin_host_s)
        self.rtc = Rtc(self, self.plan.rtc_error_s, is_kept=self.plan.is_rtc_kept)

    @property
    def rate(self) -> float:
        """Module seconds per host second at this moment, drift included."""
        return self._piece(self._host.tick_s()).rate

    def now_s(self) -> float:
        """Seconds of the Unix epoch, as the module's RTC has them."""
        return self.rtc.offset_s + self.tick_s()

    def true_s(self) -> float:
        """Seconds of the Unix epoch, as the network and the rest of the world have them: without the drift."""
        return self._begin_s + (self._host.tick_s() - self._begin_host_s) * self.plan.speed

    def tick_s(self) -> float:
        """Module seconds since this clock was made."""
        host_s = self._host.tick_s()
        piece = self._piece(host_s)
        return piece.tick_s + (host_s - piece.host_s) * piece.rate

    def host_s(self) -> float:
        """The host's monotonic clock, which the interpreter sees too."""
        return self._host.tick_s()

    def host_s_until(self, tick_s: float) -> float:
        """Host seconds from now until the ticks have come so far; 0 when they are past it."""
        piece = self.line[max(0, bisect_right(self.line, tick_s, key=lambda one: one.tick_s) - 1)]
        return max(0.0, piece.host_s + (tick_s - piece.tick_s) / piece.rate - self._host.tick_s())

    def call_later(self, seconds: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
        """Have the event loop call ``callback`` when that many module seconds have passed."""
        delay_s = self.host_s_until(self.tick_s() + max(0.0, seconds))
        return asyncio.get_running_loop().call_later(delay_s, callback)

    def _piece(self, host_s: float) -> Piece:
        return self.line[max(0, bisect_right(self.line, host_s, key=lambda one: one.host_s) - 1)]


def _time_line(plan: ClockPlan, begin_host_s: float) -> tuple[Piece, ...]:
    """The pieces from the beginning on; the last one never ends."""
    points = plan.temperatures
    if not points or points[0].at_s > 0:
        points = (Warmth(0.0, TURNOVER_CELSIUS), *points)
    pieces: list[Piece] = []
    for point in points:
        host_s = begin_host_s + point.at_s / plan.speed
        tick_s = pieces[-1].tick_s + (host_s - pieces[-1].host_s) * pieces[-1].rate if pieces else 0.0
        ppm = plan.drift_ppm + ppm_at(point.celsius)
        pieces.append(Piece(host_s, tick_s, plan.speed * (1 + ppm / MILLION)))
    return tuple(pieces)
