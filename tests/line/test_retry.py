"""Which causes are tried again by themselves, and how often."""

from __future__ import annotations

import pytest

from moduline import errors
from moduline.burn.record import BurnRecord, outcome_of
from moduline.errors import BadOption, Text
from moduline.line.retry import CAUSES, Budget, cause_of, parse_retries


def record_of(failure):
    return BurnRecord(id="1", outcome=outcome_of(failure), error_code=failure.code)


@pytest.mark.parametrize(
    ("failure", "cause", "retries"),
    [
        (errors.PortGone(port="x"), "port", 2),
        (errors.NoModule(address="x"), "port", 2),
        (errors.NoAnswer(what="x", seconds=1), "answer", 2),
        (errors.BadAnswer(what="x", answer="y"), "answer", 2),
        (errors.WindowMissed(where="x"), "answer", 2),
        (errors.PortBusy(port="x", reason=Text("y", "y")), "busy", 2),
        (errors.VerifyFailed(part="x", address=0), "verify", 1),
        (errors.WriteFailed(part="x", what="y", answer="z"), "write", 0),
        (errors.IdentityLost(before="1", after="2"), "identity", 0),
        (errors.WrongVersion(found="1", expected="2"), "version", 0),
        (errors.CheckFailed(checks="x", value="1", limits="2"), "check", 0),
        (errors.WrongModule(package="x", module="y"), "model", 0),
        (errors.StorageFailed(path="x", reason="y"), "storage", 0),
        (errors.TooBig(what="x", need=2, have=1), "refused", 0),
        (errors.MissingArea(area="x"), "refused", 0),
        (errors.FlashCut(operation=1), "other", 0),
    ],
    ids=lambda value: value.slug if isinstance(value, errors.ModulineError) else str(value),
)
def test_failure_when_judged_then_has_its_cause_and_its_retries(failure, cause, retries):
    found = cause_of(record_of(failure))
    assert (found.name, found.retries, found.stops) == (cause, retries, cause == "storage")


def test_codes_of_the_table_when_looked_up_then_each_is_an_error_and_belongs_to_one_cause():
    codes = [code for cause in CAUSES for code in cause.codes]
    assert len(codes) == len(set(codes))
    assert set(codes) <= {leaf.code for leaf in errors.leaves()}
    assert all(cause.text.en and cause.text.zh for cause in CAUSES)


def test_budget_when_used_up_then_nothing_is_left_until_another_unit_comes():
    budget = Budget({"port": 1})
    port, answer = CAUSES[0], CAUSES[1]
    assert [budget.take(port), budget.take(port)] == [True, False]
    assert (budget.left(port), budget.left(answer)) == (0, 2)  # causes do not eat each other's
    budget.begin_anew()
    assert budget.left(port) == 1


def test_retries_when_given_as_words_then_read():
    assert parse_retries(["port=3,verify=0", " answer = 1 "]) == {"port": 3, "verify": 0, "answer": 1}
    assert parse_retries([]) == {}


@pytest.mark.parametrize("word", ["port", "port=", "port=-1", "port=101", "gravity=1", "port=1.5", "port=²", "=2"])
def test_retries_when_they_cannot_be_meant_then_bad_option(word):
    with pytest.raises(BadOption):
        parse_retries([word])


def test_port_when_it_is_gone_before_it_could_be_opened_then_the_unit_failed_and_not_this_computer():
    assert record_of(errors.NoModule(address="x")).outcome == "FAIL"
    assert record_of(errors.PortBusy(port="x", reason=Text("y", "y"))).outcome == "ERROR"
