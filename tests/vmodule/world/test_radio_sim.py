"""The card: PIN and PUK as 3GPP TS 31.101 has them, identity, phonebook.  Source: device-api 9.2; DOC23 ``sim``."""

from __future__ import annotations

import pytest

from moduline.vmodule.world.radio_plan import Contact, SimPlan
from moduline.vmodule.world.sim import SimCard

READY, PIN, PUK, INITIALISING, BLOCKED, INVALID = 1, 2, 3, 18, 19, 20


def card(**plan):
    made = SimCard(SimPlan(**plan))
    made.start()
    return made


@pytest.mark.parametrize(
    ("state", "status"),
    [("absent", 0), ("ready", READY), ("pin", PIN), ("puk", PUK), ("blocked", BLOCKED), ("invalid", INVALID)],
)
def test_status_when_started_then_as_planned(state, status):
    assert card(state=state).status == status


def test_status_when_not_started_then_initialising():
    assert SimCard(SimPlan()).status == INITIALISING


def test_pin_when_right_then_ready_until_the_supply_goes():
    sim = card(state="pin")
    assert sim.verify("1234")
    assert sim.status == READY
    sim.stop()
    sim.start()
    assert sim.status == PIN


def test_pin_when_wrong_three_times_then_only_the_puk_helps():
    sim = card(state="pin")
    assert [sim.verify("0000") for _ in range(3)] == [False] * 3
    assert sim.status == PUK
    assert not sim.verify("1234")
    assert not sim.unblock("00000000", "5678")
    assert sim.unblock("12345678", "5678")
    assert sim.status == READY
    sim.stop()
    sim.start()
    assert sim.verify("5678")


def test_pin_when_right_in_between_then_tries_are_full_again():
    sim = card(state="pin")
    for _ in range(2):
        sim.verify("0000")
    assert sim.verify("1234")
    sim.stop()
    sim.start()
    assert [sim.verify("0000") for _ in range(2)] == [False, False]
    assert sim.status == PIN


def test_puk_when_wrong_ten_times_then_the_card_is_lost():
    sim = card(state="puk")
    assert [sim.unblock("00000000", "1234") for _ in range(10)] == [False] * 10
    assert sim.status == BLOCKED
    assert not sim.unblock("12345678", "1234")


def test_pin_when_switched_on_and_off_then_asked_for_accordingly():
    sim = card()
    assert not sim.change("1234", "4321")  # only while it is asked for
    assert not sim.want_pin("9999", is_wanted=True)
    assert sim.want_pin("1234", is_wanted=True)
    assert sim.status == READY
    assert sim.change("1234", "4321")
    sim.stop()
    sim.start()
    assert (sim.status, sim.verify("4321")) == (PIN, True)
    assert sim.want_pin("4321", is_wanted=False)
    sim.stop()
    sim.start()
    assert sim.status == READY


@pytest.mark.parametrize("pin", ["", "123", "123456789", "12a4", "１２３４"])
def test_pin_when_it_is_none_then_refused_and_not_counted(pin):
    sim = card(state="pin")
    assert [sim.verify(pin) for _ in range(5)] == [False] * 5
    assert sim.status == PIN
    assert not card(state="puk").unblock("12345678", pin)


def test_phonebook_when_read_by_number_and_by_name_then_as_the_documents_show():
    names = (("Tom", "15544272539"), ("Pony", "15544272539"), ("Jay", "18144786859"), ("Pondy", "15544282538"))
    book = tuple(Contact(place, *entry) for place, entry in enumerate(names, 1))
    sim = card(phonebook=book)
    assert sim.contacts(9, 1, 4, "") == list(book)
    assert sim.contacts(9, 0, 0, "Tom") == [book[0]]
    assert sim.contacts(9, 0, 0, "Pon") == [book[1], book[3]]
    assert sim.contacts(9, 5, 20, "") == []
    assert sim.contacts(0, 1, 20, "") == []


def test_phonebook_when_written_then_kept_over_power_and_erased_by_nothing():
    sim = card()
    assert sim.write_contact(9, 500, "Ann", "+123")
    assert not sim.write_contact(9, 501, "Bob", "1")
    assert not sim.write_contact(16, 1, "Bob", "1")
    sim.stop()
    assert sim.contacts(9, 500, 500, "") is None
    sim.start()
    assert sim.contacts(9, 490, 510, "") == [Contact(500, "Ann", "+123")]
    assert sim.write_contact(9, 500, "", "")
    assert sim.contacts(9, 490, 510, "") == []


def test_own_number_when_written_to_its_storage_then_it_is_that():
    sim = card(number="")
    assert sim.number == ""
    sim.write_contact(7, 1, "", "+8618166328752")
    assert sim.number == "+8618166328752"
