"""The clock's work: grid, lease, timers, collector; the clock in the hand."""

from __future__ import annotations

import asyncio
import threading

import pytest

from cloud_rig import NOW
from hand_clock import HandClock
from moduline.cloud import schedule as schedules
from moduline.cloud.blob import FolderStore
from moduline.cloud.plans.plan import Strategy
from moduline.cloud.schedule import Schedule
from moduline.cloud.settings import Settings
from moduline.errors import StoreUnreachable

LEASE = "schedule"


class Site:
    """A schedule over a rig's database."""

    def __init__(self, rig, folder, node="one"):
        self.rig = rig
        self.said = []
        self.notices = []
        self.store = FolderStore(folder / "files")
        self.clock = HandClock(rig.now)
        settings = Settings(folder, node=node)
        self.schedule = Schedule(rig.db, self.store, settings, self.clock, self.hear, self.notices.append)

    async def hear(self, said):
        self.said += [one.device_id for one in said]

    def turn(self, seconds=0.0):
        self.clock.advance(seconds)
        self.rig.now = self.clock.now_s()
        self.said.clear()
        asyncio.run(self.turn_to_the_end())
        return self.said

    async def turn_to_the_end(self):
        assert await self.schedule.turn()
        await self.schedule.collected()


@pytest.fixture
def here(file_rig, tmp_path):
    file_rig.now = NOW + 5
    return Site(file_rig, tmp_path)


def online(rig, product, count):
    found = [rig.device(product, f"86{at:013}") for at in range(count)]
    for device in found:
        rig.online(device)
    return found


def test_grid_when_a_mark_has_passed_then_run_once(here):
    """NOW is a mark in UTC."""
    rig = here.rig
    product = rig.product()
    devices = online(rig, product, 3)
    rig.activated(product, rig.artifact())
    assert here.turn() == []
    assert here.turn(594.0) == []
    assert here.turn(1.0) == devices
    assert here.turn(1.0) == []


def test_grid_when_its_step_is_shorter_then_sooner(here):
    rig = here.rig
    product = rig.product(grid_s=60)
    devices = online(rig, product, 1)
    rig.activated(product, rig.artifact())
    assert here.turn(54.0) == []
    assert here.turn(1.0) == devices


def test_grid_when_zones_differ_then_each_by_its_own_clock(here):
    """Kathmandu is five and three quarter hours ahead: its marks are at :05, :15 ..."""
    rig = here.rig
    product = rig.product()
    devices = online(rig, product, 1)
    rig.activated(product, rig.artifact(), zone="Asia/Kathmandu", hours=(-24, 48))
    assert here.turn(290.0) == []
    assert here.turn(5.0) == devices


def test_grid_when_marks_were_missed_then_one_run(here, tmp_path):
    rig = here.rig
    product = rig.product()
    devices = online(rig, product, 1)
    rig.activated(product, rig.artifact())
    here.turn()
    rig.now += 3000.0
    later = Site(rig, tmp_path)
    assert later.turn() == devices
    assert later.turn() == []


def test_timer_when_due_then_the_upgrade_hears_of_it(here):
    """No status 1 in 60 s: back to waiting."""
    rig = here.rig
    product = rig.product()
    online(rig, product, 1)
    plan = rig.activated(product, rig.artifact())
    here.turn(595.0)
    assert rig.db.read(open_of, plan.id) == 1
    here.turn(59.0)
    assert rig.db.read(open_of, plan.id) == 1
    here.turn(2.0)
    assert rig.db.read(open_of, plan.id) == 0


def open_of(conn, plan_id):
    query = "SELECT count(*) FROM upgrades WHERE is_open AND plan_id = ?"
    return conn.exec_driver_sql(query, (plan_id,)).scalar_one()


def test_rate_when_it_holds_devices_then_they_follow_between_two_marks(here):
    rig = here.rig
    product = rig.product()
    devices = online(rig, product, 5)
    rig.activated(product, rig.artifact(), strategy=Strategy(rate_per_min=2))
    assert here.turn(595.0) == devices[:2]
    assert here.turn(30.0) == []
    assert here.turn(31.0) == devices[2:4]
    assert here.turn(61.0) == devices[4:]


def test_lease_when_another_node_has_it_then_nothing_until_it_ends(rig):
    def take(owner, now):
        return rig.db.write(schedules.take, LEASE, owner, 15.0, now=now)

    assert take("one", NOW)
    assert not take("two", NOW + 1)
    assert take("one", NOW + 2)
    rig.db.write(schedules.give_back, LEASE, "two")
    assert not take("two", NOW + 3)
    rig.db.write(schedules.give_back, LEASE, "one")
    assert take("two", NOW + 3)


