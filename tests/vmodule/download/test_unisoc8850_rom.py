"""The 8850's boot ROM: its frames byte for byte, every command in every state, every refusal."""

from __future__ import annotations

from pathlib import Path

import pytest

from moduline.nor.memory import MemoryFlash
from moduline.vmodule.download.events import (
    BaudChanged,
    Connected,
    CutReached,
    DownloadFaults,
    PartBegun,
    PartDone,
    Refused,
    StageEntered,
    UnplugReached,
)
from moduline.vmodule.download.unisoc8850 import BslSession
from moduline.vmodule.download.unisoc8850_rom import TABLE
from moduline.vmodule.facts import identity_of
from moduline.wire.download.unisoc import BslCommand
from samples import sample
from unisoc8850_host import (
    ACK,
    BAUD,
    CONNECT,
    END,
    ERASE,
    EXEC,
    FDL_AT,
    LOADER,
    MIDST,
    START,
    VER_FDL,
    VER_ROM,
    Host,
    crc16,
    frame,
    sihr,
    sum16,
    words,
)

ROM_ACK = "7e 00 80 00 00 3b 5a 7e"
START_E580 = "7e 00 01 00 08 50 80 00 00 00 00 e5 80 ef e4 7e"
MIDST_ESCAPED = "7e 00 02 00 04 7d 5e 7d 5d 01 02 80 e0 7e"
INVALID = "7e 00 82 00 00 55 3a 7e"
UNKNOWN = "7e 00 83 00 00 62 0a 7e"
NO_SUCH_RATE = "7e 00 85 00 00 d0 aa 7e"
VERIFY = "7e 00 8b 00 00 cb ab 7e"


@pytest.fixture
def faults():
    return DownloadFaults()


@pytest.fixture
def host(faults):
    identity = identity_of("ec600g", "m1")
    return Host(BslSession(identity.profile, identity.storage(MemoryFlash(identity.geometry)), faults))


def exchange(host, sent):
    return host.raw(bytes.fromhex(sent)).hex(" ")


def test_host_of_the_tests_when_it_sums_then_as_the_reference():
    """platform-unisoc 5.4."""
    assert crc16(b"123456789").hex() == "31c3"
    assert (sum16(b"12345678").hex(), sum16(b"123456789").hex()) == ("2f2b", "f62a")


def test_rom_when_given_the_reference_frames_then_answers_them_byte_for_byte(host):
    """platform-unisoc 7."""
    assert exchange(host, "7e 7e 7e") == VER_ROM.hex(" ")
    assert exchange(host, "7e 00 00 00 00 00 00 7e") == ROM_ACK
    assert exchange(host, "7e 00 09 00 04 00 0e 10 00 ba b8 7e") == ROM_ACK
    assert exchange(host, START_E580) == ROM_ACK
    assert exchange(host, MIDST_ESCAPED) == ROM_ACK
    assert exchange(host, "7e 00 04 00 00 dc c0 7e") == INVALID  # not before END
    assert exchange(host, "7e 00 03 00 00 59 50 7e") == frame(0x8A, check=crc16).hex(" ")  # bytes are missing
    assert host.session.content_bytes == 4
    assert host.events.count(Connected()) == 1


def test_rom_when_the_real_loader_is_loaded_then_it_runs_and_says_so_with_the_other_check(host):
    """platform-unisoc 6.2, steps 1 to 6, with the FDL of a real EC600G package."""
    data = sample("unisoc/EC600GCN_LD__appimage.pac").read_bytes()
    image = data[data.index(b"SIHR") :][:0xE580]
    assert set(host.load(image)) == {ACK}
    assert host.events[-1] == StageEntered("fdl")
    assert {PartBegun(FDL_AT, 0xE580), PartDone(FDL_AT, 0xE580)} <= set(host.events)
    assert host.session.stage == "fdl"
    assert host.raw(b"\x7e" * 3) == VER_FDL
    assert exchange(host, "7e 00 00 00 00 ff ff 7e") == "7e 00 80 00 00 ff 7f 7e"
    assert host.session.content_bytes == 0xE580


# ---- greeting --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sent", ["7e 7e", "7e 00 7e 7e", "7e 7e 55 7e 7e", "00", "7e 00 00 00 00 00 00 7e"])
def test_rom_when_not_three_flags_in_a_row_then_silent(host, sent):
    assert exchange(host, sent) == ""


def test_rom_when_the_flags_come_one_by_one_then_greets_once_and_later_flags_mean_nothing(host):
    assert [host.raw(b"\x7e") for _ in range(3)] == [b"", b"", VER_ROM]
    assert host.raw(b"\x7e" * 20) == b""
    assert exchange(host, "7e 7e 00 00 00 00 00 00 7e 7e") == ROM_ACK


