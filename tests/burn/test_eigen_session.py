"""The EigenComm session against a module's side written from the reference alone, with a clock that only jumps."""

from __future__ import annotations

import hashlib
import random
import struct
from pathlib import Path

import pytest

from burn.eigen_packages import AGENTBOOT, BACKUP_FS, BOOT, MODEM, SYSTEM, USER_FS, package
from burn.fake_eigen import FakeEigen
from moduline.burn.drivers import session_for
from moduline.burn.drivers.eigen_table import LIMITS_S, MAX_RESYNCS, TABLE, Cue, State, as_markdown
from moduline.burn.plan import make_plan
from moduline.burn.session import NvRead
from moduline.errors import BadAnswer, ModulineError, NoAnswer, VerifyFailed, WriteFailed, WrongModule
from moduline.events import Notice, Progress, Step
from moduline.package.parts import Part


def talk(session, module, fragment=None, noise=b""):
    """Run to the end; silence jumps to the session's own wake-up time."""
    now = 100.0
    events = []

    def take(found):
        for event in found:
            events.append(event)
            if isinstance(event, NvRead):
                take(session.stored(now))

    take(session.start(now))
    while not session.is_over:
        answer = module.feed(session.bytes_to_send())
        session.prepare()
        if answer:
            answer = noise + answer
            size = fragment or len(answer)
            for at in range(0, len(answer), size):
                take(session.receive(answer[at : at + size], now))
                if session.is_over:
                    break
        else:
            assert session.wake_at is not None, session.state
            assert session.wake_at >= now
            now = session.wake_at
            take(session.wake(now))
    return events, now


def session_of(stock=None, **options):
    return session_for(make_plan(stock or package(), **options))


def assert_burnt(module):
    """Every byte of the package where the reference says it belongs."""
    assert module.agentboot == AGENTBOOT
    assert module.ap[0x4000 : 0x4000 + len(BOOT)] == BOOT
    assert module.ap[0x24000 : 0x24000 + len(SYSTEM)] == SYSTEM
    assert module.cp[: len(MODEM)] == MODEM
    assert module.ap[0x300000 : 0x300000 + 0x60000] == USER_FS.ljust(0x60000, b"\xff")
    assert module.ap[0x360000 : 0x360000 + 0x10000] == BACKUP_FS.ljust(0x10000, b"\xff")
    assert hashlib.sha256(module.ap[:0x20] + bytes(32) + module.ap[0x40:0x110]).digest() == module.ap[0x20:0x40]
    assert module.was_reset


@pytest.mark.parametrize("fragment", [None, 1, 7])
@pytest.mark.parametrize("swallows", [0, 1, 3])
def test_burn_when_all_goes_well_then_both_flashes_hold_the_package(fragment, swallows):
    session, module = session_of(), FakeEigen(swallows)
    talk(session, module, fragment)
    assert session.state is State.DONE
    assert_burnt(module)


def test_burn_when_all_goes_well_then_the_sequence_of_the_reference():
    """platform-eigencomm 3.5, every request and its order, for an image of three blocks."""
    session, module = session_of(), FakeEigen()
    talk(session, module)
    rom = [command for place, command, _ in module.log if place == "rom"]
    base = [0x20, 0x21, 0x22]
    assert rom == [*base, 0x31, 0x32, 0x3A, *base, *[0x31, 0x32] * 5, 0x3A]
    heads = [data for place, command, data in module.log if place == "rom" and command == 0x31]
    assert heads[0] == b"\x10\x01\0\0"
    assert heads[1] == struct.pack("<I", len(AGENTBOOT))
    lpc = [(command, data) for place, command, data in module.log if place == "lpc" and command != 0x21]
    erases = [(command, data) for command, data in lpc if command == 0x10]
    burns = [data for command, data in lpc if command == 0x42]
    assert burns == [b"IMBO", b"IBKD", b"IBPC\x01\xe1", b"IXLF", b"IXLF"]
    assert [command for command, _ in lpc] == [0x42, 0x44] * 3 + [0x10] * 6 + [0x42, 0x44] + [0x10] + [0x42, 0x44, 0xAA]
    assert erases[0][1] == struct.pack("<II", 0x10000, 0xB00000)
    at = [index for index, (place, command, _) in enumerate(module.log) if (place, command) == ("lpc", 0x42)][1]
    system = [command for place, command, _ in module.log[at + 1 :]]
    system = system[: system.index(0x44)]
    block = [0x31, 0x32] * 4
    assert system == [*base, 0x31, 0x32, 0x3A, *base, *block, 0x3A, *block, 0x3A, *[0x31, 0x32] * 2, 0x3A]


