"""MQTT 3.1.1 control packets as values.

::

    byte 1        type (bits 7..4), flags (bits 3..0)
    bytes 2..5    remaining length, 7 bits per byte, least significant first, bit 7 = another byte follows
    then          variable header, payload

One class per packet type. A packet that another version of the protocol begins (CONNECT with a level other than 4) is
a value too, `ForeignConnect`: whoever answers must say "unacceptable protocol version" rather than drop it as garbage.

Source: MQTT Version 3.1.1, OASIS Standard of 29 October 2014, chapters 2 and 3; ota-semantics 11.1 (a password
without a user name, which the standard forbids and every module of this family sends).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

PROTOCOL_NAME: Final = "MQTT"
PROTOCOL_LEVEL: Final = 4  # 3.1.1

CONNECT: Final = 1
CONNACK: Final = 2
PUBLISH: Final = 3
PUBACK: Final = 4
PUBREC: Final = 5
PUBREL: Final = 6
PUBCOMP: Final = 7
SUBSCRIBE: Final = 8
SUBACK: Final = 9
UNSUBSCRIBE: Final = 10
UNSUBACK: Final = 11
PINGREQ: Final = 12
PINGRESP: Final = 13
DISCONNECT: Final = 14

SUBSCRIPTION_FAILED: Final = 0x80  # code of a filter in SUBACK
LONGEST_REMAINING_BYTES: Final = 268_435_455


class ConnectCode(IntEnum):
    """What a CONNACK says."""

    ACCEPTED = 0
    BAD_PROTOCOL = 1
    BAD_IDENTIFIER = 2
    UNAVAILABLE = 3
    BAD_CREDENTIALS = 4
    NOT_AUTHORISED = 5


@dataclass(frozen=True, slots=True)
class Will:
    """What the server is to publish when the connection breaks.

    Attributes:
        topic: where to.
        message: the payload.
        qos: 0, 1 or 2.
        is_retained: whether the message is kept for later subscribers.
    """

    topic: str
    message: bytes
    qos: int = 0
    is_retained: bool = False


@dataclass(frozen=True, slots=True)
class Connect:
    """First packet of a client.

    Attributes:
        client_id: may be empty.
        keep_alive_s: the client sends something at least this often; 0 = never.
        is_clean: no state of an earlier session is wanted.
        user_name: None if not sent.
        password: None if not sent. A password without a user name is read and written: modules send it.
        will: None if not sent.
    """

    client_id: str
    keep_alive_s: int = 0
    is_clean: bool = True
    user_name: str | None = None
    password: bytes | None = None
    will: Will | None = None


@dataclass(frozen=True, slots=True)
class ForeignConnect:
    """A CONNECT of another version of the protocol; what follows its level is not read.

    Attributes:
        protocol: the name, such as ``MQTT`` or ``MQIsdp``.
        level: 3 = MQTT 3.1, 5 = MQTT 5.
        rest: the bytes behind the level, unread.
    """

    protocol: str
    level: int
    rest: bytes = b""


@dataclass(frozen=True, slots=True)
class ConnAck:
    """The server's answer to CONNECT.

    Attributes:
        code: a `ConnectCode`; 6..255 are reserved and not accepted.
        is_session_present: the server kept state of an earlier session.
    """

    code: ConnectCode
    is_session_present: bool = False


@dataclass(frozen=True, slots=True)
class Publish:
    """One message.

    Attributes:
        topic: without wildcards, not empty.
        payload: any bytes.
        qos: 0, 1 or 2.
        packet_id: 1..65535 with QoS 1 and 2, None with QoS 0.
        is_duplicate: sent before, unanswered.
        is_retained: to be kept for later subscribers.
    """

    topic: str
    payload: bytes
    qos: int = 0
    packet_id: int | None = None
    is_duplicate: bool = False
    is_retained: bool = False


@dataclass(frozen=True, slots=True)
class PubAck:
    """Answer to a QoS 1 message."""

    packet_id: int


@dataclass(frozen=True, slots=True)
class PubRec:
    """First answer to a QoS 2 message: received."""

    packet_id: int


@dataclass(frozen=True, slots=True)
class PubRel:
    """Answer to PUBREC: the sender has forgotten the message, the packet id is about to become free."""

    packet_id: int


@dataclass(frozen=True, slots=True)
class PubComp:
    """Last answer of a QoS 2 message."""

    packet_id: int


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Topics a client wants.

    Attributes:
        packet_id: 1..65535.
        filters: at least one (topic filter, highest QoS wanted).
    """

    packet_id: int
    filters: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class SubAck:
    """Answer to SUBSCRIBE.

    Attributes:
        packet_id: of the SUBSCRIBE.
        codes: one per filter in its order: granted QoS 0..2, or `SUBSCRIPTION_FAILED`.
    """

    packet_id: int
    codes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """Topics a client no longer wants; at least one filter."""

    packet_id: int
    filters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UnsubAck:
    """Answer to UNSUBSCRIBE."""

    packet_id: int


@dataclass(frozen=True, slots=True)
class PingReq:
    """The client is alive."""


@dataclass(frozen=True, slots=True)
class PingResp:
    """Answer to PINGREQ."""


@dataclass(frozen=True, slots=True)
class Disconnect:
    """Last packet of a client that leaves on purpose."""


Packet = (
    Connect
    | ForeignConnect
    | ConnAck
    | Publish
    | PubAck
    | PubRec
    | PubRel
    | PubComp
    | Subscribe
    | SubAck
    | Unsubscribe
    | UnsubAck
    | PingReq
    | PingResp
    | Disconnect
)
