"""Every sentence of a page stands in the one table, in both languages, and is said somewhere."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path
from string import Formatter

import pytest

WEB = Path(__file__).parents[2] / "src" / "moduline" / "web"
FILES = sorted(path for path in WEB.rglob("*.py") if path.parent.name != "texts")
AREAS = sorted(path.stem for path in (WEB / "texts").glob("*.py") if path.stem != "__init__")
SAYS = {
    "label", "button", "checkbox", "switch", "input", "textarea", "select", "radio", "link", "tab", "menu_item",
    "notify", "expansion", "item_label", "tooltip", "step", "toggle", "number", "chip", "badge", "upload", "html",
    "markdown",
}  # fmt: skip
LETTERS = re.compile(r"[A-Za-z]{2,}|[\u4e00-\u9fff]")
CHINESE = re.compile(r"[\u4e00-\u9fff]")
NAMES = re.compile(r"\b(?:IMEI|SN|CSV|XLSX|AT|FOTA|REPL|OTA|QR|API|SHA-256|MQTT|TLS|DDI|PASS|FAIL|ID|NV|KiB|MiB)\b")


def tables():
    return {area: importlib.import_module(f"moduline.web.texts.{area}").TEXTS for area in AREAS}


def facts(sentence):
    return sorted({name for _, name, _, _ in Formatter().parse(sentence) if name})


@pytest.mark.parametrize("area", AREAS)
def test_area_when_read_then_its_slugs_are_its_own_and_both_languages_say_the_same_facts(area):
    for slug, text in tables()[area].items():
        assert slug.startswith(f"{area}."), slug
        assert text.en.strip(), slug
        assert text.zh.strip(), slug
        assert facts(text.en) == facts(text.zh), slug
        words = NAMES.sub("", re.sub(r"\{[^}]*\}", "", text.en))
        if len(re.findall(r"[A-Za-z]+", words)) > 2 and slug != "shell.other_language":
            assert CHINESE.search(text.zh), f"{slug} is not Chinese: {text.zh}"
        assert not CHINESE.search(text.en) or slug == "shell.other_language", slug


def said_slugs():
    """Slugs that files name, and beginnings of those that they compose."""
    whole, begun = set(), set()
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                whole.add(node.value)
            elif isinstance(node, ast.JoinedStr) and node.values and isinstance(node.values[0], ast.Constant):
                begun.add(str(node.values[0].value))
    return whole, begun


def test_slug_when_in_the_table_then_some_page_says_it():
    whole, begun = said_slugs()
    places = importlib.import_module("moduline.web.places").PLACES
    titles = {f"{one.slug}.{what}" for one in places for what in ("title", "about")}
    starts = tuple(one for one in begun if "." in one)
    unsaid = [
        slug
        for table in tables().values()
        for slug in table
        if slug not in whole and slug not in titles and not slug.startswith(starts)
    ]
    assert unsaid == []


def test_slug_when_said_then_it_is_in_the_table():
    known = {slug for table in tables().values() for slug in table}
    unknown = []
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"t", "text"}):
                continue
            for first in node.args[:1]:
                for one in (first.body, first.orelse) if isinstance(first, ast.IfExp) else (first,):
                    if isinstance(one, ast.Constant) and one.value not in known:
                        unknown.append(f"{path.name}:{node.lineno} {one.value}")
    assert unknown == []


def test_page_when_it_says_something_then_from_the_table():
    literal = []
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in SAYS):
                continue
            if not (isinstance(node.func.value, ast.Name) and node.func.value.id == "ui"):
                continue
            named = [word.value for word in node.keywords if word.arg in {"label", "placeholder", "text", "title"}]
            for one in [*node.args[:1], *named]:
                if isinstance(one, ast.Constant) and isinstance(one.value, str):
                    told = re.sub(r"<[^>]*>|&\w+;", "", one.value)
                    if LETTERS.search(told) and told != "Moduline":
                        literal.append(f"{path.name}:{node.lineno} {one.value[:60]}")
    assert literal == []


def test_stage_when_a_verb_reports_it_then_jobs_have_words_for_it():
    known = {slug for table in tables().values() for slug in table}
    unnamed = {
        f"{path.name}: {node.args[0].value}"
        for path in WEB.parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"Step", "Progress"}
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and f"step.{node.args[0].value}" not in known
    }
    assert unnamed == set()