def test_first_pair_after_burn_one_when_swallowed_then_the_next_follows_soon():
    session, module = session_of(), FakeEigen(swallows=1)
    _, now = talk(session, module)
    assert now - 100.0 < 5 * 0.1  # five images, one swallowed pair each


def test_loader_when_sent_then_its_head_controls_the_speed_and_the_images_do_not():
    session, module = session_of(), FakeEigen()
    talk(session, module)
    controls = [
        struct.unpack_from("<H", data, 22)[0]
        for _, command, data in module.log
        if command == 0x32 and data[:4] == b"\1\0\0\x10" and data[4:8] == b"HMIT"
    ]
    assert controls == [0xA400, 0, 0, 0, 0, 0]


def test_loader_when_there_is_only_one_for_the_uart_then_the_speed_stays():
    session, module = session_of(package(agentboot_usb=None)), FakeEigen()
    talk(session, module)
    assert module.agentboot == b"U" * 99
    assert module.ap[0x4000 : 0x4000 + len(BOOT)] == BOOT


@pytest.mark.parametrize("noise", [b"boot\r\n", b"\xff" * 40, b"\xcd\x32", b"\x00"])
def test_burn_when_garbage_stands_before_every_answer_then_it_succeeds(noise):
    session, module = session_of(), FakeEigen()
    talk(session, module, noise=noise)
    assert_burnt(module)


@pytest.mark.parametrize("most", [0x1000, 0x3FFC, 0x4000])
def test_data_head_when_the_device_wants_less_then_it_gets_less(most):
    session, module = session_of(), FakeEigen()
    module.max_size = most
    talk(session, module)
    assert_burnt(module)
    assert max(len(data) for place, command, data in module.log if (place, command) == ("ag", 0x32)) == most


def test_progress_when_burning_then_rises_to_the_whole():
    session, module = session_of(), FakeEigen()
    events, _ = talk(session, module)
    plan = make_plan(package())
    done = [event.done_bytes for event in events if isinstance(event, Progress) and event.what == "burn"]
    assert done == sorted(done)
    assert done[-1] == plan.write_bytes
    back = [event.done_bytes for event in events if isinstance(event, Progress) and event.what == "verify"]
    assert back == sorted(back)
    assert back[-1] == len(USER_FS) + len(BACKUP_FS)
    steps = [event for event in events if isinstance(event, Step)]
    assert [event.name for event in steps if event.state == "begin"] == [
        event.name for event in steps if event.state == "done"
    ]


def test_agentboot_when_still_running_then_the_rom_is_skipped_with_a_notice():
    """3.1: the DLBOOT word is answered "reset, wrong layer" by an agentboot."""
    session, module = session_of(), FakeEigen()
    module.place = "lpc"
    events, _ = talk(session, module)
    assert not [1 for place, _, _ in module.log if place == "rom"]
    assert any(isinstance(event, Notice) and event.slug == "burn.loader-runs" for event in events)
    assert module.ap[0x24000 : 0x24000 + len(SYSTEM)] == SYSTEM


def test_agentboot_when_left_in_the_middle_of_a_download_then_taken_up_again():
    """3.1: a word of the LPC layer while downloading returns control to LPC."""
    session, module = session_of(), FakeEigen()
    module.place, module.is_in_session = "ag", True
    talk(session, module)
    assert module.ap[0x24000 : 0x24000 + len(SYSTEM)] == SYSTEM


def test_rom_when_it_has_the_head_from_a_try_before_then_the_body_follows():
    first, module = session_of(), FakeEigen()
    first.start(0.0)
    while module.counts.get(("rom", 0x3A), 0) == 0:
        first.receive(module.feed(first.bytes_to_send()), 0.0)
    second = session_of()
    talk(second, module)
    assert_burnt(module)


# ---- refusals --------------------------------------------------------------------------------------------------------


