"""A gang and its screen on a real pseudo-terminal: whole runs, and everything a terminal can do to them."""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import struct
import sys
import termios
import textwrap
import time
from pathlib import Path

import pytest

from cli.on_pty import INTERRUPT, CommandOnPty
from moduline import burn
from moduline.cli.main import run
from moduline.release.firmware import stock_package
from moduline.vmodule import rack_wire

ALTERNATE, BACK = "\x1b[?1049h", "\x1b[?1049l"
TERMINAL = {"TERM": "xterm-256color", "COLUMNS": "", "COLORTERM": "truecolor"}


class ScreenOnPty(CommandOnPty):
    """A command on a terminal of a known size; remembers how the terminal was set before."""

    def __init__(self, *words, size=(100, 30), environment=None, **options):
        super().__init__(*words, environment=TERMINAL | (environment or {}), **options)
        self.size = size

    def __enter__(self):
        super().__enter__()
        self.before = termios.tcgetattr(self.master)
        self.resize(*self.size)
        return self

    def wait_for(self, text, timeout=30):
        """As there; a failure shows words, not escape sequences."""
        try:
            return super().wait_for(text, timeout)
        except AssertionError:
            shown = re.sub(r"\x1b\[[0-9;?<>=]*[A-Za-z$~]+", " ", self.screen[self.position :])
        pytest.fail(f"no {text!r} in: ...{shown[-3000:]}", pytrace=False)

    def resize(self, columns, rows):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    @property
    def is_restored(self):
        """Whether keys echo again, lines are lines again, and the ordinary screen is back."""
        return termios.tcgetattr(self.master)[:4] == self.before[:4] and self.screen.rfind(BACK) > self.screen.rfind(
            ALTERNATE
        )


def script_on_pty(tmp_path, code, **options):
    """A program of the test's own on a terminal."""
    path = tmp_path / "gang.py"
    path.write_text(PRELUDE + textwrap.dedent(code), encoding="utf-8")
    command = ScreenOnPty(**options)
    command.words = [sys.executable, str(path)]
    return command


PRELUDE = """\
import asyncio, os, pathlib, signal, sys
from moduline.burn.record import BurnRecord
from moduline.cli.gang_screen_run import watch_gang
from moduline.cli.main import run
from moduline.events import Progress, Step
from moduline.line.board import Board, Head

def one_unit(slot):
    return BurnRecord(id=slot, slot=slot, outcome="PASS", imei="868888777766665")
"""


def wait_until(is_so, limit_s=60):
    deadline = time.monotonic() + limit_s
    while not is_so():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)


@pytest.fixture
def rack(tmp_path):
    """Gives a function that starts two virtual modules and writes a stock package, both by their names."""

    def start(modules, package):
        assert run(["virt", "up", "--module", modules, "--count", "2", "--rack", "bench", "--json"]) == 0
        path = tmp_path / f"{package}.zip"
        path.write_bytes(stock_package(package))
        return path

    yield start
    if rack_wire.read_control("bench") is not None:
        run(["virt", "down", "--rack", "bench"])


# ---- whole runs -----------------------------------------------------------------------------------------------------


def test_gang_when_run_at_a_terminal_then_full_screen_and_0_and_the_terminal_as_before(rack):
    package = rack("ec600u", "ec600u")
    with ScreenOnPty("gang", "run", package, "--rack", "bench", "--operator", "Li") as command:
        command.wait_for(ALTERNATE)
        command.wait_for("operator Li")
        command.wait_for(BACK, timeout=90)
        command.wait_for("PASS")
        command.wait_for("PASS")
        assert command.end() == 0
        assert command.is_restored
    assert [record.outcome for record in burn.all_records()] == ["PASS", "PASS"]


def test_gang_when_a_part_fails_on_the_screen_then_12_and_the_table_below(rack):
    package = rack("ec600u", "ec200u")
    with ScreenOnPty("gang", "run", package, "--rack", "bench", "--patience", "0") as command:
        command.wait_for(ALTERNATE)
        command.wait_for(BACK, timeout=90)
        command.wait_for("REFUSED")
        assert command.end() == 12
        assert command.is_restored
        assert "ML-E1201" in command.screen


