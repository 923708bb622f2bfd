"""The scenario guide is complete: every key that a reader asks for, every word of a fault, in both languages."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest

from moduline.port.recording import encode_entry, encode_header, read_recording
from moduline.vmodule.faults import words
from moduline.vmodule.faults.words import parse_faults
from moduline.vmodule.scenario import reading
from moduline.vmodule.scenario.reading import MODULE_KEYS, PLACE_KEYS, TOP_KEYS
from moduline.vmodule.scenario.surroundings import READERS

ROOT = Path(__file__).resolve().parents[2]
GUIDES = ("docs/guide/scenario.md", "docs/guide/scenario.zh.md")
ASKING = {"text", "number", "seconds", "flag", "choice", "texts", "table", "tables", "has", "amount", "value"}


def keys_asked_for(module):
    """Every key that the functions of a module ask a Table for: ``table.text("key")`` or ``_within(table, "key")``."""
    keys = set()
    for call in ast.walk(ast.parse(inspect.getsource(module))):
        if not isinstance(call, ast.Call):
            continue
        if isinstance(call.func, ast.Attribute) and call.func.attr in ASKING:
            keys |= {one.value for one in call.args[:1] if isinstance(one, ast.Constant) and isinstance(one.value, str)}
        elif isinstance(call.func, ast.Name) and call.args[1:] and isinstance(call.args[0], ast.Name):
            second = call.args[1]
            if call.args[0].id in {"table", "one", "row"} and isinstance(second, ast.Constant):
                keys.add(second.value)
    return keys


def marked(page):
    """Everything between backticks, cut at blanks and signs."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return {word for piece in re.findall(r"`([^`\n]+)`", text) for word in re.split(r"[^A-Za-z0-9_]+", piece)}


@pytest.mark.parametrize("page", GUIDES)
def test_guide_when_compared_with_the_readers_then_names_every_key(page):
    known = marked(page)
    wanted = {*TOP_KEYS, *PLACE_KEYS, *MODULE_KEYS} | keys_asked_for(reading)
    parts = {}
    for name, read in READERS.items():
        parts[name] = keys_asked_for(inspect.getmodule(read))
        assert parts[name], name
    if "updates" in parts:  # its file also has the desk's questions
        parts["updates"] = {"public_key"}
    missing = {name: sorted(keys - known) for name, keys in {"scenario": wanted, **parts}.items() if keys - known}
    assert not missing


@pytest.mark.parametrize("page", GUIDES)
def test_guide_when_compared_with_the_readers_then_names_no_key_that_nobody_reads(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for name, read in READERS.items():
        section = re.search(rf"\n### `{name}`.*?\n(.*?)\n##", text, re.DOTALL)[1]
        rows = re.findall(r"^\| (`[^|]+`) \|", section, re.MULTILINE)
        written = {key for row in rows for key in re.findall(r"`([^`]+)`", row)}
        assert written
        assert written - keys_asked_for(inspect.getmodule(read)) == set(), name


@pytest.mark.parametrize("page", GUIDES)
def test_guide_when_compared_with_the_words_then_names_every_form(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    section = next(part for part in text.split("\n## ") if "`cut@N`" in part)
    for word in (*words.SWITCHES, *words.MOMENTS, *words.SURROUNDINGS):
        assert f"`{word}`" in section, word
    given = {
        word
        for cell in re.findall(r"^\| (`[^|]+`) \|", section, re.MULTILINE)
        for word in re.findall(r"`([^`]+)`", cell)
    }
    for word in given:
        spoken = word
        for name, value in (("SEED", "7"), ("BYTES", "9"), ("MV", "3300"), ("PART", "AP"), ("KIND", "denied")):
            spoken = spoken.replace(name, value)
        parse_faults(re.sub(r"(?<=[@=])N\b", "5", spoken))


def test_guides_when_compared_then_speak_of_the_same_keys_and_words():
    english, chinese = (
        re.findall(r"^\| (`[^|]+`) \|", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE) for page in GUIDES
    )
    assert english == chinese


def test_guide_links_when_followed_then_lead_somewhere():
    for page in GUIDES:
        for target in re.findall(r"\]\(([^)#:]+)\)", (ROOT / page).read_text(encoding="utf-8")):
            assert (ROOT / page).parent.joinpath(target).exists(), target


def test_recording_spec_when_its_example_is_read_then_every_line_is_written_back():
    text = (ROOT / "docs/spec/recording.md").read_text(encoding="utf-8")
    lines = re.search(r'```\n(\{"format".*?)```', text, re.DOTALL)[1]
    recording = read_recording(lines.encode())
    written = [encode_header(recording.address, recording.started), *map(encode_entry, recording.entries)]
    normal = re.sub(r'"t": (\d+\.\d*?)0+(?=,)', lambda found: f'"t": {float(found[1])}', lines)
    assert [line + "\n" for line in written] == normal.splitlines(keepends=True)
