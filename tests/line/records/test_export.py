"""Tables for other programs: every field, no formula, times with their zone."""

from __future__ import annotations

import csv
import io
from datetime import timedelta, timezone

import openpyxl
import pytest

from moduline.burn import BurnRecord
from moduline.line.records.export import COLUMNS, as_csv, as_xlsx, iso_time

RECORD = BurnRecord(
    id="a1", outcome="PASS", imei="861234567890123", operator="王芳", started=1700049600.25, ended=1700049630.5, bytes=1 << 33,
    seconds=30.25, steps={"burn.AP": 1.5},
)  # fmt: skip
BEIJING = timezone(timedelta(hours=8))
FORMULAS = (
    '=HYPERLINK("http://x")', "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "  =1+1", "＝1", "=1;2'", "=cmd|' /C calc'!A0",
)  # fmt: skip


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text, newline="")))


def sheet_of(data):
    book = openpyxl.load_workbook(io.BytesIO(data))
    rows = [[cell.value for cell in row] for row in book["records"].iter_rows()]
    book.close()
    return book, rows


def test_csv_when_written_then_one_row_each_with_every_field():
    (row,) = rows_of(as_csv([RECORD], BEIJING))
    assert tuple(row) == COLUMNS
    assert (row["imei"], row["operator"], row["bytes"], row["seconds"]) == (
        "861234567890123",
        "王芳",
        "8589934592",
        "30.25",
    )
    assert (row["started"], row["ended"]) == ("2023-11-15T20:00:00.250+08:00", "2023-11-15T20:00:30.500+08:00")
    assert row["steps"] == '{"burn.AP": 1.5}'
    assert as_csv([]) == ",".join(COLUMNS) + "\r\n"


@pytest.mark.parametrize("words", FORMULAS)
def test_csv_when_a_text_looks_like_a_formula_then_an_apostrophe_keeps_it_a_text(words):
    (row,) = rows_of(as_csv([BurnRecord(id="a", operator=words)]))
    assert row["operator"] == f"'{words}"


@pytest.mark.parametrize("words", ["a,b", 'say "hi"', "two\nlines", "emoji 🧪", "O'Neill", "a=b", "861-1"])
def test_csv_when_a_text_is_odd_then_it_comes_back(words):
    (row,) = rows_of(as_csv([BurnRecord(id="a", operator=words)]))
    assert row["operator"] == words


def test_xlsx_when_read_by_another_library_then_every_field_texts_as_texts():
    book, (head, row) = sheet_of(as_xlsx([RECORD], BEIJING))
    found = dict(zip(head, row, strict=True))
    assert tuple(head) == COLUMNS
    assert (found["imei"], found["operator"], found["bytes"], found["seconds"]) == (
        "861234567890123",
        "王芳",
        1 << 33,
        30.25,
    )
    assert found["started"] == "2023-11-15T20:00:00.250+08:00"
    assert book["records"].freeze_panes == "A2"
    assert sheet_of(as_xlsx([]))[1] == [list(COLUMNS)]


@pytest.mark.parametrize("words", [*FORMULAS, "http://x/", "{=1}", "\x01\x1f", "🧪"])
def test_xlsx_when_a_text_looks_like_something_else_then_a_text_cell_with_these_words(words):
    book, (head, row) = sheet_of(as_xlsx([BurnRecord(id="a", operator=words)]))
    cell = book["records"].cell(2, head.index("operator") + 1)
    assert cell.data_type == "s"
    assert cell.hyperlink is None
    assert openpyxl.utils.escape.unescape(row[head.index("operator")]) == words


def test_xlsx_when_a_text_is_longer_than_a_cell_then_cut_and_marked():
    _, (head, row) = sheet_of(as_xlsx([BurnRecord(id="a", error_message="🧪" * 500_000)]))
    message = row[head.index("error_message")]
    assert message.endswith("🧪 …")
    assert len(message.encode("utf-16-le")) // 2 <= 32767


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, ""),
        (1700049600.0, "2023-11-15T12:00:00.000+00:00"),
        (-1.0, "1969-12-31T23:59:59.000+00:00"),
        (1e300, ""),
        (float("nan"), ""),
        (float("inf"), ""),
    ],
)
def test_time_when_made_words_then_iso_with_zone_or_nothing(seconds, words):
    assert iso_time(seconds) == words
