"""Pictures of counts: what they say in words, that they are whole, and that names in them are only names."""

from __future__ import annotations

import math
from xml.etree import ElementTree as ET

import pytest

from moduline.web.console.charts import Bar, Part, bars, donut, gauge, scale, steps

HOSTILE = '"><img src=x onerror=alert(1)>'


def drawn(svg, kind):
    return [one for one in ET.fromstring(svg).iter() if kind in one.get("class", "").split()]


def test_donut_when_drawn_then_parts_have_their_shares_of_the_ring():
    svg = donut([Part("good", "a", 3), Part("bad", "b", 1), Part("idle", "c", 0)], "4", "devices", "four")
    ring = 2 * math.pi * 54.0
    (good,), (bad,) = drawn(svg, "g-good"), drawn(svg, "g-bad")
    assert float(good.get("stroke-dasharray").split()[0]) == pytest.approx(ring * 0.75 - 2, abs=0.02)
    assert float(bad.get("stroke-dashoffset")) == pytest.approx(-ring * 0.75, abs=0.02)
    assert drawn(svg, "g-idle") == []
    assert ET.fromstring(svg).get("aria-label") == "four"


def test_donut_when_there_is_one_part_or_none_then_a_whole_ring():
    whole = drawn(donut([Part("good", "a", 7)], "7", "", ""), "g-good")
    assert float(whole[0].get("stroke-dasharray").split()[0]) == pytest.approx(2 * math.pi * 54.0, abs=0.01)
    assert len(drawn(donut([Part("good", "a", 0)], "0", "", ""), "g-none")) == 1


def test_bars_when_drawn_then_heights_follow_the_numbers_and_bad_stands_on_good():
    svg = bars([Bar("10:00", 2, 0), Bar("10:10", 0, 0), Bar("10:20", 1, 1)], "said")
    first, second = drawn(svg, "g-good")
    (bad,) = drawn(svg, "g-bad")
    assert float(first.get("height")) == pytest.approx(2 * float(second.get("height")))
    assert float(bad.get("y")) + float(bad.get("height")) == pytest.approx(float(second.get("y")), abs=0.2)


def test_gauge_when_drawn_then_parts_and_marks_are_at_their_places():
    svg = gauge([Part("good", "", 1), Part("bad", "", 1)], 4, [(0.5, "open"), (7.0, "stop")], "")
    (good,), (bad,) = drawn(svg, "g-good"), drawn(svg, "g-bad")
    assert [float(good.get("width")), float(bad.get("x"))] == [75.0, 75.0]
    assert [float(one.get("x1")) for one in drawn(svg, "g-mark")] == [150.0, 299.0]
    assert drawn(gauge([Part("good", "", 0)], 0, [], ""), "g-good") == []


@pytest.mark.parametrize(
    ("most", "top"), [(0, 2), (1, 2), (2, 2), (3, 4), (5, 10), (11, 20), (400, 400), (401, 1000), (10**6, 10**6)]
)
def test_axis_when_scaled_then_holds_the_most_and_halves_evenly(most, top):
    assert scale(most) == top
    assert top % 2 == 0


def test_steps_when_filled_then_those_without_events_are_there_too():
    assert steps(100.0, 10, 125.0, [(110.0, 2, 1)]) == [(100.0, 0, 0), (110.0, 2, 1), (120.0, 0, 0)]
    assert steps(100.0, 10, 100.0, [(120.0, 1, 0)])[-1] == (120.0, 1, 0)


def test_picture_when_a_name_is_hostile_then_it_stays_a_name():
    for svg in (
        donut([Part("good", HOSTILE, 1)], HOSTILE, HOSTILE, HOSTILE),
        bars([Bar(HOSTILE, 1, 0)], HOSTILE),
        gauge([Part("good", HOSTILE, 1)], 1, [], HOSTILE),
    ):
        assert {one.tag for one in ET.fromstring(svg).iter()} <= {
            "svg",
            "circle",
            "title",
            "text",
            "rect",
            "line",
        }
