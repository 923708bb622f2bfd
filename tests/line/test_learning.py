"""Slots learnt by plugging in: no human, no hub."""

from __future__ import annotations

import asyncio

import pytest

from moduline.errors import BadOption, NoModule
from moduline.line.learning import forget, learn
from moduline.port import registry
from moduline.port.listing import read_slots, virtual_ports, write_slots
from moduline.port.registry import ModuleEntry, PortEntry

RACK = "jig"


def plug(number, rack=RACK):
    place = f"virt-{rack}-{number}"
    port = PortEntry("at", f"/dev/none{number}", 0x2C7C, 0x0901, "Quectel USB AT Port", place)
    registry.publish(ModuleEntry(f"m{number}", rack, "EC600U", "", f"V{number}", "running", (port,)))


def unplug(number, rack=RACK):
    registry.publish(ModuleEntry(f"m{number}", rack, "EC600U", "", f"V{number}", "off", ()))


class Hand:
    """Does something at each question or remark, as a person would."""

    def __init__(self, **acts):
        self.acts, self.told = acts, []

    def __call__(self, event):
        self.told.append((event.slug.removeprefix("learn."), event.where))
        act = self.acts.get(f"{event.slug.removeprefix('learn.')}_{event.where}")
        if act is not None:
            asyncio.get_running_loop().call_soon(act)


def lesson(slots, limit_s=30.0, **acts):
    hand = Hand(**acts)
    found = asyncio.run(learn(RACK, slots, hand, limit_s))
    return found, hand.told


def test_places_when_plugged_in_one_after_the_other_then_each_is_named():
    found, told = lesson(["A1", "A2"], ask_A1=lambda: plug(5), ask_A2=lambda: plug(3))
    assert [(one.slot, one.place, one.what) for one in found] == [
        ("A1", "virt-jig-5", "EC600U"),
        ("A2", "virt-jig-3", "EC600U"),
    ]
    assert told == [("ask", "A1"), ("named", "A1"), ("ask", "A2"), ("named", "A2")]
    assert read_slots() == {RACK: {"A1": "virt-jig-5", "A2": "virt-jig-3"}}
    assert {port.name: port.slot for port in virtual_ports(RACK)} == {"m5": "A1", "m3": "A2"}


def test_place_when_it_has_a_name_then_refused_and_the_slot_is_asked_for_again():
    write_slots(RACK, [("B9", "virt-jig-1")])
    found, told = lesson(["A1"], ask_A1=lambda: plug(1), taken_A1=lambda: plug(2))
    assert [(one.slot, one.place) for one in found] == [("A1", "virt-jig-2")]
    assert told[:2] == [("ask", "A1"), ("taken", "A1")]


def test_module_when_it_was_there_before_then_it_counts_only_after_it_left():
    plug(7)

    def again():
        unplug(7)
        asyncio.get_running_loop().call_later(0.4, plug, 7)

    found, _ = lesson(["A1"], ask_A1=again)
    assert [one.place for one in found] == ["virt-jig-7"]


def test_modules_when_two_arrive_at_once_then_neither_is_taken():
    def both():
        plug(1)
        plug(2)

    def one_alone():
        asyncio.get_running_loop().call_later(0.1, plug, 3)

    found, told = lesson(["A1"], ask_A1=both, several_A1=one_alone)
    assert [one.place for one in found] == ["virt-jig-3"]
    assert ("several", "A1") in told


def test_lesson_when_broken_off_then_taken_up_where_it_was():
    with pytest.raises(NoModule):
        lesson(["A1", "A2"], limit_s=1.0, ask_A1=lambda: plug(1))
    assert read_slots() == {RACK: {"A1": "virt-jig-1"}}
    found, told = lesson(["A1", "A2"], ask_A2=lambda: plug(2))
    assert [one.slot for one in found] == ["A2"]
    assert told[0] == ("known", "A1")


def test_slot_when_forgotten_then_its_place_is_free_again():
    write_slots(RACK, [("A1", "x"), ("A2", "y")])
    assert forget(RACK, ["A2", "A3"]) == ["A2"]
    assert read_slots() == {RACK: {"A1": "x"}}
    write_slots(RACK, [("B1", "y")])
    assert forget(RACK, ["A1", "B1"]) == ["A1", "B1"]
    assert read_slots() == {}


def test_module_of_another_rack_when_it_arrives_then_it_is_not_meant():
    def strange_first():
        plug(1, rack="other")
        asyncio.get_running_loop().call_later(0.5, plug, 2)

    found, _ = lesson(["A1"], ask_A1=strange_first)
    assert [one.place for one in found] == ["virt-jig-2"]


@pytest.mark.parametrize("slots", [[], ["A1", "A1"], ["A 1"], ["A=1"], ["rack/A1"], [""], [str(n) for n in range(65)]])
def test_slots_when_they_cannot_be_names_then_bad_option(slots):
    with pytest.raises(BadOption):
        asyncio.run(learn(RACK, slots))


def test_place_when_mapped_to_a_second_slot_then_refused_and_nothing_is_written():
    write_slots(RACK, [("A1", "1-2.1")])
    for rack, slot in ((RACK, "A2"), ("other", "A1")):
        with pytest.raises(BadOption):
            write_slots(rack, [(slot, "1-2.1")])
    assert read_slots() == {RACK: {"A1": "1-2.1"}}
    write_slots(RACK, [("A2", "1-2.1"), ("A1", "")])
    assert read_slots() == {RACK: {"A2": "1-2.1"}}
