"""Conditions and ranges of a download, as a pure decision: which bytes, and with which status.

::

    If-Match fails ─▶ 412     If-None-Match holds ─▶ 304     Range ─▶ one: 206, none fits: 416, several or odd: 200

Several ranges are answered with the whole file, as the protocol allows: no client of ours asks for them. ``If-Range``
that names another file makes the range void.

Source: ota-semantics 11.6; hawkbit-ddi 3.7.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate, parsedate_to_datetime
from typing import Final

_ONE: Final = re.compile(r"\s*([0-9]{0,18})\s*-\s*([0-9]{0,18})\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Span:
    """What of a file is sent.

    Args:
        status: 200, 206, 304, 412 or 416; the last three send nothing.
        first: number of the first byte, from 0.
        bytes: how many.
    """

    status: int
    first: int = 0
    bytes: int = 0


def decide(headers: Mapping[str, str], *, size: int, etag: str, changed_at: float) -> Span:
    """Which bytes of a file a request gets.

    Args:
        headers: of the request; looked up without regard to case.
        size: bytes of the file.
        etag: of the file, in quotation marks.
        changed_at: when the file came to be, UTC seconds.
    """
    wanted = headers.get("If-Match")
    if wanted is not None and not _names(wanted, etag, is_weak=False):
        return Span(412)
    known = headers.get("If-None-Match")
    if known is not None and _names(known, etag, is_weak=True):
        return Span(304)
    asked = headers.get("Range")
    if asked is None or not _is_same(headers.get("If-Range"), etag, changed_at):
        return Span(200, 0, size)
    return read_range(asked, size)


def read_range(asked: str, size: int) -> Span:
    """What a ``Range`` header means for a file of ``size`` bytes."""
    unit, _, rest = asked.partition("=")
    found = _ONE.fullmatch(rest)
    if unit.strip().lower() != "bytes" or found is None or found.group(1) == found.group(2) == "":
        return Span(200, 0, size)
    start, end = found.groups()
    if start == "":
        length = min(int(end), size)
        return Span(206, size - length, length) if length else Span(416)
    first = int(start)
    last = size - 1 if end == "" else min(int(end), size - 1)
    if end != "" and int(end) < first:
        return Span(200, 0, size)
    return Span(206, first, last - first + 1) if first < size else Span(416)


def http_date(at: float) -> str:
    """A time as HTTP writes it."""
    return formatdate(int(at), usegmt=True)


def _names(header: str, etag: str, *, is_weak: bool) -> bool:
    tags = [tag.strip() for tag in header.split(",")]
    if is_weak:
        tags = [tag.removeprefix("W/") for tag in tags]
    return "*" in tags or etag in tags


def _is_same(header: str | None, etag: str, changed_at: float) -> bool:
    """Whether the range is still meant for this file."""
    if header is None or header.strip() == etag:
        return True
    try:
        return parsedate_to_datetime(header).timestamp() == int(changed_at)
    except (ValueError, TypeError, IndexError, OverflowError):
        return False