@pytest.mark.parametrize(("screen", "term"), [(None, "dumb"), (True, "dumb"), (False, "xterm-256color")])
def test_gang_when_there_is_to_be_no_screen_then_a_table_and_the_ordinary_terminal(tmp_path, screen, term):
    code = f"""
        async def work(report, on_record):
            on_record(one_unit("A1"))
            return []
        watch_gang(work, Head(), screen={screen})
        """
    with script_on_pty(tmp_path, code, environment={"TERM": term}) as command:
        assert command.end(60) == 0
        assert ALTERNATE not in command.screen
        assert "PASS" in command.screen
        assert ("no screen: TERM=dumb" in command.screen) == (screen is True)


def test_gang_when_aborted_on_the_screen_then_130_and_what_ran_is_recorded(rack):
    """An EC600E waits for its boot pin: a try that goes on until somebody ends it."""
    package = rack("ec600e", "ec600e")
    with ScreenOnPty("gang", "run", package, "--rack", "bench", "--pin-wait", "300") as command:
        command.wait_for("hold the BOOT pin", timeout=60)
        command.press(b"q")
        command.wait_for("press q again")
        command.press(b"q")
        assert command.end(60) == 130
        assert command.is_restored
    assert [record.outcome for record in burn.all_records()] == ["ABORTED", "ABORTED"]


@pytest.mark.parametrize(("choice", "told"), [("--screen", "hold the BOOT pin"), ("--no-screen", "no way by AT")])
def test_gang_when_the_terminal_is_closed_then_it_ends_cleanly_and_records_are_kept(rack, choice, told):
    package = rack("ec600e", "ec600e")
    command = ScreenOnPty("gang", "run", package, "--rack", "bench", "--pin-wait", "300", choice)
    with command:
        command.wait_for(told, timeout=60)
        os.close(command.master)
        try:
            assert command.process.wait(60) == 130
        finally:
            command.master = os.open(os.devnull, os.O_RDONLY)
    assert [record.outcome for record in burn.all_records()] == ["ABORTED", "ABORTED"]


@pytest.mark.parametrize(("choice", "told"), [("--screen", "hold the BOOT pin"), ("--no-screen", "no way by AT")])
def test_gang_when_it_outlives_its_terminal_then_it_lets_go_of_it_and_goes_on(rack, choice, told):
    """As under ``nohup``: nobody reads a terminal that is gone for ever and ever."""
    package = rack("ec600e", "ec600e")
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        command = ScreenOnPty("gang", "run", package, "--rack", "bench", "--pin-wait", "300", choice)
        with command:
            command.wait_for(told, timeout=60)
            os.close(command.master)
            try:
                number = command.process.pid
                wait_until(lambda: Path(f"/proc/{number}/fd/0").readlink() == Path(os.devnull))
                assert command.process.poll() is None
                command.process.terminate()
                assert command.process.wait(60) == 130
            finally:
                command.master = os.open(os.devnull, os.O_RDONLY)
    finally:
        signal.signal(signal.SIGHUP, before)
    assert [record.outcome for record in burn.all_records()] == ["ABORTED", "ABORTED"]


def test_gang_when_keys_are_pressed_while_it_burns_then_the_screen_follows(rack):
    package = rack("ec600e", "ec600e")
    with ScreenOnPty("gang", "run", package, "--rack", "bench", "--pin-wait", "300") as command:
        command.wait_for("hold the BOOT pin", timeout=60)
        command.press(b"l")
        command.wait_for("请按住 BOOT")
        command.resize(140, 40)
        command.press(b"\r")
        command.wait_for("步骤")
        command.press(INTERRUPT)
        command.wait_for("不再接收新模组")
        command.press(INTERRUPT)
        assert command.end(60) == 130
        assert command.is_restored


def test_gang_when_json_is_wanted_then_the_screen_is_on_stderr_and_stdout_has_one_object(rack, tmp_path):
    package, out = rack("ec600u", "ec200u"), tmp_path / "out.json"
    words = ["gang", "run", str(package), "--rack", "bench", "--patience", "0", "--json"]
    code = f"""
        sys.stdout = open({str(out)!r}, "w", encoding="utf-8")
        sys.exit(run({words!r}))
        """
    with script_on_pty(tmp_path, code) as command:
        assert command.end(90) == 12
        assert ALTERNATE in command.screen
    (line,) = out.read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["code"] == "ML-E1201"


