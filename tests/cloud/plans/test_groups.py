"""Groups, thresholds and rates; approval by other people.  Source: ota-semantics 4, 5."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moduline.cloud.artifacts.rules import ComponentType
from moduline.cloud.plans.approval import Approval, Proof, activation_problems, approval_problem, approvals_missing
from moduline.cloud.plans.groups import Count, admit, assign, judge_spread, late_group, rate_per_min
from moduline.cloud.plans.plan import Plan, PlanComponent, Release, Stage, Strategy
from moduline.cloud.plans.zone import to_utc
from moduline.cloud.reasons import Reason

STAGES = (Stage(5), Stage(25), Stage(50), Stage(100))
KEYS = [f"86{n:013}" for n in range(1000)]


def sizes(groups, count):
    return [list(groups.values()).count(number) for number in range(count)]


# ---- groups ---------------------------------------------------------------------------------------------------------


def test_devices_when_grouped_then_by_the_percentages_and_the_same_in_any_order():
    groups = assign(KEYS, 7, STAGES)
    assert sizes(groups, 4) == [50, 200, 250, 500]
    assert assign(reversed(KEYS), 7, STAGES) == groups
    assert assign(KEYS, 8, STAGES) != groups, "not the same devices are the first of every plan"


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, [0, 0, 0, 0]), (1, [1, 0, 0, 0]), (2, [1, 1, 0, 0]), (4, [1, 1, 1, 1]), (8, [1, 1, 2, 4])],
)
def test_devices_when_few_then_no_group_is_empty_before_a_later_one(count, expected):
    assert sizes(assign(KEYS[:count], 7, STAGES), 4) == expected


def test_devices_when_there_are_no_stages_then_one_group():
    assert set(assign(KEYS[:5], 7, ()).values()) == {0}
    assert (late_group(()), late_group(STAGES)) == (0, 3)


@settings(deadline=None)
@given(st.integers(0, 300), st.lists(st.floats(0.1, 99.9), max_size=6))
def test_devices_when_grouped_by_any_percentages_then_each_has_one_group(count, percents):
    stages = (*(Stage(percent) for percent in sorted(set(percents))), Stage(100))
    groups = assign(KEYS[:count], 1, stages)
    assert set(groups) == set(KEYS[:count])
    assert set(groups.values()) <= set(range(len(stages)))


# ---- thresholds -----------------------------------------------------------------------------------------------------


def spread(counts, open_group=0, **strategy):
    return judge_spread(Strategy(**strategy), counts, open_group)


def test_next_group_when_enough_are_upgraded_then_opens():
    stages = (Stage(50, success_percent=80), Stage(100))
    waiting = Count(waiting=100)
    assert spread([Count(waiting=3, upgraded=7), waiting], stages=stages).open_group == 0
    assert spread([Count(waiting=2, upgraded=8), waiting], stages=stages).open_group == 1
    assert spread([Count(in_progress=2, upgraded=8), waiting], stages=stages).open_group == 1
    assert spread([Count(failed=2, upgraded=8), waiting], stages=stages).open_group == 1
    assert spread([Count(no_update=90, upgraded=8, failed=2), waiting], stages=stages).open_group == 1


def test_next_group_when_nobody_needs_the_update_then_opens_and_never_closes_again():
    stages = (Stage(10), Stage(20), Stage(100))
    assert spread([Count(no_update=5), Count(), Count(waiting=9)], stages=stages).open_group == 2
    assert spread([Count(waiting=5), Count(), Count()], open_group=1, stages=stages).open_group == 2
    assert spread([Count(waiting=5), Count(waiting=1), Count()], open_group=1, stages=stages).open_group == 1


def test_plan_when_too_many_failed_then_stops_with_the_numbers_in_both_languages():
    found = spread([Count(upgraded=8, failed=2)], failure_percent=20.0, failure_least=10)
    assert found.stop.facts == {"failed": 2, "finished": 10, "limit": 20.0}
    assert "2" in found.stop.text.say("zh", **found.stop.facts)
    assert spread([Count(upgraded=9, failed=1)], failure_percent=20.0, failure_least=10).stop is None
    assert spread([Count(upgraded=7, failed=2)], failure_percent=20.0, failure_least=10).stop is None, "too few yet"
    assert spread([Count(failed=500)]).stop is None, "off by default"
    assert spread([Count(upgraded=8, failed=2, waiting=9)] * 3, failure_percent=20.0, failure_least=30).stop is not None


def test_group_when_too_many_failed_then_stops_and_the_next_does_not_open():
    stages = (Stage(10, success_percent=50, failure_percent=25, failure_least=4), Stage(100))
    found = spread([Count(upgraded=3, failed=1), Count(waiting=36)], stages=stages)
    assert (found.stop.group, found.open_group) == (0, 0)
    assert found.stop.text.say("en", **found.stop.facts).startswith("group 1: 1 of 4")


def test_plan_when_resumed_after_a_stop_then_only_a_further_failure_stops_it_again():
    strategy = Strategy(failure_percent=10.0, failure_least=5)
    assert judge_spread(strategy, [Count(upgraded=5, failed=5)], 0, ignored_failures=5).stop is None
    assert judge_spread(strategy, [Count(upgraded=5, failed=6)], 0, ignored_failures=5).stop is not None


def test_success_rate_when_shown_then_only_of_the_finished():
    assert Count(waiting=90, in_progress=5, upgraded=3, failed=1, no_update=4).success_percent == 75
    assert Count(waiting=5).success_percent is None


# ---- rate -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("upgraded", "rate"), [(0, 10), (9, 10), (10, 15), (19, 15), (20, 22), (30, 33), (100, 100), (10**9, 100)]
)
def test_rate_when_it_grows_then_by_steps_to_its_limit(upgraded, rate):
    growing = Strategy(rate_per_min=10, rate_growth_percent=50.0, rate_growth_every=10, rate_most_per_min=100)
    assert rate_per_min(growing, upgraded) == rate


def test_rate_when_not_limited_then_everybody():
    assert rate_per_min(Strategy(), 5) == 0
    assert admit(Strategy(), [(key, "") for key in KEYS], now=0.0).admitted == tuple(KEYS)
    assert rate_per_min(Strategy(rate_per_min=10, rate_growth_percent=900.0, rate_growth_every=1), 10**6) == 2**31 - 1


def test_rate_when_used_up_then_the_others_wait_with_the_reason_and_the_time():
    strategy = Strategy(rate_per_min=3)
    found = admit(strategy, [(key, "") for key in "abcd"], now=100.0, begun_at=[39.9, 50.0])
    assert found.admitted == ("a", "b")
    assert dict(found.held) == {"c": Reason.RATE_LIMITED, "d": Reason.RATE_LIMITED}
    assert found.next_at == 110.0
    assert admit(strategy, [("a", "")], now=100.0).next_at is None
    assert admit(strategy, [("a", ""), ("b", "")], now=100.0, begun_at=[99.0, 99.0, 99.0]).next_at == 159.0


@settings(deadline=None)
@given(st.integers(1, 9), st.integers(1, 40), st.floats(0.5, 30.0))
def test_rate_when_dispatched_over_minutes_then_never_more_in_any_minute(rate, count, pause):
    waiting, begun, now = [f"d{n}" for n in range(count)], [], 0.0
    while waiting:
        found = admit(Strategy(rate_per_min=rate), [(key, "") for key in waiting], now=now, begun_at=begun)
        begun += [now] * len(found.admitted)
        waiting = [key for key in waiting if key in found.held]
        now += pause
    for at in begun:
        assert sum(at <= other < at + 60 for other in begun) <= rate


def test_cell_when_full_then_its_devices_wait_and_others_do_not():
    strategy = Strategy(cell_most=2)
    candidates = [("a", "c1"), ("b", "c1"), ("c", "c2"), ("d", ""), ("e", "c2"), ("f", "c2"), ("g", "")]
    found = admit(strategy, candidates, now=0.0, cells={"c1": 1})
    assert found.admitted == ("a", "c", "d", "e", "g")
    assert set(found.held) == {"b", "f"}
    assert found.next_at is None


# ---- approval -------------------------------------------------------------------------------------------------------

PLAN = Plan(
    "spring", 1, "UTC", "2026-01-01T00:00", "2026-12-31T00:00",
    (PlanComponent("mod", ComponentType.MODULE, (Release(1, "V2", name="fw2"),)),),
    strategy=Strategy(approvals=1),
)  # fmt: skip
NOW = to_utc("2026-06-01T00:00", "UTC")


def test_approval_when_by_an_author_then_refused():
    assert approval_problem({1, 2}, 5, 2) is not None
    assert "5" in approval_problem({1, 2}, 5, 2).say("zh")
    assert approval_problem({1, 2}, 5, 3) is None


def test_approvals_when_counted_then_other_persons_of_this_wording():
    seen = [Approval(1, 5, 0.0), Approval(2, 5, 0.0), Approval(2, 5, 1.0), Approval(3, 4, 0.0)]
    assert approvals_missing(2, {1}, 5, seen) == 1
    assert approvals_missing(1, {1}, 5, seen) == 0
    assert approvals_missing(1, {1}, 6, seen) == 1, "an edit makes them void"


def fields_of(**given):
    return [p.field for p in activation_problems(PLAN, **{"now": NOW, "revision": 5, "author_ids": {1}} | given)]


def test_activation_when_approved_then_nothing_is_in_the_way():
    assert fields_of(approvals=[Approval(2, 5, 0.0)]) == []
    assert fields_of() == ["approval"]
    assert fields_of(approvals=[Approval(1, 5, 0.0)]) == ["approval"]


def test_activation_when_the_end_is_over_or_a_proof_is_missing_then_refused():
    good = {"approvals": [Approval(2, 5, 0.0)]}
    assert fields_of(**good, now=to_utc("2027-01-01T00:00", "UTC")) == ["end"]
    assert fields_of(**good, needs_verification=True) == ["components[0].releases[0]"]
    assert fields_of(**good, needs_verification=True, proof=Proof(verified=frozenset({1}))) == []
    assert fields_of(**good, proof=Proof(missing=frozenset({1}))) == ["components[0].releases[0]"]


def test_activation_when_the_plan_wants_a_rehearsal_then_every_release_needs_one():
    from dataclasses import replace

    plan = replace(PLAN, strategy=Strategy(needs_rehearsal=True, needs_verification=True))
    given = {"now": NOW, "revision": 1, "author_ids": {1}}
    words = [p.say("en") for p in activation_problems(plan, **given)]
    assert words == ["artifact fw2 has not passed a verification", "artifact fw2 has not passed a rehearsal"]
    proof = Proof(verified=frozenset({1}), rehearsed=frozenset({1}))
    assert activation_problems(plan, **given, proof=proof) == ()
