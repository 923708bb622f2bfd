"""Many modules at once: independent slots, re-powering tries again, stop conditions."""

from __future__ import annotations

import asyncio

import pytest

from burn.fake_module import frame
from burn.fake_unit import FakeUnit
from moduline import burn
from moduline.burn.record import BurnRecord
from moduline.errors import NoModule
from moduline.events import Notice
from moduline.line import GangOptions, final_records, run_gang
from package_maker import small_file

PACKAGE = small_file()


def order(**options):
    return burn.make_order(PACKAGE, "small.pac", **{"window_s": 2.0, "ask_limit_s": 0.1, "pin_limit_s": 0.2} | options)


def imei(number):
    return f"86888877776666{number}"


async def gang_over(units, options, on_record=lambda record: None, report=lambda event: None):
    for unit in units:
        await unit.power_on()
    try:
        return await run_gang(order(), "bench", options, on_record=on_record, report=report)
    finally:
        for unit in units:
            await unit.power_off()


def test_gang_when_eight_are_connected_then_each_passes_once_with_its_own_imei():
    """T05: eight channels."""
    units = [FakeUnit(f"m{number}", imei(number)) for number in range(8)]
    records = asyncio.run(gang_over(units, GangOptions()))
    assert [record.outcome for record in records] == ["PASS"] * 8
    assert {record.imei for record in records} == {imei(number) for number in range(8)}
    assert [unit.burns for unit in units] == [1] * 8


def test_slot_when_it_fails_then_the_others_go_on_and_re_powering_completes_it():
    """Seed 000: after an unexpected end the module only has to be powered again to continue."""
    units = [FakeUnit(f"m{number}", imei(number)) for number in range(3)]
    units[1].cut_at = 1000
    tasks = []

    def re_power(record):
        if not record.is_pass:
            tasks.append(asyncio.ensure_future(units[1].power_on()))

    records = asyncio.run(gang_over(units, GangOptions(), on_record=re_power))
    assert sorted((record.slot, record.outcome, record.tries) for record in records) == [
        ("m0", "PASS", 1),
        ("m1", "FAIL", 1),
        ("m1", "PASS", 2),
        ("m2", "PASS", 1),
    ]
    assert all(record.is_pass for record in final_records(records))
    assert units[1].imei == imei(1)


def test_slot_when_it_fails_and_stays_powered_then_is_not_tried_again_by_itself():
    unit = FakeUnit("m1")
    unit.module.instead[3, 2] = frame(0x8B)
    records = asyncio.run(gang_over([unit], GangOptions(patience_s=0.5)))
    assert [(record.outcome, record.error_code) for record in records] == [("FAIL", "ML-E0901")]


def test_unit_when_it_has_passed_and_is_powered_again_then_it_is_not_burnt_again():
    units = [FakeUnit("m1", imei(1)), FakeUnit("m2", imei(2))]
    units[1].cut_at = 800
    seen, tasks = [], []

    async def again(unit):
        await units[0].power_off()
        await asyncio.sleep(0.15)  # longer than a watch's look: the slot must be seen empty
        await units[0].power_on()
        await unit.power_on()

    def on_record(record):
        if not record.is_pass:
            tasks.append(asyncio.ensure_future(again(units[1])))

    asyncio.run(gang_over(units, GangOptions(count=2), on_record=on_record, report=seen.append))
    assert units[0].burns == 1


def test_slot_when_another_unit_is_put_in_then_it_is_burnt_too():
    unit = FakeUnit("m1", imei(1))
    swapped = []

    async def swap():
        await unit.power_off()
        await asyncio.sleep(0.15)
        unit.module.nv = FakeUnit("other", imei(2)).module.nv
        await unit.power_on()

    def on_record(record):
        if not swapped:
            swapped.append(asyncio.ensure_future(swap()))

    records = asyncio.run(gang_over([unit], GangOptions(is_auto=True, count=2), on_record=on_record))
    assert [record.imei for record in records] == [imei(1), imei(2)]
    assert [record.tries for record in records] == [1, 1]


def test_gang_when_waiting_for_units_then_one_that_arrives_later_is_burnt():
    unit = FakeUnit("m1")

    async def run():
        later = asyncio.create_task(unit.power_on())
        records = await run_gang(order(), "bench", GangOptions(count=1))
        await later
        await unit.power_off()
        return records

    assert [record.outcome for record in asyncio.run(run())] == ["PASS"]


def test_gang_when_another_rack_is_connected_then_it_is_left_alone():
    ours, theirs = FakeUnit("m1", imei(1)), FakeUnit("m2", imei(2), rack="other")
    records = asyncio.run(gang_over([ours, theirs], GangOptions()))
    assert [record.slot for record in records] == ["m1"]
    assert theirs.burns == 0


def test_gang_when_it_has_no_patience_then_what_is_connected_is_burnt_once():
    units = [FakeUnit("m1", imei(1)), FakeUnit("m2", imei(2), cut_at=900)]
    records = asyncio.run(gang_over(units, GangOptions(patience_s=0.0)))
    assert sorted(record.outcome for record in records) == ["FAIL", "PASS"]


def test_gang_when_nothing_is_connected_then_no_module():
    with pytest.raises(NoModule):
        asyncio.run(run_gang(order(), "bench", GangOptions()))


def test_gang_when_cancelled_then_running_jobs_are_recorded_as_aborted():
    unit = FakeUnit("m1")
    unit.module.instead[3, 2] = b""

    async def run():
        await unit.power_on()
        gang = asyncio.create_task(run_gang(order(), "bench", GangOptions()))
        await unit.wait_ends(2)
        gang.cancel()
        await asyncio.gather(gang, return_exceptions=True)
        await unit.power_off()

    asyncio.run(run())
    assert [record.outcome for record in burn.book().read()] == ["ABORTED"]


def test_unit_when_its_imei_has_passed_in_this_run_then_a_notice_says_so():
    first, twin = FakeUnit("m1", imei(1)), FakeUnit("m2", imei(1))
    seen, tasks = [], []

    def on_record(record):
        tasks.append(asyncio.ensure_future(twin.power_on()))

    def report(event):
        seen.append(event)

    async def run():
        await first.power_on()
        gang = asyncio.create_task(
            run_gang(order(), "bench", GangOptions(count=2, patience_s=1.0), on_record=on_record, report=report)
        )
        await gang
        for unit in (first, twin):
            await unit.power_off()

    asyncio.run(run())
    assert any(isinstance(event, Notice) and event.slug == "gang.already-passed" for event in seen)
    assert twin.burns == 0


def test_final_records_when_a_unit_was_tried_twice_then_the_last_counts():
    tries = [
        BurnRecord(id="1", place="a", outcome="FAIL"),
        BurnRecord(id="2", place="a", imei="1", outcome="FAIL"),
        BurnRecord(id="3", place="b", imei="2", outcome="PASS"),
        BurnRecord(id="4", place="a", imei="1", outcome="PASS"),
    ]
    assert sorted(record.id for record in final_records(tries)) == ["3", "4"]
