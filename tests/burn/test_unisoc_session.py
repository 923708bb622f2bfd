"""The 8910 session against a module's side written from the reference alone, with a clock that only jumps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from burn.fake_module import ACK, FakeModule, frame, pdl_error
from moduline.burn.drivers.unisoc import NvRead, Session
from moduline.burn.drivers.unisoc_table import LIMITS_S, TABLE, Cue, State, as_markdown
from moduline.burn.nv_jobs import nv_plan
from moduline.burn.plan import make_plan
from moduline.errors import BadAnswer, NoAnswer, VerifyFailed, WriteFailed, WrongModule
from moduline.events import Notice, Progress, Step
from moduline.formats import nv
from moduline.package import read_package
from package_maker import small_file

IMEI = "861234567890123"
OWN_NV = nv.write(nv.NvBlock(0x200, (nv.NvEntry(5, nv.encode_imei("868888777766665")), nv.NvEntry(0x26D, b"cal1"))))


def plan_of(**options):
    return make_plan(read_package(small_file(), "small.pac"), **options)


def talk(session, module, fragment=None, on_nv=lambda read: None, own_nv=None):
    """Run to the end; silence jumps to the session's own wake-up time."""
    now = 100.0
    events = []

    def take(found):
        for event in found:
            events.append(event)
            if isinstance(event, NvRead):
                on_nv(event)
                take(session.stored(now, own_nv))

    take(session.start(now))
    while not session.is_over:
        answer = module.feed(session.bytes_to_send())
        session.prepare()
        if answer:
            pieces = (
                [answer] if fragment is None else [answer[i : i + fragment] for i in range(0, len(answer), fragment)]
            )
            for piece in pieces:
                take(session.receive(piece, now))
        else:
            assert session.wake_at is not None, session.state
            now = session.wake_at
            take(session.wake(now))
    return events


def burnt(**options):
    session, module = Session(plan_of(**options)), FakeModule(nv=OWN_NV)
    events = talk(session, module)
    assert session.state is State.DONE
    return module, events


def test_burn_when_all_goes_well_then_the_sequence_of_the_reference():
    """platform-unisoc 6.1, every message and its order."""
    module, _ = burnt(verify="device")
    kinds = [(stage, kind) for stage, kind, _ in module.log]
    assert kinds[:6] == [("pdl", 0), ("pdl", 4), ("pdl", 5), ("pdl", 6), ("pdl", 7), ("fdl1", 0)]
    assert kinds[6:11] == [("fdl1", 0), ("fdl1", 1), ("fdl1", 2), ("fdl1", 3), ("fdl1", 4)]
    assert module.log[1][2] == (0x8000C0, len(plan_of().actions[0].data))
    assert module.log[7][2][0] == 0x810000
    flash = [(kind, words[0] if words and kind != 2 else 0) for _, kind, words in module.log[11:]]
    assert flash == [
        (0x06, 0xFE000003),
        (0x0A, 0x60000000),
        (0x01, 0x60010000),
        (0x02, 0),
        (0x03, 0),
        (0x0A, 0x604E0000),
        (0x0A, 0x60540000),
        (0x01, 0x60560000),
        (0x02, 0),
        (0x03, 0),
        (0x0A, 0xFE000001),
        (0x01, 0xFE000003),
        (0x02, 0),
        (0x03, 0),
        (0x01, 0xFE000004),
        (0x02, 0),
        (0x03, 0),
        (0x01, 0x60000000),
        (0x02, 0),
        (0x03, 0),
        (0x05, 0),
    ]
    assert module.was_reset


def test_burn_when_done_then_the_flash_holds_the_package():
    module, _ = burnt()
    for action in plan_of().actions:
        if action.verb == "write" and action.address < 0x70000000:
            at = action.address & 0xFFFFFF
            assert module.flash[at : at + len(action.data)] == action.data
    assert module.loader == plan_of().actions[0].data


def test_nv_when_written_then_keeps_the_modules_own_items_and_has_a_right_check():
    """platform-unisoc 6.3: id 5 and the XML's ids from the device, the rest from the package, CRC recomputed."""
    module, events = burnt()
    block = nv.read(module.nv)
    assert nv.is_crc_right(module.nv)
    assert block.imei == "868888777766665"
    assert block.item(0x26D) == b"cal1"
    read = next(event for event in events if isinstance(event, NvRead))
    assert (read.block, read.imei, read.is_valid) == (OWN_NV, "868888777766665", True)
    start = next(words for _, kind, words in module.log if kind == 1 and words[0] == 0xFE000003)
    assert start == (0xFE000003, 0x200, sum(module.nv))


