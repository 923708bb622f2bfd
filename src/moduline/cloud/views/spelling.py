"""Rows as CSV or as JSON Lines, piece by piece.

CSV is what spreadsheets read: UTF-8 with its mark, ``,`` and CRLF. Versions, tags and messages come from devices and
people, so no cell may be taken for a formula: such a text gets an apostrophe before it; numbers stay numbers. JSON
Lines are the very objects of the API.

Source: RFC 4180; OWASP, CSV injection (``=``, ``+``, ``-``, ``@``, tab, line ends, and their full-width forms).
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

FORMATS: Final = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl; charset=utf-8"}
"""Name -> media type."""
MARK: Final = "\ufeff"
_BEGINS: Final = frozenset("=+-@\t\r\n＝＋－＠")
Item = Mapping[str, Any]
Cells = Callable[[Item], Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Shape:
    """How items of one kind look as a table.

    Args:
        columns: names of the columns.
        cells: of an item, in their order.
    """

    columns: tuple[str, ...]
    cells: Cells


def head(shape: Shape, form: str) -> str:
    """What stands before the first item."""
    return MARK + _line(shape.columns) if form == "csv" else ""


def spell(shape: Shape, form: str, items: Iterable[Item]) -> str:
    """Items, a line each (or more, where a cell of CSV has line ends)."""
    if form == "csv":
        return "".join(_line([harmless(cell) for cell in shape.cells(one)]) for one in items)
    return "".join(json.dumps(one, ensure_ascii=False, default=str) + "\n" for one in items)


def harmless(cell: Any) -> Any:
    """A cell that no spreadsheet runs; nothing is an empty one, truth is ``true`` or ``false``."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, int | float):
        return cell
    text = str(cell).replace("\0", "\u2400")
    return "'" + text if text.lstrip(" \u00a0\u3000\ufeff")[:1] in _BEGINS and text.strip() else text


def moment(at: float | None) -> str:
    """UTC seconds as spreadsheets and people read them; "" for never."""
    return "" if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _line(cells: Sequence[Any]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    return out.getvalue()
