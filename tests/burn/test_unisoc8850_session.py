"""The 8850 session against a module's side written from the reference alone, with a clock that only jumps."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from burn.fake_unisoc8850 import (
    ACK,
    FDL_VER,
    LOADER,
    ROM_ACK,
    ROM_VER,
    FakeModule,
    frame,
    rom_frame,
    small_pac,
    stock_rows,
)
from moduline.burn.drivers.unisoc8850 import Session
from moduline.burn.drivers.unisoc8850_table import LIMITS_S, TABLE, Cue, State, as_markdown
from moduline.burn.plan import make_plan
from moduline.burn.session import NvRead
from moduline.errors import BadAnswer, NoAnswer, VerifyFailed, WriteFailed, WrongModule
from moduline.events import Notice, Progress, Step
from moduline.formats import nv
from moduline.formats.container import unisoc
from moduline.package import read_package
from package_maker import CPIO

IMEI = "861234567890123"
OWN_IMEI = "868888777766665"
OWN_NV = nv.write(nv.NvBlock(0x200, (nv.NvEntry(5, nv.encode_imei(OWN_IMEI)), nv.NvEntry(0x26D, b"cal1"))))
PACKAGE = read_package(unisoc.write(small_pac()), "small.pac")


@cache
def plan_of(**options):
    return make_plan(PACKAGE, **options)


def talk(session, module, fragment=None, on_nv=lambda read: None):
    """Run to the end; silence jumps to the session's own wake-up time."""
    now = 100.0
    events = []

    def take(found):
        for event in found:
            events.append(event)
            if isinstance(event, NvRead):
                take(session.stored(now, on_nv(event)))

    take(session.start(now))
    while not session.is_over:
        answer = module.feed(session.bytes_to_send())
        session.prepare()
        if answer:
            size = fragment or len(answer)
            for at in range(0, len(answer), size):
                if not session.is_over:
                    take(session.receive(answer[at : at + size], now))
        else:
            assert session.wake_at is not None, session.state
            now = session.wake_at
            take(session.wake(now))
    return events


def burnt(module=None, **options):
    session, module = Session(plan_of(**options)), module or FakeModule(nv=OWN_NV)
    events = talk(session, module)
    assert session.state is State.DONE
    return module, events


def noticed(events):
    return [event.slug for event in events if isinstance(event, Notice)]


