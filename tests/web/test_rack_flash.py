"""The flash as blocks, and the latest operations."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from moduline.web.studio.rack_flash import CELL, COLUMNS, Operations, drawing, level_of, strips

RUNS = [[0, 10, 0], [10, 60, 3], [70, 30, 1]]


@pytest.mark.parametrize(
    ("erases", "level"), [(0, 0), (1, 1), (2, 2), (3, 2), (4, 3), (7, 3), (8, 4), (31, 4), (32, 5), (100_000, 5)]
)
def test_colour_when_erased_so_often_then_as_the_legend_says(erases, level):
    assert level_of(erases) == level


def test_runs_when_cut_to_a_partition_then_only_its_sectors():
    assert strips(RUNS, 5, 70) == [(0, 5, 0), (5, 60, 3), (65, 5, 1)]
    assert strips(RUNS, 0, 5) == [(0, 5, 0)]
    assert strips(RUNS, 100, 9) == []


def test_drawing_when_parsed_then_every_sector_is_covered_once():
    count = 70
    root = ET.fromstring(drawing(strips(RUNS, 0, count), count, [(1, 2)], "user_fs"))
    assert root.get("viewBox") == f"0 0 {COLUMNS * CELL} {2 * CELL}"
    covered = []
    for rect in root.iter("rect"):
        found = re.fullmatch(r"w(\d)", rect.get("class"))
        if found:
            x, y, width = (int(float(rect.get(name))) for name in ("x", "y", "width"))
            first = y // CELL * COLUMNS + x // CELL
            covered += [(sector, int(found[1])) for sector in range(first, first + width // CELL)]
    assert sorted(covered) == [(sector, 0 if sector < 10 else 2) for sector in range(count)]
    assert sum(1 for rect in root.iter("rect") if rect.get("class") == "hot") == 1


def answer(last, *operations, is_gap=False):
    return {"operations": [{"first": first, "last": end} for first, end in operations], "last": last, "is_gap": is_gap}


def test_operations_when_a_run_grew_then_it_replaces_what_it_was():
    seen = Operations(most=3)
    assert seen.take(answer(5, (1, 2), (3, 5)))
    assert seen.take(answer(9, (3, 7), (8, 9)))
    assert [(one["first"], one["last"]) for one in seen.rows] == [(1, 2), (3, 7), (8, 9)]
    assert not seen.take(answer(9))
    assert seen.take(answer(12, (10, 12)))
    assert [one["first"] for one in seen.rows] == [3, 8, 10]


def test_operations_when_the_rack_begins_anew_then_so_does_the_list():
    seen = Operations()
    seen.take(answer(50, (48, 50)))
    assert not seen.take(answer(2))
    assert (list(seen.rows), seen.last) == ([], 0)
    assert seen.take(answer(2, (1, 2)))
