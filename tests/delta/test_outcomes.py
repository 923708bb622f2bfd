"""What a power cut met: the old firmware, one half way, or the new one; and how worn the flash gets."""

from __future__ import annotations

import pytest

from delta.inplace_rig import pair, small_patch
from moduline.delta import rehearsal
from moduline.delta.outcomes import (
    Outcome,
    Span,
    kind_of,
    marks_of,
    outcome_of,
    stretches,
    target_span,
    wear_of,
)
from moduline.delta.rehearsal import CleanRun, CleanStep, Trial

SPAN = Span(10, 19)


@pytest.mark.parametrize(
    ("cuts", "operation", "complaint", "wanted"),
    [
        ("cut@0", 0, "", Outcome.UNTOUCHED),
        ("cut@10", 10, "", Outcome.UNTOUCHED),  # before the first change
        ("tear@10:1", 10, "", Outcome.RESUMED),  # within it
        ("tear@9:1", 9, "", Outcome.UNTOUCHED),
        ("tear@9:1,cut@3", 9, "", Outcome.UNTOUCHED),
        ("cut@19", 19, "", Outcome.RESUMED),
        ("tear@19:1", 19, "", Outcome.RESUMED),
        ("cut@20", 20, "", Outcome.FINISHED),
        ("cut@3", 3, "system: not the new image", Outcome.FAILED),
    ],
)
def test_outcome_when_the_power_goes_then_it_says_what_was_in_the_flash(cuts, operation, complaint, wanted):
    assert outcome_of(Trial(cuts, operation, complaint), SPAN) is wanted


def test_marks_when_there_are_a_hundred_thousand_operations_then_few_and_no_failure_is_lost():
    total = 100_000
    clean = CleanRun((CleanStep("copy", 0, 40_000), CleanStep("target", 40_000, 60_000)), ())
    trials = [Trial(f"cut@{at}", at, "system: not the new image" if at == 77_777 else "") for at in range(total)]
    trials += [Trial(f"tear@{at}:1,cut@2", at, "") for at in range(0, total, 1000)]
    marks = marks_of(clean, trials, Span(40_000, 99_999), 400)
    cuts = [one for one in marks if one.kind == "cut"]
    pairs = [one for one in marks if one.kind == "pair"]
    assert (len(cuts), len(pairs)) == (400, 100)
    assert sum(one.count for one in cuts) == total
    failed = [one for one in marks if one.outcome is Outcome.FAILED]
    assert [(one.cuts, one.complaint) for one in failed] == [("cut@77777", "system: not the new image")]
    assert failed[0].operation <= 77_777 <= failed[0].last
    assert (cuts[0].what, cuts[0].outcome) == ("copy", Outcome.UNTOUCHED)
    assert (cuts[-1].what, cuts[-1].outcome) == ("target", Outcome.RESUMED)


def test_outcomes_when_an_update_is_rehearsed_then_all_three_are_met_in_order():
    old, new = pair(21, 4 * 4096, 2500)
    job = rehearsal.Job("system", old, new, small_patch(old, new))
    model = rehearsal.Model([job], 4096, "fp", rehearsal.pack(job))
    clean = rehearsal.clean_run(model)
    span = target_span(model, clean)
    trials = list(rehearsal.rehearse(model, clean, rehearsal.single_cuts(clean.total, None, 0)))
    found = [outcome_of(one, span) for one in trials]
    assert len(trials) == clean.total
    assert {kind_of(one) for one in trials} == {"cut"}
    assert found == sorted(found, key=list(Outcome).index)
    assert found[0] is Outcome.UNTOUCHED
    assert Outcome.RESUMED in found
    worn = wear_of(model, clean)
    assert worn.worst >= 1
    assert worn.erases == sum(one.data is None for one in clean.changes)
    assert sum(count for _, _, count in stretches(clean)) == clean.total


def test_wear_when_nothing_is_erased_then_none():
    old, new = pair(21, 4 * 4096, 2500)
    job = rehearsal.Job("system", old, new, small_patch(old, new))
    model = rehearsal.Model([job], 4096, "fp", rehearsal.pack(job))
    assert wear_of(model, CleanRun((), ())).worst == 0
    assert target_span(model, CleanRun((), ())) == Span(0, -1)


def test_single_cuts_when_more_are_asked_for_than_there_are_operations_then_every_operation_is_cut():
    cuts = [one for one in rehearsal.single_cuts(39, 100) if one.startswith("cut@")]
    assert cuts == [f"cut@{at}" for at in range(39)]
    assert list(rehearsal.single_cuts(100, 4, 0)) == ["cut@0", "cut@25", "cut@50", "cut@75"]
