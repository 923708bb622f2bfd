"""What ``burn`` and ``gang run`` are told beyond the package: the functional test and each unit's own data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from moduline.cli.language import say

RecipeOption = Annotated[
    Path | None,
    typer.Option("--recipe", metavar="FILE", help=say("functional test after the burn", "烧录后的功能测试配方")),
]
UnitsOption = Annotated[
    Path | None,
    typer.Option("--units", metavar="FILE", help=say("data of each unit: .csv or .toml", "单元数据：.csv 或 .toml")),
]
