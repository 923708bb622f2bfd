"""What devices do: first contact, connections that replace each other, reports."""

from __future__ import annotations

import re

import pytest

from moduline.cloud.devices import Denied, contact


def test_authenticate_when_a_device_is_unknown_then_it_is_made_and_gets_a_secret(rig):
    """Seed 003: devices are added by authenticating."""
    product = rig.product()
    issued = rig.tell(contact.authenticate, product.id, "860000000000001", is_first_only=False)
    assert issued.is_new
    assert re.fullmatch(r"[0-9a-f]{32}", issued.ds)
    known = rig.db.read(contact.credentials, product.pk, "860000000000001")
    assert (known.device_id, known.ds, known.is_enabled) == (issued.device_id, issued.ds, True)
    assert len(known.ps) == 16


def test_authenticate_when_a_device_lost_its_secret_then_a_new_one_unless_the_product_says_first_only(rig):
    """Section 12, trap 2."""
    product = rig.product()
    first = rig.tell(contact.authenticate, product.id, "a", is_first_only=False)
    again = rig.tell(contact.authenticate, product.id, "a", is_first_only=False)
    assert (again.device_id, again.is_new) == (first.device_id, False)
    assert again.ds != first.ds
    assert rig.tell(contact.authenticate, product.id, "a", is_first_only=True) is Denied.ALREADY
    assert rig.db.read(contact.credentials, product.pk, "a").ds == again.ds


@pytest.mark.parametrize("dk", ["", "x" * 17, "a b", "a;b", "../x", "é", "a\0", "%"])
def test_authenticate_when_the_key_cannot_be_one_then_denied_and_nothing_is_made(file_rig, dk):
    product = file_rig.product()
    assert file_rig.tell(contact.authenticate, product.id, dk, is_first_only=False) is Denied.DK_ILLEGAL
    assert file_rig.db.read(contact.credentials, product.pk, dk) is None


def test_disconnect_when_a_newer_connection_has_taken_over_then_the_device_stays_online(rig):
    """Section 12, trap 12."""
    device = rig.device(rig.product())
    old, new = 7, 9
    assert rig.tell(contact.connect, device, "one", old)
    assert rig.tell(contact.connect, device, "two", new)
    assert not rig.tell(contact.connect, device, "one", 8), "the events of two connections may cross"
    assert rig.tell(contact.disconnect, device, old) is False
    assert rig.look(device).node == "two"
    assert rig.tell(contact.disconnect, device, new) is True
    assert not rig.look(device).is_online
    assert rig.tell(contact.disconnect, device, new) is False


def test_forget_node_when_a_node_starts_again_then_only_its_own_devices_are_offline(rig):
    product = rig.product()
    mine, other = rig.device(product, "a"), rig.device(product, "b")
    rig.tell(contact.connect, mine, "one", 1)
    rig.tell(contact.connect, other, "two", 1)
    assert rig.tell(contact.forget_node, "one") == 1
    assert not rig.look(mine).is_online
    assert rig.look(other).is_online


def test_connect_when_the_device_was_deleted_meanwhile_then_false(file_rig):
    assert file_rig.tell(contact.connect, 4711, "one", 1) is False


def test_report_versions_when_some_changed_then_only_those_are_told_and_others_stay(rig):
    device = rig.device(rig.product(), module="V1", mcu1="1.0")
    assert rig.look(device).versions == {(0, ""): "V1", (1, "mcu1"): "1.0"}
    assert rig.tell(contact.report_versions, device, "V1", {"mcu1": "1.0"}) == {}
    assert rig.tell(contact.report_versions, device, "V2", {"mcu2": "3"}) == {(0, ""): "V2", (1, "mcu2"): "3"}
    assert rig.look(device).versions == {(0, ""): "V2", (1, "mcu1"): "1.0", (1, "mcu2"): "3"}


def test_report_versions_when_empty_or_hostile_then_nothing_breaks(rig):
    """Section 11.3: an empty text means missing."""
    device = rig.device(rig.product(), module="V1")
    assert rig.tell(contact.report_versions, device, "", {"": "1", "a": ""}) == {}
    odd = {f"c{number}": "1" for number in range(1000)}
    rig.tell(contact.report_versions, device, "V\0\ud800" + "x" * 500, odd)
    versions = rig.look(device).versions
    assert versions[0, ""].startswith("V\u2400")
    assert len(versions) == 65


def test_report_facts_when_partial_then_laid_over_what_was_known(rig):
    device = rig.device(rig.product())
    rig.tell(contact.report_facts, device, {"battery": 80, "voltage": 3.8199999999999, "model": "EC600U"})
    rig.tell(contact.report_facts, device, {"battery": 30, "model": "", "signal": -113, "cell": "460-00-1"})
    found = rig.look(device)
    assert found.facts == {"battery": 30, "voltage": 3.82, "model": "EC600U", "signal": -113, "cell": "460-00-1"}
    assert found.cell == "460-00-1"
    rig.tell(contact.report_facts, device, {"a\0": "b\0\ud800", "odd": float("nan"), "list": [1]})
    rig.tell(contact.report_facts, 4711, {"a": 1})
    assert rig.look(device).facts["odd"] == "nan"


def test_seen_when_many_then_each_has_its_time(rig):
    product = rig.product()
    devices = [rig.device(product, f"d{number}") for number in range(3)]
    rig.db.write(contact.seen, {device: 5.0 + device for device in devices})
    rig.db.write(contact.seen, {})
    assert [rig.look(device).last_seen for device in devices] == [5.0 + device for device in devices]
