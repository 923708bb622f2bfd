"""Filters that the database decides: the same devices as the rules find, on every database."""

from __future__ import annotations

import pytest

from moduline.cloud.devices import DeviceFilter, contact, service
from moduline.cloud.plans import scope
from moduline.cloud.plans.filters import parse_filter
from moduline.cloud.views import deciding, lists

FILTERS = [
    "tag==pilot",
    "tag!=pilot",
    "tag==PIL*",
    "tag=in=(pilot,site);version<V1.10",
    "tag=out=(pilot,nobody)",
    "attr.site==berlin",
    "attr.site!=berlin",
    "attr.site=='b*n'",
    "attr.site==*",
    "attr.site=='*Ü*'",
    "attr.site==strasse",
    "attr.batch<10",
    "attr.batch>=7",
    "attr.none==1",
    "attr.none!=1",
    "version==v1.9",
    "version<V1.10",
    "version!=V1.9",
    "version>=V1.9,attr.site==berlin",
    "(tag==pilot,version==V2);dk!=860001",
    "mcu.mcu1==1.0",
    "mcu.mcu1!=1.0",
    "mcu.other<9",
    "cell==c7",
    "cell!=c7",
    "cell==*",
    "model==ec600u",
    "model!=EC600U",
    "model=='EC*'",
    "fact.battery<50",
    "fact.battery!=80",
    "fact.roaming==true",
    "fact.note=='ein \\\\'",
    "dk==86*",
    "dk!=*2",
    "dk=='8%'",
    "dk=='86_001'",
    "dk=='*'",
    "dk<860002",
    "dk==ſ*",
    "dk==LAMP*",
    "dk=='\0';tag!=x",
    "dk<860002;version==V1.9",
    "dk<860002,tag==pilot",
]


@pytest.fixture
def fleet(rig):
    """Devices that differ in all that a filter may ask."""
    product = rig.product()
    one = rig.device(product, "860001", module="V1.9", mcu1="1.0")
    two = rig.device(product, "860002", module="V1.10")
    three = rig.device(product, "860003", module="V2", mcu1="1.1")
    rig.device(rig.product("other"), "Lamp-7", module="V1.9")
    rig.act(service.add, product.id, "86x001")
    rig.tell(contact.report_facts, one, {"cell": "c7", "model": "EC600U", "battery": 80, "roaming": True})
    rig.tell(contact.report_facts, two, {"cell": "C7", "model": "ec600u", "battery": 9, "roaming": False})
    rig.tell(contact.report_facts, three, {"model": None, "battery": 33.0, "note": "ein \\"})
    rig.act(service.tag, [one], {"pilot": "", "site": "Berlin", "batch": "7"})
    rig.act(service.tag, [two], {"PILOT": "", "site": "GRÜNAU", "batch": "12"})
    rig.act(service.tag, [three], {"site": "Straße", "batch": "v3"})
    return rig


def by_rules(rig, text):
    known = parse_filter(text)
    found = rig.see(lambda conn, actor: list(service.scan(conn, actor=actor)))
    return [one.dk for one in found if known.holds(scope.ruled(one).names)]


def test_filter_when_the_database_decides_then_it_means_the_same_devices_as_the_rules(fleet):
    """One test over the whole list, for a database server is asked once."""
    for text in FILTERS:
        page, count = fleet.see(lists.counted, DeviceFilter(), text)
        assert ([one.dk for one in page.items], count) == (by_rules(fleet, text), len(page.items)), text
        assert fleet.see(lists.count, DeviceFilter(), text) == count, text


@pytest.mark.parametrize(("few", "most"), [(1, 200_000), (1, 1)])
def test_filter_when_there_are_many_or_too_many_values_then_it_means_the_same_devices(fleet, monkeypatch, few, most):
    monkeypatch.setattr(deciding, "FEW", few)
    monkeypatch.setattr(deciding, "MOST", most)
    for text in FILTERS:
        page, count = fleet.see(lists.counted, DeviceFilter(), text)
        assert ([one.dk for one in page.items], count) == (by_rules(fleet, text), len(page.items)), text


def test_filter_when_it_is_about_values_then_the_database_needs_no_rules(file_rig, monkeypatch):
    decided = file_rig.see(
        lambda conn, actor: deciding.decide(conn, parse_filter("tag==a;version<2;attr.b==c;dk==8*,model==x"))
    )
    assert decided.is_whole
    monkeypatch.setattr(deciding, "MOST", 0)
    file_rig.device(file_rig.product(), "860001")
    assert not file_rig.see(lambda conn, actor: deciding.decide(conn, parse_filter("dk<8"))).is_whole


def test_page_when_it_is_asked_how_many_then_the_count_is_that_of_all_pages(fleet):
    page, count = fleet.see(lists.counted, DeviceFilter(), "dk==86*", limit=2)
    assert (len(page.items), count) == (2, 4)
    rest, again = fleet.see(lists.counted, DeviceFilter(), "dk==86*", after=page.next_after, limit=2)
    assert (len(rest.items), again, rest.next_after) == (2, 4, None)


def test_find_when_it_is_the_beginning_of_a_key_or_of_a_line_number_then_it_is_found(fleet):
    one = fleet.see(service.page, DeviceFilter(dk="860003")).items[0]
    fleet.act(service.tag, [one.id], {"line.unit": "SN-77", "other": "SN-77"})

    def found(text):
        return [each.dk for each in fleet.see(service.page, DeviceFilter(find=text)).items]

    assert found("86000") == ["860001", "860002", "860003"]
    assert found("SN-7") == found("sn-7") == ["860003"]
    assert found("86X") == ["86x001"]
    assert found("N-7") == found("%") == found("_") == []
