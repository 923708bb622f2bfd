"""Greeting, HELLO and the commands of ROM and preboot; every byte typed from platform-asr 4.1 and 4.2."""

from __future__ import annotations

import hashlib

import pytest

from asr_bench import bench
from asr_host import FLASHER, PREAMBLE, PREBOOT, Host, fip, frame
from moduline.vmodule.download.asr_flasher import TRANSFERS as FLASHER_TABLE
from moduline.vmodule.download.asr_program import TRANSFERS
from moduline.vmodule.download.events import (
    CommandFailed,
    Connected,
    CutReached,
    DownloadFaults,
    FusesKept,
    ResetWanted,
    StageEntered,
    UnplugReached,
)
from samples import sample


@pytest.fixture
def host():
    return bench()[0]


@pytest.fixture
def opened(host):
    return host.open()


# ---- 4.1: the bytes of the run ---------------------------------------------------------------------------------------


def test_opening_when_bytes_are_those_of_the_run_then_answers_are_too(host):
    steps = [
        ("55 55 55 55 7E", "7E 55 41 42 54"),
        ("7E 55 41 42 54 7E", "7E 55 41 42 54 7E"),
        ("7E 7D 21 04 00 7E", "7E 7D 22 04 00 7E"),
        ("7E 7D 23 " + b"getvar:version".hex() + "7E", "7E 7D 23 " + b"OKAY0.5".hex() + "7E"),
    ]
    for sent, expected in steps:
        assert host.raw(bytes.fromhex(sent)) == bytes.fromhex(expected)
    assert host.events == [Connected()]


def test_opening_when_bytes_come_one_by_one_then_the_same():
    host, _, _ = bench()
    sent = PREAMBLE + b"\x7eUABT\x7e" + frame(1, b"\x04\x00") + frame(3, b"getvar:product")
    answers = b"".join(host.raw(sent[at : at + 1]) for at in range(len(sent)))
    assert answers == b"\x7eUABT\x7eUABT\x7e\x7e\x7d\x22\x04\x00\x7e\x7e\x7d\x23OKAYarom-tiny\x7e"


def test_preamble_when_repeated_before_the_answer_was_seen_then_answered_once(host):
    """A host sends it every 100 ms; the device answers once."""
    assert host.raw(PREAMBLE * 5) == b"\x7eUABT"
    host.now = 0.1
    assert host.raw(PREAMBLE) == b""
    assert host.raw(b"\x7eUABT\x7e") == b"\x7eUABT\x7e"


def test_preamble_when_answer_was_lost_or_another_host_comes_then_answered_again(host):
    assert host.raw(PREAMBLE) == b"\x7eUABT"
    host.now = 0.6
    assert host.raw(PREAMBLE) == b"\x7eUABT"
    host.raw(frame(1, b"\x04\x00"))
    assert host.say("download:00000100") == "DATA00000100"
    host.send(bytes(10))
    host.now = 5.0
    host.open()
    assert host.say("getvar:version") == "OKAY0.5"
    assert host.download(PREBOOT) == "OKAY"


@pytest.mark.parametrize(
    "noise", [b"", b"AT\r\n", b"\x55" * 40, b"\x55\x55\x7e\x7e", bytes(300), b"\x7e\x7d\x21\x04\x00\x7e"]
)
def test_preamble_when_noise_comes_before_then_answered(noise, host):
    host.raw(noise)
    host.now = 1.0
    assert host.raw(PREAMBLE) == b"\x7eUABT"


def test_commands_when_the_link_is_not_open_then_silence(host):
    assert host.raw(frame(3, b"getvar:version")) == b""
    host.raw(PREAMBLE)
    assert host.raw(frame(3, b"getvar:version")) == b""
    assert Connected() not in host.events


@pytest.mark.parametrize(
    ("asked", "agreed"), [(1, 1), (512, 512), (1024, 1024), (2000, 2000), (2048, 2048), (65535, 2048)]
)
def test_hello_when_an_mtu_is_proposed_then_agreed_up_to_the_modules_own(asked, agreed, host):
    host.raw(PREAMBLE)
    assert host.raw(frame(1, asked.to_bytes(2, "big"))) == frame(2, agreed.to_bytes(2, "big"))


