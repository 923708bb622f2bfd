"""A plan that is not written yet: all that speaks against it, and how many devices it would meet."""

from __future__ import annotations

from dataclasses import replace

from moduline.cloud.plans import service as plans
from moduline.cloud.plans import trial
from moduline.cloud.plans.filters import parse_filter
from moduline.cloud.plans.plan import Strategy


def fields(rig, plan, **more):
    return [one.field for one in rig.see(trial.problems, plan, **more)]


def test_plan_when_much_is_wrong_then_every_field_is_named_at_once(rig):
    product, artifact = rig.product(), rig.artifact()
    good = rig.draft(product, artifact).plan
    bad = replace(good, name="", product_id=999, is_silent=False, components=(), strategy=Strategy(min_battery=101))
    assert fields(rig, bad) == ["name", "components", "texts.zh", "texts.en", "strategy.min_battery", "product"]
    assert len(rig.see(plans.page).items) == 1, "nothing was written"


def test_plan_when_its_name_is_taken_then_said_so_but_not_of_the_draft_itself(rig):
    draft = rig.draft(rig.product(), rig.artifact(), name="march")
    assert fields(rig, draft.plan) == ["name"]
    assert fields(rig, draft.plan, plan_id=draft.id) == []


def test_devices_when_counted_then_as_an_activation_would_meet_them(rig):
    product, other, artifact = rig.product(), rig.product("lamp"), rig.artifact()
    for at in range(4):
        rig.device(product, f"dk{at}", module="V1" if at < 3 else "V0")
    rig.device(other, "dk9")
    plan = rig.draft(product, artifact).plan
    listed = {"white": frozenset({"dk1", "dk2", "dk9", "unknown"}), "has_white_list": True}
    wordings = (
        {},
        {"black": frozenset({"dk0", "dk9"})},
        listed,
        listed | {"black": frozenset({"dk2"})},
        {"filter": parse_filter("version==V1"), "black": frozenset({"dk0"})},
        {"has_white_list": True},
    )
    counts = [rig.see(trial.met, replace(plan, **one)) for one in wordings]
    assert counts == [4, 3, 2, 1, 2, 0]
    for at, (one, count) in enumerate(zip(wordings, counts, strict=True)):
        started = rig.activated(product, artifact, name=f"p{at}", **one)
        assert sum(rig.counts(started).values()) == count, one
