"""Wall clock of a plan: zone, grid of ten minutes, push windows, planned start and end.

A window is asked, never computed ahead: *now* is converted to the plan's zone and its hour is looked up. So an hour
that a change of the clocks skips is never open, and one that it repeats is open twice. Zone data come from the
``tzdata`` package and not from the machine, so that the same instant gives the same answer on every node.

::

    windows  [22, 2) [1, 3)  --merged-->  [22, 3)         hours of a day, crossing midnight
    start    02:30 on a day that goes 01:59 -> 03:00       03:00, the next minute that exists
    start    02:30 on a day that has it twice              the first of them

Source: ota-semantics 6.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from importlib import resources
from typing import Final
from zoneinfo import ZoneInfo

from moduline.cloud.problem import Problem
from moduline.errors import Text

GRID_S: Final = 600
HOURS: Final = 24
LOOK_AHEAD_S: Final = 4 * 86400
"""A window opens every day, but for a day or an hour that a zone leaves out."""
_LOCAL: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST_YEAR: Final = 1971
_LATEST_YEAR: Final = 9998


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """Every name of the IANA database."""
    return frozenset((resources.files("tzdata") / "zones").read_text(encoding="utf-8").split())


@lru_cache(maxsize=1024)
def zone_of(name: str) -> ZoneInfo:
    """The zone of a name of ``zone_names``.

    Raises:
        KeyError: no such zone; ``check_zone`` says so in words.
    """
    if name not in zone_names():
        raise KeyError(name)
    place = resources.files("tzdata") / "zoneinfo"
    for part in name.split("/"):
        place /= part
    with place.open("rb") as data:
        return ZoneInfo.from_file(data, key=name)


def check_zone(name: str) -> tuple[Problem, ...]:
    """Why a text is no time zone; empty if it is one."""
    if name in zone_names():
        return ()
    text = Text("'{given}' is no IANA zone such as Asia/Shanghai", "“{given}”不是 IANA 时区，例如 Asia/Shanghai")
    return (Problem("zone", text, {"given": name[:64]}),)


def local_of(now: float, zone: str) -> datetime:
    """Wall clock of the zone at an instant (UTC seconds)."""
    return (_EPOCH + timedelta(seconds=now)).astimezone(zone_of(zone))


def _offset_s(now: float, zone: str) -> float:
    offset = local_of(now, zone).utcoffset()
    assert offset is not None
    return offset.total_seconds()


# ---- grid -----------------------------------------------------------------------------------------------------------


def grid_at_or_before(now: float, zone: str, step_s: int = GRID_S) -> float:
    """The newest instant, not after ``now``, at which the zone's wall clock shows a multiple of the step."""
    offset = _offset_s(now, zone)
    mark = math.floor((now + offset) / step_s) * step_s - offset
    if _offset_s(mark, zone) == offset:
        return mark
    before = _offset_s(mark, zone)  # the clocks were changed since: count on the clock of before
    mark = math.floor((now + before) / step_s) * step_s - before
    while _offset_s(mark, zone) != before:
        mark -= step_s
    return mark


def is_due(last: float | None, now: float, zone: str, step_s: int = GRID_S) -> bool:
    """Whether a mark of the grid has passed since the last run; a server that was down runs a missed one once."""
    return last is None or last < grid_at_or_before(now, zone, step_s)


def next_grid(now: float, zone: str, step_s: int = GRID_S) -> float:
    """The first mark of the grid after ``now``."""
    offset = _offset_s(now, zone)
    found = (math.floor((now + offset) / step_s) + 1) * step_s - offset
    if _offset_s(found, zone) == offset:
        return found
    found = later = now
    while found <= now:  # once, but for clocks that were moved by no multiple of the step
        later += step_s
        found = grid_at_or_before(later, zone, step_s)
    while (earlier := grid_at_or_before(found - 1, zone, step_s)) > now:
        found = earlier
    return found


