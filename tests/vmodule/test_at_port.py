from __future__ import annotations

import random
import string
from dataclasses import replace

import pytest

from hand_clock import HandClock
from moduline.vmodule.at_port import COMMANDS, AtAction, AtFacts, AtSession
from moduline.vmodule.world.radio import Radio
from moduline.vmodule.world.radio_plan import CellPlan, Neighbour, Point, RadioPlan, RadioTimes, SimPlan

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


# ---- several commands on a line ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("AT+CSQ;+CPIN?", "\r\n+CSQ: 24,99\r\n\r\n+CPIN: READY\r\n\r\nOK\r\n"),
        ("AT+CSQ; +CFUN?;", "\r\n+CSQ: 24,99\r\n\r\n+CFUN: 1\r\n\r\nOK\r\n"),
        ("ATE0V1", "\r\nOK\r\n"),
        ("ATE0+CSQ", "\r\n+CSQ: 24,99\r\n\r\nOK\r\n"),
        ("AT+CSQ;+NOSUCH;+CFUN?", "\r\n+CSQ: 24,99\r\n\r\nERROR\r\n"),
        ("AT+CMEE=2;+CFUN=7;+CSQ", "\r\n+CME ERROR: wrong parameters\r\n"),
        ("AT+CSQ;HELLO WORLD", "\r\n+CSQ: 24,99\r\n\r\nERROR\r\n"),
        ('AT+COPS=1,2,"a;b"', "\r\n+CME ERROR: 30\r\n"),
        ("ATI;+CGMM", "\r\nQuectel\r\n\r\nEC600U\r\n\r\nRevision: EC600UCNLBR03A01M08\r\n\r\nEC600U\r\n\r\nOK\r\n"),
    ],
)
def test_line_when_it_holds_several_commands_then_one_result_and_the_first_fault_ends_it(port, line, answer):
    assert ask(port, line)[0] == answer


def test_line_when_it_holds_thousands_of_commands_then_refused_at_once(port):
    assert ask(port, "AT" + ";".join(["+CSQ"] * 800))[0] == "\r\nERROR\r\n"
    assert ask(port, "AT" + "E0" * 2000)[0] == "\r\nERROR\r\n"


def test_results_when_numbers_are_chosen_then_digits_and_no_leading_line_ends(port):
    assert ask(port, "ATV0")[0] == "0\r"
    assert ask(port, "AT+CSQ")[0] == "+CSQ: 24,99\r\n0\r"
    assert ask(port, "AT+NOSUCH")[0] == "4\r"
    assert ask(port, "ATV1Q1")[0] == ""
    assert ask(port, "AT+CSQ")[0] == "\r\n+CSQ: 24,99\r\n"
    assert ask(port, "ATZE0")[0] == "\r\nOK\r\n"


def test_settings_when_shown_then_as_they_are(port):
    assert ask(port, "AT&V")[0] == "\r\nE: 0\r\n\r\nQ: 0\r\n\r\nV: 1\r\n\r\nOK\r\n"


# ---- SIM and network ---------------------------------------------------------------------------------------------------

