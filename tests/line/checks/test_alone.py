"""Checking without burning: every slot has its record, whatever becomes of it, and no slot waits for another."""

from __future__ import annotations

import asyncio

import pytest

from burn.fake_unit import FakeUnit
from line.checks.module_in_process import recipe_of
from moduline import burn
from moduline.errors import NoModule
from moduline.events import Step
from moduline.line.checks import CheckOrder, check_module, check_rack

MODEL = "[[check]]\nkind = 'model'\npattern = '^EG915U'\n"
WAITS = "[[check]]\nkind = 'registration'\nsettle_s = 300\n"


def over(units, work):
    async def go():
        for unit in units:
            await unit.power_on()
        try:
            return await work()
        finally:
            for unit in units:
                await unit.power_off()

    return asyncio.run(go())


def test_rack_when_one_is_silent_and_one_of_another_model_then_each_has_its_own_verdict():
    units = [
        FakeUnit("m0", "868888777766661"),
        FakeUnit("m1", "868888777766662", is_silent=True),
        FakeUnit("m2", "868888777766663", model="EC800M"),
    ]
    seen = []
    order = CheckOrder(recipe_of(MODEL), order="K-1", operator="Li", station="3")
    records = over(units, lambda: check_rack("bench", order, burn.book("K-1"), on_record=seen.append))
    assert [(one.slot, one.outcome, one.error_code) for one in records] == [
        ("m0", "PASS", ""), ("m1", "FAIL", "ML-E0602"), ("m2", "FAIL", "ML-E1105"),
    ]  # fmt: skip
    assert records[2].error_facts == {"checks": "model", "value": "EC800M", "limits": "/^EG915U/"}
    assert {one.slot for one in seen} == {"m0", "m1", "m2"}
    kept = {one.slot: one for one in burn.book("K-1").read()}
    assert {slot: one.outcome for slot, one in kept.items()} == {"m0": "PASS", "m1": "FAIL", "m2": "FAIL"}
    assert (kept["m0"].operator, kept["m0"].station, kept["m0"].package) == ("Li", "3", "")
    assert [one.value for one in kept["m0"].checks] == ["EG915U"]
    assert [unit.burns for unit in units] == [0, 0, 0]


def test_rack_when_stopped_then_every_running_try_is_recorded_as_aborted():
    units = [FakeUnit("m0", "868888777766661"), FakeUnit("m1", "868888777766662")]

    async def work():
        begun = []
        both = asyncio.Event()

        def report(event):
            if isinstance(event, Step) and (event.name, event.state) == ("check.registration", "begin"):
                begun.append(event.where)
                if len(begun) == 2:
                    both.set()

        order = CheckOrder(recipe_of(WAITS), order="K-2")
        task = asyncio.create_task(check_rack("bench", order, burn.book("K-2"), report))
        await both.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return begun

    assert sorted(over(units, work)) == ["m0", "m1"]
    assert [one.outcome for one in burn.book("K-2").read()] == ["ABORTED", "ABORTED"]


def test_rack_when_empty_then_no_module():
    order = CheckOrder(recipe_of(MODEL))
    with pytest.raises(NoModule):
        asyncio.run(check_rack("bench", order))
    with pytest.raises(NoModule):
        asyncio.run(check_module("virt:m1", order))


def test_module_when_a_needed_port_is_missing_then_fails_coded():
    """The unit has an AT port, no REPL."""
    text = MODEL + "[[check]]\nkind = 'free_space'\nmin = 1\n[[check]]\nkind = 'files'\n"
    record = over([FakeUnit("m0")], lambda: check_module("virt:m0", CheckOrder(recipe_of(text))))
    assert [(one.name, one.verdict) for one in record.checks] == [
        ("model", "pass"), ("free_space", "fail"), ("files", "skip"),
    ]  # fmt: skip
    assert record.checks[1].detail.startswith("ML-E0301")
    assert (record.outcome, record.error_code) == ("FAIL", "ML-E1105")
