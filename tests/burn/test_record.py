"""The book of records: durable, append-only, readable after any interruption."""

from __future__ import annotations

import csv
import io
import os
import signal
import subprocess
import sys

import pytest

from moduline.burn.record import BurnRecord, RecordBook, all_records, as_csv, book, outcome_of, try_before
from moduline.errors import BadFormat, NoAnswer, StorageFailed, TooBig, WriteFailed, WrongModule

RECORD = BurnRecord(id="a1", imei="861234567890123", slot="m1", place="virt-bench-1", package="x.zip", started=1.5)


def finished(record=RECORD, **changes):
    from dataclasses import replace

    return replace(record, **{"outcome": "PASS", "ended": 2.0, "bytes": 10, "seconds": 0.5} | changes)


def test_record_when_written_then_read_back(tmp_path):
    records = RecordBook(tmp_path / "deep" / "a.jsonl")
    records.write(RECORD)
    records.write(finished())
    assert records.read() == [finished()]


def test_book_when_missing_then_empty(tmp_path):
    assert RecordBook(tmp_path / "none.jsonl").read() == []


def test_try_when_its_process_is_dead_then_aborted(tmp_path):
    records = RecordBook(tmp_path / "a.jsonl")
    records.write(RECORD)
    (found,) = records.read()
    assert found.outcome == "ABORTED"
    assert "interrupted" in found.error_message


def test_try_when_its_process_lives_then_running(tmp_path):
    from dataclasses import replace

    records = RecordBook(tmp_path / "a.jsonl")
    records.write(replace(RECORD, process=os.getpid()))
    assert records.read()[0].outcome == "RUNNING"


def test_program_when_killed_then_the_started_line_is_there(tmp_path):
    """kill -9 between the two lines leaves a try that reads as interrupted."""
    path = tmp_path / "a.jsonl"
    script = (
        "import os, signal; from pathlib import Path; from moduline.burn.record import *;"
        f"RecordBook(Path({str(path)!r})).write(BurnRecord(id='a1', process=os.getpid()));"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", script], check=False)
    assert done.returncode == -signal.SIGKILL
    assert [record.outcome for record in RecordBook(path).read()] == ["ABORTED"]


@pytest.mark.parametrize("keep", [1, 10, 60, -1])
def test_last_line_when_torn_then_passed_over_and_the_next_begins_afresh(tmp_path, keep):
    records = RecordBook(tmp_path / "a.jsonl")
    records.write(RECORD)
    size = records.path.stat().st_size
    records.write(finished())
    with records.path.open("rb+") as file:
        file.truncate(size + keep if keep > 0 else size * 2)
    records.write(finished(id="b2"))
    assert [record.id for record in records.read()] == ["a1", "b2"]
    assert records.read()[1].is_pass


@pytest.mark.parametrize(
    "junk", [b"\xff\xfe\x00", b"[]\n", b"{}\n", b'{"id": 3}\n', b'{"id": "x", "place": []}\n', b"null\n"]
)
def test_line_when_junk_then_passed_over(tmp_path, junk):
    records = RecordBook(tmp_path / "a.jsonl")
    records.path.write_bytes(junk)
    records.write(finished())
    assert finished() in records.read()


def test_disk_when_full_then_storage_failed():
    with pytest.raises(StorageFailed):
        RecordBook(__import__("pathlib").Path("/dev/full")).write(RECORD)


def test_books_when_of_orders_then_apart_and_together(moduline_home):
    book("A-17").write(finished(started=2.0))
    book().write(finished(id="b2", started=1.0))
    book("../../evil order").write(finished(id="c3", started=3.0))
    assert [record.id for record in all_records()] == ["b2", "a1", "c3"]
    assert [record.id for record in book("A-17").read()] == ["a1"]
    assert {path.parent for path in moduline_home.rglob("*.jsonl")} == {moduline_home / "records"}


def test_csv_when_written_then_one_row_each_and_no_formula():
    text = as_csv([finished(operator='=HYPERLINK("x")', steps={"burn.AP": 1.5})])
    (row,) = csv.DictReader(io.StringIO(text))
    assert row["imei"] == "861234567890123"
    assert row["steps"] == '{"burn.AP": 1.5}'
    assert row["operator"].startswith("'=")


def test_error_when_raised_again_then_its_class_and_facts():
    record = finished(
        outcome="FAIL", error_code="ML-E0901", error_facts={"part": "AP", "what": "END", "answer": "0x8B"}
    )
    with pytest.raises(WriteFailed) as failed:
        record.raise_error()
    assert failed.value.facts["part"] == "AP"
    finished().raise_error()


@pytest.mark.parametrize(
    ("failure", "outcome"),
    [
        (NoAnswer(what="x", seconds=1), "FAIL"),
        (WrongModule(package="a", module="b"), "REFUSED"),
        (BadFormat(format="pac", reason="x", offset=0), "REFUSED"),
        (TooBig(what="x", need=2, have=1), "REFUSED"),
        (StorageFailed(path="x", reason="full"), "ERROR"),
        (ValueError("bug"), "ERROR"),
    ],
)
def test_outcome_when_of_an_error_then_says_whose_fault(failure, outcome):
    assert outcome_of(failure) == outcome


def test_try_before_when_asked_then_the_last_at_the_place_unless_passed_or_old():
    first, second = finished(id="1", outcome="FAIL", started=10.0), finished(id="2", outcome="FAIL", started=20.0)
    other = finished(id="3", outcome="FAIL", place="elsewhere", started=30.0)
    assert try_before([first, second, other], "virt-bench-1", 40.0).id == "2"
    assert try_before([first, finished(id="4")], "virt-bench-1", 40.0) is None
    assert try_before([first], "virt-bench-1", 1e6) is None
    assert try_before([], "virt-bench-1", 40.0) is None
