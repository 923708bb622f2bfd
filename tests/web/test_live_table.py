"""A table that is kept up to date leaves alone what did not change."""

from __future__ import annotations

import random

import pytest
from nicegui import Client, ui
from nicegui.page import page

from moduline.web.live_table import Drawn, LiveTable, Parts


@pytest.fixture
def client():
    with Client(page("")) as made:
        yield made


def texts(table):
    """The words of each row, as they stand in the page."""
    rows = table._body.default_slot.children
    return [[cell.default_slot.children[0].text for cell in row.default_slot.children] for row in rows]


def parts(table):
    """Identity of each row and of what stands in its cells, by the word of the first cell."""
    rows = table._body.default_slot.children
    return {
        row.default_slot.children[0].default_slot.children[0].text: (
            row.id,
            [cell.default_slot.children[0].id for cell in row.default_slot.children],
        )
        for row in rows
    }


def test_table_when_one_cell_changes_then_only_that_cell_is_drawn_anew(client):
    table = LiveTable(("key", "state", "acts"), caption="some")
    drawn = []

    def acts(key, state):
        return Drawn(state, lambda: drawn.append(key) or ui.button(f"log {key}"))

    table.show([(key, (key, "waits", acts(key, 1))) for key in "abc"])
    before = parts(table)
    table.show([(key, (key, "runs" if key == "b" else "waits", acts(key, 1))) for key in "abc"])
    after = parts(table)
    assert texts(table) == [["a", "waits", "log a"], ["b", "runs", "log b"], ["c", "waits", "log c"]]
    assert drawn == ["a", "b", "c"]
    assert (after["a"], after["c"]) == (before["a"], before["c"])
    assert [old == new for old, new in zip(before["b"][1], after["b"][1], strict=True)] == [True, False, True]
    table.show([("b", ("b", "runs", acts("b", 2)))])
    assert drawn == ["a", "b", "c", "b"]
    assert texts(table) == [["b", "runs", "log b"]]


def test_cell_when_one_part_of_it_changes_then_the_others_stay(client):
    table = LiveTable(("key", "acts"), caption="some")

    def cells(state):
        words = ("log", state)
        return Parts(ui.row, tuple(Drawn(word, lambda word=word: ui.button(word)) for word in words))

    def buttons():
        (line,) = table._body.default_slot.children
        (around,) = line.default_slot.children[1].default_slot.children
        return [part.default_slot.children[0] for part in around.default_slot.children]

    table.show([("a", ("a", cells("cancel")))])
    first = buttons()
    table.show([("a", ("a", cells("retry")))])
    assert [one.text for one in buttons()] == ["log", "retry"]
    assert buttons()[0] is first[0]
    assert buttons()[1] is not first[1]
    table.show([])
    table.show([("a", ("a", cells("retry")))])
    assert [one.text for one in buttons()] == ["log", "retry"]


def test_table_when_rows_come_go_and_change_places_then_always_those_in_that_order(client):
    chance = random.Random(7)
    table = LiveTable(("key", "word"), caption="some")
    known = {}
    for _ in range(300):
        keys = chance.sample(range(12), chance.randint(0, 12))
        table.show([(key, (str(key), f"w{key}")) for key in keys])
        assert texts(table) == [[str(key), f"w{key}"] for key in keys]
        now = parts(table)
        assert all(now[key] == known[key] for key in now.keys() & known.keys())
        known = now
