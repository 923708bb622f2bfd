"""The session without a socket: every state, every rule of ota-semantics 12, deadlines as values."""

from dataclasses import replace

import pytest

from gateway_rig import DS, PK, RAND, SESSION_KEY
from moduline.cloud.device_link import session as session_module
from moduline.cloud.device_link.actions import Ask, Close, Deliver, Send
from moduline.cloud.device_link.limits import SessionLimits
from moduline.cloud.device_link.outbox import Outbox
from moduline.cloud.device_link.platform import (
    Admitted,
    Busy,
    CameOnline,
    Cause,
    Received,
    Refused,
    Undelivered,
    Unreadable,
)
from moduline.cloud.device_link.session import Session, State
from moduline.wire.mqtt import packets as mqtt
from moduline.wire.mqtt.decode import Decoder, Need
from moduline.wire.mqtt.encode import encode
from moduline.wire.quecthing import credentials, frame, messages
from moduline.wire.quecthing.credentials import DeviceName, RefusalCode
from moduline.wire.quecthing.messages import Other
from moduline.wire.quecthing.ota_messages import Offer, OfferedComponent, Report, Request
from moduline.wire.quecthing.session_key import encrypt, open_frame
from moduline.wire.quecthing.sys_messages import Configuration, ErrorNotice, ReadInformation

PS = "0123456789abcdef"
DK = "860000000000001"
CLIENT = "qd" + PK + DK
LIMITS = SessionLimits()
OFFER = Offer((OfferedComponent("mod", "V2", 0),))


class Desk:
    """A session, and what it wanted done, sorted."""

    def __init__(self, limits=LIMITS):
        self.session = Session(7, "192.0.2.1", limits, 100.0)
        self.now = 100.0
        self.deliveries = []
        self.asked = []
        self.closed = None
        self._decoder = Decoder()

    def take(self, actions):
        """Sorts ``actions``; gives the packets that were sent."""
        assert actions is not None
        for action in actions:
            match action:
                case Send(data):
                    assert self.closed is None
                    self._decoder.feed(data)
                case Deliver():
                    self.deliveries.append(action)
                case Ask(contact):
                    self.asked.append(contact)
                case Close(cause):
                    assert self.closed is None
                    self.closed = cause
        packets = []
        while not isinstance(packet := self._decoder.next_packet(), Need):
            packets.append(packet)
        return packets

    def say(self, *packets):
        data = b"".join(packet if isinstance(packet, bytes) else encode(packet) for packet in packets)
        return self.take(self.session.receive(data, self.now))

    def judge(self, verdict):
        return self.take(self.session.judged(verdict, self.now))

    def keep(self):
        """The platform keeps all that was delivered; gives the packets sent for it."""
        packets = []
        while self.deliveries:
            packets += self.take(self.session.kept(self.deliveries.pop(0), self.now))
        return packets

    def wait(self, seconds):
        self.now += seconds
        return self.take(self.session.due(self.now))

    @property
    def events(self):
        return [delivery.event for delivery in self.deliveries]


def connect(form=1, flag="0000", **facts):
    name = DeviceName(PK, DK)
    password = (
        credentials.later_password(DS, PS, RAND, flag) if form else credentials.first_password(name, PS, RAND, flag)
    )
    return replace(mqtt.Connect(CLIENT, 60, password=password), **facts)


def subscribe(*filters, packet_id=1):
    return mqtt.Subscribe(packet_id, filters or ((f"q/1/d/{CLIENT}/+", 1),))


def publish(message=None, qos=1, mqtt_id=5, topic="ota", payload=None):
    if payload is None:
        payload = frame.encode(messages.encode(message or Request("V1"), 3))
    return mqtt.Publish(f"q/2/d/{CLIENT}/{topic}", payload, qos, mqtt_id if qos else None)


def admitted_desk(limits=LIMITS, verdict=None):
    desk = Desk(limits)
    assert desk.say(connect()) == []
    assert desk.judge(verdict or Admitted(42)) == [mqtt.ConnAck(mqtt.ConnectCode.ACCEPTED)]
    return desk


