from __future__ import annotations

from dataclasses import replace

import pytest

from hand_clock import HandClock
from moduline.vmodule.at_port import COMMANDS, AtAction, AtFacts, AtSession
from moduline.vmodule.world.radio import Radio
from moduline.vmodule.world.radio_plan import RadioPlan, SimPlan

IDENTITY = ("EC600U", "EC600UCNLBR03A01M08", "866981057532206")


def module(**plan):
    """A module that has been on for a minute."""
    clock = HandClock()
    radio = Radio(RadioPlan(**plan), clock)
    radio.power_on()
    clock.advance(60)
    return AtFacts(*IDENTITY, radio, "D1Q21LM0700000001")


def quiet(facts, on_unasked=None):
    """A session without echo."""
    session = AtSession(facts, on_unasked)
    session.receive(b"ATE0\r")
    session.bytes_to_send()
    return session


@pytest.fixture
def port():
    return quiet(module())


def ask(session, line):
    """Answer text and actions of one line."""
    actions = session.receive(line.encode() + b"\r\n")
    return session.bytes_to_send().decode(), actions


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("AT", "\r\nOK\r\n"),
        ("at", "\r\nOK\r\n"),
        ("ATI", "\r\nQuectel\r\n\r\nEC600U\r\n\r\nRevision: EC600UCNLBR03A01M08\r\n\r\nOK\r\n"),
        ("AT+GSN", "\r\n866981057532206\r\n\r\nOK\r\n"),
        ("AT+CGSN", "\r\n866981057532206\r\n\r\nOK\r\n"),
        ("AT+CGSN=1", '\r\n+CGSN: "866981057532206"\r\n\r\nOK\r\n'),
        ("AT+CGSN=?", "\r\nOK\r\n"),
        ("AT+CGMM", "\r\nEC600U\r\n\r\nOK\r\n"),
        ("AT+CGMI", "\r\nQuectel\r\n\r\nOK\r\n"),
        ("AT+CGMR", "\r\nEC600UCNLBR03A01M08\r\n\r\nOK\r\n"),
        ("AT+QGMR", "\r\nEC600UCNLBR03A01M08\r\n\r\nOK\r\n"),
        ("AT+CSQ", "\r\n+CSQ: 24,99\r\n\r\nOK\r\n"),
        ("AT+CPIN?", "\r\n+CPIN: READY\r\n\r\nOK\r\n"),
        ("AT+CFUN?", "\r\n+CFUN: 1\r\n\r\nOK\r\n"),
        ("AT+CFUN=7", "\r\n+CME ERROR: 50\r\n"),
        ("AT+CSQ?", "\r\n+CME ERROR: 4\r\n"),
        ("AT+NOSUCH", "\r\nERROR\r\n"),
        ("AT+NOSUCH?", "\r\nERROR\r\n"),
        ("HELLO", "\r\nERROR\r\n"),
        ("AT+QDOWNLOAD?", "\r\n+CME ERROR: 4\r\n"),
        ("AT+QDOWNLOAD=?", "\r\n+CME ERROR: 4\r\n"),
    ],
)
def test_command_when_sent_then_answered(port, line, answer):
    assert ask(port, line) == (answer, [])


@pytest.mark.parametrize(
    "line", ["AT+QDOWNLOAD", "AT+QDOWNLOAD=1", "at+qdownload=1", "AT+QDOWNLOAD=0", "AT^FORCEDNLD", "AT^FORCEDNLD=1"]
)
def test_download_when_execute_or_any_set_form_then_ok_and_enter(port, line):
    """T30: AT+QDOWNLOAD=1 answers OK and the module enters download mode."""
    assert ask(port, line) == ("\r\nOK\r\n", [AtAction.ENTER_DOWNLOAD])


def test_download_when_module_only_has_the_pin_then_error():
    session = AtSession(replace(module(), has_download_command=False))
    assert ask(session, "AT+QDOWNLOAD=1") == ("AT+QDOWNLOAD=1\r\r\nERROR\r\n", [])


def test_power_when_asked_then_answered_before_it_happens(port):
    assert ask(port, "AT+QPOWD") == ("\r\nOK\r\n\r\nPOWERED DOWN\r\n", [AtAction.POWER_OFF])
    assert ask(port, "AT+CFUN=1,1") == ("\r\nOK\r\n", [AtAction.RESET])


def test_echo_when_on_then_every_byte_comes_back_before_the_answer():
    session = AtSession(module())
    assert session.receive(b"AT+C") == []
    assert session.bytes_to_send() == b"AT+C"
    session.receive(b"SQ\r\nAT\r")
    assert session.bytes_to_send() == b"SQ\r\r\n+CSQ: 24,99\r\n\r\nOK\r\nAT\r\r\nOK\r\n"


def test_echo_when_switched_then_line_of_the_switch_is_still_echoed():
    session = AtSession(module())
    assert ask(session, "ATE0")[0] == "ATE0\r\r\nOK\r\n"
    assert ask(session, "ATE1")[0] == "\r\nOK\r\n"
    assert ask(session, "AT")[0] == "AT\r\r\nOK\r\n"
    assert ask(session, "ATE7")[0] == "ATE7\r\r\nERROR\r\n"


@pytest.mark.parametrize("ending", [b"\r", b"\r\n", b"\n"])
def test_line_when_ended_any_way_then_one_answer(port, ending):
    port.receive(b"AT" + ending + ending)
    assert port.bytes_to_send() == b"\r\nOK\r\n"


def test_line_when_edited_then_backspace_takes_the_last_character(port):
    port.receive(b"AT+CSX\x08Q\r")
    assert port.bytes_to_send() == b"\r\n+CSQ: 24,99\r\n\r\nOK\r\n"


def test_line_when_endless_or_no_text_then_bounded_and_no_traceback(port):
    port.receive(b"A" * 100_000 + b"\r")
    assert port.bytes_to_send() == b"\r\nERROR\r\n"
    port.receive(bytes(range(256)) * 3 + b"\r")
    assert port.bytes_to_send().endswith(b"\r\n")


def test_error_style_when_chosen_then_used(port):
    assert ask(port, "AT+CMEE=2")[0] == "\r\nOK\r\n"
    assert ask(port, "AT+QDOWNLOAD?")[0] == "\r\n+CME ERROR: operation not supported\r\n"
    ask(port, "AT+CMEE=0")
    assert ask(port, "AT+QDOWNLOAD?")[0] == "\r\nERROR\r\n"


def test_sim_when_missing_then_cme_error():
    session = quiet(module(sim=SimPlan(state="absent")))
    assert ask(session, "AT+CPIN?")[0] == "\r\n+CME ERROR: 10\r\n"


def test_port_when_silent_then_nothing_at_all(port):
    port.is_silent = True
    assert ask(port, "AT+GSN") == ("", [])


@pytest.mark.parametrize(("name", "form"), COMMANDS, ids=str)
def test_command_when_given_any_argument_then_ends_with_a_final_result(port, name, form):
    sent = {"execute": "", "read": "?", "set": "=zzz", "test": "=?"}[form]
    answer, _ = ask(port, f"AT{name}{sent}")
    assert "\r\nOK\r\n" in answer or "ERROR" in answer or answer == "0\r"  # ATV: results as numbers
