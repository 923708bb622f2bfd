"""One QuecThing session without I/O: bytes and verdicts in, actions and a deadline out.

::

    AWAITED ── CONNECT ──▶ ASKING ── Admitted ──▶ ADMITTED ── SUBSCRIBE ──▶ READY
       │                     │ └──── Refused ───▶ TURNED_AWAY ── SUBSCRIBE: SUBACK, 0x00A3
       └──────── anything wrong, silence, DISCONNECT, Busy ──▶ CLOSED

Which packet may come in which state is `_ALLOWED`; what is not listed ends the connection. While the platform judges,
and while it has not kept what it was given, nothing further is read (`is_resting`), so a CONNECT and a SUBSCRIBE in one
segment are answered in their order and no device can fill memory. The same brake holds a device that sends too fast.

What real devices need (ota-semantics 12): a wrong secret is CONNACK 5, which makes the device forget it; nothing else
is ever answered by 2..5, for that would wipe good secrets (only an application, which has none, also gets 5). Errors
of the first contact are told after SUBACK by 0x00A3. The device counts as online when it is subscribed and, if one was
due, its secret or session key is on the way. Whatever it published is acknowledged once the platform has it, readable
or not.

Seconds are those of one clock that never goes back, given by the caller.

Source: ota-semantics 11.1, 12; MQTT 3.1.1, 3 and 4.
"""

from __future__ import annotations

from enum import Enum
from functools import lru_cache
from typing import Final

from moduline.cloud.device_link.actions import Action, Ask, Close, Deliver, Send
from moduline.cloud.device_link.limits import SessionLimits
from moduline.cloud.device_link.outbox import Outbox
from moduline.cloud.device_link.platform import (
    Admitted,
    Busy,
    CameOnline,
    Cause,
    Contact,
    Event,
    Received,
    Refused,
    Undelivered,
    Unreadable,
    Verdict,
)
from moduline.errors import BadFormat, Text
from moduline.wire.mqtt import packets as mqtt
from moduline.wire.mqtt.decode import Decoder, Need
from moduline.wire.mqtt.encode import encode
from moduline.wire.quecthing import frame as frames
from moduline.wire.quecthing import messages, ota_messages, sys_messages
from moduline.wire.quecthing.credentials import (
    APPLICATION_PREFIX,
    DEVICE_PREFIX,
    LONGEST_CLIENT_ID,
    FirstPassword,
    Password,
    RefusalCode,
    parse_password,
)
from moduline.wire.quecthing.messages import Message
from moduline.wire.quecthing.session_key import encrypt, open_frame

_KEPT_PAYLOAD_BYTES: Final = 256
_KEPT_TOPIC: Final = 32  # characters
_UNKNOWN_TOPIC: Final = Text("a topic that is not known", "未知的主题")
_UNSUBSCRIBED: Final = -1
_CONNECT_BEGINS: Final = bytes([mqtt.CONNECT << 4])
_GRACE: Final = 1.5  # of the keep-alive, MQTT 3.1.1, 3.1.2.10
_DEVICE_SAYS: Final = (
    ota_messages.Confirmation,
    ota_messages.Report,
    ota_messages.Request,
    sys_messages.DeviceStatus,
    sys_messages.DeviceInformation,
    sys_messages.DeviceErrorNotice,
    sys_messages.ManagementRequest,
    sys_messages.BindCode,
    messages.Other,
)


class State(Enum):
    """How far a session is."""

    AWAITED = "awaited"
    ASKING = "asking"
    ADMITTED = "admitted"
    READY = "ready"
    TURNED_AWAY = "turned-away"
    CLOSED = "closed"


class _Part(Enum):
    """How far a QoS 2 message of the device is: with the platform; kept and PUBREC said; released before PUBREC."""

    SAID = "said"
    KEPT = "kept"
    RELEASED = "released"


