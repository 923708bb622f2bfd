"""One slot at work, without modules: every history that the gang can make is one that the table knows."""

from __future__ import annotations

import random

import pytest

from moduline.burn.record import BurnRecord
from moduline.events import Notice, Progress, Step
from moduline.line.advance import Advance
from moduline.line.channel import Channel
from moduline.line.presence import Presence
from moduline.line.retry import Budget
from moduline.line.slot import AT_WORK, State
from moduline.port.listing import PortInfo

STEPS = ("burn.enter", "burn.connect", "burn.AP", "burn.verify", "burn.reset", "burn.check", "burn.examine")
ENDS = (
    ("PASS", ""),
    ("FAIL", "ML-E0601"),
    ("FAIL", "ML-E0602"),
    ("FAIL", "ML-E0901"),
    ("REFUSED", "ML-E0701"),
    ("ERROR", "ML-E0501"),
    ("ERROR", "ML-E0100"),
)


class Bench:
    """A channel, its clock and what it told."""

    def __init__(self, **retries):
        self.told, self.now = [], 0.0
        self.channel = Channel("A1", "1-2.1", Presence(0.1), Budget(retries), self.told.append)

    def look(self, is_there, seconds=0.02, times=1):
        for _ in range(times):
            self.now += seconds
            self.channel.look(is_there=is_there, now=self.now)

    def plug(self):
        self.look(True, times=8)
        assert self.channel.is_ready(self.now)

    def begin(self, imei=""):
        self.channel.begin(Advance(1000, where="A1"), self.now)
        self.channel.task = object()  # a try goes on
        return self.channel.try_before(PortInfo("x", "at", imei=imei), None)

    def end(self, outcome, code="", *, is_there=True, imei="", may_retry=True, tries=1):
        if outcome == "PASS" and self.channel.state is State.ASKING:
            self.channel.take(Step("burn.enter", "done"), self.now)
        record = BurnRecord(id="1", outcome=outcome, error_code=code, imei=imei, tries=tries)
        self.channel.end(record, is_there=is_there, now=self.now)
        return self.channel.settle_verdict(self.now, may_retry=may_retry)

    @property
    def states(self):
        return [event.facts["state"] for event in self.told if isinstance(event, Notice) and event.slug == "slot.state"]


def test_contact_when_it_bounces_then_one_try_is_ready_and_no_more():
    """A jig closes: open and shut for half a second, then rest."""
    bench, chance = Bench(), random.Random(7)
    for _ in range(20):
        bench.look(True, times=chance.randrange(1, 4))
        assert not bench.channel.is_ready(bench.now)
        bench.look(False, times=chance.randrange(1, 4))
    bench.plug()
    bench.begin()
    assert bench.states.count("asking") == 1
    bench.look(False, times=50)  # ports come and go while the try runs; they are the try's
    bench.look(True, times=50)
    bench.end("PASS")
    for _ in range(20):  # the unit is wiggled afterwards
        bench.look(False, times=3)
        bench.look(True, times=3)
    assert not bench.channel.is_ready(bench.now)
    assert bench.states[-1] == "passed"


@pytest.mark.parametrize(("gap", "is_tried"), [(4, False), (8, True)])
def test_failed_unit_when_the_contact_opens_then_only_a_long_gap_is_a_re_powering(gap, is_tried):
    bench = Bench()
    bench.plug()
    bench.begin()
    bench.end("FAIL", "ML-E0901")
    bench.look(True, times=10)
    bench.look(False, times=gap)
    bench.look(True, times=10)
    assert bench.channel.is_ready(bench.now) is is_tried
    assert ("waiting" in bench.states) is is_tried


def test_failed_unit_when_it_bounces_on_its_way_back_then_the_slot_goes_on_expecting_it():
    bench = Bench()
    bench.plug()
    bench.begin()
    bench.end("FAIL", "ML-E0901", is_there=False)
    bench.look(False, times=10)
    bench.look(True, times=2)
    bench.look(False, times=2)
    assert bench.states[-3:] == ["waiting", "settling", "waiting"]


def test_pause_when_over_then_the_try_begins_only_if_somebody_is_there():
    bench = Bench(port=5)
    bench.plug()
    bench.begin()
    bench.end("FAIL", "ML-E0601", is_there=True)
    assert bench.channel.state is State.PAUSING
    bench.look(True, times=40)
    assert not bench.channel.is_ready(bench.now)  # 0.8 s
    bench.look(True, times=20)
    assert bench.channel.is_ready(bench.now)
    bench.begin()
    bench.end("FAIL", "ML-E0601", is_there=False)
    bench.look(False, times=100)
    assert not bench.channel.is_ready(bench.now)
    assert bench.channel.state is State.WAITING


def test_unit_when_another_imei_stands_in_the_slot_then_nothing_is_gone_on_from():
    bench = Bench()
    bench.plug()
    bench.begin("1")
    bench.end("FAIL", "ML-E0901", imei="1", tries=3)
    bench.look(False, times=10)
    bench.plug()
    assert bench.begin("2") is None
    assert bench.channel.tries == 1
    bench.end("FAIL", "ML-E0901", imei="2")
    bench.look(False, times=10)
    bench.plug()
    assert bench.begin("2").imei == "2"
    assert bench.channel.tries == 2


def test_slot_when_anything_happens_in_any_order_then_it_is_in_the_table():
    """3,000 seeded lives of a slot; a move that the table does not know would raise."""
    met = set()
    for seed in range(3000):
        chance = random.Random(seed)
        bench = Bench(port=chance.randrange(3), write=chance.randrange(2))
        channel = bench.channel
        for _ in range(60):
            if channel.task is None:
                bench.look(chance.random() < 0.6, times=chance.choice([1, 3, 7]))
                if channel.is_ready(bench.now):
                    if chance.random() < 0.1:
                        channel.leave_alone("9", is_there=True, now=bench.now)
                    else:
                        bench.begin(chance.choice(["", "1", "2"]))
                elif chance.random() < 0.02:
                    channel.give_up()
            else:
                kind = chance.random()
                if kind < 0.5:
                    channel.take(Step(chance.choice(STEPS), chance.choice(["begin", "done", "failed"])), bench.now)
                elif kind < 0.7:
                    channel.take(Progress("burn", chance.randrange(100), 100), bench.now)
                    channel.tick(bench.now)
                elif kind < 0.72 and channel.state is State.ASKING:
                    channel.leave_alone("9", is_there=chance.random() < 0.5, now=bench.now)
                else:
                    outcome, code = chance.choice(ENDS)
                    bench.end(outcome, code, is_there=chance.random() < 0.5, may_retry=chance.random() < 0.9)
            met.add(channel.state)
            assert (channel.state in AT_WORK) == (channel.task is not None), seed
    assert met == set(State) - {State.ABORTED}
