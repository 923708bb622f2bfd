"""Frames: the vectors of ota-semantics 14, every cut, noise, and garbage."""

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moduline.errors import BadFormat, BadOption
from moduline.wire.quecthing.frame import Frame, FrameReader, Need, decode, encode

# ota-semantics 14, typed: (bytes on the wire, packet id, command, payload)
VECTORS = [
    (
        "AAAA0018C10001011500CB0002563100D300096D6375313A312E303B",
        (1, 0x0115, "00CB0002563100D300096D6375313A312E303B"),
    ),
    (
        "AAAA00292700020111002300036D6F64002B00025631003300025632003A00000042001E004A014CC800528071",
        (2, 0x0111, "002300036D6F64002B00025631003300025632003A00000042001E004A014CC800528071"),
    ),
    ("AAAA000A7CAA55AA0115001201AA5555", (0xAAAA, 0x0115, "001201AA55")),
    ("AAAA00093100080114006A00AA55", (8, 0x0114, "006A00AA")),
    (
        "AAAA0029CC000900B4002B00203030313132323333343435353636373738383939616162626363646465656666",
        (9, 0x00B4, "002B00203030313132323333343435353636373738383939616162626363646465656666"),
    ),
]
frames = st.builds(
    Frame,
    st.integers(1, 0xFFFE) | st.sampled_from([0xAAAA, 0xAA55, 0x55AA, 0x00AA]),
    st.integers(0, 0xFFFF) | st.sampled_from([0xAAAA, 0xAA55, 0x55AA]),
    st.binary(max_size=64) | st.lists(st.sampled_from(b"\xaa\x55\x00"), max_size=64).map(bytes),
)


@pytest.mark.parametrize(("wire", "meant"), VECTORS)
def test_vector_when_coded_then_is_the_same_both_ways(wire, meant):
    frame = Frame(meant[0], meant[1], bytes.fromhex(meant[2]))
    assert encode(frame).hex().upper() == wire
    assert decode(bytes.fromhex(wire)) == frame


@given(frames)
def test_frame_when_encoded_and_decoded_then_is_the_same(frame):
    """Invariant 9."""
    wire = encode(frame)
    assert decode(wire) == frame
    assert wire.find(b"\xaa\xaa", 1) < 0
    assert not wire.endswith(b"\xaa")


@given(st.lists(frames, min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_stream_when_cut_anywhere_then_gives_the_same_frames(sent, chance):
    stream = b"".join(b"\x00noise\x01" + encode(frame) for frame in sent) + b"\xaa"
    cuts = sorted(chance.sample(range(len(stream) + 1), min(6, len(stream))))
    reader, got = FrameReader(), []
    for begin, end in pairwise([0, *cuts, len(stream)]):
        reader.feed(stream[begin:end])
        while not isinstance(frame := reader.next_frame(), Need):
            got.append(frame)
    assert got == sent
    assert reader.held_bytes == 1


def test_length_when_it_holds_aa_then_is_stuffed():
    for size in (0xAA - 5, 0xAA00 - 5, 0xAAAA - 5, 0xAA55 - 5, 0x55AA - 5, 0x5500 - 5, 0xFFFF - 5):
        frame = Frame(1, 2, bytes(size))
        assert decode(encode(frame)) == frame


def test_reader_when_a_stray_aa_precedes_a_frame_then_finds_it():
    reader = FrameReader()
    reader.feed(b"\xaa" + encode(Frame(1, 2, b"x")))
    with pytest.raises(BadFormat):
        reader.next_frame()
    assert reader.next_frame() == Frame(1, 2, b"x")


def test_reader_when_a_frame_breaks_off_then_finds_the_next():
    reader = FrameReader()
    reader.feed(encode(Frame(1, 2, b"a long one that never ends"))[:-8] + encode(Frame(3, 4, b"x" * 40)))
    with pytest.raises(BadFormat):
        reader.next_frame()
    assert reader.next_frame() == Frame(3, 4, b"x" * 40)


def test_reader_when_a_frame_is_longer_than_the_limit_then_refuses_before_collecting():
    reader = FrameReader(limit_bytes=100)
    reader.feed(b"\xaa\xaa\x01\x00")
    with pytest.raises(BadFormat) as caught:
        reader.next_frame()
    assert caught.value.facts["offset"] == 2


BROKEN = {
    "empty": ("", 0),
    "no begin": ("0018C1", 0),
    "cut short": ("AAAA0018C1000101", 8),
    "length below five": ("AAAA000400010115", 2),
    "checksum": ("AAAA0005FF00010115", 4),
    "packet id 0": ("AAAA00051600000115", 5),
    "packet id FFFF": ("AAAA000514FFFF0115", 5),
    "tail": ("AAAA0005170001011500", 9),
    "last AA not stuffed": ("AAAA00093100080114006A00AA", 13),
    "a begin inside": ("AAAA000A7CAAAA0115001201AA55", 5),
}


@pytest.mark.parametrize(("wire", "offset"), BROKEN.values(), ids=BROKEN)
def test_broken_frame_when_decoded_then_says_where(wire, offset):
    with pytest.raises(BadFormat) as caught:
        decode(bytes.fromhex(wire))
    assert caught.value.facts["offset"] == offset


@pytest.mark.parametrize("frame", [Frame(0, 1), Frame(0xFFFF, 1), Frame(1, 0x10000), Frame(1, 1, bytes(0xFFFB))])
def test_frame_when_not_sayable_then_refused(frame):
    with pytest.raises(BadOption):
        encode(frame)


def test_every_byte_when_changed_then_refused_or_another_frame():
    wire = encode(Frame(0xAA55, 0x0115, b"\x00\xaa\xaa\x55"))
    for at in range(len(wire)):
        for flip in range(1, 256):
            hurt = bytes([*wire[:at], wire[at] ^ flip, *wire[at + 1 :]])
            try:
                found = decode(hurt)
            except BadFormat:
                continue
            assert encode(found)  # two errors that cancel out in the sum are a frame: nothing else may come


def test_garbage_when_decoded_then_one_error_type_only():
    chance = random.Random(9)
    for _ in range(40_000):
        size = chance.randrange(24)
        begin = chance.choice([b"", b"\xaa\xaa", b"\xaa\xaa\x00"])
        garbage = begin + bytes(chance.choices(chance.choice([range(256), b"\xaa\x55\x00\x05\x01"]), k=size))
        try:
            frame = decode(garbage)
        except BadFormat:
            continue
        assert len(frame.payload) <= len(garbage)
