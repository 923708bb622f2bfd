"""``text/event-stream`` as the pages read it: whole, byte by byte, and hostile.

Source: WHATWG HTML, Server-sent events, 9.2.6.
"""

from __future__ import annotations

import pytest

from moduline.web.console.live import MOST_LINE, EventLines

STREAM = (
    "retry: 2000\n\n: nothing new\n\n"
    'id: 7\nevent: plan.started\ndata: {"id": 7, "event": "plan.started", "data": {"name": "三月"}}\n\n'
    'id: 8\r\nevent: x\r\ndata:{"id": 8,\r\ndata: "event": "x"}\r\n\r\n'
).encode()
FOUND = [{"id": 7, "event": "plan.started", "data": {"name": "三月"}}, {"id": 8, "event": "x"}]


@pytest.mark.parametrize("size", [1, 2, 7, len(STREAM)])
def test_stream_when_cut_anywhere_then_the_same_events(size):
    lines = EventLines()
    found = []
    for at in range(0, len(STREAM), size):
        found += lines.feed(STREAM[at : at + size])
    assert found == FOUND


@pytest.mark.parametrize("data", [b"{", b"[]", b"5", b"\xff\xfe", b"null", b""], ids=str)
def test_event_when_it_is_no_object_then_passed_over_and_the_next_is_heard(data):
    lines = EventLines()
    assert lines.feed(b"data: " + data + b'\n\ndata: {"event": "y"}\n\n') == [{"event": "y"}]


def test_line_when_endless_then_not_kept():
    lines = EventLines()
    assert lines.feed(b"data: " + b"x" * (MOST_LINE + 10)) == []
    assert lines.feed(b'\n\ndata: {"event": "y"}\n\n') == [{"event": "y"}]
