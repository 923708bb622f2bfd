"""Tables of devices that people bring along: what each line says, and what came of it. No page is needed for this."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from moduline.burn.books import RecordFilter, open_store
from moduline.cloud.devices import fleet_list, handover
from moduline.cloud.devices.handover import Unit
from moduline.errors import Text
from moduline.web.platform_api import PlatformApi

BLOCK: Final = 1000
"""Devices of one call, which is one transaction."""
READY: Final = "ready"
NEW: Final = "new"
KNOWN: Final = "known"
FAULTY: Final = "faulty"


@dataclass(frozen=True, slots=True)
class TableLine:
    """A line of a table.

    Args:
        line: number in the file, from 1; 0: it has none.
        dk: device key; "" where there is none.
        about: version and whatever else is worth a look.
        result: ``ready``, ``new``, ``known`` or ``faulty``.
        field: faulty: which field.
        reason: faulty: why.
    """

    line: int
    dk: str
    about: str = ""
    result: str = READY
    field: str = ""
    reason: Text | None = None


@dataclass(frozen=True, slots=True)
class DeviceTable:
    """What a table says.

    Args:
        lines: all of them, those with a fault first.
        ignored: columns that mean nothing here.
        body: what the API is sent: devices of a fleet, or units of the line.
        is_line: whether it is of the production line.
    """

    lines: tuple[TableLine, ...]
    body: tuple[dict[str, Any], ...]
    is_line: bool
    ignored: tuple[str, ...] = ()

    @property
    def faults(self) -> int:
        """Lines that cannot be."""
        return sum(one.result == FAULTY for one in self.lines)


def read_table(data: bytes, name: str = "") -> DeviceTable:
    """A table as somebody saved it: UTF-8, or as Chinese spreadsheets write it; known by its looks.

    Args:
        data: the file.
        name: its name; ``.jsonl`` says what it is.

    Raises:
        BadField: it has no column of keys.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("gb18030", "replace")
    is_json = name.lower().endswith((".jsonl", ".ndjson")) or text.lstrip("\ufeff \r\n").startswith("{")
    if not is_json and not fleet_list.is_table(text):
        return of_units(handover.from_csv(text))
    found = fleet_list.from_jsonl(text) if is_json else fleet_list.from_csv(text)
    faulty = [TableLine(one.line, "", "", FAULTY, one.field, one.reason) for one in found.faults]
    good = [TableLine(0, one.dk, one.version) for one in found.newcomers]
    body = tuple(asdict(one) for one in found.newcomers)
    return DeviceTable((*faulty, *good), body, is_line=False, ignored=found.ignored)


def of_units(units: Iterable[Unit]) -> DeviceTable:
    """Units of the production line."""
    kept = tuple(units)
    lines = tuple(
        TableLine(0, one.dk, " ".join(filter(None, (one.version, one.attributes.get("line.order", "")))))
        for one in kept
    )
    return DeviceTable(lines, tuple(asdict(one) for one in kept), is_line=True)


def of_records(order: str) -> DeviceTable:
    """Units that passed at the stations of this computer.

    Args:
        order: production order; "": all.

    Raises:
        StorageFailed: the records cannot be read.
    """
    kept = open_store().select(RecordFilter(order=order or None))
    return of_units(handover.from_records(one.record for one in kept))


async def send_table(
    platform: PlatformApi, product: int, table: DeviceTable, tell: Callable[[float], object]
) -> tuple[DeviceTable, int, int]:
    """Have the devices of a table made known, block by block; the table with what came of it, how many new and known.

    Args:
        platform: in whose name.
        product: into which.
        table: what.
        tell: hears how much is done, 0 to 1.
    """
    path, name = ("/v1/devices/import", "units") if table.is_line else ("/v1/devices/adopt", "devices")
    fresh: set[str] = set()
    new = known = 0
    for begin in range(0, len(table.body), BLOCK):
        block = table.body[begin : begin + BLOCK]
        said = await platform.post(path, {"product": product, name: block})
        fresh.update(said.get("made", ()))
        new, known = new + said["new"], known + said["known"]
        tell((begin + len(block)) / len(table.body))
    return replace(table, lines=tuple(_came(one, fresh, table.is_line) for one in table.lines)), new, known


def _came(one: TableLine, fresh: set[str], is_line: bool) -> TableLine:
    if one.result == FAULTY or is_line:
        return one
    return replace(one, result=NEW if one.dk in fresh else KNOWN)
