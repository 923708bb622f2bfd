"""The record of a try: as JSON and back, whose fault an error is, which try goes on from which."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from moduline.burn.record import BurnRecord, CheckResult, from_json, outcome_of, try_before
from moduline.errors import BadFormat, NoAnswer, StorageFailed, TooBig, WriteFailed, WrongModule

RECORD = BurnRecord(id="a1", imei="861234567890123", slot="m1", place="virt-bench-1", package="x.zip", started=1.5)


def finished(record=RECORD, **changes):
    return replace(record, **{"outcome": "PASS", "ended": 2.0, "bytes": 10, "seconds": 0.5} | changes)


def test_record_when_made_json_then_the_same_again():
    record = finished(checks=(CheckResult("sim", "fail", "no", "yes", 0.25, "why"),), steps={"burn.AP": 1.5})
    assert from_json(json.loads(json.dumps(record.as_json()))) == record


def test_json_when_of_a_newer_program_then_what_is_known_is_taken():
    raw = finished(checks=(CheckResult("sim", "pass"),)).as_json()
    raw["checks"][0]["colour"] = "green"
    assert from_json(raw | {"weight_kg": 3}) == finished(checks=(CheckResult("sim", "pass"),))


def test_facts_when_no_json_numbers_then_words():
    facts = {"a": float("nan"), "b": float("inf"), "c": b"\x00", "d": 1.5}
    assert json.loads(json.dumps(finished(error_facts=facts).as_json(), allow_nan=False))["error_facts"] == {
        "a": "nan",
        "b": "inf",
        "c": "b'\\x00'",
        "d": 1.5,
    }


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
