"""What the gang does by itself, what it leaves to people, and that no slot waits for another."""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import pytest

from burn.fake_module import frame
from burn.fake_unit import FakeUnit
from moduline import burn
from moduline.burn.record import CheckResult
from moduline.errors import RecordsUnwritable, StorageFailed, Text
from moduline.events import Notice, Progress
from moduline.line import Finish, GangOptions, run_gang
from moduline.line.work_order import close_order, lock_order, new_order
from package_maker import small_file

PACKAGE = small_file()
WAIT_S = 60.0


def order(**options):
    return burn.make_order(PACKAGE, "small.pac", **{"window_s": 2.0, "ask_limit_s": 0.1, "pin_limit_s": 0.2} | options)


def imei(number):
    return f"8688887777{number:05}"


def units_of(count):
    return [FakeUnit(f"m{number}", imei(number)) for number in range(count)]


class Seen:
    """Everything a gang reported."""

    def __init__(self):
        self.events = []

    def __call__(self, event):
        self.events.append(event)

    def states(self, slot):
        return [fact["state"] for fact in self.facts(slot)]

    def facts(self, slot):
        return [
            event.facts
            for event in self.events
            if isinstance(event, Notice) and (event.slug, event.where) == ("slot.state", slot)
        ]

    def slugs(self):
        return {event.slug for event in self.events if isinstance(event, Notice)}

    def tries(self):
        """Shares of each try, by slot and number."""
        found, number = defaultdict(list), defaultdict(int)
        for event in self.events:
            if isinstance(event, Notice) and event.slug == "slot.state" and event.facts["state"] == "asking":
                number[event.where] += 1
            elif isinstance(event, Progress):
                assert event.what == "burn"
                found[event.where, number[event.where]].append(event.done_bytes / event.total_bytes)
        return dict(found)


async def run(units, options=None, the_order=None, **how):
    """A gang over fake units that are there from the beginning."""
    for unit in units:
        await unit.power_on()
    try:
        return await run_gang(the_order or order(), "bench", options or GangOptions(), **how)
    finally:
        for unit in units:
            await unit.power_off()


def test_slot_when_a_unit_passes_then_its_states_are_told_in_order():
    seen = Seen()
    (record,) = asyncio.run(run(units_of(1), report=seen))
    assert record.outcome == "PASS"
    assert seen.states("m0") == ["empty", "settling", "asking", "burning", "checking", "passed"]
    last = seen.facts("m0")[-1]
    assert (last["imei"], last["tries"], last["reason"], last["left"]) == (imei(0), 1, "", 0)
    assert [event.where for event in seen.events if isinstance(event, Progress)] == ["m0"] * sum(
        isinstance(event, Progress) for event in seen.events
    )


def test_sixty_four_units_when_burnt_at_once_then_each_passes_and_no_progress_falls_or_waits_at_its_end():
    units, seen = units_of(64), Seen()
    records = asyncio.run(run(units, report=seen))
    assert [record.outcome for record in records] == ["PASS"] * 64
    assert {record.imei for record in records} == {unit.imei for unit in units}
    tries = seen.tries()
    assert len(tries) == 64
    for shares in tries.values():
        assert shares == sorted(shares)
        assert shares[0] == 0.0
        assert shares[-1] == 1.0
        assert shares.count(1.0) == 1
    order_of_ends = [
        event for event in seen.events if isinstance(event, Notice) and event.facts.get("state") == "passed"
    ]
    for notice in order_of_ends:  # whole only when the unit is finished: nothing but the state follows
        at = seen.events.index(notice)
        before = seen.events[at - 1]
        assert isinstance(before, Progress)
        assert (before.where, before.done_bytes) == (notice.where, before.total_bytes)


def test_channels_when_limited_then_no_more_tries_run_at_once():
    seen = Seen()
    records = asyncio.run(run(units_of(6), GangOptions(channels=2), report=seen))
    assert len(records) == 6
    running, most = set(), 0
    for event in seen.events:
        if isinstance(event, Notice) and event.slug == "slot.state":
            (running.add if event.facts["state"] == "asking" else lambda _: None)(event.where)
            if event.facts["state"] == "passed":
                running.discard(event.where)
            most = max(most, len(running))
    assert most == 2


