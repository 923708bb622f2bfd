"""MQTT packets: golden bytes of the standard's own examples, every cut, named broken inputs, garbage."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moduline.errors import BadFormat, BadOption
from moduline.wire.mqtt.decode import Decoder, Need, decode
from moduline.wire.mqtt.encode import encode, remaining_length
from moduline.wire.mqtt.packets import (
    ConnAck,
    Connect,
    ConnectCode,
    Disconnect,
    ForeignConnect,
    PingReq,
    PingResp,
    PubAck,
    PubComp,
    Publish,
    PubRec,
    PubRel,
    SubAck,
    Subscribe,
    UnsubAck,
    Unsubscribe,
    Will,
)

# typed from MQTT 3.1.1, chapters 2 and 3, and ota-semantics 11.1 (flags 0x42)
GOLDEN = {
    "connect, password only": (
        Connect("qd1", 60, password=b"0;0000"),
        "10 17 00 04 4d515454 04 42 003c 0003 716431 0006 303b30303030",
    ),
    "connect, nothing": (Connect("", 0, is_clean=False), "10 0c 00 04 4d515454 04 00 0000 0000"),
    "connect, all": (
        Connect("a", 10, True, "u", b"p", Will("w", b"m", 1, True)),
        "10 19 00 04 4d515454 04 ee 000a 0001 61 0001 77 0001 6d 0001 75 0001 70",
    ),
    "MQTT 3.1": (ForeignConnect("MQIsdp", 3, b"\x02\x00\x3c\x00\x00"), "10 0e 0006 4d5149736470 03 02003c0000"),
    "MQTT 5": (ForeignConnect("MQTT", 5, b"\x02\x00\x3c\x00\x00\x00"), "10 0d 0004 4d515454 05 02003c000000"),
    "connack": (ConnAck(ConnectCode.ACCEPTED), "20 02 00 00"),
    "connack, refused": (ConnAck(ConnectCode.NOT_AUTHORISED), "20 02 00 05"),
    "connack, session": (ConnAck(ConnectCode.ACCEPTED, is_session_present=True), "20 02 01 00"),
    "publish": (Publish("a/b", b"hi"), "30 07 0003 612f62 6869"),
    "publish, QoS 1": (Publish("a/b", b"", 1, 10), "32 07 0003 612f62 000a"),
    "publish, QoS 2 again, retained": (Publish("a", b"x", 2, 65535, True, True), "3d 06 0001 61 ffff 78"),
    "puback": (PubAck(1), "40 02 00 01"),
    "pubrec": (PubRec(2), "50 02 00 02"),
    "pubrel": (PubRel(3), "62 02 00 03"),
    "pubcomp": (PubComp(0x0102), "70 02 01 02"),
    "subscribe": (Subscribe(10, (("a/b", 1), ("c/d", 2))), "82 0e 000a 0003 612f62 01 0003 632f64 02"),
    "suback": (SubAck(10, (0, 2, 0x80)), "90 05 000a 00 02 80"),
    "unsubscribe": (Unsubscribe(10, ("a/b", "c/d")), "a2 0c 000a 0003 612f62 0003 632f64"),
    "unsuback": (UnsubAck(10), "b0 02 00 0a"),
    "pingreq": (PingReq(), "c0 00"),
    "pingresp": (PingResp(), "d0 00"),
    "disconnect": (Disconnect(), "e0 00"),
}
names = st.text(st.characters(codec="utf-8", exclude_characters="\0+#"), min_size=1, max_size=12)
ids = st.integers(1, 65535)
packets = (
    st.builds(Publish, names, st.binary(max_size=300), st.just(0), st.none(), st.just(False), st.booleans())
    | st.builds(Publish, names, st.binary(max_size=300), st.integers(1, 2), ids, st.booleans(), st.booleans())
    | st.builds(
        Connect,
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=50),
        st.integers(0, 65535),
        st.booleans(),
        st.none() | names,
        st.none() | st.binary(max_size=200),
        st.none() | st.builds(Will, names, st.binary(max_size=9), st.integers(0, 2), st.booleans()),
    )
    | st.builds(Subscribe, ids, st.lists(st.tuples(names, st.integers(0, 2)), min_size=1, max_size=5).map(tuple))
    | st.builds(SubAck, ids, st.lists(st.sampled_from([0, 1, 2, 0x80]), min_size=1, max_size=5).map(tuple))
    | st.builds(Unsubscribe, ids, st.lists(names, min_size=1, max_size=5).map(tuple))
    | st.sampled_from([PubAck, PubRec, PubRel, PubComp, UnsubAck]).flatmap(lambda cls: st.builds(cls, ids))
    | st.sampled_from([PingReq(), PingResp(), Disconnect()])
    | st.builds(ConnAck, st.sampled_from(ConnectCode), st.booleans())
)


@pytest.mark.parametrize(("packet", "wire"), GOLDEN.values(), ids=GOLDEN)
def test_golden_when_coded_then_is_the_same_both_ways(packet, wire):
    assert encode(packet).hex() == wire.replace(" ", "")
    assert decode(bytes.fromhex(wire)) == packet


@pytest.mark.parametrize(
    ("size", "wire"),
    [
        (0, "00"),
        (127, "7f"),
        (128, "8001"),
        (16383, "ff7f"),
        (16384, "808001"),
        (2097151, "ffff7f"),
        (2097152, "80808001"),
        (268435455, "ffffff7f"),
    ],
)
def test_remaining_length_when_at_a_border_then_as_table_2_4_says(size, wire):
    assert remaining_length(size).hex() == wire


def test_remaining_length_when_beyond_four_bytes_then_refused():
    with pytest.raises(BadOption):
        remaining_length(268435456)


@given(packets)
def test_packet_when_encoded_and_decoded_then_is_the_same(packet):
    assert decode(encode(packet)) == packet


@given(st.lists(packets, min_size=1, max_size=4), st.integers(1, 9))
def test_stream_when_cut_into_pieces_then_gives_the_same_packets(sent, size):
    stream = b"".join(map(encode, sent))
    decoder, got = Decoder(), []
    for at in range(0, len(stream), size):
        decoder.feed(stream[at : at + size])
        while not isinstance(packet := decoder.next_packet(), Need):
            got.append(packet)
    assert got == sent
    assert decoder.held_bytes == 0


def test_decoder_when_nothing_is_half_received_then_holds_no_buffer():
    decoder = Decoder()
    decoder.feed(encode(PingReq()) + b"\xc0")
    assert decoder.next_packet() == PingReq()
    assert decoder.held_bytes == 1
    decoder.feed(b"\x00")
    assert decoder.next_packet() == PingReq()
    assert decoder._buffer is None


@pytest.mark.parametrize("limit", [7, 8])
def test_packet_when_longer_than_the_limit_then_refused_at_its_length(limit):
    decoder = Decoder(limit_bytes=limit)
    decoder.feed(bytes.fromhex("3007"))
    with pytest.raises(BadFormat):
        decoder.next_packet()


def test_packet_when_exactly_the_limit_then_taken():
    decoder = Decoder(limit_bytes=9)
    decoder.feed(bytes.fromhex(GOLDEN["publish"][1]))
    assert decoder.next_packet() == GOLDEN["publish"][0]


def test_length_when_written_with_more_bytes_than_needed_then_read():
    assert decode(bytes.fromhex("c08000")) == PingReq()


BROKEN = {
    "nothing": "",
    "half": "c0",
    "tail": "c00000",
    "type 0": "0000",
    "type 15": "f000",
    "five length bytes": "30ffffffff01",
    "PINGREQ with a body": "c00100",
    "PINGREQ with flags": "c100",
    "PUBREL without its flags": "60020001",
    "SUBSCRIBE without its flags": "8006000100016100",
    "packet id 0": "40020000",
    "PUBACK of three bytes": "4003000100",
    "PUBACK of one byte": "400100",
    "QoS 3": "360500016100010000"[:14],
    "duplicate of QoS 0": "3803000161",
    "empty topic": "30020000",
    "wildcard in a topic": "300300012b",
    "topic cut short": "3003000561",
    "topic not UTF-8": "30030001ff",
    "surrogate in a topic": "30050003eda080",
    "U+0000 in a topic": "3003000100",
    "QoS 1 without an id": "3203000161",
    "SUBSCRIBE to nothing": "82020001",
    "SUBSCRIBE with QoS 3": "820600010001 6103",
    "SUBSCRIBE with reserved bits": "820600010001 6111",
    "SUBSCRIBE to a#": "8207000100026123 00",
    "SUBSCRIBE without a QoS": "820500010001 61",
    "UNSUBSCRIBE from nothing": "a2020001",
    "SUBACK of nothing": "90020001",
    "SUBACK with code 3": "9003000103",
    "CONNACK with flags 2": "20020200",
    "CONNACK with code 6": "20020006",
    "CONNECT of another protocol": "100c000448545450 0402003c0000",
    "CONNECT with its reserved bit": "100c00044d515454 0403003c0000",
    "CONNECT with will QoS but no will": "100c00044d515454 040a003c0000",
    "CONNECT with will retain but no will": "100c00044d515454 0422003c0000",
    "CONNECT with will QoS 3": "101100044d515454 041e003c0000 0001770000",
    "CONNECT with a wildcard will": "101200044d515454 0406003c0000 00012b000161",
    "CONNECT with a password that is not there": "100c00044d515454 0442003c0000",
    "CONNECT with a tail": "100d00044d515454 0402003c0000 00",
    "CONNECT cut short": "100600044d515454",
}


@pytest.mark.parametrize("wire", BROKEN.values(), ids=BROKEN)
def test_broken_packet_when_decoded_then_bad_format(wire):
    with pytest.raises(BadFormat):
        decode(bytes.fromhex(wire))


UNSAYABLE = {
    "id 0": PubAck(0),
    "id 65536": PubRel(65536),
    "QoS 3": Publish("a", b"", 3, 1),
    "QoS 1 without id": Publish("a", b"", 1),
    "QoS 0 with id": Publish("a", b"", 0, 1),
    "wildcard": Publish("a/+", b""),
    "empty topic": Publish("", b""),
    "surrogate": Publish("\ud800", b""),
    "U+0000": Connect("a\0"),
    "keep-alive": Connect("a", 65536),
    "long password": Connect("a", password=bytes(65536)),
    "no filters": Subscribe(1, ()),
    "bad filter": Unsubscribe(1, ("a#",)),
}


@pytest.mark.parametrize("packet", UNSAYABLE.values(), ids=UNSAYABLE)
def test_packet_when_not_sayable_then_refused(packet):
    with pytest.raises(BadOption):
        encode(packet)


def test_garbage_when_decoded_then_one_error_type_only():
    """What is taken is written again to the same packet."""
    chance = random.Random(311)
    wires = [bytes.fromhex(wire) for _, wire in GOLDEN.values()]
    taken = 0
    for _ in range(40_000):
        wire = bytearray(chance.choice(wires))
        for _ in range(chance.randrange(1, 4)):
            at = chance.randrange(len(wire))
            match chance.randrange(3):
                case 0:
                    wire[at] = chance.randrange(256)
                case 1:
                    wire[at:at] = bytes([chance.randrange(256)])
                case _ if len(wire) > 2:
                    del wire[at]
                case _:
                    wire[-1] ^= 1
        if len(wire) > 1 and chance.random() < 0.8:
            wire[1] = (len(wire) - 2) & 0x7F
        try:
            packet = decode(bytes(wire))
        except BadFormat:
            continue
        taken += 1
        assert decode(encode(packet)) == packet
    assert taken > 4_000
