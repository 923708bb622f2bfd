"""What a link to an ASR loader tells the layer above, and what a link of one kind offers.

Source: platform-asr 4.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class LinkUp:
    """The link is open: for the first time, or again."""

    kind: str


@dataclass(frozen=True, slots=True)
class LinkLost:
    """The module greets on an open link: it has started anew; the opening already runs."""


@dataclass(frozen=True, slots=True)
class LinkAnswer:
    """Text of an answer, not yet looked into."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class LinkContent:
    """Content from the module."""

    data: bytes


@dataclass(frozen=True, slots=True)
class LinkText:
    """What the module logs."""

    text: str


LinkEvent = LinkUp | LinkLost | LinkAnswer | LinkContent | LinkText


@dataclass(frozen=True, slots=True)
class Greeted:
    """A greeting that an open carrier does not answer by itself; never leaves this layer."""

    word: bytes


CarrierEvent = LinkEvent | Greeted


class Carrier(Protocol):
    """A link of one kind, from the framed greeting on."""

    kind: str

    @property
    def wake_at(self) -> float | None:
        """When to call ``wake``; None: never."""

    @property
    def is_streaming(self) -> bool:
        """Whether ``more`` has something."""

    @property
    def handed_bytes(self) -> int:
        """How much of the present content has been handed over."""

    def start(self, now: float) -> None:
        """Open the link; the module has greeted."""

    def receive(self, data: bytes, now: float) -> Sequence[CarrierEvent]:
        """Take bytes."""

    def wake(self, now: float) -> bool:
        """The time ``wake_at`` has come; True: the opening failed and begins anew."""

    def send_command(self, payload: bytes, now: float) -> None:
        """Send a command."""

    def send_content(self, content: bytes, now: float) -> None:
        """Begin to send content."""

    def more(self, now: float) -> bytes:
        """The next piece of content as wire bytes; empty when all of it was given."""

    def take_out(self) -> bytes:
        """Bytes for the port, each given once."""
