"""``fleet run`` as typed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from fleet_rig import Upgrading, offer, place
from gateway_rig import PK, PS
from moduline.cli import main

KINDS = (
    "[fleet]\ntime_scale = 50.0\nrate = 1000.0\n[[kind]]\nname = 'meter'\nboot_s = 1\ndecide_s = 0.2\nbattery = {}\n"
)


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """Type a command; gives stdout; asserts the exit code."""
    monkeypatch.chdir(tmp_path)

    def typed(*words, exit_code=0):
        code = main.run([str(word) for word in words])
        shown = capsys.readouterr()
        assert code == exit_code, shown
        typed.err = shown.err
        return shown.out

    return typed


@contextmanager
def platform_on(make=Upgrading):
    """A platform in another thread; gives the port of its gateway."""
    ports, over, loops = [], asyncio.Event(), []
    is_up = threading.Event()

    async def serve():
        loops.append(asyncio.get_running_loop())
        async with place(platform=make()) as here:
            ports.append(here.port)
            is_up.set()
            await over.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert is_up.wait(30)
    try:
        yield ports[0]
    finally:
        loops[0].call_soon_threadsafe(over.set)
        thread.join(30)


def words(port, tmp_path, battery="50"):
    (tmp_path / "fleet.toml").write_text(KINDS.format(battery), encoding="utf-8")
    server = ("--server", "127.0.0.1", "--mqtt-port", port, "--product", PK, "--secret", PS)
    return ("fleet", "run", *server, "--count", 3, "--fleet", "fleet.toml")


def test_run_when_all_are_upgraded_then_0_and_a_summary(run, tmp_path):
    with platform_on() as port:
        told = json.loads(run(*words(port, tmp_path), "--until-done", "--for", 60, "--json", "--state", "s"))
        assert told["ok"]
        assert told["devices_by_outcome"] == {"upgraded": 3}
        assert told["versions"] == {"V2": 3}
        assert (tmp_path / "s").is_file()


def test_run_when_shown_to_people_then_names_outcomes(run, tmp_path):
    with platform_on() as port:
        shown = run(*words(port, tmp_path), "--until-done", "--for", 60)
    assert "upgraded 3" in shown


def test_run_when_streamed_then_a_line_per_end_and_the_summary_last(run, tmp_path):
    with platform_on(lambda: Upgrading(say=lambda: offer(battery_percent=90))) as port:
        lines = [
            json.loads(line)
            for line in run(*words(port, tmp_path), "--until-done", "--for", 60, "--jsonl").splitlines()
        ]
    ended = [line for line in lines if line.get("slug") == "fleet.ended"]
    assert sorted(line["where"] for line in ended) == [f"86000000000000{n}" for n in (1, 2, 3)]
    assert {line["facts"]["reason"] for line in ended} == {"battery"}
    assert lines[-1]["event"] == "summary"


def test_run_when_the_time_is_over_first_then_124(run, tmp_path):
    with platform_on(lambda: Upgrading(say=lambda: offer("V8", "V1"))) as port:
        out = run(*words(port, tmp_path), "--seed", 3, "--until-done", "--for", 0.01, "--json", exit_code=124)
    assert json.loads(out.splitlines()[-1])["code"] == "ML-E1241"


def test_run_when_nobody_listens_then_14(run, tmp_path):
    out = run(*words(1, tmp_path), "--for", 1, "--json", exit_code=14)
    assert json.loads(out.splitlines()[-1])["code"] == "ML-E1404"


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for one process on Windows")
def test_run_when_interrupted_then_130_with_the_summary_and_the_state(tmp_path):
    with platform_on() as port:
        command = [sys.executable, "-m", "moduline", *map(str, words(port, tmp_path)), "--jsonl", "--state", "s"]
        process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
        lines = [json.loads(process.stdout.readline())]
        while lines[-1].get("facts", {}).get("upgraded") != 3:  # goes on: nobody asked it to end
            lines.append(json.loads(process.stdout.readline()))
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert json.loads(rest.splitlines()[-1])["versions"] == {"V2": 3}
    assert len((tmp_path / "s").read_text(encoding="utf-8").splitlines()) == 4


def test_run_when_only_shown_then_needs_no_product(run, tmp_path):
    (tmp_path / "fleet.toml").write_text(KINDS.format("50"), encoding="utf-8")
    told = json.loads(
        run("fleet", "run", "--server", "x", "--count", 10, "--fleet", "fleet.toml", "--dry-run", "--json")
    )
    assert told["last"] == "860000000000010"
    assert told["kinds"] == [{"kind": "meter", "model": "EC600N", "version": "V1", "share": 1.0}]


V1 = "EC600NCNLCR03A01M08_OCPU_PY_MODULINE1"
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the interpreter's sandbox needs Linux")


def test_run_when_virtual_modules_are_only_shown_then_names_their_firmware(run):
    told = json.loads(run("fleet", "run", "--server", "x", "--virtual", 2, "--count", 5, "--dry-run", "--json"))
    assert (told["devices"], told["virtual"]["modules"], told["virtual"]["version"]) == (3, 2, V1)
    assert [(kind["version"], kind["share"]) for kind in told["kinds"]] == [(V1, 1.0)], "the same plan takes both"
    assert "modules 2" in run("fleet", "run", "--server", "x", "--virtual", 2, "--dry-run")


@pytest.mark.parametrize(
    ("more", "exit_code", "said"),
    [
        ((), 2, "--count"),
        (("--count", 3, "--virtual", 4), 2, "--virtual"),
        (("--count", 3, "--package", "v1.zip"), 2, "--package"),
        (("--count", 3, "--script", "main.py"), 2, "--script"),
        (("--virtual", 1, "--package", "none.zip"), 2, "none.zip"),
        (("--virtual", 1, "--package", "junk.zip"), 8, "junk.zip"),
        (("--virtual", 1, "--module", "ec999"), 2, "ec999"),
        (("--virtual", 1, "--script", "folder"), 2, "main.py"),
        (("--virtual", 1), 2, "--product, --secret"),
        (("--virtual", 1, "--product", "p000aa"), 2, "MODULINE_PRODUCT_SECRET"),
    ],
)
def test_run_when_something_is_missing_for_virtual_modules_then_says_what(
    run, tmp_path, monkeypatch, more, exit_code, said
):
    monkeypatch.delenv("MODULINE_PRODUCT", raising=False)
    monkeypatch.delenv("MODULINE_PRODUCT_SECRET", raising=False)
    (tmp_path / "junk.zip").write_bytes(b"junk")
    (tmp_path / "folder").mkdir()
    run("fleet", "run", "--server", "127.0.0.1", *more, exit_code=exit_code)
    assert said in run.err


@linux
def test_run_when_interrupted_with_virtual_modules_then_nothing_of_them_is_left(tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with platform_on() as port:
        command = [sys.executable, "-m", "moduline", *map(str, words(port, tmp_path)), "--virtual", "2", "--jsonl"]
        process = subprocess.Popen(
            command, cwd=tmp_path, stdout=subprocess.PIPE, text=True, env=os.environ | {"TMPDIR": str(scratch)}
        )
        told = {}
        while told.get("facts", {}).get("virtual_running") != 2:
            told = json.loads(process.stdout.readline())
        children = children_of(process.pid)
        assert children
        assert any(path.name == "flash.bin" for path in scratch.rglob("*"))
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    summary = json.loads(rest.splitlines()[-1])
    assert (summary["event"], summary["devices"], summary["virtual"]["devices"]) == ("summary", 1, 2)
    assert list(scratch.iterdir()) == []
    assert not [pid for pid in children if is_alive(pid)]


def children_of(pid):
    """Process numbers of its children and theirs."""
    of = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent = int(path.read_text().rpartition(")")[2].split()[1])
            of.setdefault(parent, []).append(int(path.parent.name))
    found, waiting = [], [pid]
    while waiting:
        more = of.get(waiting.pop(), [])
        found += more
        waiting += more
    return found


def is_alive(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in {"Z", "X"}


@pytest.mark.parametrize(
    ("more", "exit_code"),
    [
        ((), 2),  # neither product nor secret
        (("--product", "p000aa", "--secret", "short"), 2),
        (("--product", "p000aa", "--secret", PS, "--time-scale", "0"), 2),
        (("--product", "p000aa", "--secret", PS, "--fleet", "none.toml"), 2),
        (("--product", "p000aa", "--secret", PS, "--tls", "--ca", "empty.pem"), 2),
        (("--product", "p000aa", "--secret", PS, "--fleet", "empty.pem", "--state", "empty.pem"), 8),
    ],
)
def test_run_when_it_cannot_be_meant_then_says_so(run, tmp_path, monkeypatch, more, exit_code):
    monkeypatch.delenv("MODULINE_PRODUCT", raising=False)
    (tmp_path / "empty.pem").write_bytes(b"")
    run("fleet", "run", "--server", "127.0.0.1", "--count", 1, *more, exit_code=exit_code)


@pytest.mark.parametrize("given", ["", "a,,b", "a:", "a:0", "a:65536", "a:x", ":1883"])
def test_fleet_run_when_gateways_cannot_be_meant_then_refused(run, given):
    run("fleet", "run", "--server", given, "--count", 1, exit_code=2)


def test_fleet_run_when_two_gateways_are_named_then_devices_go_to_both(run):
    with platform_on() as one, platform_on() as two:
        words = ("--server", f"127.0.0.1:{one},127.0.0.1", "--mqtt-port", two, "--product", PK, "--secret", PS)
        said = json.loads(run("fleet", "run", *words, "--count", 6, "--until-done", "--for", 60, "--json"))
    assert said["devices_by_outcome"] == {"upgraded": 6}
