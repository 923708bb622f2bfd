"""Which slot fails more often than its neighbours: units not tries, stages, Fisher's test, many slots at once."""

from __future__ import annotations

import itertools

import pytest

from moduline.burn import BurnRecord
from moduline.line.records.slot_figures import fisher, slot_figures, stage_of, suspects

NUMBER = itertools.count(1)


def tried(slot, outcome="PASS", *, imei=None, stage="AP", seconds=20.0, tries=1, station="S1", rack="jig"):
    number = next(NUMBER)
    steps = {"burn.enter": 1.0} if outcome != "FAIL" else {"burn.enter": 1.0, f"burn.{stage}": -1}
    return BurnRecord(
        id=f"{number:032x}", outcome=outcome, imei=imei or f"{860000000000000 + number}", slot=slot, place=f"1-{slot}",
        rack=rack, station=station, started=1000.0 + number, ended=1020.0 + number, seconds=seconds, tries=tries,
        steps=steps,
    )  # fmt: skip


def line(slots=8, units=20, bad="", failures=0, stage="AP"):
    """A jig on which every slot made so many units; one of them with failures."""
    return [
        tried(f"A{slot}", "FAIL" if f"A{slot}" == bad and unit < failures else "PASS", stage=stage)
        for unit in range(units)
        for slot in range(1, slots + 1)
    ]


@pytest.mark.parametrize(
    ("failed", "units", "others_failed", "others", "chance"),
    [
        (3, 4, 1, 4, 17 / 70),  # Fisher 1935: the lady tasting tea, three of four cups right
        (4, 4, 0, 4, 1 / 70),
        (0, 4, 4, 4, 1.0),
        (2, 2, 0, 2, 1 / 6),
        (1, 1, 0, 99, 1 / 100),
    ],
)
def test_fisher_when_known_tables_then_their_chances(failed, units, others_failed, others, chance):
    assert fisher(failed, units, others_failed, others) == pytest.approx(chance, rel=1e-9)


@pytest.mark.parametrize(
    ("step", "stage"),
    [
        ("enter", "enter"), ("connect", "connect"), ("nv_backup", "connect"), ("AP", "write"), ("ERASE_BOOT", "write"),
        ("verify", "verify"), ("reset", "restart"), ("check", "check"), ("examine", "test"),
    ],
)  # fmt: skip
def test_stage_when_a_step_did_not_end_then_it_is_the_one(step, stage):
    assert stage_of(BurnRecord(id="1", outcome="FAIL", steps={"burn.first": 1.0, f"burn.{step}": -1})) == stage


def test_stage_when_every_step_ended_then_other():
    assert stage_of(BurnRecord(id="1", outcome="FAIL", steps={"burn.check": 0.2})) == "other"


def test_slot_when_one_fails_more_than_its_neighbours_then_it_is_suspect():
    found = suspects(slot_figures(line(bad="A3", failures=6)))
    assert [(one.slot, one.stage, one.failed, one.units, one.others_failed, one.others) for one in found] == [
        ("A3", "write", 6, 20, 0, 140)
    ]
    assert found[0].chance < 0.00001


def test_slot_when_all_fail_alike_then_none_is_suspect():
    """A bad batch is not a bad pin."""
    records = [tried(f"A{slot}", "FAIL" if unit < 6 else "PASS") for unit in range(20) for slot in range(1, 9)]
    assert suspects(slot_figures(records)) == []


@pytest.mark.parametrize("failures", [1, 2])
def test_slot_when_it_failed_once_or_twice_then_that_is_no_proof(failures):
    assert suspects(slot_figures(line(slots=16, units=50, bad="A3", failures=failures))) == []


def test_unit_when_it_is_powered_again_five_times_then_it_is_one_failure():
    again = [tried("A3", "FAIL", imei="868888777766665", tries=number) for number in range(1, 7)]
    figures = slot_figures(line(units=10) + again)
    bad = next(one for one in figures if one.slot == "A3")
    assert (bad.units, bad.failed, bad.tries, bad.failed_at) == (11, 1, 16, {"write": 1})
    assert suspects(figures) == []


def test_unit_when_another_slot_repairs_it_then_the_failure_stays_with_the_first():
    failing = [tried("A1", "FAIL", imei="868888777766665", stage="check"), tried("A2", imei="868888777766665", tries=2)]
    figures = {one.slot: one for one in slot_figures(failing)}
    assert (figures["A1"].units, figures["A1"].failed_at) == (1, {"check": 1})
    assert (figures["A2"].units, figures["A2"].tries) == (0, 1)


def test_verdict_when_it_is_not_the_slots_doing_then_it_does_not_count():
    others = [tried("A3", outcome) for outcome in ("REFUSED", "ERROR", "ABORTED", "RUNNING") for _ in range(10)]
    figures = slot_figures(line(units=10) + others)
    bad = next(one for one in figures if one.slot == "A3")
    assert (bad.units, bad.failed, bad.tries) == (10, 0, 30)


def test_slots_when_they_stand_in_two_jigs_then_each_has_its_own_neighbours():
    bad = line(bad="A3", failures=10)
    other = [tried(f"A{slot}", "FAIL", station="S2") for _ in range(10) for slot in range(1, 9)]
    found = suspects(slot_figures(bad + other))
    assert [(one.station, one.slot) for one in found] == [("S1", "A3")]


def test_slots_when_listed_then_as_people_count_with_their_median():
    figures = slot_figures([tried("A10", seconds=30), tried("A2", seconds=10), tried("A2", seconds=20)])
    assert [(one.slot, one.cycle_s) for one in figures] == [("A2", 15.0), ("A10", 30.0)]


def test_suspect_when_there_are_no_records_or_one_slot_then_none():
    assert suspects(slot_figures([])) == []
    assert suspects(slot_figures([tried("A1", "FAIL") for _ in range(9)])) == []