UNICOM = {
    "sim": SimPlan(imsi="460105466870381", iccid="89860390845513443049", number="+8618166328752"),
    "cell": CellPlan(
        operator="CHN-UNICOM",
        short_name="UNICOM",
        mnc="01",
        signal=(Point(0, -51.0),),
        neighbours=(Neighbour(110110494, 10, 26909, 2452, -87),),
    ),
}


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("AT+CSQ", "+CSQ: 31,99"),
        ("AT+CSQ=?", "+CSQ: (0-31,99),(0-7,99)"),
        ("AT+CIMI", "460105466870381"),
        ("AT+QCCID", "+QCCID: 89860390845513443049"),
        ("AT+ICCID", "+ICCID: 89860390845513443049"),
        ("AT+CNUM", '+CNUM: ,"+8618166328752",145'),
        ("AT+CREG?", "+CREG: 0,1"),
        ("AT+CEREG?", "+CEREG: 0,1"),
        ("AT+CGREG=2;+CGREG?", '+CGREG: 2,1,"691D","0DD8A30B",7'),
        ("AT+CEREG=?", "+CEREG: (0-2)"),
        ("AT+COPS?", '+COPS: 0,0,"CHN-UNICOM",7'),
        ("AT+COPS=3,2;+COPS?", '+COPS: 0,2,"46001",7'),
        ("AT+COPS=3,1;+COPS?", '+COPS: 0,1,"UNICOM",7'),
        ("AT+COPS=?", '+COPS: (2,"CHN-UNICOM","UNICOM","46001",7),,(0,1,3),(0-2)'),
        ("AT+CGATT?", "+CGATT: 1"),
        ("AT+CGDCONT?", '+CGDCONT: 1,"IP","cmnet","0.0.0.0",0,0'),
        ("AT+QNWINFO", '+QNWINFO: "FDD LTE","46001","LTE BAND 3",1850'),
        (
            'AT+QENG="servingcell"',
            '+QENG: "servingcell","NOCONN","LTE","FDD",460,01,DD8A30B,466,1850,3,5,5,691D,-76,-5,-51,18,-',
        ),
        ('AT+QENG="neighbourcell"', '+QENG: "neighbourcell inter","LTE",2452,10,-,-87,-,-'),
        ("AT+CBC", "+CBC: 0,24,3590"),
        ("AT+CFUN=?", "+CFUN: (0,1,4),(0,1)"),
    ],
)
def test_network_when_asked_then_the_forms_of_27_007(line, answer):
    session = quiet(module(**UNICOM))
    assert ask(session, line)[0] == f"\r\n{answer}\r\n\r\nOK\r\n"


def test_data_call_when_up_then_address_and_state_are_told_and_it_can_be_ended():
    facts = module()
    session = quiet(facts)
    facts.radio.data.dial_at_boot(1, None)
    facts.radio.clock.advance(10)
    assert ask(session, "AT+CGPADDR=1")[0] == '\r\n+CGPADDR: 1,"10.91.44.177"\r\n\r\nOK\r\n'
    assert ask(session, "AT+CGPADDR")[0] == '\r\n+CGPADDR: 1,"10.91.44.177"\r\n\r\nOK\r\n'
    assert ask(session, "AT+CGPADDR=2")[0] == "\r\n+CGPADDR: 2\r\n\r\nOK\r\n"
    assert ask(session, "AT+CGACT?")[0] == "\r\n+CGACT: 1,1\r\n\r\nOK\r\n"
    assert ask(session, "AT+CGACT=0,1;+CGACT?")[0] == "\r\n+CGACT: 1,0\r\n\r\nOK\r\n"
    assert ask(session, "AT+CGACT=1,1")[0] == "\r\nOK\r\n"
    facts.radio.clock.advance(10)
    assert facts.radio.has_data


def test_context_when_set_then_read_back_used_and_taken_back(port):
    assert ask(port, 'AT+CGDCONT=2,"IPV4V6","private.iot"')[0] == "\r\nOK\r\n"
    read = '\r\n+CGDCONT: 1,"IP","cmnet","0.0.0.0",0,0\r\n\r\n+CGDCONT: 2,"IPV4V6","private.iot","0.0.0.0",0,0\r\n\r\nOK\r\n'
    assert ask(port, "AT+CGDCONT?")[0] == read
    assert ask(port, "AT+CGDCONT=2;+CGDCONT?")[0] == '\r\n+CGDCONT: 1,"IP","cmnet","0.0.0.0",0,0\r\n\r\nOK\r\n'


