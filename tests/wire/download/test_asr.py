"""SMUX frames, greeting, commands and answers; bytes typed from platform-asr 4.1 to 4.3."""

from __future__ import annotations

import random

import pytest

from moduline.errors import BadFormat
from moduline.wire.download import asr as wire
from moduline.wire.download.asr import AbootAnswer, AbootCommand, AsrBulk, AsrDropped, AsrFrame, AsrGreeting

# platform-asr 4.1: bytes of a run of the vendor client against an emulator
HOST = bytes.fromhex("55 55 55 55 7E  7E 55 41 42 54 7E  7E 7D 21 04 00 7E  7E 7D 23") + b"getvar:version\x7e"
DEVICE = bytes.fromhex("7E 55 41 42 54  7E 55 41 42 54 7E  7E 7D 22 04 00 7E  7E 7D 23") + b"OKAY0.5\x7e"
HOST_EVENTS = [
    AsrGreeting(b"UUUU"),
    AsrGreeting(b"UABT"),
    AsrFrame(1, b"\x04\x00"),
    AsrFrame(3, b"getvar:version"),
]
DEVICE_EVENTS = [
    AsrGreeting(b"UABT"),
    AsrGreeting(b"UABT"),
    AsrFrame(2, b"\x04\x00"),
    AsrFrame(3, b"OKAY0.5"),
]
RUNS = [(HOST, HOST_EVENTS), (DEVICE, DEVICE_EVENTS)]


def decode(*pieces, **options):
    decoder = wire.AsrDecoder(**options)
    return [event for piece in pieces for event in decoder.feed(piece)]


@pytest.mark.parametrize(("run", "events"), RUNS)
def test_opening_when_decoded_whole_or_byte_by_byte_then_the_same_events(run, events):
    assert decode(run) == events
    assert decode(*[bytes([byte]) for byte in run]) == events
    assert decode(run[:7], run[7:13], run[13:]) == events


@pytest.mark.parametrize(
    ("made", "typed"),
    [
        (wire.PREAMBLE, "55 55 55 55 7E"),
        (wire.RAW_GREETING_SMUX, "7E 55 41 42 54"),
        (wire.FRAMED_GREETING_SMUX, "7E 55 41 42 54 7E"),
        (wire.RAW_GREETING_ETHOS, "7E 7E 55 55 55 55"),
        (wire.FRAMED_GREETING_ETHOS, "7E 55 55 55 55 7E"),
        (wire.encode_hello(1024), "7E 7D 21 04 00 7E"),
        (wire.encode_hello(2000), "7E 7D 21 07 D0 7E"),
        (wire.encode_hello(1024, wire.SmuxType.HELLO_REPLY), "7E 7D 22 04 00 7E"),
        (wire.encode_frame(wire.SmuxType.HEART_BEAT), "7E 7D 25 7E"),
        (wire.encode_frame(wire.SmuxType.ABOOT_DATA, b"\x7d\x5e\x7e"), "7E 7D 24 7D 5D 5E 7D 5E 7E"),
        (wire.encode_frame(wire.SmuxType.STDIO, b"\x7e\x00"), "7E 7D 5E 00 7E"),
        (wire.encode_frame(wire.SmuxType.ABOOT_CMD, b"OKAY0.5"), "7E 7D 23 4F 4B 41 59 30 2E 35 7E"),
    ],
)
def test_bytes_when_made_then_those_of_the_reference(made, typed):
    assert made == bytes.fromhex(typed)


def test_ethos_greeting_when_raw_and_framed_then_both_seen_and_the_next_frame_too():
    run = bytes.fromhex("7E 7E 55 55 55 55  7E 55 55 55 55 7E  7E 7D 23 02 E3 96 6C 7C 41 7E")
    mac = bytes.fromhex("02E3966C7C41")
    assert decode(run) == [AsrGreeting(b"UUUU"), AsrGreeting(b"UUUU"), AsrFrame(wire.EthosType.HELLO_REPLY, mac)]


def test_preamble_when_repeated_then_one_greeting_each_however_it_is_cut():
    for cut in range(20):
        run = wire.PREAMBLE * 4
        assert decode(run[:cut], run[cut:]) == [AsrGreeting(b"UUUU")] * 4


@pytest.mark.parametrize("frame_type", range(6))
def test_frame_when_any_payload_then_it_comes_back(frame_type):
    rng = random.Random(frame_type)
    for size in (1, 2, 3, 5, 255, 1024, 2000):
        payload = bytes(rng.choice((0x7D, 0x7E, 0x5D, 0x5E, 0x20, 0x41)) for _ in range(size))
        assert decode(wire.encode_frame(frame_type, payload)) == [AsrFrame(frame_type, payload)]


