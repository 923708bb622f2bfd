"""Scenarios, live faults, re-enumeration, recording and replay as a user types them; long-running commands as processes."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
import serial

from moduline.cli.main import run
from moduline.port.recording import read_recording_file
from moduline.vmodule import rack_wire

EXAMPLES = Path(__file__).parents[2] / "examples" / "scenarios"
RUNNING, ROM = (0x2C7C, 0x0901), (0x0525, 0xA4A7)


@pytest.fixture
def moduline(capsys):
    """Types ``moduline ...``; gives what was printed on stdout; takes the rack down at the end."""

    def type_(*words, code=0):
        assert run([str(word) for word in words]) == code, capsys.readouterr().err
        return capsys.readouterr()

    yield type_
    if rack_wire.read_control("default") is not None:
        run(["virt", "down"])


class Process:
    """A ``moduline`` command that goes on; its JSON lines by a queue."""

    def __init__(self, *words):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "moduline", *(str(word) for word in words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines = queue.Queue()
        self._errors = []
        self._threads = [
            threading.Thread(target=self._read, args=(self.process.stdout, self.lines.put)),
            threading.Thread(target=self._read, args=(self.process.stderr, self._errors.append)),
        ]
        for thread in self._threads:
            thread.start()

    @staticmethod
    def _read(stream, take):
        with stream:
            for line in stream:
                take(line.rstrip("\n"))

    def next(self):
        return json.loads(self.lines.get(timeout=20))

    def end(self, number=signal.SIGINT):
        """Exit code and what went to stderr."""
        if self.process.poll() is None and number is not None:
            self.process.send_signal(number)
        code = self.process.wait(timeout=30)
        for thread in self._threads:
            thread.join()
        return code, "\n".join(self._errors)


@contextmanager
def moduline_process(*words):
    one = Process(*words)
    try:
        yield one
    finally:
        one.end(signal.SIGKILL)


# ---- scenarios ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.stem)
def test_check_when_an_example_is_given_then_shows_what_would_be_and_starts_nothing(moduline, path):
    plan = json.loads(moduline("virt", "check", path, "--json").out)
    assert plan["ok"]
    assert json.loads(moduline("virt", "up", "--scenario", path, "--dry-run", "--json").out) == plan
    assert all(one["name"] in moduline("virt", "check", path).out for one in plan["modules"])
    assert rack_wire.read_control("default") is None


def test_check_when_the_file_is_wrong_then_exit_8_with_file_and_key(moduline, tmp_path):
    file = tmp_path / "s.toml"
    file.write_text("[[modules]]\n[modules.radio.cell]\nsignal = [{ at_s = 0, rssi = 40 }]\n", encoding="utf-8")
    failure = json.loads(moduline("virt", "check", file, "--json", code=8).out)
    assert failure["code"] == "ML-E0806"
    assert failure["facts"]["key"] == "modules[0].radio.cell.signal[0].rssi"
    assert str(file) in failure["message"]
    moduline("virt", "up", "--scenario", file, code=8)
    moduline("virt", "check", tmp_path / "nowhere.toml", code=2)
    assert rack_wire.read_control("default") is None


def test_up_when_scenario_is_mixed_with_other_options_then_usage_error(moduline):
    file = EXAMPLES / "flaky_cable.toml"
    moduline("virt", "up", "--scenario", file, "--count", "3", code=2)
    moduline("virt", "up", "--scenario", file, "--blank", code=2)
    moduline("virt", "up", "--keep", code=2)
    moduline("virt", "up", "--dry-run", code=2)


def test_up_when_scenario_is_given_then_modules_run_with_their_contents_and_faults(moduline, tmp_path):
    (tmp_path / "main.py").write_text("print('hello from the scenario')\n", encoding="utf-8")
    (tmp_path / "s.toml").write_text(
        'seed = 1\n[[modules]]\nname = "a"\ncontents = ["main.py"]\nfaults = ["rssi=4"]\nslot = "B7"\n'
        '[[modules]]\nname = "b"\noff = true\n',
        encoding="utf-8",
    )
    there = {
        one["name"]: one
        for one in json.loads(moduline("virt", "up", "--scenario", tmp_path / "s.toml", "--json").out)["modules"]
    }
    assert (there["a"]["state"], there["a"]["slot"], there["a"]["faults"]) == ("running", "B7", ["rssi=4"])
    assert there["b"]["state"] == "off"
    assert moduline("cat", ":/usr/main.py", "--port", "virt:a").out == "print('hello from the scenario')\n"
    assert "+CSQ: 4," in moduline("at", "AT+CSQ", "--port", "virt:a").out


def test_fault_when_given_live_then_the_same_words_as_in_a_scenario(moduline):
    moduline("virt", "up")
    moduline("virt", "fault", "m1", "sim-out")
    moduline("at", "AT+CPIN?", "--port", "virt:m1", code=10)
    moduline("virt", "fault", "m1", "sim-in,battery=3210")
    assert "3210" in moduline("at", "AT+CBC", "--port", "virt:m1").out
    shown = json.loads(moduline("virt", "fault", "m1", "unplug", "--json").out)["modules"][0]
    assert (shown["state"], list(shown["ports"])) == ("running", ["uart2"])
    moduline("info", "--port", "virt:m1", code=3)
    shown = json.loads(moduline("virt", "fault", "m1", "clear", "--json").out)["modules"][0]
    assert set(shown["ports"]) == {"at", "repl", "uart2"}
    assert shown["faults"] == []
    moduline("virt", "fault", "m1", "melt", code=2)


# ---- re-enumeration ----------------------------------------------------------------------------------------------------


def next_changes(watch, count):
    """The next changes of USB ports: (event, role, vid, pid, location), enumerations."""
    changes, numbers = [], []
    while len(changes) < count:
        one = watch.next()
        if not one["role"].startswith("uart"):
            changes.append((one["event"], one["role"], one["vid"], one["pid"], one["location"]))
            numbers.append(one["enumeration"])
    return changes, numbers


def test_watch_when_the_module_restarts_then_vanishing_and_appearing_are_seen_with_role_identity_and_place(moduline):
    """device-api 2.5: a restart re-enumerates, a soft reset keeps the port; 4: download mode is another USB device."""
    moduline("virt", "up")
    place = "virt-default-1"
    here = {("at", *RUNNING, place), ("repl", *RUNNING, place)}
    with moduline_process("port", "watch", "--jsonl") as watch:
        changes, first = next_changes(watch, 2)
        assert {change[1:] for change in changes} == here
        repl = json.loads(moduline("virt", "list", "--json").out)["modules"][0]["ports"]["repl"]
        with serial.Serial(repl, timeout=20) as port:
            port.write(b"\x03\x04")
            assert b"MPY: soft reboot" in port.read_until(b"soft reboot")
            assert port.read_until(b">>> ").endswith(b">>> ")
            port.write(b"from misc import Power\rPower.powerRestart()\r")
            changes, second = next_changes(watch, 4)  # the first news since the soft reset: nothing vanished then
        assert {change[1:] for change in changes if change[0] == "left"} == here
        assert {change[1:] for change in changes if change[0] == "arrived"} == here
        assert max(second) > max(first)
        moduline("at", "AT+QDOWNLOAD=1", "--port", "virt:m1")
        changes, _ = next_changes(watch, 3)
        assert {change[1:] for change in changes if change[0] == "left"} == here
        assert [change for change in changes if change[0] == "arrived"] == [("arrived", "download", *ROM, place)]
        moduline("virt", "fault", "m1", "unplug")
        assert next_changes(watch, 1)[0] == [("left", "download", *ROM, place)]
        moduline("virt", "fault", "m1", "replug")
        assert next_changes(watch, 1)[0] == [("arrived", "download", *ROM, place)]
        moduline("virt", "power", "m1", "reset")
        changes, _ = next_changes(watch, 3)
        assert {change[1:] for change in changes if change[0] == "arrived"} == here
        code, errors = watch.end()
        assert (code, errors.strip()) == (130, "")


def test_watch_when_read_by_people_then_usb_identity_and_place_are_in_the_line(moduline):
    moduline("virt", "up")
    with moduline_process("port", "watch") as watch:
        lines = [watch.lines.get(timeout=20) for _ in range(2)]
    assert any(line.startswith("+ virt:m1 at ") and line.endswith(" 2c7c:0901 virt-default-1") for line in lines), lines


# ---- record and replay -------------------------------------------------------------------------------------------------


def mpremote(path, code):
    command = [sys.executable, "-m", "mpremote", "connect", path, "exec", code]
    return subprocess.run(command, capture_output=True, timeout=60, check=False, text=True)


@contextmanager
def playing(file, *more, ports=1):
    """A replay as a process, and the paths of its first ports by role: a record may open them in any order."""
    with moduline_process("port", "replay", file, "--jsonl", *more) as player:
        yield player, {one["role"]: one["path"] for one in (player.next() for _ in range(ports))}


def test_session_of_mpremote_when_recorded_on_a_virtual_module_then_replayed_to_it_again(moduline, tmp_path):
    pytest.importorskip("mpremote", reason="the client of this test")
    moduline("virt", "up")
    file, code = tmp_path / "s.jsonl", "import modem; print(modem.getDevImei(), 6 * 7)"
    with moduline_process("port", "record", "virt:m1", "-o", file, "--jsonl") as tap:
        paths = {one["role"]: one["path"] for one in (tap.next(), tap.next())}
        first = mpremote(paths["repl"], code)
        assert first.stdout.strip().endswith(" 42"), first.stderr
        moduline("at", "AT+GSN", "--port", "virt:tap")
        exit_code, _ = tap.end(signal.SIGTERM)
        assert exit_code == 0
    moduline("virt", "down")
    assert read_recording_file(file).is_whole

    with playing(file, ports=2) as (player, paths):
        again = mpremote(paths["repl"], code)
        assert again.stdout == first.stdout, again.stderr
        assert "866" in moduline("at", "AT+GSN", "--port", "virt:replay").out
        while not (result := player.next()).get("ok"):
            continue
        assert result["host_bytes"] > len(code)
        assert player.end(None)[0] == 0

    with playing(file, "--limit", "5", ports=2) as (player, paths):
        mpremote(paths["repl"], code.replace("7", "8"))
        while "ok" not in (result := player.next()):
            continue
        assert (result["ok"], result["code"]) == (False, "ML-E1104")
        assert result["facts"]["port"] == "repl"
        assert result["facts"]["expected"].startswith("b'7)")
        assert result["facts"]["found"].startswith("b'8)")
        assert player.end(None)[0] == 11


def test_burn_when_recorded_by_its_own_command_then_replayed_to_the_burner(moduline, tmp_path):
    """A whole burn: AT port, download port, AT port; 290 KB of protocol."""
    package, file = tmp_path / "stock.pac", tmp_path / "burn.jsonl"
    moduline("firmware", "build", "ec600u", "-o", package)
    moduline("virt", "up")
    moduline("--record", file, "burn", package, "--port", "virt:m1", "--yes")
    moduline("virt", "down")
    kinds = [(one.kind, one.port) for one in read_recording_file(file).entries if one.kind == "open"]
    assert kinds == [("open", "at"), ("open", "download"), ("open", "at")]
    with playing(file) as (player, _):
        moduline("burn", package, "--port", "virt:replay", "--yes")
        while not (result := player.next()).get("ok"):
            continue
        assert result["host_bytes"] > 200_000
        assert player.end(None)[0] == 0


def test_record_option_when_it_names_no_file_or_a_bad_one_then_coded(moduline, tmp_path):
    moduline("at", "AT", "--port", "virt:m1", "--record", code=2)
    moduline("--record", "--json", "at", "AT", code=2)
    moduline("--record=", "at", "AT", code=2)
    moduline(f"--record={tmp_path / 'nowhere' / 'x.jsonl'}", "at", "AT", code=1)


def test_replay_when_the_file_is_damaged_or_missing_then_coded(moduline, tmp_path):
    file = tmp_path / "s.jsonl"
    file.write_bytes(b"no recording")
    assert json.loads(moduline("port", "replay", file, "--json", code=8).out)["code"] == "ML-E0801"
    moduline("port", "replay", tmp_path / "nowhere.jsonl", code=2)
    moduline("port", "record", "virt:nobody", "-o", file, code=3)


def test_record_when_killed_then_what_was_recorded_is_readable(moduline, tmp_path):
    moduline("virt", "up")
    file = tmp_path / "s.jsonl"
    with moduline_process("port", "record", "virt:m1", "-o", file, "--jsonl") as tap:
        tap.next(), tap.next()
        moduline("at", "AT", "--port", "virt:tap")
        os.kill(tap.process.pid, signal.SIGKILL)
        tap.process.wait(timeout=20)
    recording = read_recording_file(file)
    assert not recording.is_whole
    assert b"".join(entry.data for entry in recording.entries if entry.kind == "host").startswith(b"AT\r\n")
    assert not json.loads(moduline("port", "list", "--json").out)["ports"][0]["name"].startswith("tap")
