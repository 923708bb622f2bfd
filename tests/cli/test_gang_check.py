"""``gang recipe``, ``gang units`` and ``--recipe``, ``--units``, as typed, without a module."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from moduline.cli import main
from moduline.line.checks.starter import STARTER


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """Type a command in a folder with a difficult name; gives stdout; asserts the exit code."""
    folder = tmp_path / "测试 目录 (1)"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def typed(*words, exit_code=0):
        code = main.run([str(word) for word in words])
        shown = capsys.readouterr()
        assert code == exit_code, shown
        typed.err = shown.err
        return shown.out

    return typed


def test_recipe_new_when_typed_then_written_once_and_checked(run):
    run("gang", "recipe", "new", "r.toml", "--dry-run")
    assert not Path("r.toml").exists()
    run("gang", "recipe", "new", "r.toml")
    assert Path("r.toml").read_text(encoding="utf-8") == STARTER
    run("gang", "recipe", "new", "r.toml", exit_code=2)
    told = json.loads(run("gang", "recipe", "check", "r.toml", "--json"))
    assert [one["name"] for one in told["checks"]][:3] == ["imei", "version", "sim"]
    assert len(told["sha256"]) == 64
    assert "registration" in run("gang", "recipe", "check", "r.toml")


@pytest.mark.parametrize(("lang", "word"), [("en", "unknown key"), ("zh", "未知字段")])
def test_recipe_check_when_wrong_then_file_line_and_key_in_the_language(run, lang, word):
    Path("r.toml").write_text("[[check]]\nkind = 'imei'\nluhm = true\n", encoding="utf-8")
    run("gang", "recipe", "check", "r.toml", "--lang", lang, exit_code=8)
    assert "r.toml:3" in run.err
    assert "check[0].luhm" in run.err
    assert word in run.err
    run("gang", "recipe", "check", "none.toml", exit_code=2)


def test_burn_when_recipe_or_units_are_wrong_then_said_before_any_port_is_touched(run):
    run("firmware", "build", "ec600u", "-o", "stock.pac")
    Path("r.toml").write_text("[[check]]\nkind = 'imeo'\n", encoding="utf-8")
    Path("u.csv").write_text("serial\nSN1\n", encoding="utf-8")
    for command in (("burn", "stock.pac", "--port", "virt:none"), ("gang", "run", "stock.pac", "--rack", "none")):
        run(*command, "--recipe", "r.toml", exit_code=8)
        assert "imeo" in run.err
        run(*command, "--units", "u.csv", exit_code=8)
        assert "ML-E0808" in run.err


def test_units_when_typed_then_rows_and_what_is_free(run):
    Path("u.csv").write_text("serial,imei\nSN1,490154203237518\nSN2,\n", encoding="utf-8")
    told = json.loads(run("gang", "units", "u.csv", "--json"))
    assert (told["rows"], told["free"]) == (2, 1)
    assert [one["reserved_for"] for one in told["units"]] == ["490154203237518", ""]
    assert "SN2" in run("gang", "units", "u.csv")
    Path("u.csv").write_text("serial,imei\nSN1,49\n", encoding="utf-8")
    run("gang", "units", "u.csv", exit_code=8)
