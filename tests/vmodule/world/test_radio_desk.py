"""What hostile code can ask of the radio: everything is checked, nothing grows without limit, nobody is told unasked."""

from __future__ import annotations

import random

import pytest

from hand_clock import HandClock
from moduline.vmodule.interpreter.desk import DeskContext
from moduline.vmodule.interpreter.framing import BadFrameError, Call
from moduline.vmodule.interpreter.plan import ModuleFacts, Quirks
from moduline.vmodule.world.radio import Radio
from moduline.vmodule.world.radio_desk import RadioDesk


@pytest.fixture
def told():
    return []


@pytest.fixture
def radio():
    made = Radio(clock=HandClock())
    made.power_on()
    made.clock.advance(1)
    return made


@pytest.fixture
def desk(radio, told):
    facts = ModuleFacts("EC600S", "868540050393723", "D1", "V")
    return RadioDesk(
        radio, DeskContext("t1", facts, Quirks(), lambda *news: told.append(news), lambda *_, **__: None, None)
    )


def ask(desk, op, data=b"", **facts):
    return desk.questions[op](Call({"op": op, **facts}, data))[0]


ACCESS = {"profile": 1, "ip_type": 0, "auth": 0, "apn": "", "user": "", "password": ""}


@pytest.mark.parametrize(
    ("op", "facts"),
    [
        ("data_start", {**ACCESS, "is_patient": False, "profile": 0}),
        ("data_start", {**ACCESS, "is_patient": False, "profile": 9}),
        ("data_start", {**ACCESS, "is_patient": False, "profile": True}),
        ("data_start", {**ACCESS, "is_patient": 1}),
        ("data_start", {**ACCESS, "is_patient": False, "ip_type": 3}),
        ("data_start", {**ACCESS, "is_patient": False, "auth": -1}),
        ("data_start", {**ACCESS, "is_patient": False, "apn": "x" * 100}),
        ("data_start", {**ACCESS, "is_patient": False, "user": "x" * 65}),
        ("data_boot", {**ACCESS, "profile": 99}),
        ("data_info", {"profile": -1}),
        ("data_access", {**ACCESS, "is_new": True, "password": 5}),
        ("data_dns", {"profile": 1, "first": "x" * 65, "second": ""}),
        ("data_auto", {"profile": 1, "is_on": "yes", "what": "connect"}),
        ("sim_text", {"name": "pin"}),
        ("sim_pin", {"act": "steal", "first": "", "second": ""}),
        ("sim_pin", {"act": "verify", "first": "1" * 65, "second": ""}),
        ("sim_contacts", {"storage": 9, "start": "0", "end": 0, "name": ""}),
        ("sim_write_contact", {"storage": 9, "index": 1, "name": "x" * 31, "number": ""}),
        ("net_config", {"mode": 1.5, "roaming": 0}),
        ("net_fun", {}),
        ("sms_send", {"number": "1" * 21, "coding": "GSM"}),
        ("sms_decode", {"pdu": "0" * 5000}),
        ("radio_listen", {"key": "uart2", "is_on": True}),
    ],
)
def test_question_when_it_breaks_the_rules_then_the_child_is_not_trusted(desk, op, facts):
    with pytest.raises(BadFrameError):
        ask(desk, op, **facts)


@pytest.mark.parametrize(
    ("op", "facts", "answer"),
    [
        ("sim_contacts", {"storage": -5, "start": 0, "end": 1 << 60, "name": ""}, []),
        ("sim_write_contact", {"storage": 1 << 60, "index": 1, "name": "", "number": ""}, -1),
        ("net_config", {"mode": 1 << 60, "roaming": -9}, -1),
        ("net_fun", {"level": 1 << 60}, -1),
        ("sms_read", {"index": -(1 << 60)}, -1),
        ("sms_delete", {"index": 1 << 60, "is_all": False}, -1),
        ("sms_places", {"names": "SM,SM"}, -1),
        ("sms_centre", {"number": "٣٣"}, -1),
        ("data_dns", {"profile": 1, "first": "\0", "second": "1.1.1.1"}, -1),
    ],
)
def test_question_when_values_are_absurd_then_refused(desk, op, facts, answer):
    assert ask(desk, op, **facts) == answer


def test_news_when_nobody_listens_then_none_is_sent(desk, radio, told):
    radio.is_hot_plug_on = True
    radio.remove_sim()
    radio.insert_sim()
    radio.clock.advance(10)
    assert told == []
    ask(desk, "radio_listen", key="net", is_on=True)
    radio.lose_network()
    assert told == [("net", [1, 2, 26909, 232301323, 7])]
    ask(desk, "radio_listen", key="net", is_on=False)
    radio.restore_network()
    radio.clock.advance(10)
    assert len(told) == 1


def test_desk_when_the_child_has_ended_then_deaf(desk, radio, told):
    ask(desk, "radio_listen", key="net", is_on=True)
    try:
        desk.close().send(None)
    except StopIteration:
        radio.lose_network()
    assert told == []
    assert radio.is_on


def test_phonebook_when_filled_and_read_by_name_then_the_answer_fits_a_frame(desk):
    for index in range(1, 501):
        ask(desk, "sim_write_contact", storage=9, index=index, name="n" * 30, number="1" * 20)
    assert len(ask(desk, "sim_contacts", storage=9, start=0, end=0, name="n")) == 21


def test_messages_when_sent_without_end_then_only_so_many_are_kept(desk, radio):
    for _ in range(1200):
        assert ask(desk, "sms_send", b"x" * 100, number="10010", coding="GSM") == 0
    assert len(radio.messages.sent) == 1000


def test_calls_when_started_and_stopped_wildly_then_the_clock_has_few_timers(desk, radio):
    dice = random.Random(1)
    for _ in range(3000):
        profile = dice.randrange(1, 9)
        if dice.random() < 0.5:
            ask(desk, "data_start", **{**ACCESS, "profile": profile}, is_patient=dice.random() < 0.5)
        elif dice.random() < 0.5:
            ask(desk, "data_stop", profile=profile)
        else:
            ask(desk, "net_fun", level=dice.choice((0, 1, 4)))
        radio.clock.advance(dice.random() * 0.1)
        assert radio.clock.waiting <= 20
        assert set(radio.data.up) <= set(range(1, 9))
        assert radio.is_registered or not radio.has_data
