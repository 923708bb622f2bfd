"""Racks in the background, as the command line uses them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from moduline.errors import BadOption, NoModule, NoSuchFile, PortBusy, UnknownModule, VirtualRackDown, WrongModule
from moduline.port import registry
from moduline.vmodule import rack_client, rack_wire
from unisoc_host import uimage


def wanted(*names, module="ec600u", **more):
    return [{"name": name, "module": module, "number": number, **more} for number, name in enumerate(names, 1)]


@pytest.fixture
def rack():
    """An empty rack in the background."""
    rack_client.start("bench")
    yield "bench"
    if rack_client.is_up("bench"):
        rack_client.take_down("bench")


def states(answer):
    return {module["name"]: module["state"] for module in answer["modules"]}


def test_rack_when_not_up_then_says_so():
    with pytest.raises(VirtualRackDown) as caught:
        rack_client.ask("bench", "list")
    assert caught.value.exit_code == 3


def test_blank_modules_when_added_then_in_rom_and_in_the_usb_tree(rack):
    answer = rack_client.ask(rack, "add", modules=wanted("m1", "m2", is_blank=True))
    assert states(answer) == {"m1": "download", "m2": "download"}
    assert [module["reason"] for module in answer["modules"]] == ["boot-erased"] * 2
    entries = registry.modules(rack)
    assert [(entry.name, entry.state, [port.role for port in entry.ports]) for entry in entries] == [
        ("m1", "download", ["download"]),
        ("m2", "download", ["download"]),
    ]
    assert len({entry.imei for entry in entries}) == 2


def test_modules_when_switched_then_states_follow(rack):
    rack_client.ask(rack, "add", modules=wanted("m1", "m2", is_blank=True), is_off=True)
    assert states(rack_client.ask(rack, "list")) == {"m1": "off", "m2": "off"}
    assert states(rack_client.ask(rack, "power", name="all", action="on")) == {"m1": "download", "m2": "download"}
    assert states(rack_client.ask(rack, "power", name="m2", action="off")) == {"m2": "off"}
    assert states(rack_client.ask(rack, "power", name="m2", action="boot-pin")) == {"m2": "download"}
    assert states(rack_client.ask(rack, "power", name="m1", action="reset")) == {"m1": "download"}


def test_requests_when_wrong_then_the_rack_answers_and_lives_on(rack):
    rack_client.ask(rack, "add", modules=wanted("m1", is_blank=True))
    with pytest.raises(NoModule):
        rack_client.ask(rack, "power", name="m9", action="on")
    with pytest.raises(BadOption) as caught:
        rack_client.ask(rack, "power", name="m1", action="explode")
    assert "可用" in caught.value.message("zh")
    with pytest.raises(BadOption):
        rack_client.ask(rack, "fault", name="m1", spec="nonsense")
    with pytest.raises(BadOption):
        rack_client.ask(rack, "power", name="m1")
    with pytest.raises(BadOption):
        rack_client.ask(rack, "sing")
    with pytest.raises(UnknownModule):
        rack_client.ask(rack, "add", modules=wanted("m2", module="nokia3310"))
    with pytest.raises(NoSuchFile):
        rack_client.ask(rack, "add", modules=wanted("m3", package="/nowhere.pac"))
    with pytest.raises(PortBusy):
        rack_client.ask(rack, "add", modules=wanted("m1", module="eg915u"))
    assert states(rack_client.ask(rack, "list")) == {"m1": "download"}


def test_control_channel_when_token_is_wrong_then_refused(rack, monkeypatch):
    control = rack_wire.read_control(rack)
    wrong = rack_wire.Control(control.unix, control.tcp, "0" * 32, control.process)
    rack_wire.write_control(rack, wrong)
    with pytest.raises(PortBusy):
        rack_client.ask(rack, "down")
    rack_wire.write_control(rack, control)
    assert rack_client.is_up(rack)


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_control_files_when_written_then_only_the_user_reads_them(rack):
    assert rack_wire.control_path(rack).stat().st_mode & 0o077 == 0
    assert Path(rack_wire.read_control(rack).unix).stat().st_mode & 0o077 == 0


def test_fault_when_set_then_shown(rack):
    rack_client.ask(rack, "add", modules=wanted("m1", is_blank=True))
    rack_client.ask(rack, "fault", name="m1", spec="log-frames")
    assert rack_client.ask(rack, "list")["modules"][0]["faults"] == ["log-frames"]
    rack_client.ask(rack, "fault", name="m1", spec="clear")
    assert rack_client.ask(rack, "list")["modules"][0]["faults"] == []


def test_fault_when_ended_then_the_others_stay(rack):
    rack_client.ask(rack, "add", modules=wanted("m1", is_blank=True))
    rack_client.ask(rack, "fault", name="m1", spec="log-frames,silent,cut@5")
    answer = rack_client.ask(rack, "fault", name="m1", spec="silent,cut@5", is_off=True)
    assert answer["modules"][0]["faults"] == ["log-frames"]
    with pytest.raises(BadOption):
        rack_client.ask(rack, "fault", name="m1", spec="silent", is_off=True)


def test_cable_when_pulled_and_put_in_then_ports_go_and_come(rack):
    rack_client.ask(rack, "add", modules=wanted("m1", is_blank=True))
    (out,) = rack_client.ask(rack, "cable", name="m1", way="out")["modules"]
    assert (out["is_plugged"], out["state"], out["ports"]) == (False, "download", {})
    (back,) = rack_client.ask(rack, "cable", name="m1", way="in")["modules"]
    assert (back["is_plugged"], list(back["ports"])) == (True, ["download"])
    with pytest.raises(BadOption):
        rack_client.ask(rack, "cable", name="m1", way="sideways")


def test_signal_when_changed_then_shown_and_back_as_planned(rack):
    rack_client.ask(rack, "add", modules=wanted("m1", is_blank=True))
    (one,) = rack_client.ask(rack, "signal", name="m1", network="off", sim="out", battery=3100)["modules"]
    assert set(one["faults"]) == {"no-network", "sim-out", "battery=3100"}
    assert one["signal"] == {
        "rssi": 99,
        "registration": "idle",
        "is_heard": False,
        "is_sim_in": False,
        "has_data": False,
        "battery_mv": 3100,
    }
    (one,) = rack_client.ask(rack, "signal", name="m1", network="on", sim="in", battery="plan")["modules"]
    assert (one["faults"], one["signal"]["battery_mv"]) == ([], 3590)
    for wrong in ({"rssi": 77}, {"registration": "never"}, {"network": "maybe"}, {"battery": "much"}):
        with pytest.raises(BadOption):
            rack_client.ask(rack, "signal", name="m1", sim="out", **wrong)
    assert rack_client.ask(rack, "list")["modules"][0]["faults"] == []


def test_wear_and_operations_when_asked_then_what_the_boot_code_of_a_blank_module_did(rack):
    rack_client.ask(rack, "add", modules=wanted("m1", is_blank=True))
    wear = rack_client.ask(rack, "wear", name="m1")
    assert (wear["capacity_bytes"], wear["sector_bytes"], wear["address"]) == (8 << 20, 4096, 0x60000000)
    assert sum(count for _, count, _ in wear["runs"]) == 2048
    assert wear["erases"] == sum(count * erases for _, count, erases in wear["runs"])
    places = {one["role"]: one for one in wear["partitions"]}
    assert places["user_fs"]["offset"] == 0x420000
    assert places["user_fs"]["most"] == 0
    answer = rack_client.ask(rack, "operations", name="m1")
    assert answer["operations"][-1]["last"] == answer["last"] > 0
    assert {"boot"} <= {one["partition"] for one in answer["operations"]}
    assert rack_client.ask(rack, "operations", name="m1", since=answer["last"])["operations"] == []
    rack_client.ask(rack, "power", name="m1", action="reset")
    more = rack_client.ask(rack, "operations", name="m1", since=answer["last"])
    assert more["operations"][0]["last"] > answer["last"]
    with pytest.raises(BadOption):
        rack_client.ask(rack, "operations", name="m1", since="soon")


def test_reset_when_answered_then_the_module_has_restarted_and_is_there(rack):
    rack_client.ask(rack, "add", modules=wanted("m1", is_blank=True))
    for _ in range(5):
        (before,) = registry.modules(rack)
        rack_client.ask(rack, "power", name="m1", action="reset")
        (after,) = registry.modules(rack)
        assert after.state == "download"
        assert after.port("download").enumeration > before.port("download").enumeration


def test_down_when_asked_then_process_ends_and_flash_stays(rack):
    rack_client.ask(rack, "add", modules=wanted("m1", "m2", is_blank=True))
    process = rack_wire.read_control(rack).process
    assert rack_client.ask(rack, "down", name="m1")["is_over"] is False
    assert rack_client.take_down(rack)["is_over"] is True
    assert not registry.is_running(process)
    assert registry.modules(rack) == ()
    assert rack_client.flash_path(rack, "m1").stat().st_size == 8 << 20
    assert rack_client.racks() == ((), ())


def wait_for_end(process):
    """Return when a process that is no child of ours has ended."""
    limit = time.monotonic() + 20
    while time.monotonic() < limit:
        if not registry.is_running(process):
            return
        os.sched_yield()
    raise AssertionError(process)


def test_rack_when_killed_then_seen_as_dead_swept_and_flash_is_kept(rack):
    rack_client.ask(rack, "add", modules=wanted("m1", is_blank=True))
    path = rack_client.flash_path(rack, "m1")
    imei = rack_client.ask(rack, "list")["modules"][0]["imei"]
    process = rack_wire.read_control(rack).process
    os.kill(process, signal.SIGKILL)
    wait_for_end(process)
    assert rack_client.racks() == ((), (rack,))
    assert registry.modules(rack) == ()
    rack_client.bury(rack)
    assert rack_client.racks() == ((), ())
    assert not (registry.rack_folder(rack) / "m1.json").exists()
    assert path.stat().st_size == 8 << 20
    rack_client.start(rack)
    answer = rack_client.ask(rack, "add", modules=wanted("m1", is_blank=False))
    assert answer["modules"][0]["imei"] == imei


def test_flash_when_module_type_changes_or_fresh_is_asked_then_new(rack):
    path = rack_client.flash_path(rack, "m1")
    rack_client.ask(rack, "add", modules=wanted("m1", is_blank=True))
    rack_client.ask(rack, "power", name="m1", action="off")
    mark_at = 0x300000

    def marked():
        with path.open("rb") as file:
            file.seek(mark_at)
            return file.read(4) == b"mark"

    def mark():
        with path.open("r+b") as file:
            file.seek(mark_at)
            file.write(b"mark")

    for more, is_kept in (({}, True), ({"is_fresh": True}, False), ({"module": "eg915u"}, False)):
        mark()
        rack_client.take_down(rack, "m1")
        rack_client.start(rack)
        rack_client.ask(rack, "add", modules=wanted("m1", **more), is_off=True)
        assert marked() is is_kept, more


def test_second_rack_process_when_started_then_gives_way(rack):
    again = subprocess.run([sys.executable, "-m", "moduline.vmodule.rack", rack], check=False, timeout=30)
    assert again.returncode == 5
    assert rack_client.is_up(rack)


def test_socket_when_home_is_deep_then_rack_still_comes_up(tmp_path, monkeypatch):
    deep = tmp_path / ("x" * 60) / ("y" * 60)
    monkeypatch.setenv("MODULINE_HOME", str(deep))
    rack_client.start("bench")
    assert rack_client.ask("bench", "list")["modules"] == []
    rack_client.take_down("bench")


def test_package_when_for_another_chip_or_damaged_then_refused_and_no_module_is_left(rack, tmp_path):
    (tmp_path / "bad.pac").write_bytes(uimage(b"no package"))
    with pytest.raises(Exception) as caught:
        rack_client.ask(rack, "add", modules=wanted("m1", package=str(tmp_path / "bad.pac")))
    assert caught.value.exit_code == 8
    assert rack_client.ask(rack, "list")["modules"] == []
    assert WrongModule.exit_code == 7


def test_log_when_things_happen_then_one_json_object_per_line(rack):
    rack_client.ask(rack, "add", modules=wanted("m1", is_blank=True))
    lines = rack_wire.log_path(rack).read_text(encoding="utf-8").splitlines()
    assert "virt.nothing-to-boot" in {json.loads(line)["slug"] for line in lines}


def test_rack_when_its_folder_is_taken_away_then_ends_by_itself(rack):
    process = rack_wire.read_control(rack).process
    shutil.rmtree(registry.rack_folder(rack))
    wait_for_end(process)


def test_modules_when_their_numbers_are_taken_then_places_and_slots_still_differ(rack):
    """A USB place is all that tells modules in download mode apart."""
    rack_client.ask(rack, "add", modules=wanted("m1", "m2", is_blank=True))
    rack_client.ask(rack, "add", modules=wanted("x1", "x2", is_blank=True))
    entries = registry.modules(rack)
    assert len({port.location for entry in entries for port in entry.ports}) == 4
    assert len({entry.slot for entry in entries}) == len({entry.imei for entry in entries}) == 4
