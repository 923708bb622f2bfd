"""``gang report`` and ``gang stats``: filters, exports, figures."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import openpyxl
import pytest

from moduline.burn import BurnRecord, book
from moduline.burn.books import Remark, open_store
from moduline.cli import gang_report
from moduline.cli.main import run

NOW = time.time()
FAILED = BurnRecord(
    id="f1", outcome="FAIL", imei="1", slot="A1", place="p1", station="S1", started=NOW - 7200, seconds=10.0,
    error_code="ML-E0901", error_message="no [/red] answer",
)  # fmt: skip
PASSED = replace(
    FAILED, id="p1", outcome="PASS", started=NOW - 3600, tries=2, error_code="", error_message="", ended=NOW
)
OTHER = replace(PASSED, id="p2", imei="2", slot="A2", place="p2", station="S2", started=NOW - 60, tries=1)


@pytest.fixture
def day():
    for record in (FAILED, PASSED):
        book("A-17").write(record)
    book("B-3").write(OTHER)


def asked(capsys, *words, code=0):
    assert run([*words, "--json"]) == code
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ([], ["f1", "p1", "p2"]),
        (["A-17"], ["f1", "p1"]),
        (["--outcome", "fail"], ["f1"]),
        (["--station", "S2"], ["p2"]),
        (["--since", "90m"], ["p1", "p2"]),
        (["--since", "90m", "--until", "30m"], ["p1"]),
        (["--since", "2001-01-01", "--until", "2001-01-02T12:00:00+08:00"], []),
        (["nowhere"], []),
    ],
)
def test_report_when_filtered_then_only_those(day, capsys, words, names):
    found = asked(capsys, "gang", "report", *words)
    assert [one["id"] for one in found["records"]] == names


def test_report_when_exported_then_both_files_hold_every_try(day, tmp_path, capsys):
    table, workbook = tmp_path / "测试 目录 (1)" / "a.csv", tmp_path / "a.xlsx"
    assert run(["gang", "report", "--csv", str(table), "--xlsx", str(workbook)]) == 0
    assert len(table.read_text(encoding="utf-8-sig").splitlines()) == 4
    opened = openpyxl.load_workbook(workbook)
    assert opened["records"].max_row == 4
    opened.close()
    assert "2 units, 2 passed" in capsys.readouterr().out


def test_report_when_longer_than_anybody_reads_then_the_last_ones_and_a_word_about_the_rest(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(gang_report, "SHOWN", 2)
    for number in range(3):
        book("A-17").write(replace(PASSED, id=f"r{number}", slot=f"slot{number}"))
    assert run(["gang", "report", "A-17", "--csv", str(tmp_path / "all.csv")]) == 0
    shown = capsys.readouterr()
    assert "slot0" not in shown.out
    assert "slot2" in shown.out
    assert "last 2 of 3" in shown.err
    assert "slot0" in (tmp_path / "all.csv").read_text(encoding="utf-8-sig")


def test_report_when_a_label_failed_then_shown_and_the_outcome_stays(day, capsys):
    open_store().add_remark("p1", Remark("label", NOW, False, "printer is off"))
    assert run(["gang", "report", "A-17"]) == 0
    assert "printer is off" in capsys.readouterr().err
    found = asked(capsys, "gang", "report", "A-17")["records"]
    assert [(one["outcome"], one["remarks"]) for one in found] == [
        ("FAIL", []),
        ("PASS", [{"kind": "label", "at": NOW, "ok": False, "detail": "printer is off"}]),
    ]


def test_report_when_of_another_database_then_that_one(day, tmp_path, monkeypatch, capsys):
    assert asked(capsys, "gang", "report", "--records", str(tmp_path / "x.db"))["records"] == []
    monkeypatch.setenv("MODULINE_RECORDS", f"sqlite:///{tmp_path}/y.db")
    book("C").write(replace(OTHER, id="c1"))
    assert [one["id"] for one in asked(capsys, "gang", "report")["records"]] == ["c1"]
    assert (tmp_path / "y.db").exists()


def test_stats_when_asked_then_figures_parts_and_errors(day, capsys):
    found = asked(capsys, "gang", "stats", "--by", "station")
    assert (found["all"]["units"], found["all"]["first_pass_yield"], found["all"]["final_yield"]) == (2, 0.5, 1.0)
    assert [(one["name"], one["first_pass_yield"]) for one in found["parts"]] == [("S1", 0.0), ("S2", 1.0)]
    assert [(one["code"], one["tries"]) for one in found["errors"]] == [("ML-E0901", 1)]
    for by in ("", "slot", "operator", "hour", "error"):
        assert run(["gang", "stats", *(["--by", by] if by else [])]) == 0
        assert "ML-E0901" in capsys.readouterr().out


def test_stats_when_nothing_was_done_then_zeros(capsys):
    assert asked(capsys, "gang", "stats")["all"]["units"] == 0
    assert run(["gang", "stats"]) == 0


@pytest.mark.parametrize(
    "words",
    [
        ["report", "--outcome", "GOOD"],
        ["report", "--since", "yesterday"],
        ["report", "--records", "mysql://x/y"],
        ["stats", "--by", "colour"],
    ],
)
def test_option_when_it_cannot_be_meant_then_2(words, capsys):
    assert asked(capsys, "gang", *words, code=2)["code"] == "ML-E0201"


@pytest.mark.parametrize("words", [["gang", "stats"], ["gang", "report"]])
@pytest.mark.parametrize(("lang", "example"), [("en", "Example"), ("zh", "示例")])
def test_help_when_asked_then_has_an_example(words, lang, example, capsys):
    assert run([*words, "--help", "--lang", lang]) == 0
    assert example in capsys.readouterr().out