_ONLINE: Final = frozenset(
    {
        mqtt.Publish,
        mqtt.PubAck,
        mqtt.PubRel,
        mqtt.Subscribe,
        mqtt.Unsubscribe,
        mqtt.PingReq,
        mqtt.Disconnect,
    }
)
_ALLOWED: Final[dict[State, frozenset[type]]] = {
    State.AWAITED: frozenset({mqtt.Connect, mqtt.ForeignConnect}),
    State.ASKING: frozenset(),
    State.ADMITTED: _ONLINE,
    State.READY: _ONLINE,
    State.TURNED_AWAY: _ONLINE,
    State.CLOSED: frozenset(),
}


class Session:
    """One connection of a device, from its first byte to its end.

    Args:
        connection: its number, told to the platform.
        address: IP address of the peer, told to the platform.
        limits: sizes, numbers and times.
        now: seconds.
    """

    __slots__ = (
        "_address",
        "_admitted",
        "_client_id",
        "_connection",
        "_credit",
        "_credit_at",
        "_deadline",
        "_decoder",
        "_granted",
        "_is_first_contact",
        "_keep_alive_s",
        "_limits",
        "_next_frame_id",
        "_next_mqtt_id",
        "_outbox",
        "_refusal",
        "_rest_until",
        "_unfinished",
        "_unkept",
        "state",
    )

    def __init__(self, connection: int, address: str, limits: SessionLimits, now: float) -> None:
        self.state = State.AWAITED
        self._connection = connection
        self._address = address
        self._limits = limits
        self._decoder = Decoder(limits.connect_bytes)
        self._deadline = now + limits.connect_s
        self._rest_until: float | None = None
        self._credit = float(limits.burst_packets)
        self._credit_at = now
        self._keep_alive_s = 0.0
        self._client_id = ""
        self._is_first_contact = False
        self._admitted: Admitted | None = None
        self._refusal: RefusalCode | None = None
        self._granted = (_UNSUBSCRIBED,) * len(messages.TOPICS)
        self._unkept = 0
        self._unfinished: dict[int, _Part] | None = None  # packet id of a QoS 2 message -> how far it is
        self._outbox: Outbox | None = None
        self._next_frame_id = 1
        self._next_mqtt_id = 1

    @property
    def device(self) -> int | None:
        """Whose session it is; None before the platform said so."""
        return None if self._admitted is None else self._admitted.device

    @property
    def deadline(self) -> float:
        """When `due` wants to be called, in the seconds of ``now``."""
        times = [self._deadline]
        if self._rest_until is not None:
            times.append(self._rest_until)
        if self._outbox is not None and (due := self._outbox.due) is not None:
            times.append(due)
        return min(times)

    @property
    def is_resting(self) -> bool:
        """Whether nothing more should be read from the socket for now."""
        return self.state is State.ASKING or self._rest_until is not None or self._unkept >= self._limits.unkept

    def receive(self, data: bytes, now: float) -> list[Action]:
        """Takes what the socket gave."""
        if self.state is State.CLOSED:
            return []
        if self.state is State.AWAITED and not self._decoder.held_bytes and data[:1] != _CONNECT_BEGINS:
            return self._close(Cause.BAD_PROTOCOL)  # a browser, a scanner: not worth waiting for
        self._decoder.feed(data)
        return self._advance(now)

    def judged(self, verdict: Verdict, now: float) -> list[Action]:
        """Takes the platform's answer to `Ask`."""
        if self.state is not State.ASKING:
            return []
        accepted = Send(encode(mqtt.ConnAck(mqtt.ConnectCode.ACCEPTED)))
        match verdict:
            case Admitted():
                self.state = State.ADMITTED
                self._admitted = verdict
                self._deadline = now + self._keep_alive_s * _GRACE
            case Refused(code=RefusalCode.BAD_DIGEST) if not self._is_first_contact:
                refused = Send(encode(mqtt.ConnAck(mqtt.ConnectCode.NOT_AUTHORISED)))
                return [refused, *self._close(Cause.REFUSED)]
            case Refused(code):
                self.state = State.TURNED_AWAY
                self._refusal = code
                self._deadline = now + self._limits.notice_s
            case Busy():
                return self._close(Cause.BUSY)
        return [accepted, *self._advance(now)]

    def kept(self, delivery: Deliver, now: float) -> list[Action]:
        """The platform has the event of a `Deliver`."""
        self._unkept -= 1
        if self.state is State.CLOSED:
            return []
        actions: list[Action] = []
        answer = delivery.answer
        if answer is not None:
            actions.append(Send(encode(answer)))
        if isinstance(answer, mqtt.PubRec) and self._unfinished and answer.packet_id in self._unfinished:
            if self._unfinished[answer.packet_id] is _Part.RELEASED:
                actions += self._released(answer.packet_id)
            else:
                self._unfinished[answer.packet_id] = _Part.KEPT
        return actions + self._advance(now)

    def due(self, now: float) -> list[Action]:
        """Does what was due: retries, going on after a rest, the end of a silent connection."""
        if self.state is State.CLOSED:
            return []
        if now >= self._deadline:
            if self._unkept < self._limits.unkept:
                return self._close(_END_OF_PATIENCE[self.state])
            self._deadline = now + self._keep_alive_s * _GRACE  # not the device's silence: we do not listen
        actions: list[Action] = []
        if self._outbox is not None:
            written, lost = self._outbox.retry(now)
            actions += [Send(data) for data in written]
            actions += [self._delivery(Undelivered(message)) for message in lost]
        if self._rest_until is not None and now >= self._rest_until:
            self._rest_until = None
            actions += self._advance(now)
        return actions

    def send(self, message: Message, now: float, packet_id: int | None = None) -> list[Action] | None:
        """Says something to the device.

        Args:
            message: what.
            now: seconds.
            packet_id: of the frame, if this answers one of the device's.

        Returns:
            What is to be done; None if it cannot be said: not subscribed, or too much is waiting.

        Raises:
            BadOption: the message cannot be encoded.
        """
        key = None if self._admitted is None else self._admitted.session_key
        return self._say(message, now, packet_id, key) if self.state is State.READY else None

    def end(self, cause: Cause) -> list[Action]:
        """Ends the session from outside: taken over, stopped, does not read."""
        return [] if self.state is State.CLOSED else self._close(cause)

    # -- inside

    def _advance(self, now: float) -> list[Action]:
        """Reads packets until there is none, or a rest is due."""
        actions: list[Action] = []
        while self.state is not State.CLOSED and not self.is_resting:
            try:
                packet = self._decoder.next_packet()
            except BadFormat:
                actions += self._close(Cause.BAD_PROTOCOL)
                break
            if isinstance(packet, Need):
                break
            if type(packet) not in _ALLOWED[self.state]:
                actions += self._close(Cause.BAD_PROTOCOL)
                break
            if self._admitted is not None:
                self._deadline = now + self._keep_alive_s * _GRACE
            actions += self._packet(packet, now)
            self._spend(now)
        return actions

    def _spend(self, now: float) -> None:
        """Pays for one packet; with no credit left a rest begins."""
        limits = self._limits
        earned = (now - self._credit_at) * limits.packets_per_s
        self._credit = min(float(limits.burst_packets), self._credit + earned) - 1.0
        self._credit_at = now
        if self._credit < 1.0:
            self._rest_until = now + 1.0

    def _packet(self, packet: mqtt.Packet, now: float) -> list[Action]:
        match packet:
            case mqtt.Publish():
                return self._publish(packet)
            case mqtt.PubAck(packet_id):
                return self._acknowledged(packet_id, now)
            case mqtt.PubRel(packet_id):
                if self._unfinished is not None and self._unfinished.get(packet_id, _Part.KEPT) is not _Part.KEPT:
                    self._unfinished[packet_id] = _Part.RELEASED  # it did not wait for PUBREC: told both in their order
                    return []
                return self._released(packet_id)
            case mqtt.PingReq():
                return [Send(encode(mqtt.PingResp()))]
            case mqtt.Subscribe():
                return self._subscribe(packet, now)
            case mqtt.Unsubscribe(packet_id, filters):
                for text in filters:
                    self._grant(text, _UNSUBSCRIBED)
                return [Send(encode(mqtt.UnsubAck(packet_id)))]
            case mqtt.Disconnect():
                return self._close(Cause.LEFT)
            case mqtt.Connect():
                return self._connect(packet, now)
            case mqtt.ForeignConnect():
                refused = Send(encode(mqtt.ConnAck(mqtt.ConnectCode.BAD_PROTOCOL)))
                return [refused, *self._close(Cause.BAD_PROTOCOL)]
            case _:
                return self._close(Cause.BAD_PROTOCOL)

    def _released(self, packet_id: int) -> list[Action]:
        if self._unfinished is not None:
            self._unfinished.pop(packet_id, None)
            self._unfinished = self._unfinished or None
        return [Send(encode(mqtt.PubComp(packet_id)))]

    def _connect(self, packet: mqtt.Connect, now: float) -> list[Action]:
        if packet.client_id.startswith(APPLICATION_PREFIX):
            refused = Send(encode(mqtt.ConnAck(mqtt.ConnectCode.NOT_AUTHORISED)))
            return [refused, *self._close(Cause.NOT_A_DEVICE)]
        password = _password(packet)
        if password is None:
            return self._close(Cause.NOT_A_DEVICE)
        self.state = State.ASKING
        self._client_id = packet.client_id
        self._is_first_contact = isinstance(password, FirstPassword)
        self._keep_alive_s = float(min(packet.keep_alive_s or self._limits.keep_alive_s, self._limits.keep_alive_s))
        self._deadline = now + self._limits.ask_s
        self._decoder.limit_bytes = self._limits.packet_bytes
        return [Ask(Contact(packet.client_id, password, self._connection, self._address))]

    def _subscribe(self, packet: mqtt.Subscribe, now: float) -> list[Action]:
        codes = tuple(self._grant(text, min(qos, 1)) for text, qos in packet.filters)
        actions: list[Action] = [Send(encode(mqtt.SubAck(packet.packet_id, codes)))]
        if self._granted[messages.TOPICS.index(messages.SYS)] == _UNSUBSCRIBED:
            return actions
        if self.state is State.TURNED_AWAY and self._refusal is not None:
            notice = sys_messages.ErrorNotice(self._refusal)
            self._refusal = None  # said once
            actions += self._say(notice, now, None, None) or []
        elif self.state is State.ADMITTED and self._admitted is not None:
            self.state = State.READY
            key, ds = self._admitted.session_key, self._admitted.ds
            if key is not None or ds is not None:
                configuration = sys_messages.Configuration(ds=ds, session_key=key)
                actions += self._say(configuration, now, None, None) or []
            actions.append(self._delivery(CameOnline(self._is_first_contact, self._address)))
        return actions

    def _grant(self, text: str, qos: int) -> int:
        """Notes a subscription; gives the code of SUBACK. Only the device's own topics exist."""
        own = f"q/1/d/{self._client_id}/"
        if text in {own + "+", own + "#"}:
            self._granted = (qos,) * len(messages.TOPICS)
            return qos
        if text.removeprefix(own) in messages.TOPICS and text.startswith(own):
            wanted = messages.TOPICS.index(text.removeprefix(own))
            self._granted = tuple(qos if at == wanted else old for at, old in enumerate(self._granted))
            return qos
        return mqtt.SUBSCRIPTION_FAILED

    def _publish(self, packet: mqtt.Publish) -> list[Action]:
        own = f"q/2/d/{self._client_id}/"
        topic = packet.topic.removeprefix(own)
        if not packet.topic.startswith(own) or not topic or "/" in topic:
            return self._close(Cause.FOREIGN_TOPIC)
        if packet.packet_id is None:
            return [self._delivery(self._event(topic, packet.payload))] if self._admitted else []
        answer: mqtt.PubAck | mqtt.PubRec = mqtt.PubAck(packet.packet_id)
        if packet.qos == 2:
            answer = mqtt.PubRec(packet.packet_id)
            if self._unfinished is None:
                self._unfinished = {}
            if packet.packet_id in self._unfinished:  # said before: acknowledged again once the platform has it
                is_kept = self._unfinished[packet.packet_id] is _Part.KEPT
                return [Send(encode(answer))] if is_kept else []
            if len(self._unfinished) >= self._limits.unfinished:
                return self._close(Cause.FLOODED)
            self._unfinished[packet.packet_id] = _Part.KEPT if self._admitted is None else _Part.SAID
        if self._admitted is None:  # turned away: nobody wants it, but it shall not come again
            return [Send(encode(answer))]
        return [self._delivery(self._event(topic, packet.payload), answer)]

    def _event(self, topic: str, payload: bytes) -> Event:
        key = None if self._admitted is None else self._admitted.session_key
        if topic not in messages.TOPICS:  # its own, but none that is known: a newer device's, and no reason to end it
            return Unreadable(topic[:_KEPT_TOPIC], payload[:_KEPT_PAYLOAD_BYTES], _UNKNOWN_TOPIC)
        try:
            frame = open_frame(payload, key)
            message = messages.decode(frame)
        except BadFormat as error:
            return Unreadable(topic, payload[:_KEPT_PAYLOAD_BYTES], Text(error.message("en"), error.message("zh")))
        if not isinstance(message, _DEVICE_SAYS):
            reason = Text("only the platform says this", "此消息只能由平台下发")
            return Unreadable(topic, payload[:_KEPT_PAYLOAD_BYTES], reason)
        return Received(frame.packet_id, message)

    def _say(self, message: Message, now: float, packet_id: int | None, key: bytes | None) -> list[Action] | None:
        command, content = _content(message)
        frame = frames.Frame(packet_id or self._next_frame_id, command, content)
        topic = messages.topic_of(command)
        qos = self._granted[messages.TOPICS.index(topic)]
        if self._outbox is None:
            self._outbox = Outbox(self._limits, self._next_mqtt_id)
        if qos == _UNSUBSCRIBED or not self._outbox.has_room:
            return None
        if packet_id is None:
            self._next_frame_id = self._next_frame_id % frames.LAST_PACKET_ID + 1
        payload = frames.encode(frame)
        if key is not None:
            payload = encrypt(key, payload)
        return self._written(self._outbox.post(message, f"q/1/d/{self._client_id}/{topic}", payload, qos, now))

    def _acknowledged(self, packet_id: int, now: float) -> list[Action]:
        if self._outbox is None:
            return []
        written = self._outbox.acknowledged(packet_id, now)
        if self._outbox.is_empty:  # an idle device has no box
            self._next_mqtt_id = self._outbox.next_id
            self._outbox = None
        return self._written(written)

    def _delivery(self, event: Event, answer: mqtt.PubAck | mqtt.PubRec | None = None) -> Deliver:
        self._unkept += 1
        return Deliver(event, answer)

    def _written(self, pieces: list[bytes]) -> list[Action]:
        return [Send(piece) for piece in pieces]

    def _close(self, cause: Cause) -> list[Action]:
        self.state = State.CLOSED
        self._outbox = None
        self._unfinished = None
        return [Close(cause)]


