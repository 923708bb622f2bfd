"""What screens show beside an object: counts, what a device is in, who uses an artifact; nothing of other accounts."""

from __future__ import annotations

import pytest

from moduline.cloud.accounts import service as accounts
from moduline.cloud.devices import contact, service
from moduline.cloud.edge import Actor
from moduline.cloud.plans import service as plans
from moduline.cloud.views import sights
from moduline.errors import NoSuchObject

STRANGER = Actor(9_999, 9_999, "stranger", "admin")


def test_facets_when_devices_differ_then_each_value_has_its_number_and_the_most_frequent_is_first(rig):
    product, other = rig.product(), rig.product("other")
    numbers = [rig.device(product, f"d{at}", module="V1" if at < 2 else "V2") for at in range(4)]
    numbers.append(rig.device(product, "d4", module="V2", mcu1="7"))
    rig.device(other, "e1", module="V9")
    rig.act(service.tag, numbers[:2], {"pilot": ""})
    rig.act(service.tag, numbers[:1], {"a": "1"})
    rig.act(service.change, numbers[4], is_enabled=False)
    rig.tell(contact.connect, numbers[0], "one", 1)
    assert rig.see(sights.facets, product.id) == {
        "count": 5,
        "online": 1,
        "disabled": 1,
        "versions": [{"name": "V2", "count": 3}, {"name": "V1", "count": 2}],
        "tags": [{"name": "pilot", "count": 2}, {"name": "a", "count": 1}],
        "components": [{"type": 0, "component": "", "count": 5}, {"type": 1, "component": "mcu1", "count": 1}],
    }
    everything = rig.see(sights.facets, None)
    assert (everything["count"], everything["versions"][-1]) == (6, {"name": "V9", "count": 1})


def test_device_when_it_is_in_plans_then_each_is_told_newest_first_with_its_reason(rig):
    product = rig.product()
    device = rig.device(product, module="V1")
    artifact = rig.artifact()
    first = rig.activated(product, artifact, name="first")
    rig.act(plans.terminate, first.id)
    second = rig.activated(product, artifact, name="second")
    page = rig.see(sights.upgrades_of, device, limit=1)
    assert [(one.plan, one.shown.row.plan_id, one.is_verification) for one in page.items] == [
        ("second", second.id, False)
    ]
    rest = rig.see(sights.upgrades_of, device, after=page.next_after)
    assert [(one.plan, one.plan_state) for one in rest.items] == [("first", "terminated")]
    counts = rig.see(sights.product_counts, product.id)
    assert (counts["devices"], counts["online"], sum(counts["plans"].values())) == (1, 0, 2)
    uses = rig.see(sights.uses_of, artifact.id)
    assert [(one["id"], one["name"], one["product"]) for one in uses] == [
        (second.id, "second", product.id),
        (first.id, "first", product.id),
    ]


def test_object_when_it_is_another_accounts_then_there_is_none(rig):
    product = rig.product()
    device, artifact = rig.device(product), rig.artifact()
    for verb, number in (
        (sights.facets, product.id),
        (sights.product_counts, product.id),
        (sights.upgrades_of, device),
        (sights.uses_of, artifact.id),
    ):
        with pytest.raises(NoSuchObject):
            rig.see(verb, number, actor=STRANGER)
    assert rig.see(sights.facets, None, actor=STRANGER)["count"] == 0
    assert rig.see(accounts.page).items
