"""The real-time clock and its alarm: what the module believes the date is, powered or not.

The RTC is the module's ticks plus an offset. Setting it changes the offset. When the module loses its supply or is put
away, its error against true time goes into a file beside its flash file; so a module that is taken out again has the
time it should have. Without a supply on VRTC a
power cut takes time and alarm away.

The alarm rings once. While a script runs it hears of it; a module that has switched itself off switches on, where its
firmware can.

Source: device-api 2.5, 10.6; the vendor's page of ``machine.RTC`` (EC200U and EC600U switch on at the alarm).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from moduline.errors import StorageFailed

LOST_RTC_S: Final = 0.0
"""What the RTC begins with after it lost its supply. Modules differ; 1970 is what an erased counter gives."""


class Ticking(Protocol):
    """The module's clock, as far as its RTC needs it."""

    def tick_s(self) -> float:
        """Module seconds since the clock was made."""

    def now_s(self) -> float:
        """What the RTC says."""

    def true_s(self) -> float:
        """What it should say."""

    def call_later(self, seconds: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
        """Call back when that many module seconds have passed."""


class Rtc:
    """The RTC of one module; outlives its power cycles.

    Args:
        clock: whose ticks it counts.
        error_s: how far it is ahead of true time at first.
        is_kept: VRTC is supplied while the module is not.
    """

    def __init__(self, clock: Ticking, error_s: float, *, is_kept: bool) -> None:
        self._clock = clock
        self._is_kept = is_kept
        self._path: Path | None = None
        self._listeners: list[Callable[[], None]] = []
        self._timer: asyncio.TimerHandle | None = None
        self.offset_s = clock.true_s() + error_s - clock.tick_s()
        self.alarm_s: float | None = None
        self.is_alarm_on = False
        self.on_alarm: Callable[[], None] | None = None  # a running script's ear
        self.wake: Callable[[], None] | None = None  # switches a module on that is off but supplied

    def set_to(self, unix_s: float) -> None:
        """Set the time, as scripts, NITZ and NTP do; whoever listens is told."""
        self.offset_s = unix_s - self._clock.tick_s()
        if self.is_alarm_on:
            self._arm()
        for listener in tuple(self._listeners):
            listener()

    def lose_supply(self) -> None:
        """The module has lost its supply; what VRTC does not keep is gone.

        Raises:
            StorageFailed: the file cannot be written.
        """
        if not self._is_kept:
            self.alarm_s, self.is_alarm_on = None, False
            self._disarm()
            self.set_to(LOST_RTC_S)
        self._save()

    def listen(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Have ``callback`` called after every change of the time; gives what ends that."""
        self._listeners.append(callback)
        return lambda: self._listeners.remove(callback)

    # ---- alarm -----------------------------------------------------------------------------------------------------

    def set_alarm(self, unix_s: float) -> None:
        """Ring at that time of the RTC, when the alarm is on."""
        self.alarm_s = unix_s
        self._arm()

    def enable_alarm(self, *, is_on: bool) -> None:
        """Switch the alarm on or off."""
        self.is_alarm_on = is_on
        self._arm()

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        self._disarm()
        if self.is_alarm_on and self.alarm_s is not None and self.alarm_s > self._clock.now_s():
            self._timer = self._clock.call_later(self.alarm_s - self._clock.now_s(), self._ring)

    def _ring(self) -> None:
        self._timer = None
        self.alarm_s = None
        hears = self.on_alarm or self.wake
        if hears is not None:
            hears()

    # ---- kept ------------------------------------------------------------------------------------------------------

    def keep_in(self, path: Path) -> None:
        """Keep the RTC's error in a file, and take over what stands there.

        Raises:
            StorageFailed: the file cannot be read or written.
        """
        self._path = path
        try:
            error_s = float(json.loads(path.read_text(encoding="utf-8"))["error_s"])
        except FileNotFoundError:
            return
        except (ValueError, KeyError, TypeError):
            self._save()  # not ours, or torn: the time of the plan counts
            return
        except OSError as cause:
            raise StorageFailed(path=str(path), reason=cause.strerror or str(cause)) from cause
        self.offset_s = self._clock.true_s() + error_s - self._clock.tick_s()

    def close(self) -> None:
        """The module is put away; an alarm does not ring any more.

        Raises:
            StorageFailed: the file cannot be written.
        """
        self._disarm()
        self._save()

    def _save(self) -> None:
        if self._path is None:
            return
        text = json.dumps({"error_s": self._clock.now_s() - self._clock.true_s()})
        fresh = self._path.with_name(f".{self._path.name}.new")
        try:
            fresh.write_text(text, encoding="utf-8")
            fresh.replace(self._path)
        except OSError as cause:
            raise StorageFailed(path=str(self._path), reason=cause.strerror or str(cause)) from cause
