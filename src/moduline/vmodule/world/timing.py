"""What a script asks about time: its time line, timers, the watchdog, the RTC and its alarm.

Timers run here, not in the interpreter, on the module's clock. What has become due goes to the script in one report,
in the order of due times; when it has run those callbacks it hears of the next. A script that is busy for long finds
at most 64 overdue calls of a timer, as many as the module's callback queue holds; on a clock that runs faster, as many
more. The rest is lost, and the owner of the module is told once.

Due times are counted from a timer's start, never from its last call, so a timer of a minute rings 1440 times a day.

Source: device-api 10.2, 10.3, 10.6; QuecPython/microPython ``machine_timer.c``, ``modostimer.c``, ``machine_wdt.c``.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from moduline.vmodule.interpreter import framing
from moduline.vmodule.interpreter.desk import Answer, DeskContext, Question, fact
from moduline.vmodule.world.clock import ModuleClock

QUEUE_DEPTH: Final = 64
BATCH: Final = 1000
MAX_TIMERS: Final = 256
MAX_PERIOD_MS: Final = 1 << 40
MAX_RTC_S: Final = 1 << 40
WAKE_S: Final = 0.001  # host seconds between two reports at least
BUSY_S: Final = 0.004  # host seconds until a script that is busy is looked at again
MICRO: Final = 1_000_000


@dataclass(slots=True)
class _Timer:
    """A running timer; ``period_s`` 0 for one that rings once."""

    number: int
    due_s: float
    period_s: float


class TimingDesk:
    """Answers for one child.

    Args:
        clock: of the module.
        boot_s: its ticks at power-on, from which ``ticks_ms`` counts.
        context: of the child.
    """

    def __init__(self, clock: ModuleClock, boot_s: float, context: DeskContext) -> None:
        self._clock = clock
        self._boot_s = boot_s
        self._context = context
        self._timers: dict[int, _Timer] = {}
        self._queue: list[tuple[float, int, _Timer]] = []
        self._places = itertools.count()
        self._wake: asyncio.TimerHandle | None = None
        self._last_report = 0  # number of the last one, as ``progress`` counts
        self._has_lost = False
        self._watchdog_s = 0.0
        self._watchdog: asyncio.TimerHandle | None = None
        self._unlisten = clock.rtc.listen(self._rtc_changed)
        clock.rtc.on_alarm = self._alarm

    @property
    def facts(self) -> Mapping[str, object]:
        """The time line in microseconds, as the child computes with it."""
        clock = self._clock
        return {
            "clock": [[round(one.host_s * MICRO), round(one.tick_s * MICRO), one.rate] for one in clock.line],
            "clock_host_us": round(clock.host_s() * MICRO),
            "rtc_offset_us": self._offset_us(),
            "boot_us": round(self._boot_s * MICRO),
        }

    @property
    def questions(self) -> Mapping[str, Question]:
        """See ``desk.Desk``."""
        return {
            "timer_start": self._start,
            "timer_stop": self._stop,
            "timer_again": self._again,
            "watchdog_start": self._watchdog_start,
            "watchdog_feed": self._watchdog_feed,
            "watchdog_stop": self._watchdog_stop,
            "rtc_get": lambda _: (self._offset_us(), b""),
            "rtc_set": self._rtc_set,
            "alarm_set": self._alarm_set,
            "alarm_enable": self._alarm_enable,
        }

    async def close(self) -> None:
        """All timers end with the child; the alarm goes on."""
        self._unlisten()
        if self._clock.rtc.on_alarm == self._alarm:
            self._clock.rtc.on_alarm = None
        self._timers.clear()
        self._queue.clear()
        for handle in (self._wake, self._watchdog):
            if handle is not None:
                handle.cancel()

    # ---- timers ----------------------------------------------------------------------------------------------------

    def _start(self, call: framing.Call) -> Answer:
        number, period_ms = fact(call, "number", int), fact(call, "period_ms", int)
        if number in self._timers or not 1 <= period_ms <= MAX_PERIOD_MS:
            raise framing.BadFrameError("a timer that cannot be")
        if len(self._timers) >= MAX_TIMERS:
            return False, b""
        period_s = period_ms / 1000
        timer = _Timer(number, self._clock.tick_s() + period_s, period_s if fact(call, "is_periodic", bool) else 0.0)
        self._timers[number] = timer
        self._push(timer)
        self._arm()
        return True, b""

    def _stop(self, call: framing.Call) -> Answer:
        timer = self._timers.pop(fact(call, "number", int), None)
        if len(self._queue) > 2 * MAX_TIMERS:  # stopped ones are forgotten when they come due, or now
            self._queue = [entry for entry in self._queue if self._is_running(entry[2])]
            heapq.heapify(self._queue)
        return timer is not None, b""

    def _again(self, call: framing.Call) -> Answer:
        """An interrupt struck a callback; there were others after it."""
        del call
        self._context.report("timer", [])
        return True, b""

    def _push(self, timer: _Timer) -> None:
        heapq.heappush(self._queue, (timer.due_s, next(self._places), timer))

    def _is_running(self, timer: _Timer) -> bool:
        return self._timers.get(timer.number) is timer

    def _arm(self, at_least_s: float = WAKE_S) -> None:
        """Wake when the first timer is due, and not earlier than in so many host seconds."""
        if self._wake is not None:
            self._wake.cancel()
            self._wake = None
        if self._queue:
            delay_s = max(at_least_s, self._clock.host_s_until(self._queue[0][0]))
            self._wake = asyncio.get_running_loop().call_later(delay_s, self._ring)

    def _ring(self) -> None:
        """Tell of what is due, unless the script still has callbacks of the last report to run."""
        self._wake = None
        if self._context.progress()[1] < self._last_report:
            self._arm(BUSY_S)
            return
        due = self._due(self._clock.tick_s())
        if due:
            self._context.report("timer", due)
            self._last_report = self._context.progress()[0]
        self._arm()

    def _due(self, now_s: float) -> list[int]:
        """Numbers of the timers that have come due, one for each time, in order."""
        due: list[int] = []
        while self._queue and self._queue[0][0] <= now_s and len(due) < BATCH:
            timer = heapq.heappop(self._queue)[2]
            if not self._is_running(timer):
                continue
            self._skip_lost(timer, now_s)
            due.append(timer.number)
            if timer.period_s:
                timer.due_s += timer.period_s
                self._push(timer)
            else:
                del self._timers[timer.number]
        return due

    def _skip_lost(self, timer: _Timer, now_s: float) -> None:
        """Lose the calls of a timer that found no room in the module's queue."""
        if not timer.period_s:
            return
        overdue = int((now_s - timer.due_s) / timer.period_s)
        lost = overdue - int(QUEUE_DEPTH * max(1.0, self._clock.plan.speed))
        if lost > 0:
            timer.due_s += lost * timer.period_s
            if not self._has_lost:
                self._has_lost = True
                self._context.notice("virt.callback-lost", count=lost)

    # ---- watchdog --------------------------------------------------------------------------------------------------

    def _watchdog_start(self, call: framing.Call) -> Answer:
        period_s = fact(call, "period_s", int)
        if not 1 <= period_s <= MAX_PERIOD_MS:
            return False, b""
        self._watchdog_s = float(period_s)
        return self._watchdog_feed(call)

    def _watchdog_feed(self, call: framing.Call) -> Answer:
        """Count anew; a watchdog that was stopped stays so."""
        del call
        self._leash()
        if self._watchdog_s:
            self._watchdog = self._clock.call_later(self._watchdog_s, self._bite)
        return True, b""

    def _watchdog_stop(self, call: framing.Call) -> Answer:
        del call
        self._leash()
        self._watchdog_s = 0.0
        return True, b""

    def _leash(self) -> None:
        if self._watchdog is not None:
            self._watchdog.cancel()
            self._watchdog = None

    def _bite(self) -> None:
        self._context.notice("virt.watchdog", period_s=self._watchdog_s)
        self._context.power("watchdog")

    # ---- RTC -------------------------------------------------------------------------------------------------------

    def _offset_us(self) -> int:
        return round(self._clock.rtc.offset_s * MICRO)

    def _rtc_set(self, call: framing.Call) -> Answer:
        unix_s = fact(call, "unix_s", int)
        if not 0 <= unix_s <= MAX_RTC_S:
            return False, b""
        self._clock.rtc.set_to(unix_s)
        return self._offset_us(), b""

    def _alarm_set(self, call: framing.Call) -> Answer:
        unix_s = fact(call, "unix_s", int)
        if not 0 <= unix_s <= MAX_RTC_S:
            return False, b""
        self._clock.rtc.set_alarm(unix_s)
        return True, b""

    def _alarm_enable(self, call: framing.Call) -> Answer:
        self._clock.rtc.enable_alarm(is_on=fact(call, "is_on", bool))
        return True, b""

    def _alarm(self) -> None:
        self._context.report("alarm", None)

    def _rtc_changed(self) -> None:
        self._context.report("rtc", self._offset_us())


def timing_desks(clock: ModuleClock) -> Callable[[DeskContext], TimingDesk]:
    """What makes the desks of one power-on, which is now."""
    boot_s = clock.tick_s()
    return lambda context: TimingDesk(clock, boot_s, context)
