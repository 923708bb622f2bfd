"""The table of a slot: a walk over all of it."""

from __future__ import annotations

import itertools
from typing import get_args

from moduline.burn.record import Outcome
from moduline.line.slot import AT_WORK, CUE_OF_STEP, FINAL, TABLE, VERDICTS, WORDS, Cue, State, after


def test_table_when_walked_then_every_state_is_reached_and_left_but_the_final_one():
    reached, fresh = {State.EMPTY}, {State.EMPTY}
    while fresh:
        fresh = {new for (state, _), new in TABLE.items() if state in fresh} - reached
        reached |= fresh
    assert reached == set(State)
    assert {state for state in State if not any(old is state for old, _ in TABLE)} == FINAL


def test_table_when_asked_for_a_pair_that_is_not_listed_then_nothing_follows():
    for state, cue in itertools.product(State, Cue):
        assert after(state, cue) is TABLE.get((state, cue))
    assert after(State.PASSED, Cue.START) is None  # a unit that passed is never begun again without leaving
    assert after(State.WAITING, Cue.START) is None  # nor is anything begun where nobody is
    assert {cue for _, cue in TABLE} == set(Cue)


def test_work_when_it_goes_on_then_every_verdict_but_a_hasty_pass_can_end_it():
    for state in AT_WORK:
        assert after(state, Cue.FAIL) is State.FAILED
        assert after(state, Cue.REFUSE) is State.REFUSED
        assert after(state, Cue.BREAK) is State.BROKEN
        assert after(state, Cue.ABORT) is State.ABORTED
    assert after(State.ASKING, Cue.PASS) is None


def test_pass_when_traced_back_then_every_way_to_it_led_through_burning_or_was_known():
    """No unit is called good that was neither burnt nor known to be good."""
    ways = {state for (state, cue), new in TABLE.items() if new is State.PASSED and cue is not Cue.KNOWN}
    assert ways == {State.BURNING, State.CHECKING, State.EXAMINING}


def test_outcome_when_a_try_has_ended_then_it_has_a_cue_and_every_state_has_words():
    assert set(VERDICTS) == set(get_args(Outcome)) - {"RUNNING"}
    assert set(WORDS) == set(State)
    assert all(text.en and text.zh for text in WORDS.values())
    assert set(CUE_OF_STEP.values()) == {Cue.SWITCHED, Cue.WRITTEN, Cue.TEST}


def test_words_of_states_when_in_events_then_they_stay_what_they_are():
    """Screens and scripts of others read these."""
    assert [str(state) for state in State] == [
        "empty", "settling", "asking", "burning", "checking", "examining", "passed", "failed", "refused", "broken",
        "aborted", "pausing", "waiting",
    ]  # fmt: skip
