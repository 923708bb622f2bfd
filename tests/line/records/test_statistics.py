"""Figures of a line, by typed examples that a person can reckon after."""

from __future__ import annotations

from datetime import timedelta, timezone

import pytest

from moduline.burn import BurnRecord
from moduline.line.records.statistics import breakdown, figures, pareto, units_of, worked_s

NOON = 1700049600.0  # 2023-11-15 12:00 UTC


def one_try(name, outcome="PASS", imei="", at_s=0.0, seconds=30.0, **facts):
    code = "" if outcome in {"PASS", "ABORTED", "RUNNING"} else facts.pop("code", "ML-E0901")
    return BurnRecord(
        id=name, outcome=outcome, imei=imei, started=NOON + at_s, seconds=seconds, error_code=code,
        error_message=f"about {code}" if code else "", **{"place": "p1", "slot": "A1", "station": "S1", "operator": "w"} | facts,
    )  # fmt: skip


# Four units: 1 passes at once, 2 at its second try, 3 never, 4 is stopped by the operator and then passes.
DAY = [
    one_try("a", "PASS", "1", 0, 20.0),
    one_try("b", "FAIL", "2", 10, 40.0, slot="A2", place="p2"),
    one_try("c", "FAIL", "3", 20, 40.0, slot="A3", place="p3", code="ML-E0701"),
    one_try("d", "ABORTED", "4", 30, 5.0, slot="A4", place="p4"),
    one_try("e", "PASS", "2", 100, 50.0, tries=2),
    one_try("f", "FAIL", "3", 110, 40.0, slot="A3", place="p3", tries=2),
    one_try("g", "PASS", "4", 120, 60.0, slot="A4", place="p4", tries=2),
]


def test_figures_when_of_four_units_then_as_reckoned_by_hand():
    found = figures(DAY)
    assert (found.units, found.first_passed, found.passed, found.tries, found.aborted) == (4, 2, 3, 6, 1)
    assert (found.first_pass_yield, found.final_yield) == (0.5, 0.75)
    assert found.worked_s == 180.0  # 12:00:00 to 12:03:00, no gap of ten minutes
    assert found.units_per_hour == 60.0  # three in three minutes
    assert found.cycle_s == 50.0  # of 20, 50 and 60


def test_breakdown_when_by_slot_then_a_unit_counts_where_it_was_first_judged():
    found = {one.name: one for one in breakdown(DAY, "slot")}
    assert {name: (one.units, one.first_passed, one.passed) for name, one in found.items()} == {
        "A1": (1, 1, 1),
        "A2": (1, 0, 1),
        "A3": (1, 0, 0),
        "A4": (1, 1, 1),
    }


def test_breakdown_when_by_hour_then_hours_of_the_zone_with_their_offset():
    beijing = timezone(timedelta(hours=8))
    tries = [one_try("a", "PASS", "1", -1.0), one_try("b", "PASS", "2", 0.0), one_try("c", "FAIL", "3", 3599.0)]
    found = [(one.name, one.units, one.passed) for one in breakdown(tries, "hour", beijing)]
    assert found == [("2023-11-15T19:00+08:00", 1, 1), ("2023-11-15T20:00+08:00", 2, 1)]


@pytest.mark.parametrize(("by", "names"), [("station", ["S1"]), ("operator", ["w"])])
def test_breakdown_when_all_is_one_then_the_figures_of_everything(by, names):
    (found,) = breakdown(DAY, by)
    assert [found.name] == names
    assert found.as_json() == figures(DAY, names[0]).as_json()


def test_pareto_when_asked_then_most_frequent_first_with_growing_shares():
    tries = [one_try(str(n), "FAIL", str(n), code=code) for n, code in enumerate(["E1", "E2", "E2", "E3", "E2"])]
    tries += [one_try("x", "ABORTED", "9"), one_try("y", "PASS", "9")]
    found = [(one.code, one.tries, one.share, one.total) for one in pareto(tries)]
    assert found == [("E2", 3, 0.6, 0.6), ("E1", 1, 0.2, 0.8), ("E3", 1, 0.2, 1.0)]
    assert pareto(tries)[0].message == "about E2"
    assert pareto([]) == []


def test_worked_when_there_is_a_break_then_it_does_not_count():
    morning, at_once = one_try("a", at_s=0, seconds=100.0), one_try("b", at_s=50, seconds=100.0)
    short_gap, after_lunch = one_try("c", at_s=150 + 600, seconds=10.0), one_try("d", at_s=760 + 601, seconds=10.0)
    assert worked_s([morning, at_once]) == 150.0
    assert worked_s([short_gap, morning, at_once]) == 760.0
    assert worked_s([morning, at_once, short_gap, after_lunch]) == 770.0
    assert worked_s([]) == 0.0


def test_worked_when_the_clock_was_set_back_during_a_try_then_its_own_duration_counts():
    assert worked_s([one_try("a", seconds=30.0, ended=NOON - 7200.0)]) == 30.0
    assert worked_s([one_try("a", seconds=-5.0)]) == 0.0
    assert figures([one_try("a", seconds=0.0)]).units_per_hour == 0.0


def test_units_when_the_first_try_never_learnt_who_it_was_then_the_next_at_the_place_tells():
    tries = [
        one_try("a", "FAIL", tries=1),
        one_try("b", "FAIL", tries=2),
        one_try("c", "PASS", "1", tries=3),
        one_try("d", "FAIL", tries=1),  # somebody else, who was taken away
        one_try("e", "PASS", "2", tries=1),
        one_try("f", "FAIL", place="p9", tries=1),
    ]
    assert [[one.id for one in unit] for unit in units_of(tries)] == [["a", "b", "c"], ["d"], ["e"], ["f"]]
    assert figures(tries).first_passed == 1


def test_units_when_known_by_their_own_number_only_then_told_apart_by_it():
    tries = [one_try("a", "FAIL", unit="SN1"), one_try("b", "PASS", unit="SN2"), one_try("c", "PASS", unit="SN1")]
    assert [[one.id for one in unit] for unit in units_of(tries)] == [["a", "c"], ["b"]]


def test_unit_when_it_passed_and_was_burnt_badly_later_then_the_last_verdict_counts():
    found = figures([one_try("a", "PASS", "1", 0), one_try("b", "FAIL", "1", 60), one_try("c", "RUNNING", "1", 120)])
    assert (found.units, found.first_passed, found.passed, found.tries) == (1, 1, 0, 2)


def test_figures_when_nothing_was_done_then_zeros():
    assert figures([]).as_json() == {
        "name": "", "units": 0, "first_passed": 0, "passed": 0, "tries": 0, "aborted": 0, "worked_s": 0.0, "cycle_s": 0.0,
        "first_pass_yield": 0.0, "final_yield": 0.0, "units_per_hour": 0.0,
    }  # fmt: skip
    assert breakdown([one_try("a", "ABORTED", "1")], "slot")[0].units == 0