def test_chip_when_the_rom_is_of_another_then_refused_before_anything_is_sent():
    module = FakeEigen(rom_version=bytes.fromhex("000003030100000002262120"))
    with pytest.raises(WrongModule) as refused:
        talk(session_of(), module)
    assert "0000000103030000" in refused.value.message("en")
    assert not module.erased
    assert {command for _, command, _ in module.log} == {0x20}


def test_chip_when_the_ini_names_its_rom_then_that_one_is_taken():
    ini = Part("ini", "", "unused", b"rom_version = 0000000909000000\n", 0, 0, False, "quec_download_usb.ini")
    module = FakeEigen()
    with pytest.raises(WrongModule):
        talk(session_of(package(usb_ini=ini)), module)
    module = FakeEigen(rom_version=bytes.fromhex("000000090100000002262120"))
    ini = Part(
        "ini", "", "unused", b"rom_version=1\nrom_version_append_list = 0000000109000000, x\n", 0, 0, False, "a.ini"
    )
    session = session_of(package(usb_ini=ini))
    talk(session, module)
    assert session.state is State.DONE


NAKS = {
    0x30: "flash read",
    0x31: "flash write",
    0x32: "erase",
    0x94: "size out of range",
    0x96: "timed out",
    0x98: "image id",
    0x9A: "check value",
    0x9B: "length check",
    0x77: "not documented",
}


@pytest.mark.parametrize("code", NAKS)
@pytest.mark.parametrize(
    ("place", "command"), [("lpc", 0x42), ("ag", 0x20), ("ag", 0x31), ("ag", 0x32), ("ag", 0x3A), ("lpc", 0x10)]
)
def test_nak_when_answered_then_its_code_is_in_the_error(place, command, code):
    module = FakeEigen(hooks={(place, command, 2): lambda fake, cmd, index: fake.nak(cmd, index, code)})
    session = session_of()
    with pytest.raises(WriteFailed) as failed:
        talk(session, module)
    assert f"0x{code:02X}" in failed.value.message("en")
    assert NAKS[code] in failed.value.message("en")
    assert session.state is State.FAILED
    assert session.wake_at is None


def test_status_when_an_error_then_its_code_is_in_the_error():
    hook = {("lpc", 0x44, 2): lambda fake, cmd, index: fake._answer(cmd, index, struct.pack("<I", 0x33))}
    with pytest.raises(WriteFailed, match="0x33"):
        talk(session_of(), FakeEigen(hooks=hook))


def test_status_when_pending_then_asked_again():
    pending = {
        ("lpc", 0x44, seen): lambda fake, cmd, index: fake._answer(cmd, index, b"\xff\0\0\0") for seen in (1, 2, 3)
    }
    session, module = session_of(), FakeEigen(hooks=pending)
    talk(session, module)
    assert_burnt(module)


def test_rom_nak_when_answered_then_the_state_is_in_the_error():
    module = FakeEigen(hooks={("rom", 0x31, 1): lambda fake, cmd, index: fake.nak(cmd, index, 0x94)})
    with pytest.raises(WriteFailed, match="ROM_SIZE"):
        talk(session_of(), module)


@pytest.mark.parametrize(("place", "seen"), [("rom", 2), ("ag", 1), ("ag", 2)])
def test_image_when_the_device_wants_another_then_the_answer_is_in_the_error(place, seen):
    wrong = {(place, 0x21, seen): lambda fake, cmd, index: fake._answer(cmd, index, b"IXLF")}
    with pytest.raises(BadAnswer, match="49 58 4c 46"):
        talk(session_of(), FakeEigen(hooks=wrong))


def test_data_head_when_the_device_wants_nothing_then_bad_answer():
    wrong = {("ag", 0x31, 3): lambda fake, cmd, index: fake._answer(cmd, index, bytes(4))}
    with pytest.raises(BadAnswer, match="AG_DATA ap_bootloader"):
        talk(session_of(), FakeEigen(hooks=wrong))


def test_read_back_when_one_byte_differs_then_the_address_is_in_the_error():
    def spoil(fake, command, index):
        fake.ap[0x300000 + 250] ^= 1
        return fake._answer(command, index, bytes(fake.ap[0x300000 : 0x300000 + 240]))

    with pytest.raises(VerifyFailed) as failed:
        talk(session_of(), FakeEigen(hooks={("lpc", 0x21, 1): spoil}))
    assert failed.value.facts["address"] == 0xB00000 + 250
    assert failed.value.facts["part"] == "customer_fs"


