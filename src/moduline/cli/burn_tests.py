"""What ``burn`` and ``gang run`` are told beyond the package: the functional test and each unit's own data."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from moduline.burn import Order
from moduline.burn.plan import PlanOptions
from moduline.cli.language import say
from moduline.package import read_package

RecipeOption = Annotated[
    Path | None,
    typer.Option("--recipe", metavar="FILE", help=say("functional test after the burn", "烧录后的功能测试配方")),
]
UnitsOption = Annotated[
    Path | None,
    typer.Option("--units", metavar="FILE", help=say("data of each unit: .csv or .toml", "单元数据：.csv 或 .toml")),
]


def with_tests(job: Order, package: bytes, options: PlanOptions, recipe: Path | None, units: Path | None) -> Order:
    """The order with the functional test and the unit data that the user named.

    Args:
        job: from ``burn.make_order``.
        package: the bytes of its package.
        options: what its plan was made with.
        recipe: of ``--recipe``.
        units: of ``--units``.

    Raises:
        NoSuchFile, StorageFailed, BadRecipe, BadFormat, BadOption, TooBig: one of them is wrong.
        MissingArea: the package has no image for the units' files.
    """
    if recipe is None and units is None:
        return job
    from moduline.line.checks import examiner, read_recipe_file  # a plain burn starts faster without
    from moduline.line.unit_data import UnitData
    from moduline.line.unit_table import read_table_file

    read = read_package(package, job.package)
    data = UnitData(read, read_table_file(units), options) if units is not None else None
    examine = examiner(read_recipe_file(recipe), read, data) if recipe is not None else None
    return replace(job, own_data=data, examine=examine)
