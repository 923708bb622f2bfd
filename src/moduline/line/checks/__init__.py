"""The functional test of a running module: a recipe of checks with limits, carried out on any number of slots at once.

Verbs: ``read_recipe_file``, ``run_recipe``, ``examiner``, ``check_module``, ``check_rack``.
"""

from __future__ import annotations

from moduline.line.checks.alone import CheckOrder, check_module, check_rack
from moduline.line.checks.examine import burnt_files, examiner
from moduline.line.checks.recipe import KINDS, Check, Recipe, read_recipe, read_recipe_file
from moduline.line.checks.run import run_recipe
from moduline.line.checks.under_test import Facts, UnderTest, ports_at, ports_of
from moduline.line.checks.wanted import Measured, Wanted

__all__ = [
    "KINDS",
    "Check",
    "CheckOrder",
    "Facts",
    "Measured",
    "Recipe",
    "UnderTest",
    "Wanted",
    "burnt_files",
    "check_module",
    "check_rack",
    "examiner",
    "ports_at",
    "ports_of",
    "read_recipe",
    "read_recipe_file",
    "run_recipe",
]
