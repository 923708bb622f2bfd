"""What a plan has come to, counted: reasons, components, course; on either database."""

from __future__ import annotations

import pytest

from moduline.cloud.outbox import events
from moduline.cloud.plans import service as plans
from moduline.cloud.plans.rules import DeviceStatus
from moduline.cloud.reasons import Reason
from moduline.cloud.upgrades import tally
from moduline.cloud.upgrades.states import ComponentStatus
from moduline.cloud.upgrades.tally import ComponentCount, Course, Point, Why
from moduline.errors import NoSuchObject


@pytest.fixture
def plan(rig):
    """A plan of five devices that is running: two are upgraded, one failed, one loads, one has another version."""
    product = rig.product()
    found = [rig.device(product, f"dk{at}", module="V1" if at < 4 else "V0") for at in range(5)]
    made = rig.activated(product, rig.artifact(source="V1"))
    for at, device in enumerate(found):
        rig.online(device)
        rig.request(device, "V1" if at < 4 else "V0")
    for device in found[:2]:
        ends(rig, device, "V2")
    rig.now += 3601.0
    for code in (1, 2, 4, 8, 9, 12):
        rig.status(found[2], code)
    rig.status(found[3], 5)
    while rig.db.write(events.order):
        continue
    return made


def ends(rig, device, version):
    for code in (1, 2, 4, 8, 9):
        rig.status(device, code)
    rig.status(device, 11, module=version)


def test_reasons_when_asked_for_then_waiting_first_each_with_its_devices(rig, plan):
    assert rig.see(tally.reasons, plan.id) == (
        Why(DeviceStatus.NOT_UPGRADED, Reason.SOURCE_DIFFERS, 1),
        Why(DeviceStatus.FAILED, Reason.INSTALL_FAILED, 1),
    )


def test_components_when_asked_for_then_devices_by_status(rig, plan):
    assert rig.see(tally.components, plan.id) == (
        ComponentCount("c0", ComponentStatus.DOWNLOADING, 1),
        ComponentCount("c0", ComponentStatus.FAILED, 1),
        ComponentCount("c0", ComponentStatus.SUCCEEDED, 2),
    )


def test_course_when_asked_for_then_steps_in_which_upgrades_ended(rig, plan):
    begun = rig.now - 3601.0
    assert begun % 60 == 0
    wanted = (Point(begun, 2, 0), Point(begun + 3600, 0, 1))
    assert rig.see(tally.course, plan.id, at=rig.now) == Course(begun, 60, wanted)


def test_course_when_it_is_of_another_plan_or_a_draft_then_empty(rig, plan):
    product = rig.product("lamp")
    other = rig.activated(product, rig.artifact("other"), name="other")
    assert rig.see(tally.course, other.id, at=rig.now).points == ()
    draft = rig.draft(product, rig.artifact("third"), name="draft")
    assert rig.see(tally.course, draft.id, at=rig.now).points == ()


def test_course_when_the_plan_is_over_then_ends_with_its_last_upgrade(rig, plan):
    rig.act(plans.terminate, plan.id)
    ended = rig.now
    rig.now += 30 * 86400.0
    found = rig.see(tally.course, plan.id, at=rig.now)
    assert (found.step_s, found.points[-1].at) == (60, ended - ended % 60)


@pytest.mark.parametrize("verb", [tally.reasons, tally.components], ids=["reasons", "components"])
def test_tally_when_there_is_no_such_plan_then_said_so(rig, verb):
    with pytest.raises(NoSuchObject):
        rig.see(verb, 999)
