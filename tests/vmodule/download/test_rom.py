from __future__ import annotations

import pytest

from moduline.vmodule.download.events import Connected, StageEntered
from moduline.vmodule.download.rom import TABLE
from moduline.wire.download.unisoc import PdlCommand, PdlRequest, encode_pdl_request
from unisoc_host import LOADER_1, Host, uimage

STATES = {state for state, _ in TABLE} | set(TABLE.values())
KNOWN = {command for _, command in TABLE}


def brought_to(host, state):
    """Bring the ROM into a state by the shortest way."""
    image = LOADER_1
    steps = {
        "idle": 0,
        "connected": 1,
        "loading": 2,
        "loaded": 4,
    }[state]
    actions = [
        lambda: host.pdl(PdlCommand.CONNECT),
        lambda: host.pdl(PdlCommand.START_DATA, 0x8000C0, len(image)),
        lambda: host.pdl(PdlCommand.MID_DATA, 0, len(image), image),
        lambda: host.pdl(PdlCommand.END_DATA),
    ]
    for action in actions[:steps]:
        assert action() == 0
    return host


def test_table_when_walked_then_every_state_is_reached_and_left():
    reached, frontier = {"idle"}, ["idle"]
    while frontier:
        state = frontier.pop()
        for (source, _), target in TABLE.items():
            if source == state and target not in reached:
                reached.add(target)
                frontier.append(target)
    assert reached == STATES
    assert {state for state, _ in TABLE} == STATES - {"jumped"}


@pytest.mark.parametrize("state", sorted(STATES - {"jumped"}))
@pytest.mark.parametrize("command", sorted(KNOWN))
def test_rom_when_command_is_not_in_the_table_then_invalid_command(host, state, command):
    if (state, command) not in TABLE:
        assert brought_to(host, state).pdl(command, 0x8000C0, 16) == 2


@pytest.mark.parametrize("command", [1, 2, 3, 8, 9, 10, 11, 12, 99])
def test_rom_when_command_is_unknown_then_unknown_command(host, command):
    assert host.pdl(command) == 3


@pytest.mark.parametrize("address", [0x800000, 0x8000C0, 0x838000, 0x83FFF0])
def test_rom_when_start_is_anywhere_in_the_window_then_accepted(host, address):
    assert host.pdl(PdlCommand.START_DATA, address, 16) == 0


@pytest.mark.parametrize(("address", "size"), [(0x7FFFFF, 1), (0x840000, 16), (0x83FFF0, 17), (0, 0xFFFFFFFF)])
def test_rom_when_start_leaves_the_window_then_invalid_address(host, address, size):
    assert host.pdl(PdlCommand.START_DATA, address, size) == 4


def test_rom_when_chunk_is_longer_than_packet_or_file_then_invalid_size(host):
    brought_to(host, "loading")
    assert host.pdl(PdlCommand.MID_DATA, 0, 17, bytes(16)) == 7
    assert host.pdl(PdlCommand.MID_DATA, 0, len(LOADER_1) + 1, LOADER_1 + b"x") == 7


def test_rom_when_end_comes_early_then_invalid_size(host):
    brought_to(host, "loading")
    assert host.pdl(PdlCommand.END_DATA) == 7


def test_rom_when_chunk_index_is_wrong_then_not_looked_at(host):
    brought_to(host, "loading")
    assert host.pdl(PdlCommand.MID_DATA, 77, len(LOADER_1), LOADER_1) == 0
    assert host.pdl(PdlCommand.END_DATA) == 0


@pytest.mark.parametrize("at", [0, 5, 30, 70])
def test_rom_when_image_is_damaged_then_verify_error_at_exec(host, at):
    damaged = bytearray(LOADER_1)
    damaged[at] ^= 1
    assert host.load_first(bytes(damaged))[-1] == 9


def test_rom_when_image_carries_a_signature_then_runs_it(host):
    signed = LOADER_1 + b"\xff" * 0x40 + b"RDASVDB2".ljust(0x260, b"\0")
    assert host.load_first(signed)[-1] is None
    assert StageEntered("fdl1") in host.events


def test_rom_when_loader_is_of_another_vendor_at_0x838000_then_runs_it(host):
    assert host.load_first(uimage(b"other" * 99, 0x838040), 0x838000)[-1] is None


def test_rom_when_header_is_impossible_then_silent(host):
    assert host.raw(bytes.fromhex("ae 0c 00 00 00 ee 00 00") + bytes(12)) == b""
    assert host.raw(bytes.fromhex("ae 03 00 00 00 ff 00 00")) == b""
    assert host.raw(bytes.fromhex("ae 0d 08 00 00 ff 00 00")) == b""
    assert host.pdl(PdlCommand.CONNECT) == 0


def test_rom_when_noise_comes_before_a_request_then_skipped(host):
    assert host.raw(b"\x7e\x7eAT\r\n" + encode_pdl_request(PdlRequest(0)))[8:] == bytes(4)


def test_rom_when_bytes_come_one_by_one_then_same_answers(storage, faults, host):
    sent = b"".join(
        encode_pdl_request(request)
        for request in (
            PdlRequest(0),
            PdlRequest(4, 0x8000C0, len(LOADER_1), b"PDL1\0"),
            PdlRequest(5, 0, len(LOADER_1), LOADER_1),
            PdlRequest(6),
        )
    )
    assert b"".join(host.raw(sent[i : i + 1]) for i in range(len(sent))) == host_of(storage, faults).raw(sent)


def host_of(storage, faults):
    from moduline.vmodule.download.unisoc import DownloadSession

    return Host(DownloadSession(storage, faults))


def test_rom_when_first_connect_comes_then_reported_once(host):
    host.pdl(PdlCommand.CONNECT)
    host.pdl(PdlCommand.CONNECT)
    assert host.events.count(Connected()) == 1