def ready_desk(limits=LIMITS, verdict=None):
    desk = admitted_desk(limits, verdict)
    desk.say(subscribe())
    desk.keep()
    assert desk.session.state is State.READY
    return desk


def test_first_contact_when_admitted_then_secret_after_suback_then_online():
    desk = Desk()
    assert desk.say(connect(0)) == []
    (contact,) = desk.asked
    assert (contact.client_id, contact.connection, contact.address) == (CLIENT, 7, "192.0.2.1")
    assert desk.judge(Admitted(42, DS)) == [mqtt.ConnAck(mqtt.ConnectCode.ACCEPTED)]
    suback, secret = desk.say(subscribe())
    assert suback == mqtt.SubAck(1, (1,))
    assert (secret.topic, secret.qos) == (f"q/1/d/{CLIENT}/sys", 1)
    assert messages.decode(frame.decode(secret.payload)) == Configuration(ds=DS)
    assert desk.events == [CameOnline(is_first_contact=True, address="192.0.2.1")]


def test_later_contact_when_subscribed_then_online_without_a_message():
    desk = admitted_desk()
    assert desk.say(subscribe()) == [mqtt.SubAck(1, (1,))]
    assert desk.events == [CameOnline(is_first_contact=False, address="192.0.2.1")]


def test_session_key_when_given_then_in_clear_first_and_everything_after_it_encrypted():
    desk = Desk()
    desk.say(connect(1, "0001"))
    desk.judge(Admitted(42, None, SESSION_KEY))
    _, key = desk.say(subscribe())
    assert messages.decode(frame.decode(key.payload)) == Configuration(session_key=SESSION_KEY)
    (offer,) = desk.take(desk.session.send(OFFER, desk.now))
    assert not offer.payload.startswith(frame.BEGIN)
    assert messages.decode(open_frame(offer.payload, SESSION_KEY)) == OFFER


def test_device_when_encrypting_or_not_yet_then_both_are_read():
    desk = ready_desk(verdict=Admitted(42, None, SESSION_KEY))
    clear = publish(Request("V1"), mqtt_id=1)
    sealed = replace(clear, payload=encrypt(SESSION_KEY, clear.payload), packet_id=2)
    desk.say(clear, sealed)
    assert desk.events == [Received(3, Request("V1"))] * 2


def test_wrong_secret_when_form_1_then_connack_5_and_closed():
    desk = Desk()
    desk.say(connect())
    assert desk.judge(Refused(RefusalCode.BAD_DIGEST)) == [mqtt.ConnAck(mqtt.ConnectCode.NOT_AUTHORISED)]
    assert desk.closed is Cause.REFUSED


@pytest.mark.parametrize("form", [0, 1])
@pytest.mark.parametrize("code", RefusalCode)
def test_refusal_when_not_a_wrong_secret_then_told_after_suback(form, code):
    """Traps 1 and 3: no CONNACK but 0; the notice once; the device hangs up, or we do."""
    if form == 1 and code is RefusalCode.BAD_DIGEST:
        return
    desk = Desk()
    desk.say(connect(form))
    assert desk.judge(Refused(code)) == [mqtt.ConnAck(mqtt.ConnectCode.ACCEPTED)]
    suback, notice = desk.say(subscribe())
    assert suback == mqtt.SubAck(1, (1,))
    assert messages.decode(frame.decode(notice.payload)) == ErrorNotice(code)
    assert desk.say(subscribe(packet_id=2)) == [mqtt.SubAck(2, (1,))]
    assert desk.say(publish(mqtt_id=9)) == [mqtt.PubAck(9)]
    assert desk.say(publish(qos=2, mqtt_id=10)) == [mqtt.PubRec(10)]
    assert desk.say(publish(qos=0)) == []
    assert desk.deliveries == []
    assert desk.session.send(OFFER, desk.now) is None
    assert desk.wait(LIMITS.notice_s - 0.1) == []
    assert desk.closed is None
    desk.wait(0.2)
    assert desk.closed is Cause.REFUSED