# ---- tries by itself ---------------------------------------------------------------------------------------------------


def test_cause_when_its_budget_allows_then_the_slot_tries_again_without_anybodys_help():
    unit, seen = FakeUnit("m1", is_silent=True), Seen()

    def on_record(record):
        unit.is_silent = record.tries < 2

    records = asyncio.run(run([unit], report=seen, on_record=on_record))
    assert [(record.outcome, record.tries) for record in records] == [("FAIL", 1), ("FAIL", 2), ("PASS", 3)]
    assert seen.states("m1")[:7] == ["empty", "settling", "asking", "failed", "pausing", "asking", "failed"]
    failed = [(fact["reason"], fact["left"]) for fact in seen.facts("m1") if fact["state"] == "failed"]
    assert failed == [("ML-E0604", 2), ("ML-E0604", 1)]


def test_budget_when_used_up_then_the_slot_waits_for_re_powering_and_begins_anew():
    unit, seen, tasks = FakeUnit("m1", is_silent=True), Seen(), []

    async def re_power():
        await unit.power_off()
        await asyncio.sleep(0.3)  # longer than the debounce time
        await unit.power_on()

    def on_record(record):
        if record.tries == 2:
            tasks.append(asyncio.ensure_future(re_power()))
        unit.is_silent = record.tries < 3

    records = asyncio.run(run([unit], GangOptions(retries={"answer": 1}), report=seen, on_record=on_record))
    assert [(record.outcome, record.tries) for record in records] == [
        ("FAIL", 1),
        ("FAIL", 2),
        ("FAIL", 3),
        ("PASS", 4),
    ]
    failed = [fact["left"] for fact in seen.facts("m1") if fact["state"] == "failed"]
    assert failed == [1, 0, 1]
    assert "waiting" in seen.states("m1")


def test_refusal_when_the_module_is_another_then_it_is_not_tried_again():
    unit, seen = FakeUnit("m1", model="EC600N", version="EC600NCNLAR01A01M08"), Seen()
    records = asyncio.run(run([unit], GangOptions(patience_s=1.5), report=seen))
    assert [(record.outcome, record.error_code) for record in records] == [("REFUSED", "ML-E0701")]
    assert seen.states("m1")[-1] == "refused"


def test_finish_when_asked_then_what_runs_ends_and_nothing_new_begins():
    units, seen, finish = units_of(4), Seen(), Finish()
    units[0].module.instead[3, 2] = frame(0x8B)

    def report(event):
        seen(event)
        if isinstance(event, Notice) and event.facts.get("state") == "burning":
            finish.ask()

    options = GangOptions(is_auto=True, channels=1, retries={"write": 5})
    records = asyncio.run(run(units, options, report=report, finish=finish))
    assert len(records) == 1
    assert "gang.finishing" in seen.slugs()
    assert sum(unit.burns for unit in units) <= 1
    assert "pausing" not in seen.states(records[0].slot)


def test_quota_when_the_order_lacks_fewer_units_than_there_are_then_no_more_are_begun():
    units, seen = units_of(5), Seen()
    records = asyncio.run(run(units, GangOptions(is_auto=True, quota=2), report=seen))
    assert [record.outcome for record in records] == ["PASS", "PASS"]
    assert sum(unit.burns for unit in units) == 2


def test_count_when_reached_then_what_runs_comes_to_its_end_and_nothing_new_begins():
    units = units_of(6)
    records = asyncio.run(run(units, GangOptions(is_auto=True, count=1, channels=3)))
    assert {record.outcome for record in records} == {"PASS"}
    assert 1 <= len(records) <= 5
    assert sum(unit.burns for unit in units) == len(records)


def test_order_when_closed_on_the_way_then_what_runs_ends_and_nothing_new_begins():
    units, seen = units_of(4), Seen()
    lock_order(new_order("A-17", (Path("small.pac"), PACKAGE)))

    def on_record(record):
        close_order("A-17")

    options = GangOptions(is_auto=True, channels=1)
    records = asyncio.run(run(units, options, order(order="A-17"), report=seen, on_record=on_record))
    assert 1 <= len(records) <= 2
    assert {"gang.order-closed", "gang.finishing"} <= seen.slugs()


# ---- who is it ---------------------------------------------------------------------------------------------------------


