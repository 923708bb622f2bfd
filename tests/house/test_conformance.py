"""The table of sentences and tests names nothing that is not there."""

import re
from pathlib import Path

from wire.quecthing import recorded
from wire.quecthing.invented import SCENES

TESTS = Path(__file__).resolve().parents[1]
PAGE = TESTS.parent / "docs" / "spec" / "quecthing-conformance.md"
WORDS = re.compile(r"\b(?:scenes?|recordings?) ([a-z0-9-]+(?:, [a-z0-9-]+)*)")


def test_tests_and_sessions_when_named_then_there():
    text = PAGE.read_text("utf-8")
    named = set(re.findall(r"`(test_\w+)`", text))
    defined = {
        name
        for folder in ("cloud", "wire")
        for path in (TESTS / folder).rglob("test_*.py")
        for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text("utf-8"), re.MULTILINE)
    }
    assert named - defined == set()
    sessions = {one for group in WORDS.findall(text) for one in group.split(", ") if "-" in one}
    assert sessions - set(SCENES) - set(recorded.scenarios()) == set()
    assert len(sessions) > 40


def test_every_session_when_invented_then_in_the_table():
    text = PAGE.read_text("utf-8")
    unnamed = {
        "connection-lost-in-a-download-that-goes-on",
        "url-does-not-arrive",
        "one-download-fails-and-the-next-does-not",
    }
    assert {name for name in SCENES if name not in text} <= unnamed
