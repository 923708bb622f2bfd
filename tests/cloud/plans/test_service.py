"""Plans through the services: lists, groups, filters, activation, what is final."""

from __future__ import annotations

from dataclasses import replace

import pytest

from moduline.cloud.devices import service as devices
from moduline.cloud.plans import course, service, stored
from moduline.cloud.plans.filters import parse_filter
from moduline.cloud.plans.plan import Stage, Strategy
from moduline.cloud.plans.zone import Window
from moduline.cloud.upgrades import people
from moduline.errors import BadField, NameTaken, NoSuchObject, StateForbids

TEXTS = {"zh": "新版本", "en": "new version"}


def keys(rig, plan):
    return {shown.dk for shown in rig.see(people.page, plan.id).items}


def groups(rig, plan):
    return {shown.dk: shown.row.group for shown in rig.see(people.page, plan.id).items}


@pytest.fixture
def fleet(rig):
    """A rig, a product with devices a to e, and an artifact."""
    product = rig.product()
    for dk in "abcde":
        rig.device(product, dk)
    rig.device(rig.product("other"), "a")
    return rig, product, rig.artifact()


def test_plan_when_written_then_read_back_as_it_was(fleet):
    rig, product, artifact = fleet
    strategy = Strategy(min_battery=30, retries=2, stages=(Stage(5.0, 90.0, 10.0, 3), Stage(100.0)), rate_per_min=7)
    made = rig.draft(
        product, artifact, strategy=strategy, windows=(Window(22, 3),), is_silent=False, texts=TEXTS,
        white=frozenset("ab"), black=frozenset("b"), has_white_list=True, filter=parse_filter("tag==pilot"),
        is_windows_strict=True, zone="Asia/Shanghai",
    )  # fmt: skip
    found = rig.db.read(lambda conn: stored.with_lists(conn, stored.load(conn, made.id))).plan
    assert found.strategy == strategy
    assert (found.windows, found.texts, found.zone) == ((Window(22, 3),), TEXTS, "Asia/Shanghai")
    assert (found.white, found.black, found.filter.text) == (frozenset("ab"), frozenset("b"), "tag==pilot")
    assert found.components == made.plan.components
    assert (found.components[0].releases[0].size_bytes, made.state, made.revision) == (12, "draft", 1)


@pytest.mark.parametrize(
    ("white", "black", "expected"),
    [(None, "", "abcde"), ("ab", "", "ab"), (None, "cd", "abe"), ("abc", "bz", "ac"), ("zy", "", ""), ("", "", "")],
)
def test_activation_when_there_are_lists_then_black_wins(fleet, white, black, expected):
    """Seed 003 and section 4; invariant 3."""
    rig, product, artifact = fleet
    lists = {"white": frozenset(white or ""), "has_white_list": white is not None, "black": frozenset(black)}
    plan = rig.activated(product, artifact, **lists)
    assert keys(rig, plan) == set(expected)
    assert rig.counts(plan) == ({(0, 0): len(expected)} if expected else {})


def test_activation_when_there_are_groups_then_each_device_has_one_and_counters_agree(fleet):
    rig, product, artifact = fleet
    plan = rig.activated(product, artifact, strategy=Strategy(stages=(Stage(20.0), Stage(60.0), Stage(100.0))))
    assert sorted(groups(rig, plan).values()) == [0, 1, 1, 2, 2]
    assert rig.counts(plan) == {(0, 0): 1, (1, 0): 2, (2, 0): 2}


def test_activation_when_there_is_a_filter_then_only_those_and_later_ones_join(fleet):
    rig, product, artifact = fleet
    numbers = {device.dk: device.id for device in rig.see(devices.page).items if device.product_id == product.id}
    rig.act(devices.tag, [numbers["a"], numbers["c"]], {"pilot": "", "site": "south"})
    plan = rig.activated(product, artifact, filter=parse_filter("tag==pilot;attr.site==south"), black=frozenset("c"))
    assert keys(rig, plan) == {"a"}
    rig.act(devices.tag, [numbers["e"]], {"pilot": "", "site": "south"})
    for name in "de":
        rig.online(numbers[name])
        rig.request(numbers[name], "V1")
    assert keys(rig, plan) == {"a", "e"}
    assert rig.counts(plan) == {(0, 0): 2}