def test_read_back_when_not_wanted_then_nothing_is_read():
    module = FakeEigen()
    talk(session_of(verify="device"), module)
    assert ("lpc", 0x21) not in module.counts


def test_read_back_when_all_is_wanted_then_boot_code_is_read_too():
    module = FakeEigen()
    talk(session_of(verify="all"), module)
    read = sum(
        struct.unpack("<II", data)[0] for place, command, data in module.log if (place, command) == ("lpc", 0x21)
    )
    assert read == sum(map(len, (BOOT, SYSTEM, MODEM, USER_FS, BACKUP_FS)))


# ---- silence ---------------------------------------------------------------------------------------------------------

SILENT = [
    (place, command)
    for place, commands in {
        "rom": (0x20, 0x21, 0x22, 0x31, 0x32, 0x3A),
        "ag": (0x20, 0x21, 0x22, 0x31, 0x32, 0x3A),
        "lpc": (0x10, 0x21, 0x42, 0x44, 0xAA),
    }.items()
    for command in commands
]


@pytest.mark.parametrize(("place", "command"), SILENT)
def test_module_when_silent_for_ever_then_no_answer_within_the_limits(place, command):
    hooks = {(place, command, seen): lambda fake, cmd, index: b"" for seen in range(1, 400)}
    session = session_of()
    with pytest.raises(NoAnswer):
        talk(session, FakeEigen(hooks=hooks))
    assert session.state is State.FAILED


def test_module_when_never_there_then_no_answer_after_the_rom_limit():
    class Nobody:
        def feed(self, data):
            return b""

    session = session_of()
    with pytest.raises(NoAnswer) as silent:
        talk(session, Nobody())
    assert silent.value.facts["seconds"] == LIMITS_S[State.ROM_SYNC]


@pytest.mark.parametrize("command", [0x20, 0x21, 0x22, 0x31])
def test_question_when_lost_once_in_the_download_layer_then_asked_again_after_a_sync(command):
    session = session_of()
    module = FakeEigen(hooks={("ag", command, 2): lambda fake, cmd, index: b""})
    talk(session, module)
    assert_burnt(module)


def test_question_when_lost_again_and_again_then_the_resyncs_end():
    hooks = {("ag", 0x31, seen): lambda fake, cmd, index: b"" for seen in range(3, 100)}
    module = FakeEigen(hooks=hooks)
    with pytest.raises(NoAnswer):
        talk(session_of(), module)
    assert module.counts["ag", 0x31] <= 2 + MAX_RESYNCS + 1


def test_modem_when_it_has_no_flash_of_its_own_then_burn_one_names_the_ap_flash():
    modem = Part("cp", "modem", "code", b"c" * 0x100, 0x823000, 0x1000)
    boot = Part("ap_bootloader", "boot", "code", b"b" * 0x100, 0x803000, 0x1000)
    system = Part("ap", "system", "code", b"a" * 0x100, 0x8CD000, 0x1000)
    stock = package(
        "eigen718", **{"cp-demo-flash": modem, "ap_at_command": system, "ap_bootloader": boot, "usb_ini": None}
    )
    module = FakeEigen(rom_version=bytes.fromhex("000003030100000002262120"))
    talk(session_of(stock, only=""), module)
    burns = [data for place, command, data in module.log if (place, command) == ("lpc", 0x42)]
    assert burns[2] == b"IBPC\x01\xe0"
    assert module.ap[0x23000:0x23100] == b"c" * 0x100
    assert module.ap[0xCD000:0xCD100] == b"a" * 0x100