def test_platform_when_busy_or_slow_then_closed_without_a_word():
    for end in (lambda desk: desk.judge(Busy()), lambda desk: desk.wait(LIMITS.ask_s)):
        desk = Desk()
        desk.say(connect())
        assert end(desk) == []
        assert desk.closed is Cause.BUSY


def test_verdict_when_it_comes_after_the_end_then_nothing():
    desk = Desk()
    desk.say(connect())
    desk.wait(LIMITS.ask_s)
    assert desk.judge(Admitted(42, DS)) == []
    assert desk.session.device is None


def test_application_when_it_connects_then_refused_clearly():
    desk = Desk()
    assert desk.say(mqtt.Connect("qu_p000aa_1", user_name="u", password=b"x")) == [
        mqtt.ConnAck(mqtt.ConnectCode.NOT_AUTHORISED)
    ]
    assert desk.closed is Cause.NOT_A_DEVICE


@pytest.mark.parametrize(
    "facts",
    [
        {"client_id": ""},
        {"client_id": "qd"},
        {"client_id": "mosq-1"},
        {"client_id": "qd" + "1" * 49},
        {"client_id": CLIENT + "/ota"},
        {"client_id": CLIENT + "+"},
        {"client_id": CLIENT + "#"},
        {"client_id": CLIENT + "é"},
        {"client_id": CLIENT + " "},
        {"password": None},
        {"password": b"secret"},
    ],
)
def test_connect_when_no_device_then_closed_without_a_word(facts):
    """Trap 1: a CONNACK 2..5 would make a real device forget its secret."""
    desk = Desk()
    assert desk.say(connect(**facts)) == []
    assert desk.closed is Cause.NOT_A_DEVICE
    assert desk.asked == []


def test_connect_when_it_has_more_than_a_device_sends_then_taken():
    desk = Desk()
    desk.say(connect(user_name="anybody", is_clean=False, will=mqtt.Will("a", b"b")))
    assert len(desk.asked) == 1
    assert desk.judge(Admitted(1)) == [mqtt.ConnAck(mqtt.ConnectCode.ACCEPTED, is_session_present=False)]


@pytest.mark.parametrize("level", [3, 5])
def test_connect_when_of_another_version_then_connack_1(level):
    desk = Desk()
    assert desk.say(mqtt.ForeignConnect("MQTT", level)) == [mqtt.ConnAck(mqtt.ConnectCode.BAD_PROTOCOL)]
    assert desk.closed is Cause.BAD_PROTOCOL


CLIENT_PACKETS = [
    connect(),
    publish(),
    mqtt.PubAck(1),
    mqtt.PubRel(1),
    subscribe(),
    mqtt.Unsubscribe(1, ("a",)),
    mqtt.PingReq(),
    mqtt.Disconnect(),
]
SERVER_PACKETS = [
    mqtt.ConnAck(mqtt.ConnectCode.ACCEPTED),
    mqtt.SubAck(1, (0,)),
    mqtt.UnsubAck(1),
    mqtt.PingResp(),
    mqtt.PubRec(1),
    mqtt.PubComp(1),
]


@pytest.mark.parametrize("packet", CLIENT_PACKETS[1:] + SERVER_PACKETS, ids=lambda packet: type(packet).__name__)
def test_packet_when_before_connect_then_closed(packet):
    desk = Desk()
    assert desk.say(packet) == []
    assert desk.closed is Cause.BAD_PROTOCOL


@pytest.mark.parametrize("packet", [connect(), *SERVER_PACKETS], ids=lambda packet: type(packet).__name__)
def test_packet_when_no_client_says_it_or_connect_again_then_closed(packet):
    for desk in (admitted_desk(), ready_desk()):
        desk.say(packet)
        assert desk.closed is Cause.BAD_PROTOCOL


def test_table_when_walked_then_every_state_has_its_packets():
    assert set(session_module._ALLOWED) == set(State)
    assert set(session_module._END_OF_PATIENCE) == set(State)