def test_plan_when_activated_then_neither_edited_nor_deleted(fleet):
    """Invariant 7."""
    rig, product, artifact = fleet
    plan = rig.activated(product, artifact)
    for verb, more in (
        (service.change, (plan.plan,)),
        (service.delete, ()),
        (service.activate, ()),
        (service.approve, ()),
    ):
        with pytest.raises(StateForbids):
            rig.act(verb, plan.id, *more)
    rig.act(service.terminate, plan.id)
    for verb, more in ((service.delete, ()), (service.resume, ()), (service.terminate, ()), (service.suspend, ())):
        with pytest.raises(StateForbids):
            rig.act(verb, plan.id, *more)


def test_draft_when_edited_then_the_lists_too_and_names_stay_unique(fleet):
    rig, product, artifact = fleet
    plan = rig.draft(product, artifact, white=frozenset("ab"), has_white_list=True)
    rig.draft(product, artifact, name="other")
    edited = rig.act(service.change, plan.id, replace(plan.plan, white=frozenset("c"), name="renamed"))
    assert edited.revision == 2
    with pytest.raises(NameTaken):
        rig.act(service.change, plan.id, replace(plan.plan, name="other"))
    with pytest.raises(BadField):
        rig.act(service.change, plan.id, replace(plan.plan, product_id=2))
    assert keys(rig, rig.act(service.activate, plan.id)) == {"c"}
    rig.act(service.delete, rig.draft(product, artifact, name="gone").id)


@pytest.mark.parametrize(
    "change",
    [
        {"name": " "}, {"zone": "Mars/Olympus"}, {"start_local": "now"}, {"components": ()}, {"is_silent": False},
        {"end_local": "2000-01-01T00:00"}, {"strategy": Strategy(retries=3)}, {"texts": {"en": "x"}},
        {"white": frozenset("a")}, {"strategy": Strategy(stages=(Stage(50.0),))},
    ],
)  # fmt: skip
def test_plan_when_a_field_breaks_a_rule_then_bad_field(file_rig, change):
    product = file_rig.product()
    good = file_rig.draft(product, file_rig.artifact()).plan
    with pytest.raises(BadField):
        file_rig.act(service.create, replace(good, **({"name": "x"} | change)))


def test_plan_when_it_names_what_is_not_there_then_no_such_object(file_rig):
    product, artifact = file_rig.product(), file_rig.artifact()
    good = replace(file_rig.draft(product, artifact).plan, name="x")
    (piece,) = good.components
    lost = replace(piece, releases=(replace(piece.releases[0], artifact_id=4711),))
    other = replace(piece, releases=(replace(piece.releases[0], target="V9"),))
    for change, error in (
        ({"product_id": 4711}, NoSuchObject), ({"components": (lost,)}, NoSuchObject), ({"components": (other,)}, BadField),
    ):  # fmt: skip
        with pytest.raises(error):
            file_rig.act(service.create, replace(good, **change))


def test_plan_when_every_device_of_a_closed_list_is_done_then_it_ends_early(fleet):
    rig, product, artifact = fleet
    plan = rig.activated(product, artifact, white=frozenset({"a", "unknown"}), has_white_list=True)
    device = next(one.id for one in rig.see(devices.page).items if one.dk == "a" and one.product_id == product.id)
    rig.online(device)
    rig.request(device, "V1")
    rig.status(device, 4)
    rig.status(device, 11, module="V2")
    assert rig.tell(course.settle, plan.id) == "running", "one of the list has never been seen"
    late = rig.device(product, "unknown", module="V2")
    rig.online(late)
    rig.request(late, "V2")
    assert keys(rig, plan) == {"a", "unknown"}


def test_plan_when_it_is_not_yet_time_then_scheduled_and_begins_by_itself(fleet):
    rig, product, artifact = fleet
    plan = rig.activated(product, artifact, hours=(2, 5))
    assert plan.state == "scheduled"
    rig.now += 2 * 3600
    assert rig.tell(course.settle, plan.id) == "running"
    rig.now += 3 * 3600
    assert rig.tell(course.settle, plan.id) == "ended"
