"""From the production line to the platform: units that passed become devices before they are ever switched on.

The line's book (``burn.books``) or its CSV (``moduline gang report --csv``) says which module got what. The device key
is the IMEI; what the line knows of a unit - production order, station, package and its hash, the unit's own number -
becomes its attributes ``line.order``, ``line.station`` and so on, so that a plan can be filtered by them. The version
that the line read back counts as reported, so a plan fits the device at its first contact.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from moduline.burn.record import BurnRecord
from moduline.cloud.devices.device import DK
from moduline.errors import BadField, Text

PASSED: Final = "PASS"
ATTRIBUTES: Final = ("order", "station", "unit", "model", "package", "sha256")
"""Fields of a record that become attributes ``line.<name>``."""
MOST_UNITS: Final = 5000
"""Units that are kept in one transaction."""
_NAMES: Final = frozenset(f"line.{name}" for name in ATTRIBUTES)
_VALUE_LIMIT: Final = 256
_VERSION_LIMIT: Final = 128
_NO_KEY: Final = Text("1 to 16 letters, digits, '_' or '-'", "须为 1–16 位字母、数字、“_”或“-”")
_NO_TEXT: Final = Text("one printable line of at most {most} characters", "须为不超过 {most} 个字符的单行文本")
_NO_ATTRIBUTE: Final = Text(
    "only {known}, each one printable line of at most {most} characters",
    "仅限 {known}，且须为不超过 {most} 个字符的单行文本",
)


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit that passed on the line.

    Args:
        dk: device key: its IMEI.
        version: of the module, as the line read it back; "": not known.
        attributes: what else the line knows.
    """

    dk: str
    version: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)


def from_records(records: Iterable[BurnRecord]) -> tuple[Unit, ...]:
    """The units that passed, each as its last passed try left it; tries without an IMEI are nobody's."""
    found: dict[str, Unit] = {}
    for record in sorted(records, key=lambda one: one.ended):
        if record.outcome == PASSED and DK.fullmatch(record.imei):
            known = {f"line.{name}": _clean(str(getattr(record, name))) for name in ATTRIBUTES}
            filled = {name: value for name, value in known.items() if value}
            found[record.imei] = Unit(record.imei, _clean(record.version_after), filled)
    return tuple(found.values())


def from_csv(text: str) -> tuple[Unit, ...]:
    """The same from the line's CSV; the last row of an IMEI counts, other columns are ignored.

    Raises:
        BadField: it has no column ``imei``.
    """
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    if "imei" not in (rows.fieldnames or ()):
        raise BadField(field="csv", reason=Text("no column 'imei' in the first line", "首行缺少 imei 列"))
    found: dict[str, Unit] = {}
    for row in rows:
        imei = (row.get("imei") or "").strip().lstrip("'")
        if (row.get("outcome") or PASSED) == PASSED and DK.fullmatch(imei):
            known = {f"line.{name}": _clean(row.get(name) or "") for name in ATTRIBUTES}
            filled = {name: value for name, value in known.items() if value}
            found.pop(imei, None)
            found[imei] = Unit(imei, _clean(row.get("version_after") or ""), filled)
    return tuple(found.values())


def checked(units: Iterable[Unit]) -> tuple[Unit, ...]:
    """Units as they may be kept; of a key that comes twice the last one.

    Raises:
        BadField: a key, a version or an attribute cannot be so.
    """
    found: dict[str, Unit] = {}
    for at, unit in enumerate(units):
        if not DK.fullmatch(unit.dk):
            raise BadField(field=f"units[{at}].dk", reason=_NO_KEY)
        if unit.version != _clean(unit.version) or len(unit.version) > _VERSION_LIMIT:
            raise BadField(field=f"units[{at}].version", reason=_NO_TEXT, most=_VERSION_LIMIT)
        for name, value in unit.attributes.items():
            if name not in _NAMES or not value or value != _clean(value):
                known = ", ".join(sorted(_NAMES))
                raise BadField(field=f"units[{at}].attributes", reason=_NO_ATTRIBUTE, known=known, most=_VALUE_LIMIT)
        found.pop(unit.dk, None)
        found[unit.dk] = unit
    return tuple(found.values())


def _clean(text: str) -> str:
    """A text as an attribute takes it: one printable line."""
    return "".join(one for one in text if one.isprintable()).strip()[:_VALUE_LIMIT]
