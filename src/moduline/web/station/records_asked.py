"""Which records a page of the line asks for, as words of its address: they survive a reload and can be sent on."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from moduline.burn.books import RecordFilter
from moduline.burn.record import OUTCOMES

SPANS: Final = ("today", "shift", "day", "week", "month", "all")
_SECONDS: Final = {"shift": 8 * 3600.0, "day": 86400.0, "week": 7 * 86400.0, "month": 30 * 86400.0}
PAGE: Final = 50
LONGEST: Final = 400


@dataclass(frozen=True, slots=True)
class Asked:
    """Words of an address.

    Args:
        q: IMEI, its last digits, part of the unit's own number, or the beginning of a record's id.
        order: work order; "": any.
        result: outcome; "": any.
        station: "": any.
        span: of ``SPANS``.
        before: number below which the page begins; 0: the newest.
    """

    q: str = ""
    order: str = ""
    result: str = ""
    station: str = ""
    span: str = "all"
    before: int = 0

    def address(self, path: str, **other: object) -> str:
        """The path with these words, some of them others."""
        words = {name: getattr(self, name) for name in self.__slots__} | other
        default = Asked()
        told = {name: value for name, value in words.items() if value != getattr(default, name, "")}
        return f"{path}?{urlencode(told)}" if told else path

    def filter(self, now: float, limit: int = PAGE) -> RecordFilter:
        """What the store is asked; newest first.

        Args:
            now: UTC seconds.
            limit: at most so many; 0: all.
        """
        return RecordFilter(
            order=self.order or None,
            outcome=next((one for one in OUTCOMES if one == self.result), None),
            station=self.station or None,
            like=self.q or None,
            since_s=since_of(self.span, now),
            before=self.before,
            limit=limit,
            by="seq",
            is_newest_first=True,
        )


def asked(q: str, order: str, result: str, station: str, span: str, before: str = "", *, usual: str = "all") -> Asked:
    """Words of an address as somebody may have typed them; what cannot be meant is left out.

    Args:
        usual: span when none is known of that name.
    """
    number = int(before) if before.isascii() and before.isdigit() and len(before) < 19 else 0
    return Asked(
        q.strip()[:LONGEST], order.strip()[:LONGEST], result if result in OUTCOMES else "",
        station.strip()[:LONGEST], span if span in SPANS else usual, number,
    )  # fmt: skip


def without_page(words: Asked) -> Asked:
    """The same from the newest on."""
    return replace(words, before=0)


def since_of(span: str, now: float) -> float | None:
    """When a span began; None: it has no beginning.

    Args:
        span: of ``SPANS``.
        now: UTC seconds.
    """
    if span == "today":
        return math.floor(datetime.fromtimestamp(now).astimezone().replace(hour=0, minute=0, second=0).timestamp())
    return now - _SECONDS[span] if span in _SECONDS else None