def hide_imei(unit):
    """Real ports tell no IMEI by themselves: it has to be asked."""
    real = unit._publish

    def publish(state):
        real("booting" if state == "running" else state)

    unit._publish = publish


def test_unit_when_it_has_passed_in_the_order_then_it_is_left_alone_unless_wanted_again():
    the_order = order(order="A-17")
    unit, seen = FakeUnit("m1", imei(1)), Seen()
    assert [record.outcome for record in asyncio.run(run([unit], None, the_order))] == ["PASS"]
    assert asyncio.run(run([unit], GangOptions(patience_s=0.0), the_order, report=seen)) == []
    assert seen.states("m1") == ["empty", "settling", "passed"]
    assert seen.facts("m1")[-1]["reason"] == "already-passed"
    assert unit.burns == 1
    again = asyncio.run(run([unit], GangOptions(is_again=True), the_order))
    assert [record.outcome for record in again] == ["PASS"]
    assert unit.burns == 2


def test_unit_when_its_port_tells_nothing_then_it_is_asked_before_it_is_burnt_again():
    the_order = order(order="A-17", ask_limit_s=5.0)
    unit, other, seen = FakeUnit("m1", imei(1)), FakeUnit("m2", imei(2)), Seen()
    asyncio.run(run([unit], None, the_order))
    hide_imei(unit)
    hide_imei(other)
    records = asyncio.run(run([unit, other], GangOptions(patience_s=0.0), the_order, report=seen))
    assert [(record.imei, record.outcome) for record in records] == [(imei(2), "PASS")]
    assert unit.burns == 1
    assert seen.states("m1") == ["empty", "settling", "asking", "passed"]


def test_unit_when_its_twin_passed_while_it_paused_then_it_is_left_alone():
    """Two slots, one IMEI: a swap between two looks, or a cloned module."""
    first, twin, seen = FakeUnit("m1", imei(1)), FakeUnit("m2", imei(1), is_silent=True), Seen()
    records = asyncio.run(run([first, twin], GangOptions(patience_s=0.0), report=seen))
    assert first.burns == 1
    assert twin.burns == 0
    assert seen.states("m2")[-2:] == ["pausing", "passed"]
    assert [record.slot for record in records if record.is_pass] == ["m1"]


def test_order_when_its_package_is_another_then_earlier_passes_do_not_count():
    """Without a lock two packages may share a name of an order; a pass is a pass of exactly these bytes."""
    unit = FakeUnit("m1", imei(1))
    the_order = order(order="A-17")
    asyncio.run(run([unit], None, replace(the_order, sha256="0" * 64)))
    assert len(asyncio.run(run([unit], None, the_order))) == 1
    assert unit.burns == 2


def test_slot_when_another_unit_comes_after_a_failed_one_then_it_is_a_new_unit():
    first, second = FakeUnit("m1", imei(1)), FakeUnit("m1", imei(2))
    first.module.instead[3, 2] = frame(0x8B)
    tasks = []

    async def swap():
        await first.power_off()
        await asyncio.sleep(0.3)
        await second.power_on()

    def on_record(record):
        if not tasks:
            tasks.append(asyncio.ensure_future(swap()))

    records = asyncio.run(run([first], GangOptions(count=1), on_record=on_record))
    asyncio.run(second.power_off())
    assert [(record.imei, record.outcome, record.tries) for record in records] == [
        (imei(1), "FAIL", 1),
        (imei(2), "PASS", 1),
    ]


# ---- neighbours --------------------------------------------------------------------------------------------------------


class SlowBook:
    """A book that is stuck over one slot until it is let go."""

    def __init__(self, slot):
        self.book, self.slot, self.gate = burn.book(), slot, threading.Event()

    def write(self, record):
        if record.slot == self.slot:
            assert self.gate.wait(WAIT_S)
        self.book.write(record)

    def read(self):
        return self.book.read()


def test_disk_when_it_hangs_for_one_slot_then_all_others_come_to_their_end():
    units, book = units_of(8), SlowBook("m0")

    def on_record(record):
        ended.append(record.slot)
        if len(ended) == 7:
            book.gate.set()

    ended = []
    records = asyncio.run(run(units, records=book, on_record=on_record))
    assert [record.outcome for record in records] == ["PASS"] * 8
    assert ended[-1] == "m0"


