"""The ASR session against a module's side written from the reference alone, with a clock that only jumps."""

from __future__ import annotations

import random
import re
from functools import cache
from pathlib import Path

import pytest

from burn.fake_asr import FakeAsr, frame
from moduline.burn.action import PlanOptions
from moduline.burn.drivers import session_for
from moduline.burn.drivers.asr import Session
from moduline.burn.drivers.asr_plan import plan_asr
from moduline.burn.drivers.asr_table import LIMITS_S, TABLE, Cue, State, as_markdown
from moduline.burn.plan import make_plan
from moduline.burn.session import NvRead
from moduline.errors import (
    BadAnswer,
    BadFormat,
    BadOption,
    ModulineError,
    NoAnswer,
    Unsupported,
    WriteFailed,
    WrongModule,
)
from moduline.events import Progress, Step
from moduline.formats.container import asr, asr_fip, asr_script, asr_sparse, asr_table
from moduline.formats.container.asr_table import AsrPartition, PartitionTable
from moduline.package import read_package

BLOCK = 4096
PREBOOT, FLASHER = (asr_fip.make(bytes((n,)) * 3000, b"cert") for n in (1, 2))
ENTRIES = (
    AsrPartition.of("all", "group", 0, 0x800000, 0),
    AsrPartition.of("external", "flash", 0, 0x800000, 1),
    AsrPartition.of("bootloader", "ubi", 0, 0x24000),
    AsrPartition.of("system", "part", 0x24000, 0x20000),
    AsrPartition.of("cp", "raw", 0x24000, 0x8000, 3),
    AsrPartition.of("rd", "raw", 0x2C000, 0x4000, 3),
    AsrPartition.of("customer_fs", "raw", 0x100000, 0x200000),
    AsrPartition.of("customer_backup_fs", "raw", 0x300000, 0x10000),
    AsrPartition.of("fota_param", "raw", 0x310000, 0x4000),
    AsrPartition.of("nvm", "raw", 0x760000, 0x10000),
    AsrPartition.of("factory", "part", 0x7E0000, 0x2000),
)
IMAGES = {
    "bootloader.ubi": b"UBI#" + bytes(range(256)) * 20,
    "system.img": b"\x7e\x7d" * 0x9000,
    "customer_fs.bin": bytes((n * 7 + n // 251) & 0xFF for n in range(300 * BLOCK + 100)),
    "customer_backup_fs.bin": b"bak!" * 4000,
    "ReliableData.bin": b"RD" * 0x800,
}
LINES = [
    {"command": "require", "name": "product", "value": "arom|arom-tiny"},
    {"command": "require", "name": "version", "value": "0.5"},
    {"command": "require", "name": "version-bootrom", "value": "2020.07.30"},
    {"command": "progress", "name": "weight", "value": 4},
    {"command": "call", "image": "preboot.img"},
    {"command": "call", "image": "flasher.img"},
    {"command": "partition", "image": "flashinfo.bin"},
    {"command": "partition", "image": "partition.bin"},
    {"command": "flash", "image": "bootloader.ubi", "partition": "bootloader"},
    {"command": "flash", "image": "system.img", "partition": "system"},
    {"command": "flash", "image": "ReliableData.bin", "partition": "rd"},
    {"command": "erase", "partition": "fota_param"},
    {"command": "erase", "partition": "nvm"},
    {"command": "erase", "partition": "factory", "productionOnly": True},
    {"command": "fuse", "productionOnly": True},
    {"command": "flash", "image": "customer_fs.bin", "partition": "customer_fs"},
    {"command": "flash", "image": "customer_backup_fs.bin", "partition": "customer_backup_fs"},
]
FLASH_LIST = b"FNIF" + bytes(0x84) + b"\xff" + bytes(7)


def package_of(lines=None, **members):
    files = {
        "download.json": asr_script.write(asr_script.make([{"group": "0"} | line for line in lines or LINES])),
        "partition.bin": asr_table.write(PartitionTable(ENTRIES)),
        "flashinfo.bin": FLASH_LIST,
        "preboot.img": PREBOOT,
        "flasher.img": FLASHER,
    }
    return read_package(asr.make(files | IMAGES | members), "EC600N.zip")


@cache
def plan_of(*extra, only=""):
    return plan_asr(package_of(), PlanOptions(extra=extra, only=only))


def talk(session, module, fragment=None, limit=20000):
    """Run to the end; silence jumps to the session's own wake-up time."""
    now = 100.0
    events, kept = [], {}

    def take(found):
        for event in found:
            events.append(event)
            if isinstance(event, NvRead):
                kept[event.part] = event.block
                take(session.stored(now))

    take(session.start(now))
    for _ in range(limit):
        if session.is_over:
            return events, kept
        data = session.bytes_to_send()
        while session.is_streaming:
            more, found = session.more_to_send(now)
            data += more
            take(found)
        answer = module.feed(data)
        step = fragment or max(len(answer), 1)
        for at in range(0, len(answer), step):
            take(session.receive(answer[at : at + step], now))
            if session.is_over:
                return events, kept
        if not answer:
            assert session.wake_at is not None, session.state
            now = max(now, session.wake_at)
            take(session.wake(now))
    raise AssertionError(f"no end in sight: {session.state}")


def burnt(module=None, plan=None, **options):
    module = module or FakeAsr(0x800000)
    session = Session(plan or plan_of())
    events, kept = talk(session, module, **options)
    assert session.state is State.DONE
    return module, events, kept


def place(module, name):
    start, size, _ = module.table[name]
    return bytes(module.flash[start : start + size])


OWN = {"rd": (0x2C000, 0x4000), "nvm": (0x760000, 0x10000), "factory": (0x7E0000, 0x2000)}


def with_own_data(module):
    for name, (start, size) in OWN.items():
        module.flash[start : start + size] = name.encode() * (size // len(name)) + b"\xff" * (size % len(name))
    return module


def assert_own_data(module):
    expected = with_own_data(FakeAsr(0x800000))
    for start, size in OWN.values():
        assert module.flash[start : start + size] == expected.flash[start : start + size]


def padded(data):
    return data + b"\xff" * (-len(data) % BLOCK)


def assert_written(module):
    for name, image in (
        ("bootloader", "bootloader.ubi"),
        ("customer_fs", "customer_fs.bin"),
        ("customer_backup_fs", "customer_backup_fs.bin"),
    ):
        data = padded(IMAGES[image])
        assert place(module, name)[: len(data)] == data, name
        assert set(place(module, name)[len(data) :]) <= {0xFF}, name


# ---- a whole burn ----------------------------------------------------------------------------------------------------


def test_burn_when_all_is_well_then_the_script_is_done_in_its_order_and_nothing_else():
    module, _, _ = burnt()
    assert_written(module)
    assert module.was_reset
    assert module.log == [
        "getvar:product",
        "getvar:version",
        "getvar:version-bootrom",
        "progress:00000004",
        "getvar:max-download-size",
        f"download:{len(PREBOOT):08x}",
        "verify",
        "call",
        "getvar:max-download-size",
        f"download:{len(FLASHER):08x}",
        "verify",
        "call",
        "getvar:max-download-size",
        f"download:{len(FLASH_LIST):08x}",
        "partition",
        "download:0000088c",
        "partition",
        "getvar:partition-type:bootloader",
        f"download:{2 * BLOCK + 32 + 16 * 3 + 4:08x}",
        "flash:bootloader",
        "getvar:partition-type:system",
        f"download:{8 * BLOCK + 32 + 16 * 3 + 4:08x}",
        "flash:system",
        f"download:{6 * BLOCK + 32 + 16 * 4 + 4:08x}",
        "flash:system",
        "erase:fota_param",
        "getvar:partition-type:customer_fs",
        f"download:{255 * BLOCK + 32 + 16 * 3 + 4:08x}",
        "flash:customer_fs",
        f"download:{46 * BLOCK + 32 + 16 * 4 + 4:08x}",
        "flash:customer_fs",
        "getvar:partition-type:customer_backup_fs",
        f"download:{4 * BLOCK + 32 + 16 * 3 + 4:08x}",
        "flash:customer_backup_fs",
        "reboot",
        "complete",
        "disconnect",
    ]


@pytest.mark.parametrize("regreets", ["", "preamble", "unasked", "instead"])
@pytest.mark.parametrize("fragment", [None, 1, 3])
def test_loaders_when_they_greet_again_or_not_then_the_burn_goes_on(regreets, fragment):
    module, events, _ = burnt(FakeAsr(0x800000, regreets=regreets), fragment=fragment)
    assert_written(module)
    assert module.greetings == (3 if regreets else 1)
    links = [event for event in events if isinstance(event, Step) and event.name == "burn.connect"]
    assert [step.facts["link"] for step in links if step.state == "done"] == ["SMUX"] * module.greetings


def test_module_when_it_logs_reports_and_beats_between_everything_then_pass():
    chatter = [
        frame(5),
        frame(0, b"NOTICE: booting\r\n"),
        frame(3, b"INFOerasing"),
        frame(3, b"PROG7"),
        frame(3, b"PROGx"),
        b"noise",
        b"\x7e\x7d\x7e",
    ]
    verbs = ["getvar", "progress", "download", "verify", "call", "partition", "flash", "erase", "reboot", "complete"]
    module, _, _ = burnt(FakeAsr(0x800000, says=dict.fromkeys(verbs, chatter)), fragment=5)
    assert_written(module)


def test_progress_when_told_then_it_never_falls_and_reaches_its_end_only_at_the_end():
    _, events, _ = burnt()
    told = [event for event in events if isinstance(event, Progress)]
    total = plan_of().write_bytes
    done = [event.done_bytes for event in told]
    assert all(event.total_bytes == total for event in told)
    assert done == sorted(set(done))
    assert done[-1] == total
    last = events.index(told[-1])
    behind = [event.name for event in events[last:] if isinstance(event, Step) and event.state == "begin"]
    assert behind == ["burn.reset"]
    assert len(told) > 20


def test_progress_when_an_erase_is_last_then_it_does_not_wait_at_its_end():
    lines = [*LINES[:9], {"command": "erase", "partition": "fota_param"}]
    plan = plan_asr(package_of(lines), PlanOptions())
    _, events, _ = burnt(plan=plan)
    told = [n for n, event in enumerate(events) if isinstance(event, Progress) and event.done_bytes == plan.write_bytes]
    erased = [n for n, event in enumerate(events) if isinstance(event, Step) and event.name == "burn.erase:fota_param"]
    assert len(told) == 1
    assert told[0] > erased[0]


def test_steps_when_a_burn_passes_then_each_begins_and_ends_once():
    _, events, _ = burnt()
    steps = [(event.name, event.state) for event in events if isinstance(event, Step)]
    parts = [action.part for action in plan_of().actions if action.verb != "skip"]
    for name in [f"burn.{part}" for part in parts] + ["burn.reset", "burn.connect"]:
        assert [state for one, state in steps if one == name] == ["begin", "done"], name


# ---- the module's own data -------------------------------------------------------------------------------------------


def test_own_data_when_nothing_is_said_then_left_alone_even_within_a_container():
    module, _, kept = burnt(with_own_data(FakeAsr(0x800000)))
    assert_own_data(module)
    assert kept == {}
    assert not any(line.startswith(("fuse", "erase:nvm", "erase:factory", "flash:rd", "upload")) for line in module.log)
    system = place(module, "system")
    image = padded(IMAGES["system.img"])
    assert system[:0x8000] == image[:0x8000]
    assert system[0xC000 : len(image)] == image[0xC000:]


def test_own_data_when_named_and_readable_then_stored_before_anything_is_erased():
    plan = plan_of("erase:nvm", "rd")
    module = with_own_data(FakeAsr(0x800000, can_upload=True))
    _, _, kept = burnt(module, plan)
    fresh = with_own_data(FakeAsr(0x800000))
    assert kept == {name: bytes(fresh.flash[s : s + n]) for name, (s, n) in OWN.items() if name != "factory"}
    assert place(module, "nvm") == b"\xff" * 0x10000
    assert place(module, "rd")[:0x1000] == IMAGES["ReliableData.bin"]
    uploads = [n for n, line in enumerate(module.log) if line == "upload"]
    changes = [n for n, line in enumerate(module.log) if line.startswith(("flash:", "erase:"))]
    assert len(uploads) == 2
    assert max(uploads) < min(changes)


def test_own_data_when_named_and_not_readable_then_refused_before_anything_is_erased():
    module = with_own_data(FakeAsr(0x800000))
    before = bytes(module.flash)
    with pytest.raises(Unsupported):
        talk(Session(plan_of("erase:nvm")), module)
    assert module.flash == before


def test_fuse_when_named_then_refused_and_when_not_then_never_sent():
    with pytest.raises(Unsupported):
        plan_of("fuse")
    assert "fuse" in [action.part for action in plan_of().actions if action.verb == "skip"]


def test_container_when_erased_as_a_whole_then_refused_for_what_is_in_it():
    for target in ("system", "all", "external"):
        with pytest.raises(Unsupported):
            plan_asr(package_of([*LINES[:8], {"command": "erase", "partition": target}]), PlanOptions())


# ---- refusals before the first erase ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [{"product": "arom-other"}, {"bootrom": "2021.10.16"}, {"product": ""}, {"fails": {"getvar:version": "no"}}],
)
def test_module_when_it_is_another_then_refused_before_anything_is_sent(wrong):
    module = FakeAsr(0x800000, **wrong)
    with pytest.raises(WrongModule):
        talk(Session(plan_of()), module)
    assert not any(line.startswith(("download", "erase", "flash")) for line in module.log)


def test_reject_when_it_matches_then_refused_and_otherwise_not():
    lines = [{"command": "reject", "name": "product", "value": "arom-tiny|x"}, *LINES]
    with pytest.raises(WrongModule):
        talk(Session(plan_asr(package_of(lines), PlanOptions())), FakeAsr(0x800000))
    for name, value in (("product", "other"), ("unknown-variable", "arom-tiny")):
        lines[0] = {"command": "reject", "name": name, "value": value}
        burnt(plan=plan_asr(package_of(lines), PlanOptions()))


def test_flash_chip_when_not_in_the_list_then_wrong_module():
    module = FakeAsr(0x800000, fails={"partition": "flash info not match"})
    with pytest.raises(WrongModule) as caught:
        talk(Session(plan_of()), module)
    assert caught.value.facts["module"] == "flash info not match"
    assert not module.erased


# ---- faults ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "part"),
    [
        ("verify", "preboot.img"),
        ("call", "preboot.img"),
        ("data", "preboot.img"),
        ("download", "preboot.img"),
        ("flash:system", "system"),
        ("erase:fota_param", "erase:fota_param"),
        ("getvar:partition-type:customer_fs", "customer_fs"),
    ],
)
def test_command_when_it_fails_then_the_part_and_the_modules_words_are_in_the_error(command, part):
    with pytest.raises(WriteFailed) as caught:
        talk(Session(plan_of()), FakeAsr(0x800000, fails={command: "erase partition failed."}))
    assert caught.value.facts["part"] == part
    assert caught.value.facts["answer"] == "erase partition failed."


def test_command_when_it_fails_without_a_word_then_the_last_log_line_is_told():
    module = FakeAsr(0x800000, fails={"verify": ""}, says={"verify": [frame(0, b"ERROR: bad hash\r\n")]})
    with pytest.raises(WriteFailed) as caught:
        talk(Session(plan_of()), module)
    assert caught.value.facts["answer"] == "ERROR: bad hash"


COMMANDS = (
    "getvar:product", "progress", "getvar:max-download-size", "download", "data", "verify", "call", "partition",
    "getvar:partition-type:system", "flash:system", "erase:fota_param", "reboot",
)  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_command_when_it_stays_unanswered_then_no_answer_at_the_limit(command):
    with pytest.raises(NoAnswer) as caught:
        talk(Session(plan_of()), FakeAsr(0x800000, mute={command}))
    assert caught.value.facts["seconds"] in {10.0, 30.0, 60.0, 300.0}


@pytest.mark.parametrize("command", ["complete", "disconnect"])
def test_end_when_it_stays_unanswered_then_pass(command):
    module, _, _ = burnt(FakeAsr(0x800000, mute={command}))
    assert_written(module)


@pytest.mark.parametrize("state", [State.REBOOT, State.COMPLETE, State.PAUSE, State.DISCONNECT])
def test_port_when_it_vanishes_at_the_end_then_pass(state):
    session, module, now = Session(plan_of()), FakeAsr(0x800000), 0.0
    session.start(now)
    while session.state is not state:
        data = session.bytes_to_send()
        while session.is_streaming:
            data += session.more_to_send(now)[0]
        answer = module.feed(data)
        if answer:
            session.receive(answer, now)
        else:
            now = session.wake_at
            session.wake(now)
    assert session.may_lose_port
    session.gone(now)
    assert session.state is State.DONE


def test_module_when_it_starts_anew_in_the_middle_then_said_so():
    class Restarts(FakeAsr):
        def _do_flash(self, partition):
            return b"\x7e\x55\x41\x42\x54" if partition == "customer_fs" else super()._do_flash(partition)

    session = Session(plan_of())
    with pytest.raises(BadAnswer) as caught:
        talk(session, Restarts(0x800000))
    assert "customer_fs" in caught.value.facts["what"]
    assert session.state is State.FAILED


def test_silence_when_nobody_is_there_then_polled_ten_times_a_second_for_eight_seconds():
    class Hears:
        heard = b""

        def feed(self, data):
            self.heard += data
            return b""

    session, nobody = Session(plan_of()), Hears()
    with pytest.raises(NoAnswer) as caught:
        talk(session, nobody)
    assert caught.value.facts["seconds"] == 8.0
    assert set(nobody.heard.split(b"\x7e")) == {b"UUUU", b""}
    assert 75 <= nobody.heard.count(b"\x7e") <= 81


def test_opening_when_the_module_forgets_it_then_begun_anew():
    class Forgets(FakeAsr):
        forgot = 0

        def _frame(self, kind, payload):
            if kind in (0, 1) and self.forgot < 2:
                self.forgot += 1
                self.link = "wait"
                return b""
            return super()._frame(kind, payload)

    module, _, _ = burnt(Forgets(0x800000))
    assert module.greetings == 3
    assert_written(module)


def test_old_rom_when_it_refuses_call_on_this_link_then_nop_instead():
    lines = [line | ({"value": "2019.01.15"} if line.get("name") == "version-bootrom" else {}) for line in LINES]
    plan = plan_asr(package_of(lines), PlanOptions())
    module, _, _ = burnt(FakeAsr(0x800000, bootrom="2019.01.15", fails={"call": ""}), plan)
    assert_written(module)
    with pytest.raises(WriteFailed):
        talk(Session(plan_of()), FakeAsr(0x800000, fails={"call": ""}))


def test_flasher_when_it_takes_less_than_usual_then_the_pieces_are_smaller():
    module, _, _ = burnt(FakeAsr(0x800000, max_size=0x20000))
    assert_written(module)
    sizes = [int(line[9:], 16) for line in module.log if line.startswith("download:")]
    assert max(sizes) <= 0x20000


@pytest.mark.parametrize("size", [b"0", b"10000000000zz", b"", b"-5"])
def test_size_when_no_number_then_bad_answer(size):
    class Odd(FakeAsr):
        def _do_getvar(self, name):
            return frame(3, b"OKAY" + size) if name == "max-download-size" else super()._do_getvar(name)

    with pytest.raises(BadAnswer):
        talk(Session(plan_of()), Odd(0x800000))


@pytest.mark.parametrize("mtu", [0, 15, 2001, 65535])
def test_mtu_when_impossible_then_bad_answer(mtu):
    class Odd(FakeAsr):
        def _frame(self, kind, payload):
            return frame(2, mtu.to_bytes(2, "big")) if kind == 1 else super()._frame(kind, payload)

    with pytest.raises(BadAnswer):
        talk(Session(plan_of()), Odd(0x800000))


@pytest.mark.parametrize("answer", [b"", b"HELLO", b"OKAY", b"DATA0000", b"DATA00000001", b"DATAzzzzzzzz"])
def test_download_when_answered_wrongly_then_bad_answer_or_silence(answer):
    class Odd(FakeAsr):
        def _do_download(self, _):
            return frame(3, answer)

    with pytest.raises((BadAnswer, NoAnswer)):
        talk(Session(plan_of()), Odd(0x800000))


def test_walk_when_every_state_is_cut_then_only_the_ending_ones_may_lose_their_port():
    """A cable out at any step: the loop raises PortGone unless everything is done already."""
    seen = {}
    session, module, now = Session(plan_of("erase:nvm")), FakeAsr(0x800000, can_upload=True, regreets="unasked"), 0.0

    def note(events):
        seen.setdefault(session.state, session.may_lose_port)
        if any(isinstance(event, NvRead) for event in events):
            note(session.stored(now))

    note(session.start(now))
    while not session.is_over:
        data = session.bytes_to_send()
        while session.is_streaming:
            data += session.more_to_send(now)[0]
        answer = module.feed(data)
        if answer:
            for at in range(len(answer)):
                note(session.receive(answer[at : at + 1], now))
        else:
            now = session.wake_at
            note(session.wake(now))
    ending = {State.REBOOT, State.COMPLETE, State.PAUSE, State.DISCONNECT}
    assert {state for state, may_lose in seen.items() if may_lose} == ending
    assert set(State) - set(seen) == {State.IDLE, State.CHOOSE, State.NOP, State.FAILED}


# ---- the plan --------------------------------------------------------------------------------------------------------


def test_plan_when_only_scripts_then_loaders_tables_and_the_two_file_systems():
    plan = plan_of(only="scripts")
    done = [(action.verb, action.part) for action in plan.actions if action.verb != "skip"]
    assert done == [
        ("load", "preboot.img"),
        ("load", "flasher.img"),
        ("table", "flashinfo.bin"),
        ("table", "partition.bin"),
        ("write", "customer_fs"),
        ("write", "customer_backup_fs"),
    ]
    assert plan.weight == 2
    module = with_own_data(FakeAsr(0x800000))
    module.flash[0x24000:0x2C000] = b"old!" * 0x2000
    burnt(module, plan)
    assert module.flash[0x24000:0x2C000] == b"old!" * 0x2000
    assert place(module, "customer_fs")[:BLOCK] == IMAGES["customer_fs.bin"][:BLOCK]


def test_plan_when_made_by_the_chip_then_its_session_is_the_one_of_the_driver():
    plan = make_plan(package_of())
    assert (plan.chip, plan.verify, plan.flash_bytes) == ("asr1603", "device", 0x800000)
    assert isinstance(session_for(plan), Session)
    assert plan.write_bytes == sum(len(action.data) for action in plan.actions)
    assert {loss.en for loss in plan.losses} == {"the files in /usr (replaced)", "the files in /bak (replaced)"}


def test_segments_when_there_are_no_holes_then_those_of_the_container():
    for action, files in zip(plan_of().actions, plan_of().files, strict=True):
        if action.verb == "write" and not action.holes:
            assert list(files) == asr_sparse.split(action.data, action.room_bytes)


@pytest.mark.parametrize(
    ("lines", "members", "wrong"),
    [
        ([*LINES, {"command": "cust-flash", "partition": "x"}], {}, Unsupported),
        ([*LINES, {"command": "flash", "image": "missing.bin", "partition": "cp"}], {}, BadFormat),
        ([*LINES, {"command": "erase", "partition": "nowhere"}], {}, BadFormat),
        (LINES, {"customer_backup_fs.bin": b"x" * 0x10001}, BadFormat),
        (LINES[:4] + LINES[6:], {}, BadFormat),
    ],
)
def test_package_when_it_cannot_be_burnt_then_refused_while_planning(lines, members, wrong):
    with pytest.raises(wrong):
        plan_asr(package_of(lines, **members), PlanOptions())


def test_verify_when_all_is_asked_for_then_refused_because_nothing_can_be_read_back():
    with pytest.raises(BadOption):
        make_plan(package_of(), "all")
    with pytest.raises(BadOption):
        make_plan(package_of(), only="everything")


# ---- the table -------------------------------------------------------------------------------------------------------


def test_table_when_walked_then_every_state_is_reached_and_every_one_but_the_last_is_left():
    reached = {State.IDLE} | {after for _, after in TABLE.values()}
    assert reached == set(State)
    left = {before for before, _ in TABLE}
    assert set(State) - left == {State.DONE, State.FAILED}
    for state in set(LIMITS_S):
        assert TABLE[state, Cue.LATE][1] is State.FAILED
    for action, _ in TABLE.values():
        assert callable(getattr(Session, f"_do_{action}"))


def test_table_when_written_for_people_then_the_spec_holds_it():
    """H26: the diagram is generated from the table; paste ``as_markdown()`` when it changes."""
    spec = Path(__file__).parents[2] / "docs" / "spec" / "asr-download.md"
    assert as_markdown() in spec.read_text(encoding="utf-8")


def test_table_when_shown_then_every_state_has_its_row():
    shown = re.findall(r"^\| (\w+) \|", as_markdown(), re.MULTILINE)
    assert set(shown) >= {state.name for state in State} - {State.DONE.name, State.FAILED.name}


@pytest.mark.parametrize("seed", range(30))
def test_answers_when_random_then_the_session_ends_with_an_error_of_the_tree_or_goes_on(seed):
    rng = random.Random(seed)
    session, now = Session(plan_of()), 0.0
    session.start(now)
    words = [b"OKAY", b"FAILx", b"DATA00000bd8", b"INFOx", b"PROG1", b"OKAYarom-tiny", b"OKAY0.5", b"OKAY2020.07.30"]
    opening = b"\x7eUABT\x7eUABT\x7e" + frame(2, b"\x04\x00")
    try:
        session.receive(opening, now)
        for _ in range(300):
            session.bytes_to_send()
            kind = rng.randrange(6)
            session.receive(frame(kind, rng.choice([*words, rng.randbytes(9)])) + rng.randbytes(rng.randrange(3)), now)
            if session.is_over:
                break
            now = session.wake_at
            session.wake(now)
            if session.is_over:
                break
    except ModulineError:
        assert session.state is State.FAILED
