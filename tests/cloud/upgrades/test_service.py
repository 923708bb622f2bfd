"""Upgrades through the services: the sequences of section 13, from the offer to the verdict, over real rows."""

from __future__ import annotations

import pytest

from moduline.cloud.plans import service as plans
from moduline.cloud.plans.plan import Strategy
from moduline.cloud.plans.rules import DeviceStatus, Trigger
from moduline.cloud.reasons import Reason
from moduline.cloud.upgrades import people, service
from moduline.cloud.upgrades.offer import SayPlan, SayUrl


def status(rig, device, code, **versions):
    return rig.status(device, code, **versions)


def states(rig, plan):
    return {shown.dk: shown.row for shown in rig.see(people.page, plan.id).items}


def one(rig, plan):
    (row,) = states(rig, plan).values()
    return row


def test_module_upgrade_when_all_goes_well_then_as_in_section_13_1(rig):
    product = rig.product()
    device = rig.device(product, module="V1")
    artifact = rig.artifact()
    plan = rig.activated(product, artifact)
    assert rig.counts(plan) == {(0, 0): 1}
    assert rig.online(device) == ()

    (offer,) = rig.request(device, "V1")
    assert isinstance(offer.say, SayPlan)
    assert [(item.component, item.source, item.target) for item in offer.say.items] == [("c0", "V1", "V2")]
    assert status(rig, device, 1) == ()
    (url,) = status(rig, device, 2)
    assert isinstance(url.say, SayUrl)
    (link,) = url.files
    assert (link.bytes, link.md5) == (12, artifact.artifact.files[0].digests.md5)
    for code in (4, 5, 5, 8, 9):
        assert status(rig, device, code) == ()
    assert rig.counts(plan) == {(0, 1): 1}
    rig.tell(service.went_offline, device, 1)
    rig.online(device, 2)
    assert rig.tell(service.told_versions, device, "V2", {}) == ()
    assert status(rig, device, 11, module="V2") == ()
    assert rig.counts(plan) == {(0, 2): 1}
    row = one(rig, plan)
    assert row.state.status is DeviceStatus.UPGRADED
    texts = [line.text["en"] for line in rig.see(people.log, row.id).items]
    assert texts[0] == "plan sent"
    assert len(texts) == len(set(texts)) == 9
    assert rig.request(device, "V2") == ()


def test_url_when_said_again_then_the_same_token(rig):
    product = rig.product()
    device = rig.device(product)
    rig.activated(product, rig.artifact())
    rig.online(device)
    rig.request(device, "V1")
    (first,) = status(rig, device, 2)
    rig.now += 61
    (again,) = rig.tell(service.due)
    assert again.files == first.files
    assert again.say.is_again


def test_file_when_asked_for_then_the_upgrade_knows(rig):
    product = rig.product()
    device = rig.device(product)
    plan = rig.activated(product, rig.artifact())
    rig.online(device)
    rig.request(device, "V1")
    (url,) = status(rig, device, 2)
    rig.tell(service.file_asked, url.files[0].token, 404)
    rig.tell(service.file_asked, "nonsense", 404)
    assert one(rig, plan).state.components[0].broken is Reason.URL_EXPIRED


def test_grid_when_devices_are_online_then_offered_and_the_others_have_a_reason(rig):
    product = rig.product()
    plan = rig.activated(product, rig.artifact())
    rig.now += 1
    late = rig.device(product, "late")
    rig.online(late)
    assert rig.tell(service.grid, plan.id) == ((), None), "it is in no list yet: it has not asked"
    assert len(rig.request(late)) == 1
    assert rig.counts(plan) == {(0, 0): 1}


def test_grid_when_of_many_then_all_that_are_online_once(rig):
    product = rig.product()
    known = [rig.device(product, f"d{number}") for number in range(5)]
    unknown = rig.device(product, "unknown", module="")
    plan = rig.activated(product, rig.artifact())
    for device in (*known[:3], unknown):
        rig.online(device)
    said, more = rig.tell(service.grid, plan.id)
    assert {one.device_id for one in said} == set(known[:3])
    assert more is None
    assert rig.tell(service.grid, plan.id) == ((), None)
    assert states(rig, plan)["unknown"].state.reason is Reason.VERSION_UNKNOWN
    rig.tell(service.look, known[4], Trigger.GRID)
    assert states(rig, plan)["d4"].state.reason is Reason.OFFLINE


def test_grid_when_the_plan_has_a_rate_then_no_more_begin_in_a_minute(rig):
    product = rig.product()
    plan_devices = [rig.device(product, f"d{number}") for number in range(5)]
    plan = rig.activated(product, rig.artifact(), strategy=Strategy(rate_per_min=2))
    for device in plan_devices:
        rig.online(device)
    said, _ = rig.tell(service.grid, plan.id)
    assert len(said) == 2
    assert rig.request(plan_devices[4]) == (), "a request waits for the rate as well"
    assert states(rig, plan)["d4"].state.reason is Reason.RATE_LIMITED
    rig.now += 61
    assert len([one for one in rig.tell(service.grid, plan.id)[0] if isinstance(one.say, SayPlan)]) == 2


def test_device_when_two_plans_match_then_the_newest_and_one_at_a_time(rig):
    """Section 6: the newest activation wins; invariant 2."""
    product = rig.product()
    device = rig.device(product)
    old = rig.activated(product, rig.artifact("a"), name="old")
    rig.now += 5
    new = rig.activated(product, rig.artifact("b", target="V3"), name="new")
    rig.online(device)
    (offer,) = rig.request(device, "V1")
    assert offer.say.plan_id == new.id
    assert rig.tell(service.grid, old.id) == ((), None)
    assert one(rig, old).state.reason is Reason.BUSY


