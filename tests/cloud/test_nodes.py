"""Several nodes on one database: who lives, who counts where, what becomes of the devices of one that died."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import contextmanager

import pytest
from sqlalchemy import text

from cloud_rig import NOW, Rig, counted
from hand_clock import HandClock
from moduline.cloud import nodes
from moduline.cloud.artifacts.rules import ComponentType
from moduline.cloud.device_link.platform import Cause, WentOffline
from moduline.cloud.device_link.roll_call import RollCall
from moduline.cloud.devices import contact
from moduline.cloud.jobs import queue
from moduline.cloud.outbox import events, worker
from moduline.cloud.outbox import service as webhooks
from moduline.cloud.outbox.reach import Reach
from moduline.cloud.plans import service as plans
from moduline.cloud.plans.states import PlanState
from moduline.cloud.settings import Settings
from moduline.cloud.upgrades import service as upgrades
from moduline.cloud.upgrades.events import StatusReported
from moduline.errors import BadField, BadOption, StateForbids

WAIT_S = 30.0
LEASE_S = 15.0
SHARED = "postgresql://db/ota"


def enter(rig, name, life="life", now=NOW):
    return rig.db.write(nodes.enter, name, life, LEASE_S, now=now)


def stay(rig, name, life="life", now=NOW):
    return rig.db.write(nodes.stay, name, life, LEASE_S, now=now)


# -- who lives


def test_enter_when_several_nodes_begin_then_each_counts_in_a_slot_of_its_own(rig):
    assert [enter(rig, name) for name in ("a", "b", "c")] == [0, 1, 2]


def test_enter_when_a_node_comes_back_then_it_has_its_slot_again(rig):
    enter(rig, "a")
    enter(rig, "b")
    assert enter(rig, "b", "another life") == 1


def test_enter_when_a_node_has_left_then_its_slot_is_taken_again(rig):
    enter(rig, "a")
    enter(rig, "b")
    rig.db.write(nodes.leave, "a", "life")
    assert enter(rig, "c") == 0


def test_enter_when_a_node_died_then_its_slot_is_taken_after_its_lease(file_rig):
    enter(file_rig, "a")
    assert enter(file_rig, "b", now=NOW + LEASE_S - 1) == 1
    assert enter(file_rig, "c", now=NOW + LEASE_S + 1) == 0


def test_stay_when_a_younger_process_has_the_name_then_the_older_one_must_end(rig):
    enter(rig, "a", "old")
    assert stay(rig, "a", "old") == 0
    enter(rig, "a", "young")
    assert stay(rig, "a", "old") is None
    assert stay(rig, "a", "young") == 0


def test_stay_when_it_was_buried_meanwhile_then_it_lives_again(rig):
    enter(rig, "a")
    rig.db.write(lambda conn: conn.execute(text("DELETE FROM leases")))
    assert stay(rig, "a") == 0
    assert rig.db.read(nodes.lost, now=NOW) == ()


def test_leave_when_a_younger_process_has_the_name_then_nothing_of_it_ends(rig):
    enter(rig, "a", "old")
    enter(rig, "a", "young")
    rig.db.write(nodes.leave, "a", "old")
    assert stay(rig, "a", "young") == 0


def test_life_when_another_process_takes_the_name_then_it_ends_with_that(file_rig):
    clock = HandClock(NOW)
    life = nodes.Life(file_rig.db, "a", 0.03, clock, lambda _: None)

    async def story():
        await asyncio.to_thread(life.begin)
        running = asyncio.ensure_future(life.run())
        nodes.Life(file_rig.db, "a", 0.03, clock, lambda _: None).begin()
        with pytest.raises(BadOption) as told:
            await asyncio.wait_for(running, WAIT_S)
        assert told.value.facts["name"] == "--node"

    asyncio.run(story())


def test_database_when_the_slot_changes_then_counters_are_kept_there(rig):
    product = rig.product()
    rig.device(product)
    rig.db.count_in(7)
    plan = rig.activated(product, rig.artifact())
    rig.counts(plan)
    slots = rig.db.read(lambda conn: conn.execute(text("SELECT DISTINCT slot FROM plan_counters")).scalars().all())
    assert slots == [7]


# -- who died


def upgrading(rig, node, count=1):
    """Devices of a node that have accepted a plan."""
    product = rig.product()
    devices = [rig.device(product, f"86000000000{number:04}") for number in range(count)]
    plan = rig.activated(product, rig.artifact())
    for device in devices:
        rig.online(device, connection=5, node=node)
        rig.request(device, "V1")
        rig.status(device, 1)
    return plan, devices


def after_lease(rig, name):
    """A moment when the lease of a node has run out, on whichever clock counts."""
    ended = text("UPDATE leases SET until = 0 WHERE name = :name")
    rig.db.write(lambda conn: conn.execute(ended, {"name": f"node.{name}"}))
    return NOW + LEASE_S + 1


def test_lost_when_a_lease_has_run_out_then_named_and_its_devices_are_offline(rig):
    enter(rig, "a")
    enter(rig, "b")
    plan, [device] = upgrading(rig, "a")
    assert rig.db.read(nodes.lost, now=NOW) == ()
    now = after_lease(rig, "a")
    assert rig.db.read(nodes.lost, now=now) == ("a",)
    _, is_more = rig.db.write(nodes.bury, "a", now=now)
    assert not is_more
    assert not rig.look(device).is_online
    assert rig.db.read(nodes.lost, now=now) == ()
    rig.counts(plan)


def test_bury_when_the_node_lives_then_nothing(rig):
    enter(rig, "a")
    _, [device] = upgrading(rig, "a")
    assert rig.db.write(nodes.bury, "a", now=NOW) == ((), False)
    assert rig.look(device).is_online


def test_bury_when_there_are_many_devices_then_block_by_block(rig):
    enter(rig, "a")
    _, devices = upgrading(rig, "a", 5)
    now = after_lease(rig, "a")
    left = [rig.db.write(nodes.bury, "a", now=now, limit=2)[1] for _ in range(3)]
    assert left == [True, True, False]
    assert not any(rig.look(device).is_online for device in devices)


def test_bury_when_nobody_of_the_name_ever_lived_then_its_devices_are_offline(rig):
    _, [device] = upgrading(rig, "one")  # as where a single process was before
    assert rig.db.read(nodes.lost, now=NOW) == ("one",)
    rig.db.write(nodes.bury, "one", now=NOW)
    assert not rig.look(device).is_online


def test_lost_when_devices_poll_then_they_have_no_node_to_die(rig):
    device = rig.device(rig.product())
    rig.online(device, node=contact.POLLING)
    assert rig.db.read(nodes.lost, now=NOW) == ()


def test_bury_when_a_device_has_gone_to_another_node_then_it_stays_there(rig):
    enter(rig, "a")
    enter(rig, "b")
    _, [device] = upgrading(rig, "a")
    rig.online(device, connection=6, node="b")
    rig.db.write(nodes.bury, "a", now=after_lease(rig, "a"))
    assert rig.look(device).is_online


# -- two nodes at one row: PostgreSQL only, a file has one writer


@pytest.fixture
def two(postgres_address, request):
    """Two nodes on one database that nobody has used."""
    del postgres_address
    address = request.getfixturevalue("postgres").url()
    one, other = Rig(address, slot=0), Rig(address, slot=1)
    yield one, other
    one.close()
    other.close()


@contextmanager
def held(rig, verb, *args, **kwargs):
    """A verb that has run and is not committed until the end."""
    has_run, may_end, said = threading.Event(), threading.Event(), []

    def slow(conn):
        said.append(verb(conn, *args, **kwargs))
        has_run.set()
        assert may_end.wait(WAIT_S)

    answer = rig.db.submit(slow)
    assert has_run.wait(WAIT_S)
    try:
        yield said
    finally:
        may_end.set()
        answer.result(WAIT_S)


def until_waiting(rig):
    """Until a transaction stands in line for a row."""
    waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    until = time.monotonic() + WAIT_S
    while not rig.db.read(lambda conn: conn.execute(waiting).scalar_one()):
        assert time.monotonic() < until, "nobody waits"
        time.sleep(0.01)


def told(code):
    return StatusReported(code, ComponentType.MODULE, "c0")


@pytest.mark.xdist_group("postgres")
def test_hear_when_two_nodes_hear_of_one_device_at_once_then_the_second_sees_what_the_first_wrote(two):
    one, other = two
    plan, [device] = upgrading(one, "a")
    with held(one, upgrades.hear, device, told(2), now=NOW):
        second = other.db.submit(upgrades.hear, device, told(4), now=NOW)
        until_waiting(other)
    second.result(WAIT_S)
    rows = "SELECT code FROM upgrade_log WHERE code IS NOT NULL ORDER BY id"
    assert one.db.read(lambda conn: conn.execute(text(rows)).scalars().all()) == [1, 2, 4]
    kept, counted_rows = one.db.read(counted, plan.id)
    assert kept == counted_rows


@pytest.mark.xdist_group("postgres")
def test_look_when_two_nodes_offer_at_once_then_one_does(two):
    one, other = two
    product = one.product()
    device = one.device(product)
    plan = one.activated(product, one.artifact())
    one.online(device)
    with held(one, upgrades.grid, plan.id, now=NOW) as said:
        second = other.db.submit(upgrades.told_versions, device, "V1", None, now=NOW, is_request=True)
        until_waiting(other)
    assert len(said[0][0]) == 1
    second.result(WAIT_S)
    kept, counted_rows = one.db.read(counted, plan.id)
    assert kept == counted_rows
    lines = "SELECT count(*) FROM upgrade_log WHERE source = 'platform'"
    assert one.db.read(lambda conn: conn.execute(text(lines)).scalar_one()) == 1


@pytest.mark.xdist_group("postgres")
def test_plan_when_it_is_terminated_on_one_node_and_settled_on_another_then_it_stays_terminated(two):
    one, other = two
    product = one.product()
    one.device(product)
    plan = one.activated(product, one.artifact(), hours=(-2, 1))
    with held(one, plans.terminate, plan.id, actor=one.owner, now=NOW):
        second = other.db.submit(plans.suspend, plan.id, actor=other.owner, now=NOW)
        until_waiting(other)
    with pytest.raises(StateForbids):
        second.result(WAIT_S)
    assert one.see(plans.by_id, plan.id).state is PlanState.TERMINATED


@pytest.mark.xdist_group("postgres")
def test_bury_when_the_node_comes_back_meanwhile_then_it_waits_and_its_new_devices_stay(two):
    one, other = two
    enter(one, "a")
    _, [device] = upgrading(one, "a")
    now = after_lease(one, "a")
    with held(one, nodes.bury, "a", now=now):
        back = other.db.submit(nodes.enter, "a", "new life", LEASE_S, now=now)
        until_waiting(other)
    back.result(WAIT_S)
    other.online(device, connection=9, node="a")
    assert one.db.write(nodes.bury, "a", now=now) == ((), False)
    assert one.look(device).is_online


@pytest.mark.xdist_group("postgres")
def test_claims_when_the_clocks_of_nodes_differ_then_the_databases_counts(two):
    """A node whose clock is an hour ahead takes nothing from one that is at work."""
    one, other = two
    ahead = NOW + 3600.0
    one.act(webhooks.create, "erp", "https://erp.example.com/ota", reach=Reach())
    one.device(one.product())
    one.db.write(events.order)
    assert len(one.db.write(worker.claim, "a", [], now=NOW)) == 1
    assert other.db.write(worker.claim, "b", [], now=ahead) == []
    job = one.db.write(queue.put, "patch", "key", {}, one.owner, NOW)
    assert one.db.write(queue.claim, "a", now=NOW).id == job.id
    assert not other.db.read(queue.is_waiting, "b", now=ahead)
    assert other.db.write(queue.claim, "b", now=ahead) is None
    assert one.db.write(queue.keep_claim, "a", job.id, now=NOW)


@pytest.mark.xdist_group("postgres")
def test_slots_when_two_nodes_begin_at_once_then_they_differ(two):
    one, other = two
    with held(one, nodes.enter, "a", "x", LEASE_S, now=NOW) as said:
        second = other.db.submit(nodes.enter, "b", "y", LEASE_S, now=NOW)
        until_waiting(other)
    assert {said[0], second.result(WAIT_S)} == {0, 1}


# -- who is here


class Gateway:
    """Who is let in, in the hand."""

    def __init__(self):
        self.here = {}
        self.dropped = []

    def numbers(self):
        return dict(self.here)

    def drop(self, device, before=None):
        self.dropped.append((device, before))
        self.here.pop(device, None)
        return True


class Heard:
    """A platform that keeps what it hears."""

    def __init__(self, rig):
        self._rig = rig
        self.uplinks = []

    async def uplink(self, uplink):
        self.uplinks.append(uplink)
        self._rig.tell(upgrades.went_offline, uplink.device, uplink.connection)


@pytest.fixture
def roll(file_rig):
    gateway, platform = Gateway(), Heard(file_rig)
    roll = RollCall(file_rig.db, gateway, platform, "a", HandClock(NOW))
    return lambda: asyncio.run(roll.call()), gateway, platform, file_rig


def test_roll_call_when_rows_and_connections_agree_then_nothing(roll):
    call, gateway, platform, rig = roll
    device = rig.device(rig.product())
    rig.online(device, connection=5, node="a")
    gateway.here = {device: 5}
    assert [call() for _ in range(3)] == [(0, 0)] * 3
    assert platform.uplinks == gateway.dropped == []


def test_roll_call_when_an_end_was_never_told_then_it_is_at_the_second_look(roll):
    call, _, platform, rig = roll
    device = rig.device(rig.product())
    rig.online(device, connection=5, node="a")
    assert [call() for _ in range(3)] == [(0, 0), (1, 0), (0, 0)]
    [told_end] = platform.uplinks
    assert (told_end.device, told_end.connection, told_end.event) == (device, 5, WentOffline(Cause.LOST))
    assert not rig.look(device).is_online


def test_roll_call_when_no_row_names_a_connection_then_it_is_dropped_at_the_second_look(roll):
    call, gateway, _, rig = roll
    device = rig.device(rig.product())
    rig.online(device, connection=9, node="b")
    gateway.here = {device: 5}
    assert [call() for _ in range(3)] == [(0, 0), (0, 1), (0, 0)]
    assert gateway.dropped == [(device, 6)]


def test_roll_call_when_a_device_comes_between_two_looks_then_nothing(roll):
    call, gateway, platform, rig = roll
    device = rig.device(rig.product())
    gateway.here = {device: 5}  # its row is being written
    assert call() == (0, 0)
    rig.online(device, connection=5, node="a")
    assert call() == (0, 0)
    gateway.here = {}  # its end is being written
    assert call() == (0, 0)
    rig.tell(upgrades.went_offline, device, 5)
    assert call() == (0, 0)
    assert platform.uplinks == gateway.dropped == []


# -- settings


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"roles": frozenset({"worker"})}, "roles"),
        ({"roles": frozenset({"manager"})}, "roles"),
        ({"roles": frozenset()}, "roles"),
        ({"nats": "nats://x", "node": "a"}, "nats"),
        ({"nats": "nats://x", "node": "a", "db": "sqlite:///x.db"}, "nats"),
        ({"nats": "nats://x", "db": SHARED}, "node"),
        ({"nats": "nats://x", "db": SHARED, "node": "a", "roles": frozenset({"worker"})}, "public_url"),
    ],
)
def test_settings_when_nodes_could_not_work_together_then_refused(tmp_path, wrong, field):
    with pytest.raises(BadField) as refused:
        Settings(tmp_path, **wrong)
    assert refused.value.facts["field"] == field


def test_settings_when_a_worker_knows_where_downloads_are_then_taken(tmp_path):
    made = Settings(
        tmp_path, SHARED, "nats://x", node="w1", roles=frozenset({"worker"}), public_url="http://ota.example.com"
    )
    assert made.device_url == "http://ota.example.com"