@pytest.mark.parametrize(
    "line",
    ["AT+CGDCONT=0", "AT+CGDCONT=9", 'AT+CGDCONT=1,"PPP","x"', 'AT+CGDCONT=1,"IP","' + "x" * 64 + '"', "AT+CGDCONT=",
     "AT+CGPADDR=0", "AT+CGPADDR=1,x", "AT+CGACT=2,1", "AT+CGACT=1", "AT+CREG=3", "AT+CREG=", "AT+COPS=9",
     "AT+COPS=3,7", 'AT+QENG="other"', "AT+CCLK=now", 'AT+CCLK="21/13/01,00:00:00+32"', "AT+CMEE=3", "AT+QPOWD=2",
     "AT+QLTS=5"],
)  # fmt: skip
def test_set_form_when_the_parameters_are_wrong_then_cme_50(port, line):
    assert ask(port, line)[0] == "\r\n+CME ERROR: 50\r\n"


@pytest.mark.parametrize(
    ("state", "read", "imsi"),
    [("absent", 10, 10), ("pin", None, 11), ("puk", None, 12), ("blocked", 13, 13), ("invalid", 13, 13)],
)
def test_card_when_not_ready_then_the_error_of_its_status(state, read, imsi):
    session = quiet(module(sim=SimPlan(state=state)))
    word = {"pin": "+CPIN: SIM PIN", "puk": "+CPIN: SIM PUK"}.get(state)
    assert ask(session, "AT+CPIN?")[0] == (f"\r\n{word}\r\n\r\nOK\r\n" if word else f"\r\n+CME ERROR: {read}\r\n")
    assert ask(session, "AT+CIMI")[0] == f"\r\n+CME ERROR: {imsi}\r\n"


def test_pin_when_given_by_at_then_the_module_registers():
    facts = module(sim=SimPlan(state="pin"))
    session = quiet(facts)
    assert ask(session, 'AT+CPIN="0000"')[0] == "\r\n+CME ERROR: 16\r\n"
    assert ask(session, 'AT+CPIN="1","2"')[0] == "\r\n+CME ERROR: 50\r\n"
    assert ask(session, "AT+CPIN=1234")[0] == "\r\nOK\r\n"
    assert ask(session, "AT+CPIN?")[0] == "\r\n+CPIN: READY\r\n\r\nOK\r\n"
    assert ask(session, 'AT+CPIN="1234"')[0] == "\r\n+CME ERROR: 3\r\n"
    facts.radio.clock.advance(10)
    assert ask(session, "AT+CREG?")[0] == "\r\n+CREG: 0,1\r\n\r\nOK\r\n"


def test_puk_when_given_by_at_then_ready_with_the_new_pin():
    session = quiet(module(sim=SimPlan(state="puk")))
    assert ask(session, 'AT+CPIN="1234"')[0] == "\r\n+CME ERROR: 50\r\n"
    assert ask(session, 'AT+CPIN="12345678","4321"')[0] == "\r\nOK\r\n"
    assert ask(session, "AT+CPIN?")[0] == "\r\n+CPIN: READY\r\n\r\nOK\r\n"


def test_functionality_when_set_then_the_radio_really_leaves_and_returns():
    facts = module()
    session = quiet(facts)
    facts.radio.data.dial_at_boot(1, None)
    facts.radio.clock.advance(10)
    assert ask(session, "AT+CFUN=4")[0] == "\r\nOK\r\n"
    assert (facts.radio.has_data, facts.radio.functionality) == (False, 4)
    assert ask(session, "AT+CREG?;+COPS?;+CSQ;+QNWINFO")[0] == (
        "\r\n+CREG: 0,0\r\n\r\n+COPS: 0\r\n\r\n+CSQ: 99,99\r\n\r\n+QNWINFO: No Service\r\n\r\nOK\r\n"
    )
    assert ask(session, "AT+CPIN?")[0] == "\r\n+CPIN: READY\r\n\r\nOK\r\n"
    assert ask(session, "AT+CFUN=0;+CPIN?")[0] == "\r\n+CME ERROR: 10\r\n"
    assert ask(session, "AT+CFUN=1;+CFUN?")[0] == "\r\n+CFUN: 1\r\n\r\nOK\r\n"
    facts.radio.clock.advance(10)
    assert facts.radio.has_data


# ---- unasked lines, date, network time -----------------------------------------------------------------------------


