"""``nv`` and ``burn --restore-nv`` as typed, on a unit whose NV can be damaged; what is said, asked and refused."""

from __future__ import annotations

import asyncio
import json
import os
import threading

import pytest

from burn.fake_unit import FakeUnit, own_nv
from moduline.cli.main import run
from package_maker import small_file

pytestmark = pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no pseudo-terminals")
OWN = "868888777766665"
DAMAGED = b"\xff" * 0x200


@pytest.fixture
def package(tmp_path):
    path = tmp_path / "small.pac"
    path.write_bytes(small_file())
    return str(path)


@pytest.fixture
def unit():
    """A unit with its own loop in a thread; ``unit.do`` runs a coroutine there."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    made = FakeUnit("m1")
    made.do = lambda work: asyncio.run_coroutine_threadsafe(work, loop).result(60)
    made.do(made.power_on())
    yield made
    made.do(made.power_off())
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def damage(unit):
    """NV gone and no boot code: it comes up in download mode and tells nothing."""
    unit.do(unit.power_off())
    unit.module.nv = DAMAGED
    unit.module.flash[:4] = b"\xff" * 4
    unit.do(unit.power_on())


def result(capsys):
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def test_backup_when_typed_then_kept_listed_and_shown(unit, package, capsys, tmp_path):
    assert run(["nv", "list"]) == 0
    assert "no burn has saved" in capsys.readouterr().err
    copy = tmp_path / "copy.bin"
    assert run(["nv", "backup", "--port", "virt:m1", "--package", package, "-o", str(copy), "--json"]) == 0
    kept = result(capsys)
    assert (kept["imei"], kept["slot"], kept["is_valid"], kept["size"]) == (OWN, "m1", True, 0x200)
    assert copy.read_bytes() == own_nv(OWN)
    assert {kind for stage, kind, _ in unit.module.log if stage == "fdl2"} == {5, 6}
    assert run(["nv", "list", "--json", "--imei", OWN, "--slot", "m1"]) == 0
    assert [row["path"] for row in result(capsys)["blocks"]] == [kept["path"]]
    assert run(["nv", "list", "--json", "--slot", "m2"]) == 0
    assert result(capsys)["blocks"] == []
    assert run(["nv", "show", "last"]) == 0
    assert OWN in capsys.readouterr().out
    assert run(["nv", "show", str(copy), "--json"]) == 0
    assert [item["id"] for item in result(capsys)["items"]] == ["0x5"]
    assert run(["--lang", "zh", "nv", "list"]) == 0
    assert "完好" in capsys.readouterr().out


def test_damaged_when_burnt_then_9_and_the_whole_way_back(unit, package, capsys):
    assert run(["nv", "backup", "--port", "virt:m1", "--package", package, "--json"]) == 0
    saved = result(capsys)["path"]
    damage(unit)
    assert run(["burn", package, "--port", "virt:m1", "--yes"]) == 9
    said = capsys.readouterr().err
    assert "ML-E0908" in said
    assert saved in said
    assert OWN in said
    assert "--restore-nv" in said
    damage(unit)
    assert (
        run(["burn", package, "--port", "virt:m1", "--restore-nv", "last"]) == 16
    )  # nobody there to compare the label
    assert OWN in capsys.readouterr().err
    assert unit.module.nv == DAMAGED
    assert run(["burn", package, "--port", "virt:m1", "--restore-nv", "last", "--yes"]) == 0
    assert unit.imei == OWN


def test_restore_when_typed_then_shows_the_imei_asks_and_writes_byte_for_byte(unit, package, capsys):
    assert run(["nv", "backup", "--port", "virt:m1", "--package", package]) == 0
    damage(unit)
    words = ["nv", "restore", OWN, "--port", "virt:m1", "--package", package]
    capsys.readouterr()
    assert run([*words, "--dry-run", "--json"]) == 0
    shown = capsys.readouterr()
    assert [one["verb"] for one in json.loads(shown.out)["actions"]] == ["load", "load", "keep_nv"]
    assert OWN in shown.err
    assert run(words) == 16
    assert unit.module.nv == DAMAGED
    unit.module.flash[:4] = b"boot"  # only NV is written: there must be something to boot
    assert run([*words, "--yes", "--json"]) == 0
    assert result(capsys)["outcome"] == "PASS"
    assert unit.module.nv == own_nv(OWN)


def test_restore_when_the_module_is_another_unit_then_15_and_untouched(unit, package, capsys, tmp_path):
    other = tmp_path / "other.bin"
    other.write_bytes(own_nv("490154203237518"))
    words = ["nv", "restore", str(other), "--port", "virt:m1", "--package", package, "--yes", "--json"]
    assert run(words) == 15
    failed = result(capsys)
    assert (failed["code"], failed["facts"]["module"]) == ("ML-E1503", OWN)
    assert unit.imei == OWN
    unit.do(unit.power_on())
    assert run(["burn", package, "--port", "virt:m1", "--restore-nv", str(other), "--yes", "--json"]) == 15
    assert unit.imei == OWN


def test_damaged_when_the_loss_is_accepted_then_asked_and_burnt(unit, package):
    damage(unit)
    words = ["burn", package, "--port", "virt:m1", "--accept-nv-loss"]
    assert run(words) == 16
    assert run([*words, "--yes"]) == 0
    assert unit.imei == "861234567890123"


@pytest.mark.parametrize(
    ("words", "code"),
    [(["nv", "show", "last"], 2), (["nv", "show", "no such file"], 2), (["nv", "show", "868888777766665"], 2)],
)
def test_show_when_there_is_no_such_block_then_2(words, code, capsys):
    assert run([*words, "--json"]) == code
    assert result(capsys)["code"] == "ML-E0204"