# ---- the screen fails, the gang does not ----------------------------------------------------------------------------


def test_gang_when_the_screen_breaks_then_it_goes_on_as_lines(tmp_path):
    code = """
        class Broken(Board):
            def slots(self, now):
                raise ZeroDivisionError
        import moduline.cli.gang_screen_run as side
        side.Board = Broken

        async def work(report, on_record):
            while side.LiveView.__name__ not in seen:
                await asyncio.sleep(0.02)
            report(Step("burn.enter", "begin", "A1"))
            on_record(one_unit("A1"))
            return [one_unit("A1")]

        seen = set()
        lines = side._show_lines
        def show_lines(*words, **options):
            seen.add("LiveView")
            return lines(*words, **options)
        side._show_lines = show_lines
        print("records", len(watch_gang(work, Head())))
        """
    with script_on_pty(tmp_path, code) as command:
        command.wait_for("the screen has ended, the gang goes on")
        command.wait_for("PASS")
        command.wait_for("records 1")
        assert command.end() == 0
        assert command.is_restored


def test_gang_when_hang_ups_are_ignored_then_it_goes_on_without_a_terminal(tmp_path):
    """``nohup moduline gang run ...``"""
    done, gone = tmp_path / "done", tmp_path / "gone"
    code = f"""
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        async def work(report, on_record):
            while not pathlib.Path({str(gone)!r}).exists():
                report(Step("burn.enter", "begin", "A1"))
                await asyncio.sleep(0.05)
            for number in range(40):
                report(Progress("burn", number, 40, "A1"))
                await asyncio.sleep(0.05)
            on_record(one_unit("A1"))
            return [one_unit("A1")]
        records = watch_gang(work, Head())
        pathlib.Path({str(done)!r}).write_text(str(len(records)))
        """
    with script_on_pty(tmp_path, code) as command:
        command.wait_for("asking")
        os.close(command.master)
        try:
            gone.touch()
            command.process.wait(60)
        finally:
            command.master = os.open(os.devnull, os.O_RDONLY)
    assert done.read_text() == "1"


def test_gang_when_the_terminal_stalls_then_the_engine_goes_on(tmp_path):
    """Nobody reads the terminal, as when a remote connection hangs: drawing stops, burning does not."""
    done = tmp_path / "done"
    code = f"""
        async def work(report, on_record):
            for slot in range(64):
                report(Step("burn.enter", "begin", f"A{{slot}}"))
            for number in range(120):
                for slot in range(64):
                    report(Step(f"burn.{{number}}", "begin", f"A{{slot}}", {{"part": f"{{number}}", "verb": "write"}}))
                await asyncio.sleep(0.05)
            pathlib.Path({str(done)!r}).touch()
            return []
        watch_gang(work, Head())
        """
    with script_on_pty(tmp_path, code, size=(200, 60)) as command:
        command.wait_for("A63")
        wait_until(done.exists)
        assert command.process.poll() is None
        assert command.end(60) == 0
        assert command.is_restored


def test_gang_when_terminated_then_130_and_the_terminal_as_before(tmp_path):
    code = """
        async def work(report, on_record):
            report(Step("burn.enter", "begin", "A1"))
            await asyncio.sleep(3600)
        try:
            watch_gang(work, Head())
        except KeyboardInterrupt:
            sys.exit(130)
        """
    with script_on_pty(tmp_path, code) as command:
        command.wait_for("asking")
        command.process.send_signal(signal.SIGTERM)
        assert command.end(60) == 130
        assert command.is_restored


def test_gang_when_no_colour_is_wanted_then_none_is_sent(tmp_path):
    code = """
        async def work(report, on_record):
            on_record(one_unit("A1"))
            await asyncio.sleep(2)
            return []
        watch_gang(work, Head())
        """
    with script_on_pty(tmp_path, code, environment={"NO_COLOR": "1"}) as command:
        command.wait_for("PASS")
        assert command.end(60) == 0
        assert "\x1b[38;" not in command.screen
        assert "\x1b[48;" not in command.screen


def test_commands_when_they_need_no_screen_then_textual_is_not_loaded():
    code = "import sys; from moduline.cli.main import run; run(['gang', '--help']); sys.exit('textual' in sys.modules)"
    command = ScreenOnPty()
    command.words = [sys.executable, "-c", code]
    with command:
        assert command.end() == 0