@pytest.mark.parametrize("payload", [b"", b"\x04", b"\0\0", b"\x04\0\0", bytes(50)])
def test_hello_when_it_proposes_nothing_then_silence(payload, host):
    host.raw(PREAMBLE)
    assert host.raw(frame(1, payload)) == b""
    assert Connected() not in host.events


def test_frames_when_longer_than_agreed_then_dropped(host):
    host.mtu = 64
    host.open()
    assert host.say("download:00000060") == "DATA00000060"
    assert host.raw(frame(4, bytes(0x60))) == b""
    assert host.send(bytes(0x60)) == "OKAY"


@pytest.mark.parametrize("mtu", [1, 2, 7, 127, 512, 2000, 2048])
def test_loader_when_sent_with_any_mtu_then_runs(mtu):
    host, _, _ = bench()
    host.mtu = max(mtu, 20)
    host.open()
    host.mtu = mtu
    assert host.call(PREBOOT) == ["OKAY"] * 3


def test_frames_of_other_types_when_sent_then_not_answered(opened):
    for kind in (0, 2, 5, 6, 9, 0x40):
        assert opened.raw(frame(kind, b"hello")) == b""
    assert opened.say("nop") == "OKAY"


def test_heart_beat_when_a_host_is_there_then_every_300_ms(host):
    assert host.session.wake_at_s is None
    host.open()
    assert host.wait(1.0) == b"\x7e\x7d\x25\x7e" * 3
    assert host.say("nop") == "OKAY"


# ---- 4.2: variables and commands ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "bootrom"), [("ec600n", "2020.07.30"), ("ec600m", "2021.10.16"), ("ec800k", "2021.10.16")]
)
def test_getvar_when_asked_in_the_rom_then_the_chips_values(module, bootrom):
    host = bench(module)[0].open()
    answers = {name: host.say(f"getvar:{name}") for name in ("version", "version-bootrom", "product", "platform")}
    assert answers == {
        "version": "OKAY0.5",
        "version-bootrom": f"OKAY{bootrom}",
        "product": "OKAYarom-tiny",
        "platform": "OKAYSILICON",
    }
    assert host.say("getvar:boardid").startswith("OKAY")
    assert int(host.say("getvar:max-download-size")[4:], 16) == 0xF000


@pytest.mark.parametrize(
    "command",
    [
        "getvar:nothing",
        "getvar:partition-type:nvm",
        "flash:nvm",
        "erase:nvm",
        "partition",
        "hello",
        "set_active:a",
        "VERIFY",
    ],
)
def test_command_when_the_rom_does_not_have_it_then_fail(command, opened):
    assert opened.say(command).startswith("FAIL")
    assert any(isinstance(event, CommandFailed) and event.command == command for event in opened.events)


@pytest.mark.parametrize("command", ["nop", "progress:00000000", "progress:0000002A", "enable", "disconnect"])
def test_command_when_harmless_then_okay(command, opened):
    assert opened.say(command) == "OKAY"


@pytest.mark.parametrize(
    "size", ["", "0", "00000000", "0000f001", "ffffffff", "0000100", "000010000", "0x001000", "-0000001", "zzzzzzzz"]
)
def test_download_when_size_is_impossible_then_fail_and_the_next_one_works(size, opened):
    assert opened.say(f"download:{size}").startswith("FAIL")
    assert opened.call(PREBOOT) == ["OKAY"] * 3


def test_download_when_as_large_as_the_memory_then_taken(opened):
    assert opened.say("download:0000F000") == "DATA0000f000"
    assert opened.send(bytes(0xF000)) == "OKAY"


def test_download_when_more_comes_than_announced_then_fail(opened):
    opened.say("download:00000010")
    assert opened.send(bytes(17)).startswith("FAIL")
    assert opened.say("verify").startswith("FAIL")


