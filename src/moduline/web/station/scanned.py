"""What a text from a scanner means at a station: a badge, a work order, or a unit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from moduline.burn import BurnRecord
from moduline.burn.books import RecordFilter, open_store
from moduline.errors import BadOption, BadRecipe, StorageFailed, Text, UnknownOrder
from moduline.line.board_words import both
from moduline.line.luhn import is_luhn_right
from moduline.line.work_order import read_order
from moduline.web.station.live import LiveGang
from moduline.web.texts import text
from moduline.web.viewer import Viewer
from moduline.web.widgets import moment

LONGEST: Final = 400
"""More no label holds that is meant for this."""
BADGE: Final = re.compile(r"(?:OP|OPERATOR|操作员)\s*[:：]\s*(.+)", re.IGNORECASE)
_IMEI: Final = re.compile(r"(?<!\d)\d{15}(?!\d)")


@dataclass(frozen=True, slots=True)
class Scanned:
    """What was scanned.

    Args:
        kind: which of the things.
        text: what is said of it.
        value: name of the order or operator, or of the slot.
        record: last try of a unit that is not in a slot.
    """

    kind: Literal["operator", "order", "slot", "record", "unknown"]
    text: Text
    value: str = ""
    record: BurnRecord | None = None


def unit_of(scanned: str) -> str:
    """The number of a unit in the text of a label: its IMEI where there is one, else the whole text.

    A QR code may hold more than the number, such as ``IMEI:860000000000003;SN:A17-4``. Of several numbers of 15 digits
    the first with a right check digit is the IMEI.  Source: 3GPP TS 23.003, 6.2.1.
    """
    found: list[str] = _IMEI.findall(scanned)
    good = [one for one in found if is_luhn_right(one)]
    return (good or found or [scanned.strip()[:LONGEST]])[0]


def look_up(scanned: str, gang: LiveGang | None, seen: Viewer, *, is_idle: bool) -> Scanned:
    """What a text means.

    Args:
        scanned: as the scanner typed it.
        gang: whose slots are looked at first; None: there is none.
        seen: whose wall clock times are said of.
        is_idle: whether an order may be chosen now.

    Raises:
        StorageFailed: the records cannot be read.
    """
    scanned = scanned.strip()[:LONGEST]
    if badge := BADGE.fullmatch(scanned):
        name = badge[1].strip()
        return Scanned("operator", both(text("gang.scan.operator"), operator=name), name)
    if is_idle and is_order(scanned):
        return Scanned("order", both(text("gang.scan.order"), order=scanned), scanned)
    unit = unit_of(scanned)
    _, slots, _ = gang.relay.look() if gang is not None else (None, (), None)
    for one in slots:
        if one.imei == unit or (one.record is not None and one.record.unit == unit):
            return Scanned("slot", both(text("gang.scan.slot"), imei=unit, slot=one.slot), one.slot)
    tries = tries_of(unit)
    if tries:
        last = tries[-1]
        facts = {
            "imei": unit,
            "outcome": last.outcome,
            "slot": last.slot,
            "at": moment(last.ended or last.started, seen),
        }
        return Scanned("record", both(text("gang.scan.record"), **facts), unit, last)
    return Scanned("unknown", both(text("gang.scan.unknown"), given=scanned))


def tries_of(unit: str, order: str | None = None) -> list[BurnRecord]:
    """The tries of a unit, by its IMEI or its own number, oldest first.

    Raises:
        StorageFailed: the records cannot be read.
    """
    if not unit:
        return []
    store = open_store()
    found = store.select(RecordFilter(imei=unit, order=order)) or store.select(RecordFilter(unit=unit, order=order))
    return [kept.record for kept in found]


def is_order(name: str) -> bool:
    """Whether there is a work order of that name."""
    try:
        read_order(name)
    except (BadOption, BadRecipe, StorageFailed, UnknownOrder):
        return False
    return True
