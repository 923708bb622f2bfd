"""The menu of faults: every word has its row, and every row is a word."""

from __future__ import annotations

import pytest

from moduline.vmodule.faults import words
from moduline.vmodule.faults.menu import GROUPS, MENU, FaultKind, kind_of
from moduline.vmodule.faults.words import Moment, Switch, parse_faults

PARTED = {"verify-error": {"part": "AP"}}


@pytest.mark.parametrize("row", MENU, ids=[row.slug for row in MENU])
def test_row_when_filled_as_it_stands_then_a_word_that_is_understood(row: FaultKind):
    word = row.fill(PARTED.get(row.slug, {}))
    (fault,) = parse_faults(word)
    assert fault.word == word
    assert isinstance(fault, Moment) <= row.is_moment
    assert not isinstance(fault, Switch) or not row.is_moment
    assert row.group in GROUPS
    assert row.label.en != row.label.zh
    assert row.explanation.en != row.explanation.zh


def test_menu_when_compared_with_the_words_then_none_is_missing():
    plain = {row.word for row in MENU if not row.blanks}
    assert plain == {*words.SWITCHES, *words.MOMENTS, *words.SURROUNDINGS}
    kinds = {type(parse_faults(row.fill(PARTED.get(row.slug, {})))[0]) for row in MENU}
    assert kinds == set(words.Fault.__args__)
    assert len({row.slug for row in MENU}) == len(MENU)


def test_row_when_blanks_are_given_then_they_stand_in_the_word():
    assert kind_of("tear-operation").fill({"operation": "12", "seed": "7"}) == "tear@12:7"
    assert kind_of("cut-port-bytes").fill({"role": "at", "bytes": "9"}) == "cut@at:9"
    assert kind_of("cut-port-bytes").fill({"role": ""}) == "cut@repl:4096"