def test_device_when_it_refuses_then_left_alone_for_an_hour(rig):
    product = rig.product()
    device = rig.device(product)
    plan = rig.activated(product, rig.artifact())
    rig.online(device)
    rig.request(device, "V1")
    status(rig, device, 1)
    assert status(rig, device, 3) == ()
    assert one(rig, plan).state.reason is Reason.REFUSED
    rig.now += 3599
    assert rig.tell(service.grid, plan.id)[0] == ()
    assert one(rig, plan).state.reason is Reason.REFUSED
    rig.now += 2
    assert len(rig.tell(service.grid, plan.id)[0]) == 1


def test_device_when_it_fails_and_an_attempt_is_left_then_once_more(rig):
    product = rig.product()
    device = rig.device(product)
    plan = rig.activated(product, rig.artifact(), strategy=Strategy(retries=1, retry_interval_min=10))
    rig.online(device)
    for attempt in (1, 2):
        (offer,) = rig.tell(service.grid, plan.id)[0]
        assert isinstance(offer.say, SayPlan)
        for code in (1, 2, 4, 8, 9, 12):
            status(rig, device, code)
        row = one(rig, plan)
        assert (row.state.status, row.state.attempt) == (DeviceStatus.FAILED, attempt)
        assert rig.counts(plan) == {(0, 3): 1}
        rig.now += 601
    assert rig.tell(service.grid, plan.id) == ((), None)


def test_plan_when_too_many_fail_then_suspended_with_a_reason_and_resumed_by_people(rig):
    product = rig.product()
    known = [rig.device(product, f"d{number}") for number in range(3)]
    plan = rig.activated(product, rig.artifact(), strategy=Strategy(failure_percent=50, failure_least=1))
    for device in known:
        rig.online(device)
    rig.request(known[0], "V1")
    for code in (1, 2, 9, 12):
        status(rig, known[0], code)
    assert rig.tell(service.grid, plan.id) == ((), None)
    stopped = rig.see(plans.by_id, plan.id)
    assert (stopped.state, set(stopped.reason)) == ("suspended", {"en", "zh"})
    assert rig.request(known[1], "V1") == ()
    assert rig.act(plans.resume, plan.id).state == "running"
    assert len(rig.tell(service.grid, plan.id)[0]) == 2


def test_plan_when_terminated_while_one_upgrades_then_it_finishes_and_the_others_never_begin(rig):
    """Invariant 8."""
    product = rig.product()
    busy, idle = rig.device(product, "busy"), rig.device(product, "idle")
    plan = rig.activated(product, rig.artifact())
    rig.online(busy)
    rig.online(idle)
    rig.request(busy, "V1")
    status(rig, busy, 2)
    assert rig.act(plans.terminate, plan.id).state == "terminated"
    assert rig.request(idle, "V1") == ()
    assert states(rig, plan)["idle"].state.reason is Reason.TERMINATED
    for code in (4, 8, 9):
        status(rig, busy, code)
    status(rig, busy, 11, module="V2")
    assert states(rig, plan)["busy"].state.status is DeviceStatus.UPGRADED
    assert rig.counts(plan) == {(0, 0): 1, (0, 2): 1}


def test_plan_when_its_end_comes_then_it_ends(rig):
    product = rig.product()
    rig.device(product)
    plan = rig.activated(product, rig.artifact())
    rig.now += 25 * 3600
    assert rig.tell(service.grid, plan.id) == ((), None)
    assert rig.see(plans.by_id, plan.id).state == "ended"
    assert one(rig, plan).state.reason is Reason.PLAN_ENDED


def test_device_when_it_says_nothing_then_its_time_comes_and_nothing_is_stuck(rig):
    """Invariant 6: every open upgrade has a deadline."""
    product = rig.product()
    device = rig.device(product)
    plan = rig.activated(product, rig.artifact())
    rig.online(device)
    rig.request(device, "V1")
    for _ in range(100):
        row = one(rig, plan)
        if not row.state.is_open:
            break
        assert row.state.deadline is not None
        rig.now = max(rig.now, row.state.deadline)
        rig.tell(service.due)
    assert not one(rig, plan).state.is_open
    assert rig.tell(service.due) == ()


@pytest.mark.parametrize("code", [-1, 0, 7, 10, 13, 2**31, 2**70])
def test_status_when_it_is_no_code_or_of_nobody_then_nothing_breaks(file_rig, code):
    product = file_rig.product()
    device = file_rig.device(product)
    assert status(file_rig, device, code) == ()
    plan = file_rig.activated(product, file_rig.artifact())
    file_rig.online(device)
    file_rig.request(device, "V1")
    if code < 2**63:
        status(file_rig, device, code)
    assert file_rig.counts(plan) == {(0, 0): 1}


def test_device_when_it_has_the_target_already_then_no_update_required_and_the_plan_can_end(rig):
    """Sections 6 and 7.3: found by the grid, which offers nothing."""
    product = rig.product()
    one, two = rig.device(product), rig.device(product, "860000000000002", module="V2")
    rig.online(one)
    rig.online(two)
    keys = frozenset({"860000000000001", "860000000000002"})
    plan = rig.activated(product, rig.artifact(), white=keys, has_white_list=True)
    said, _ = rig.tell(service.grid, plan.id)
    assert [down.device_id for down in said] == [one]
    assert rig.counts(plan) == {(0, 0): 1, (0, 4): 1}
    assert rig.request(two, module="V2") == ()
