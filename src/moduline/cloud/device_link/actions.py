"""What a session wants done; the connection that owns the socket does it, in order."""

from __future__ import annotations

from dataclasses import dataclass

from moduline.cloud.device_link.platform import Cause, Contact, Event
from moduline.wire.mqtt.packets import PubAck, PubRec


@dataclass(frozen=True, slots=True)
class Send:
    """Write these bytes."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask the platform, then call `Session.judged`."""

    contact: Contact


@dataclass(frozen=True, slots=True)
class Deliver:
    """Give the event to the platform, then call `Session.kept`; events in their order, one at a time.

    Attributes:
        event: what happened.
        answer: what the device gets when it is kept; None if nothing.
    """

    event: Event
    answer: PubAck | PubRec | None = None


@dataclass(frozen=True, slots=True)
class Close:
    """Write what is left and close."""

    cause: Cause


Action = Send | Ask | Deliver | Close
