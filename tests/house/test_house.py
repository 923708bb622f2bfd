"""House rules a linter lacks: size, names, the error tree, docstrings, both languages."""

from __future__ import annotations

import ast
import functools
import re
import string
import subprocess
from pathlib import Path

import pytest

from moduline import errors

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py")) + sorted((ROOT / "onboard").rglob("*.py"))
HOST = sorted((ROOT / "src").rglob("*.py"))
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "base", "core", "manager", "handler"}
# An on-board module must be called what QuecPython calls it.
NAMED_BY_THE_VENDOR = {"onboard/shims/misc.py", "onboard/shims/utils.py"}
EXIT_CODES = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 124, 130}


pytestmark = pytest.mark.xdist_group("house")  # one worker reads all files, once


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@functools.cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@functools.cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """All of a file, walked once for all rules."""
    return tuple(ast.walk(tree(path)))


def test_source_file_when_counted_then_at_most_600_lines():
    long = {relative(p): n for p in SOURCES if (n := len(p.read_text(encoding="utf-8").splitlines())) > 600}
    assert not long


def test_function_when_counted_then_at_most_60_lines():
    """H17: a function fits on a screen; the docstring does not count."""
    long = {}
    for path in HOST:
        for node in nodes(path):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                if ast.get_docstring(node):
                    lines -= (node.body[0].end_lineno or 0) - node.body[0].lineno + 1
                if lines > 60 and not (node.name == "register" or node.name.startswith("register_")):
                    long[f"{relative(path)}:{node.name}"] = lines
    assert not long


def test_file_and_folder_when_named_then_no_room_for_leftovers():
    bad = [
        relative(p)
        for p in SOURCES
        if FORBIDDEN_NAMES & {part.removesuffix(".py") for part in p.relative_to(ROOT).parts}
        and relative(p) not in NAMED_BY_THE_VENDOR
    ]
    assert not bad


def test_class_when_named_then_no_manager_or_handler():
    bad = [
        f"{relative(p)}:{node.name}"
        for p in HOST
        for node in nodes(p)
        if isinstance(node, ast.ClassDef) and node.name.endswith(("Manager", "Handler", "Helper", "Util", "Utils"))
    ]
    assert not bad


def test_source_file_when_read_then_has_a_head():
    headless = [relative(p) for p in HOST if p.read_text(encoding="utf-8").strip() and not ast.get_docstring(tree(p))]
    assert not headless


def test_error_tree_when_walked_then_codes_and_slugs_are_unique_and_complete():
    leaves = errors.leaves()
    assert len({leaf.code for leaf in leaves}) == len(leaves)
    assert len({leaf.slug for leaf in leaves}) == len(leaves)
    for leaf in leaves:
        assert re.fullmatch(r"ML-E\d{4}", leaf.code), leaf
        assert leaf.exit_code in EXIT_CODES, leaf
        assert 400 <= leaf.http_status < 600, leaf
        assert leaf.__doc__, leaf
        number = leaf.code.removeprefix("ML-E")
        assert int(number[:2]) == min(leaf.exit_code, 12) or int(number[:2]) == leaf.exit_code, leaf


@pytest.mark.parametrize("leaf", errors.leaves(), ids=lambda leaf: leaf.slug)
def test_error_text_when_in_both_languages_then_names_the_same_facts(leaf):
    for text in (leaf.text, leaf.hint):
        assert text.en
        assert text.zh
        assert fields(text.en) == fields(text.zh)
        assert re.search(r"[\u4e00-\u9fff]", text.zh) or not re.search("[a-z]{2}", re.sub(r"{.*?}", "", text.en))


def fields(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def test_error_when_raised_then_gives_every_fact_its_text_names():
    """H22: a fact named in a text must be given where the error is raised."""
    wanted = {leaf.__name__: fields(leaf.text.en) | fields(leaf.hint.en) for leaf in errors.leaves()}
    missing = []
    for path in HOST:
        for node in nodes(path):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in wanted:
                given = {k.arg for k in node.keywords}
                if None not in given and (lost := wanted[node.func.id] - given):
                    missing.append(f"{relative(path)}:{node.lineno} {node.func.id} lacks {sorted(lost)}")
    assert not missing


def test_tree_when_searched_then_no_path_of_a_machine_and_no_leftover_note():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    bad = []
    for name in filter(None, listed):
        path = ROOT / name
        if path.suffix not in {".py", ".md", ".toml", ".sh", ""} or not path.is_file() or path.samefile(__file__):
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        bad += [f"{name}: {hit}" for hit in re.findall(r"/(?:root|work|farm)/[a-z.]+|\bTODO\b|\bFIXME\b|\bXXX\b", text)]
    assert not bad


def test_skip_when_written_then_says_why():
    """H33: a skip states its reason."""
    silent = []
    for path in sorted((ROOT / "tests").rglob("*.py")):
        for node in nodes(path):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in {"skip", "skipif"}
            ):
                has_reason = any(k.arg == "reason" for k in node.keywords) or (node.func.attr == "skip" and node.args)
                if not has_reason:
                    silent.append(f"{relative(path)}:{node.lineno}")
    assert not silent


def test_reason_when_given_to_an_error_then_speaks_both_languages():
    """Words for people are a Text; a plain string would show English to everybody."""
    english_only = []
    for path in HOST:
        for node in nodes(path):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in vars(errors):
                english_only += [
                    f"{relative(path)}:{node.lineno} {keyword.arg}"
                    for keyword in node.keywords
                    if keyword.arg in {"reason", "remedy"}
                    and isinstance(keyword.value, ast.Constant | ast.JoinedStr)
                    and re.search("[A-Za-z]{3} ", ast.unparse(keyword.value))
                ]
    assert not english_only
