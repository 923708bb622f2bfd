"""``gang order``, ``gang run --order`` and ``gang learn`` as typed."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from moduline.burn import BurnRecord, book
from moduline.cli.main import run
from moduline.digest import sha256_hex
from moduline.line.work_order import order_path, read_order
from moduline.port import registry
from moduline.port.registry import ModuleEntry, PortEntry
from package_maker import small_file


@pytest.fixture
def package(tmp_path):
    path = tmp_path / "small.pac"
    path.write_bytes(small_file())
    return path


def last(capsys):
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def other_chip():
    """A module that every run of these tests refuses at once, by its USB ids."""
    port = PortEntry("download", "/dev/none", 0x1782, 0x4D16, "", "virt-bench-1")
    registry.publish(ModuleEntry("m1", "bench", "EC600G", "", "A1", "download", (port,)))


def gang_run(*words):
    return run(["gang", "run", *map(str, words), "--rack", "bench", "--patience", "0", "--jsonl"])


def test_order_when_made_then_shown_listed_and_closed(package, capsys):
    words = ["gang", "order", "new", "A-17", str(package), "--count", "500", "--retries", "port=3", "--json"]
    assert run(words) == 0
    made = last(capsys)
    assert (made["id"], made["count"], made["sha256"], made["retries"]) == (
        "A-17",
        500,
        sha256_hex(small_file()),
        {"port": 3},
    )
    assert run(["gang", "order", "show", "A-17", "--json"]) == 0
    assert (last(capsys)["state"]) == "open"
    assert run(["gang", "order", "list", "--json"]) == 0
    assert [(one["id"], one["left"]) for one in last(capsys)["orders"]] == [("A-17", 500)]
    assert run(["gang", "order", "close", "A-17"]) == 0
    capsys.readouterr()
    assert run(["gang", "order", "show", "A-17", "--json"]) == 0
    assert last(capsys)["state"] == "closed"
    for lang, word in (("en", "closed"), ("zh", "已关闭")):
        assert run(["gang", "order", "list", "--lang", lang]) == 0
        assert word in capsys.readouterr().out


def test_order_when_dry_run_then_nothing_is_locked(package, capsys):
    assert run(["gang", "order", "new", "A-17", str(package), "--dry-run"]) == 0
    assert not order_path("A-17").exists()
    assert gang_run(package, "--order", "A-17", "--dry-run") == 0
    assert not order_path("A-17").exists()


def test_order_when_made_for_another_model_then_7(package, capsys):
    assert run(["gang", "order", "new", "A-17", str(package), "--model", "EC600U"]) == 7
    assert run(["gang", "order", "new", "A-17", str(package), "--model", "EG915U"]) == 0


def test_order_when_its_files_are_broken_then_not_made(package, tmp_path, capsys):
    recipe = tmp_path / "r.toml"
    recipe.write_text("[[[")
    assert run(["gang", "order", "new", "A-17", str(package), "--recipe", str(recipe)]) == 8
    assert run(["gang", "order", "new", "A-17", str(recipe)]) == 8
    assert run(["gang", "order", "new", "A-17", str(package), "--retries", "gravity=1"]) == 2
    assert not order_path("A-17").exists()


@pytest.mark.parametrize("words", [["show", "B-1"], ["close", "B-1"]])
def test_order_when_unknown_then_2(words, capsys):
    assert run(["gang", "order", *words, "--json"]) == 2
    assert last(capsys)["code"] == "ML-E0205"


def test_run_when_the_order_is_new_then_it_is_locked_and_said_so(package, capsys):
    other_chip()
    assert gang_run(package, "--order", "A-17") == 12
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (locked,) = [line for line in lines if line.get("slug") == "gang.order-locked"]
    assert locked["facts"]["sha256"] == read_order("A-17").sha256 == sha256_hex(small_file())
    assert gang_run(package, "--order", "A-17") == 12
    assert "gang.order-locked" not in capsys.readouterr().out
    assert gang_run("--order", "A-17") == 12  # the file of the order
    assert {record.order for record in book("A-17").read()} == {"A-17"}


def test_run_when_the_bytes_are_others_then_15_and_no_module_is_touched(package, tmp_path, capsys):
    other_chip()
    assert run(["gang", "order", "new", "A-17", str(package)]) == 0
    other = tmp_path / "other.pac"
    other.write_bytes(small_file(style="lf"))
    capsys.readouterr()
    assert gang_run(other, "--order", "A-17") == 15
    assert last(capsys)["code"] == "ML-E1504"
    package.write_bytes(other.read_bytes())  # the golden image was replaced behind the order's back
    assert gang_run("--order", "A-17") == 15
    package.unlink()
    assert gang_run("--order", "A-17") == 2
    assert book("A-17").read() == []


def test_run_when_the_order_locks_no_units_file_then_one_is_refused(package, tmp_path, capsys):
    assert run(["gang", "order", "new", "A-17", str(package)]) == 0
    units = tmp_path / "u.csv"
    units.write_text("serial\nSN-1\n")
    assert gang_run(package, "--order", "A-17", "--units", units) == 15


def test_run_when_the_order_is_full_or_closed_then_15(package, capsys):
    other_chip()
    assert run(["gang", "order", "new", "A-17", str(package), "--count", "1"]) == 0
    sha256 = sha256_hex(small_file())
    book("A-17").write(BurnRecord(id="1", outcome="PASS", imei="1", place="p", order="A-17", sha256=sha256))
    capsys.readouterr()
    assert gang_run(package, "--order", "A-17") == 15
    assert last(capsys)["code"] == "ML-E1505"
    assert run(["gang", "order", "show", "A-17", "--json"]) == 0
    shown = last(capsys)
    assert (shown["state"], shown["passed"], shown["left"]) == ("full", 1, 0)
    assert run(["gang", "order", "new", "A-18", str(package)]) == 0
    assert run(["gang", "order", "close", "A-18"]) == 0
    assert gang_run(package, "--order", "A-18") == 15


@pytest.mark.parametrize(
    "words",
    [[], ["--order", "NONE"], ["--channels", "65"], ["--channels", "0"], ["--debounce", "-1"], ["--retries", "x"]],
)
def test_run_when_it_cannot_be_meant_then_2(words, package, capsys):
    given = words if words[:1] in ([], ["--order"]) else [package, *words]
    assert gang_run(*given) == 2


def test_records_when_their_store_is_no_store_then_nothing_is_burnt(package, monkeypatch, tmp_path, capsys):
    other_chip()
    monkeypatch.setenv("MODULINE_RECORDS", str(tmp_path / "small.pac"))  # a file, but no database
    code = gang_run(package)
    assert code == 1
    failure = last(capsys)
    assert failure["code"].startswith("ML-E01")
    assert failure["message"]


# ---- learning ----------------------------------------------------------------------------------------------------------


def test_learn_when_modules_are_plugged_in_then_events_and_the_map(capsys):
    command = [
        sys.executable,
        "-m",
        "moduline",
        "gang",
        "learn",
        "bench",
        "--count",
        "2",
        "--patience",
        "60",
        "--jsonl",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8", env=dict(os.environ))
    lines = []
    for line in process.stdout:
        lines.append(json.loads(line))
        if lines[-1].get("slug") == "learn.ask":
            number = lines[-1]["where"]
            port = PortEntry("at", "/dev/none", 0x2C7C, 0x0901, "Quectel USB AT Port", f"virt-bench-{number}")
            registry.publish(ModuleEntry(f"m{number}", "bench", "EC600U", "", f"V{number}", "running", (port,)))
    process.stdout.close()
    assert process.wait() == 0
    assert lines[-1]["slots"] == {"1": "virt-bench-1", "2": "virt-bench-2"}
    assert [one["what"] for one in lines[-1]["learnt"]] == ["EC600U", "EC600U"]
    assert run(["port", "list", "--json"]) == 0
    assert {port["slot"] for port in last(capsys)["ports"] if port["rack"] == "bench"} == {"1", "2"}
    assert run(["gang", "learn", "bench", "--undo", "--json"]) == 0
    undone = last(capsys)
    assert (undone["forgotten"], undone["slots"]) == (["2"], {"1": "virt-bench-1"})


def test_learn_when_nobody_comes_then_3_and_what_is_known_stays(capsys):
    assert run(["port", "map", "jig", "A1=1-2.1"]) == 0
    assert run(["gang", "learn", "jig", "--slots", "A1,A2", "--patience", "0.2"]) == 3
    assert "A1 is 1-2.1 already" in capsys.readouterr().err
    assert run(["gang", "learn", "jig", "--slots", "A1"]) == 0
    assert run(["gang", "learn", "jig", "--slots", "A1,A2", "--anew", "--dry-run", "--json"]) == 0
    assert last(capsys)["missing"] == ["A2"]


@pytest.mark.parametrize(
    "words", [["jig"], ["jig", "--slots", "A1", "--count", "2"], ["a/b", "--count", "1"], ["jig", "--slots", "A1,A1"]]
)
def test_learn_when_it_cannot_be_meant_then_2(words, capsys):
    assert run(["gang", "learn", *words]) == 2


@pytest.mark.parametrize(
    "words", [["learn"], ["order", "new"], ["order", "show"], ["order", "list"], ["order", "close"]]
)
@pytest.mark.parametrize(("lang", "example"), [("en", "Example"), ("zh", "示例")])
def test_help_when_asked_then_has_an_example(words, lang, example, capsys):
    assert run(["gang", *words, "--help", "--lang", lang]) == 0
    assert example in capsys.readouterr().out
