"""Words and arguments that the commands of patches share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from moduline.cli.language import say
from moduline.delta import compare
from moduline.formats.patch import Patch

OldArgument = Annotated[Path, typer.Argument(metavar="OLD", help=say("what runs before", "升级前的固件"))]
NewArgument = Annotated[Path, typer.Argument(metavar="NEW", help=say("what shall run afterwards", "升级后的固件"))]
PatchArgument = Annotated[Path, typer.Argument(metavar="PATCH", help=say("patch", "差分包"))]
NewPath = Annotated[Path, typer.Option("-o", "--output", metavar="NEW", help=say("result", "输出文件"))]


def direction_of(found: Patch) -> str:
    """``upgrade``, ``downgrade``, ``same`` or ``unknown``, by the versions in a patch."""
    return compare(found.source_version, found.target_version)


def shown(direction: str, found: Patch) -> str:
    """The direction in words, with the versions."""
    words = {
        "upgrade": say("upgrade", "升级"),
        "downgrade": say("downgrade", "降级"),
        "same": say("same version", "版本相同"),
        "unknown": say("direction not known by version", "无法由版本判断方向"),
    }
    return f"{words[direction]}: {found.source_version or '?'} -> {found.target_version or '?'}"
