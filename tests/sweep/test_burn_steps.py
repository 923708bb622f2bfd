"""Everything that can go wrong at every step of a burn, for every chip: the next try completes it, byte for byte.

The two ends are the real driver and the real virtual loaders; see ``step_bench``. The quick set strikes each state of
the driver's table once with a power cut and once with another fault; the full set strikes the first, second, middle and
last turn of every state of every part with every fault, at several places of what is said.
"""

from __future__ import annotations

import pytest

from moduline.errors import ModulineError
from step_bench import CHIPS, WIRE_FAULTS, Bench, Fault, What, clean_turns, images_of

NEVER_PASSED = {"IDLE", "CHOOSE", "DONE", "FAILED"}
"""States between two turns."""
CUTS = (What.CUT_BEFORE, What.CUT_INSIDE, What.CUT_AFTER, What.UNPLUG)
SHARES = {True: (0.0, 0.5, 0.99), False: (0.5,)}


@pytest.fixture(scope="module", params=CHIPS)
def bench(request):
    return Bench(request.param)


def strike(bench, fault):
    """One try with a fault and, re-powered, one without; gives how the first one ended."""
    bench.renew()
    turn = clean_turns(bench.chip)[fault.turn]
    hint = f"{bench.chip}: {fault.what.value} at {turn.state} {turn.part} (turn {fault.turn}, {fault.share:.0%})"
    try:
        bench.burn(fault)
        ended = "done"
    except ModulineError as failed:
        ended = failed.code
    bench.power()
    bench.assert_itself(hint)
    if ended == "done":
        bench.assert_burnt(hint)
    try:
        bench.burn()
    except ModulineError as failed:
        raise AssertionError(f"{hint}: the next try failed: {failed.message('en')}") from failed
    bench.assert_burnt(hint)
    return ended


def quick_faults(chip):
    """Each state once with a power cut, and once with one of the other faults in turn."""
    turns = clean_turns(chip)
    others = (What.UNPLUG, *WIRE_FAULTS, What.CUT_AFTER)
    for n, state in enumerate(dict.fromkeys(turn.state for turn in turns)):
        there = [turn for turn in turns if turn.state == state]
        cut = max(there, key=lambda turn: (turn.operations, turn.sent))
        yield Fault(What.CUT_INSIDE if cut.operations else What.CUT_BEFORE, cut.number)
        yield Fault(others[n % len(others)], there[len(there) // 2].number)


def all_faults(chip, what):
    """Four turns of every state of every part."""
    turns = clean_turns(chip)
    for key in dict.fromkeys((turn.state, turn.part) for turn in turns):
        there = [turn for turn in turns if (turn.state, turn.part) == key]
        for number in sorted({there[at].number for at in (0, min(1, len(there) - 1), len(there) // 2, -1)}):
            for share in SHARES[what in {*WIRE_FAULTS, What.CUT_INSIDE}]:
                yield Fault(what, number, share)


def test_undisturbed_burn_passes_every_state_of_the_table_and_leaves_the_package(bench):
    bench.renew()
    bench.burn()
    bench.assert_burnt()
    row = CHIPS[bench.chip]
    passed = {turn.state for turn in clean_turns(bench.chip)}
    assert passed - NEVER_PASSED == {state.name for state in row.table.State} - NEVER_PASSED - row.unpassed
    for at, data in images_of(bench.chip):
        assert data != b"\xff" * len(data) or bench.blank[at : at + len(data)] != data, "a burn that did nothing passes"


def test_each_state_when_struck_then_the_next_try_completes(bench):
    ended = [strike(bench, fault) for fault in quick_faults(bench.chip)]
    assert "ML-E0601" in ended  # cuts are seen as such
    assert len(set(ended)) >= 3  # silence and refusals, too


@pytest.mark.sweep
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("what", list(What), ids=lambda what: what.name.lower())
def test_every_step_when_struck_then_the_next_try_completes(bench, what):
    ended = [
        (clean_turns(bench.chip)[fault.turn].state, strike(bench, fault)) for fault in all_faults(bench.chip, what)
    ]
    assert len(ended) > 25
    if what in CUTS:  # only after everything was written may a burn without an answer be called done
        assert {state for state, how in ended if how == "done"} <= CHIPS[bench.chip].ending
