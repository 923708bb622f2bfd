"""The progress of a try: never falls, never waits at its end."""

from __future__ import annotations

import random

import pytest

from moduline.events import Notice, Progress, Step
from moduline.line.advance import Advance

TOTAL = 1_000_000


def shares(events, *, ticks=0, **kind):
    """Shares told for (seconds, event), with the clock looked at in between."""
    advance = Advance(TOTAL, where="A1", **kind)
    told = [advance.begin(0.0)]
    now = 0.0
    for seconds, event in events:
        for _ in range(ticks):
            now += seconds / ticks
            told.append(advance.tick(now))
        now = now if ticks else now + seconds
        told.append(advance.take(event, now))
    return advance, [progress.done_bytes / progress.total_bytes for progress in told if progress is not None]


def whole_try(content=10):
    return [
        (0.0, Step("burn.enter", "begin")),
        (5.0, Step("burn.enter", "done")),
        *((1.0, Progress("burn", part, content)) for part in range(1, content + 1)),
        (0.1, Step("burn.verify", "begin")),
        (1.0, Progress("verify", 5, 10)),
        (1.0, Progress("verify", 10, 10)),
        (0.1, Step("burn.reset", "begin")),
        (0.1, Step("burn.reset", "done")),
        (0.1, Step("burn.check", "begin")),
        (20.0, Step("burn.check", "done")),
        (0.1, Step("burn.examine", "begin")),
        (30.0, Step("burn.examine", "done")),
    ]


@pytest.mark.parametrize("ticks", [0, 50])
@pytest.mark.parametrize("has_examination", [False, True])
def test_progress_when_a_whole_try_goes_by_then_it_rises_and_is_whole_only_at_the_end(ticks, has_examination):
    kind = {"has_read_back": True, "has_examination": has_examination}
    advance, told = shares(whole_try(), ticks=ticks, **kind)
    assert told == sorted(told)
    assert told[0] == 0.0
    assert told[-1] < 1.0
    end = advance.finish()
    assert (end.done_bytes, end.total_bytes, end.where) == (TOTAL, TOTAL, "A1")


def test_progress_when_every_byte_is_sent_then_a_fifth_is_still_to_come():
    """ "Waits at 100 %" is what users of other tools complain about."""
    events = whole_try()
    _, told = shares(events[:12], has_read_back=True, has_examination=True)
    assert 0.5 < told[-1] < 0.65
    _, told = shares(events[:12])
    assert 0.75 < told[-1] < 0.90


def test_progress_when_a_stage_has_no_bytes_then_the_clock_moves_it_but_not_past_its_end():
    advance, _ = shares(whole_try()[:12])
    advance.take(Step("burn.reset", "begin"), 100.0)
    told = [progress.done_bytes for second in range(101, 400) if (progress := advance.tick(float(second)))]
    assert len(told) > 10
    assert told == sorted(set(told))
    assert told[-1] < TOTAL
    assert advance.tick(10_000.0) is None or advance.tick(20_000.0) is None


def test_progress_when_nothing_is_begun_or_looked_at_twice_in_a_second_then_silent():
    advance = Advance(TOTAL)
    assert advance.tick(5.0) is None
    advance.begin(5.0)
    assert advance.tick(7.0) is not None
    assert advance.tick(7.5) is None
    assert advance.take(Notice("burn.hold-boot-pin"), 8.0) is None


def test_progress_when_a_driver_counts_wildly_then_it_still_rises_and_stays_below_the_end():
    """2,000 seeded sequences of steps and counts, in any order, backwards and beyond the total."""
    for seed in range(2000):
        chance = random.Random(seed)
        advance = Advance(chance.choice([0, 1, 900, TOTAL]), has_read_back=chance.random() < 0.5)
        now, last = 0.0, advance.begin(0.0).done_bytes
        for _ in range(30):
            now += chance.random() * 5
            kind = chance.choice(["burn", "verify", "step", "tick"])
            name = chance.choice(["burn.enter", "burn.verify", "burn.reset", "burn.check", "burn.examine", "burn.AP"])
            count = (chance.randrange(-5, 200), chance.choice([0, 1, 100]))
            if kind == "tick":
                told = advance.tick(now)
            elif kind == "step":
                told = advance.take(Step(name, chance.choice(["begin", "done", "failed"])), now)
            else:
                told = advance.take(Progress(kind, *count), now)
            if told is not None:
                assert last < told.done_bytes < told.total_bytes, seed
                last = told.done_bytes
        assert advance.finish().done_bytes == advance.total_bytes
