"""``explain``: every error and every exit code has its page, in both languages, with a command that exists."""

from __future__ import annotations

import json
import re
import shlex

import pytest
import typer.main

from moduline.cli.main import build_app, run
from moduline.errors import leaves
from moduline.errors.pages import EXITS, PAGES

SURFACE = [*range(18), 124, 130]
CHINESE = re.compile(r"[\u4e00-\u9fff]")
WORDS_AFTER = {"moduline": 0, "MODULINE_HOME=/big/disk": 1}


@pytest.mark.parametrize("leaf", leaves(), ids=lambda leaf: leaf.slug)
def test_page_when_of_any_error_then_cause_remedy_and_example_in_both_languages(leaf):
    page = PAGES[leaf.slug]
    for text in (page.cause, page.example, page.remedy or leaf.hint):
        assert text.en
        assert CHINESE.search(text.zh)
        assert not CHINESE.search(text.en)
        assert "{" not in text.en + text.zh, "a page knows no facts: give it a remedy of its own"


def test_pages_when_counted_then_none_is_of_an_error_that_is_no_more():
    assert {leaf.slug for leaf in leaves()} == set(PAGES)


@pytest.fixture(scope="module")
def tree():
    return typer.main.get_command(build_app())


@pytest.mark.parametrize("slug", sorted(PAGES))
def test_example_when_typed_then_the_command_and_its_options_exist(tree, slug):
    words = shlex.split(PAGES[slug].example.en, comments=True)
    words = words[words.index("moduline") + 1 :]
    if words[0] == "--record":
        words = words[2:]
    command = tree
    while words and not words[0].startswith("-") and words[0] in getattr(command, "commands", {}):
        command = command.commands[words.pop(0)]
    assert not getattr(command, "commands", {}), words
    known = {option for parameter in command.params for option in parameter.opts} | {"-vv", "--help"}
    assert {word for word in words if word.startswith("-")} <= known


def test_exit_codes_when_asked_for_then_all_of_the_surface(capsys):
    assert sorted(EXITS) == SURFACE
    for number in SURFACE:
        assert run(["explain", str(number), "--json"]) == 0
        page = json.loads(capsys.readouterr().out)
        assert page["exit_code"] == number
        assert {one["code"] for one in page["errors"]} == {leaf.code for leaf in leaves() if leaf.exit_code == number}


@pytest.mark.parametrize("word", ["ML-E0908", "ml-e0908", "E0908", "burn.nv-damaged"])
def test_error_when_named_by_code_or_slug_then_its_page(word, capsys):
    assert run(["explain", word, "--json"]) == 0
    page = json.loads(capsys.readouterr().out)
    assert (page["code"], page["slug"], page["exit_code"]) == ("ML-E0908", "burn.nv-damaged", 9)
    assert page["cause"]
    assert page["example"].startswith("moduline ")
    assert "<imei>" in page["message"]


def test_page_when_shown_to_people_then_in_their_language(capsys):
    assert run(["--lang", "zh", "explain", "ML-E0501"]) == 0
    assert "示例" in capsys.readouterr().out
    assert run(["explain", "all"]) == 0
    assert "ML-E1701" in capsys.readouterr().out
    assert run(["explain", "ML-E0100"]) == 0
    assert "-vv" in capsys.readouterr().out


@pytest.mark.parametrize("word", ["ML-E9999", "18", "nonsense", "", "-1"])
def test_word_when_it_is_none_of_these_then_2(word, capsys):
    assert run(["explain", "--json", "--", word]) == 2
