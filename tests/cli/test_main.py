"""The frame around every command: languages, exit codes, no tracebacks."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys

import pytest
import typer

from moduline.cli import main
from moduline.cli.complaints import both


def type_(*words, **environment):
    return subprocess.run(
        [sys.executable, "-m", "moduline", *words], capture_output=True, text=True, encoding="utf-8", check=False
    )


@pytest.mark.parametrize(
    ("words", "chinese"),
    [
        (["nope"], "没有命令“nope”"),
        (["version", "--nope"], "没有选项 --nope"),
        (["explain"], "缺少参数 CODE"),
        (["version", "more"], "多余的参数：more"),
        (["virt", "up", "--count", "x"], "不是整数"),
    ],
)
def test_wrong_usage_when_in_chinese_then_says_so_and_exits_2(words, chinese):
    done = type_(*words, "--lang", "zh")
    assert done.returncode == 2
    assert chinese in done.stderr
    assert "Traceback" not in done.stderr


def test_complaint_when_unknown_then_stays_as_it_is():
    assert both("Something new {x}").zh == "Something new {x}"


def test_failure_when_json_is_asked_then_is_one_object_on_stdout():
    done = type_("pack", "info", "nothing-here", "--json")
    failure = json.loads(done.stdout)
    assert failure["ok"] is False
    assert failure["code"] == "ML-E0204"
    assert set(failure) == {"ok", "code", "message", "hint", "facts"}
    assert done.returncode == 2


def test_language_when_unknown_then_is_refused():
    assert type_("version", "--lang", "fr").returncode == 2


def test_command_line_when_empty_then_shows_help_and_exits_2():
    done = type_()
    assert done.returncode == 2
    assert "Usage" in done.stderr


@pytest.mark.timeout(300)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_command_when_asked_for_help_then_shows_an_example(lang):
    """surface: --help with an example; the tree is walked by the reference generator too."""
    wanted = {"en": "Example", "zh": "示例"}[lang]
    for words in (["burn"], ["pack", "build"], ["virt", "up"], ["gang", "run"], ["exec"], ["image", "make"], ["demo"]):
        done = type_(*words, "--help", "--lang", lang)
        assert done.returncode == 0
        assert wanted in done.stdout, words


@pytest.mark.parametrize("noun", main.NOUNS)
def test_noun_when_registered_then_adds_the_commands_that_the_table_names(noun):
    app = typer.Typer()
    importlib.import_module(f"moduline.cli.{noun}").register(app)
    commands = {one.name or one.callback.__name__ for one in app.registered_commands}
    assert commands | {one.name for one in app.registered_groups} == set(main.NOUNS[noun])


@pytest.mark.parametrize("command", [commands[0] for commands in main.NOUNS.values()])
def test_command_when_run_then_the_others_are_not_loaded_and_its_page_is_the_same(command):
    def page(tree):
        return next(one for one in typer.main.get_command(tree).commands.items() if one[0] == command)[1].help

    assert page(main.build_app(command)) == page(main.build_app())


def test_line_when_the_one_before_was_quiet_then_it_is_not(capsys):
    assert main.run(["-q", "version"]) == 0
    assert main.output.verbosity == -1
    assert main.run(["version"]) == 0
    assert main.output.verbosity == 0