def test_registration_when_it_changes_then_said_unasked_at_the_chosen_level():
    facts, heard = module(), []
    session = quiet(facts, lambda: heard.append(session.bytes_to_send().decode()))
    facts.radio.lose_network()
    assert heard == []
    facts.radio.restore_network()
    facts.radio.clock.advance(10)
    ask(session, "AT+CREG=1;+CEREG=2")
    facts.radio.lose_network()
    assert heard == ["\r\n+CREG: 2\r\n\r\n+CEREG: 2\r\n"]
    facts.radio.restore_network()
    facts.radio.clock.advance(10)
    assert heard[1:] == ['\r\n+CREG: 1\r\n\r\n+CEREG: 1,"691D","0DD8A30B",7\r\n']
    session.close()
    facts.radio.lose_network()
    assert len(heard) == 2


def test_registration_when_a_command_changes_it_then_said_behind_its_answer():
    facts, heard = module(), []
    session = quiet(facts, lambda: heard.append(session.bytes_to_send()))
    ask(session, "AT+CREG=1")
    assert ask(session, "AT+CFUN=4")[0] == "\r\nOK\r\n\r\n+CREG: 0\r\n"
    assert heard == []


def test_unasked_lines_when_the_port_is_silent_then_none():
    facts, heard = module(), []
    session = quiet(facts, lambda: heard.append(session.bytes_to_send()))
    ask(session, "AT+CREG=1")
    session.is_silent = True
    facts.radio.lose_network()
    assert heard == []
    assert session.bytes_to_send() == b""


def test_date_when_read_and_set_then_local_time_with_the_zone_in_quarters():
    facts = module()
    facts.radio.clock.rtc.set_to(1_635_228_483)  # 2021-10-26 06:08:03 UTC
    session = quiet(facts)
    assert ask(session, "AT+CCLK?")[0] == '\r\n+CCLK: "21/10/26,14:08:03+32"\r\n\r\nOK\r\n'
    assert ask(session, 'AT+CCLK="20/09/29,08:54:42+32"')[0] == "\r\nOK\r\n"
    assert facts.radio.clock.now_s() == 1_601_340_882  # device-api 10.3
    assert ask(session, 'AT+CCLK="20/09/29,00:54:42-00"')[0] == "\r\nOK\r\n"
    assert facts.radio.clock.now_s() == 1_601_340_882
    assert ask(session, 'AT+CCLK="20/09/29,08:54:42"')[0] == "\r\nOK\r\n"
    assert facts.radio.clock.now_s() == 1_601_340_882


def test_network_time_when_registered_then_told_in_utc_or_local():
    clock = HandClock(1_635_228_483)
    radio = Radio(RadioPlan(times=RadioTimes(0, 0, 0, 0)), clock)
    session = quiet(AtFacts(*IDENTITY, radio))
    assert ask(session, "AT+QLTS")[0] == "\r\n+CME ERROR: 30\r\n"
    radio.power_on()
    clock.advance(0)
    assert ask(session, "AT+QLTS")[0] == '\r\n+QLTS: "21/10/26,06:08:03+32,0"\r\n\r\nOK\r\n'
    assert ask(session, "AT+QLTS=2")[0] == '\r\n+QLTS: "21/10/26,14:08:03+32,0"\r\n\r\nOK\r\n'


def test_commands_when_given_rubbish_in_every_form_then_one_result_and_no_traceback():
    dice = random.Random(3)
    letters = string.printable + '"",,;;==??\xff\0'
    session = quiet(module())
    for name in sorted({name for name, _ in COMMANDS}):
        for _ in range(40):
            rubbish = (
                "".join(dice.choice(letters) for _ in range(dice.randrange(12))).replace("\n", "").replace("\r", "")
            )
            session.receive(f"ATE0V1Q0{name}={rubbish}\r".encode())
            assert session.bytes_to_send().endswith(b"\r\n")
            session.receive(b"\x08" * 300 + b"ATZE0\r")
            assert session.bytes_to_send().endswith(b"OK\r\n")
