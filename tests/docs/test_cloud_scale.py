"""The paper on scale: every sum in it is right, and what it calls measured is all it builds on."""

from __future__ import annotations

import ast
import math
import re
from pathlib import Path

import pytest

PAPER = Path(__file__).resolve().parents[2] / "docs" / "design" / "cloud-scale.md"
ROUNDED = 0.02
"""How far a number in the paper may be from the exact one."""
LEAST_SUMS = 50


def lines():
    """Name, expressions and comment of every line of the blocks called ``sums``."""
    blocks = re.findall(r"```sums\n(.*?)```", PAPER.read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    for line in "".join(blocks).splitlines():
        code, _, comment = line.partition("#")
        name, *expressions = (part.strip() for part in code.split(" = "))
        yield name, expressions, comment.strip()


def counted(expression, known):
    """A number of a sum: names, numbers, the four ways of reckoning, and ceil."""
    tree = ast.parse(expression, mode="eval")
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            assert node.id == "ceil" or node.id in known, f"{node.id} is not known before"
    return eval(compile(tree, "sums", "eval"), {"__builtins__": {}, "ceil": math.ceil}, known)


def test_paper_when_reckoned_again_then_every_number_is_right():
    known, sums = {}, 0
    for name, expressions, comment in lines():
        assert name not in known, f"{name} is there twice"
        known[name] = counted(expressions[0], known)
        if len(expressions) == 2:
            sums += 1
            assert float(expressions[1]) == pytest.approx(known[name], rel=ROUNDED), name
        else:
            assert comment, f"{name} says not where it comes from"
    assert sums >= LEAST_SUMS


def test_paper_when_it_names_a_bench_then_it_is_there():
    named = set(re.findall(r"bench/\w+\.py", PAPER.read_text(encoding="utf-8")))
    assert named
    assert all((PAPER.parents[2] / name).is_file() for name in named)