def test_download_when_another_command_comes_in_between_then_given_up(opened):
    opened.say("download:00000100")
    opened.send(bytes(99))
    assert opened.say("getvar:version") == "OKAY0.5"
    assert opened.send(bytes(1)) == ""
    assert opened.say("verify").startswith("FAIL")


def test_data_when_nobody_asked_for_it_then_no_answer(opened):
    assert opened.send(bytes(100)) == ""
    assert opened.session.content_bytes == 0


STATES = ("idle", "receiving", "loaded", "verified")


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("verb", ["verify", "call"])
def test_rom_when_a_step_is_not_in_the_table_then_fail(state, verb, opened):
    if state != "idle":
        opened.say(f"download:{len(PREBOOT):08x}")
    if state in {"loaded", "verified"}:
        opened.send(PREBOOT)
    if state == "verified":
        assert opened.say("verify") == "OKAY"
    assert (opened.say(verb) == "OKAY") is ((state, verb) in TRANSFERS)


@pytest.mark.parametrize(("table", "ends"), [(TRANSFERS, {"called"}), (FLASHER_TABLE, set())])
def test_table_when_walked_then_every_state_is_reached_and_left(table, ends):
    reached, frontier = {"idle"}, ["idle"]
    while frontier:
        state = frontier.pop()
        new = {target for (source, _), target in table.items() if source == state} - reached
        reached |= new
        frontier += new
    assert reached == set(table.values()) | {"idle"}
    assert {state for state, _ in table} == reached - ends


def _without_certificate():
    whole = fip(b"code" * 20)
    return whole.replace(bytes.fromhex("d6e269ea5d63e4118d8c9fbabe9956a5"), bytes(15) + b"\x01")


@pytest.mark.parametrize(
    ("name", "image"),
    [
        ("empty code", fip(b"", hashlib.sha256(b"").digest())),
        ("flipped code", PREBOOT.replace(b"preboot", b"prebooT", 1)),
        ("other hash", fip(b"code" * 20, hashlib.sha256(b"other").digest())),
        ("no certificate", _without_certificate()),
        ("wrong magic", b"\0" + PREBOOT[1:]),
        ("wrong serial", PREBOOT[:4] + b"\0" + PREBOOT[5:]),
        ("cut off", PREBOOT[:-10]),
        ("too short", PREBOOT[:20]),
        ("endless list", PREBOOT[:16] + b"\x01" * 400),
        ("end beyond the file", fip(b"code" * 20, end=1 << 40)),
        ("no image", b"hello"),
    ],
)
def test_verify_when_image_is_wrong_then_fail_and_it_cannot_be_called(name, image, opened):
    assert opened.download(image) == "OKAY"
    assert opened.say("verify").startswith("FAIL"), name
    assert opened.say("call").startswith("FAIL")
    assert opened.call(PREBOOT) == ["OKAY"] * 3


@pytest.mark.parametrize("name", ["asr1601", "asr1603"])
def test_verify_when_loaders_are_real_ones_then_they_run(name, opened):
    images = [sample(f"asr/{name}/{one}.img").read_bytes() for one in ("preboot", "flasher")]
    for image in images:
        assert opened.call(image) == ["OKAY"] * 3
    assert opened.session.stage == "flasher"


def test_call_when_done_twice_then_preboot_and_flasher_run(opened):
    assert opened.call(PREBOOT) == ["OKAY"] * 3
    assert int(opened.say("getvar:max-download-size")[4:], 16) == 0xF000
    assert opened.call(FLASHER) == ["OKAY"] * 3
    assert int(opened.say("getvar:max-download-size")[4:], 16) == 0x100000
    assert [event for event in opened.events if isinstance(event, StageEntered)] == [
        StageEntered("preboot"),
        StageEntered("flasher"),
    ]
    assert opened.session.content_bytes == len(PREBOOT) + len(FLASHER)


def test_call_when_done_then_a_host_may_open_the_link_again(opened):
    opened.call(PREBOOT)
    opened.open()
    assert opened.call(FLASHER) == ["OKAY"] * 3


