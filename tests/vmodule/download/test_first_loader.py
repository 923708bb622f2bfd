from __future__ import annotations

import pytest

from moduline.vmodule.download.events import BaudChanged, Panicked, StageEntered
from moduline.vmodule.download.first_loader import TABLE
from moduline.wire.download.unisoc import BslCommand, encode_bsl, pack_words
from unisoc_host import ACK, LOADER_2, uimage


@pytest.fixture
def fdl1(host):
    host.load_first()
    assert host.raw(b"\x7e").startswith(b"\x7e\x00\x81")
    return host


def test_table_when_walked_then_every_state_is_reached_and_left():
    reached, frontier = {"ready"}, ["ready"]
    while frontier:
        state = frontier.pop()
        for (source, _), target in TABLE.items():
            if source == state and target not in reached:
                reached.add(target)
                frontier.append(target)
    assert reached == {"ready", "loading", "loaded", "jumped"}


def test_fdl1_when_not_greeted_then_hears_nothing(host):
    host.load_first()
    assert host.raw(encode_bsl(BslCommand.CONNECT)[1:]).startswith(b"\x7e\x00\x81")  # its closing flag is a flag
    assert host.code(BslCommand.CONNECT) == ACK


def test_fdl1_when_image_is_right_then_fdl2_answers(fdl1):
    assert fdl1.write(0x810000, LOADER_2) == [ACK, ACK, ACK]
    assert fdl1.code(BslCommand.EXEC_DATA) == ACK
    assert StageEntered("fdl2") in fdl1.events


@pytest.mark.parametrize("packet", [0x210, 0x800, 0x840])
def test_fdl1_when_packets_have_any_usual_size_then_taken(fdl1, packet):
    assert set(fdl1.write(0x810000, uimage(bytes(5000)), packet)) == {ACK}


def test_fdl1_when_packet_is_oversized_then_dropped_silently(fdl1):
    fdl1.code(BslCommand.START_DATA, 0x810000, 0x2000)
    assert fdl1.bsl(BslCommand.MIDST_DATA, bytes(0x1000)) is None
    assert fdl1.bsl(BslCommand.MIDST_DATA, bytes(0x800))[0] == ACK


def test_fdl1_when_start_is_too_large_then_size_error_and_silence(fdl1):
    assert fdl1.code(BslCommand.START_DATA, 0x810000, 0x30001) == 0x8A
    assert fdl1.code(BslCommand.CONNECT) is None
    assert Panicked("bad-start") in fdl1.events


@pytest.mark.parametrize("command", [0x05, 0x06, 0x0A, 0x0B, 0x17, 0x25, 0x7F])
def test_fdl1_when_command_is_not_its_own_then_silence(fdl1, command):
    assert fdl1.bsl(command) is None
    assert fdl1.code(BslCommand.CONNECT) is None


def test_fdl1_when_check_is_wrong_then_silence(fdl1):
    assert fdl1.raw(bytes.fromhex("7e 00 00 00 00 ff fe 7e")) == b""
    assert fdl1.code(BslCommand.CONNECT) is None


def test_fdl1_when_check_is_wrong_and_switched_then_0x8b(fdl1, faults):
    faults.is_bad_check_answered = True
    assert fdl1.raw(bytes.fromhex("7e 00 00 00 00 ff fe 7e")) == bytes.fromhex("7e 00 8b 00 00 ff 74 7e")
    assert fdl1.code(BslCommand.CONNECT) == ACK


@pytest.mark.parametrize("command", [BslCommand.MIDST_DATA, BslCommand.END_DATA, BslCommand.EXEC_DATA])
def test_fdl1_when_nothing_was_started_then_0x86(fdl1, command):
    assert fdl1.bsl(command)[0] == 0x86


def test_fdl1_when_content_is_too_long_or_short_then_size_error(fdl1):
    assert fdl1.write(0x810000, bytes(100), size=99)[-1] == 0x8A
    assert fdl1.write(0x810000, bytes(100), size=101)[-1] == 0x8A


def test_fdl1_when_image_is_damaged_then_exec_ends_in_silence(fdl1):
    fdl1.write(0x810000, LOADER_2[:-1] + b"\0")
    assert fdl1.code(BslCommand.EXEC_DATA) is None
    assert Panicked("bad-image") in fdl1.events


def test_fdl1_when_baud_changes_then_reported(fdl1):
    assert fdl1.bsl(BslCommand.CHANGE_BAUD, pack_words(921600))[0] == ACK
    assert BaudChanged(921600) in fdl1.events
    assert fdl1.bsl(BslCommand.CHANGE_BAUD)[0] == 0x82
