"""States of a plan.  Source: ota-semantics 4 (typed from its picture)."""

from __future__ import annotations

import re

import pytest

from moduline.cloud.plans.states import TRANSITIONS, WORDS, PlanState, PlanVerb, allowed, move, settle
from moduline.cloud.problem import Problem

REFERENCE = {
    "draft": {"edit": "draft", "delete": "draft", "approve": "draft", "activate": "scheduled"},
    "scheduled": {"begin": "running", "suspend": "suspended", "terminate": "terminated"},
    "running": {"suspend": "suspended", "stop": "suspended", "end": "ended", "terminate": "terminated"},
    "suspended": {"resume": "scheduled", "end": "ended", "terminate": "terminated"},
    "ended": {},
    "terminated": {},
}


@pytest.mark.parametrize("state", PlanState)
def test_verb_when_told_in_a_state_then_as_the_picture_says_or_refused_with_a_reason(state):
    for verb in PlanVerb:
        found = move(state, verb)
        expected = REFERENCE[state].get(verb)
        if expected is not None:
            assert found == expected, verb
        else:
            assert isinstance(found, Problem), verb
            assert found.field == "state"
            assert re.search(r"[\u4e00-\u9fff]", found.say("zh"))
            assert "?" not in found.say("en")


def test_states_when_walked_then_all_are_reached_and_only_two_are_final():
    reached, border = {PlanState.DRAFT}, [PlanState.DRAFT]
    while border:
        state = border.pop()
        new = {target for (source, _), target in TRANSITIONS.items() if source is state} - reached
        reached |= new
        border += new
    assert reached == set(PlanState) == set(WORDS)
    assert [state for state in PlanState if state.is_final] == [PlanState.ENDED, PlanState.TERMINATED]
    assert [state for state in PlanState if not state.is_activated] == [PlanState.DRAFT]


@pytest.mark.parametrize("state", [one for one in PlanState if one is not PlanState.DRAFT])
@pytest.mark.parametrize("verb", [PlanVerb.EDIT, PlanVerb.DELETE, PlanVerb.ACTIVATE, PlanVerb.APPROVE])
def test_plan_when_activated_then_no_edit_and_no_deletion(state, verb):
    """Invariant 7; seed 003: an activated task cannot be deleted."""
    found = move(state, verb)
    assert isinstance(found, Problem)
    assert "activated" in found.say("en")


def test_failure_threshold_when_reached_then_suspends_and_never_terminates():
    assert move(PlanState.RUNNING, PlanVerb.STOP) is PlanState.SUSPENDED
    assert {target for (_, verb), target in TRANSITIONS.items() if verb is PlanVerb.STOP} == {PlanState.SUSPENDED}


def test_verbs_when_listed_for_people_then_without_the_platforms_own():
    assert allowed(PlanState.DRAFT) == (PlanVerb.EDIT, PlanVerb.DELETE, PlanVerb.APPROVE, PlanVerb.ACTIVATE)
    assert allowed(PlanState.RUNNING) == (PlanVerb.SUSPEND, PlanVerb.TERMINATE)
    assert allowed(PlanState.SUSPENDED) == (PlanVerb.RESUME, PlanVerb.TERMINATE)
    assert allowed(PlanState.ENDED) == ()


@pytest.mark.parametrize(
    ("state", "now", "after"),
    [
        ("draft", 50, "draft"),
        ("draft", 500, "draft"),
        ("scheduled", 99, "scheduled"),
        ("scheduled", 100, "running"),
        ("scheduled", 200, "ended"),
        ("running", 199, "running"),
        ("running", 200, "ended"),
        ("suspended", 150, "suspended"),
        ("suspended", 200, "ended"),
        ("terminated", 500, "terminated"),
        ("ended", 150, "ended"),
    ],
)
def test_clock_when_it_settles_a_plan_then_begins_at_the_start_and_ends_at_the_end(state, now, after):
    found = settle(PlanState(state), now, 100, 200)
    assert found == after
    assert settle(found, now, 100, 200) == after
