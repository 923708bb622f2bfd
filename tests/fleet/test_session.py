"""The device's end of a connection: its packets, and a server that does not keep to the rules."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway_rig import DS, PK, PS, RAND
from moduline.fleet.exchange import Online, Told, TurnedAway
from moduline.fleet.session import Session, State
from moduline.wire.mqtt import packets as mqtt
from moduline.wire.mqtt.decode import Decoder, Need
from moduline.wire.mqtt.encode import encode
from moduline.wire.quecthing import frame, messages
from moduline.wire.quecthing.credentials import DeviceName
from moduline.wire.quecthing.ota_messages import Report, Request
from moduline.wire.quecthing.sys_messages import Configuration

CID = f"qd{PK}000000000000001"
ACCEPTED = encode(mqtt.ConnAck(mqtt.ConnectCode.ACCEPTED))
SUBACK = encode(mqtt.SubAck(1, (1,)))


def session_of(ds=DS):
    return Session(DeviceName(PK, "000000000000001"), PS, ds, RAND, 120, 0.0, is_encrypted=False)


def online():
    session = session_of()
    session.receive(ACCEPTED + SUBACK, 0.0)
    session.take()
    return session


def publish(message, qos=1, number=7, topic="sys"):
    payload = frame.encode(messages.encode(message, 3))
    return encode(mqtt.Publish(f"q/1/d/{CID}/{topic}", payload, qos, number if qos else None))


def sent(session):
    decoder = Decoder()
    decoder.feed(session.take())
    found = []
    while not isinstance(packet := decoder.next_packet(), Need):
        found.append(packet)
    return found


def test_connect_when_first_contact_then_the_password_of_the_vectors():
    """Section 14: form 0, byte for byte, and no user name."""
    (connect,) = sent(session_of(None))
    assert connect.user_name is None
    assert connect.password == (
        b"0;0000;p000aa;m6kaBpG7AcLHdlgh+iIhvpgFg9Pi/NWzaVPSq6aDkp8CEfQjlTWL9phnXS80bdaUkWnyk3sUI2MP53udJB8iX1JdoQCm"
        b"PC0GOJhgwQEIzXY="
    )


def test_connect_when_it_has_a_secret_then_form_1():
    (connect,) = sent(session_of())
    assert connect.password == b"1;0000;A1b2C3d4E5f6G7h8;EfBIGKnfzPXCS9dj6SMVZ0WSvNcU4+ukThzDE/2kLuw="


def test_session_when_it_has_no_secret_then_online_with_00b4():
    session = session_of(None)
    assert session.receive(ACCEPTED, 0.0) == []
    assert sent(session)[1] == mqtt.Subscribe(1, ((f"q/1/d/{CID}/+", 1),))
    assert session.receive(SUBACK, 0.0) == []
    configuration = Configuration(ds=DS)
    assert session.receive(publish(configuration), 0.0) == [Online(DS), Told(3, configuration)]
    assert sent(session) == [mqtt.PubAck(7)]


@pytest.mark.parametrize("ds", ["", "d" * 33])
def test_session_when_the_secret_cannot_be_then_not_online(ds):
    session = session_of(None)
    session.receive(ACCEPTED + SUBACK + publish(Configuration(ds=ds)), 0.0)
    assert session.state is State.NEEDS_DS


def test_session_when_it_has_a_secret_then_online_with_suback():
    session = session_of()
    assert session.receive(ACCEPTED + SUBACK, 0.0) == [Online()]


def test_message_when_said_then_unsaid_until_the_last_answer():
    session = online()
    session.say(Request("V1"))
    session.say(Report(1, "REVICEPLAN", 0, "mod"))
    assert [packet.qos for packet in sent(session)] == [2, 2]
    session.receive(encode(mqtt.PubRec(2)), 0.0)
    assert sent(session) == [mqtt.PubRel(2)]
    session.receive(encode(mqtt.PubComp(2)), 0.0)
    assert session.unsaid == (Report(1, "REVICEPLAN", 0, "mod"),)


def test_message_when_of_qos_2_and_repeated_then_told_once():
    session = online()
    packet = publish(Configuration(new_ds="x"), qos=2)
    assert len(session.receive(packet + packet, 0.0)) == 1
    assert len(session.receive(encode(mqtt.PubRel(7)) + packet, 0.0)) == 1


def test_ping_when_nothing_answers_three_times_then_broken():
    """11.1: after (keep-alive - 20)/2 s, then every 5 s, three times."""
    session = online()
    for at in (50.0, 55.0, 60.0):
        session.ping(at - 0.1)
        assert sent(session) == []
        session.ping(at)
        assert sent(session) == [mqtt.PingReq()]
    session.ping(65.0)
    assert session.state is State.BROKEN


@pytest.mark.parametrize("code", [1, 2, 3, 4, 5])
def test_connack_when_not_0_then_turned_away(code):
    session = session_of()
    assert session.receive(encode(mqtt.ConnAck(mqtt.ConnectCode(code))), 0.0) == [TurnedAway(code)]
    assert session.state is State.BROKEN


@pytest.mark.parametrize(
    "data",
    [
        encode(mqtt.SubAck(1, (0x80,))),
        b"\x30\xff\xff\xff\xff\x7f",  # a length of five bytes
        b"\x30\xff\xff\x7f",  # 2 MB announced
        encode(mqtt.Connect("x")),
        encode(mqtt.PingReq()),
        b"\x00\x00",
    ],
)
def test_server_when_it_breaks_the_rules_then_broken(data):
    session = session_of()
    session.receive(ACCEPTED, 0.0)
    session.receive(data, 0.0)
    assert session.state is State.BROKEN


@pytest.mark.parametrize(
    "payload",
    [b"", b"\xaa\xaa\x00", b"\xaa\xaa\xff\xff" + b"x" * 50, frame.encode(frame.Frame(1, 0x0111, b"\xff" * 9))],
)
def test_frame_when_it_is_none_then_acknowledged_counted_and_dropped(payload):
    session = online()
    assert session.receive(encode(mqtt.Publish(f"q/1/d/{CID}/ota", payload, 1, 9)), 0.0) == []
    assert sent(session) == [mqtt.PubAck(9)]
    assert session.unreadable == 1


@settings(deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=80), max_size=12))
def test_server_when_it_sends_garbage_then_nothing_is_raised(pieces):
    session = session_of()
    session.receive(ACCEPTED + SUBACK, 0.0)
    for piece in pieces:
        if session.state is not State.BROKEN:
            session.receive(piece, 0.0)
