"""Sixteen virtual modules, a fifth of them with faults of many kinds: the right verdict for each, nothing lost.

The faults are drawn by a seed: which slots, and which kind each of them gets. What helps itself must pass in the end;
what needs a hand fails with its own code; what does not belong here is refused and stays as it was.
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from dataclasses import dataclass

import pytest

from moduline import burn
from moduline.events import Notice, Progress
from moduline.line import GangOptions, final_records, run_gang
from moduline.port import registry
from moduline.release.firmware import stock_package
from moduline.vmodule import rack_client

RACK = "sixteen"
COUNT = 16
MODEL = "ec600u"
OTHER_MODEL = "eg915u"
"""The same chip, so nothing but its own answer tells it from an EC600U."""


@dataclass(frozen=True)
class Kind:
    """A fault: its word, what must come of it, and what helps (done when the slot fails first)."""

    word: str
    outcome: str
    code: str = ""
    tries: int = 1
    help: str = ""


KINDS = (
    Kind("cut@download:45%", "FAIL", "ML-E0601"),
    Kind("cut@download:120000", "PASS", tries=2, help="power"),
    Kind("unplug@60%", "FAIL", "ML-E0601"),
    Kind("unplug@30%", "PASS", tries=2, help="replug"),
    Kind("at-silent", "FAIL", "ML-E0604", tries=3),
    Kind("verify-error@AP", "FAIL", "ML-E0901"),
    Kind("model", "REFUSED", "ML-E0701"),
    Kind("silent", "FAIL", "ML-E0602", tries=3),
    Kind("reenumerate@exec", "PASS"),
    Kind("log-frames", "PASS"),
    Kind("cut@download:70%", "PASS", tries=2, help="power"),
)


def drawn(seed):
    """Which slot gets which fault: a fifth of them, every kind equally likely."""
    chance = random.Random(seed)
    slots = chance.sample(range(1, COUNT + 1), round(COUNT * 0.2) + 1)
    return dict(zip(slots, chance.sample(KINDS, len(slots)), strict=True))


@pytest.fixture
def rack(tmp_path):
    """Brings the rack up with the faults of a seed; takes it down at the end."""
    files = {}
    for model in (MODEL, OTHER_MODEL):
        files[model] = tmp_path / f"{model}.pac"
        files[model].write_bytes(stock_package(model))

    def bring(faults):
        models = {number: OTHER_MODEL for number, kind in faults.items() if kind.word == "model"}
        wanted = [
            {"name": f"m{number}", "module": model, "number": number, "package": str(files[model])}
            for number in range(1, COUNT + 1)
            for model in [models.get(number, MODEL)]
        ]
        rack_client.start(RACK)
        rack_client.ask(RACK, "add", modules=wanted)
        for number, kind in faults.items():
            if kind.word != "model":
                rack_client.ask(RACK, "fault", name=f"m{number}", spec=kind.word)

    yield bring
    if rack_client.is_up(RACK):
        rack_client.take_down(RACK, is_deleting=True)


class Story:
    """Runs the gang, helps where help is due, keeps everything that was told."""

    def __init__(self, faults):
        self.kinds = {self.slot_of(number): (number, kind) for number, kind in faults.items()}
        self.shares = defaultdict(list)
        self.states = defaultdict(list)
        self.told = []
        self._try = defaultdict(int)

    @staticmethod
    def slot_of(number):
        entry = next(entry for entry in registry.modules(RACK) if entry.name == f"m{number}")
        return entry.slot or entry.name

    def report(self, event):
        if isinstance(event, Progress):
            self.shares[event.where, self._try[event.where]].append(event.done_bytes / event.total_bytes)
        elif isinstance(event, Notice) and event.slug == "slot.state":
            self._try[event.where] += event.facts["state"] == "asking"
            self.states[event.where].append(event.facts["state"])

    def on_record(self, record):
        self.told.append(record)
        number, kind = self.kinds.get(record.slot, (0, None))
        if kind is not None and kind.help and record.tries == 1 and not record.is_pass:
            asyncio.get_running_loop().run_in_executor(None, help_unit, f"m{number}", kind.help)

    def run(self, order):
        options = GangOptions(patience_s=8.0)
        return asyncio.run(run_gang(order, RACK, options, report=self.report, on_record=self.on_record))


def help_unit(name, kind):
    """What a person does: power on, or put the cable in again; a loader that was cut off in a packet needs both."""
    if kind == "replug":
        rack_client.ask(RACK, "fault", name=name, spec="replug")
        rack_client.ask(RACK, "power", name=name, action="off")
    rack_client.ask(RACK, "power", name=name, action="on")


def check_seed(seed, rack):
    """One whole story of a seed."""
    faults = drawn(seed)
    rack(faults)
    story = Story(faults)
    order = burn.make_order(
        stock_package(MODEL), "stock.pac", order=f"S{seed}", ask_limit_s=5.0, pin_limit_s=0.5, window_s=10.0
    )
    records = story.run(order)
    final = {record.slot: record for record in final_records(records)}
    assert len(final) == COUNT
    for slot, record in final.items():
        _, kind = story.kinds.get(slot, (0, Kind("", "PASS")))
        found = (kind.word, record.outcome, record.error_code)
        assert found == (kind.word, kind.outcome, kind.code), f"{slot} {record.error_message} {story.states[slot]}"
        assert record.tries >= kind.tries, slot
        is_told = {"PASS": {"passed"}, "FAIL": {"failed", "waiting"}, "REFUSED": {"refused"}}[record.outcome]
        assert story.states[slot][-1] in is_told
    assert story.told == records
    kept = {record.id: record for record in burn.book(f"S{seed}").read()}
    assert {one.id: (one.outcome, one.error_code, one.tries) for one in records} == {
        one.id: (one.outcome, one.error_code, one.tries) for one in kept.values()
    }
    check_progress(story, records)
    running = {entry.slot or entry.name for entry in registry.modules(RACK) if entry.state == "running"}
    assert {slot for slot, record in final.items() if record.outcome in {"PASS", "REFUSED"}} <= running


def check_progress(story, records):
    """Never falls, begins at nothing, and is whole exactly when the try passed."""
    whole = [shares for shares in story.shares.values() if shares[-1] == 1.0]
    assert len(whole) == sum(record.is_pass for record in records)
    assert len(story.shares) == len(records)
    for shares in story.shares.values():
        assert shares == sorted(shares)
        assert shares[0] == 0.0
        assert all(share < 1.0 for share in shares[:-1])
        assert len(set(shares)) == len(shares)


def test_kinds_when_drawn_over_the_sweep_then_every_one_of_them_is_met():
    assert {kind for seed in range(9) for kind in drawn(seed).values()} == set(KINDS)


@pytest.mark.timeout(600)
def test_sixteen_modules_when_a_fifth_has_faults_then_each_gets_the_right_verdict(rack):
    check_seed(12, rack)


@pytest.mark.sweep
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(9))
def test_sixteen_modules_when_other_faults_are_drawn_then_each_gets_the_right_verdict(seed, rack):
    check_seed(seed, rack)
