"""The sentence that tells the hands what to do next: what comes first, what is never named, both languages."""

from __future__ import annotations

from dataclasses import replace

import pytest

from moduline.errors import Text
from moduline.line.board import SlotView
from moduline.line.board_words import next_of, word_of
from moduline.line.next_action import next_action


def slot(name, state="empty", *, is_calling=False, told=None):
    view = SlotView(name, state=state, word=word_of(state), next=told or next_of(state))
    return replace(view, is_calling=is_calling)


def test_hands_when_no_slot_is_known_then_connect_the_jig():
    found = next_action([])
    assert (found.kind, found.text.en) == ("wait", "Connect the jig: no slot is known yet")


def test_hands_when_all_are_at_work_then_nothing_is_to_be_touched():
    found = next_action([slot("A1", "burning"), slot("A2", "checking"), slot("A3", "examining")])
    assert found.kind == "wait"
    assert found.text == Text("Leave everything plugged in: 3 at work", "请勿拔出：3 个通道正在进行")


@pytest.mark.parametrize(
    ("state", "kind", "en"),
    [
        ("failed", "bad", "Slot A2 failed: power it again, or put it aside"),
        ("broken", "bad", "This computer failed at slot A2: call the engineer"),
        ("refused", "warn", "Take out slot A2: not for this order"),
        ("waiting", "warn", "Slot A2 was interrupted: power it again"),
        ("aborted", "warn", "Slot A2 was interrupted: power it again"),
        ("passed", "good", "Take out slot A2 and insert a new module"),
        ("empty", "free", "Put a module into slot A2"),
    ],
)
def test_hands_when_one_slot_wants_them_then_it_is_named_and_the_rest_is_not(state, kind, en):
    found = next_action([slot("A1", "burning"), slot("A2", state), slot("A3", "settling"), slot("A4", "pausing")])
    assert (found.kind, found.text.en, found.slots) == (kind, en, ("A2",))


def test_hands_when_a_boot_pin_must_be_held_then_nothing_else_is_said():
    pin = slot("A9", "asking", is_calling=True, told=Text("hold the BOOT pin (7 s)", "请按住 BOOT（7 s）"))
    found = next_action([slot("A1", "failed"), pin])
    assert (found.kind, found.slots) == ("call", ("A9",))
    assert found.text == Text("Slot A9: hold the BOOT pin (7 s)", "通道 A9：请按住 BOOT（7 s）")


def test_hands_when_several_things_are_to_be_done_then_the_two_that_come_first():
    found = next_action([slot("A1", "passed"), slot("A2", "failed"), slot("A3", "empty"), slot("A4", "passed")])
    assert found.kind == "bad"
    assert found.text.en == (
        "Slot A2 failed: power it again, or put it aside; then take out slot A1, A4 and insert a new module"
    )
    assert found.text.zh == "通道 A2 失败：请重新上电，或取出待修；然后请取出通道 A1、A4，放入新模组"


def test_hands_when_many_passed_then_four_are_named_and_the_rest_counted():
    found = next_action([slot(f"A{number}", "passed") for number in range(1, 9)])
    assert found.text.en == "Take out slot A1, A2, A3, A4 and 4 more and insert a new module"
    assert found.text.zh == "请取出通道 A1、A2、A3、A4 等 8 个，放入新模组"


def test_hands_when_the_gang_ends_then_no_module_is_asked_for():
    assert next_action([slot("A1", "empty")], is_ending=True).kind == "wait"
    found = next_action([slot("A1", "passed"), slot("A2", "burning")], is_ending=True)
    assert found.text.en == "Nothing new begins: 1 still at work"
    assert next_action([slot("A1", "passed")], is_ending=True).text.en == "Take out slot A1"


def test_hands_when_a_slot_has_braces_in_its_name_then_it_is_a_name():
    assert "{told}" in next_action([slot("{told}", "failed")]).text.en
