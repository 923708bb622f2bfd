"""``kill -9`` of the tool in the middle of a gang: no try is lost, and the next run goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from moduline import burn
from moduline.cli.main import run as moduline
from moduline.port import registry
from moduline.release.firmware import stock_package
from moduline.vmodule import rack_client

pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL"),
    pytest.mark.timeout(300),
]
RACK = "killed"
COUNT = 4
SLOW = "slow@download:60000"
"""Bytes per second: a burn takes longer than it takes to kill its tool."""


@pytest.fixture
def package(tmp_path):
    """A rack of running modules, and the package they get."""
    path = tmp_path / "stock.pac"
    path.write_bytes(stock_package("ec600u"))
    wanted = [{"name": f"m{n}", "module": "ec600u", "number": n, "package": str(path)} for n in range(1, COUNT + 1)]
    rack_client.start(RACK)
    rack_client.ask(RACK, "add", modules=wanted)
    yield path
    rack_client.take_down(RACK, is_deleting=True)


def gang(package, *words):
    command = [sys.executable, "-m", "moduline", "gang", "run", str(package), "--rack", RACK, "--jsonl", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8")


def events_until(process, is_enough):
    """Events of a gang, up to the one at which it is enough."""
    seen = []
    for line in process.stdout:
        seen.append(json.loads(line))
        if is_enough(seen):
            break
    return seen


def states(events, word):
    """Slots that were told to be in a state."""
    return {one["where"] for one in events if one.get("slug") == "slot.state" and one["facts"]["state"] == word}


def is_midway(events):
    """Whether every slot has sent a part of its content."""
    shares = {one["where"]: one["done_bytes"] / one["total_bytes"] for one in events if one["event"] == "progress"}
    return len(shares) == COUNT and all(0.1 < share < 0.9 for share in shares.values())


def test_tool_when_killed_in_the_middle_then_every_try_is_found_and_the_next_run_goes_on(package, capsys):
    rack_client.ask(RACK, "fault", name="all", spec=SLOW)
    process = gang(package, "--order", "K-1")
    events = events_until(process, is_midway)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert states(events, "burning")
    assert process.returncode == -signal.SIGKILL
    kept = burn.book("K-1").read()
    assert [record.outcome for record in kept] == ["ABORTED"] * COUNT
    assert {record.slot for record in kept} == states(events, "asking")
    assert moduline(["gang", "report", "K-1", "--json"]) == 0
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (report["units"], report["passed"]) == (COUNT, 0)

    rack_client.ask(RACK, "fault", name="all", spec="clear")
    for action in ("off", "on"):  # seed 000: after an unexpected end the modules only have to be powered again
        rack_client.ask(RACK, "power", name="all", action=action)
    process = gang(package, "--order", "K-1")
    events = [json.loads(line) for line in process.stdout]
    process.stdout.close()
    assert process.wait() == 0, events[-1]
    kept = burn.book("K-1").read()
    assert sorted(record.outcome for record in kept) == ["ABORTED"] * COUNT + ["PASS"] * COUNT
    assert {record.tries for record in kept if record.is_pass} == {2}
    assert {entry.state for entry in registry.modules(RACK)} == {"running"}
    assert {record.imei for record in kept if record.is_pass} == {entry.imei for entry in registry.modules(RACK)}


def test_tool_when_interrupted_once_then_what_runs_ends_and_twice_then_it_is_aborted(package):
    """Ctrl-C, as a terminal sends it."""
    rack_client.ask(RACK, "fault", name="all", spec=SLOW)
    process = gang(package, "--order", "K-2", "--auto", "--channels", "2")
    events = events_until(process, lambda seen: len(states(seen, "burning")) == 2)
    process.send_signal(signal.SIGINT)
    events += events_until(process, lambda seen: any(one.get("slug") == "gang.finishing" for one in seen))
    if not any(one.get("event") == "record" for one in events):
        process.send_signal(signal.SIGINT)
    events += [json.loads(line) for line in process.stdout]
    process.stdout.close()
    code = process.wait()
    assert code == 130, [one.get("slug") or one.get("outcome") for one in events[-30:]]
    records = [one for one in events if one.get("event") == "record"]
    assert [record["outcome"] for record in records] == ["ABORTED"] * 2
    assert len(states(events, "asking")) == 2  # nothing new began
    assert [record.outcome for record in burn.book("K-2").read()] == ["ABORTED"] * 2


def test_tool_when_interrupted_once_with_auto_then_exit_0_after_what_ran_has_passed(package):
    process = gang(package, "--order", "K-3", "--auto", "--channels", "1")
    events = events_until(process, lambda seen: len(states(seen, "burning")) == 1)
    process.send_signal(signal.SIGINT)
    events += [json.loads(line) for line in process.stdout]
    process.stdout.close()
    assert process.wait() == 0, events[-1]
    assert [one["outcome"] for one in events if one.get("event") == "record"] == ["PASS"]