def test_schedule_when_another_node_has_the_lease_then_does_nothing(here, tmp_path):
    other = Site(here.rig, tmp_path, node="two")
    here.turn()
    assert asyncio.run(other.schedule.turn()) is False
    asyncio.run(here.schedule.release())
    assert asyncio.run(other.schedule.turn()) is True


def test_collector_when_a_file_is_unused_for_a_day_then_gone(here):
    used = here.store.put([b"used"])
    unused = here.store.put([b"unused"])
    here.rig.db.write(name_file, used)
    written = next(one.written_at for one in here.store.stored() if one.key == unused)
    here.clock.advance(written - here.clock.now_s())
    here.turn(23 * 3600.0)
    assert {one.key for one in here.store.stored()} == {used, unused}
    here.turn(2 * 3600.0)
    assert {one.key for one in here.store.stored()} == {used}
    assert [one.slug for one in here.notices] == ["ota.files-collected"]


class Hanging(FolderStore):
    """A store whose server takes a question and does not answer it until it is let go."""

    def __init__(self, folder):
        super().__init__(folder)
        self.asked = threading.Event()
        self.lets_go = threading.Event()
        self.questions = 0

    def stored(self):
        self.questions += 1
        self.asked.set()
        assert self.lets_go.wait(60)
        return super().stored()


def test_collector_when_its_store_hangs_then_grid_and_timers_go_on_and_no_second_one_begins(file_rig, tmp_path):
    file_rig.now = NOW + 5
    here = Site(file_rig, tmp_path)
    store = Hanging(tmp_path / "far")
    unused = store.put([b"unused"])
    here.schedule = Schedule(file_rig.db, store, Settings(tmp_path), here.clock, here.hear, here.notices.append)
    product = file_rig.product()
    devices = online(file_rig, product, 2)
    plan = file_rig.activated(product, file_rig.artifact())

    async def story():
        assert await here.schedule.turn()
        assert await asyncio.to_thread(store.asked.wait, 60)
        here.clock.advance(595.0)
        assert await here.schedule.turn()
        assert here.said == devices, "the grid"
        here.clock.advance(61.0)
        assert await here.schedule.turn()
        assert file_rig.db.read(open_of, plan.id) == 0, "the timers"
        here.clock.advance(2 * 3600.0)
        assert await here.schedule.turn()
        assert store.questions == 1
        store.lets_go.set()
        await here.schedule.collected()

    asyncio.run(story())
    assert unused not in {one.key for one in store.stored()}


def test_schedule_when_cancelled_while_its_store_hangs_then_ends_and_the_collector_with_it(file_rig, tmp_path):
    here, store = Site(file_rig, tmp_path), Hanging(tmp_path / "far")
    here.schedule = Schedule(file_rig.db, store, Settings(tmp_path), here.clock, here.hear, here.notices.append)

    async def story():
        running = asyncio.create_task(here.schedule.run())
        assert await asyncio.to_thread(store.asked.wait, 60)
        running.cancel()
        await asyncio.wait([running], timeout=60)
        assert running.cancelled()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        store.lets_go.set()

    asyncio.run(story())
    assert here.notices == []


class Broken(FolderStore):
    """A store that can be looked into and then answers no more."""

    def size(self, key):
        raise StoreUnreachable(store="far", reason="no answer")

    def remove(self, key, before):
        raise AssertionError("the writer was made to wait for a store that does not answer")


def test_collector_when_its_store_answers_no_more_then_told_and_the_writer_never_waits_for_it(file_rig, tmp_path):
    here, store = Site(file_rig, tmp_path), Broken(tmp_path / "far")
    store.put([b"unused"])
    here.schedule = Schedule(file_rig.db, store, Settings(tmp_path), here.clock, here.hear, here.notices.append)
    here.clock.advance(next(iter(store.stored())).written_at + 2 * 86400.0 - here.clock.now_s())
    here.turn()
    (notice,) = here.notices
    assert (notice.slug, notice.where) == ("schedule.failed", "collector")
    assert "StoreUnreachable" in notice.facts["error"]


def name_file(conn, key):
    conn.exec_driver_sql(
        "INSERT INTO artifacts (account_id, name, type, component, is_delta, source, target, remark, state,"
        " is_rehearsed, created_at) VALUES (1, 'a', 0, '', 0, '', 'V2', '', 'unverified', 0, 0)"
    )
    conn.exec_driver_sql(
        "INSERT INTO artifact_files (artifact_id, position, name, bytes, md5, sha1, sha256, crc32_mpeg2)"
        " VALUES (1, 0, 'a.bin', 4, '', '', ?, '')",
        (key,),
    )
