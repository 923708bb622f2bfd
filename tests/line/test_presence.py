"""Contacts of a jig bounce; time is played by hand."""

from __future__ import annotations

import pytest

from moduline.line.presence import Presence, Sight

MS = 0.001


def told(levels, debounce_s=0.1, presence=None):
    """What is told of a contact, looked at each millisecond; ``levels`` are (is_there, milliseconds)."""
    presence = presence or Presence(debounce_s)
    found, now = [], 0.0
    for is_there, duration in levels:
        for _ in range(duration):
            sight = presence.look(is_there=is_there, now=now)
            if sight is not None:
                found.append((sight.name, round(now / MS)))
            now += MS
    return found


def test_module_when_put_in_cleanly_then_it_is_seen_and_stable_after_the_time():
    assert told([(False, 50), (True, 200)]) == [("SEEN", 50), ("STABLE", 150)]


def test_contact_when_it_bounces_then_it_is_stable_once_after_the_last_bounce():
    levels = [(True, 20), (False, 10), (True, 60), (False, 5), (True, 99), (False, 30), (True, 300)]
    names = [name for name, _ in told(levels)]
    assert names == ["SEEN", "LOST"] * 3 + ["SEEN", "STABLE"]
    assert told(levels)[-1] == ("STABLE", 20 + 10 + 60 + 5 + 99 + 30 + 100)


@pytest.mark.parametrize("gap", [1, 50, 99])
def test_occupied_place_when_the_contact_opens_shortly_then_nobody_is_told(gap):
    assert told([(True, 200), (False, gap), (True, 500)]) == [("SEEN", 0), ("STABLE", 100)]


@pytest.mark.parametrize("gap", [102, 500])
def test_occupied_place_when_the_gap_is_long_enough_then_it_is_a_re_powering(gap):
    names = [name for name, _ in told([(True, 200), (False, gap), (True, 200)])]
    assert names == ["SEEN", "STABLE", "LEFT", "SEEN", "STABLE"]


def test_occupied_place_when_it_bounces_on_leaving_then_it_has_left_once():
    levels = [(True, 200), (False, 40), (True, 20), (False, 90), (True, 3), (False, 300)]
    assert told(levels)[2:] == [("LEFT", 200 + 40 + 20 + 90 + 3 + 100)]


def test_place_when_no_time_is_wanted_then_the_second_look_decides():
    assert told([(True, 2), (False, 2)], debounce_s=0.0) == [("SEEN", 0), ("STABLE", 1), ("LEFT", 3)]


def test_place_when_a_try_has_held_it_then_only_a_gap_after_that_counts():
    presence = Presence(0.1)
    presence.hold(is_there=False, now=10.0)
    assert not presence.is_certain
    assert presence.look(is_there=True, now=10.05) is None
    assert presence.is_certain
    presence.hold(is_there=False, now=20.0)
    assert presence.look(is_there=False, now=20.2) is Sight.LEFT
