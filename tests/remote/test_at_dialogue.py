"""Lines of an AT port and what they are. The lines are typed from 3GPP TS 27.007 and V.250."""

from __future__ import annotations

import pytest

from moduline.remote.at_dialogue import AtDialogue, AtLine


def test_answer_when_it_comes_in_pieces_then_echo_is_left_out_and_its_end_is_known():
    dialogue = AtDialogue()
    dialogue.sent("AT+CSQ")
    said = b"AT+CSQ\r\r\n+CSQ: 24,99\r\n\r\nOK\r\n"
    lines = [line for at in range(len(said)) for line in dialogue.receive(said[at : at + 1])]
    assert lines == [AtLine("info", "+CSQ: 24,99"), AtLine("ok", "OK")]
    assert dialogue.command == ""


@pytest.mark.parametrize(
    ("command", "line", "kind"),
    [
        ("", "+CREG: 1", "unsolicited"),
        ("", "RING", "unsolicited"),
        ("AT+CSQ", "+CREG: 1", "unsolicited"),
        ("AT+CREG?", "+CREG: 0,1", "info"),
        ("AT+CPIN?", "+CPIN: READY", "info"),
        ("AT+CSQ", "RDY", "unsolicited"),
        ("AT+GSN", "860000000000018", "info"),
        ("AT+CSQ", "+CME ERROR: 10", "error"),
        ("AT+CSQ", "ERROR", "error"),
        ("ATD*99#", "CONNECT 150000000", "ok"),
        ("ATD10086;", "NO CARRIER", "error"),
    ],
)
def test_line_when_it_comes_then_it_is_told_what_it_is(command, line, kind):
    dialogue = AtDialogue()
    if command:
        dialogue.sent(command)
    assert dialogue.receive(f"\r\n{line}\r\n".encode()) == [AtLine(kind, line)]


def test_command_when_given_up_then_what_comes_late_is_news():
    dialogue = AtDialogue()
    dialogue.sent("AT+COPS=?")
    dialogue.given_up()
    assert dialogue.receive(b"\r\nOK\r\n") == [AtLine("unsolicited", "OK")]


def test_bytes_when_they_are_no_text_then_nothing_breaks():
    dialogue = AtDialogue()
    assert [line.kind for line in dialogue.receive(bytes(range(256)) * 40 + b"\n")] != []
