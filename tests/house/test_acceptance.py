"""Every acceptance test of the device reference exists, under its number.  Source: device-api 14."""

import re
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
NUMBERS = {*range(1, 6), *range(10, 22), 30, 31, *range(40, 45), *range(50, 56)}
NAMED = re.compile(r"^(?:async )?def test_t(\d\d)_", re.MULTILINE)


def test_acceptance_tests_are_all_there_under_their_numbers():
    found = {int(number) for path in TESTS.rglob("test_*.py") for number in NAMED.findall(path.read_text("utf-8"))}
    assert sorted(NUMBERS - found) == []
    assert sorted(found - NUMBERS) == []
