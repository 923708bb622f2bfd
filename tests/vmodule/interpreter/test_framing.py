"""Frames of the child's channels: whole, byte by byte, with a tail, and hostile."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moduline.errors import FlashCut
from moduline.nor.faulty import FaultyFlash
from moduline.nor.geometry import Geometry
from moduline.nor.memory import MemoryFlash
from moduline.vmodule.interpreter import framing
from moduline.vmodule.interpreter.flash_service import FlashService
from moduline.vmodule.interpreter.framing import BadFrameError, Call, CommandFrame, FlashRequest
from moduline.vmodule.interpreter.plan import MountPlan

CASES = [
    (framing.CommandFrames, b"E\x03\x00\x00\x00\x01ab", CommandFrame(b"E", b"\x01ab")),
    (framing.FlashRequests, b"E\x01\x00\x10\x00\x00\x00\x10\x00\x00", FlashRequest(b"E", 1, 4096, 4096, b"")),
    (framing.FlashRequests, b"P\x00\x02\x00\x00\x00\x03\x00\x00\x00xyz", FlashRequest(b"P", 0, 2, 3, b"xyz")),
    (framing.Calls, b'\x0a\x00\x00\x00\x02\x00\x00\x00{"op":"a"}hi', Call({"op": "a"}, b"hi")),
]


@pytest.mark.parametrize(("decoder", "data", "frame"), CASES)
def test_decoder_gives_the_frame_whole_byte_by_byte_and_with_a_tail(decoder, data, frame):
    assert decoder().feed(data) == [frame]
    pieces = decoder()
    assert [f for byte in data for f in pieces.feed(bytes([byte]))] == [frame]
    assert decoder().feed(data + data + data[:3]) == [frame, frame]


@pytest.mark.parametrize(
    ("decoder", "data"),
    [
        (framing.CommandFrames, b"E\xff\xff\xff\xff"),
        (framing.FlashRequests, b"Q" + bytes(9)),
        (framing.FlashRequests, b"P\x00\x00\x00\x00\x00\x00\x00\x00\x10"),
        (framing.Calls, b"\xff\xff\xff\x7f\x00\x00\x00\x00"),
        (framing.Calls, b"\x02\x00\x00\x00\x00\x00\x00\x00[]"),
        (framing.Calls, b"\x02\x00\x00\x00\x00\x00\x00\x00{}"),
        (framing.Calls, b"\x01\x00\x00\x00\x00\x00\x00\x00\xff"),
    ],
)
def test_decoder_when_the_rules_are_broken_says_so(decoder, data):
    with pytest.raises(BadFrameError):
        decoder().feed(data)


@pytest.mark.parametrize("decoder", [framing.CommandFrames, framing.FlashRequests, framing.Calls])
@given(data=st.binary(max_size=200))
def test_decoder_when_given_anything_gives_frames_or_a_bad_frame(decoder, data):
    try:
        decoder().feed(data)
    except BadFrameError:
        return


@given(st.binary(max_size=60))
def test_bodies_when_given_anything_are_values_or_a_bad_frame(body):
    for reader in (framing.names, framing.stage):
        try:
            reader(body)
        except BadFrameError:
            continue


def test_bodies_give_what_they_hold():
    assert framing.names(b'["a", "b"]') == ("a", "b")
    assert framing.stage(b'{"stage": "boot", "drain": 5}') == ("boot", 5)
    assert framing.stage(b'{"stage": "ready"}') == ("ready", 0)
    for body in (
        b'{"stage": 1}',
        b'{"stage": "x", "drain": -1}',
        b"[]",
        b'{"stage": "x", "drain": 99999999999999999999}',
    ):
        with pytest.raises(BadFrameError):
            framing.stage(body)


def test_answers_are_length_and_body():
    assert framing.answer(b"ab") == b"\x02\x00\x00\x00ab"
    assert framing.call_answer([1], b"xy") == b"\x09\x00\x00\x00\x03\x00\x00\x00[1]xy"
    assert framing.event("uart2", [0]) == framing.answer(b'{"to": "uart2", "value": [0]}')


# ---- the flash service ---------------------------------------------------------------------------------------------

SIZE = 16 * 4096
MOUNTS = (
    MountPlan("/usr", "customer_fs", 4096, 8 * 4096, "lfs1", 7),
    MountPlan("/bak", "backup", 9 * 4096, 4 * 4096, "lfs1", 3),
)


def request(op, mount, offset, size, data=b""):
    return struct.pack("<cBII", op, mount, offset, size) + data


def service(cuts=""):
    flash = FaultyFlash(MemoryFlash(Geometry(SIZE)), cuts)
    return flash, FlashService(flash, MOUNTS)


def test_flash_service_programs_and_erases_inside_the_named_partition():
    flash, serve = service()
    assert serve.feed(request(b"P", 1, 16, 4, b"\x12\x34\x56\x78")) == bytes(4)
    assert flash.read(9 * 4096 + 16, 4) == b"\x12\x34\x56\x78"
    assert serve.feed(request(b"X", 1, 0, 4096, b"\x55" * 4096)) == bytes(4)
    assert flash.read(9 * 4096, 4096) == b"\x55" * 4096
    assert flash.flash.counts.erases == 1
    assert serve.feed(request(b"E", 1, 0, 4096)) == bytes(4)
    assert flash.read(9 * 4096, 4096) == b"\xff" * 4096


def test_flash_service_when_nor_rules_are_broken_refuses_and_remembers():
    flash, serve = service()
    serve.feed(request(b"P", 0, 0, 1, b"\x00"))
    assert serve.feed(request(b"P", 0, 0, 1, b"\x01")) == b"\x01\x00\x00\x00\x01"
    assert [violation.facts["operation"] for violation in serve.violations] == ["program"]
    assert flash.read(4096, 1) == b"\x00"


def test_flash_service_when_the_power_is_cut_sends_no_answer():
    flash, serve = service("cut@1")
    with pytest.raises(FlashCut):
        serve.feed(request(b"X", 0, 0, 4096, b"\x55" * 4096))
    assert not flash.is_powered


def test_flash_service_when_a_request_leaves_its_partition_refuses_the_child():
    for bad in (request(b"E", 0, 8 * 4096, 4096), request(b"P", 1, 4 * 4096 - 1, 2, b"ab"), request(b"E", 2, 0, 4096)):
        with pytest.raises(BadFrameError):
            service()[1].feed(bad)