def test_nv_when_read_then_stored_before_the_first_erase():
    module = FakeModule(nv=OWN_NV)
    erases = []
    talk(Session(plan_of()), module, on_nv=lambda _: erases.append(module.counts.get(("bsl", 0x0A), 0)))
    assert erases == [0]


def test_nv_when_the_modules_own_is_damaged_then_the_template_with_a_right_check():
    module = FakeModule(nv=b"\xff" * 0x200)
    events = talk(Session(plan_of()), module)
    assert any(isinstance(event, Notice) and event.slug == "burn.nv-damaged" for event in events)
    assert nv.is_crc_right(module.nv)
    assert nv.read(module.nv).imei == IMEI


@pytest.mark.parametrize("code", [0x82, 0x84, 0x96])
def test_nv_when_the_module_cannot_read_it_then_handed_out_as_empty_and_damaged(code):
    module = FakeModule(nv=OWN_NV, instead={(6, 1): frame(code)})
    read = next(event for event in talk(Session(plan_of()), module) if isinstance(event, NvRead))
    assert (read.block, read.imei, read.is_valid, read.part) == (b"", "", False, "")


def test_nv_when_a_backup_is_all_that_is_wanted_then_read_and_nothing_written():
    plan = nv_plan(plan_of())
    module = FakeModule(nv=OWN_NV)
    events = talk(Session(plan), module)
    assert [event.block for event in events if isinstance(event, NvRead)] == [OWN_NV]
    assert [kind for stage, kind, _ in module.log if stage == "fdl2"] == [6, 5]


def test_nv_when_a_block_is_written_back_then_byte_for_byte_and_nothing_else():
    plan = nv_plan(plan_of(), OWN_NV)
    module = FakeModule(nv=b"\xff" * 0x200)
    talk(Session(plan), module, own_nv=OWN_NV)
    assert module.nv == OWN_NV
    assert [kind for stage, kind, _ in module.log if stage == "fdl2"] == [6, 1, 2, 3, 5]


def test_nv_when_damaged_and_the_units_own_is_given_then_it_is_used():
    module = FakeModule(nv=b"\xff" * 0x200)
    events = talk(Session(plan_of()), module, own_nv=OWN_NV)
    assert any(isinstance(event, Notice) and event.slug == "burn.nv-restored" for event in events)
    assert nv.read(module.nv).imei == "868888777766665"


def test_nv_when_the_read_ends_with_0x82_then_what_came_counts():
    """Some loaders answer so at the end of the block; the block is then shorter than the template."""
    big = replace(plan_of(), actions=tuple(_longer(action) for action in plan_of().actions))
    module = FakeModule(nv=OWN_NV.ljust(0x3000, b"\xff"), instead={(6, 2): frame(0x82)})
    events = talk(Session(big), module)
    assert len(next(event for event in events if isinstance(event, NvRead)).block) == 0x3000


def _longer(action):
    if action.verb != "keep_nv":
        return action
    data = action.data.ljust(0x4000, b"\xff")
    return replace(action, data=data, size_bytes=len(data))


def test_progress_when_told_then_never_decreases_and_ends_at_the_total():
    _, events = burnt()
    for what, total in (("burn", plan_of().write_bytes), ("verify", plan_of().read_back_bytes)):
        done = [event.done_bytes for event in events if isinstance(event, Progress) and event.what == what]
        assert done == sorted(done)
        assert done[-1] == total


def test_steps_when_told_then_every_begin_has_its_end():
    _, events = burnt()
    begun = [event.name for event in events if isinstance(event, Step) and event.state == "begin"]
    ended = [event.name for event in events if isinstance(event, Step) and event.state == "done"]
    assert sorted(begun) == sorted(ended)
    assert begun[:2] == ["burn.HOST_FDL", "burn.FDL2"]


@pytest.mark.parametrize("fragment", [1, 2, 7])
def test_answers_when_in_pieces_then_the_same_burn(fragment):
    module = FakeModule(nv=OWN_NV)
    session = Session(plan_of(verify="all"))
    talk(session, module, fragment=fragment)
    assert session.state is State.DONE


