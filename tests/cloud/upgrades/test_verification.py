"""Firmware verification: the real upgrade of one device, before any plan."""

from __future__ import annotations

import pytest

from moduline.cloud.artifacts import service as artifacts
from moduline.cloud.plans import service as plans
from moduline.cloud.plans.plan import Strategy
from moduline.cloud.reasons import Reason
from moduline.cloud.upgrades import people, service, verification
from moduline.cloud.upgrades.offer import SayPlan
from moduline.errors import BadField, StateForbids


@pytest.fixture
def bench(rig):
    """A rig, an artifact and a device that is online."""
    product, artifact = rig.product(), rig.artifact()
    device = rig.device(product)
    rig.online(device)
    return rig, product, artifact, device


def test_verification_when_the_device_upgrades_then_passed_and_plans_may_use_it(bench):
    rig, product, artifact, device = bench
    draft = rig.draft(product, artifact, strategy=Strategy(needs_verification=True))
    with pytest.raises(BadField, match="verification"):
        rig.act(plans.activate, draft.id)
    run, (offer,) = rig.act(verification.start, artifact.id, device, "fw")
    assert isinstance(offer.say, SayPlan)
    assert run.state == rig.see(artifacts.by_id, artifact.id).state == "verifying"
    for code in (1, 2, 4, 8, 9):
        rig.status(device, code, "fw")
    rig.status(device, 11, "fw", module="V2")
    (run,) = rig.see(verification.runs, artifact.id).items
    assert (run.state, run.ended_at, run.reason) == ("passed", rig.now, None)
    assert rig.see(artifacts.by_id, artifact.id).state == "passed"
    assert rig.act(plans.activate, draft.id).state == "running"
    assert [plan.id for plan in rig.see(plans.page).items] == [draft.id], "a verification is no plan of the list"


def test_verification_when_it_fails_then_failed_with_the_reason_and_the_newest_run_counts(bench):
    rig, _, artifact, device = bench
    rig.act(verification.start, artifact.id, device, "fw")
    for code in (1, 2, 4, 8, 9, 12):
        rig.status(device, code, "fw")
    (run,) = rig.see(verification.runs, artifact.id).items
    assert (run.state, run.reason) == ("failed", Reason.INSTALL_FAILED)
    rig.act(verification.start, artifact.id, device, "fw")
    assert rig.see(artifacts.by_id, artifact.id).state == "verifying"


def test_verification_when_the_device_refuses_then_failed(bench):
    rig, _, artifact, device = bench
    rig.act(verification.start, artifact.id, device, "fw")
    rig.status(device, 1, "fw")
    rig.status(device, 3, "fw")
    (run,) = rig.see(verification.runs, artifact.id).items
    assert (run.state, run.reason) == ("failed", Reason.REFUSED)


def test_verification_when_nothing_is_heard_then_failed_within_the_hour(bench):
    rig, _, artifact, device = bench
    rig.act(verification.start, artifact.id, device, "fw")
    rig.status(device, 4, "fw")
    began = rig.now
    while rig.see(verification.runs, artifact.id).items[0].state == "verifying":
        rig.now += 60
        rig.tell(service.due)
        assert rig.now <= began + 3700


def test_verification_when_the_device_is_not_there_or_does_not_fit_then_refused_and_nothing_is_left(bench):
    rig, product, artifact, device = bench
    offline, other = rig.device(product, "off"), rig.artifact("delta", source="V7", target="V8")
    for piece, number in ((artifact, offline), (other, device)):
        with pytest.raises(StateForbids):
            rig.act(verification.start, piece.id, number, "fw")
        assert rig.see(artifacts.by_id, piece.id).state == "unverified"
        assert rig.see(verification.runs, piece.id).items == ()


def test_device_when_in_a_verification_then_plans_wait_and_the_reverse(bench):
    """Section 3: a device in a verification is skipped by plans, one in a task cannot be verified."""
    rig, product, artifact, device = bench
    rig.act(verification.start, artifact.id, device, "fw")
    plan = rig.activated(product, rig.artifact("v3", target="V3"))
    assert all(said.say.plan_id != plan.id for said in rig.request(device, "V1"))
    assert rig.see(people.page, plan.id).items[0].row.state.reason is Reason.IN_VERIFICATION
    other = rig.device(product, "other")
    rig.online(other)
    rig.request(other, "V1")
    with pytest.raises(StateForbids):
        rig.act(verification.start, artifact.id, other, "fw")
