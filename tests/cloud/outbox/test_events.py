"""Events: written with the change, ordered once, streamed from any place."""

from __future__ import annotations

import asyncio

import pytest

from moduline.cloud.devices import service as devices
from moduline.cloud.outbox import events
from moduline.cloud.outbox.stream import LOST, Feed
from moduline.cloud.plans import service as plans


def told(rig, **more):
    """All events of the owner, in order."""
    while rig.db.write(events.order):
        continue
    return rig.db.read(events.page, rig.owner.main_id, limit=1000, **more)


def kinds(rig):
    return [one.kind for one in told(rig)]


def test_events_when_a_plan_runs_its_course_then_each_step_is_told_with_the_change(rig):
    product, artifact = rig.product(), rig.artifact()
    good, bad = (rig.device(product, dk) for dk in ("a", "b"))
    plan = rig.activated(product, artifact)
    for number in (good, bad):
        rig.online(number)
        rig.request(number, "V1")
    for code in (1, 2, 4, 8, 9, 11):
        rig.status(good, code, module="V2" if code == 11 else None)
    for code in (1, 2, 4, 8, 9, 12):
        rig.status(bad, code)
    rig.act(plans.suspend, plan.id)
    rig.act(plans.resume, plan.id)
    rig.act(plans.terminate, plan.id)
    assert kinds(rig) == [
        "artifact.created", "device.created", "device.created", "plan.activated", "plan.started", "upgrade.finished",
        "upgrade.failed", "plan.suspended", "plan.resumed", "plan.started", "plan.terminated",
    ]  # fmt: skip
    (finished,) = told(rig, kinds=["upgrade.finished"])
    assert (finished.payload["dk"], finished.payload["plan"], finished.at) == ("a", "plan", rig.now)


def test_events_when_the_change_is_refused_then_nothing_is_told(file_rig):
    product = file_rig.product()
    file_rig.act(devices.add, product.id, "a")

    def both(conn):
        devices.add(conn, product.id, "b", actor=file_rig.owner, now=file_rig.now)
        devices.add(conn, product.id, "a", actor=file_rig.owner, now=file_rig.now)

    with pytest.raises(Exception, match="already"):
        file_rig.db.write(both)
    assert [one.payload["dk"] for one in told(file_rig)] == ["a"]


def test_events_when_ordered_then_places_have_no_gap_and_go_on_after_all_was_forgotten(rig):
    product = rig.product()
    for number in range(5):
        rig.act(devices.add, product.id, f"d{number}")
    assert [one.seq for one in told(rig)] == [1, 2, 3, 4, 5]
    assert rig.db.write(events.forget, rig.now + 1) == 5
    assert rig.db.read(events.first_place) == 6
    rig.act(devices.add, product.id, "late")
    assert [one.seq for one in told(rig)] == [6]
    assert rig.db.write(events.order) == 0


def test_events_of_another_account_when_asked_for_then_none(file_rig):
    file_rig.act(devices.add, file_rig.product().id, "a")
    told(file_rig)
    assert file_rig.db.read(events.page, file_rig.owner.main_id + 1) == ()


def test_stream_when_resumed_by_the_last_place_then_what_came_since_and_what_comes(file_rig):
    product = file_rig.product()
    for dk in ("a", "b", "c"):
        file_rig.act(devices.add, product.id, dk)
    told(file_rig)

    async def scene():
        feed = Feed(file_rig.db, look_every_s=30.0)
        stream = feed.stream(file_rig.owner.main_id, after=1)
        first = [await anext(stream), await anext(stream)]
        coming = asyncio.ensure_future(anext(stream))
        await asyncio.to_thread(file_rig.act, devices.add, product.id, "d")
        await asyncio.to_thread(told, file_rig)
        while not coming.done():
            feed.wake()
            await asyncio.sleep(0.01)
        return [one.payload["dk"] for one in (*first, coming.result())]

    assert asyncio.run(asyncio.wait_for(scene(), 60)) == ["b", "c", "d"]


def test_stream_when_what_was_missed_is_forgotten_then_says_so_first(file_rig):
    product = file_rig.product()
    for dk in ("a", "b", "c"):
        file_rig.act(devices.add, product.id, dk)
    told(file_rig)
    file_rig.db.write(events.forget, file_rig.now + 1)
    file_rig.act(devices.add, product.id, "d")
    told(file_rig)

    async def scene(after):
        stream = Feed(file_rig.db).stream(file_rig.owner.main_id, after=after)
        return await anext(stream), await anext(stream) if after < 3 else None

    lost, next_one = asyncio.run(asyncio.wait_for(scene(1), 60))
    assert (lost.kind, lost.seq, lost.payload) == (LOST, 3, {"after": 1, "first": 4})
    assert next_one.payload["dk"] == "d"
    assert asyncio.run(asyncio.wait_for(scene(3), 60))[0].payload["dk"] == "d"


def test_kinds_when_told_then_all_are_in_the_list(file_rig):
    product = file_rig.product()
    number = file_rig.act(devices.add, product.id, "a").id
    file_rig.act(devices.delete, number)
    assert set(kinds(file_rig)) <= set(events.KINDS)