@pytest.mark.parametrize("seed", range(40))
def test_module_when_it_goes_mad_at_some_moment_then_an_error_of_ours_or_a_good_end(seed):
    """Arbitrary bytes, packets of any kind and words of any layer never raise anything but our errors."""
    chance = random.Random(seed)
    packets = [
        b"\xaa\xd3\x02\x2b",
        b"\xcd\xd3\x02\x2b",
        b"\x2b\x02\xd3\xee",
        bytes.fromhex("3200CD320100"),
        bytes.fromhex("2000CD320003010203"),
        bytes.fromhex("2100CD32000448"),
        bytes.fromhex("31 00 CD 32 00 04 10 01 00 00 85 FC BF 1E"),
        bytes.fromhex("3A 00 CD 32 00 00 4D 82 EB B7"),
        bytes.fromhex("42 00 4C B3 00 00 08 AD 88 E5"),
    ]

    class Mad(FakeEigen):
        def feed(self, data):
            answer = super().feed(data)
            if len(self.log) > seed * 2 and chance.random() < 0.3:
                answer = chance.choice([*packets, chance.randbytes(chance.randrange(1, 30))]) + answer
            return answer[: -chance.randrange(1, 4)] if answer and chance.random() < 0.02 else answer

    session, module = session_of(), Mad()
    try:
        talk(session, module)
    except ModulineError:
        assert session.state is State.FAILED
    else:
        assert session.state is State.DONE


# ---- what is kept ----------------------------------------------------------------------------------------------------


def test_area_when_erased_without_new_content_then_read_out_and_stored_first():
    stock = package(customer_fs=Part("customer_fs", "user_fs", "erase", b"", 0x300000, 0x2000))
    module = FakeEigen()
    module.ap[0x300000:0x302000] = old = bytes(range(256)) * 32
    session = session_of(stock)
    events, _ = talk(session, module)
    kept = next(event for event in events if isinstance(event, NvRead))
    assert (kept.block, kept.part) == (old, "customer_fs.backup")
    first = next(index for index, (place, command, _) in enumerate(module.log) if (place, command) == ("lpc", 0x10))
    reads = [index for index, (place, command, _) in enumerate(module.log) if (place, command) == ("lpc", 0x21)]
    assert sum(index < first for index in reads) == -(-0x2000 // 240)
    assert module.ap[0x300000:0x302000] == b"\xff" * 0x2000


def test_scripts_only_when_wanted_then_the_system_is_left_alone():
    module = FakeEigen()
    talk(session_of(only="scripts"), module)
    assert module.ap[:0x300000] == b"\xff" * 0x300000
    assert module.ap[0x300000 : 0x300000 + len(USER_FS)] == USER_FS


# ---- the table -------------------------------------------------------------------------------------------------------


def test_table_when_walked_then_every_state_is_reached_and_left():
    reached, found = {State.IDLE}, {State.IDLE}
    while found:
        found = {after for (before, _), (_, after) in TABLE.items() if before in found} - reached
        reached |= found
    assert reached == set(State)
    left = {before for before, _ in TABLE}
    assert left == set(State) - {State.DONE, State.FAILED}


def test_table_when_printed_then_it_is_the_one_of_the_specification():
    """H26: the diagram is generated from the table; paste ``as_markdown()`` when it changes."""
    spec = Path(__file__).parents[2] / "docs" / "spec" / "eigen-download.md"
    assert as_markdown() in spec.read_text(encoding="utf-8")


def test_unlisted_cue_when_it_happens_then_bad_answer_and_over():
    session = session_of()
    session.start(0.0)
    with pytest.raises(BadAnswer):
        session.stored(0.0)
    assert session.is_over


def test_port_when_it_may_vanish_then_only_where_the_module_restarts():
    allowed = {before for before, cue in TABLE if cue is Cue.GONE}
    assert allowed == {State.ROM_DONE, State.LPC_SYNC, State.RESET}


def test_port_when_seen_over_a_whole_burn_then_it_may_vanish_at_the_agentboot_and_the_reset_only():
    session, module = session_of(), FakeEigen()
    seen, now = [], 0.0
    session.start(now)
    while not session.is_over:
        if session.may_lose_port and seen[-1:] != [session.state]:
            seen.append(session.state)
        answer = module.feed(session.bytes_to_send())
        if answer:
            session.receive(answer, now)
        else:
            now = session.wake_at
            session.wake(now)
    assert seen == [State.ROM_DONE, State.LPC_SYNC, State.RESET]


def test_port_when_it_vanishes_while_the_agentboot_starts_then_the_burn_goes_on():
    session, module = session_of(), FakeEigen()
    session.start(0.0)
    while session.state is not State.LPC_SYNC:
        session.receive(module.feed(session.bytes_to_send()), 0.0)
    session.gone(0.0)
    assert session.bytes_to_send() == b""
    now = session.wake_at
    session.wake(now)
    assert session.bytes_to_send() == b"\xcd\xd3\x02\x2b" * 2
