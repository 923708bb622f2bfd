import struct

import pytest

from eigen_bench import Bench
from eigen_host import AGBOOT, AGENTBOOT, AP_ID, BOOT_ID, DLBOOT, LPC, head, rom_packet
from moduline.vmodule.download.eigen_rom import TABLE
from moduline.vmodule.download.events import BaudChanged, Connected, PartBegun, PartDone, StageEntered

NAK = 1


@pytest.fixture
def bench():
    return Bench()


@pytest.fixture
def host(bench):
    return bench.host


def words(value):
    return struct.pack("<I", value)


def test_rom_when_all_is_right_then_any_agentboot_starts_and_everything_is_told(bench, host):
    host.start_agentboot(b"not from the maker" * 100)
    assert bench.host.session.stage == "agentboot"
    assert host.events == [
        Connected(),
        BaudChanged(921600),
        PartBegun(0x04010000, 1800),
        PartDone(0x04010000, 1800),
        StageEntered("agentboot"),
    ]
    assert host.session.content_bytes == 272 + 1800
    assert bench.flash.flash.counts.operations == 0


def test_rom_when_only_one_word_or_none_comes_then_silent(host):
    assert host.raw(DLBOOT) == b""
    assert host.raw(DLBOOT) == DLBOOT  # the second half completes the pair
    host.wait(20)
    assert host.raw(b"\x55" * 8) == b""
    assert host.raw(AGBOOT * 2) == b""
    assert host.raw(LPC * 2) == b""


@pytest.mark.parametrize("pair", [DLBOOT + b"\0\0\0\0", b"junk" + DLBOOT])
def test_rom_idle_when_either_half_is_the_word_then_echo_and_the_rest_is_gone(host, pair):
    assert host.raw(pair + rom_packet(0x20)) == DLBOOT
    assert host.raw(rom_packet(0x20))[:4] == bytes.fromhex("2000CD32")


def test_rom_in_a_session_when_only_one_half_is_the_word_then_silent(host):
    host.raw(DLBOOT * 2)
    assert host.raw(DLBOOT + b"junk") == b""
    assert host.raw(DLBOOT * 2) == DLBOOT


def test_rom_when_not_synchronised_then_requests_are_not_heard(host):
    assert host.raw(rom_packet(0x20)) == b""
    host.raw(DLBOOT * 2)
    host.rom_content(head(BOOT_ID, AGENTBOOT), 0x110)
    assert host.raw(rom_packet(0x20)) == b""


def test_rom_when_asked_how_much_then_the_whole_head_then_0x400_then_the_rest(host):
    host.raw(DLBOOT * 2)
    assert host.raw(rom_packet(0x31, words(0x110)))[6:] == words(0x110)
    host.raw(rom_packet(0x32, head(BOOT_ID, b"x" * 0x500)))
    host.raw(rom_packet(0x3A))
    host.raw(DLBOOT * 2)
    assert host.raw(rom_packet(0x31, words(0x500)))[6:] == words(0x400)
    host.raw(rom_packet(0x32, b"x" * 0x400))
    assert host.raw(rom_packet(0x31, words(0x100)))[6:] == words(0x100)


def state_of(said):
    return said[4] if said else None


@pytest.mark.parametrize("flip", range(8 + 16 + 4))
def test_rom_data_when_one_byte_is_wrong_then_never_acknowledged(host, flip):
    host.raw(DLBOOT * 2)
    host.rom_content(head(BOOT_ID, b"x" * 16), 0x110)
    host.raw(DLBOOT * 2)
    host.raw(rom_packet(0x31, words(16)))
    right = bytearray(rom_packet(0x32, b"x" * 16))
    right[flip] ^= 0x41
    said = host.raw(bytes(right))
    # a wrong command or marker makes it another packet or none; everything else is a wrong sum, or never whole
    assert not said.startswith(bytes.fromhex("32")) or state_of(said) == NAK


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        (rom_packet(0x55), "unknown"),
        (rom_packet(0x31, b"\x10"), "short"),
        (rom_packet(0x31, words(0)), "nothing"),
        (rom_packet(0x31, words(0x111)), "more than a head"),
        (rom_packet(0x32, b"1234"), "without a head of data"),
        (rom_packet(0x3A), "nothing received"),
    ],
)
def test_rom_when_a_request_is_wrong_then_state_1_and_it_goes_on(host, request_, why):
    host.raw(DLBOOT * 2)
    said = host.raw(request_)
    assert (state_of(said), len(said)) == (NAK, 6), why
    assert state_of(host.raw(rom_packet(0x20))) == 0


