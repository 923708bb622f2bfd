"""Bringing up modules in the background from Python."""

from __future__ import annotations

import pytest

from moduline.errors import BadOption, NoSuchFile, UnknownModule
from moduline.testing.rack_setup import Setup, bring_up, bring_up_scenario, free_numbers
from moduline.vmodule import rack_client


@pytest.fixture
def rack():
    yield "made"
    if rack_client.is_up("made"):
        rack_client.take_down("made")


def test_modules_when_brought_up_then_more_get_numbers_of_their_own(rack, tmp_path):
    first = bring_up(rack, Setup("EC600U", is_blank=True), range(1, 3))
    assert [(one["name"], one["module"], one["state"]) for one in first] == [
        ("m1", "ec600u", "download"),
        ("m2", "ec600u", "download"),
    ]
    numbers = free_numbers(rack_client.ask(rack, "list")["modules"], 2)
    assert numbers == [3, 4]
    more = bring_up(rack, Setup("eg915u", is_blank=True, is_off=True), numbers)
    assert [(one["name"], one["slot"], one["state"]) for one in more] == [("m3", "A3", "off"), ("m4", "A4", "off")]
    text = b'[[modules]]\nname = "s1"\nmodule = "ec600u"\nblank = true\n'
    (one,) = bring_up_scenario(text, tmp_path / "s.toml", rack, is_off=True, is_kept=True)
    assert (one["name"], one["state"]) == ("s1", "off")


def test_modules_when_asked_for_wrongly_then_no_rack_is_started(tmp_path):
    with pytest.raises(BadOption):
        bring_up("made", Setup(), range(1, 400))
    with pytest.raises(BadOption):
        bring_up("made", Setup(package=tmp_path / "x", is_blank=True), [1])
    with pytest.raises(NoSuchFile):
        bring_up("made", Setup(package=tmp_path / "x"), [1])
    with pytest.raises(UnknownModule):
        bring_up("made", Setup("nokia3310"), [1])
    assert not rack_client.is_up("made")


def test_numbers_when_there_are_none_then_from_one():
    assert free_numbers([], 2) == [1, 2]
