"""When the power goes away: spread over the phases, the same for the same seed."""

from __future__ import annotations

from collections import Counter

import pytest

from moduline.cloud.rehearsals.moments import MOST_EACH, PHASES, moments
from moduline.nor.faulty import parse_cuts

COUNTS = {"download": 335, "apply": 120, "boot": 10}


def by_phase(found):
    counted = Counter(one.phase for one in found)
    return {name: counted[name] for name in PHASES if counted[name]}


def test_moments_when_asked_for_twice_then_the_same_and_others_for_another_seed():
    assert moments(COUNTS, 60, 1) == moments(COUNTS, 60, 1)
    assert moments(COUNTS, 60, 1) != moments(COUNTS, 60, 2)


@pytest.mark.parametrize("wanted", [1, 2, 3, 7, 60, 500])
def test_moments_when_made_then_as_many_as_wanted_each_within_its_phase(wanted):
    found = moments(COUNTS, wanted, 5)
    assert len(found) == wanted
    for one in found:
        assert 0 <= one.operation < COUNTS[one.phase]
        first, *again = parse_cuts(str(one).partition(":")[2])
        assert first.operation == one.operation
        assert (first.torn_seed is not None) == one.is_torn
        assert len(again) == bool(one.again)


def test_moments_when_there_are_enough_then_applying_gets_half_and_they_are_spread():
    found = moments(COUNTS, 60, 5)
    assert by_phase(found) == {"download": 15, "apply": 30, "boot": 15}
    operations = [one.operation for one in found if one.phase == "apply"]
    assert operations == sorted(operations)
    assert all(4 * at <= operation < 4 * (at + 1) for at, operation in enumerate(operations))
    assert {one.is_torn for one in found} == {True, False}
    assert 10 <= sum(bool(one.again) for one in found) <= 40


def test_moments_when_a_phase_is_short_then_the_others_get_what_it_cannot_use():
    assert by_phase(moments({"download": 300, "apply": 20, "boot": 1}, 200, 1)) == {
        "download": 200 - 20 * MOST_EACH - MOST_EACH, "apply": 20 * MOST_EACH, "boot": MOST_EACH,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("counts", "wanted"),
    [
        ({"download": 5, "apply": 0, "boot": 0}, {"download": 8}),
        ({"apply": 9}, {"apply": 8}),
        ({}, {}),
    ],
)
def test_moments_when_a_phase_has_no_operations_then_none_there(counts, wanted):
    assert by_phase(moments(counts, 8, 1)) == wanted
