"""The device's end of one QuecThing connection, without I/O: bytes in, events out, bytes to send.

::

    CONNECT ─▶ ... CONNACK 0 ─▶ SUBSCRIBE ─▶ ... SUBACK ─▶ online if it has a secret
                                                 0x00B4 with one ─▶ online if it had none

Reports are published with QoS 1, those of an upgrade with QoS 2. A message counts as said when PUBACK or PUBCOMP is
there; until then it is in `unsaid`. What the server sends is checked as MQTT asks; what is no QuecThing message is
acknowledged, counted and dropped, as modules do.

Source: ota-semantics 11.1, 12 (traps 1, 11); MQTT 3.1.1, 3 and 4.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from moduline.errors import BadFormat
from moduline.fleet.exchange import Event, Online, Told, TurnedAway
from moduline.wire.mqtt import packets as mqtt
from moduline.wire.mqtt.decode import Decoder, Need
from moduline.wire.mqtt.encode import encode
from moduline.wire.quecthing import credentials, frame, messages
from moduline.wire.quecthing.credentials import ENCRYPTED_FLAG, PLAIN_FLAG, DeviceName
from moduline.wire.quecthing.messages import Message
from moduline.wire.quecthing.session_key import KEY_BYTES, encrypt, open_frame
from moduline.wire.quecthing.sys_messages import Configuration

PACKET_BYTES: Final = 64 * 1024  # of a packet from the server; more ends the connection
PING_RETRY_S: Final = 5.0
PINGS: Final = 3
LONGEST_DS: Final = 32
MOST_UNFINISHED: Final = 64
_LAST_ID: Final = 0xFFFF


class State(Enum):
    """How far a connection is."""

    CONNECTING = "connecting"
    SUBSCRIBING = "subscribing"
    NEEDS_DS = "needs-ds"
    ONLINE = "online"
    BROKEN = "broken"


class Session:
    """One connection.

    Args:
        name: product and device key.
        ps: product secret.
        ds: device secret; None: password form 0.
        rand: 16 letters or digits.
        keep_alive_s: asked for.
        now: real seconds.
        is_encrypted: a session key is asked for.

    Raises:
        BadOption: the product secret is too short.
    """

    __slots__ = (
        "_client_id",
        "_decoder",
        "_ds",
        "_key",
        "_next_frame",
        "_next_id",
        "_out",
        "_pings",
        "_received",
        "_unanswered",
        "keep_alive_s",
        "next_ping",
        "state",
        "unreadable",
    )

    def __init__(
        self, name: DeviceName, ps: str, ds: str | None, rand: str, keep_alive_s: int, now: float, *, is_encrypted: bool
    ) -> None:
        flag = ENCRYPTED_FLAG if is_encrypted else PLAIN_FLAG
        if ds is None:
            password = credentials.first_password(name, ps, rand, flag)
        else:
            password = credentials.later_password(ds, ps, rand, flag)
        self._client_id = credentials.client_id(name)
        self._ds = ds
        self._key: bytes | None = None
        self._decoder = Decoder(PACKET_BYTES)
        self._out = encode(mqtt.Connect(self._client_id, keep_alive_s, password=password))
        self._unanswered: dict[int, Message] = {}
        self._received: set[int] | None = None
        self._next_id = 1
        self._next_frame = 1
        self._pings = 0
        self.keep_alive_s = keep_alive_s
        self.next_ping = now + self._quiet_s
        self.state = State.CONNECTING
        self.unreadable = 0

    @property
    def unsaid(self) -> tuple[Message, ...]:
        """What was published and not fully acknowledged."""
        return tuple(self._unanswered.values())

    def take(self) -> bytes:
        """What is to be sent; empty if nothing."""
        out, self._out = self._out, b""
        return out

    def receive(self, data: bytes, now: float) -> list[Event]:
        """Takes what the socket gave; afterwards `state` may be BROKEN: hang up."""
        self._pings = 0
        self.next_ping = now + self._quiet_s
        self._decoder.feed(data)
        events: list[Event] = []
        while self.state is not State.BROKEN:
            try:
                packet = self._decoder.next_packet()
            except BadFormat:
                self.state = State.BROKEN
                break
            if isinstance(packet, Need):
                break
            events += self._packet(packet)
        return events

    def say(self, message: Message, packet_id: int | None = None) -> None:
        """Publishes a message; nothing happens unless the session is online."""
        if self.state is not State.ONLINE:
            return
        if packet_id is None:
            packet_id = self._next_frame
            self._next_frame = self._next_frame % frame.LAST_PACKET_ID + 1
        encoded = messages.encode(message, packet_id)
        payload = frame.encode(encoded)
        if self._key is not None:
            payload = encrypt(self._key, payload)
        topic = messages.topic_of(encoded.command)
        number = self._free_id()
        self._unanswered[number] = message
        name = f"q/2/d/{self._client_id}/{topic}"
        self._out += encode(mqtt.Publish(name, payload, 2 if topic == messages.OTA else 1, number))

    def ping(self, now: float) -> None:
        """Asks whether the server is there, if it is time to; the third time in vain breaks the session."""
        if now < self.next_ping:
            return
        if self._pings == PINGS:
            self.state = State.BROKEN
            return
        self._pings += 1
        self.next_ping = now + PING_RETRY_S
        if self.state in {State.ONLINE, State.NEEDS_DS}:
            self._out += encode(mqtt.PingReq())

    # -- inside

    @property
    def _quiet_s(self) -> float:
        return max(1.0, (self.keep_alive_s - 20) / 2)

    def _free_id(self) -> int:
        while self._next_id in self._unanswered:
            self._next_id = self._next_id % _LAST_ID + 1
        number = self._next_id
        self._next_id = number % _LAST_ID + 1
        return number

    def _packet(self, packet: mqtt.Packet) -> list[Event]:
        match packet:
            case mqtt.ConnAck(code) if self.state is State.CONNECTING:
                if code is not mqtt.ConnectCode.ACCEPTED:
                    self.state = State.BROKEN
                    return [TurnedAway(int(code))]
                self.state = State.SUBSCRIBING
                self._out += encode(mqtt.Subscribe(self._free_id(), ((f"q/1/d/{self._client_id}/+", 1),)))
                return []
            case mqtt.SubAck(_, codes) if self.state is State.SUBSCRIBING:
                if codes[0] == mqtt.SUBSCRIPTION_FAILED:
                    self.state = State.BROKEN
                    return []
                self.state = State.NEEDS_DS if self._ds is None else State.ONLINE
                return [] if self._ds is None else [Online()]
            case mqtt.Publish() if self.state is not State.CONNECTING:
                return self._published(packet)
            case mqtt.PubAck(number) | mqtt.PubComp(number):
                self._unanswered.pop(number, None)
            case mqtt.PubRec(number):
                self._out += encode(mqtt.PubRel(number))
            case mqtt.PubRel(number):
                if self._received is not None:
                    self._received.discard(number)
                self._out += encode(mqtt.PubComp(number))
            case mqtt.PingResp():
                return []
            case _:
                self.state = State.BROKEN
        return []

    def _published(self, packet: mqtt.Publish) -> list[Event]:
        if packet.qos == 1 and packet.packet_id is not None:
            self._out += encode(mqtt.PubAck(packet.packet_id))
        elif packet.packet_id is not None:
            self._out += encode(mqtt.PubRec(packet.packet_id))
            self._received = self._received or set()
            if packet.packet_id in self._received:
                return []
            self._received.add(packet.packet_id)
            if len(self._received) > MOST_UNFINISHED:
                self.state = State.BROKEN
                return []
        if not packet.topic.startswith(f"q/1/d/{self._client_id}/"):
            self.unreadable += 1
            return []
        try:
            opened = open_frame(packet.payload, self._key)
            message = messages.decode(opened)
        except BadFormat:
            self.unreadable += 1
            return []
        told: Event = Told(opened.packet_id, message)
        if isinstance(message, Configuration):
            if message.session_key is not None and len(message.session_key) == KEY_BYTES:
                self._key = message.session_key
            if self.state is State.NEEDS_DS and message.ds and len(message.ds.encode()) <= LONGEST_DS:
                self.state = State.ONLINE
                self._ds = message.ds
                return [Online(message.ds), told]
        return [told]
