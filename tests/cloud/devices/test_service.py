"""What people do with devices: lists, tags, switching off, other accounts."""

from __future__ import annotations

import contextlib

import pytest

from moduline.cloud.accounts import service as accounts
from moduline.cloud.devices import DeviceFilter, contact, service
from moduline.cloud.edge import Actor
from moduline.errors import BadField, NameTaken, NoSuchObject, StateForbids

HOSTILE = ["", "%", "_", "'", "';--", "\\", "\\%", "a\0b", "\ud800", "٣", "x" * 10_000]


def keys(page):
    return [device.dk for device in page.items]


def test_page_when_there_are_more_then_the_key_leads_on_and_every_device_comes_once(rig):
    product = rig.product()
    for number in range(7):
        rig.device(product, f"d{number}")
    seen, after = [], 0
    while after is not None:
        page = rig.see(service.page, DeviceFilter(product_id=product.id), after=after, limit=3)
        seen += keys(page)
        after = page.next_after
    assert seen == [f"d{number}" for number in range(7)]
    assert rig.see(service.count) == 7


def test_page_when_filtered_then_each_condition_counts(rig):
    product, other = rig.product(), rig.product("other")
    one = rig.device(product, "860001", module="V1", mcu1="1.0")
    two = rig.device(product, "860002", module="V2")
    rig.device(other, "990001", module="V1")
    rig.tell(contact.connect, two, "one", 1)
    rig.tell(contact.report_facts, two, {"cell": "c7"})
    rig.act(service.tag, [one], {"pilot": "", "site": "south"})
    rig.act(service.change, one, is_enabled=False)
    rig.act(service.add, product.id, "line1")

    def found(**wanted):
        return keys(rig.see(service.page, DeviceFilter(**wanted)))

    assert found(product_id=product.id) == ["860001", "860002", "line1"]
    assert found(dk="86") == ["860001", "860002"]
    assert found(is_online=True) == ["860002"]
    assert found(is_online=False, dk="8") == ["860001"]
    assert found(is_enabled=False) == ["860001"]
    assert found(tag="pilot") == found(tag="site", value="south") == ["860001"]
    assert found(tag="site", value="north") == []
    assert found(version="V1") == ["860001", "990001"]
    assert found(version="1.0", type=1, component="mcu1") == ["860001"]
    assert found(cell="c7") == ["860002"]
    assert found(seen_before=rig.now) == ["line1"]
    assert keys(rig.see(service.page, holds=lambda device: device.dk.endswith("2"))) == ["860002"]


@pytest.mark.parametrize("text", HOSTILE)
def test_filter_when_hostile_then_a_list_or_a_clear_refusal_and_no_pattern(rig, text):
    rig.device(rig.product(), "860001")
    for name in ("dk", "tag", "cell", "version"):
        found = None
        with contextlib.suppress(BadField):
            found = keys(rig.see(service.page, DeviceFilter(**{name: text})))
        assert found == (["860001"] if text == "" else []) or (found is None and not text.isprintable())


@pytest.mark.parametrize("number", [2**63, 2**70, -(2**64)])
def test_number_when_no_database_takes_it_then_refused_or_not_there(rig, number):
    for ask in (
        lambda: rig.look(number),
        lambda: rig.act(service.delete, number),
        lambda: rig.see(service.page, after=number),
    ):
        with contextlib.suppress(BadField, NoSuchObject):
            assert ask().items == ()


@pytest.mark.parametrize("name", ["", " a", "a" * 65, "a b", "é", "a\0", "a'"])
def test_tag_when_its_name_cannot_be_one_then_bad_field_and_nothing_changes(file_rig, name):
    device = file_rig.device(file_rig.product())
    with pytest.raises(BadField):
        file_rig.act(service.tag, [device], {"good": "", name: ""})
    assert file_rig.look(device).tags == {}


def test_tag_when_given_and_taken_then_what_is_left(rig):
    device = rig.device(rig.product())
    assert rig.act(service.tag, [device], {"a": "1", "b": ""}) == 1
    assert rig.act(service.tag, [device], {"a": "1"}) == 0
    assert rig.act(service.tag, [device], {"b": None, "c": "3"}) == 1
    assert rig.look(device).tags == {"a": "1", "c": "3"}
    with pytest.raises(NoSuchObject):
        rig.act(service.tag, [device, 4711], {"d": ""})
    assert "d" not in rig.look(device).tags


def test_add_when_it_is_there_or_no_key_then_refused(rig):
    product = rig.product()
    rig.act(service.add, product.id, "a")
    with pytest.raises(NameTaken):
        rig.act(service.add, product.id, "a")
    with pytest.raises(BadField):
        rig.act(service.add, product.id, "a b")
    with pytest.raises(NoSuchObject):
        rig.act(service.add, 4711, "b")


def test_device_when_added_before_it_comes_then_the_same_row_authenticates(rig):
    product = rig.product()
    added = rig.act(service.add, product.id, "a")
    issued = rig.tell(contact.authenticate, product.id, "a", is_first_only=True)
    assert (issued.device_id, issued.is_new) == (added.id, False)


def test_device_when_switched_off_then_it_is_denied(rig):
    product = rig.product()
    device = rig.device(product, "a")
    rig.act(service.change, device, is_enabled=False)
    assert rig.tell(contact.authenticate, product.id, "a", is_first_only=False).value == "disabled"
    assert rig.db.read(contact.credentials, product.pk, "a").is_enabled is False


def test_devices_when_many_are_switched_off_then_those_that_were_on_are_told_and_none_when_one_is_not_there(rig):
    product = rig.product()
    numbers = [rig.device(product, f"d{at}") for at in range(4)]
    rig.act(service.change, numbers[0], is_enabled=False)
    with pytest.raises(NoSuchObject):
        rig.act(service.change_many, [*numbers, 99_999], is_enabled=False)
    assert rig.see(service.count, DeviceFilter(is_enabled=True)) == 3
    assert rig.act(service.change_many, numbers[:3], is_enabled=False) == tuple(numbers[1:3])
    assert rig.see(service.count, DeviceFilter(is_enabled=False)) == 3
    assert rig.act(service.change_many, numbers, is_enabled=True) == tuple(numbers[:3])


def test_delete_when_deleted_then_it_comes_again_as_a_new_one(rig):
    product = rig.product()
    device = rig.device(product, "a", mcu1="1")
    rig.act(service.tag, [device], {"x": ""})
    rig.act(service.delete, device)
    with pytest.raises(NoSuchObject):
        rig.look(device)
    assert rig.device(product, "a") > device, "numbers are never given twice"


def test_device_when_of_another_main_account_then_it_is_not_there(rig):
    device = rig.device(rig.product())
    other, _ = rig.db.write(accounts.found, "other", now=rig.now)
    stranger = Actor(other.id, other.id, "other", "admin")
    assert keys(rig.see(service.page, actor=stranger)) == []
    assert rig.see(service.count, actor=stranger) == 0
    for verb, more in ((service.change, {"cell": "x"}), (service.delete, {})):
        with pytest.raises(NoSuchObject):
            rig.act(verb, device, actor=stranger, **more)
    with pytest.raises(NoSuchObject):
        rig.act(service.tag, [device], {"a": ""}, actor=stranger)


def test_product_when_it_has_devices_then_not_deleted(rig):
    from moduline.cloud.products import service as products

    product = rig.product()
    device = rig.device(product)
    with pytest.raises(StateForbids):
        rig.act(products.delete, product.id)
    rig.act(service.delete, device)
    rig.act(products.delete, product.id)
    with pytest.raises(NoSuchObject):
        rig.see(products.by_id, product.id)
