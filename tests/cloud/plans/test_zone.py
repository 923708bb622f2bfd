"""Wall clock of a plan: zones, grid, windows, planned start and end.  Source: ota-semantics 6.

Instants are typed: dates of the changes of clocks are those of the IANA database.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moduline.cloud.plans.zone import (
    Window,
    check_local,
    check_windows,
    check_zone,
    grid_at_or_before,
    is_due,
    is_open,
    merge,
    next_grid,
    next_open,
    to_utc,
    zone_names,
)


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def shown(instant):
    return datetime.fromtimestamp(instant, UTC).strftime("%Y-%m-%dT%H:%M")


# ---- zones ----------------------------------------------------------------------------------------------------------


def test_zone_when_asked_then_every_iana_name_and_nothing_else():
    assert {"Asia/Shanghai", "Europe/Berlin", "UTC", "America/Argentina/Ushuaia"} <= zone_names()
    for name in ("Asia/Shanghai", "UTC"):
        assert check_zone(name) == ()
    for name in (
        "",
        "Asia",
        "asia/shanghai",
        "../../etc/passwd",
        "/etc/localtime",
        "localtime",
        "Asia/Shanghai\x00",
        "x" * 999,
    ):
        (problem,) = check_zone(name)
        assert problem.field == "zone"
        assert len(problem.say("zh")) < 200


# ---- planned start and end ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("local", "zone", "instant"),
    [
        ("2026-11-21T10:00", "Asia/Shanghai", "2026-11-21T02:00"),
        ("2026-11-21 10:00", "Asia/Shanghai", "2026-11-21T02:00"),
        ("2026-07-01T12:00", "Europe/Berlin", "2026-07-01T10:00"),
        ("2026-03-29T01:59", "Europe/Berlin", "2026-03-29T00:59"),
        ("2026-03-29T02:00", "Europe/Berlin", "2026-03-29T01:00"),  # does not exist: 03:00
        ("2026-03-29T02:30", "Europe/Berlin", "2026-03-29T01:00"),
        ("2026-03-29T02:59", "Europe/Berlin", "2026-03-29T01:00"),
        ("2026-03-29T03:00", "Europe/Berlin", "2026-03-29T01:00"),
        ("2026-10-25T02:30", "Europe/Berlin", "2026-10-25T00:30"),  # happens twice: the first
        ("2026-10-25T03:00", "Europe/Berlin", "2026-10-25T02:00"),
        ("2026-03-08T02:30", "America/New_York", "2026-03-08T07:00"),
        ("2026-11-01T01:30", "America/New_York", "2026-11-01T05:30"),
        ("2026-10-04T02:10", "Australia/Lord_Howe", "2026-10-03T15:30"),  # half an hour is skipped: 02:30
        ("2011-12-30T12:00", "Pacific/Apia", "2011-12-30T10:00"),  # a whole day is skipped: the 31st, 00:00
        ("2018-05-04T23:45", "Asia/Pyongyang", "2018-05-04T15:00"),  # 23:30 -> 24:00
        ("2026-11-21T10:00", "Asia/Kathmandu", "2026-11-21T04:15"),
    ],
)
def test_local_time_when_converted_then_skipped_moves_forward_and_repeated_is_the_first(local, zone, instant):
    assert shown(to_utc(local, zone)) == instant


@pytest.mark.parametrize("text", ["", "2026-11-21", "2026-13-01T00:00", "2026-02-29T00:00", "2026-11-21T24:00", "2026-11-21T10:60", "2026-11-21T10:00Z", "1900-01-01T00:00", "9999-12-31T23:59", "２０２６-11-21T10:00"])  # fmt: skip
def test_local_time_when_none_then_refused(text):
    (problem,) = check_local("start", text)
    assert problem.field == "start"


def test_local_time_when_a_leap_day_or_near_the_edges_then_taken():
    for text in ("2028-02-29T23:59", "1971-01-01T00:00", "9998-12-31T23:59"):
        assert check_local("end", text) == ()
        for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago", "Europe/Berlin"):
            to_utc(text, zone)


# ---- windows --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("windows", "merged"),
    [
        ([], []),
        ([(8, 10)], [(8, 10)]),
        ([(8, 10), (9, 12)], [(8, 12)]),
        ([(8, 10), (10, 12)], [(8, 12)]),
        ([(14, 16), (8, 10)], [(8, 10), (14, 16)]),
        ([(22, 2)], [(22, 2)]),
        ([(22, 2), (1, 3)], [(22, 3)]),
        ([(22, 24), (0, 2)], [(22, 2)]),
        ([(22, 0)], [(22, 24)]),
        ([(0, 24)], [(0, 24)]),
        ([(5, 5)], [(0, 24)]),
        ([(0, 12), (12, 24)], [(0, 24)]),
        ([(23, 1), (2, 3)], [(2, 3), (23, 1)]),
        ([(8, 10), (8, 10)], [(8, 10)]),
    ],
)
def test_windows_when_merged_then_the_fewest(windows, merged):
    assert merge(Window(*one) for one in windows) == tuple(Window(*one) for one in merged)


windows_of_a_day = st.lists(st.builds(Window, st.integers(0, 23), st.integers(0, 24)), max_size=6)


@settings(deadline=None)
@given(windows_of_a_day)
def test_windows_when_merged_then_the_same_hours_apart_and_merging_again_changes_nothing(windows):
    merged = merge(windows)
    assert {hour for one in merged for hour in one.hours} == {hour for one in windows for hour in one.hours}
    assert sum(len(one.hours) for one in merged) == len({hour for one in merged for hour in one.hours})
    assert merge(merged) == merged


@pytest.mark.parametrize(
    ("start", "end"), [(-1, 5), (24, 5), (5, 25), (5, -1), (5.5, 7), (True, 7), ("5", 7), (None, 7)]
)
def test_windows_when_not_whole_hours_of_a_day_then_refused(start, end):
    assert [problem.field[:10] for problem in check_windows([Window(start, end)])] == ["windows[0]"]


def test_windows_when_crossing_midnight_then_open_on_both_days():
    night = [Window(22, 2)]
    zone = "Asia/Shanghai"
    for local, expected in (("21:59", False), ("22:00", True), ("23:59", True)):
        assert is_open(night, zone, to_utc(f"2026-11-21T{local}", zone)) is expected
    for local, expected in (("00:00", True), ("01:59", True), ("02:00", False)):
        assert is_open(night, zone, to_utc(f"2026-11-22T{local}", zone)) is expected


def test_windows_when_none_then_always_open():
    assert is_open([], "Asia/Shanghai", 0.0)


def test_window_when_its_hour_is_skipped_then_never_open_that_day():
    window = [Window(2, 3)]
    day = [utc("2026-03-29T00:00") + 600 * k for k in range(-12, 132)]  # 29 March in Berlin
    assert not any(is_open(window, "Europe/Berlin", at) for at in day)
    assert shown(next_open(window, "Europe/Berlin", utc("2026-03-28T23:00"))) == "2026-03-30T00:00"


def test_window_when_its_hour_is_repeated_then_open_twice():
    window = [Window(2, 3)]
    opened = [k for k in range(144) if is_open(window, "Europe/Berlin", utc("2026-10-24T22:00") + 600 * k)]
    assert opened == list(range(12, 24))  # 00:00 to 02:00 UTC: 02 in summer time, then 02 in winter time


def test_next_open_when_open_then_now_and_when_a_day_is_skipped_then_after_it():
    assert next_open([Window(2, 3)], "UTC", utc("2026-01-01T02:30")) == utc("2026-01-01T02:30")
    assert next_open([Window(2, 3)], "UTC", utc("2026-01-01T03:00")) == utc("2026-01-02T02:00")
    found = next_open([Window(9, 10)], "Pacific/Apia", utc("2011-12-29T20:05"))  # the 29th, 10:05
    assert shown(found) == "2011-12-30T19:00"  # the 31st, 09:00


# ---- grid -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "zone", "mark"),
    [
        ("2026-11-21T02:00", "Asia/Shanghai", "2026-11-21T02:00"),
        ("2026-11-21T02:09", "Asia/Shanghai", "2026-11-21T02:00"),
        ("2026-11-21T04:14", "Asia/Kathmandu", "2026-11-21T04:05"),  # 09:59 there: 09:50
        ("2026-11-21T04:15", "Asia/Kathmandu", "2026-11-21T04:15"),  # 10:00 there
        ("2026-03-29T01:00", "Europe/Berlin", "2026-03-29T01:00"),
        ("2026-10-03T15:31", "Australia/Lord_Howe", "2026-10-03T15:30"),
    ],
)
def test_grid_when_asked_then_on_the_wall_clock_of_the_zone(now, zone, mark):
    assert shown(grid_at_or_before(utc(now), zone)) == mark


def test_grid_when_walked_then_every_ten_minutes():
    at = utc("2026-11-21T02:03")
    marks = []
    for _ in range(3):
        at = next_grid(at, "Asia/Shanghai")
        marks.append(shown(at)[-5:])
    assert marks == ["02:10", "02:20", "02:30"]
    assert shown(next_grid(utc("2026-11-21T02:03"), "Asia/Shanghai", 60)) == "2026-11-21T02:04"


def test_grid_when_the_server_was_down_then_due_once():
    zone, now = "Asia/Shanghai", utc("2026-11-21T05:07")
    assert is_due(None, now, zone)
    assert is_due(utc("2026-11-21T02:00"), now, zone)
    assert not is_due(utc("2026-11-21T05:00"), now, zone)
    assert not is_due(now, now, zone)
