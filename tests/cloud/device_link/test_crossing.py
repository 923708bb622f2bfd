"""What crosses the bus as bytes: typed by hand from RFC 8949, and everything a device can say there and back."""

from __future__ import annotations

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moduline.cloud.device_link import crossing
from moduline.cloud.device_link.crossing import Drop, Heard, Post
from moduline.cloud.device_link.platform import (
    CameOnline,
    Cause,
    Received,
    Undelivered,
    Unreadable,
    Uplink,
    WentOffline,
)
from moduline.errors import BadFormat, ModulineError, Text
from moduline.wire.quecthing import messages
from moduline.wire.quecthing.frame import BEGIN, Frame
from moduline.wire.quecthing.frame import decode as decode_frame
from moduline.wire.quecthing.messages import Other
from moduline.wire.quecthing.ota_messages import Report
from moduline.wire.quecthing.sys_messages import DeviceInformation, ReadInformation
from wire.quecthing import recorded

# version 1, node "eu-1", device 7, connection 1700000000123, at 1700000000.5
HEAD = "01 64 65752d31 07 1b 0000018bcfe5687b fb 41d954fc40200000"
SENT = Report(1, "RECEIVEPLAN", 0, "mod")
SENT_BYTES = "006a0001 0073000b 52454345495645504c414e 003a0000 00230003 6d6f64"
GOLDEN = [
    (CameOnline(is_first_contact=True, address="10.0.0.9"), f"88 {HEAD} 01 f5 68 31302e302e302e39"),
    (WentOffline(Cause.TAKEN_OVER), f"87 {HEAD} 02 6a 74616b656e2d6f766572"),
    (Received(258, SENT), f"89 {HEAD} 03 190102 190114 581e {SENT_BYTES}"),
    (Unreadable("ota", b"\xff", Text("no", "否")), f"8a {HEAD} 04 63 6f7461 41 ff 62 6e6f 63 e590a6"),
    (Undelivered(ReadInformation((2, 3))), f"88 {HEAD} 05 1841 44 00020003"),
]
DOWN = (Post(5, ReadInformation((2, 3)), 1000), Post(600, Other(0x0099, b"\x00")))
DOWN_BYTES = "82 01 82 84 05 1903e8 1841 44 00020003 84 190258 f6 1899 41 00"


def heard(event):
    return Heard("eu-1", Uplink(7, 1_700_000_000_123, 1_700_000_000.5, event))


@pytest.mark.parametrize(("event", "typed"), GOLDEN, ids=[type(event).__name__ for event, _ in GOLDEN])
def test_uplink_when_written_then_the_bytes_are_those_typed_by_hand(event, typed):
    assert crossing.write_heard(heard(event)).hex() == typed.replace(" ", "")
    assert crossing.read_heard(bytes.fromhex(typed)) == heard(event)


def test_downlink_when_written_then_the_bytes_are_those_typed_by_hand():
    assert crossing.write_posts(DOWN).hex() == DOWN_BYTES.replace(" ", "")
    assert crossing.read_posts(bytes.fromhex(DOWN_BYTES)) == DOWN


@pytest.mark.parametrize(("drop", "typed"), [(Drop(9, 1000), "83 01 09 1903e8"), (Drop(9), "83 01 09 f6")])
def test_drop_when_written_then_the_bytes_are_those_typed_by_hand(drop, typed):
    assert crossing.write_drop(drop).hex() == typed.replace(" ", "")
    assert crossing.read_drop(bytes.fromhex(typed)) == drop


def test_recorded_messages_when_they_cross_then_nothing_is_lost():
    said = [line.data for line in recorded.lines() if line.dir == "up" and line.data.startswith(BEGIN)]
    assert len(said) > 100
    for data in said:
        came = decode_frame(data)
        there = heard(Received(came.packet_id, messages.decode(came)))
        assert crossing.read_heard(crossing.write_heard(there)) == there


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([0x0034, 0x0044, 0x00A4, 0x0112, 0x0114, 0x0115, 0x0013]), st.binary(max_size=60))
def test_message_when_whatever_a_device_sends_crosses_then_it_is_the_same_or_unreadable(command, payload):
    try:
        message = messages.decode(Frame(1, command, payload))
    except ModulineError:
        return
    there = heard(Received(9, message))
    back = crossing.read_heard(crossing.write_heard(there))
    assert back == there or isinstance(back.uplink.event, Unreadable)


def test_message_when_it_cannot_be_written_again_then_it_crosses_as_unreadable():
    long = DeviceInformation("x" * 70_000)
    back = crossing.read_heard(crossing.write_heard(heard(Received(9, long)))).uplink.event
    assert isinstance(back, Unreadable)
    assert back.topic == "sys"


BROKEN = {
    "nothing": b"",
    "no array": cbor2.dumps("x"),
    "empty": cbor2.dumps([]),
    "another version": cbor2.dumps([2, "eu-1", 7, 1, 1.0, 2, "lost"]),
    "version as truth": cbor2.dumps([True, "eu-1", 7, 1, 1.0, 2, "lost"]),
    "too short": cbor2.dumps([1, "eu-1", 7, 1, 1.0]),
    "too long": cbor2.dumps([1, "eu-1", 7, 1, 1.0, 2, "lost", 0]),
    "bytes behind": cbor2.dumps([1, "eu-1", 7, 1, 1.0, 2, "lost"]) + b"\x00",
    "text for a number": cbor2.dumps([1, "eu-1", "7", 1, 1.0, 2, "lost"]),
    "truth for a number": cbor2.dumps([1, "eu-1", True, 1, 1.0, 2, "lost"]),
    "negative": cbor2.dumps([1, "eu-1", -7, 1, 1.0, 2, "lost"]),
    "beyond the database": cbor2.dumps([1, "eu-1", 2**63, 1, 1.0, 2, "lost"]),
    "no time": cbor2.dumps([1, "eu-1", 7, 1, float("nan"), 2, "lost"]),
    "unknown event": cbor2.dumps([1, "eu-1", 7, 1, 1.0, 6]),
    "unknown cause": cbor2.dumps([1, "eu-1", 7, 1, 1.0, 2, "bored"]),
    "payload is none": cbor2.dumps([1, "eu-1", 7, 1, 1.0, 3, 1, 0x0114, b"\xff"]),
    "deep": b"\x81" * 100_000,
    "a date": bytes.fromhex("c074323031332d30332d32315432303a30343a30305a"),
}


@pytest.mark.parametrize("name", list(BROKEN))
def test_uplink_when_the_bytes_are_none_then_they_are_refused(name):
    with pytest.raises(BadFormat):
        crossing.read_heard(BROKEN[name])


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=80), st.integers(0, 60), st.integers(0, 255))
def test_anything_when_read_then_it_is_refused_by_name(data, at, value):
    damaged = bytearray.fromhex(GOLDEN[2][1])
    damaged[at % len(damaged)] = value
    for read in (crossing.read_heard, crossing.read_posts, crossing.read_drop):
        for given_bytes in (data, bytes(damaged)):
            try:
                read(given_bytes)
            except BadFormat:
                continue
