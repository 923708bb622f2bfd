"""``virt up --scenario`` and ``virt check``: racks as a scenario file describes them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from moduline.cli.language import say
from moduline.cli.output import JsonFlag, note, print_json, print_table
from moduline.errors import NoSuchFile
from moduline.testing.rack_setup import bring_up_scenario

if TYPE_CHECKING:
    from moduline.vmodule.scenario import ModulePlan


def register_check(virt: typer.Typer) -> None:
    """Add ``virt check``."""

    @virt.command(
        "check",
        help=say(
            "Check a scenario file and show what it would bring up. Example: moduline virt check basement.toml",
            "检查场景文件并显示将启动的内容。示例：moduline virt check basement.toml",
        ),
    )
    def check(
        file: Annotated[Path, typer.Argument(metavar="FILE", help=say("scenario file", "场景文件"))],
        as_json: JsonFlag = False,
    ) -> None:
        check_file(file, as_json=as_json)


def check_file(file: Path, *, as_json: bool) -> None:
    """Check a scenario file and show what it would bring up.

    Raises:
        NoSuchFile, BadRecipe: it cannot be read.
    """
    from moduline.vmodule import scenario as scenarios  # takes its time; other commands start faster without

    scenario = scenarios.read_scenario_file(file)
    modules = scenarios.describe(scenario)
    if as_json:
        print_json({"ok": True, "title": scenario.title, "seed": scenario.seed, "modules": modules})
        return
    if scenario.title:
        note("{title}", "{title}", title=scenario.title)
    headings = [
        say("name", "名称"),
        say("model", "型号"),
        say("slot", "通道"),
        say("contents", "内容"),
        say("surroundings", "环境"),
        say("faults", "故障"),
        say("later", "之后"),
    ]
    print_table(headings, [_row(one) for one in scenario.modules])


def _row(one: ModulePlan) -> tuple[str, ...]:
    later = " ".join(f"{entry.at_s:g}s:{entry.fault}" for entry in one.timeline)
    contents = say("blank", "空白") if one.is_blank else " ".join(path.name for path in one.contents)
    cells = (
        one.name,
        one.module,
        one.slot or f"A{one.number}",
        contents,
        " ".join(sorted(one.surroundings)),
        " ".join(one.faults),
        later,
    )
    return tuple(escape(cell) for cell in cells)


def bring_up(file: Path, rack: str, *, is_off: bool, is_kept: bool) -> list[dict[str, Any]]:
    """Bring up the rack that a scenario file describes; gives its modules.

    Args:
        file: the scenario.
        rack: name of the rack.
        is_off: leave the power off.
        is_kept: keep what is in the flash files; else every module begins anew.

    Raises:
        NoSuchFile, BadRecipe: the scenario cannot be read.
        ModulineError: what the rack answered.
    """
    try:
        data = file.read_bytes()
    except OSError as cause:
        raise NoSuchFile(path=str(file), reason=cause.strerror or str(cause)) from cause
    return bring_up_scenario(data, file, rack, is_off=is_off, is_kept=is_kept)
