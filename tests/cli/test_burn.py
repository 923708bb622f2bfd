"""``burn``, ``gang`` and ``port`` as typed: output, exit codes, JSON."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest

from moduline.burn import BurnRecord, book
from moduline.cli.main import run
from moduline.port import registry
from moduline.port.registry import ModuleEntry, PortEntry
from package_maker import small_file


@pytest.fixture
def package(tmp_path):
    path = tmp_path / "small.pac"
    path.write_bytes(small_file())
    return str(path)


def show(name, location="virt-bench-1", rack="bench"):
    port = PortEntry("at", "/dev/none", 0x2C7C, 0x0901, "Quectel USB AT Port", location)
    registry.publish(ModuleEntry(name, rack, "EC600U", "861234567890123", "A1", "running", (port,)))


def out_of(capsys):
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def test_burn_when_dry_run_then_prints_the_plan_and_touches_nothing(package, capsys):
    assert run(["burn", package, "--dry-run", "--json"]) == 0
    plan = out_of(capsys)
    assert plan["model"] == "EG915U-EUAB"
    assert [action["verb"] for action in plan["actions"][:3]] == ["load", "load", "erase"]
    assert "the files in /usr" in plan["losses"]
    assert run(["burn", package, "--dry-run", "--lang", "zh"]) == 0
    assert "将丢失" in capsys.readouterr().out


def test_burn_when_nothing_is_connected_then_3(package, capsys):
    assert run(["burn", package, "--yes", "--json"]) == 3
    assert out_of(capsys)["code"] == "ML-E0301"


def test_burn_when_two_match_then_4_and_a_list_to_paste(package, capsys):
    show("m1")
    show("m2", "virt-bench-2")
    assert run(["burn", package, "--yes"]) == 4
    assert "virt:m1, virt:m2" in capsys.readouterr().err


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_burn_when_the_user_says_no_then_16(package, monkeypatch, capsys):
    show("m1")
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    assert run(["burn", package, "--port", "virt:m1"]) == 16


@pytest.mark.parametrize("words", [["--verify", "much"], ["--packet", "3"], ["--with", "NONE"]])
def test_burn_when_an_option_cannot_be_meant_then_2(package, words, capsys):
    assert run(["burn", package, "--yes", *words]) == 2


def test_burn_when_the_file_is_no_package_then_8_or_2(tmp_path, capsys):
    bad = tmp_path / "bad.pac"
    bad.write_bytes(b"not a package")
    assert run(["burn", str(bad), "--yes"]) == 8
    assert run(["burn", str(tmp_path / "none.pac"), "--yes"]) == 2


def test_gang_when_nothing_is_connected_then_3(package, capsys):
    assert run(["gang", "run", package, "--rack", "bench", "--json"]) == 3


def test_gang_when_a_part_fails_then_12_and_records_on_stdout(package, capsys):
    """A module of the other chip, already in download mode: refused by its USB ids."""
    other = PortEntry("download", "/dev/none", 0x1782, 0x4D16, "", "virt-bench-1")
    registry.publish(ModuleEntry("m1", "bench", "EC600G", "", "A1", "download", (other,)))
    code = run(["gang", "run", package, "--rack", "bench", "--patience", "0", "--jsonl"])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert code == 12
    records = [line for line in lines if line.get("event") == "record"]
    assert [(record["outcome"], record["error_code"]) for record in records] == [("REFUSED", "ML-E0701")]
    assert lines[-1]["code"] == "ML-E1201"


def test_report_when_asked_then_units_and_a_table(tmp_path, capsys):
    failed = BurnRecord(id="1", slot="A1", place="p", imei="861234567890123", outcome="FAIL", started=1.0)
    book("A-17").write(failed)
    book("A-17").write(replace(failed, id="2", outcome="PASS", started=2.0, tries=2))
    assert run(["gang", "report", "A-17", "--json"]) == 0
    report = out_of(capsys)
    assert (report["units"], report["passed"], len(report["records"])) == (1, 1, 2)
    table = tmp_path / "a17.csv"
    assert run(["gang", "report", "--csv", str(table)]) == 0
    assert len(table.read_text(encoding="utf-8-sig").splitlines()) == 3
    assert "PASS" in capsys.readouterr().out


def test_ports_when_listed_then_addresses_ready_to_paste(capsys):
    show("m1")
    assert run(["port", "list", "--json"]) == 0
    (port,) = [port for port in out_of(capsys)["ports"] if port["rack"] == "bench"]
    assert (port["address"], port["role"], port["slot"]) == ("virt:m1", "at", "A1")
    assert run(["port", "list"]) == 0
    assert "virt:m1" in capsys.readouterr().out


def test_slots_when_mapped_then_shown(capsys):
    assert run(["port", "map", "jig", "A1=1-2.1", "A2=1-2.2", "--json"]) == 0
    assert out_of(capsys)["slots"] == {"jig": {"A1": "1-2.1", "A2": "1-2.2"}}
    assert run(["port", "map"]) == 0
    assert "1-2.2" in capsys.readouterr().out
    assert run(["port", "map", "jig", "A1"]) == 2


@pytest.mark.parametrize(
    "words", [["burn"], ["gang", "run"], ["gang", "report"], ["port", "list"], ["port", "watch"], ["port", "map"]]
)
@pytest.mark.parametrize(("lang", "example"), [("en", "Example"), ("zh", "示例")])
def test_help_when_asked_then_has_an_example(words, lang, example, capsys):
    assert run([*words, "--help", "--lang", lang]) == 0
    assert f"{example}" in capsys.readouterr().out
