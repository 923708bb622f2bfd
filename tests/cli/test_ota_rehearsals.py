"""What a rehearsal that is over says to scripts: exit code 11 where the update did not survive."""

from __future__ import annotations

import pytest

from moduline.cli.ota_rehearsals import complaint_of, must_have_passed
from moduline.errors import TestsFailed

BAD = {"is_good": False, "trials": 60, "failed": 2, "complaint": {"en": "nothing boots", "zh": "无法启动"}}
GOOD = {"is_good": True, "trials": 60, "failed": 0, "complaint": None}


@pytest.mark.parametrize(
    ("kind", "result"),
    [
        ("module-rehearsal", GOOD),
        ("rehearsal", {"files": [GOOD, GOOD], "is_rehearsed": True}),
        ("patch", {"artifact_id": 3}),
        ("module-rehearsal", None),
    ],
)
def test_job_when_nothing_failed_then_no_complaint(kind, result):
    job = {"kind": kind, "result": result}
    must_have_passed(job)
    assert complaint_of(job) == {}


@pytest.mark.parametrize(
    ("kind", "result", "total"),
    [
        ("module-rehearsal", BAD, 60),
        ("rehearsal", {"files": [GOOD, BAD]}, 120),
        ("module-rehearsal", BAD | {"trials": 0, "failed": 1}, 1),
    ],
)
def test_job_when_the_update_did_not_survive_then_exit_code_11(kind, result, total):
    with pytest.raises(TestsFailed) as caught:
        must_have_passed({"kind": kind, "result": result})
    assert (caught.value.exit_code, caught.value.facts["total"]) == (11, total)


def test_job_when_it_has_a_complaint_then_said_in_words():
    assert complaint_of({"kind": "module-rehearsal", "result": BAD})["complaint"] in {"nothing boots", "无法启动"}
