"""``moduline virt`` as a user types it."""

from __future__ import annotations

import json
import os
import signal

import pytest

from moduline.cli.main import run
from moduline.vmodule import rack_wire


@pytest.fixture
def virt(capsys):
    """Types ``moduline virt ...``; gives the exit code and what was printed; takes the racks down at the end."""

    def type_(*words, code=0):
        assert run(["virt", *words]) == code
        return capsys.readouterr()

    yield type_
    for rack in ("default", "other"):
        if rack_wire.read_control(rack) is not None:
            run(["virt", "down", "--rack", rack])


def names(text):
    return {module["name"]: module["state"] for module in json.loads(text)["modules"]}


def test_up_when_typed_then_modules_run_our_firmware(virt):
    printed = virt("up", "--count", "2", "--json").out
    assert names(printed) == {"m1": "running", "m2": "running"}
    one = json.loads(printed)["modules"][0]
    assert (one["model"], one["slot"], set(one["ports"])) == ("EC600U", "A1", {"at", "repl", "uart2"})
    assert one["version"].startswith("EC600U")
    assert len(one["imei"]) == 15
    assert names(virt("list", "--json").out) == {"m1": "running", "m2": "running"}


def test_up_when_repeated_then_adds_what_is_missing(virt):
    virt("up", "--blank", "--count", "1")
    assert list(names(virt("up", "--blank", "--count", "1", "--name", "x", "--json").out)) == ["x1"]
    assert set(names(virt("list", "--json").out)) == {"m1", "x1"}


def test_up_when_off_then_dark_until_switched_on(virt):
    assert names(virt("up", "--blank", "--off", "--json").out) == {"m1": "off"}
    assert names(virt("power", "m1", "on", "--json").out) == {"m1": "download"}
    assert "m1" in virt("list").out


def test_up_when_options_contradict_then_usage_error(virt, tmp_path):
    package = tmp_path / "x.pac"
    package.write_bytes(b"")
    virt("up", "--package", str(package), "--blank", code=2)
    virt("up", "--package", str(tmp_path / "nowhere.pac"), code=2)
    virt("up", "--count", "0", code=2)
    virt("up", "--module", "nokia3310", code=2)


def test_up_when_package_is_damaged_then_exit_8(virt, tmp_path):
    package = tmp_path / "x.pac"
    package.write_bytes(b"no package at all" * 200)
    virt("up", "--package", str(package), code=8)


def test_power_when_module_or_rack_is_unknown_then_exit_3(virt):
    virt("power", "m1", "on", code=3)
    virt("up", "--blank")
    virt("power", "m9", "on", code=3)
    virt("power", "m1", "explode", code=2)


def test_fault_when_set_then_listed(virt):
    virt("up", "--blank")
    virt("fault", "m1", "silent")
    assert "silent" in virt("list").out
    virt("fault", "m1", "nonsense", code=2)


def test_module_when_two_racks_have_it_then_rack_is_found_or_asked_for(virt):
    virt("up", "--blank", "--rack", "other", "--name", "only")
    virt("up", "--blank")
    assert names(virt("power", "only1", "off", "--json").out) == {"only1": "off"}
    assert names(virt("power", "m1", "off", "--json").out) == {"m1": "off"}


def test_down_when_typed_then_gone_and_flash_kept_unless_deleted(virt, moduline_home):
    flash = moduline_home / "racks" / "default" / "m1" / "flash.bin"
    virt("up", "--blank")
    virt("down")
    assert flash.is_file()
    virt("down", code=3)
    virt("up", "--blank")
    virt("down", "--delete")
    assert not flash.exists()


def test_list_when_rack_was_killed_then_says_so_once(virt):
    virt("up", "--blank")
    os.kill(rack_wire.read_control("default").process, signal.SIGKILL)
    first = virt("list")
    assert "died" in first.err
    assert json.loads(virt("list", "--json").out) == {"ok": True, "modules": [], "dead_racks": []}


def test_bench_when_typed_then_cable_signal_faults_and_flash(virt):
    virt("up", "--blank")
    assert json.loads(virt("cable", "m1", "out", "--json").out)["modules"][0]["is_plugged"] is False
    assert "cable out" in virt("list").out
    virt("cable", "m1", "in")
    assert "3333" in virt("signal", "m1", "--battery", "3333", "--network", "off").out
    (signal,) = json.loads(virt("signal", "m1", "--battery", "plan", "--json").out)["modules"]
    assert (signal["name"], signal["is_heard"], signal["battery_mv"]) == ("m1", False, 3590)
    assert "ML-E0201" in virt("signal", "m1", "--rssi", "40", code=2).err
    virt("fault", "m1", "silent,log-frames")
    (shown,) = json.loads(virt("fault", "m1", "silent", "--off", "--json").out)["modules"]
    assert shown["faults"] == ["no-network", "log-frames"]
    assert "user_fs" in virt("wear", "m1").out
    assert json.loads(virt("wear", "m1", "--json").out)["sector_bytes"] == 4096
    lines = [json.loads(line) for line in virt("ops", "m1", "--jsonl").out.splitlines()]
    assert {one["verb"] for one in lines} <= {"read", "program", "erase"}
    last = lines[-1]["last"]
    assert json.loads(virt("ops", "m1", "--since", str(last), "--json").out)["operations"] == []
    assert "read" in virt("ops", "m1").out


def test_up_when_modules_are_up_then_they_stay_up_and_a_change_is_refused(virt):
    before = json.loads(virt("up", "--json").out)["modules"][0]
    after = json.loads(virt("up", "--count", "2", "--json").out)["modules"]
    assert [(one["name"], one["state"]) for one in after] == [("m1", "running"), ("m2", "running")]
    assert after[0]["ports"] == before["ports"]
    assert "ML-E0501" in virt("up", "--fresh", code=5).err
    assert "ML-E0501" in virt("up", "--module", "eg915u", code=5).err
