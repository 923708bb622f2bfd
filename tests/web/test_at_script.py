"""Scripts of AT commands: how they are written, and when an answer is what they want."""

from __future__ import annotations

import pytest

from moduline.errors import BadOption
from moduline.remote.at_session import AtAnswer
from moduline.web.studio.at_commands import COMMANDS, commands_like
from moduline.web.studio.at_script import AtStep, is_met, parse_script


def test_script_when_written_then_its_steps():
    assert parse_script("# power\nAT\n\n at+cpin? => READY\nwait 0.5\nAT+CFUN=9 => ERROR\n") == [
        AtStep("AT"),
        AtStep("at+cpin?", "READY"),
        AtStep("", wait_s=0.5),
        AtStep("AT+CFUN=9", "ERROR"),
    ]


@pytest.mark.parametrize(
    "text", ["", "# only words", "hello", "wait x", "wait -1", "wait nan", "wait 601", "AT\n" * 201, "AT\x07"]
)
def test_script_when_it_is_none_then_it_is_refused(text):
    with pytest.raises(BadOption):
        parse_script(text)


@pytest.mark.parametrize(
    ("expected", "lines", "result", "met"),
    [
        ("", ("+CSQ: 24,99",), "OK", True),
        ("", (), "ERROR", False),
        ("READY", ("+CPIN: READY",), "OK", True),
        ("READY", ("+CPIN: SIM PIN",), "OK", False),
        ("READY", ("+CPIN: READY",), "ERROR", False),
        ("ERROR", (), "+CME ERROR: 10", True),
        ("ERROR", (), "OK", False),
        ("+CME ERROR: 10", (), "+CME ERROR: 10", True),
        ("CONNECT", (), "CONNECT 9600", True),
    ],
)
def test_answer_when_compared_then_it_is_met_or_not(expected, lines, result, met):
    assert is_met(AtStep("AT", expected), AtAnswer("AT", lines, result)) is met


def test_list_when_searched_then_in_commands_and_in_both_languages():
    assert [one.command for one in commands_like("cgsn imei")] == ["AT+CGSN"]
    assert "AT+CSQ" in [one.command for one in commands_like("信号")]
    assert commands_like("") == list(COMMANDS)
    assert commands_like("no such thing") == []