def test_port_when_its_opening_hangs_then_all_others_come_to_their_end(monkeypatch):
    from moduline.port import serial as serial_port

    units, gate, ended = units_of(4), threading.Event(), []
    real = serial_port.serial.Serial

    def hanging(path, **how):
        if "m0-" in path:
            assert gate.wait(WAIT_S)
        return real(path, **how)

    def on_record(record):
        ended.append(record.slot)
        if len(ended) == 3:
            gate.set()

    monkeypatch.setattr(serial_port.serial, "Serial", hanging)
    records = asyncio.run(run(units, the_order=order(ask_limit_s=10.0), on_record=on_record))
    assert [record.outcome for record in records] == ["PASS"] * 4
    assert ended[-1] == "m0"


# ---- records that cannot be written ------------------------------------------------------------------------------------


class FullDisk:
    """A book whose disk is full from some write on, until ``is_mended``."""

    def __init__(self, room):
        self.kept, self.room, self.is_mended = [], room, False

    def write(self, record):
        if self.room <= 0 and not self.is_mended:
            raise StorageFailed(path="/disk/line.db", reason=Text("no space left", "空间不足"))
        self.room -= 1
        self.kept.append(record)

    def read(self):
        return []


def test_records_when_the_disk_is_full_from_the_beginning_then_no_unit_is_touched():
    units, seen, shown = units_of(3), Seen(), []
    with pytest.raises(RecordsUnwritable) as failure:
        asyncio.run(run(units, records=FullDisk(0), report=seen, on_record=shown.append))
    assert (failure.value.code, failure.value.exit_code) == ("ML-E0103", 1)
    assert "no space left" in failure.value.message("en")
    assert [unit.burns for unit in units] == [0, 0, 0]
    assert all(unit.received == 0 for unit in units)
    assert {record.outcome for record in shown} == {"ERROR"}
    assert "gang.storage-failed" in seen.slugs()


@pytest.mark.parametrize("room", [1, 4, 7, 10, 13])
def test_records_when_the_disk_fills_up_on_the_way_then_no_try_is_lost(room):
    """Every try is in the book or among the records of the error; what was begun came to its end."""
    units, shown, book = units_of(6), [], FullDisk(room)
    with pytest.raises(RecordsUnwritable) as failure:
        asyncio.run(run(units, GangOptions(channels=3), records=book, on_record=shown.append))
    ended = {record.id for record in book.kept if record.outcome != "RUNNING"}
    unkept = {record["id"] for record in failure.value.facts["records"]}
    assert failure.value.facts["unkept"] == len(unkept)
    assert ended.isdisjoint(unkept)
    assert {record.id for record in shown} == ended | unkept
    begun = {record.id for record in book.kept}
    touched = {record.id for record in shown if record.bytes}
    assert touched <= begun  # no unit is burnt that is in no record at all
    assert sum(unit.burns for unit in units) < 6


def test_records_when_the_disk_is_mended_before_the_end_then_they_are_kept_and_the_gang_stops_all_the_same():
    units, book = units_of(2), FullDisk(5)

    def on_record(record):
        book.is_mended = True

    with pytest.raises(RecordsUnwritable) as failure:
        asyncio.run(run(units, records=book, on_record=on_record))
    assert failure.value.facts["unkept"] == 0
    assert len({record.id for record in book.kept if record.outcome != "RUNNING"}) == 2


def test_examination_when_there_is_one_then_its_state_is_told_and_its_failure_fails_the_unit():
    seen = Seen()

    async def examine(examined):
        verdict = "fail" if examined.record.slot == "m1" else "pass"
        return [CheckResult("signal", verdict, "3", ">= 10")]

    records = asyncio.run(run(units_of(2), GangOptions(patience_s=0.0), replace(order(), examine=examine), report=seen))
    assert {record.slot: (record.outcome, record.error_code) for record in records} == {
        "m0": ("PASS", ""),
        "m1": ("FAIL", "ML-E1105"),
    }
    assert seen.states("m0")[-3:] == ["checking", "examining", "passed"]
    assert seen.states("m1")[-2:] == ["examining", "failed"]
    assert max(seen.tries()["m1", 1]) < 1.0
