"""What main.py prints, cut anywhere: lines, their kinds, the prompt at the end, places in tracebacks."""

from __future__ import annotations

import pytest

from moduline.remote.main_output import LineKind, MainOutput, OutputLine, Place, place_in

PRINTED = (
    b"mount.\r\n"
    b"INFO:main:METER 1.0.0\r\n"
    b"WARN:net:weak\r\n"
    b"ERROR:net:no answer\r\n"
    b"[ERROR] handmade\r\n"
    b"ERRORS are fine\r\n"
    b"Traceback (most recent call last):\r\n"
    b'  File "/usr/main.py", line 3, in <module>\r\n'
    b"ZeroDivisionError: divide by zero\r\n"
    b"Quecpython v1.12 on 2022-05-18 ; EC600U with QUECTEL \r\n"
    b' Type "help()" for more information.\r\n'
    b">>> "
)
KINDS = [
    "plain",
    "plain",
    "warning",
    "error",
    "error",
    "plain",
    "traceback",
    "traceback",
    "exception",
    "plain",
    "plain",
]


@pytest.mark.parametrize("size", [1, 2, 7, 10_000])
def test_output_when_cut_anywhere_then_the_same_lines(size):
    output, lines = MainOutput(), []
    for at in range(0, len(PRINTED), size):
        lines += output.feed(PRINTED[at : at + size])
    assert [line.kind.value for line in lines] == KINDS
    assert [line.text for line in lines] == PRINTED.decode().split("\r\n")[:-1]
    assert output.has_ended
    assert output.traceback.endswith("ZeroDivisionError: divide by zero")
    assert output.rest() == []


def test_begin_when_restarted_then_what_was_before_does_not_count():
    output = MainOutput()
    output.feed(PRINTED)
    assert output.has_printed("METER 1.0.0")
    output.begin()
    assert not output.has_ended
    assert not output.traceback
    assert not output.has_printed("METER")
    output.feed(b"first ha")
    assert output.has_printed("first ha")
    assert output.rest() == [OutputLine("first ha")]


def test_text_when_cut_by_a_line_end_of_the_wire_then_still_found():
    output = MainOutput()
    output.feed("温度 2".encode()[:4])
    output.feed("温度 2".encode()[4:])
    assert output.has_printed("温度 2")


def test_line_when_endless_then_shown_in_pieces():
    output = MainOutput()
    lines = output.feed(b"x" * 10_000)
    assert [len(line.text) for line in lines] == [4096, 4096]
    assert len(output.rest()[0].text) == 10_000 - 2 * 4096


def test_bytes_when_no_text_then_replaced():
    assert MainOutput().feed(b"\xff\xfe\n")[0] == OutputLine("\ufffd\ufffd", LineKind.PLAIN)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('  File "/usr/main.py", line 12, in f', Place("/usr/main.py", 12, 8, 20)),
        ('  File "<stdin>", line 1, in <module>', Place("<stdin>", 1, 8, 15)),
        ("  File main.py, line 1", None),
        ("ZeroDivisionError: divide by zero", None),
    ],
)
def test_place_when_in_a_line_then_found(text, place):
    assert place_in(text) == place
    if place is not None:
        assert text[place.start : place.end] == place.file