def _content(message: Message) -> tuple[int, bytes]:
    """Command and payload of a message."""
    if isinstance(message, ota_messages.Offer):
        return _offered(message)
    frame = messages.encode(message, 1)
    return frame.command, frame.payload


@lru_cache(maxsize=64)
def _offered(offer: ota_messages.Offer) -> tuple[int, bytes]:
    """Command and payload of an offer: the same for very many devices, one after the other."""
    frame = messages.encode(offer, 1)
    return frame.command, frame.payload


_END_OF_PATIENCE: Final = {
    State.AWAITED: Cause.NO_CONNECT,
    State.ASKING: Cause.BUSY,
    State.ADMITTED: Cause.SILENT,
    State.READY: Cause.SILENT,
    State.TURNED_AWAY: Cause.REFUSED,
    State.CLOSED: Cause.LOST,
}


def _password(packet: mqtt.Connect) -> Password | None:
    """What the password of a device's CONNECT says; None if this is no device. A user name is read over."""
    name = packet.client_id
    is_named = name.startswith(DEVICE_PREFIX) and len(DEVICE_PREFIX) < len(name) <= LONGEST_CLIENT_ID
    # the client id becomes a level of topics: nothing in it may be a separator or a wildcard
    if not is_named or not name.isascii() or not all(mark.isalnum() or mark in "-_.:" for mark in name):
        return None
    try:
        return parse_password(packet.password or b"")
    except BadFormat:
        return None