def test_garbage_when_received_then_closed_and_deaf():
    desk = ready_desk()
    desk.say(b"\xff\xff\xff\xff\xff\xff")
    assert desk.closed is Cause.BAD_PROTOCOL
    assert desk.say(mqtt.PingReq()) == []
    assert desk.wait(1e6) == []
    assert desk.session.send(OFFER, desk.now) is None
    assert desk.session.end(Cause.STOPPED) == []


def test_connect_when_longer_than_allowed_then_closed_at_its_length():
    desk = Desk()
    desk.say(b"\x10\xff\xff\x7f")
    assert desk.closed is Cause.BAD_PROTOCOL


def test_packet_when_connected_then_may_be_longer_but_not_without_end():
    desk = ready_desk()
    desk.say(publish(Other(0x23, bytes(4000))))
    assert isinstance(desk.events[0], Received)
    desk.keep()
    desk.say(publish(Other(0x23, bytes(LIMITS.packet_bytes))))
    assert desk.closed is Cause.BAD_PROTOCOL


def test_everything_in_one_segment_when_judged_later_then_answered_in_order():
    """Trap 12."""
    desk = Desk()
    assert desk.say(connect(0), subscribe(), publish(mqtt_id=2), mqtt.PingReq()) == []
    assert desk.session.is_resting
    packets = desk.judge(Admitted(42, DS))
    assert [type(packet) for packet in packets] == [mqtt.ConnAck, mqtt.SubAck, mqtt.Publish, mqtt.PingResp]
    assert [type(event) for event in desk.events] == [CameOnline, Received]
    assert desk.keep() == [mqtt.PubAck(2)]


@pytest.mark.parametrize("size", [1, 2, 7])
def test_bytes_when_they_come_in_pieces_then_the_same(size):
    desk = Desk()
    stream = encode(connect(0)) + encode(subscribe()) + encode(publish(mqtt_id=2))
    packets = []
    for at in range(0, len(stream), size):
        packets += desk.say(stream[at : at + size])
        if desk.session.state is State.ASKING:
            packets += desk.judge(Admitted(42, DS))
    assert [type(packet) for packet in packets] == [mqtt.ConnAck, mqtt.SubAck, mqtt.Publish]
    assert desk.keep() == [mqtt.PubAck(2)]


# -- the device's topics


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (f"q/1/d/{CLIENT}/+", 1),
        (f"q/1/d/{CLIENT}/#", 1),
        (f"q/1/d/{CLIENT}/ota", 1),
        (f"q/1/d/{CLIENT}", 0x80),
        (f"q/1/d/{CLIENT}/ota/x", 0x80),
        (f"q/2/d/{CLIENT}/+", 0x80),
        (f"q/1/d/{CLIENT}2/+", 0x80),
        ("q/1/d/+/ota", 0x80),
        ("q/1/#", 0x80),
        ("#", 0x80),
        ("ota", 0x80),
        ("$SYS/#", 0x80),
    ],
)
def test_subscription_when_not_the_devices_own_then_refused(text, code):
    desk = admitted_desk()
    assert desk.say(subscribe((text, 2))) == [mqtt.SubAck(1, (code,))]
    assert desk.closed is None


@pytest.mark.parametrize(
    "topic",
    [
        f"q/2/d/{CLIENT}2/ota",
        f"q/2/d/qd{PK}860000000000002/ota",
        f"q/1/d/{CLIENT}/ota",
        f"q/2/d/{CLIENT}/ota/x",
        f"q/2/d/{CLIENT}/",
        "ota",
        "$SYS/x",
    ],
)
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_publish_when_not_to_the_devices_own_topic_then_closed(topic, qos):
    """A stolen secret reaches only its own topics."""
    desk = ready_desk()
    desk.say(mqtt.Publish(topic, publish().payload, qos, 3 if qos else None))
    assert desk.closed is Cause.FOREIGN_TOPIC
    assert desk.deliveries == []