def test_log_frames_when_between_answers_then_skipped():
    """platform-unisoc 5.6: 0xFF may appear unasked."""
    module = FakeModule(nv=OWN_NV, before_answers=frame(0xFF, b"flash: \x7e erased"))
    session = Session(plan_of(verify="all"))
    talk(session, module)
    assert session.state is State.DONE


def test_noise_when_between_answers_then_skipped():
    module = FakeModule(nv=OWN_NV, before_answers=b"\x00\xff boot\r\n")
    session = Session(plan_of())
    talk(session, module)
    assert session.state is State.DONE


def test_rom_when_it_ignores_the_first_connects_then_is_asked_again_and_late_answers_are_absorbed():
    module = FakeModule(nv=OWN_NV, silent_connects=3)
    session = Session(plan_of())
    talk(session, module)
    assert session.state is State.DONE
    late = FakeModule(nv=OWN_NV, pdl_instead={(0, 1): b"", (0, 2): pdl_ack_twice()})
    session = Session(plan_of())
    talk(session, late)
    assert session.state is State.DONE


def pdl_ack_twice():
    return bytes.fromhex("ae04000000ff000000000000") * 2


PDL_COMMANDS = {"connect": 0, "start": 4, "mid": 5, "end": 6}


@pytest.mark.parametrize("command", PDL_COMMANDS.values(), ids=PDL_COMMANDS)
def test_rom_when_it_refuses_then_write_failed_with_number_and_name(command):
    session, module = Session(plan_of()), FakeModule(pdl_instead={(command, 1): pdl_error(4)})
    with pytest.raises(WriteFailed) as failed:
        talk(session, module)
    assert str(failed.value.facts["answer"]) == "4 invalid address"
    assert failed.value.facts["part"] == "HOST_FDL"
    assert session.state is State.FAILED


def test_rom_when_it_refuses_the_loader_at_exec_then_write_failed():
    """EXEC is answered only when the image is bad: 9."""
    session, module = Session(plan_of()), FakeModule(pdl_instead={(7, 1): pdl_error(9)})
    with pytest.raises(WriteFailed) as failed:
        talk(session, module)
    assert str(failed.value.facts["answer"]) == "9 verify error"


def test_version_when_of_the_8850_rom_then_wrong_module():
    session, module = Session(plan_of()), FakeModule(version=frame(0x81, b"SPRD3\0"))
    with pytest.raises(WrongModule) as wrong:
        talk(session, module)
    assert wrong.value.facts == {"package": "unisoc8910", "module": "unisoc8850"}
    assert not any(kind == 0x0A for _, kind, _ in module.log)


def test_version_when_unknown_then_bad_answer():
    with pytest.raises(BadAnswer):
        talk(Session(plan_of()), FakeModule(version=frame(0x81, b"other loader\0")))


REFUSABLE = {"connect": 0, "start": 1, "midst": 2, "end": 3, "exec": 4, "reset": 5, "erase": 0x0A}
COMMANDS = {**REFUSABLE, "read": 6}


@pytest.mark.parametrize("command", REFUSABLE.values(), ids=REFUSABLE)
@pytest.mark.parametrize("code", [0x82, 0x84, 0x8A, 0x8B, 0xAA, 0xEE])
def test_loader_when_it_refuses_then_write_failed_with_number_and_name(command, code):
    session, module = Session(plan_of()), FakeModule(nv=OWN_NV, instead={(command, 1): frame(code)})
    with pytest.raises(WriteFailed) as failed:
        talk(session, module)
    assert str(failed.value.facts["answer"]).startswith(f"0x{code:02X} ")
    assert failed.value.exit_code == 9
    assert session.is_over


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_loader_when_silent_then_no_answer_after_the_states_limit(command):
    session, module = Session(plan_of()), FakeModule(nv=OWN_NV, instead={(command, 1): b""})
    with pytest.raises(NoAnswer) as silent:
        talk(session, module)
    assert silent.value.facts["seconds"] in set(LIMITS_S.values())


@pytest.mark.parametrize("command", PDL_COMMANDS.values(), ids=PDL_COMMANDS)
def test_rom_when_silent_then_no_answer(command):
    silent = {(command, count): b"" for count in range(1, 30)}
    with pytest.raises(NoAnswer):
        talk(Session(plan_of()), FakeModule(pdl_instead=silent))


