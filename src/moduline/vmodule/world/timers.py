"""Calls to come, by name, on a module's clock: a name is awaited once, and what is no longer wanted is taken back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol


class Timer(Protocol):
    """What a clock gives for a call it will make."""

    def cancel(self) -> None:
        """It is not made."""


class CallingClock(Protocol):
    """A clock that calls back; ``ModuleClock`` is one."""

    def tick_s(self) -> float:
        """Module seconds since the world began."""

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Timer | asyncio.TimerHandle:
        """Call back after that many module seconds."""


class Timers:
    """Named calls to come.

    Args:
        clock: that makes them.
    """

    def __init__(self, clock: CallingClock) -> None:
        self.clock = clock
        self._waiting: dict[str, Timer | asyncio.TimerHandle] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._waiting

    def after(self, name: str, seconds: float, work: Callable[[], None]) -> None:
        """Call ``work`` when so many module seconds have passed; a call of that name that is to come is taken back."""

        def fire() -> None:
            self._waiting.pop(name, None)
            work()

        self.stop(name)
        self._waiting[name] = self.clock.call_later(seconds, fire)

    def stop(self, name: str) -> None:
        """Take that call back, if it is to come."""
        timer = self._waiting.pop(name, None)
        if timer is not None:
            timer.cancel()

    def stop_all(self) -> None:
        """Take all of them back."""
        for name in tuple(self._waiting):
            self.stop(name)