def test_call_when_loaders_greet_anew_then_the_link_must_be_opened_again():
    host, _, _ = bench(faults=DownloadFaults(is_greeting_anew=True))
    host.open()
    host.download(PREBOOT)
    host.say("verify")
    stream = host.raw(frame(3, b"call"))
    assert b"OKAY\x7e" in stream
    assert stream.endswith(b"\x7eUABT")
    assert host.say("getvar:version") == ""
    assert host.raw(b"\x7eUABT\x7e") == b"\x7eUABT\x7e"
    assert host.raw(frame(1, b"\x04\0")) == frame(2, b"\x04\0")
    assert host.call(FLASHER)[-1] == "OKAY"


def test_fuse_when_asked_for_then_refused_loudly(opened):
    assert opened.say("fuse").startswith("FAIL")
    assert FusesKept("fuse") in opened.events
    assert "NEVER" in opened.logs[-1]


@pytest.mark.parametrize("command", ["upload", "useflash:0", "ulstage:00000000:00001000"])
def test_upload_when_its_arguments_are_not_documented_then_refused(command, opened):
    assert opened.say(command).startswith("FAIL")


def test_leaving_when_in_the_vendors_order_then_restarts_at_goodbye(opened):
    assert [opened.say(word) for word in ("reboot", "complete")] == ["OKAY", "OKAY"]
    opened.now += 0.5
    assert ResetWanted() not in opened.events
    assert opened.say("disconnect") == "OKAY"
    assert opened.events[-1] == ResetWanted()
    assert opened.say("getvar:version") == ""


@pytest.mark.parametrize("word", ["reboot", "complete"])
def test_leaving_when_goodbye_does_not_come_then_restarts_after_a_second(word, opened):
    opened.now = 10.0
    assert opened.say(word) == "OKAY"
    opened.wait(0.9)
    assert ResetWanted() not in opened.events
    opened.wait(0.2)
    assert opened.events[-1] == ResetWanted()
    assert opened.session.wake_at_s is None


def test_goodbye_when_no_restart_was_asked_for_then_the_rom_listens_again(opened):
    assert opened.say("disconnect") == "OKAY"
    assert opened.say("getvar:version") == ""
    opened.now += 1
    opened.open()
    assert ResetWanted() not in opened.events


# ---- faults -----------------------------------------------------------------------------------------------------------


def test_faults_when_silent_then_nothing_is_said_at_all():
    host, _, faults = bench()
    host.open()
    faults.is_silent = True
    assert host.raw(frame(3, b"getvar:version")) == b""
    assert host.wait(2) == b""
    faults.is_silent = False
    assert host.say("getvar:version") == "OKAY0.5"


def test_faults_when_log_frames_then_one_before_every_answer():
    host, _, _ = bench(faults=DownloadFaults(has_log_frames=True))
    host.open()
    for _ in range(3):
        host.say("nop")
    assert len(host.logs) == 3


def test_faults_when_cut_at_content_then_told_once_and_dead():
    host, _, _ = bench(faults=DownloadFaults(cut_at_bytes=1500))
    host.open()
    host.say(f"download:{len(PREBOOT):08x}")
    assert host.send(PREBOOT) == ""
    assert host.events.count(CutReached()) == 1
    assert host.session.content_bytes == 2048
    assert host.say("nop") == ""


def test_faults_when_unplugged_at_content_then_told_and_the_module_goes_on():
    host, _, faults = bench(faults=DownloadFaults(unplug_at_bytes=1500))
    host.open()
    assert host.download(PREBOOT) == "OKAY"
    assert host.events.count(UnplugReached()) == 1
    assert faults.unplug_at_bytes is None


def test_host_when_two_sessions_run_then_they_do_not_know_each_other():
    first, second = (Host(bench()[0].session).open() for _ in range(2))
    first.say("download:00001000")
    assert second.say("verify").startswith("FAIL")
    assert first.send(bytes(0x1000)) == "OKAY"
