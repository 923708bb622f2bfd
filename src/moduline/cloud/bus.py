"""What gateways and workers say to each other: questions that one answers, and news that all hear.

::

    gateway ── ask(UPLINK, ...) ──▶ one worker         answered when it is kept
    worker  ── tell(DOWNLINK, ...) ──▶ every gateway   who has the device sends it, the others do not care

``LocalBus`` is the bus of one process; one between machines keeps the same promise: an answer means that it is kept,
news may be lost (what a device must hear is in its row, and timers say it again).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

Answers = Callable[[Any], Awaitable[Any]]
Hears = Callable[[Any], Awaitable[None]]

UPLINK: Final = "uplink"
"""Something happened to a device: ``device_link.desk.Heard``."""
DOWNLINK: Final = "downlink"
"""To be said to devices: a tuple of ``device_link.desk.Post``."""
DROP: Final = "drop"
"""Connections to be ended: the number of a device."""


class Bus(Protocol):
    """Between gateways and workers."""

    def answer(self, subject: str, answers: Answers) -> None:
        """Answer questions of a subject; of several nodes that do, one gets each."""

    def listen(self, subject: str, hears: Hears) -> None:
        """Hear all news of a subject."""

    async def ask(self, subject: str, value: object) -> Any:
        """What one of those that answer says; raises what it raises."""

    async def tell(self, subject: str, value: object) -> None:
        """Tell everybody who listens."""


class LocalBus:
    """The bus of one process: a call."""

    def __init__(self) -> None:
        self._answers: dict[str, Answers] = {}
        self._hears: dict[str, list[Hears]] = {}

    def answer(self, subject: str, answers: Answers) -> None:
        """Answer questions of a subject."""
        self._answers[subject] = answers

    def listen(self, subject: str, hears: Hears) -> None:
        """Hear all news of a subject."""
        self._hears.setdefault(subject, []).append(hears)

    async def ask(self, subject: str, value: object) -> Any:
        """What the one that answers says."""
        return await self._answers[subject](value)

    async def tell(self, subject: str, value: object) -> None:
        """Tell everybody who listens, one after the other."""
        for hears in self._hears.get(subject, ()):
            await hears(value)