def test_rom_when_everything_comes_byte_by_byte_then_the_same(host):
    sent = b"\x7e" * 3 + frame(CONNECT, check=crc16) + frame(START, words(FDL_AT, len(LOADER)), crc16)
    for at in range(0, len(LOADER), 0x210):
        sent += frame(MIDST, LOADER[at : at + 0x210], crc16)
    sent += frame(END, check=crc16) + frame(EXEC, check=crc16)
    said = b"".join(host.raw(sent[i : i + 1]) for i in range(len(sent)))
    assert said == VER_ROM + bytes.fromhex(ROM_ACK) * (4 + -(-len(LOADER) // 0x210))
    assert host.session.stage == "fdl"


def test_rom_when_more_comes_with_exec_then_it_is_lost_with_the_rom(host):
    host.raw(b"\x7e" * 3)
    host.write(FDL_AT, LOADER, 0x210)
    said = host.raw(frame(EXEC, check=crc16) + b"\x7e" * 3)
    assert said.hex(" ") == ROM_ACK
    assert host.raw(b"\x7e" * 2) == b""
    assert host.raw(b"\x7e") == VER_FDL


# ---- every command in every state ------------------------------------------------------------------------------------


def in_state(host, state):
    """A host whose ROM is in that state."""
    if state != "deaf":
        host.raw(b"\x7e" * 3)
    if state in {"connected", "loading", "loaded"}:
        host.code(CONNECT)
    if state in {"loading", "loaded"}:
        host.code(START, FDL_AT, len(LOADER))
        host.say(MIDST, LOADER[:0x400])
    if state == "loaded":
        for at in range(0x400, len(LOADER), 0x400):
            host.say(MIDST, LOADER[at : at + 0x400])
        assert host.code(END) == ACK
    return host


DATA = {START: words(FDL_AT, len(LOADER)), MIDST: LOADER[0x400:0x500], BAUD: words(115200)}
# platform-unisoc 5.5 to 5.7: what each state answers; what is not here is 0x82.
TAKEN = {
    ("synced", CONNECT), ("synced", BAUD), ("synced", START),
    ("connected", CONNECT), ("connected", BAUD), ("connected", START),
    ("loading", CONNECT), ("loading", BAUD), ("loading", MIDST),
    ("loaded", CONNECT), ("loaded", BAUD), ("loaded", EXEC),
}  # fmt: skip


@pytest.mark.parametrize("state", ["deaf", "synced", "connected", "loading", "loaded"])
@pytest.mark.parametrize("command", [CONNECT, START, MIDST, END, EXEC, BAUD])
def test_command_when_given_in_a_state_then_as_the_reference(host, state, command):
    in_state(host, state)
    answer = host.say(command, DATA.get(command, b""))
    if state == "deaf":
        assert answer is None
    elif (state, command) == ("loading", END):
        assert answer == (0x8A, b"")  # what was announced is not there
    else:
        assert answer == (ACK if (state, command) in TAKEN else 0x82, b"")
        if answer[0] != ACK:
            assert Refused("rom", command, 0x82) in host.events


@pytest.mark.parametrize("state", ["synced", "connected", "loading", "loaded"])
@pytest.mark.parametrize("command", [0x05, 0x06, ERASE, 0x0B, 0x17, 0x25, 0x07, 0x7F, 0xFF, 0x1234])
def test_command_when_the_rom_has_it_not_then_0x83_and_the_state_stays(host, state, command):
    in_state(host, state)
    assert host.raw(frame(command, check=crc16)).hex(" ") == UNKNOWN
    if state == "loaded":
        assert host.code(EXEC) == ACK


def test_table_when_compared_with_the_page_then_the_same():
    page = Path(__file__).resolve().parents[3] / "docs" / "spec" / "unisoc8850-module.md"
    text = page.read_text(encoding="utf-8").partition("<!-- unisoc8850_rom.TABLE -->")[2].partition("<!-- end -->")[0]
    rows = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in text.strip().splitlines()[2:]]
    assert rows == [(state, BslCommand(command).name, following) for (state, command), following in TABLE.items()]


def test_table_when_walked_then_every_state_is_reached_and_left():
    reached, frontier = {"synced"}, ["synced"]
    while frontier:
        state = frontier.pop()
        for (source, _), target in TABLE.items():
            if source == state and target not in reached:
                reached.add(target)
                frontier.append(target)
    assert reached == {"synced", "connected", "loading", "loaded", "jumped"}


# ---- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("numbers", "answer"),
    [
        ((FDL_AT, 256), ACK),
        ((FDL_AT, 0x14000), ACK),
        ((FDL_AT, 0x400, 0), ACK),
        ((FDL_AT, 255), 0x82),
        ((FDL_AT, 0), 0x82),
        ((FDL_AT, 0x14001), 0x82),
        ((FDL_AT, 0xFFFFFFFF), 0x82),
        ((FDL_AT + 4, 0x400), 0x82),
        ((0x838000, 0x400), 0x82),
        ((0x60000000, 0x400), 0x82),
        ((0xFE000003, 0x28000), 0x82),
        ((FDL_AT,), 0x82),
        ((FDL_AT, 0x400, 0, 0), 0x82),
        ((), 0x82),
    ],
)
def test_start_when_place_or_size_is_given_then_only_the_window(host, numbers, answer):
    in_state(host, "connected")
    assert host.code(START, *numbers) == answer