def test_burn_when_all_goes_well_then_the_sequence_of_the_reference():
    """platform-unisoc 6.2 and 6.4, every message and its order."""
    module, _ = burnt(verify="device")
    kinds = [(stage, kind) for stage, kind, _ in module.log]
    packets = -(-len(LOADER) // 0x210)
    assert kinds[: 4 + packets] == [("rom", 0), ("rom", 1), *[("rom", 2)] * packets, ("rom", 3), ("rom", 4)]
    assert module.log[1][2] == (0x50800000, len(LOADER))
    flash = [(kind, words[0] if words and kind != 2 else 0) for stage, kind, words in module.log if stage == "fdl"]
    assert flash == [
        (0x00, 0),
        (0x06, 0x6049A000 - 4),
        (0x06, 0xFE000003),
        (0x0A, 0x60000000),
        (0x01, 0x60020000),
        (0x02, 0),
        (0x03, 0),
        (0x0A, 0xFE000006),
        (0x01, 0xFE000003),
        (0x02, 0),
        (0x03, 0),
        (0x01, 0x60030000),
        (0x02, 0),
        (0x02, 0),
        (0x03, 0),
        (0x01, 0xFE000004),
        (0x02, 0),
        (0x03, 0),
        (0x0A, 0xFE000001),
        (0x0A, 0x60438000),
        (0x0A, 0x60498000),
        (0x01, 0x60000000),
        (0x02, 0),
        (0x03, 0),
        (0x05, 0),
    ]
    assert (0x0A, (0xFE000006, 0x444F4D46)) in [(kind, words) for _, kind, words in module.log]
    assert module.was_reset


def test_burn_when_done_then_the_flash_holds_the_package():
    module, _ = burnt()
    for action in plan_of().actions:
        if action.verb == "write" and action.address < 0x70000000:
            at = action.address & 0xFFFFFF
            assert module.flash[at : at + len(action.data)] == action.data
    assert module.loader == LOADER
    assert module.cpio == [CPIO]


def test_nv_when_written_then_keeps_the_modules_own_items_and_has_a_right_check():
    """platform-unisoc 6.3: id 5 and the XML's ids from the device, the rest from the package, CRC recomputed."""
    module, events = burnt()
    block = nv.read(module.nv)
    assert nv.is_crc_right(module.nv)
    assert block.imei == OWN_IMEI
    assert block.item(0x26D) == b"cal1"
    read = next(event for event in events if isinstance(event, NvRead))
    assert (read.block, read.imei, read.is_valid, read.part) == (OWN_NV, OWN_IMEI, True, "")
    start = next(words for _, kind, words in module.log if kind == 1 and words[0] == 0xFE000003)
    assert start == (0xFE000003, 0x200, sum(module.nv))


def test_nv_when_read_then_stored_before_anything_changes():
    module = FakeModule(nv=OWN_NV)
    changes = []

    def store(_):
        changes.append([kind for stage, kind, _ in module.log if stage == "fdl" and kind not in {0, 6}])

    talk(Session(plan_of()), module, on_nv=store)
    assert changes == [[]]


def test_nv_when_it_needs_several_reads_then_they_follow_each_other():
    """platform-unisoc 5.7: the offset-0 read takes the snapshot, the others must be consecutive."""
    own = nv.write(nv.NvBlock(0x28000, (nv.NvEntry(5, nv.encode_imei(OWN_IMEI)),)))
    rows = [(*row[:4], row[4].ljust(0x28000, b"\xff"), row[5]) if row[0] == "NV" else row for row in stock_rows()]
    module = FakeModule(nv=own)
    session = Session(make_plan(read_package(unisoc.write(small_pac(rows)))))
    events = talk(session, module)
    assert next(event for event in events if isinstance(event, NvRead)).block == own
    reads = [words for _, kind, words in module.log if kind == 6 and words[0] == 0xFE000003]
    assert reads == [(0xFE000003, min(0x3000, 0x28000 - at), at) for at in range(0, 0x28000, 0x3000)]
    assert nv.read(module.nv).imei == OWN_IMEI


def test_nv_when_the_modules_own_is_damaged_then_whoever_stores_it_decides():
    module = FakeModule(nv=b"\xff" * 0x200)
    events = talk(Session(plan_of()), module)
    assert "burn.nv-damaged" in noticed(events)
    assert nv.is_crc_right(module.nv)
    assert nv.read(module.nv).imei == IMEI
    module = FakeModule(nv=b"\xff" * 0x200)
    events = talk(Session(plan_of()), module, on_nv=lambda read: None if read.is_valid else OWN_NV)
    assert "burn.nv-restored" in noticed(events)
    assert nv.read(module.nv).imei == OWN_IMEI


@pytest.mark.parametrize("code", [0x82, 0x84, 0x96])
def test_nv_when_the_module_cannot_read_it_then_an_empty_block_is_handed_out(code):
    module = FakeModule(nv=OWN_NV, instead={(6, 2): frame(code)})
    events = talk(Session(plan_of()), module, on_nv=lambda read: OWN_NV)
    read = next(event for event in events if isinstance(event, NvRead))
    assert (read.block, read.imei, read.is_valid) == (b"", "", False)
    assert nv.read(module.nv).imei == OWN_IMEI


def test_nv_when_the_store_refuses_then_nothing_was_changed():
    module = FakeModule(nv=b"\xff" * 0x200)

    def refuse(_):
        raise WriteFailed(part="NV", what="store", answer="no")

    with pytest.raises(WriteFailed):
        talk(Session(plan_of()), module, on_nv=refuse)
    assert not [kind for stage, kind, _ in module.log if stage == "fdl" and kind not in {0, 6}]


def test_nv_when_the_package_has_none_and_formats_then_it_is_read_and_stored_all_the_same():
    rows = [row for row in stock_rows() if row[0] != "NV"]
    module = FakeModule(nv=OWN_NV.ljust(0x28000, b"\xff"))
    events = talk(Session(make_plan(read_package(unisoc.write(small_pac(rows))))), module)
    assert len([event for event in events if isinstance(event, NvRead)]) == 1
    assert not [words for _, kind, words in module.log if kind == 1 and words[0] == 0xFE000003]


def test_progress_when_told_then_never_decreases_and_ends_at_the_total():
    _, events = burnt(verify="all")
    for what, total in (("burn", plan_of().write_bytes), ("verify", plan_of(verify="all").read_back_bytes)):
        done = [event.done_bytes for event in events if isinstance(event, Progress) and event.what == what]
        assert done == sorted(done)
        assert done[-1] == total


def test_steps_when_told_then_every_begin_has_its_end():
    _, events = burnt()
    begun = [event.name for event in events if isinstance(event, Step) and event.state == "begin"]
    ended = [event.name for event in events if isinstance(event, Step) and event.state == "done"]
    assert sorted(begun) == sorted(ended)
    assert begun[:2] == ["burn.FDL", "burn.nv_backup"]


@pytest.mark.parametrize("fragment", [1, 2, 7])
def test_answers_when_in_pieces_then_the_same_burn(fragment):
    module = FakeModule(nv=OWN_NV)
    session = Session(plan_of(verify="all"))
    talk(session, module, fragment=fragment)
    assert session.state is State.DONE


class WithTails(FakeModule):
    """The beginning of an unasked log frame follows every answer; its rest comes before the next one."""

    held = b""

    def feed(self, data):
        answer = super().feed(data)
        if not answer:
            return b""
        make = rom_frame if self.stage == "rom" else frame
        log = make(0xFF, b"tail")
        out, self.held = self.held + answer + log[:6], log[6:]
        return out


def test_answers_when_each_has_a_tail_then_the_same_burn():
    module, _ = burnt(WithTails(nv=OWN_NV), verify="all")
    assert module.flash[0x30000:0x30004] == b"SIHR"


@pytest.mark.parametrize("between", [frame(0xFF, b"flash: \x7e erased"), b"\x00\xff boot\r\n", b"\x7e\x7e\x7e"])
def test_log_frames_and_noise_when_between_answers_then_skipped(between):
    """platform-unisoc 5.3, 5.6: 0xFF may appear unasked, runs of flags are harmless."""
    module = FakeModule(nv=OWN_NV, before_answers=between)
    session = Session(plan_of(verify="all"))
    talk(session, module)
    assert session.state is State.DONE


# ---- who is there -----------------------------------------------------------------------------------------------


def test_rom_when_it_misses_the_first_flags_then_they_are_sent_again():
    module, _ = burnt(FakeModule(nv=OWN_NV, silent_flags=8))
    assert module.was_reset


def test_loader_when_it_still_runs_and_was_never_greeted_then_the_rom_is_skipped():
    module, events = burnt(FakeModule(nv=OWN_NV, stage="fdl"))
    assert "burn.loader-runs" in noticed(events)
    assert not any(stage == "rom" for stage, _, _ in module.log)
    done = [event.done_bytes for event in events if isinstance(event, Progress) and event.what == "burn"]
    assert done[0] == len(LOADER)
    assert done == sorted(done)
    assert done[-1] == plan_of().write_bytes


def test_loader_when_it_still_runs_and_ignores_flags_then_a_connect_with_its_own_check_finds_it():
    """platform-unisoc 5.3, 9: flags after VER are ignored; a wrong check would make it panic."""
    module, events = burnt(FakeModule(nv=OWN_NV, stage="fdl", is_greeted=True))
    assert "burn.loader-runs" in noticed(events)
    assert not module.has_panicked


def test_loader_when_it_was_cut_in_the_middle_of_a_packet_then_it_is_taken_up():
    module = FakeModule(nv=OWN_NV, stage="fdl", is_greeted=True)
    module.feed(frame(1, bytes.fromhex("6003000000001000")) + frame(2, bytes(100))[:50])
    module, _ = burnt(module)
    assert module.flash[0x30000 : 0x30000 + 4] == b"SIHR"


def test_rom_when_greeted_before_then_its_complaint_finds_it():
    """platform-unisoc 5.3: the ROM answers a wrong check with 0x8B."""
    module, events = burnt(FakeModule(nv=OWN_NV, is_greeted=True))
    assert "burn.loader-runs" not in noticed(events)
    assert module.loader == LOADER


def test_rom_when_a_loader_was_begun_before_then_write_failed_and_says_what():
    """platform-unisoc 5.7: START not twice; only re-powering helps."""
    module = FakeModule(nv=OWN_NV, is_greeted=True)
    module.feed(rom_frame(0) + rom_frame(1, bytes.fromhex("508000000000e580")))
    with pytest.raises(WriteFailed) as failed:
        talk(Session(plan_of()), module)
    assert str(failed.value.facts["answer"]) == "0x82 invalid command"


def test_stale_answers_when_they_come_first_then_they_mean_nothing():
    """Answers to a try before may still be in the port: nothing but a version or an asked-for answer counts."""
    session = Session(plan_of())
    session.start(0.0)
    session.bytes_to_send()
    for stale in (ACK, ROM_ACK, frame(0x93, bytes(64)), rom_frame(0x8B), frame(0x82), b"\x12\x34\x7e\x99\x7e"):
        assert session.receive(stale, 0.0) == []
        assert session.state is State.SYNC
    assert session.bytes_to_send() == b""


@pytest.mark.parametrize("late", [ACK, FDL_VER])
def test_loader_when_several_answers_come_late_then_none_is_taken_for_another(late):
    module = FakeModule(nv=OWN_NV, stage="fdl", is_greeted=True)
    session = Session(plan_of())
    session.start(0.0)
    while session.wake_at < 2.05:
        session.wake(session.wake_at)
        session.bytes_to_send()
    session.receive(late, 2.05)
    assert session.state is State.FDL_QUIET
    session.receive(late + ACK, 2.1)
    assert session.state is State.FDL_QUIET
    assert session.bytes_to_send() == b""
    session.wake(session.wake_at)
    assert session.state is State.FDL_CONNECT
    assert module.feed(session.bytes_to_send()) == ACK


def test_version_when_of_nobody_then_bad_answer():
    for version in (frame(0x81, b"other loader\0"), rom_frame(0x81, b"other ROM\0")):
        with pytest.raises(BadAnswer):
            talk(Session(plan_of()), FakeModule(rom_version=version))


def test_loader_when_the_rom_is_back_instead_then_bad_answer():
    """The loader crashed and the ROM greets again."""
    with pytest.raises(BadAnswer) as wrong:
        talk(Session(plan_of()), FakeModule(fdl_version=ROM_VER))
    assert wrong.value.facts["what"] == "FDL_SYNC"


# ---- what may go wrong ------------------------------------------------------------------------------------------

ROM_COMMANDS = {"connect": 0, "start": 1, "midst": 2, "end": 3, "exec": 4}
COMMANDS = {"connect": 0, "start": 1, "midst": 2, "end": 3, "reset": 5, "erase": 0x0A}


@pytest.mark.parametrize("command", ROM_COMMANDS.values(), ids=ROM_COMMANDS)
@pytest.mark.parametrize("code", [0x82, 0x83, 0x8B, 0xAA])
def test_rom_when_it_refuses_then_write_failed_with_number_and_name(command, code):
    session, module = Session(plan_of()), FakeModule(rom_instead={(command, 1): rom_frame(code)})
    with pytest.raises(WriteFailed) as failed:
        talk(session, module)
    assert str(failed.value.facts["answer"]).startswith(f"0x{code:02X} ")
    assert failed.value.facts["part"] == "FDL"
    assert session.state is State.FAILED


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize("code", [0x82, 0x84, 0x8A, 0x8B, 0xA2, 0xAA, 0xEE])
def test_loader_when_it_refuses_then_write_failed_with_number_and_name(command, code):
    session, module = Session(plan_of()), FakeModule(nv=OWN_NV, instead={(command, 1): frame(code)})
    with pytest.raises(WriteFailed) as failed:
        talk(session, module)
    assert str(failed.value.facts["answer"]).startswith(f"0x{code:02X} ")
    assert failed.value.exit_code == 9
    assert session.is_over


def test_archive_when_a_second_answer_follows_the_refusal_then_the_first_is_reported():
    """platform-unisoc 3.4: after 0xA2 the device sends a second 0x8A for the same packet."""
    midst = next(index for index, name in enumerate(["BOOT", "NV", "AP", "AP", "CP"], 1) if name == "CP")
    module = FakeModule(nv=OWN_NV, instead={(2, midst): frame(0xA2) + frame(0x8A)})
    with pytest.raises(WriteFailed) as failed:
        talk(Session(plan_of()), module)
    assert str(failed.value.facts["answer"]) == "0xA2 write error"
    assert failed.value.facts["part"] == "CP"


@pytest.mark.parametrize("command", ROM_COMMANDS.values(), ids=ROM_COMMANDS)
def test_rom_when_silent_then_no_answer_after_the_states_limit(command):
    with pytest.raises(NoAnswer) as silent:
        talk(Session(plan_of()), FakeModule(rom_instead={(command, 1): b""}))
    assert silent.value.facts["seconds"] in set(LIMITS_S.values())


@pytest.mark.parametrize("command", [*COMMANDS.values(), 6], ids=[*COMMANDS, "read"])
def test_loader_when_silent_then_no_answer_after_the_states_limit(command):
    with pytest.raises(NoAnswer) as silent:
        talk(Session(plan_of()), FakeModule(nv=OWN_NV, instead={(command, 1): b""}))
    assert silent.value.facts["seconds"] in set(LIMITS_S.values())


DEAD_LOADER = {"fdl_version": b"", "instead": {(0, count): b"" for count in range(1, 20)}}


@pytest.mark.parametrize("dead", [{"has_panicked": True}, DEAD_LOADER], ids=["rom", "fdl"])
def test_stage_when_it_never_says_anything_then_no_answer(dead):
    with pytest.raises(NoAnswer) as given_up:
        talk(Session(plan_of()), FakeModule(**dead))
    assert given_up.value.facts["seconds"] == (10.0 if dead is DEAD_LOADER else 8.0)


@pytest.mark.parametrize("lost", ["rom_version", "fdl_version"])
def test_stage_when_its_greeting_is_lost_then_it_is_found_all_the_same(lost):
    """A stage greets once; whether it heard is asked with the loader's check."""
    module, events = burnt(FakeModule(nv=OWN_NV, **{lost: b""}))
    assert "burn.loader-runs" not in noticed(events)
    assert module.loader == LOADER


def test_model_when_the_loader_refuses_it_then_wrong_module_and_nothing_was_erased():
    """platform-unisoc 5.6: 0x97 to every ERASE_FLASH."""
    module = FakeModule(nv=OWN_NV, is_other_model=True)
    before = bytes(module.flash)
    with pytest.raises(WrongModule) as wrong:
        talk(Session(plan_of()), module)
    assert wrong.value.exit_code == 7
    assert bytes(module.flash) == before
    assert module.nv == OWN_NV


def test_model_when_a_loader_of_an_earlier_try_refuses_it_then_says_so():
    """Its list of models is that of the package it came from."""
    module = FakeModule(nv=OWN_NV, is_other_model=True, stage="fdl", is_greeted=True)
    with pytest.raises(WrongModule) as wrong:
        talk(Session(plan_of()), module)
    assert "re-power" in wrong.value.message("en")
    assert "重新上电" in wrong.value.message("zh")


def test_model_when_a_partial_package_is_for_another_one_then_nothing_was_erased():
    """Content on a flash address erases without a look at the model; so an erase comes before it."""
    rows = [row for row in stock_rows() if row[0] in {"FDL", "AP"}]
    module = FakeModule(nv=OWN_NV, is_other_model=True, flash=bytearray(b"\x5a" * 0x800000))
    with pytest.raises(WrongModule):
        talk(Session(make_plan(read_package(unisoc.write(small_pac(rows))))), module)
    assert module.flash == b"\x5a" * 0x800000


def test_flash_when_smaller_than_the_package_then_wrong_module_before_the_first_erase():
    """platform-unisoc 6.6: the last valid address is checked (0x82)."""
    module = FakeModule(nv=OWN_NV, flash_bytes=0x400000)
    with pytest.raises(WrongModule) as wrong:
        talk(Session(plan_of()), module)
    assert "0x60499fff" in str(wrong.value.facts["package"])
    assert not any(kind in {1, 0x0A} for stage, kind, _ in module.log if stage == "fdl")


def test_end_when_verify_fails_then_says_which_part():
    module = FakeModule(nv=OWN_NV, instead={(3, 3): frame(0x8B)})
    with pytest.raises(WriteFailed) as failed:
        talk(Session(plan_of()), module)
    assert failed.value.facts["part"] == "AP"
    assert str(failed.value.facts["answer"]) == "0x8B verify error"


@pytest.mark.parametrize(
    "answers",
    [
        {"rom_instead": {(1, 1): bytes.fromhex("7e008000003b5b7e")}},
        {"instead": {(1, 1): bytes.fromhex("7e00800000ff7a7e")}},
    ],
    ids=["rom", "fdl"],
)
def test_answer_when_damaged_then_bad_answer(answers):
    with pytest.raises(BadAnswer):
        talk(Session(plan_of()), FakeModule(nv=OWN_NV, **answers))


def test_answer_when_of_the_other_check_then_it_does_not_count():
    """The loader's sum where the ROM's CRC-16 is due is no acknowledgement."""
    with pytest.raises(BadAnswer):
        talk(Session(plan_of()), FakeModule(nv=OWN_NV, rom_instead={(1, 1): ACK}))


def test_answer_when_not_expected_here_then_bad_answer():
    for answers in ({(1, 1): frame(0x93, b"1234")}, {(6, 1): ACK}, {(0x0A, 1): FDL_VER}):
        with pytest.raises(BadAnswer):
            talk(Session(plan_of()), FakeModule(nv=OWN_NV, instead=answers))


def test_read_back_when_one_bit_differs_then_names_the_address():
    module = FakeModule(nv=OWN_NV, flip_read_at=0x30011)
    with pytest.raises(VerifyFailed) as failed:
        talk(Session(plan_of(verify="all")), module)
    assert failed.value.facts == {"part": "AP", "address": 0x60030011}
    assert not module.was_reset


@pytest.mark.parametrize("answer", [b"", b"SIHR"])
def test_read_back_when_less_comes_than_was_asked_for_then_it_asks_on_or_gives_up(answer):
    module = FakeModule(nv=OWN_NV, instead={(6, 3): frame(0x93, answer)})
    if answer:
        burnt(module, verify="all")
    else:
        with pytest.raises(BadAnswer):
            talk(Session(plan_of(verify="all")), module)


@pytest.mark.parametrize(
    ("verify", "parts"),
    [("device", set()), ("areas", {"BOOT", "SPL"}), ("all", {"BOOT", "SPL", "AP"})],
)
def test_verify_when_chosen_then_reads_back_exactly_that(verify, parts):
    module, _ = burnt(verify=verify)
    reads = {words[0] for stage, kind, words in module.log if (stage, kind) == ("fdl", 6) and words[1] != 4}
    assert reads - {0xFE000003} == {action.address for action in plan_of().actions if action.part in parts}


def test_packets_when_of_any_size_then_the_same_flash():
    images = set()
    for size in (0x210, 0x800, 0x1000, 0x3000):
        module, _ = burnt(packet_bytes=size, verify="device")
        images.add(bytes(module.flash))
    assert len(images) == 1


def test_scripts_when_only_they_are_wanted_then_nothing_else_is_touched():
    rows = [*stock_rows(), ("PY_FS_U", "CODE", 0x60438000, 0x3000, b"usr" * 0x400, 1)]
    plan = make_plan(read_package(unisoc.write(small_pac(rows))), only="scripts")
    module = FakeModule(nv=OWN_NV)
    events = talk(Session(plan), module)
    touched = {words[0] for stage, kind, words in module.log if stage == "fdl" and kind in {1, 0x0A}}
    assert touched == {0x60438000, 0x60498000}
    assert not any(isinstance(event, NvRead) for event in events)
    assert module.nv == OWN_NV


# ---- line rate and cable ----------------------------------------------------------------------------------------


def test_baud_when_chosen_then_told_to_the_loader_and_the_port_follows_after_the_answer():
    """platform-unisoc 5.5, 5.10: acknowledged at the old rate, half a second to settle, then CONNECT again."""
    session = Session(replace(plan_of(), baud=921600))
    module = FakeModule(nv=OWN_NV)
    talk(session, module)
    assert (module.baud, session.line_rate) == (921600, 921600)
    kinds = [kind for stage, kind, _ in module.log if stage == "fdl"]
    assert kinds[:3] == [0, 9, 0]


@pytest.mark.parametrize("code", [0x82, 0x85])
def test_baud_when_refused_then_the_burn_goes_on_at_the_old_rate(code):
    session = Session(replace(plan_of(), baud=921600))
    events = talk(session, FakeModule(nv=OWN_NV, instead={(9, 1): frame(code)}))
    assert session.state is State.DONE
    assert session.line_rate == 0
    assert "burn.baud-refused" in noticed(events)


def until(session, module, state):
    """Go on until the session waits in ``state``; what it wants sent stays unsent."""
    now = 0.0
    found = list(session.start(now))
    while session.state is not state:
        answer = module.feed(session.bytes_to_send())
        if answer:
            found = session.receive(answer, now)
        else:
            now = session.wake_at
            found = session.wake(now)
        for event in found:
            if isinstance(event, NvRead):
                session.stored(now)
    return now


@pytest.mark.parametrize("state", [State.FDL_EXEC, State.FDL_SYNC])
def test_port_when_it_vanishes_while_the_loader_starts_then_the_burn_goes_on_over_the_new_one(state):
    session, module = Session(plan_of()), FakeModule(nv=OWN_NV)
    now = until(session, module, state)
    module.feed(session.bytes_to_send())
    assert session.may_lose_port
    session.gone(now)
    assert session.state is State.FDL_SYNC
    while not session.is_over:
        answer = module.feed(session.bytes_to_send())
        found = session.receive(answer, now) if answer else session.wake(now := session.wake_at)
        for event in found:
            if isinstance(event, NvRead):
                session.stored(now)
    assert session.state is State.DONE


def test_reset_when_the_port_vanishes_before_the_answer_then_done():
    """The module resets 2 ms after its answer; the answer may be lost."""
    session, module = Session(plan_of()), FakeModule(nv=OWN_NV)
    now = until(session, module, State.RESET)
    assert session.may_lose_port
    session.gone(now)
    assert session.state is State.DONE


@pytest.mark.parametrize("state", sorted(set(State) - {State.IDLE, State.CHOOSE, State.DONE, State.FAILED}, key=str))
def test_port_when_it_vanishes_at_any_other_state_then_the_session_does_not_claim_to_survive(state):
    session = Session(plan_of())
    session.state = state
    assert session.may_lose_port == (state in {State.FDL_EXEC, State.FDL_SYNC, State.RESET})
    if not session.may_lose_port:
        with pytest.raises(BadAnswer):
            session.gone(0.0)


# ---- the table --------------------------------------------------------------------------------------------------


def test_table_when_walked_then_every_state_is_reached_and_left():
    following = {}
    for (state, _), (_, after) in TABLE.items():
        following.setdefault(state, set()).add(after)
    seen, todo = set(), [State.IDLE]
    while todo:
        state = todo.pop()
        if state not in seen:
            seen.add(state)
            todo += following.get(state, ())
    assert seen == set(State)
    assert set(following) == set(State) - {State.DONE, State.FAILED}


def test_table_when_walked_then_every_waiting_state_has_a_limit_and_gives_up():
    waiting = set(State) - {State.IDLE, State.CHOOSE, State.NV_HOLD, State.DONE, State.FAILED}
    assert set(LIMITS_S) == waiting
    for state in waiting:
        assert TABLE[state, Cue.LATE] == ("give_up", State.FAILED)


def test_table_when_walked_then_every_action_and_cue_is_used():
    for action, _ in TABLE.values():
        assert callable(getattr(Session, f"_do_{action}"))
    named = {f"_do_{action}" for action, _ in TABLE.values()}
    assert {name for name in dir(Session) if name.startswith("_do_")} <= named
    assert {cue for _, cue in TABLE} == set(Cue)


UNLISTED = [(state, cue) for state in State for cue in Cue if (state, cue) not in TABLE]


@pytest.mark.parametrize(("state", "cue"), UNLISTED, ids=[f"{state.name}-{cue.name}" for state, cue in UNLISTED])
def test_table_when_a_pair_is_not_listed_then_refused(state, cue):
    session = Session(plan_of())
    session.state = state
    with pytest.raises(BadAnswer):
        session._happen(cue, 0.0)
    assert session.state is State.FAILED
    assert session.bytes_to_send() == b""


def test_table_when_shown_in_the_specification_then_it_is_this_one():
    """H26: the diagram is generated from the table; paste ``as_markdown()`` when it changes."""
    spec = Path(__file__).resolve().parents[2] / "docs" / "spec" / "unisoc8850-download.md"
    assert as_markdown() in spec.read_text(encoding="utf-8")
