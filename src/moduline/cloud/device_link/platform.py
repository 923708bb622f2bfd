"""What the gateway and the platform say to each other; the only thing either knows of the other.

::

    gateway ── authenticate(Contact) ──▶ platform          Admitted | Refused | Busy
    gateway ── uplink(Uplink) ─────────▶ platform          returns when it is kept: only then the device gets its PUBACK
    platform ── gateway.send(device, message) ─▶ device    False: not here, not subscribed, or too much is waiting

Events of one connection come one after the other, in the order of the wire: CameOnline, then what was received, then
WentOffline. Events of the old and the new connection of a device may cross; the number of the connection tells them
apart, and a larger one is a later one.

Source: ota-semantics 11.1, 12.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final, Protocol

from moduline.errors import Text
from moduline.wire.quecthing.credentials import Password, RefusalCode
from moduline.wire.quecthing.messages import Message


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody wants to be a device.

    Attributes:
        client_id: ``qd`` + product key + device key; only the platform knows where to cut.
        password: as parsed; to be checked with `check_first` or `check_later`.
        connection: number of the connection; larger is later.
        address: IP address of the peer.
    """

    client_id: str
    password: Password
    connection: int
    address: str


@dataclass(frozen=True, slots=True)
class Admitted:
    """The device may come in.

    Attributes:
        device: its id on the platform.
        ds: device secret to be issued (always with password form 0), or None.
        session_key: 16 bytes, new for each connection, if the device asked for encryption; or None.
    """

    device: int
    ds: str | None = None
    session_key: bytes | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The device may not come in, and is told why.

    Attributes:
        code: BAD_DIGEST with password form 1 is answered by CONNACK 5, and the device forgets its secret. Every other
            code is told by an error notice after SUBACK.
    """

    code: RefusalCode


@dataclass(frozen=True, slots=True)
class Busy:
    """Not now: the connection is closed without a word, which alone makes the device try again soon (trap 1)."""


Verdict = Admitted | Refused | Busy


class Cause(Enum):
    """Why a connection ended."""

    LEFT = "left"
    LOST = "lost"
    SILENT = "silent"
    TAKEN_OVER = "taken-over"
    NO_CONNECT = "no-connect"
    NOT_A_DEVICE = "not-a-device"
    REFUSED = "refused"
    BUSY = "busy"
    BAD_PROTOCOL = "bad-protocol"
    FOREIGN_TOPIC = "foreign-topic"
    FLOODED = "flooded"
    DOES_NOT_READ = "does-not-read"
    FAILED = "failed"
    DROPPED = "dropped"
    STOPPED = "stopped"


CAUSE_TEXTS: Final = {
    Cause.LEFT: Text("the device said good-bye", "设备主动断开"),
    Cause.LOST: Text("the connection broke", "连接中断"),
    Cause.SILENT: Text("nothing was heard for one and a half keep-alive times", "超过 1.5 倍保活时间没有收到数据"),
    Cause.TAKEN_OVER: Text("the device came again on another connection", "设备已在另一连接上重新接入"),
    Cause.NO_CONNECT: Text("no CONNECT came in time", "未按时收到 CONNECT"),
    Cause.NOT_A_DEVICE: Text("no QuecThing device: client id or password", "不是 QuecThing 设备：客户端标识或密码不符"),
    Cause.REFUSED: Text("not let in", "未获准接入"),
    Cause.BUSY: Text("turned away for the moment", "暂时无法接入"),
    Cause.BAD_PROTOCOL: Text("broke the rules of MQTT", "违反 MQTT 协议"),
    Cause.FOREIGN_TOPIC: Text("published to a topic that is not its own", "向不属于自己的主题发布"),
    Cause.FLOODED: Text("left too many QoS 2 messages unfinished", "未完成的 QoS 2 消息过多"),
    Cause.DOES_NOT_READ: Text("does not take what it is sent", "不接收下发的数据"),
    Cause.FAILED: Text("the platform could not keep what it said", "平台未能保存其上报"),
    Cause.DROPPED: Text("ended by the platform", "由平台断开"),
    Cause.STOPPED: Text("the gateway stopped", "网关停止"),
}


@dataclass(frozen=True, slots=True)
class CameOnline:
    """Authenticated, connected and subscribed: from now on the device can be sent to.

    Attributes:
        is_first_contact: password form 0; a device secret was just issued.
        address: IP address of the peer.
    """

    is_first_contact: bool
    address: str


@dataclass(frozen=True, slots=True)
class WentOffline:
    """The connection of a device that had come online has ended."""

    cause: Cause


@dataclass(frozen=True, slots=True)
class Received:
    """The device said something.

    Attributes:
        packet_id: of its frame; an answer repeats it.
        message: what it said.
    """

    packet_id: int
    message: Message


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The device sent what is no message, or none of a device's; it is acknowledged all the same, else it comes again.

    Attributes:
        topic: last level: sys, bus, ota, or at most 32 characters of one that is not known.
        payload: its first 256 bytes.
        reason: what is wrong with it.
    """

    topic: str
    payload: bytes
    reason: Text


@dataclass(frozen=True, slots=True)
class Undelivered:
    """The device did not acknowledge a message, after all retries.

    Attributes:
        message: what was to be said.
    """

    message: Message


Event = CameOnline | WentOffline | Received | Unreadable | Undelivered


@dataclass(frozen=True, slots=True)
class Uplink:
    """Something happened to a device.

    Attributes:
        device: its id on the platform.
        connection: number of the connection.
        at: UTC seconds.
        event: what happened.
    """

    device: int
    connection: int
    at: float
    event: Event


class Platform(Protocol):
    """What stands behind a gateway."""

    async def authenticate(self, contact: Contact) -> Verdict:
        """Whether a device may come in; creates it if the product allows that."""

    async def uplink(self, uplink: Uplink) -> None:
        """Keeps what happened. Whatever it raises ends the connection unacknowledged: the device will say it again."""
