"""Topic names and filters: the examples of MQTT 3.1.1, section 4.7."""

import pytest

from moduline.wire.mqtt.topics import does_match, is_filter, is_name


@pytest.mark.parametrize("name", ["a", "/", "/finance", "q/2/d/qdp000aa1/ota", "$SYS", "a b", "sport/"])
def test_name_when_right_then_taken(name):
    assert is_name(name)
    assert is_filter(name)


@pytest.mark.parametrize("name", ["", "a/+", "#", "a\0", "a+b", "x" * 65536])
def test_name_when_wrong_then_refused(name):
    assert not is_name(name)


@pytest.mark.parametrize("text", ["#", "+", "/+", "sport/#", "sport/+/player1", "+/tennis/#", "+/+"])
def test_filter_when_right_then_taken(text):
    assert is_filter(text)


@pytest.mark.parametrize(
    "text", ["", "sport/tennis#", "sport/#/ranking", "sport+", "+a/b", "a/#b", "a\0", "##", "a/++"]
)
def test_filter_when_wrong_then_refused(text):
    assert not is_filter(text)


MATCHES = [
    ("sport/tennis/player1/#", "sport/tennis/player1", True),
    ("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", True),
    ("sport/#", "sport", True),
    ("#", "a/b", True),
    ("sport/tennis/+", "sport/tennis/player1", True),
    ("sport/tennis/+", "sport/tennis/player1/ranking", False),
    ("sport/+", "sport", False),
    ("sport/+", "sport/", True),
    ("+/+", "/finance", True),
    ("/+", "/finance", True),
    ("+", "/finance", False),
    ("#", "$SYS/monitor", False),
    ("+/monitor", "$SYS/monitor", False),
    ("$SYS/#", "$SYS/monitor", True),
    ("q/1/d/a/+", "q/1/d/b/ota", False),
    ("a/b", "a/b", True),
    ("a/b", "a/B", False),
    ("a/b/c", "a/b", False),
]


@pytest.mark.parametrize(("text", "name", "does"), MATCHES)
def test_filter_when_matched_then_as_the_standard_says(text, name, does):
    assert does_match(text, name) is does
