"""The troubleshooting ladder and doctor on virtual modules in every state; nothing is changed, JSON asks nothing."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stdout
from typing import NamedTuple

import pytest

from cli.on_pty import CommandOnPty
from moduline.cli.ladder_rungs import LADDER
from moduline.cli.main import run
from moduline.port import registry
from moduline.port.registry import ModuleEntry, PortEntry
from moduline.release.firmware import stock_package

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no pseudo-terminals"),
    pytest.mark.timeout(240),
]
SLUGS = [
    "seen", "driver", "permission", "holder", "supply", "mode", "at", "boot-pin", "package", "nv", "history",
]  # fmt: skip


class Done(NamedTuple):
    """What a command gave."""

    returncode: int
    stdout: str


def type_in(*words):
    """A command, in this process: starting Python costs more than what is tested."""
    with redirect_stdout(io.StringIO()) as shown:
        return Done(run(list(words)), shown.getvalue())


def climb(*words):
    """Exit code and the rungs by slug."""
    done = type_in("ladder", "--json", *words)
    facts = json.loads(done.stdout)
    assert [one["slug"] for one in facts["rungs"]] == SLUGS
    assert facts["ok"] == (done.returncode == 0) == all(one["result"] != "problem" for one in facts["rungs"])
    return done.returncode, {one["slug"]: one for one in facts["rungs"]}, facts["next"]


def problems(rungs):
    return [slug for slug, one in rungs.items() if one["result"] == "problem"]


@pytest.fixture
def rack(tmp_path):
    """Two modules, one of which only the boot pin leads to download mode, and a package for each."""
    for slug in ("ec600u", "ec800e"):
        (tmp_path / slug).write_bytes(stock_package(slug))
    assert type_in("virt", "up", "--module", "ec600u").returncode == 0
    yield tmp_path
    type_in("virt", "down", "--delete")


def test_ladder_when_the_module_is_in_each_state_then_the_right_rung_says_so(rack):
    code, rungs, following = climb("--port", "virt:m1", "--package", str(rack / "ec600u"))
    assert (code, problems(rungs)) == (0, [])
    assert "866981057532206" in rungs["at"]["seen"]
    assert following.endswith("moduline burn FILE --port virt:m1")
    _, rungs, _ = climb("--port", "virt:m1", "--package", str(rack / "ec800e"))
    assert problems(rungs) == ["package"]

    assert type_in("virt", "fault", "m1", "at-silent").returncode == 0
    _, rungs, following = climb("--port", "virt:m1")
    assert problems(rungs) == ["at", "boot-pin"]
    assert "BOOT" in rungs["boot-pin"]["remedy"]
    assert "AT port" in following
    type_in("virt", "fault", "m1", "clear")

    at = registry.modules()[0].port("at").path
    holding = f"f = open({at!r}, 'rb', buffering=0); print('held', flush=True); import sys; sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", holding], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        _, rungs, _ = climb("--port", "virt:m1")
        found = json.loads(type_in("doctor", "--json").stdout)["findings"]
        holder.stdin.close()
    assert "holder" in problems(rungs)
    assert f"({holder.pid})" in rungs["holder"]["seen"]
    assert any(one["level"] == "problem" and f"({holder.pid})" in one["what"] for one in found)

    assert type_in("virt", "power", "m1", "boot-pin").returncode == 0
    code, rungs, _ = climb("--port", "virt:m1")
    assert (code, rungs["at"]["result"], rungs["boot-pin"]["result"]) == (0, "skipped", "ok")
    assert "unisoc8910" in rungs["mode"]["seen"]

    assert type_in("virt", "power", "m1", "off").returncode == 0
    code, rungs, _ = climb("--port", "virt:m1")
    assert (code, problems(rungs)) == (5, ["seen"])
    assert rungs["seen"]["remedy"] == "moduline virt power m1 on --rack default"
    assert {one["result"] for slug, one in rungs.items() if slug != "seen"} == {"skipped"}
    found = json.loads(type_in("doctor", "--json").stdout)["findings"]
    assert ("hint", "virt:m1", "powered off") in {(one["level"], one["subject"], one["what"]) for one in found}


def test_ladder_when_somebody_is_there_then_it_watches_asks_and_looks_again(rack):
    type_in("virt", "power", "m1", "off")
    with CommandOnPty("ladder", "--port", "virt:m1", "--wait", "60") as command:
        command.wait_for("watching the ports")
        assert type_in("virt", "power", "m1", "on").returncode == 0
        command.wait_for("its AT port answers")
        command.wait_for("nothing is in the way", 60)
        assert command.end() == 0
    with CommandOnPty("--lang", "zh", "ladder", "--port", "virt:m1", "--package", str(rack / "ec800e")) as command:
        command.wait_for("固件包与模组匹配")
        command.wait_for("[y/N]")
        command.press(b"y\n")
        command.wait_for("固件包与模组匹配")
        command.wait_for("[y/N]")
        command.press(b"n\n")
        command.wait_for("首先处理")
        assert command.end() == 5


def show(tmp_path, role, vid, pid, **facts):
    path = tmp_path / role
    path.touch()
    port = PortEntry(role, str(path), vid, pid, "", "virt-bench-1")
    registry.publish(ModuleEntry("m1", "bench", slot="A1", ports=(port,), **({"state": "download"} | facts)))


@pytest.mark.parametrize(
    ("vid", "pid", "chip"),
    [
        (0x0525, 0xA4A7, "unisoc8910"),
        (0x1782, 0x4D16, "unisoc8850"),
        (0x2ECC, 0x3017, "asr"),
        (0x17D1, 0x0001, "eigen"),
    ],
)
def test_silent_module_when_in_the_rom_of_any_chip_then_named_and_a_foreign_package_is_told(
    tmp_path, capsys, vid, pid, chip
):
    show(tmp_path, "download", vid, pid)
    other = "ec800e" if chip != "eigen" else "ec600u"
    (tmp_path / "other").write_bytes(stock_package(other))
    assert run(["ladder", "--port", "virt:m1", "--package", str(tmp_path / "other"), "--json"]) == 5
    rungs = {one["slug"]: one for one in json.loads(capsys.readouterr().out)["rungs"]}
    assert chip in rungs["mode"]["seen"]
    assert problems(rungs) == ["package"]
    assert run(["doctor", "--json"]) in {0, 5}
    found = json.loads(capsys.readouterr().out)["findings"]
    assert any(chip in one["what"] for one in found if one["subject"] == "virt-bench-1")


def test_eigen_when_running_and_silent_then_only_the_pin_and_how(tmp_path, capsys):
    show(tmp_path, "at", 0x2C7C, 0x0903, state="running", model="EC800E")
    assert run(["ladder", "--port", "virt:m1", "--json"]) == 5
    rungs = {one["slug"]: one for one in json.loads(capsys.readouterr().out)["rungs"]}
    assert "IO19" in rungs["boot-pin"]["remedy"]
    assert run(["--lang", "zh", "ladder", "--port", "virt:m1", "--json"]) == 5
    assert "只能通过 BOOT" in capsys.readouterr().out


def test_ladder_when_nothing_is_connected_then_cable_hub_and_power(capsys):
    assert run(["doctor", "--guide", "--json"]) == 5
    facts = json.loads(capsys.readouterr().out)
    assert problems({one["slug"]: one for one in facts["rungs"]}) == ["seen"]
    assert "cable" in facts["rungs"][0]["remedy"]
    assert len(facts["rungs"]) == len(LADDER)


def test_ladder_when_the_address_cannot_be_meant_then_2(capsys):
    assert run(["ladder", "--port", "nonsense", "--json"]) == 2


def test_udev_rules_when_printed_then_every_usb_id_has_its_lines(capsys):
    assert run(["doctor", "--udev"]) == 0
    printed = capsys.readouterr().out
    for vid, pid in [("2c7c", "0901"), ("0525", "a4a7"), ("1782", "4d16"), ("2ecc", "3017"), ("17d1", "0001")]:
        assert f'SUBSYSTEM=="tty", ATTRS{{idVendor}}=="{vid}", ATTRS{{idProduct}}=="{pid}", MODE="0666"' in printed
        assert (
            f'ATTR{{idVendor}}=="{vid}", ATTR{{idProduct}}=="{pid}", MODE="0666", ENV{{ID_MM_DEVICE_IGNORE}}="1"'
            in printed
        )
    for line in printed.splitlines():
        assert not line or line.startswith("#") or line.count('"') % 2 == 0
