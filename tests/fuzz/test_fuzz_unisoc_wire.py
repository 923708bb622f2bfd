"""Arbitrary bytes into the download decoders and the host session: events or coded errors, nothing else."""

from __future__ import annotations

import random

from burn.fake_module import PDL_ACK, VER, FakeModule, frame
from fuzz.mutations import mutations
from moduline.burn.drivers.unisoc import NvRead, Session
from moduline.burn.drivers.unisoc_table import State
from moduline.burn.plan import make_plan
from moduline.errors import ModulineError
from moduline.formats import nv
from moduline.package import read_package
from moduline.wire.at import LineDecoder
from moduline.wire.download.unisoc import (
    BslDecoder,
    PdlDecoder,
    PdlPacket,
    encode_bsl,
    pack_words,
    unpack_pdl_answer,
    unpack_pdl_request,
)
from package_maker import small_file

ANSWERS = PDL_ACK * 4 + VER + frame(0x80) * 6 + frame(0x93, b"\x7e\x7d" * 200) + frame(0x8B) + frame(0xFF, b"log")
REQUESTS = b"".join(
    [
        bytes.fromhex("ae0c000000ff0000000000000000000000000000"),
        b"\x7e\x7e\x7e",
        encode_bsl(1, pack_words(0x60010000, 0x1000)),
        encode_bsl(2, bytes(range(256)) * 8),
        encode_bsl(3),
    ]
)
OWN_NV = nv.write(nv.NvBlock(0x200, (nv.NvEntry(5, nv.encode_imei("868888777766665")),)))
PLAN = make_plan(read_package(small_file(), "small.pac"), verify="all")


def fragments(data, dice, sizes=(1, 2, 7, 64, 4095)):
    while data:
        size = dice.choice(sizes)
        yield data[:size]
        data = data[size:]


def test_decoders_when_fed_2000_mutations_then_events_only_and_never_more_than_came():
    dice = random.Random(20)
    for stream in mutations(REQUESTS + ANSWERS, 2000, seed=21):
        decoders = [PdlDecoder(), BslDecoder(), BslDecoder("crc16", sync_flags=3), LineDecoder()]
        for piece in fragments(stream, dice):
            for decoder in decoders:
                for event in decoder.feed(piece):
                    if isinstance(event, PdlPacket):
                        for unpack in (unpack_pdl_request, unpack_pdl_answer):
                            try:
                                unpack(event)
                            except ModulineError:
                                continue


def test_decoder_when_split_anywhere_then_the_same_frames():
    """Fragmentation changes nothing; where bytes were dropped the frames are still the same."""
    dice = random.Random(22)
    for stream in mutations(REQUESTS + ANSWERS, 300, seed=23):
        whole = [event for event in BslDecoder().feed(stream) if hasattr(event, "data")]
        decoder = BslDecoder()
        pieces = [event for piece in fragments(stream, dice) for event in decoder.feed(piece) if hasattr(event, "data")]
        assert pieces == whole


def clean_answers():
    """What a module says during a whole burn without faults."""
    session, module, said = Session(PLAN), FakeModule(nv=OWN_NV), b""
    session.start(0.0)
    while not session.is_over:
        answer = module.feed(session.bytes_to_send())
        said += answer
        events = session.receive(answer, 0.0) if answer else session.wake(session.wake_at)
        if any(isinstance(event, NvRead) for event in events):
            session.stored(0.0)
    return said


def test_session_when_fed_2000_mutations_then_coded_errors_only():
    dice = random.Random(24)
    reached = set()
    for stream in mutations(clean_answers(), 2000, seed=25):
        session = Session(PLAN)
        now = 0.0
        try:
            session.start(now)
            for piece in fragments(stream, dice, (1, 2, 7)):  # longer ones would run past the pause for NV
                now += 0.001
                events = [*session.wake(now), *session.receive(piece, now)]
                while any(isinstance(event, NvRead) for event in events):
                    events = session.stored(now)
                session.bytes_to_send()
                session.prepare()
                reached.add(session.state)
                if session.is_over:
                    break
        except ModulineError:
            reached.add("error")
            assert session.state is State.FAILED
    assert len(reached) > 15
