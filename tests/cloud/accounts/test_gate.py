"""How often a password may be tried: delays that grow, locks nobody, forgets, and cannot be filled up."""

from __future__ import annotations

import asyncio

import pytest

from moduline.cloud.accounts import gate as gates
from moduline.cloud.accounts.gate import KEPT, NOTED, NOTED_S, Gate
from moduline.cloud.accounts.passwords import NOBODY, Cost, made
from moduline.errors import TooManyTries

SOME_TIME = made("another", bytes(16), Cost(13, 8, 1))
HOME, AWAY = "198.51.100.7", "203.0.113.9"


@pytest.fixture
def gate():
    return Gate()


def waits(gate, name, address, now):
    """Seconds that a try has to wait; it is counted when it has not to."""
    try:
        gate.knocks(name, address, now)
    except TooManyTries as refused:
        return refused.facts["retry_s"]
    return 0


def test_tries_when_wrong_again_and_again_then_each_waits_longer_and_a_minute_at_most(gate):
    now, told = 1000.0, []
    for _ in range(14):
        wait = waits(gate, "mei", HOME, now)
        told.append(wait)
        now += wait
        if wait:
            assert waits(gate, "mei", HOME, now) == 0, "waiting is enough"
    assert [wait for wait in told if wait] == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert told[:5] == [0] * 5


def test_tries_when_refused_then_not_counted(gate):
    for _ in range(5):
        waits(gate, "mei", HOME, 0.0)
    assert {waits(gate, "mei", HOME, 0.5) for _ in range(100)} == {1}
    assert waits(gate, "mei", HOME, 1.0) == 0


def test_tries_when_begun_at_the_same_time_then_counted_before_any_has_failed(gate):
    assert [waits(gate, "mei", HOME, 0.0) for _ in range(20)].count(0) == 5


def test_tries_when_right_once_then_forgotten(gate):
    for _ in range(4):
        waits(gate, "mei", HOME, 0.0)
    gate.lets_in("mei", HOME)
    assert [waits(gate, "mei", HOME, 0.0) for _ in range(5)] == [0] * 5


def test_owner_when_somebody_elsewhere_guesses_then_comes_in_all_the_same(gate):
    gate.knocks("mei", HOME, 0.0)
    gate.lets_in("mei", HOME)
    now = 0.0
    for _ in range(20):
        wait = waits(gate, "mei", AWAY, now)
        now += wait
    assert wait > 0 or waits(gate, "mei", AWAY, now) > 0
    assert waits(gate, "mei", HOME, now) == 0


def test_owner_when_never_seen_then_waits_a_minute_at_most_and_is_not_locked(gate):
    for at in range(10_000):
        waits(gate, "mei", AWAY, at / 100)
    assert waits(gate, "mei", HOME, 100.0) <= 60
    assert waits(gate, "mei", HOME, 160.0) == 0


def test_address_when_it_tries_many_names_then_waits(gate):
    assert [waits(gate, f"name{at}", AWAY, 0.0) for at in range(20)].count(0) == 5
    assert waits(gate, "mei", HOME, 0.0) == 0


@pytest.mark.parametrize("here", ["127.0.0.1", "127.9.9.9", "::1"])
def test_address_when_of_this_machine_then_speaks_for_many(gate, here):
    assert {waits(gate, f"name{at}", here, 0.0) for at in range(50)} == {0}
    assert max(waits(gate, "mei", here, 0.0) for _ in range(9)) > 0, "the account is counted all the same"


def test_address_when_ipv6_then_its_network_counts(gate):
    assert [waits(gate, f"n{at}", f"2001:db8::{at:x}", 0.0) for at in range(20)].count(0) == 5
    assert waits(gate, "n", "2001:db8:0:1::1", 0.0) == 0


@pytest.mark.parametrize("odd", ["", "no address", "x" * 10_000, "fe80::1%eth0", "1.2.3.4:5"])
def test_address_when_odd_then_counted_and_no_failure(gate, odd):
    assert [waits(gate, f"n{at}", odd, 0.0) for at in range(9)].count(0) == 5


def test_gate_when_an_hour_is_quiet_or_the_clock_goes_back_then_begins_anew(gate):
    for now in (0.0, 3601.0, 10.0):
        assert [waits(gate, "mei", HOME, now) for _ in range(8)].count(0) == 5


def test_memory_when_a_million_names_would_come_then_bounded(gate):
    for at in range(KEPT + 500):
        waits(gate, f"n{at}", f"10.{at >> 16}.{(at >> 8) & 255}.{at & 255}", 0.0)
        gate.lets_in(f"m{at}", HOME)
    assert len(gate._tries) <= KEPT
    assert len(gate._known) <= KEPT


def test_password_when_new_then_who_knew_the_old_one_is_a_stranger(gate):
    gate.lets_in("mei", AWAY)
    for _ in range(5):
        waits(gate, "mei", HOME, 0.0)
    gate.forgets("MEI")
    assert waits(gate, "mei", HOME, 60.0) == 0
    assert not any(pair[0] == "mei" for pair in gate._known)


def test_notes_when_a_flood_then_so_many_a_minute(gate):
    assert [gate.may_note(1.0) for _ in range(NOTED + 5)].count(True) == NOTED
    assert gate.may_note(1.0 + NOTED_S)
    assert gate.may_note(-5.0), "the clock was set back"


def test_comparisons_when_a_flood_then_a_few_at_a_time_and_the_rest_is_sent_away():
    gate = Gate(threads=1, waiting=2)

    async def flood():
        return await asyncio.gather(*(gate.is_right("x", SOME_TIME) for _ in range(9)), return_exceptions=True)

    for _ in range(2):  # the places are free again afterwards
        came = asyncio.run(flood())
        assert came.count(False) == 3
        assert sum(isinstance(one, TooManyTries) for one in came) == 6


def test_comparison_when_its_peer_has_gone_then_its_place_is_taken_until_it_ends():
    gate = Gate(threads=1, waiting=0)

    async def goes():
        first = asyncio.ensure_future(gate.is_right("x", NOBODY))
        await asyncio.sleep(0)
        first.cancel()
        with pytest.raises(TooManyTries):
            await gate.is_right("x", NOBODY)

    asyncio.run(goes())
    assert gates.TOGETHER == 2
