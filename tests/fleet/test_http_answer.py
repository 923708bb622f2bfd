"""Answers as the vendor's client reads them: ota-semantics 11.6 and 12, trap 4."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moduline.fleet.download import place_of
from moduline.fleet.http_answer import AnswerReader, Reading

BODY = b"0123456789"


def answer(head, body=BODY):
    return head.replace(b"\n", b"\r\n") + b"\r\n\r\n" + body


def read(data, wanted=10, *, is_from_start=True, step=1):
    reader = AnswerReader(wanted, is_from_start=is_from_start)
    body = b"".join(reader.feed(data[at : at + step]) for at in range(0, len(data), step))
    return reader.state, body


@pytest.mark.parametrize("step", [1, 7, 4096])
@pytest.mark.parametrize("status", [b"200 OK", b"206 Partial Content"])
def test_answer_when_right_then_complete(step, status):
    whole = answer(b"HTTP/1.1 " + status + b"\nServer: x\nContent-Length: 10")
    assert read(whole, step=step) == (Reading.COMPLETE, BODY)


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\ncontent-length: 10",  # uvicorn
        b"HTTP/1.1 200 OK\nContent-Length:10",
        b"HTTP/1.1 200 OK\nTransfer-Encoding: chunked",
    ],
)
def test_answer_when_its_length_is_not_understood_then_never_complete(head):
    assert read(answer(head)) == (Reading.BODY, b"")


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.0 200 OK\nContent-Length: 10",
        b"http/1.1 200 OK\nContent-Length: 10",
        b"HTTP/1.1 404 Not Found\nContent-Length: 10",
        b"HTTP/1.1 302 Found\nLocation: http://h/g",
        b"HTTP/1.1 xyz\nContent-Length: 10",
        b"HTTP/1.1 206 Partial Content\nContent-Length: 11",
        b"HTTP/1.1 200 OK\nContent-Length: 9",
        b"HTTP/1.1 200 OK\nContent-Length: -10",
        b"HTTP/1.1 200 OK\nContent-Length: 99999999999999999999",
        b"HTTP/1.1 200 OK\nX: " + b"x" * 5000,
    ],
)
def test_answer_when_wrong_then_refused(head):
    assert read(answer(head)) == (Reading.REFUSED, b"")


def test_answer_when_the_range_is_ignored_then_the_wanted_head_counts():
    whole = answer(b"HTTP/1.1 200 OK\nContent-Length: 10")
    assert read(whole, 4) == (Reading.COMPLETE, b"0123")
    assert read(whole, 4, is_from_start=False) == (Reading.REFUSED, b"")


def test_answer_when_more_follows_then_not_read():
    whole = answer(b"HTTP/1.1 200 OK\nContent-Length: 10", BODY + b"more")
    assert read(whole, step=4096) == (Reading.COMPLETE, BODY)


@given(st.binary(max_size=600), st.integers(1, 100))
def test_answer_when_garbage_then_nothing_is_raised_and_nothing_complete(data, step):
    state, body = read(data, 5000, step=step)
    assert state in {Reading.HEAD, Reading.REFUSED, Reading.BODY}
    assert len(body) < 5000


def test_url_when_usable_then_says_where():
    place = place_of("http://h:81/a/b?t=1")
    assert (place.host, place.port, place.path, place.authority) == ("h", 81, "/a/b?t=1", "h:81")
    assert place_of("https://h/x").port == 443


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://h/x",
        "http://",
        "http://h:99999/",
        "http://h/a b",
        "http://h/\r\nX: y",
        "http://u:p@h/",
        "http://h/" + "x" * 600,
    ],
)
def test_url_when_not_usable_then_none(url):
    assert place_of(url) is None
