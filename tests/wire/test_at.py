"""AT lines for both ends."""

from __future__ import annotations

import pytest

from moduline.wire.at import (
    AtCommand,
    LineDecoder,
    encode_answer,
    encode_command,
    find_imei,
    is_accepted,
    is_final,
    parse_command,
)


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("AT", AtCommand("")),
        ("ATI", AtCommand("I")),
        ("ATE0", AtCommand("E", "execute", "0")),
        ("at+qdownload=1", AtCommand("+QDOWNLOAD", "set", "1")),
        ("AT+QDOWNLOAD", AtCommand("+QDOWNLOAD")),
        ("AT+QDOWNLOAD?", AtCommand("+QDOWNLOAD", "read")),
        ("AT+QDOWNLOAD=?", AtCommand("+QDOWNLOAD", "test")),
        ('AT+SPREF="AUTODLOADER"', AtCommand("+SPREF", "set", '"AUTODLOADER"')),
        ("AT^FORCEDNLD", AtCommand("^FORCEDNLD")),
    ],
)
def test_command_when_parsed_then_name_form_and_argument(line, command):
    assert parse_command(line) == command


@pytest.mark.parametrize("line", ["", "hello", "A", "AT+CSQ garbage", "AT+"])
def test_line_when_no_command_then_none(line):
    assert parse_command(line) is None


@pytest.mark.parametrize("form", ["execute", "read", "set", "test"])
def test_command_when_encoded_then_parses_to_itself(form):
    command = AtCommand("+CFUN", form, "1,1" if form == "set" else "")
    assert parse_command(encode_command(command).decode().removesuffix("\r\n")) == command


def test_lines_when_byte_by_byte_then_the_same():
    stream = b"AT+GSN\r\r\n861234567890123\r\n\r\nOK\r\n"
    decoder = LineDecoder()
    found = [line for byte in stream for line in decoder.feed(bytes([byte]))]
    assert found == LineDecoder().feed(stream) == ["AT+GSN", "861234567890123", "OK"]
    assert find_imei(tuple(found)) == "861234567890123"


def test_line_when_endless_then_is_cut():
    decoder = LineDecoder()
    for _ in range(100):
        assert decoder.feed(b"x" * 1000) == []
    (line,) = decoder.feed(b"\n")
    assert len(line) == 4096


def test_answer_when_encoded_then_ends_with_its_result():
    lines = LineDecoder().feed(encode_answer(("+CSQ: 20,0",)))
    assert lines == ["+CSQ: 20,0", "OK"]
    assert is_final("OK")
    assert is_final("+CME ERROR: operation not supported")
    assert not is_final("+CSQ: 20,0")
    assert is_accepted("OK")
    assert not is_accepted("ERROR")