# ---- windows --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """Whole hours of every day, ``[start, end)``.

    Args:
        start: 0 to 23.
        end: 1 to 24, or 0 for midnight; not after ``start``: crosses midnight and belongs to both days.
    """

    start: int
    end: int

    @property
    def hours(self) -> frozenset[int]:
        """The hours it holds, 0 to 23; at least one."""
        length = (self.end - self.start) % HOURS or HOURS
        return frozenset((self.start + k) % HOURS for k in range(length))


def check_windows(windows: Sequence[Window]) -> tuple[Problem, ...]:
    """What is wrong with push windows; empty if nothing."""
    found = []
    for at, window in enumerate(windows):
        for name, value, least, most in (("start", window.start, 0, 23), ("end", window.end, 0, 24)):
            if type(value) is not int or not least <= value <= most:
                text = Text("a whole hour, {least} to {most}", "须为整点，{least} 至 {most}")
                found.append(Problem(f"windows[{at}].{name}", text, {"least": least, "most": most}))
    if len(windows) > HOURS:
        found.append(Problem("windows", Text("at most {most} windows", "最多 {most} 个时段"), {"most": HOURS}))
    return tuple(found)


def merge(windows: Iterable[Window]) -> tuple[Window, ...]:
    """The same hours with the fewest windows, in order of start; one that crosses midnight is last."""
    hours: set[int] = set()
    for window in windows:
        hours |= window.hours
    if len(hours) == HOURS:
        return (Window(0, HOURS),)
    starts = sorted(hour for hour in hours if (hour - 1) % HOURS not in hours)
    merged = []
    for start in starts:
        end = start + 1
        while end % HOURS in hours:
            end += 1
        merged.append(Window(start, end if end <= HOURS else end - HOURS))
    return tuple(merged)


def is_open(windows: Iterable[Window], zone: str, now: float) -> bool:
    """Whether the platform may push by itself now; no windows: always."""
    windows = tuple(windows)
    return not windows or local_of(now, zone).hour in _hours_of(windows)


@lru_cache(maxsize=1024)
def _hours_of(windows: tuple[Window, ...]) -> frozenset[int]:
    return frozenset().union(*(window.hours for window in windows))


def next_open(windows: Sequence[Window], zone: str, now: float) -> float | None:
    """When the platform may push next, on the grid: ``now`` if it may, None if not in four days."""
    return now if is_open(windows, zone, now) else _next_open(tuple(windows), zone, now)


@lru_cache(maxsize=256)
def _next_open(windows: tuple[Window, ...], zone: str, now: float) -> float | None:
    """One answer for all devices of a tick."""
    at = now
    while at < now + LOOK_AHEAD_S:
        offset = _offset_s(at, zone)
        later = at + 3600 - (at + offset) % 3600
        if _offset_s(later, zone) != offset:  # the clocks are changed in this hour: mark by mark
            end, later = later, next_grid(at, zone)
            while later < end and not is_open(windows, zone, later):
                later = next_grid(later, zone)
        if is_open(windows, zone, later):
            return later
        at = later
    return None


# ---- planned start and end ------------------------------------------------------------------------------------------


def check_local(field: str, text: str) -> tuple[Problem, ...]:
    """Why a text is no local date and time; empty if it is one."""
    if _naive(text) is not None:
        return ()
    words = Text("'{given}' is no date and time such as 2026-11-21T10:00", "“{given}”不是 2026-11-21T10:00 形式的时间")
    return (Problem(field, words, {"given": text[:32]}),)


@lru_cache(maxsize=4096)
def to_utc(text: str, zone: str) -> float:
    """A local date and time of a zone as an instant (UTC seconds).

    Args:
        text: ``YYYY-MM-DDTHH:MM``, checked before.
        zone: name of the zone.

    Returns:
        The instant. A time that a change of the clocks skips is moved forward to the next minute that exists; of one
        that happens twice the first is taken.
    """
    naive = _naive(text)
    assert naive is not None, text
    info = zone_of(zone)
    early, late = (naive.replace(tzinfo=info, fold=fold).timestamp() for fold in (0, 1))
    if local_of(early, zone).replace(tzinfo=None) == naive:
        return early
    low, high = sorted((early, late))  # the change lies between what the clock of before and that of after call so
    before = _offset_s(low - 1, zone)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset_s(middle, zone) == before else (low, middle)
    return float(math.ceil(high / 60) * 60)


def _naive(text: str) -> datetime | None:
    found = _LOCAL.fullmatch(text)
    if not found:
        return None
    try:
        year, month, day, hour, minute = (int(part) for part in found.groups())
        naive = datetime(year, month, day, hour, minute)  # noqa: DTZ001 - a local time, its zone is beside it
    except ValueError:
        return None
    return naive if _EARLIEST_YEAR <= naive.year <= _LATEST_YEAR else None