def test_subscription_when_of_one_topic_only_then_the_others_cannot_be_sent_to():
    desk = admitted_desk()
    desk.say(subscribe((f"q/1/d/{CLIENT}/ota", 1)))
    assert desk.session.state is State.ADMITTED  # a device that cannot be told its secret is not there yet
    desk.say(subscribe((f"q/1/d/{CLIENT}/sys", 1)))
    assert desk.session.state is State.READY
    assert desk.session.send(OFFER, desk.now)
    assert desk.say(mqtt.Unsubscribe(3, (f"q/1/d/{CLIENT}/ota",))) == [mqtt.UnsubAck(3)]
    assert desk.session.send(OFFER, desk.now) is None
    assert desk.session.send(ReadInformation((2,)), desk.now)


def test_subscription_when_of_qos_0_then_sent_with_qos_0():
    desk = admitted_desk()
    assert desk.say(subscribe((f"q/1/d/{CLIENT}/+", 0))) == [mqtt.SubAck(1, (0,))]
    (offer,) = desk.take(desk.session.send(OFFER, desk.now))
    assert (offer.qos, offer.packet_id) == (0, None)


def test_ten_thousand_topics_when_subscribed_then_refused_and_nothing_kept():
    desk = admitted_desk(replace(LIMITS, packet_bytes=1 << 20))
    (suback,) = desk.say(subscribe(*((f"t/{at}", 1) for at in range(10_000))))
    assert suback.codes == (0x80,) * 10_000
    assert desk.session._granted == (-1, -1, -1)


# -- what the device says


def test_qos_1_when_received_then_acknowledged_only_when_kept():
    desk = ready_desk()
    assert desk.say(publish(mqtt_id=7)) == []
    assert desk.keep() == [mqtt.PubAck(7)]


def test_qos_0_when_received_then_delivered_without_an_answer():
    desk = ready_desk()
    desk.say(publish(qos=0))
    assert desk.events == [Received(3, Request("V1"))]
    assert desk.keep() == []


def test_qos_2_when_complete_then_delivered_once():
    """Trap 11."""
    desk = ready_desk()
    packet = publish(Report(1), qos=2, mqtt_id=7)
    assert desk.say(packet) == []
    assert desk.say(replace(packet, is_duplicate=True)) == []  # the platform does not have it yet
    assert desk.keep() == [mqtt.PubRec(7)]
    assert desk.say(replace(packet, is_duplicate=True)) == [mqtt.PubRec(7)]
    assert desk.deliveries == []
    assert desk.say(mqtt.PubRel(7)) == [mqtt.PubComp(7)]
    assert desk.say(mqtt.PubRel(7)) == [mqtt.PubComp(7)]
    desk.say(packet)  # the id is free again
    assert desk.events == [Received(3, Report(1))]


def test_qos_2_when_released_before_it_is_kept_then_both_answers_in_their_order_and_delivered_once():
    desk = ready_desk()
    desk.say(publish(qos=2, mqtt_id=7))
    assert desk.say(mqtt.PubRel(7)) == []
    assert desk.say(mqtt.PubRel(7)) == []
    assert desk.say(publish(qos=2, mqtt_id=7)) == []
    assert len(desk.deliveries) == 1
    assert desk.keep() == [mqtt.PubRec(7), mqtt.PubComp(7)]
    desk.say(publish(qos=2, mqtt_id=7))  # the id is free again
    assert desk.keep() == [mqtt.PubRec(7)]
    assert desk.say(mqtt.PubRel(7)) == [mqtt.PubComp(7)]


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_publish_when_to_an_own_topic_nobody_knows_then_noted_acknowledged_and_kept_online(qos):
    desk = ready_desk()
    desk.say(mqtt.Publish(f"q/2/d/{CLIENT}/{'x' * 40}", b"new", qos, 3 if qos else None))
    (event,) = desk.events
    assert (event.topic, event.payload) == ("x" * 32, b"new")
    assert desk.keep() == [[], [mqtt.PubAck(3)], [mqtt.PubRec(3)]][qos]
    assert desk.closed is None


