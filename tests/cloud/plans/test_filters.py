"""The language of filters: grammar, places of errors, hostile texts."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moduline.cloud.plans.filters import MOST_DEPTH, MOST_LENGTH, MOST_TESTS, parse_filter
from moduline.errors import BadField

METER = {
    "tag": ("pilot", "Indoor"),
    "dk": ("860000000000001",),
    "version": ("1.10",),
    "mcu.pump": ("2.0",),
    "attr.site": ("Berlin",),
    "attr.floor": ("-2",),
    "attr.note": ("a;b,c (d) 'e'",),
    "fact.battery": ("87",),
}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("attr.site==Berlin", True),
        ("attr.site==berlin", True),
        ("attr.site==Ber*", True),
        ("attr.site==*erl*n", True),
        ("attr.site==Ber", False),
        ("attr.site==*x*", False),
        ("attr.site!=Bonn", True),
        ("attr.missing!=x", True),
        ("attr.missing==x", False),
        ("attr.missing<5", False),
        ("tag==pilot", True),
        ("tag==indoor", True),
        ("tag!=pilot", False),
        ("tag=in=(a, pilot)", True),
        ("tag=out=(a,b)", True),
        ("tag=out=(a,indoor)", False),
        ("attr.site==Berlin;tag==pilot", True),
        ("attr.site==Bonn,tag==pilot", True),
        ("attr.site==Bonn;tag==pilot", False),
        ("tag==x,tag==y,dk==86*", True),
        ("tag==x;tag==y,dk==86*", True),  # "and" binds stronger
        ("tag==x;(tag==y,dk==86*)", False),
        ("attr.site==Berlin and tag==pilot", True),
        ("attr.site==Bonn OR tag==pilot", True),
        ("tag==x or(tag==pilot)", True),
        (" ( ( tag == pilot ) ) ", True),
        ("version<2", True),
        ("version<1.9", False),  # versions go piece by piece
        ("version>=1.10", True),
        ("version=gt=1.9.5", True),
        ("version=le=1.10.0", True),
        ("mcu.pump=ge=2.0", True),
        ("attr.floor<0", True),  # numbers go by value
        ("attr.floor>=-2.0", True),
        ("fact.battery=gt=9", True),
        ("fact.battery=lt=100", True),
        ("attr.note==\"a;b,c (d) 'e'\"", True),
        (r"attr.note=='a;b,c (d) \'e\''", True),
    ],
)
def test_filter_when_read_then_holds_as_an_operator_expects(text, holds):
    assert parse_filter(text).holds(METER) is holds


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("", 0),
        ("   ", 3),
        ("tag", 3),
        ("tag=", 3),
        ("tag=pilot", 3),
        ("tag==", 5),
        ("site==x", 0),
        ("attr.==x", 0),
        ("tag==a;", 7),
        ("tag==a tag==b", 7),
        ("(tag==a", 7),
        ("tag==a)", 6),
        ("tag==(a)", 5),
        ("tag=in=a", 7),
        ("tag=in=(a", 9),
        ("tag=in=()", 8),
        ("tag=='a", 5),
        ("tag==a,,tag==b", 7),
        ("tag==a;and", 7),
        ("tag==a&&tag==b", 11),
        ("标签==a", 0),
        ("tag==a\\", 6),
    ],
)
def test_filter_when_wrong_then_the_place_is_told(text, at):
    with pytest.raises(BadField) as caught:
        parse_filter(text)
    assert caught.value.facts["at"] == at
    assert f"at {at} " in caught.value.message("en")
    assert f"第 {at} 个字符" in caught.value.message("zh")


def test_filter_when_hostile_then_refused_by_its_limits_and_soon():
    for text, at in (
        ("(" * 100_000, MOST_LENGTH),
        ("(" * 4000, MOST_DEPTH + 1),
        (",".join(["tag==a"] * (MOST_TESTS + 1)), 7 * MOST_TESTS),
    ):
        with pytest.raises(BadField) as caught:
            parse_filter(text)
        assert caught.value.facts["at"] == at
    assert parse_filter(";".join(["tag==pilot"] * MOST_TESTS)).holds(METER)
    assert parse_filter("(" * MOST_DEPTH + "tag==pilot" + ")" * MOST_DEPTH).holds(METER)


def test_filter_when_the_pattern_is_full_of_stars_then_no_backtracking():
    facts = {"attr.x": ("a" * 4000 + "b",)}
    assert not parse_filter("attr.x==" + "*a" * 1500 + "*c").holds(facts)


@settings(deadline=None)
@given(st.text(max_size=80))
def test_filter_when_any_text_then_read_or_refused_and_nothing_else(text):
    at = 0
    try:
        parse_filter(text).holds(METER)
    except BadField as refused:
        at = refused.facts["at"]
        refused.message("zh")
    assert 0 <= at <= len(text)


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "tag",
                "attr.x",
                "version",
                "==",
                "!=",
                "<",
                "=in=",
                "(",
                ")",
                ",",
                ";",
                "'",
                "a",
                "1.2",
                "*",
                " and ",
                "²",
            ]
        ),
        max_size=14,
    )
)
def test_filter_when_made_of_its_own_words_then_read_or_refused(words):
    try:
        found = parse_filter("".join(words))
    except BadField:
        return
    assert found.holds({"attr.x": ("²", "1" * 5000), "version": ("1.²",)}) in {True, False}


@settings(deadline=None)
@given(st.text("aB*", max_size=8), st.text("abAB", max_size=8))
def test_stars_when_compared_with_a_regular_expression_then_the_same(pattern, value):
    oracle = re.fullmatch(".*".join(re.escape(part) for part in pattern.split("*")), value, re.IGNORECASE)
    found = parse_filter(f"attr.x=='{pattern}'").holds({"attr.x": (value,)})
    assert found is (oracle is not None)


@settings(deadline=None)
@given(st.lists(st.integers(0, 120), min_size=1, max_size=4), st.lists(st.integers(0, 120), min_size=1, max_size=4))
def test_versions_when_of_numbers_then_ordered_as_the_numbers_are(left, right):
    facts = {"version": (".".join(map(str, left)),)}
    wanted = ".".join(map(str, right))
    assert parse_filter(f"version<{wanted}").holds(facts) is (left < right)
    assert parse_filter(f"version>={wanted}").holds(facts) is (left >= right)
