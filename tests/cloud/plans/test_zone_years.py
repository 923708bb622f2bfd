"""A year of ticks against a naive model: which marks of the grid a plan pushes at, zone by zone.

The model walks minutes and asks the zone for the wall clock of each; on days on which the clocks stay it counts.
Invariant 4 of ota-semantics 15: no push outside a window, for any zone and any date.
"""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import resources
from zoneinfo import ZoneInfo

import pytest

from moduline.cloud.plans.zone import Window, is_open, next_grid, next_open, to_utc, zone_names

WINDOWS = (Window(1, 4), Window(22, 1), Window(12, 13))
HOURS = {1, 2, 3, 22, 23, 0, 12}
ODD_YEARS = [
    ("Asia/Shanghai", 2026),
    ("Europe/Berlin", 2026),
    ("Asia/Kathmandu", 2026),  # no multiple of ten minutes from UTC
    ("Australia/Lord_Howe", 2026),  # moves by half an hour
    ("Antarctica/Troll", 2026),  # moves by two hours
    ("Pacific/Apia", 2011),  # has no 30 December
    ("Asia/Pyongyang", 2018),  # moved once by half an hour
    ("America/St_Johns", 2010),  # moved one minute after midnight
    ("Africa/Monrovia", 1972),  # moved by 44 minutes and 30 seconds
]


def zone_file(name):
    with (resources.files("tzdata") / "zoneinfo").joinpath(*name.split("/")).open("rb") as data:
        return ZoneInfo.from_file(data, key=name)


def naive_pushes(name, year):
    """Instants of a year at which the wall clock shows a multiple of ten minutes in an open hour."""
    zone = zone_file(name)
    begin = int(datetime(year, 1, 1, tzinfo=UTC).timestamp())
    end = int(datetime(year + 1, 1, 1, tzinfo=UTC).timestamp())
    found = []
    for day in range(begin, end, 86400):
        offsets = {offset_of(zone, day + hour * 3600) for hour in range(25)}
        if len(offsets) == 1:
            offset = offsets.pop()
            first = day + (-(day + offset)) % 600
            found += [at for at in range(first, day + 86400, 600) if (at + offset) // 3600 % 24 in HOURS]
        else:
            for at in range(day, day + 86400, 30):
                wall = datetime.fromtimestamp(at, zone)
                if wall.minute % 10 == 0 and wall.second == 0 and wall.hour in HOURS:
                    found.append(at)
    return found


def offset_of(zone, at):
    return int(datetime.fromtimestamp(at, zone).utcoffset().total_seconds())


def our_pushes(name, year):
    at = datetime(year, 1, 1, tzinfo=UTC).timestamp() - 1
    end = datetime(year + 1, 1, 1, tzinfo=UTC).timestamp()
    found = []
    while (at := next_grid(at, name)) < end:
        if is_open(WINDOWS, name, at):
            found.append(int(at))
    return found


@pytest.mark.parametrize(("name", "year"), ODD_YEARS)
def test_year_of_ticks_when_compared_with_a_walk_of_minutes_then_the_same_pushes(name, year):
    assert our_pushes(name, year) == naive_pushes(name, year)


@pytest.mark.sweep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", sorted(zone_names()))
def test_year_of_ticks_when_in_any_zone_then_the_same_pushes(name):
    assert our_pushes(name, 2026) == naive_pushes(name, 2026)


def naive_to_utc(name, year, month, day, hour, minute):
    """The first instant, minute by minute, at which the wall clock shows at least that time."""
    zone = zone_file(name)
    wanted = datetime(year, month, day, hour, minute)  # noqa: DTZ001 - a wall clock
    at = int(wanted.replace(tzinfo=UTC).timestamp()) - 26 * 3600
    before = datetime.fromtimestamp(at, zone).replace(tzinfo=None)
    assert before < wanted
    while datetime.fromtimestamp(at, zone).replace(tzinfo=None) < wanted:
        at += 60
    return at


CHANGES = [
    ("Europe/Berlin", 2026, 3, 29),
    ("Europe/Berlin", 2026, 10, 25),
    ("America/New_York", 2026, 11, 1),
    ("Australia/Lord_Howe", 2026, 4, 5),
    ("Australia/Lord_Howe", 2026, 10, 4),
    ("Antarctica/Troll", 2026, 3, 29),
    ("America/St_Johns", 2010, 11, 7),
    ("Pacific/Apia", 2011, 12, 30),
    ("Africa/Casablanca", 2026, 3, 22),
]


@pytest.mark.parametrize(("name", "year", "month", "day"), CHANGES)
def test_planned_time_when_on_a_day_of_change_then_the_first_minute_that_shows_it_or_a_later_one(
    name, year, month, day
):
    for minute in range(0, 4 * 60, 10):
        text = f"{year}-{month:02}-{day:02}T{minute // 60:02}:{minute % 60:02}"
        assert to_utc(text, name) == naive_to_utc(name, year, month, day, minute // 60, minute % 60), text


@pytest.mark.parametrize(("name", "year"), ODD_YEARS)
def test_next_open_when_asked_on_any_day_then_the_first_mark_of_the_grid_that_is_open(name, year):
    windows = (Window(2, 3), Window(12, 13))
    begin = datetime(year, 1, 1, tzinfo=UTC).timestamp()
    marks, at = [], begin
    while (at := next_grid(at, name)) < begin + 370 * 86400:
        if is_open(windows, name, at):
            marks.append(at)
    following = iter(marks)
    expected = next(following)
    for hour in range(0, 365 * 24, 7):
        now = begin + hour * 3600 + 123.0
        while expected < now:
            expected = next(following)
        assert next_open(windows, name, now) == (now if is_open(windows, name, now) else expected), now