def test_qos_2_when_never_released_then_closed_at_the_limit():
    desk = ready_desk()
    for mqtt_id in range(1, LIMITS.unfinished + 1):
        desk.say(publish(qos=2, mqtt_id=mqtt_id))
        assert desk.keep() == [mqtt.PubRec(mqtt_id)]
    desk.say(publish(qos=2, mqtt_id=999))
    assert desk.closed is Cause.FLOODED


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{}",
        b"\xaa\xaa\x00\x05\xff\x00\x01\x01\x15",
        frame.encode(frame.Frame(1, 0x0114, b"\x00")),
        frame.encode(messages.encode(OFFER, 1)),
        frame.encode(messages.encode(Configuration(ds="mine"), 1)),
    ],
    ids=["empty", "json", "checksum", "no TTLV", "an offer", "a configuration"],
)
def test_payload_when_no_message_of_a_device_then_noted_and_acknowledged(payload):
    desk = ready_desk()
    desk.say(publish(payload=payload))
    (event,) = desk.events
    assert isinstance(event, Unreadable)
    assert event.reason.en != event.reason.zh
    assert (event.topic, event.payload) == ("ota", payload[:256])
    assert desk.keep() == [mqtt.PubAck(5)]


def test_reading_when_the_platform_is_behind_then_stops_and_goes_on():
    desk = ready_desk()
    count = LIMITS.unkept + 10
    desk.say(*(publish(mqtt_id=at) for at in range(1, count + 1)))
    assert len(desk.deliveries) == LIMITS.unkept
    assert desk.session.is_resting
    assert desk.wait(1000.0) == []  # not the device's silence
    assert desk.closed is None
    assert desk.keep() == [mqtt.PubAck(at) for at in range(1, count + 1)]
    assert not desk.session.is_resting


def test_device_when_too_fast_then_read_more_slowly_but_completely():
    desk = ready_desk()
    count = LIMITS.burst_packets + 120
    answers = len(desk.say(*[mqtt.PingReq()] * count))
    assert answers < count
    assert desk.session.is_resting
    waits = 0
    while desk.session.is_resting:
        assert desk.session.deadline <= desk.now + 1.0
        answers += len(desk.wait(1.0))
        waits += 1
    assert answers == count
    assert waits in {2, 3}


# -- what the device is sent


def test_message_when_acknowledged_then_sent_once():
    desk = ready_desk()
    (offer,) = desk.take(desk.session.send(OFFER, desk.now))
    assert (offer.topic, offer.qos, offer.is_duplicate) == (f"q/1/d/{CLIENT}/ota", 1, False)
    assert desk.say(mqtt.PubAck(offer.packet_id)) == []
    desk.say(mqtt.PingReq())
    assert desk.wait(LIMITS.retry_s) == []


def test_message_when_not_acknowledged_then_sent_again_then_given_up():
    desk = ready_desk(verdict=Admitted(42))
    (first,) = desk.take(desk.session.send(OFFER, desk.now))
    for _ in range(LIMITS.sends - 1):
        desk.say(mqtt.PingReq())
        assert desk.take(desk.session.due(desk.now + LIMITS.retry_s - 0.1)) == []
        assert desk.session.deadline <= desk.now + LIMITS.retry_s
        assert desk.wait(LIMITS.retry_s) == [replace(first, is_duplicate=True)]
    desk.say(mqtt.PingReq())
    assert desk.wait(LIMITS.retry_s) == []
    assert desk.events == [Undelivered(OFFER)]
    assert desk.closed is None
    assert desk.say(mqtt.PubAck(first.packet_id)) == []  # too late is no error