def test_first_loader_when_it_never_comes_up_then_no_answer():
    with pytest.raises(NoAnswer) as silent:
        talk(Session(plan_of()), FakeModule(version=b""))
    assert silent.value.facts["seconds"] == 10.0


def test_end_when_verify_fails_then_says_which_part():
    """0x8B at END: the loader read back something else."""
    session, module = Session(plan_of()), FakeModule(nv=OWN_NV, instead={(3, 2): frame(0x8B)})
    with pytest.raises(WriteFailed) as failed:
        talk(session, module)
    assert failed.value.facts["part"] == "AP"
    assert str(failed.value.facts["answer"]) == "0x8B verify error"


def test_erase_when_the_model_is_refused_then_wrong_module():
    """platform-unisoc 5.6: 0x97 means wrong firmware for this model."""
    session, module = Session(plan_of()), FakeModule(nv=OWN_NV, instead={(0x0A, 1): frame(0x97)})
    with pytest.raises(WrongModule) as wrong:
        talk(session, module)
    assert wrong.value.exit_code == 7


def test_answer_when_damaged_then_bad_answer():
    session, module = Session(plan_of()), FakeModule(nv=OWN_NV, instead={(1, 2): bytes.fromhex("7e00800000ff7a7e")})
    with pytest.raises(BadAnswer):
        talk(session, module)


def test_answer_when_not_expected_here_then_bad_answer():
    session, module = Session(plan_of()), FakeModule(nv=OWN_NV, instead={(1, 2): frame(0x93, b"1234")})
    with pytest.raises(BadAnswer):
        talk(session, module)


@pytest.mark.parametrize(
    ("verify", "roles"),
    [("device", set()), ("areas", {"boot"}), ("all", {"boot", "system", "modem"})],
)
def test_verify_when_chosen_then_reads_back_exactly_that(verify, roles):
    module, _ = burnt(verify=verify)
    reads = {words[0] for stage, kind, words in module.log if (stage, kind) == ("fdl2", 6)} - {0xFE000003}
    assert reads == {action.address for action in plan_of(verify=verify).actions if action.role in roles}


def test_read_back_when_one_bit_differs_then_names_the_address():
    module = FakeModule(nv=OWN_NV, flip_read_at=0x10011)
    session = Session(plan_of(verify="all"))
    with pytest.raises(VerifyFailed) as failed:
        talk(session, module)
    assert failed.value.facts == {"part": "AP", "address": 0x60010011}
    assert not module.was_reset


def test_packets_when_of_any_size_then_the_same_flash():
    images = set()
    for size in (0x210, 0x800, 0x1000, 0x3000):
        module, _ = burnt(packet_bytes=size, verify="device")
        images.add(bytes(module.flash))
    assert len(images) == 1


def test_reset_when_the_port_vanishes_before_the_answer_then_done():
    """The module resets 2 ms after its answer; the answer may be lost."""
    session, module = Session(plan_of()), FakeModule(nv=OWN_NV, instead={(5, 1): b""})
    now = 0.0
    session.start(now)
    while session.state is not State.RESET:
        answer = module.feed(session.bytes_to_send())
        if not answer:
            now = session.wake_at
            session.wake(now)
        for event in session.receive(answer, now) if answer else ():
            if isinstance(event, NvRead):
                session.stored(now)
    assert session.may_lose_port
    session.gone(now)
    assert session.state is State.DONE


# ---- the table ------------------------------------------------------------------------------------------------


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


def test_table_when_walked_then_every_action_exists():
    for action, _ in TABLE.values():
        assert callable(getattr(Session, f"_do_{action}"))


UNLISTED = [(state, cue) for state in State for cue in Cue if (state, cue) not in TABLE]


@pytest.mark.parametrize(("state", "cue"), UNLISTED, ids=[f"{state.name}-{cue.name}" for state, cue in UNLISTED])
def test_table_when_a_pair_is_not_listed_then_refused(state, cue):
    session = Session(plan_of())
    session.state = state
    with pytest.raises(BadAnswer):
        session._happen(cue, 0.0)
    assert session.state is State.FAILED
    assert ACK not in session.bytes_to_send()


def test_table_when_shown_in_the_specification_then_it_is_this_one():
    """H26: the diagram is generated from the table; paste ``as_markdown()`` when it changes."""
    spec = Path(__file__).resolve().parents[2] / "docs" / "spec" / "unisoc-download.md"
    assert as_markdown() in spec.read_text(encoding="utf-8")
