"""What the loop knows of a driver: a session that is given bytes and the time, and the one thing it waits for.

Everything a session raises is an error of the tree; after that it is over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from moduline.events import Event


@dataclass(frozen=True, slots=True)
class NvRead:
    """The module's own NV block, raw; it must be stored before ``Session.stored`` lets the burn go on.

    Args:
        block: as read; empty when the module cannot read it.
        imei: the IMEI in it; empty when the block is damaged or holds none.
        is_valid: whether its check value is right, where it has one.
        part: name of the place it was read from; empty for the NV block with the IMEI.
    """

    block: bytes = field(repr=False)
    imei: str
    is_valid: bool
    part: str = ""


class Session(Protocol):
    """One burn of one module; given bytes and the time, it says what to send and when to wake it."""

    @property
    def wake_at(self) -> float | None:
        """When to call ``wake``; None: never."""

    @property
    def is_over(self) -> bool:
        """Whether nothing more will be sent or expected."""

    @property
    def may_lose_port(self) -> bool:
        """Whether the port may vanish now."""

    def start(self, now: float) -> Sequence[Event | NvRead]:
        """Begin."""

    def receive(self, data: bytes, now: float) -> Sequence[Event | NvRead]:
        """Take bytes."""

    def wake(self, now: float) -> Sequence[Event | NvRead]:
        """The time ``wake_at`` has come."""

    def stored(self, now: float, own_nv: bytes | None = None) -> Sequence[Event | NvRead]:
        """What had to be stored is stored; ``own_nv`` is the unit's NV block to go on with instead of the one read."""

    def gone(self, now: float) -> Sequence[Event | NvRead]:
        """The port vanished when it may."""

    def bytes_to_send(self) -> bytes:
        """Bytes for the port."""

    def prepare(self) -> None:
        """Work ahead while the peer works."""


@runtime_checkable
class ChangesRate(Protocol):
    """What a session offers beyond that when it may tell the module another line rate."""

    @property
    def line_rate(self) -> int:
        """The rate the port must have before ``wake`` is called next; 0: as it was opened."""


@runtime_checkable
class Streams(Protocol):
    """What a session offers beyond that when its content flows without an answer to every piece of it."""

    @property
    def is_streaming(self) -> bool:
        """Whether ``more_to_send`` has something now."""

    def more_to_send(self, now: float) -> tuple[bytes, Sequence[Event | NvRead]]:
        """The next piece, the one before being handed over; and what is to be reported."""


@runtime_checkable
class Leaves(Protocol):
    """What a session offers beyond that when a module can be left as it is before anything was changed."""

    def leave(self) -> bytes:
        """What makes the module restart with what it has, instead of waiting in a loader to be re-powered."""