def test_messages_when_many_then_in_order_through_a_window_and_refused_beyond():
    desk = ready_desk()
    sent = []
    for _ in range(LIMITS.in_flight + LIMITS.waiting):
        sent += desk.take(desk.session.send(OFFER, desk.now))
    assert len(sent) == LIMITS.in_flight
    assert desk.session.send(OFFER, desk.now) is None
    while len(sent) < LIMITS.in_flight + LIMITS.waiting:
        sent += desk.say(mqtt.PubAck(sent[len(sent) - LIMITS.in_flight].packet_id))
    ids = [frame.decode(packet.payload).packet_id for packet in sent]
    assert ids == list(range(1, len(sent) + 1))
    assert [packet.packet_id for packet in sent] == ids
    assert desk.session.send(OFFER, desk.now) == []  # taken, behind the window


def test_packet_ids_of_mqtt_when_used_up_then_begin_again_and_skip_the_busy():
    box = Outbox(LIMITS)
    ids = []
    (first,) = box.post(OFFER, "t", b"", 1, 0.0)  # stays unacknowledged: its id is skipped
    for _ in range(65_536):
        (wire,) = box.post(OFFER, "t", b"", 1, 0.0)
        ids.append(int.from_bytes(wire[-2:], "big"))
        box.acknowledged(ids[-1], 0.0)
    assert first.endswith(b"\x00\x01")
    assert ids[:2] == [2, 3]
    assert ids[65_532:] == [65_534, 65_535, 2, 3]


def test_packet_ids_of_frames_when_used_up_then_begin_again():
    desk = admitted_desk()
    desk.say(subscribe((f"q/1/d/{CLIENT}/+", 0)))
    question = ReadInformation((2,))
    ids = []
    for _ in range(65_535):
        (action,) = desk.session.send(question, desk.now)
        ids.append(int.from_bytes(action.data[-6:-4], "big"))
    assert ids[:2] == [1, 2]
    assert ids[65_533:] == [65_534, 1]


def test_answer_when_sent_then_repeats_the_packet_id_of_the_request():
    desk = ready_desk()
    (answer,) = desk.take(desk.session.send(Configuration(new_ds="x"), desk.now, packet_id=0x1234))
    assert frame.decode(answer.payload).packet_id == 0x1234
    (next_one,) = desk.take(desk.session.send(OFFER, desk.now))
    assert frame.decode(next_one.payload).packet_id == 1


# -- time


@pytest.mark.parametrize(
    ("asked_s", "granted_s"), [(60, 90.0), (21, 31.5), (600, 900.0), (0, 2700.0), (65_535, 2700.0)]
)
def test_device_when_silent_then_closed_after_one_and_a_half_keep_alives(asked_s, granted_s):
    desk = Desk()
    desk.say(connect(keep_alive_s=asked_s))
    desk.judge(Admitted(42))
    assert desk.session.deadline == desk.now + granted_s
    desk.wait(granted_s - 0.5)
    assert desk.say(mqtt.PingReq()) == [mqtt.PingResp()]
    desk.wait(granted_s - 0.5)
    assert desk.closed is None
    desk.wait(0.5)
    assert desk.closed is Cause.SILENT


def test_half_a_packet_when_dripping_in_then_is_no_sign_of_life():
    desk = ready_desk()
    stream = encode(publish(Other(0x23, bytes(300))))
    for at in range(len(stream) - 1):
        desk.say(stream[at : at + 1])
        desk.wait(1.0)
        if desk.closed:
            break
    assert desk.closed is Cause.SILENT
    assert desk.now <= 100.0 + 92.0


def test_connect_when_not_complete_in_time_then_closed():
    desk = Desk()
    desk.say(encode(connect())[:-1])
    assert desk.session.deadline == 100.0 + LIMITS.connect_s
    desk.wait(LIMITS.connect_s)
    assert desk.closed is Cause.NO_CONNECT


def test_device_when_it_says_good_bye_then_closed_as_left():
    desk = ready_desk()
    desk.say(mqtt.Disconnect(), mqtt.PingReq())
    assert desk.closed is Cause.LEFT


def test_session_when_idle_then_has_no_buffer_and_no_box():
    desk = ready_desk()
    session = desk.session
    assert session._outbox is None
    assert session._unfinished is None
    assert session._decoder.held_bytes == 0
