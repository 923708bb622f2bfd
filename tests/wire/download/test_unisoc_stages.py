"""The two stages of an 8850: which check where. Every hex string here is typed from platform-unisoc 7."""

from __future__ import annotations

import pytest

from moduline.wire.download.unisoc import (
    FDL_8850,
    FDL_ADDRESS,
    MAX_FDL_BYTES,
    MIN_FDL_BYTES,
    ROM_8850,
    BslBadCheck,
    BslDropped,
    BslFrame,
    BslListener,
    BslSync,
    pack_words,
)

ROM_VER = bytes.fromhex("7e 00 81 00 06 53 50 52 44 33 00 57 0a 7e")
FDL_VER = bytes.fromhex(
    "7e 00 81 00 22 53 70 72 65 61 64 74 72 75 6d 20 42 6f 6f 74 20 42 6c 6f 63 6b 20 76 65 72 73 69 6f 6e 20 31 2e 32"
    "00 a9 e9 7e"
)
STAGES = {"rom": (ROM_8850, ROM_VER), "fdl": (FDL_8850, FDL_VER)}
each_stage = pytest.mark.parametrize(("stage", "version"), STAGES.values(), ids=STAGES)


@each_stage
def test_stage_when_asked_for_its_version_then_three_flags_and_the_worked_answer(stage, version):
    """platform-unisoc 5.1, 6.2: 7E three times in both stages of the 8850."""
    assert stage.sync == bytes.fromhex("7e7e7e")
    assert stage.encode(0x81, stage.version) == version
    decoder = stage.device_decoder()
    assert decoder.feed(b"\x7e\x7e") == []
    assert decoder.feed(b"\x7e") == [BslSync()]
    assert stage.host_decoder().feed(version) == [BslFrame(0x81, stage.version)]


@pytest.mark.parametrize(
    ("kind", "words", "rom", "fdl"),
    [
        (0x00, (), "7e 00 00 00 00 00 00 7e", "7e 00 00 00 00 ff ff 7e"),
        (0x80, (), "7e 00 80 00 00 3b 5a 7e", "7e 00 80 00 00 ff 7f 7e"),
        (0x03, (), "7e 00 03 00 00 59 50 7e", "7e 00 03 00 00 ff fc 7e"),
        (0x04, (), "7e 00 04 00 00 dc c0 7e", "7e 00 04 00 00 ff fb 7e"),
        (0x82, (), "7e 00 82 00 00 55 3a 7e", "7e 00 82 00 00 ff 7d 5d 7e"),
        (0x8B, (), "7e 00 8b 00 00 cb ab 7e", "7e 00 8b 00 00 ff 74 7e"),
        (0x09, (921600,), "7e 00 09 00 04 00 0e 10 00 ba b8 7e", "7e 00 09 00 04 00 0e 10 00 ef e4 7e"),
    ],
)
def test_stage_when_the_same_message_is_sent_then_each_has_its_own_check(kind, words, rom, fdl):
    data = pack_words(*words)
    assert ROM_8850.encode(kind, data) == bytes.fromhex(rom)
    assert FDL_8850.encode(kind, data) == bytes.fromhex(fdl)
    (crossed,) = ROM_8850.host_decoder().feed(bytes.fromhex(fdl))
    assert isinstance(crossed, BslBadCheck)
    (crossed,) = FDL_8850.host_decoder().feed(bytes.fromhex(rom))
    assert isinstance(crossed, BslBadCheck)


def test_loader_when_sent_to_the_rom_then_the_worked_start_frame_and_its_limits():
    """platform-unisoc 2.9, 5.7: exactly 0x50800000, 256 bytes to 0x14000."""
    assert (FDL_ADDRESS, MIN_FDL_BYTES, MAX_FDL_BYTES) == (0x50800000, 256, 0x14000)
    start = ROM_8850.encode(0x01, pack_words(FDL_ADDRESS, 0xE580))
    assert start == bytes.fromhex("7e 00 01 00 08 50 80 00 00 00 00 e5 80 ef e4 7e")


@pytest.mark.parametrize(("stage", "most"), [(ROM_8850, 0x410), (FDL_8850, 0x3020)], ids=["rom", "fdl"])
def test_stage_when_a_packet_is_larger_than_the_device_takes_then_dropped_silently(stage, most):
    """platform-unisoc 5.3, 5.8."""
    decoder = stage.device_decoder()
    decoder.feed(stage.sync)
    assert decoder.feed(stage.encode(0x02, bytes(most))) == [BslFrame(0x02, bytes(most))]
    assert [type(event) for event in decoder.feed(stage.encode(0x02, bytes(most + 1)))] == [BslDropped]
    assert decoder.feed(stage.encode(0x00)) == [BslFrame(0x00)]


@pytest.mark.parametrize("size", [1, 2, 1000])
def test_listener_when_both_stages_are_heard_then_says_which_check_fits(size):
    stream = b"noise" + ROM_VER + FDL_VER + bytes.fromhex("7e 00 80 00 00 3b 5a 7e 7e 00 80 00 00 ff 7f 7e")
    listener = BslListener()
    heard = [pair for at in range(0, len(stream), size) for pair in listener.feed(stream[at : at + size])]
    assert [(check, event) for check, event in heard if isinstance(event, BslFrame)] == [
        ("crc16", BslFrame(0x81, b"SPRD3\0")),
        ("sum", BslFrame(0x81, b"Spreadtrum Boot Block version 1.2\0")),
        ("crc16", BslFrame(0x80)),
        ("sum", BslFrame(0x80)),
    ]
    assert all(check is None for check, event in heard if not isinstance(event, BslFrame))


def test_listener_when_neither_check_fits_then_no_stage_is_named():
    ((check, event),) = BslListener().feed(bytes.fromhex("7e 00 80 00 00 12 34 7e"))
    assert check is None
    assert isinstance(event, BslBadCheck)
