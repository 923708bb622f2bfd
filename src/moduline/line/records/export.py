"""Records as tables for other programs: CSV and XLSX, one row per try, one column per field.

Facts come from modules, files and people, so no cell may be taken for a formula: in CSV such a text gets an apostrophe
in front, in XLSX every text is a text cell. Times are ISO 8601 with their zone.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import fields
from datetime import UTC, datetime, tzinfo
from typing import Any, Final

from moduline.burn import BurnRecord

COLUMNS: Final = tuple(one.name for one in fields(BurnRecord))
TIMES: Final = frozenset({"started", "ended"})
EXCEL_CELL_CHARACTERS: Final = 32767
"""More an Excel cell does not take.  Source: Excel specifications and limits."""
EXCEL_ROWS: Final = 1048576
"""More an Excel sheet does not have, its head included; what is beyond goes to the next sheet."""
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_CUT: Final = " …"


def iso_time(seconds: float, zone: tzinfo | None = UTC) -> str:
    """A time as text with its zone, to the millisecond; "" for 0 and for what no calendar has.

    Args:
        seconds: Unix time.
        zone: whose clock; None is this computer's.
    """
    if not seconds:
        return ""
    try:
        return datetime.fromtimestamp(seconds, UTC).astimezone(zone).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError, OSError):
        return ""


def as_csv(records: Iterable[BurnRecord], zone: tzinfo | None = UTC) -> str:
    """The records as a table with one header line, as RFC 4180 has it."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for record in records:
        writer.writerow([_no_formula(cell) for cell in _cells(record, zone)])
    return out.getvalue()


def as_xlsx(records: Iterable[BurnRecord], zone: tzinfo | None = UTC) -> bytes:
    """The records as an Excel workbook: sheet "records", bold frozen head, filter, texts as texts."""
    import xlsxwriter  # loaded when a workbook is wanted

    file = io.BytesIO()
    workbook = xlsxwriter.Workbook(file, {"in_memory": True, "constant_memory": True})
    bold, plain = workbook.add_format({"bold": True}), workbook.add_format({"num_format": "@"})
    sheet: Any = None
    row = EXCEL_ROWS
    for cells in _all_cells(records, zone):
        if row >= EXCEL_ROWS:
            sheet = workbook.add_worksheet("records" if sheet is None else None)
            sheet.freeze_panes(1, 0)
            sheet.set_column(0, len(COLUMNS) - 1, 16)
            for column, name in enumerate(COLUMNS):
                sheet.write_string(0, column, name, bold)
            row = 1
        for column, cell in enumerate(cells or ()):
            if cell == "":
                continue
            if isinstance(cell, str):
                sheet.write_string(row, column, _shortened(cell), plain)
            else:
                sheet.write_number(row, column, cell)
        row += bool(cells)
    workbook.close()
    return file.getvalue()


def _all_cells(records: Iterable[BurnRecord], zone: tzinfo | None) -> Iterator[list[Any]]:
    """Cells of every record after one empty row, so that there is a sheet without records, too."""
    yield []
    for record in records:
        yield _cells(record, zone)


def _cells(record: BurnRecord, zone: tzinfo | None) -> list[Any]:
    raw = record.as_json()
    return [
        iso_time(raw[name], zone)
        if name in TIMES
        else json.dumps(raw[name], ensure_ascii=False)
        if isinstance(raw[name], dict | list)
        else raw[name]
        for name in COLUMNS
    ]


def _no_formula(cell: Any) -> Any:
    """A cell that no spreadsheet takes for a formula.  Source: OWASP, CSV injection."""
    return f"'{cell}" if isinstance(cell, str) and cell.lstrip(" ").startswith(_FORMULA) else cell


def _shortened(cell: str) -> str:
    """A text that fits into a cell; Excel counts UTF-16 units."""
    if len(cell) <= EXCEL_CELL_CHARACTERS // 2:
        return cell
    units = cell.encode("utf-16-le", "surrogatepass")
    if len(units) <= 2 * EXCEL_CELL_CHARACTERS:
        return cell
    kept = units[: 2 * (EXCEL_CELL_CHARACTERS - len(_CUT))].decode("utf-16-le", "ignore")
    return kept + _CUT
