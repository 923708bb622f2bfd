"""A fleet at a glance: the figures, and what needs somebody."""

from __future__ import annotations

from moduline.cloud.accounts import service as accounts
from moduline.cloud.edge import Actor
from moduline.cloud.outbox import events
from moduline.cloud.plans import course
from moduline.cloud.plans import service as plans
from moduline.cloud.plans.plan import Strategy
from moduline.cloud.upgrades import verification
from moduline.cloud.upgrades.tally import Point
from moduline.cloud.views import glance


def matters(rig, **more):
    found = rig.see(glance.overview, at=rig.now, **more).matters
    return [(one.what, one.kind, one.name, one.count) for one in found]


def test_overview_when_nothing_is_there_then_all_zero(rig):
    found = rig.see(glance.overview, at=rig.now)
    assert (found.devices, found.online, found.matters, found.course.points) == (0, 0, (), ())
    assert found.plans == dict.fromkeys(("draft", "scheduled", "running", "suspended", "ended", "terminated"), 0)


def test_overview_when_upgrades_ended_then_devices_plans_and_the_last_day(rig):
    product, artifact = rig.product(), rig.artifact()
    devices = [rig.device(product, f"dk{at}") for at in range(3)]
    rig.activated(product, artifact)
    rig.draft(product, artifact, name="draft")
    for device in devices[:2]:
        rig.online(device)
        rig.request(device, "V1")
    for code in (1, 2, 4, 8, 9):
        rig.status(devices[0], code)
    rig.status(devices[0], 11, module="V2")
    rig.now += 7200.0
    rig.status(devices[1], 12)
    rig.db.write(events.order)
    found = rig.see(glance.overview, at=rig.now)
    assert (found.devices, found.online) == (3, 2)
    assert {state: count for state, count in found.plans.items() if count} == {"draft": 1, "running": 1}
    assert [(one.finished, one.failed) for one in found.course.points] == [(1, 0), (0, 1)]
    later = rig.see(glance.overview, at=rig.now + 82000.0)
    assert [Point(one.at, one.finished, one.failed) for one in later.course.points] == [
        Point(rig.now // 1800 * 1800, 0, 1)
    ], "the first one is older than a day"


def test_overview_when_people_are_needed_then_each_matter_is_named(rig):
    product, artifact = rig.product(), rig.artifact()
    devices = [rig.device(product, f"dk{at}") for at in range(2)]
    for device in devices:
        rig.online(device)
    rig.draft(product, artifact, name="agree", strategy=Strategy(approvals=2))
    rig.draft(product, artifact, name="prove", strategy=Strategy(needs_rehearsal=True, needs_verification=True))
    asks = {"is_silent": False, "texts": {"zh": "修复", "en": "fixes"}}
    rig.activated(product, artifact, name="asks", **asks)
    assert matters(rig) == [
        ("proof", "plan", "prove", 2),
        ("approval", "plan", "agree", 2),
        ("users", "plan", "asks", 2),
    ]
    rig.act(verification.start, artifact.id, devices[0], "c0")
    for code in (1, 2, 4, 8, 9, 12):
        rig.status(devices[0], code)
    assert ("verification", "artifact", "v2", 0) in matters(rig)


def test_overview_when_a_threshold_stopped_a_plan_then_named_with_its_reason_but_not_one_that_people_suspended(rig):
    product, artifact = rig.product(), rig.artifact()
    device = rig.device(product)
    rig.online(device)
    bad = rig.activated(product, artifact, name="bad", strategy=Strategy(failure_percent=10.0, failure_least=1))
    quiet = rig.activated(product, rig.artifact("v3"), name="quiet")
    rig.request(device, "V1")
    rig.status(device, 12)
    rig.tell(course.settle, bad.id)
    rig.act(plans.suspend, quiet.id)
    found = [one for one in rig.see(glance.overview, at=rig.now).matters if one.what == "stopped"]
    assert [one.name for one in found] == ["bad"]
    assert found[0].reason is not None
    assert "1 of 1 finished devices failed" in found[0].reason["en"]


def test_overview_when_asked_for_by_another_main_account_then_nothing_of_this_one(rig):
    product, artifact = rig.product(), rig.artifact()
    rig.device(product)
    rig.draft(product, artifact, strategy=Strategy(approvals=1))
    stranger = Actor(999, 999, "stranger", "admin")
    found = rig.see(glance.overview, at=rig.now, actor=stranger)
    assert (found.devices, sum(found.plans.values()), found.matters) == (0, 0, ())
    assert rig.db.read(accounts.is_founded)