def test_content_when_cut_into_frames_then_none_is_longer_than_the_mtu():
    content = bytes(range(256)) * 17
    frames = decode(wire.encode_frames(wire.SmuxType.ABOOT_DATA, content, 1024))
    assert [len(frame.payload) for frame in frames] == [1024, 1024, 1024, 1024, 256]
    assert b"".join(frame.payload for frame in frames) == content
    assert wire.encode_frames(wire.SmuxType.ABOOT_DATA, b"", 1024) == b""


@pytest.mark.parametrize(
    ("broken", "dropped"),
    [
        (b"log text", AsrDropped(8, "noise")),
        (b"\x7e\x7d\x23OK\x7dAY\x7e", AsrDropped(5, "escape")),
        (b"\x7eab\x7d\x7e", AsrDropped(3, "escape")),
    ],
)
def test_garbage_when_before_a_frame_then_dropped_and_the_frame_found(broken, dropped):
    good = wire.encode_frame(wire.SmuxType.ABOOT_CMD, b"OKAY")
    assert decode(broken + good) == [dropped, AsrFrame(3, b"OKAY")]


def test_frame_when_it_never_ends_then_dropped_and_memory_stays_small():
    decoder = wire.AsrDecoder(max_payload_bytes=100)
    events = decoder.feed(b"\x7e" + b"a" * 5000)
    assert events == [AsrDropped(5000, "length")]
    assert decoder.feed(b"\x7e\x7d\x23OKAY\x7e") == [AsrFrame(3, b"OKAY")]
    assert wire.AsrDecoder(max_payload_bytes=100).feed(b"\x7e" + b"a" * 5000 + b"\x7e") == events


@pytest.mark.parametrize("seed", range(40))
def test_noise_when_of_any_kind_then_a_frame_behind_two_flags_is_found(seed):
    rng = random.Random(seed)
    noise = bytes(rng.choice((0x7E, 0x7D, 0x55, 0x41, rng.randrange(256))) for _ in range(rng.randrange(1, 400)))
    frame = wire.encode_frame(wire.SmuxType.ABOOT_CMD, b"OKAYfound")
    cut = rng.randrange(len(noise))
    assert decode(noise[:cut], noise[cut:], frame, frame)[-1] == AsrFrame(3, b"OKAYfound")


def test_bulk_when_requested_then_unframed_until_its_size_is_there():
    head = wire.encode_frame(wire.EthosType.TEXT, b"\x00\x00\x00\x00data-request:00000006")
    end = wire.encode_frame(wire.EthosType.TEXT, b"\x00\x00\x00\x00data-request:00000000")
    bulk = b"\x7e\x7d\x7eabc"
    events = decode(head + bulk[:4], bulk[4:] + end, takes_bulk=True)
    assert events[1:3] == [AsrBulk(b"\x7e\x7d\x7ea", 2), AsrBulk(b"bc", 0)]
    assert [type(event) for event in events] == [AsrFrame, AsrBulk, AsrBulk, AsrFrame]
    assert all(isinstance(event, AsrFrame) for event in decode(head + end))


@pytest.mark.parametrize(
    ("command", "text"),
    [
        (AbootCommand("getvar", "version-bootrom"), b"getvar:version-bootrom"),
        (AbootCommand.sized("download", 0x1000), b"download:00001000"),
        (AbootCommand.sized("progress", 1), b"progress:00000001"),
        (AbootCommand("verify"), b"verify"),
    ],
)
def test_command_when_packed_then_its_text_and_back(command, text):
    assert command.pack() == text
    assert wire.unpack_command(text) == command


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (b"OKAY2020.07.30", AbootAnswer("OKAY", "2020.07.30")),
        (b"FAILnot a sparse file image", AbootAnswer("FAIL", "not a sparse file image")),
        (b"DATA0000f000", AbootAnswer("DATA", "0000f000")),
        (b"INFO", AbootAnswer("INFO")),
        (b"PROG42", AbootAnswer("PROG", "42")),
    ],
)
def test_answer_when_packed_then_its_text_and_back(text, answer):
    assert answer.pack() == text
    assert wire.unpack_answer(text) == answer


def test_numbers_when_read_then_as_said_and_refused_when_they_are_none():
    assert AbootAnswer("DATA", "0000f000").size_bytes == 0xF000
    assert (AbootAnswer("PROG", "42").percent, AbootAnswer("PROG", "4x").percent) == (42, None)
    assert AbootAnswer("PROG", "1000").percent == 100
    for text in ("", "f000", "0x00f000", "0000f0000", "+000f000"):
        with pytest.raises(BadFormat):
            assert AbootAnswer("DATA", text).size_bytes
    with pytest.raises(BadFormat):
        wire.unpack_mtu(b"\0\0")
    assert wire.unpack_mtu(b"\x04\x00") == 1024


@pytest.mark.parametrize("payload", [b"", b"OKA", b"okay", b"\xff\xfe\xfd\xfc"])
def test_answer_when_unknown_then_refused(payload):
    with pytest.raises(BadFormat):
        wire.unpack_answer(payload)
    with pytest.raises(BadFormat):
        wire.unpack_command(payload if not payload.isascii() else b"x" * 128)
