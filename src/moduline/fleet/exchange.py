"""What a simulated device and its edge say to each other: events go in, actions come out.

Source: ota-semantics 11.1 (the session), 11.6 (downloads), 12 (traps).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from moduline.wire.quecthing.messages import Message


class FetchEnd(Enum):
    """How a download ended."""

    COMPLETE = "complete"
    REFUSED = "refused"  # the answer is no, or none that this client understands
    BROKEN = "broken"  # no connection, or it ended too early
    SILENT = "silent"  # nothing for ten seconds
    BAD_URL = "bad-url"


# -- events


@dataclass(frozen=True, slots=True)
class Due:
    """The time that the device asked for has come."""


@dataclass(frozen=True, slots=True)
class Online:
    """Authenticated, connected and subscribed.

    Attributes:
        ds: the secret that was issued just now; None if the device came with its own.
    """

    ds: str | None = None


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """CONNACK with another code than 0."""

    code: int


@dataclass(frozen=True, slots=True)
class Lost:
    """The connection is gone, or there never was one.

    Attributes:
        unsaid: messages that were not fully acknowledged, in their order.
    """

    unsaid: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """The platform said something.

    Attributes:
        packet_id: of its frame; an answer repeats it.
        message: what it said.
    """

    packet_id: int
    message: Message


@dataclass(frozen=True, slots=True)
class Begun:
    """The first bytes of a download are there."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A download is over.

    Attributes:
        end: how.
        got_bytes: of the body of this piece.
        md5: hex, of all pieces so far.
        sha256: the same.
        crc: CRC-32/MPEG-2, the same.
    """

    end: FetchEnd
    got_bytes: int = 0
    md5: str = ""
    sha256: str = ""
    crc: int = 0


Event = Due | Online | TurnedAway | Lost | Told | Begun | Fetched


# -- actions


@dataclass(frozen=True, slots=True)
class Dial:
    """Connect.

    Attributes:
        ds: the device's secret; None: password form 0.
        nth: how many times it has dialled, for the random part of the password.
    """

    ds: str | None
    nth: int


@dataclass(frozen=True, slots=True)
class HangUp:
    """End connection and download without a word; no `Lost` follows.

    Attributes:
        keeps_download: only the platform's connection ends.
    """

    keeps_download: bool = False


@dataclass(frozen=True, slots=True)
class Say:
    """Publish a message; with QoS 2 if it belongs to an upgrade.

    Attributes:
        message: what.
        packet_id: of the request that it answers; None: the next one.
    """

    message: Message
    packet_id: int | None = None


@dataclass(frozen=True, slots=True)
class Fetch:
    """Download a piece of a file; `Begun` and one `Fetched` follow.

    Attributes:
        url: as the platform sent it.
        first: offset of the first byte.
        last: offset of the last byte.
        has_range: a Range header is sent.
        cut_at: the connection breaks after so many bytes of the body; None: it does not.
        is_continued: digests go on from the piece before.
    """

    url: str
    first: int
    last: int
    has_range: bool = True
    cut_at: int | None = None
    is_continued: bool = False


class Outcome(Enum):
    """How an upgrade ended, as the device sees it."""

    UPGRADED = "upgraded"
    FAILED = "failed"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Ended:
    """An upgrade is over.

    Attributes:
        outcome: how.
        reason: a slug; empty if upgraded.
        component: which.
        target: to which version.
    """

    outcome: Outcome
    reason: str
    component: str
    target: str


Action = Dial | HangUp | Say | Fetch | Ended
