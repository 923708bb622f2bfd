"""What is kept of a terminal on disk: history and command buttons."""

from __future__ import annotations

import json

import pytest

from moduline.errors import BadOption, BadRecipe, StorageFailed
from moduline.web.studio.terminal_commands import (
    Command,
    checked,
    commands_file,
    export_commands,
    merged,
    parse_commands,
    read_commands,
    write_commands,
)
from moduline.web.studio.terminal_history import KEPT, History, history_file


def test_history_when_read_again_then_it_is_there_for_its_own_folder_only(tmp_path):
    path = history_file(tmp_path, tmp_path / "one", "repl")
    assert path != history_file(tmp_path, tmp_path / "two", "repl")
    assert path != history_file(tmp_path, tmp_path / "one", "at")
    first = History(path)
    for line in ("a", "  ", "b", "中文", "a", "x" * 5000):
        first.add(line)
    assert History(path).lines == ("b", "中文", "a")


def test_history_when_browsed_then_what_was_begun_comes_back(tmp_path):
    (tmp_path / "h.json").write_text('["one", "two"]')
    history = History(tmp_path / "h.json")
    assert history.earlier("beg") == "two"
    assert history.earlier("two") == "one"
    assert history.earlier("one") is None
    assert history.later() == "two"
    assert history.later() == "beg"
    assert history.later() is None


def test_history_when_long_then_the_oldest_go(tmp_path):
    history = History(tmp_path / "h.json")
    (tmp_path / "h.json").write_text(json.dumps([str(number) for number in range(KEPT + 5)]))
    history = History(tmp_path / "h.json")
    history.add("new")
    assert len(history.lines) == KEPT
    assert history.lines[-1] == "new"


@pytest.mark.parametrize("damage", [b"", b"{", b'{"a": 1}', b"[1, null]", b"\xff\xfe"])
def test_history_when_damaged_then_it_begins_anew(tmp_path, damage):
    (tmp_path / "h.json").write_bytes(damage)
    assert History(tmp_path / "h.json").lines == ()


def test_history_when_it_cannot_be_kept_then_it_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageFailed):
        History(tmp_path / "file" / "h.json").add("x")


def test_commands_when_carried_then_they_are_the_same(tmp_path):
    commands = [Command("Free", "import gc\ngc.mem_free()"), Command("内存", "print('✓')")]
    path = commands_file(tmp_path, 7, "repl")
    assert read_commands(path) == []
    write_commands(path, commands)
    assert read_commands(path) == commands
    assert parse_commands(export_commands(commands).encode(), "x.json") == commands
    assert path != commands_file(tmp_path, 8, "repl")


def test_commands_when_imported_then_the_newer_text_counts_in_its_place():
    own = [Command("A", "1"), Command("B", "2")]
    assert merged(own, [Command("A", "3"), Command("C", "4")]) == [
        Command("A", "3"),
        Command("B", "2"),
        Command("C", "4"),
    ]


@pytest.mark.parametrize(
    "file",
    [
        b"",
        b"[]",
        b"\xff",
        b'{"commands": []}',
        b'{"moduline": "commands"}',
        b'{"moduline": "commands", "commands": [{"name": "", "text": "x"}]}',
        b'{"moduline": "commands", "commands": [{"name": "a", "text": ""}]}',
        b'{"moduline": "commands", "commands": [{"name": "a", "text": "x"}, {"name": "a", "text": "y"}]}',
        b'{"moduline": "commands", "commands": [{"name": "a\\u0000", "text": "x"}]}',
        b'{"moduline": "commands", "commands": [' + b",".join([b'{"name": "a", "text": "x"}'] * 61) + b"]}",
        b"[" * 100_000,
    ],
)
def test_commands_when_no_such_file_then_it_is_refused(file):
    with pytest.raises(BadRecipe):
        parse_commands(file, "x.json")


@pytest.mark.parametrize(
    ("name", "text"), [("", "x"), ("n" * 41, "x"), ("n", " \n"), ("n", "x" * 8001), ("taken", "x")]
)
def test_command_when_it_cannot_be_one_then_it_is_refused(name, text):
    with pytest.raises(BadOption):
        checked(name, text, ["taken"])
