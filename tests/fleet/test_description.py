"""Fleets in words."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from moduline.errors import BadFormat
from moduline.fleet import FleetPlan, read_description
from moduline.fleet.behaviour import Answer
from moduline.fleet.description import Arrival
from moduline.fleet.dice import Dice

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "fleets" / "basement-meters.toml"


def test_example_when_read_then_describes_a_fleet():
    plan = read_description(EXAMPLE.read_bytes())
    assert (plan.seed, plan.time_scale, plan.arrival) == (7, 10.0, Arrival.RANDOM)
    assert sum(share for share, _ in plan.kinds) == pytest.approx(100)
    meters = {(kind.model, kind.module_version): share for share, kind in plan.kinds if kind.name == "meter"}
    assert meters == pytest.approx(
        {("EC600N", "V1"): 47.25, ("EC600N", "V0"): 5.25, ("EC800G", "V1"): 15.75, ("EC800G", "V0"): 1.75}
    )


def test_kind_when_it_has_every_sort_of_value_then_they_are_taken():
    text = (
        b"[[kind]]\nbattery = 7\nsignal = [-90, -80.5]\nanswer = 'ignore'\nasks_after_s = false\n"
        b"mcus = {a = '1', b = '2'}\nflaky = 1\nloops = 2\nis_encrypted = true\nmodule_version = 'V7'"
    )
    ((_, kind),) = read_description(text).kinds
    assert kind.battery == (7, 7)
    assert kind.signal == (-90, -80.5)
    assert kind.answer is Answer.IGNORE
    assert kind.asks_after_s is None
    assert kind.mcus == (("a", "1"), ("b", "2"))
    assert (kind.flaky, kind.loops, kind.is_encrypted, kind.module_version) == (1.0, 2, True, "V7")


@pytest.mark.parametrize(
    "text",
    [
        "not toml",
        "\xff",
        "[flet]",
        "[fleet]\nspeed = 3",
        "[fleet]\nrate = 0",
        "[fleet]\nseed = 1.5",
        "[fleet]\nseed = true",
        "[fleet]\narrival = 'late'",
        "kind = 3",
        "kind = []",
        "kind = [3]",
        "[[kind]]\nshare = -1",
        "[[kind]]\nshare = 0",
        "[[kind]]\nshare = nan",
        "[[kind]]\nflaky = 1.5",
        "[[kind]]\nflaky = nan",
        "[[kind]]\nbattery = [3, 2]",
        "[[kind]]\nbattery = [1, 2, 3]",
        "[[kind]]\nbattery = [nan, nan]",
        "[[kind]]\nboot_s = [-5, 1]",
        "[[kind]]\nboot_s = inf",
        "[[kind]]\nkeep_alive_s = 20",
        "[[kind]]\nmcus = {'a:b' = '1'}",
        "[[kind]]\nmcus = {a = ''}",
        "[[kind]]\nmodule_version = {}",
        "[[kind]]\nmodule_version = ''",
        "[[kind]]\nmodel = {A = 0}",
        "[[kind]]\ncolour = 'red'",
        "[[kind]]\nanswer = 3",
    ],
)
def test_description_when_it_cannot_be_meant_then_refused(text):
    with pytest.raises(BadFormat):
        read_description(text.encode("latin-1"))


def test_kinds_when_drawn_then_come_in_their_shares_and_the_same_for_the_same_seed():
    plan = read_description(b"[[kind]]\nname = 'a'\nshare = 3\n[[kind]]\nname = 'b'\nshare = 1\n[[kind]]\nshare = 0")
    drawn = [plan.behaviour_of(Dice(5, number)).name for number in range(4000)]
    assert drawn == [plan.behaviour_of(Dice(5, number)).name for number in range(4000)]
    counted = Counter(drawn)
    assert set(counted) == {"a", "b"}
    assert 2800 < counted["a"] < 3200


def test_arrival_when_even_random_or_at_once_then_within_its_time():
    even, random, burst = (
        [FleetPlan(arrival=arrival, rate=10).begin_s(number, 100, Dice(1, number)) for number in range(100)]
        for arrival in (Arrival.EVEN, Arrival.RANDOM, Arrival.BURST)
    )
    assert even == [pytest.approx(number / 10) for number in range(100)]
    assert 0 <= min(random) < 1
    assert 9 < max(random) < 10
    assert burst == [0.0] * 100


def test_device_key_when_counted_then_fifteen_digits():
    assert FleetPlan().dk(41) == "860000000000042"
