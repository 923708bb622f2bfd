"""The code sent to modules: language level of the oldest firmware, nothing left behind, robust framing."""

from __future__ import annotations

import ast

import pytest

from moduline.errors import BadAnswer
from moduline.remote import snippets

SNIPPETS = {name: text for name, text in vars(snippets).items() if name.isupper() and isinstance(text, str)}
NEWER = (ast.JoinedStr, ast.NamedExpr, ast.AnnAssign, ast.AsyncFunctionDef, ast.Match, ast.TryStar, ast.Starred)
ABSENT = {"reversed", "frozenset", "fromkeys", "breakpoint"}


@pytest.mark.parametrize("name", SNIPPETS)
def test_snippet_when_parsed_then_keeps_to_the_old_language(name):
    """Source: device-api 1: no f-strings, :=, reversed, frozenset, dict.fromkeys; u-names."""
    text = SNIPPETS[name]
    assert text.isascii()
    tree = ast.parse(text)
    assert not [node for node in ast.walk(tree) if isinstance(node, NEWER)]
    names = {getattr(node, "id", getattr(node, "attr", None)) for node in ast.walk(tree)}
    assert not names & ABSENT
    imported = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    imported |= {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    assert imported <= {"uos", "ubinascii", "uhashlib", "ujson", "modem", "checksum"}


@pytest.mark.parametrize(
    ("value", "source"),
    [
        ("/usr/a.py", "'/usr/a.py'"),
        ("it's", '"it\'s"'),
        ("中", "b'\\xe4\\xb8\\xad'.decode()"),
        ("a\nb", "b'a\\nb'.decode()"),
        (["a", "中"], "['a',b'\\xe4\\xb8\\xad'.decode()]"),
        (True, "True"),
        (7, "7"),
    ],
)
def test_literal_when_written_then_pure_ascii_and_same_value(value, source):
    assert snippets.literal(value) == source
    assert eval(source) == value


def test_literal_when_not_text_then_bad_answer():
    with pytest.raises(BadAnswer):
        snippets.literal("\ud800")


def test_frames_when_threads_print_in_between_then_still_found():
    assert snippets.frames(b"\x02a 1\x03INFO:x\r\n\x02\x03\x02b\x03 \x02broken") == ["a 1", "", "b"]


def test_call_when_it_fails_then_leaves_nothing_behind():
    scope = {}
    with pytest.raises(ZeroDivisionError):
        exec(snippets.call("def _ml(p):\n 1/p\n", 0), scope)
    assert "_ml" not in scope
