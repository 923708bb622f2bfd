"""``burn`` and ``gang run`` of a project folder: merged, kept, burnt, in one command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from moduline.burn import book
from moduline.cli.main import run
from moduline.digest import sha256_hex
from moduline.line.work_order import order_path
from moduline.package import read_package
from moduline.port import registry
from moduline.port.registry import ModuleEntry, PortEntry
from moduline.release import firmware
from moduline.release.produce import produce

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "quec_test"


@pytest.fixture(autouse=True)
def stock(tmp_path, monkeypatch):
    """A stock package in an otherwise empty folder, which is the current one."""
    folder = tmp_path / "测试 目录 (1)"
    folder.mkdir()
    monkeypatch.chdir(folder)
    Path("stock.zip").write_bytes(firmware.firmware_file("ec600u", "zip"))
    return Path("stock.zip")


def here():
    return sorted(path.name for path in Path().iterdir())


def last(capsys):
    return json.loads(capsys.readouterr().out.splitlines()[-1])


@pytest.mark.parametrize("command", [["burn"], ["gang", "run"]])
def test_project_when_dry_run_then_the_plan_of_the_merged_package_and_nothing_written(command, stock, capsys):
    assert run([*command, str(EXAMPLE), "--base", str(stock), "--dry-run", "--json"]) == 0
    plan = last(capsys)
    parts = {action.get("part") or action.get("name") for action in plan["actions"]}
    assert plan["model"] == "EC600U-CNLB"
    assert "PY_FS_U" in str(parts)
    assert here() == ["stock.zip"]


@pytest.mark.parametrize("command", [["burn"], ["gang", "run"]])
@pytest.mark.parametrize(
    "words",
    [
        [str(EXAMPLE)],
        ["stock.zip", "--base", "stock.zip"],
        ["stock.zip", "-o", "out/"],
        [str(EXAMPLE), "--base", "none.zip"],
        ["none", "--base", "stock.zip"],
        [str(EXAMPLE), "--base", "stock.zip", "-o", "stock.zip"],
    ],
)
def test_project_when_it_cannot_be_meant_then_2_and_nothing_written(command, words, capsys):
    before = Path("stock.zip").read_bytes()
    assert run([*command, *words, "--json"]) == 2
    assert (here(), Path("stock.zip").read_bytes()) == (["stock.zip"], before)


def test_gang_when_a_base_is_named_and_no_folder_then_2():
    assert run(["gang", "run", "--base", "stock.zip"]) == 2


def test_project_when_it_breaks_rules_then_8_before_any_port_is_looked_for(stock):
    Path("p").mkdir()
    Path("p/main.py").write_text("x = 1\n")
    assert run(["burn", "p", "--base", str(stock)]) == 8


def test_gang_when_a_project_is_burnt_for_an_order_then_kept_locked_and_in_the_record(stock, capsys):
    """A module of another chip, which is refused at once: the record has the merged package nevertheless."""
    port = PortEntry("download", "/dev/none", 0x1782, 0x4D16, "", "virt-bench-1")
    registry.publish(ModuleEntry("m1", "bench", "EC600G", "", "A1", "download", (port,)))
    words = ["gang", "run", str(EXAMPLE), "--base", str(stock), "-o", "out/", "--rack", "bench", "--patience", "0"]
    assert run([*words, "--order", "A-17", "--jsonl"]) == 12
    assert "out/QUEC_TEST_1.0.0.zip" in capsys.readouterr().err
    data = Path("out/QUEC_TEST_1.0.0.zip").read_bytes()
    assert data == produce(EXAMPLE, stock.read_bytes(), stock_name="stock.zip").data
    (record,) = book("A-17").read()
    assert (record.package, record.sha256) == ("QUEC_TEST_1.0.0.zip", sha256_hex(data))
    assert f'sha256 = "{sha256_hex(data)}"' in order_path("A-17").read_text("utf-8")
    assert run([*words, "--order", "A-17", "--jsonl"]) == 12
    Path("p").mkdir()
    Path("p/main.py").write_text("PROJECT_NAME = 'P'\nPROJECT_VERSION = '1'\n")
    words[2] = "p"
    assert run([*words, "--order", "A-17", "--jsonl"]) == 15
    assert not Path("out/P_1.zip").exists()


@pytest.mark.timeout(240)
def test_burn_when_a_project_is_named_then_it_runs_on_the_module(stock, capsys):
    assert run(["virt", "up", "--module", "ec600u", "--count", "1", "--rack", "one", "--json"]) == 0
    try:
        assert run(["burn", str(EXAMPLE), "--base", str(stock), "--port", "virt:m1", "--yes", "--json"]) == 0
        record = last(capsys)
        assert (record["outcome"], record["package"]) == ("PASS", "QUEC_TEST_1.0.0.zip")
        data = Path("QUEC_TEST_1.0.0.zip").read_bytes()
        assert record["sha256"] == sha256_hex(data)
        assert read_package(data).area("user_fs").told_by == "content"
        assert run(["ls", ":/usr", "--port", "virt:m1", "--json"]) == 0
        assert {"main.py", "user_file.py"} <= {entry["name"] for entry in last(capsys)["entries"]}
    finally:
        run(["virt", "down", "--rack", "one"])


@pytest.mark.parametrize("command", [["burn"], ["gang", "run"]])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_help_when_asked_then_shows_the_one_command_form(command, lang, capsys):
    assert run([*command, "--help", "--lang", lang]) == 0
    assert "my_project --base" in " ".join(capsys.readouterr().out.replace("│", " ").split())