@pytest.mark.parametrize(
    "bad",
    [
        head(AP_ID, AGENTBOOT),
        head(BOOT_ID, AGENTBOOT, magic=0x10000002),
        head(BOOT_ID, AGENTBOOT, size=0),
        head(BOOT_ID, AGENTBOOT, size=1 << 30),
        head(BOOT_ID, AGENTBOOT, skip=1),
        head(BOOT_ID, AGENTBOOT, mode=0xAA)[:-1] + b"\x01",
    ],
    ids=["other-id", "no-head", "empty", "huge", "skip", "checked-hash"],
)
def test_rom_when_the_head_is_wrong_then_refused(host, bad):
    host.raw(DLBOOT * 2)
    assert state_of(host.rom_content(bad, 0x110)[-1]) == NAK


@pytest.mark.parametrize(("mode", "state"), [(0xEE, 0), (0xAA, NAK), (0xDD, NAK)])
def test_rom_when_the_hash_of_the_agentboot_is_wrong_then_refused_only_where_it_is_checked(host, mode, state):
    host.raw(DLBOOT * 2)
    host.rom_content(head(BOOT_ID, AGENTBOOT, mode=mode, digest=bytes(32)), 0x110)
    host.raw(DLBOOT * 2)
    assert state_of(host.rom_content(AGENTBOOT, 0x400)[-1]) == state


@pytest.mark.parametrize(("mode", "state"), [(0xEE, 0), (0xAA, NAK)])
def test_rom_when_the_head_states_more_than_comes_then_started_unless_hashes_are_checked(host, mode, state):
    """beanio's downloader states a multiple of 0x4000 and sends what there is."""
    host.raw(DLBOOT * 2)
    host.rom_content(head(BOOT_ID, AGENTBOOT, size=0x4000, mode=mode), 0x110)
    host.raw(DLBOOT * 2)
    assert state_of(host.rom_content(AGENTBOOT, 0x400)[-1]) == state


def test_rom_when_no_agentboot_came_then_done_is_refused(host):
    host.raw(DLBOOT * 2)
    host.rom_content(head(BOOT_ID, AGENTBOOT), 0x110)
    host.raw(DLBOOT * 2)
    assert state_of(host.raw(rom_packet(0x3A))) == NAK


def test_rom_done_when_repeated_then_acknowledged_again(host):
    host.raw(DLBOOT * 2)
    host.rom_content(head(BOOT_ID, AGENTBOOT), 0x110)
    assert host.raw(rom_packet(0x3A)) == bytes.fromhex("3A00CD320000")
    assert host.raw(DLBOOT * 2) == DLBOOT


def test_rom_when_a_host_dies_in_a_packet_then_the_next_one_is_heard(host):
    host.raw(DLBOOT * 2)
    host.rom_content(head(BOOT_ID, AGENTBOOT), 0x110)
    host.raw(DLBOOT * 2)
    host.raw(rom_packet(0x31, words(len(AGENTBOOT))))
    host.raw(rom_packet(0x32, AGENTBOOT[:0x400])[:100])
    assert host.wait(17) == b""
    host.start_agentboot()


def test_rom_when_in_a_session_then_each_byte_may_come_alone():
    whole, pieces = Bench(), Bench()
    wire = DLBOOT * 2, rom_packet(0x20), rom_packet(0x21), rom_packet(0x22), rom_packet(0x31, words(0x110))
    for data in wire:
        said = b"".join(pieces.host.raw(bytes([byte])) for byte in data)
        assert said == whole.host.raw(data)


def test_rom_when_silent_then_it_acts_and_says_nothing(bench, host):
    bench.faults.is_silent = True
    assert host.raw(DLBOOT * 2) == b""
    assert host.rom_content(head(BOOT_ID, b"x" * 16), 0x110)[-1] == b""
    host.raw(DLBOOT * 2)
    host.rom_content(b"x" * 16, 16)
    assert host.session.stage == "agentboot"


def test_table_when_walked_then_every_state_is_reached_and_every_state_but_the_last_is_left():
    states = {before for before, _ in TABLE}
    reached, seen = {"deaf"}, set()
    while reached - seen:
        at = (reached - seen).pop()
        seen.add(at)
        reached |= {after for (before, _), after in TABLE.items() if before == at}
    assert reached == states | {"started"}