def test_start_when_given_twice_then_0x82_and_the_first_goes_on(host):
    in_state(host, "loading")
    assert host.code(START, FDL_AT, len(LOADER)) == 0x82
    assert host.say(MIDST, LOADER[0x400:]) == (ACK, b"")
    assert host.code(END) == ACK


def test_transfer_when_connected_anew_then_begins_anew(host):
    """A host that lost its place: CONNECT ends what was begun."""
    in_state(host, "loading")
    assert host.code(CONNECT) == ACK
    assert set(host.write(FDL_AT, LOADER, 0x210)) == {ACK}
    assert host.code(EXEC) == ACK


def test_midst_when_too_much_then_0x8a_and_the_transfer_must_begin_anew(host):
    in_state(host, "connected")
    assert host.write(FDL_AT, bytes(0x200), 0x100, size=0x1FF)[-1] == 0x8A
    assert host.say(MIDST, b"x") == (0x82, b"")
    assert set(host.write(FDL_AT, LOADER, 0x210)) == {ACK}


def test_packet_when_larger_than_the_rom_takes_then_dropped_without_a_word(host):
    in_state(host, "connected")
    host.code(START, FDL_AT, 0x1000)
    assert host.say(MIDST, bytes(0x411)) is None
    assert host.say(MIDST, bytes(0x410)) == (ACK, b"")


@pytest.mark.parametrize("check", [sum16, lambda body: bytes(2)])
def test_check_when_wrong_then_0x8b_and_the_state_stays(host, check):
    in_state(host, "loading")
    assert host.raw(frame(MIDST, LOADER[0x400:0x500], check)).hex(" ") == VERIFY
    assert Refused("rom", MIDST, 0x8B) in host.events
    assert host.say(MIDST, LOADER[0x400:]) == (ACK, b"")
    assert host.code(END) == ACK


@pytest.mark.parametrize(
    "image",
    [
        bytes(300),
        b"2PPA" + LOADER[4:],
        LOADER[:-1] + b"\1",
        LOADER[:40] + b"X" + LOADER[41:],
        sihr(b"x" * 100, header_crc=0),
        sihr(b"x" * 100, payload_crc=0),
        sihr(b"x" * 100, total=357),
        sihr(b"x" * 100, total=255),
        bytes.fromhex("27051956") + bytes(300),
    ],
)
def test_exec_when_the_image_is_not_right_then_0x8b_and_it_does_not_run(host, image):
    assert host.load(image)[-1] == 0x8B
    assert host.raw(frame(EXEC, check=crc16)).hex(" ") == VERIFY
    assert host.session.stage == "rom"
    assert host.code(CONNECT) == ACK
    assert set(host.write(FDL_AT, LOADER, 0x210)) == {ACK}
    assert host.code(EXEC) == ACK


@pytest.mark.parametrize(("rate", "answer"), [(115200, ACK), (921600, ACK), (0, 0x85), (123456, 0x85)])
def test_baud_when_asked_for_then_only_known_rates(host, rate, answer):
    in_state(host, "connected")
    assert host.code(BAUD, rate) == answer
    assert (BaudChanged(rate) in host.events) is (answer == ACK)


def test_baud_when_no_rate_is_given_or_an_unknown_one_then_the_reference_frames(host):
    in_state(host, "connected")
    assert host.raw(frame(BAUD, check=crc16)).hex(" ") == INVALID
    assert host.raw(frame(BAUD, words(7), crc16)).hex(" ") == NO_SUCH_RATE


# ---- faults ----------------------------------------------------------------------------------------------------------


def test_faults_when_silent_then_works_and_says_nothing(host, faults):
    faults.is_silent = True
    assert host.raw(b"\x7e" * 3 + frame(CONNECT, check=crc16)) == b""
    assert Connected() in host.events


def test_faults_when_content_limit_is_reached_then_unplugged_once_or_cut(host, faults):
    in_state(host, "connected")
    host.code(START, FDL_AT, len(LOADER))
    faults.unplug_at_bytes = 0x200
    host.say(MIDST, LOADER[:0x1FF])
    assert UnplugReached() not in host.events
    host.say(MIDST, LOADER[0x1FF:0x200])
    assert host.events.count(UnplugReached()) == 1
    faults.cut_at_bytes = 0x201
    host.say(MIDST, LOADER[0x200:0x201])
    assert host.events.count(UnplugReached()) == 1
    assert CutReached() in host.events


def test_faults_when_the_loader_shall_not_verify_then_exec_is_0x8b(host, faults):
    faults.verify_errors.add(FDL_AT)
    assert host.load()[-1] == 0x8B


@pytest.mark.parametrize("seed", range(20))
def test_rom_when_noise_arrives_then_never_anything_but_frames(host, seed):
    import random

    from unisoc8850_host import unframed

    dice = random.Random(seed)
    host.raw(b"\x7e" * 3)
    for _ in range(200):
        noise = dice.randbytes(dice.randrange(40))
        if dice.random() < 0.5:
            noise = frame(dice.randrange(16), noise, crc16)
        unframed(host.raw(noise), crc16)
