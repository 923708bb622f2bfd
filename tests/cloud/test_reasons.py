"""The one list of reasons.  Source: ota-semantics 8 (codes typed from there)."""

from __future__ import annotations

import re

import pytest

from moduline.cloud.problem import Problem, refuse_first
from moduline.cloud.reasons import TEXTS, Reason
from moduline.errors import BadField, Text

REFERENCE = [
    *(100, 101, 102, 103, 104, 105, 106, 110),
    *(200, 201, 202, 203, 210, 220, 221, 222, 223, 230, 231, 240, 250, 251, 252, 260, 261, 262, 263, 299),
]


def test_reasons_when_listed_then_every_code_of_the_reference_is_there():
    assert set(REFERENCE) <= {int(reason) for reason in Reason}


@pytest.mark.parametrize("reason", Reason)
def test_reason_when_said_then_speaks_both_languages(reason):
    assert TEXTS[reason] == reason.text
    assert reason.text.en
    assert re.search(r"[\u4e00-\u9fff]", reason.text.zh)


def test_reason_when_below_200_then_waits():
    assert {reason.is_waiting for reason in Reason if reason < 200} == {True}
    assert {reason.is_waiting for reason in Reason if reason >= 200} == {False}


def test_problems_when_only_warnings_then_nothing_is_raised():
    refuse_first((Problem("name", Text("x", "某"), is_warning=True),))


def test_problems_when_refused_then_the_first_is_raised_with_its_facts():
    found = (
        Problem("a", Text("warned", "警告"), is_warning=True),
        Problem("end", Text("at most {most}", "最多 {most}"), {"most": 5}),
        Problem("c", Text("x", "某")),
    )
    with pytest.raises(BadField) as caught:
        refuse_first(found)
    assert caught.value.message("en") == "end: at most 5"
    assert caught.value.facts["also"] == 1
