"""What gateways and workers say to each other: questions that one answers, and news for one node.

::

    gateway ── ask(UPLINK, ...) ─────────────▶ one worker         answered when it is kept
    worker  ── tell(DOWNLINK, ..., to=node) ─▶ that gateway       it sends it, or has the device no more

``LocalBus`` is the bus of one process; ``nats_bus.NatsBus``, between machines, keeps the same promise: an answer means
that it is kept, and a question may be answered twice; news may be lost (what a device must hear is in its row, and
timers say it again). Why it is no queue that keeps things itself: decision 0027.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

Answers = Callable[[Any], Awaitable[Any]]
Hears = Callable[[Any], Awaitable[None]]

UPLINK: Final = "uplink"
"""Something happened to a device: ``device_link.crossing.Heard``."""
DOWNLINK: Final = "downlink"
"""To be said to devices: a tuple of ``device_link.crossing.Post``."""
DROP: Final = "drop"
"""A connection to be ended: ``device_link.crossing.Drop``."""


@dataclass(frozen=True, slots=True)
class Codec:
    """How the values of a subject become bytes, where they leave the process.

    Args:
        write: value to bytes; raises what cannot be written.
        read: bytes to value; raises ``BadFormat``.
    """

    write: Callable[[Any], bytes]
    read: Callable[[bytes], Any]


class Bus(Protocol):
    """Between gateways and workers."""

    is_local: bool
    """Whether one process is all there is: news need no address."""

    async def start(self) -> None:
        """Connect, with all that answers and listens.

        Raises:
            BusUnreachable: it cannot be reached.
        """

    async def stop(self) -> None:
        """Take no more questions, answer those that were taken, disconnect."""

    def answer(self, subject: str, answers: Answers) -> None:
        """Answer questions of a subject; of several nodes that do, one gets each."""

    def listen(self, subject: str, hears: Hears) -> None:
        """Hear the news of a subject that are for this node."""

    async def ask(self, subject: str, value: object) -> Any:
        """What one of those that answer says; raises what it raises."""

    async def tell(self, subject: str, value: object, to: str) -> None:
        """Tell a node, if it listens."""


class LocalBus:
    """The bus of one process: a call."""

    is_local: bool = True

    def __init__(self) -> None:
        self._answers: dict[str, Answers] = {}
        self._hears: dict[str, list[Hears]] = {}

    async def start(self) -> None:
        """Nothing to connect."""

    async def stop(self) -> None:
        """Nothing to end: who asked is answered by his own call."""

    def answer(self, subject: str, answers: Answers) -> None:
        """Answer questions of a subject."""
        self._answers[subject] = answers

    def listen(self, subject: str, hears: Hears) -> None:
        """Hear all news of a subject."""
        self._hears.setdefault(subject, []).append(hears)

    async def ask(self, subject: str, value: object) -> Any:
        """What the one that answers says."""
        return await self._answers[subject](value)

    async def tell(self, subject: str, value: object, to: str) -> None:
        """Tell everybody who listens, one after the other; there is one node."""
        del to
        for hears in self._hears.get(subject, ()):
            await hears(value)
