"""A record as the row of a table, and back.

Texts of modules, files and users are hostile: U+0000 (which PostgreSQL refuses) becomes U+2400, a lone surrogate of an
odd file name its escape. Fields of a record that have no column of their own travel in ``more``, so a new field needs
no change of the tables.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

from moduline.burn.record import BurnRecord, from_json

TEXTS: Final = (
    "outcome",
    "imei",
    "imei_from",
    "model",
    "unit",
    "slot",
    "place",
    "rack",
    "package",
    "sha256",
    "package_version",
    "version_before",
    "version_after",
    "operator",
    "station",
    "error_code",
    "error_message",
    "nv_file",
    "log",
)
"""Fields that are columns of the same name, texts."""
REALS: Final = ("started", "ended", "seconds")
"""Fields that are columns of the same name, seconds."""
WHOLES: Final = ("bytes", "tries", "process")
"""Fields that are columns of the same name, whole numbers."""
STRUCTURES: Final = ("error_facts", "steps", "checks")
"""Fields that are columns of the same name, JSON as text."""
RENAMED: Final = {"order": "order_id"}
"""Fields whose column has another name: ORDER is a word of SQL."""
_COLUMNS: Final = (*TEXTS, *REALS, *WHOLES)
_PLACES: Final = (("id", "try_id"), *((name, name) for name in (*_COLUMNS, *STRUCTURES)), *RENAMED.items())
_OWN: Final = frozenset({"id", *RENAMED, *_COLUMNS, *STRUCTURES})
_OTHERS: Final = tuple(one.name for one in fields(BurnRecord) if one.name not in _OWN)


def clean(text: str) -> str:
    """The text as every database takes it."""
    if "\0" in text:
        text = text.replace("\0", "\u2400")
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def to_row(record: BurnRecord) -> dict[str, Any]:
    """The columns of a record."""
    raw = record.as_json()
    row: dict[str, Any] = {name: clean(str(raw[name])) for name in TEXTS}
    row |= {name: float(raw[name]) for name in REALS}
    row |= {name: int(raw[name]) for name in WHOLES}
    row |= {name: dump(raw[name]) for name in STRUCTURES}
    row |= {column: clean(str(raw[name])) for name, column in RENAMED.items()}
    return row | {"try_id": clean(record.id), "more": dump({name: raw[name] for name in _OTHERS})}


def from_row(row: Mapping[str, Any]) -> BurnRecord:
    """The record of a row of ``try_record`` or ``event``."""
    raw: dict[str, Any] = {name: row[column] for name, column in _PLACES}
    for name in STRUCTURES:
        raw[name] = json.loads(raw[name])
    if raw["checks"] or row["more"] != "{}":
        return from_json(json.loads(row["more"]) | raw)
    raw["checks"] = ()
    return BurnRecord(**raw)


def dump(value: Any) -> str:
    """JSON as every database takes it as text."""
    said = json.dumps(value, ensure_ascii=False, default=str)
    if "\\u0000" in said or not said.isascii():
        said = json.dumps(_clean_within(value), ensure_ascii=False, default=str)
    return said


def _clean_within(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(str(name)): _clean_within(one) for name, one in value.items()}
    return [_clean_within(one) for one in value] if isinstance(value, list) else value
