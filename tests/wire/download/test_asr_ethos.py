"""ETHOS: Ethernet, IPv6, neighbour discovery, fastboot over UDP; worked bytes typed from platform-asr 4.1."""

from __future__ import annotations

import random

import pytest

from moduline.errors import BadFormat
from moduline.wire.download import asr, asr_ethos
from moduline.wire.download.asr_ethos import Advertisement, Datagram, EthosPacket, Solicitation

HOST = bytes.fromhex("00 72 ca ac 95 2c")
DEVICE = bytes.fromhex("02 e3 96 6c 7c 41")
QUERY = bytes.fromhex(
    "7E 02 E3 96 6C 7C 41 00 72 CA AC 95 2C 86 DD 60 00 00 00 00 0C 11 40 FE 80 00 00 00 00 00 00 02 72 CA FF FE AC 95 2C"
    "FE 80 00 00 00 00 00 00 00 E3 96 FF FE 6C 7C 41 15 B1 15 B2 00 0C 62 95 01 00 00 00 7E"
)
ANSWER_TAIL = bytes.fromhex("15 B2 15 B1 00 0E 50 5D 01 00 00 00 12 34 7E")


def inner(frame):
    (event,) = asr.AsrDecoder().feed(frame)
    assert event.type == asr.EthosType.DATA
    return event.payload


def test_query_when_encoded_then_the_worked_bytes():
    payload = asr_ethos.pack_packet(EthosPacket(1, 0))
    assert asr_ethos.encode_datagram(HOST, DEVICE, (5553, 5554), payload) == QUERY
    assert asr_ethos.decode_ethernet(inner(QUERY)) == Datagram(HOST, DEVICE, 5553, 5554, payload)


def test_answer_when_encoded_then_it_ends_in_the_worked_bytes():
    payload = asr_ethos.pack_packet(EthosPacket(1, 0, b"\x12\x34"))
    frame = asr_ethos.encode_datagram(DEVICE, HOST, (5554, 5553), payload)
    assert frame.endswith(ANSWER_TAIL)
    assert asr_ethos.unpack_packet(asr_ethos.decode_ethernet(inner(frame)).payload) == EthosPacket(1, 0, b"\x12\x34")


def test_addresses_when_made_from_macs_then_those_of_the_worked_bytes():
    assert asr_ethos.link_local(HOST).hex() == "fe80000000000000" + "0272cafffeac952c"
    assert asr_ethos.link_local(DEVICE).hex() == "fe80000000000000" + "00e396fffe6c7c41"


def test_neighbour_discovery_when_asked_and_answered_then_standard_bytes():
    ask = inner(asr_ethos.encode_solicitation(HOST, asr_ethos.link_local(DEVICE)))
    assert ask[:6].hex() == "3333ff6c7c41"  # RFC 4291: group of the last three bytes
    assert ask[21] == 255
    assert ask[38:54].hex() == "ff0200000000000000000001ff6c7c41"
    assert ask[54:56].hex() == "8700"
    assert asr_ethos.decode_ethernet(ask) == Solicitation(HOST, asr_ethos.link_local(DEVICE))
    told = inner(asr_ethos.encode_advertisement(DEVICE, HOST))
    assert told[58:62].hex() == "e0000000"
    assert asr_ethos.decode_ethernet(told) == Advertisement(DEVICE, asr_ethos.link_local(DEVICE))


@pytest.mark.parametrize("size", [0, 1, 2, 3, 511, 2044])
def test_datagram_when_any_size_then_it_comes_back_and_no_flipped_bit_does(size):
    rng = random.Random(size)
    payload = rng.randbytes(size)
    frame = inner(asr_ethos.encode_datagram(HOST, DEVICE, (5553, 5554), payload))
    assert asr_ethos.decode_ethernet(frame) == Datagram(HOST, DEVICE, 5553, 5554, payload)
    for at in range(22, min(len(frame), 200)):  # from the IPv6 addresses on, all is in the checksum
        broken = bytearray(frame)
        broken[at] ^= 1 << rng.randrange(8)
        assert asr_ethos.decode_ethernet(bytes(broken)) is None, at


def test_checksum_when_compared_with_the_textbook_then_the_same():
    rng = random.Random(7)
    for _ in range(50):
        payload = rng.randbytes(rng.randrange(64))
        frame = inner(asr_ethos.encode_datagram(HOST, DEVICE, (5553, 5554), payload))
        pseudo = frame[22:54] + (8 + len(payload)).to_bytes(4, "big") + (17).to_bytes(4, "big") + frame[54:]
        pseudo += b"\0" * (len(pseudo) % 2)
        total = sum(int.from_bytes(pseudo[at : at + 2], "big") for at in range(0, len(pseudo), 2))
        while total > 0xFFFF:
            total = (total & 0xFFFF) + (total >> 16)
        assert total == 0xFFFF


@pytest.mark.parametrize("seed", range(20))
def test_frame_when_random_then_nothing_or_a_message(seed):
    rng = random.Random(seed)
    asr_ethos.decode_ethernet(rng.randbytes(rng.randrange(200)))
    short = inner(QUERY)[: rng.randrange(len(inner(QUERY)))]
    assert asr_ethos.decode_ethernet(short) is None


def test_packets_when_too_short_then_refused_and_init_is_as_said():
    assert asr_ethos.pack_init(0x0800).hex() == "00010800"
    assert asr_ethos.unpack_init(bytes.fromhex("00010400")) == (1, 0x400)
    for unpack in (asr_ethos.unpack_packet, asr_ethos.unpack_init):
        with pytest.raises(BadFormat):
            unpack(b"\0\0\0")


def test_data_request_when_encoded_then_a_text_frame_that_a_device_takes_content_behind():
    frame = asr_ethos.encode_data_request(0x1234, 5)
    assert frame == bytes.fromhex("7E 7D 21 03 00 12 34") + b"data-request:00000005\x7e"
    events = asr.AsrDecoder(takes_bulk=True).feed(frame + b"\x7e\x7d123" + asr_ethos.encode_data_request(1, 0))
    assert [type(event) for event in events] == [asr.AsrFrame, asr.AsrBulk, asr.AsrFrame]
