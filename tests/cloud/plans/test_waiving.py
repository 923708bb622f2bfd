"""What a draft waits for: proofs that product or plan ask for, and waivers of them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import text

from moduline.cloud import audit
from moduline.cloud.edge import Actor
from moduline.cloud.plans import service as plans
from moduline.cloud.plans import waiving
from moduline.cloud.plans.plan import Strategy
from moduline.cloud.products import service as products
from moduline.cloud.reasons import Reason
from moduline.errors import BadField, NoSuchObject, RoleTooLow, StateForbids

BOTH = {"needs_verification": True, "needs_rehearsal": True}


def waits_for(rig, plan):
    """Codes of what stands in the way of a draft, in order."""
    return [one.facts.get("reason_code") for one in rig.see(waiving.obstacles, plan.id, at=rig.now)]


def proved(rig, artifact, **columns):
    said = ", ".join(f"{name} = {value!r}" for name, value in columns.items())
    rig.db.write(lambda conn: conn.execute(text(f"UPDATE artifacts SET {said} WHERE id = {artifact.id}")))


def test_settings_when_nobody_says_then_a_plan_needs_no_proof(file_rig):
    product = file_rig.product()
    assert (product.settings.needs_rehearsal, product.settings.rehearses_uploads) == (False, False)
    draft = file_rig.draft(product, file_rig.artifact())
    assert waits_for(file_rig, draft) == []
    assert file_rig.act(plans.activate, draft.id).state == "running"


@pytest.mark.parametrize(
    ("of_product", "of_plan", "wanted"),
    [
        ({"needs_rehearsal": True}, {}, [Reason.NOT_REHEARSED]),
        ({}, {"needs_rehearsal": True}, [Reason.NOT_REHEARSED]),
        ({"needs_verification": True}, {"needs_rehearsal": True}, [Reason.NOT_VERIFIED, Reason.NOT_REHEARSED]),
        (BOTH, {"needs_verification": False, "needs_rehearsal": False}, [Reason.NOT_VERIFIED, Reason.NOT_REHEARSED]),
    ],
)
def test_plan_when_product_or_plan_ask_then_neither_can_leave_out_what_the_other_needs(
    file_rig, of_product, of_plan, wanted
):
    artifact = file_rig.artifact("delta", source="V1")
    draft = file_rig.draft(file_rig.product(**of_product), artifact, strategy=Strategy(**of_plan))
    assert waits_for(file_rig, draft) == wanted
    with pytest.raises(BadField) as caught:
        file_rig.act(plans.activate, draft.id)
    assert caught.value.facts["reason_code"] == wanted[0]
    proved(file_rig, artifact, state="passed", is_rehearsed=1)
    assert file_rig.act(plans.activate, draft.id).state == "running"
    assert waits_for(file_rig, draft) == []


def test_product_when_it_begins_to_ask_then_drafts_that_were_there_need_it_too(file_rig):
    product = file_rig.product()
    draft = file_rig.draft(product, file_rig.artifact("delta", source="V1"))
    file_rig.act(products.change, product.id, replace(product.settings, needs_rehearsal=True))
    assert waits_for(file_rig, draft) == [Reason.NOT_REHEARSED]


def test_waiver_when_given_with_a_reason_then_the_plan_goes_and_the_log_has_it(rig):
    draft = rig.draft(rig.product(**BOTH), rig.artifact("delta", source="V1"))
    (one,) = rig.act(waiving.waive, draft.id, "rehearsal", "patch of another vendor; tried on five devices")
    assert (one.proof, one.account, one.revision) == ("rehearsal", "owner", 1)
    assert waits_for(rig, draft) == [Reason.NOT_VERIFIED]
    rig.act(waiving.waive, draft.id, "verification", "no device at hand")
    assert rig.act(plans.activate, draft.id).state == "running"
    kept = [entry for entry in rig.see(audit.entries).items if entry.verb == "plan.waive"]
    assert [entry.after["reason"] for entry in kept] == [
        "patch of another vendor; tried on five devices",
        "no device at hand",
    ]
    assert [one.proof for one in rig.see(waiving.waivers, draft.id)] == ["rehearsal", "verification"]
    with pytest.raises(StateForbids):
        rig.act(waiving.waive, draft.id, "rehearsal", "too late")


def test_waiver_when_the_plan_is_edited_then_void(file_rig):
    draft = file_rig.draft(file_rig.product(needs_rehearsal=True), file_rig.artifact("delta", source="V1"))
    file_rig.act(waiving.waive, draft.id, "rehearsal", "a pilot")
    changed = file_rig.act(plans.change, draft.id, replace(draft.plan, is_windows_strict=True))
    assert waits_for(file_rig, changed) == [Reason.NOT_REHEARSED]
    file_rig.act(waiving.waive, draft.id, "rehearsal", "still a pilot")
    (one,) = file_rig.see(waiving.waivers, draft.id)
    assert (one.revision, one.reason) == (2, "still a pilot")


def test_waiver_when_asked_for_by_an_operator_without_a_reason_or_by_strangers_then_refused(file_rig):
    draft = file_rig.draft(file_rig.product(needs_rehearsal=True), file_rig.artifact("delta", source="V1"))
    operator = replace(file_rig.owner, role="operator")
    with pytest.raises(RoleTooLow):
        file_rig.act(waiving.waive, draft.id, "rehearsal", "because", actor=operator)
    for proof, reason in (("luck", "because"), ("rehearsal", ""), ("rehearsal", "a\nb"), ("rehearsal", "x" * 501)):
        with pytest.raises(BadField):
            file_rig.act(waiving.waive, draft.id, proof, reason)
    stranger = Actor(99, 99, "stranger", "admin")
    for verb in (waiving.waivers,):
        with pytest.raises(NoSuchObject):
            file_rig.see(verb, draft.id, actor=stranger)
    with pytest.raises(NoSuchObject):
        file_rig.see(waiving.obstacles, draft.id, at=file_rig.now, actor=stranger)
    with pytest.raises(NoSuchObject):
        file_rig.act(waiving.waive, draft.id, "rehearsal", "because", actor=stranger)
    assert waits_for(file_rig, draft) == [Reason.NOT_REHEARSED]
