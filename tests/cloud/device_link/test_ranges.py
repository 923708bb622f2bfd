"""Conditions and ranges, typed from RFC 9110 and section 3.7 of the reference."""

from __future__ import annotations

import pytest

from moduline.cloud.device_link.ranges import Span, decide, http_date

ETAG = '"da39a3ee5e6b4b0d3255bfef95601890afd80709"'
MADE_AT = 1_800_000_000.5
WHOLE = Span(200, 0, 1000)


@pytest.mark.parametrize(
    ("asked", "span"),
    [
        ("bytes=0-0", Span(206, 0, 1)),
        ("bytes=0-999", Span(206, 0, 1000)),
        ("bytes=999-999", Span(206, 999, 1)),
        ("bytes=500-", Span(206, 500, 500)),
        ("bytes=-1", Span(206, 999, 1)),
        ("bytes=-5000", Span(206, 0, 1000)),
        ("bytes=990-5000", Span(206, 990, 10)),
        ("BYTES = 1 - 2 ", Span(206, 1, 2)),
        ("bytes=1000-", Span(416)),
        ("bytes=1000-1001", Span(416)),
        ("bytes=-0", Span(416)),
        ("bytes=0-1,5-6", WHOLE),
        ("bytes=5-4", WHOLE),
        ("bytes=-", WHOLE),
        ("bytes=", WHOLE),
        ("bytes", WHOLE),
        ("", WHOLE),
        ("lines=0-1", WHOLE),
        ("bytes=a-b", WHOLE),
        ("bytes=--1", WHOLE),
        ("bytes=1", WHOLE),
        ("bytes=１-２", WHOLE),
        ("bytes=99999999999999999999-", WHOLE),
    ],
)
def test_range_when_asked_for_then_as_the_standard_says(asked, span):
    assert decide({"Range": asked}, size=1000, etag=ETAG, changed_at=MADE_AT) == span


@pytest.mark.parametrize("asked", ["bytes=0-0", "bytes=0-", "bytes=-1"])
def test_range_when_the_file_is_empty_then_none_fits(asked):
    assert decide({"Range": asked}, size=0, etag=ETAG, changed_at=MADE_AT) == Span(416)


@pytest.mark.parametrize(
    ("headers", "span"),
    [
        ({}, WHOLE),
        ({"If-Match": ETAG}, WHOLE),
        ({"If-Match": "*"}, WHOLE),
        ({"If-Match": f'"x", {ETAG}'}, WHOLE),
        ({"If-Match": '"x"'}, Span(412)),
        ({"If-Match": f"W/{ETAG}"}, Span(412)),
        ({"If-None-Match": ETAG}, Span(304)),
        ({"If-None-Match": f"W/{ETAG}"}, Span(304)),
        ({"If-None-Match": '"x"'}, WHOLE),
        ({"Range": "bytes=0-0", "If-Range": ETAG}, Span(206, 0, 1)),
        ({"Range": "bytes=0-0", "If-Range": '"x"'}, WHOLE),
        ({"Range": "bytes=0-0", "If-Range": f"W/{ETAG}"}, WHOLE),
        ({"Range": "bytes=0-0", "If-Range": "Fri, 15 Jan 2027 08:00:00 GMT"}, Span(206, 0, 1)),
        ({"Range": "bytes=0-0", "If-Range": "Fri, 15 Jan 2027 08:00:01 GMT"}, WHOLE),
        ({"Range": "bytes=0-0", "If-Range": "yesterday"}, WHOLE),
    ],
)
def test_condition_when_given_then_decides_before_the_range(headers, span):
    assert decide(headers, size=1000, etag=ETAG, changed_at=MADE_AT) == span


def test_date_when_written_then_as_http_has_it():
    assert http_date(MADE_AT) == "Fri, 15 Jan 2027 08:00:00 GMT"
