"""``gang check``, ``gang recipe``, ``gang units``: the functional test alone, recipes, and whose unit data is whose."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from moduline import burn as burning
from moduline.burn import BurnRecord
from moduline.cli import output
from moduline.cli.burn import OperatorOption, OrderOption, StationOption
from moduline.cli.burn_tests import UnitsOption
from moduline.cli.burn_view import coloured
from moduline.cli.disk import read_file, write_file
from moduline.cli.language import say
from moduline.cli.output import DryRunFlag, JsonFlag, JsonlFlag, YesFlag, note, out, print_json, print_table
from moduline.cli.remote import PortOption, run_async
from moduline.errors import BadOption, GangPartFailed, Text, leaves
from moduline.events import Event, Reporter, to_json
from moduline.line.checks import CheckOrder, Recipe, check_module, check_rack, read_recipe_file
from moduline.line.checks.starter import STARTER
from moduline.line.unit_data import UnitData
from moduline.line.unit_rows import GivenRows
from moduline.line.unit_table import read_table_file
from moduline.package import FirmwarePackage, read_package

NeededRecipe = Annotated[Path, typer.Option("--recipe", metavar="FILE", help=say("functional test", "功能测试配方"))]
_VERDICT_COLOURS = {"pass": "green", "fail": "red", "warn": "yellow", "skip": "dim"}


def register_checks(gang: typer.Typer) -> None:
    """Add ``check``, ``recipe`` and ``units`` to ``gang``."""
    register_check(gang)
    register_recipe(gang)
    register_units(gang)


def register_check(gang: typer.Typer) -> None:
    """Add ``gang check``."""

    @gang.command(
        help=say(
            "Test running modules, burn nothing: one (--port), or all of a rack at once (--rack). "
            "Example: moduline gang check --rack bench --recipe test.toml --order A-17",
            "仅检测运行中的模组，不烧录：单个（--port）或整个机架同时检测（--rack）。"
            "示例：moduline gang check --rack bench --recipe test.toml --order A-17",
        )
    )
    def check(
        recipe: NeededRecipe,
        port: PortOption = "",
        rack: Annotated[
            str, typer.Option("--rack", metavar="NAME", help=say("all of this rack", "该机架全部模组"))
        ] = "",
        package: Annotated[
            Path | None,
            typer.Option("--package", metavar="FILE", help=say("what should be on them", "模组上应有的固件包")),
        ] = None,
        units: UnitsOption = None,
        order: OrderOption = "",
        operator: OperatorOption = "",
        station: StationOption = "",
        as_json: JsonFlag = False,
        as_jsonl: JsonlFlag = False,
    ) -> None:
        if port and rack:
            raise BadOption(name="--rack", reason=Text("either --port or --rack", "--port 与 --rack 二选一"))
        if units is not None and package is None:
            raise BadOption(name="--units", reason=Text("it needs --package", "需要同时指定 --package"))
        work = _check_order(read_recipe_file(recipe), package, units, (order, operator, station))
        book, report = burning.book(order), _reporter(as_jsonl=as_jsonl)
        if rack:
            records = run_async(check_rack(rack, work, book, report, _teller(as_jsonl=as_jsonl)))
        else:
            records = [run_async(check_module(port or "auto", work, book, report))]
            _teller(as_jsonl=as_jsonl)(records[0])
        _show(records, as_json=as_json, as_jsonl=as_jsonl, is_one=not rack)


def register_recipe(gang: typer.Typer) -> None:
    """Add ``gang recipe``."""
    recipe = typer.Typer(no_args_is_help=True, help=say("Recipes of functional tests.", "功能测试配方。"))
    gang.add_typer(recipe, name="recipe")

    @recipe.command(
        help=say(
            "Read a recipe and say what it does. Example: moduline gang recipe check test.toml",
            "检查配方并显示其内容。示例：moduline gang recipe check test.toml",
        )
    )
    def check(
        file: Annotated[Path, typer.Argument(metavar="FILE", help=say("recipe", "配方"))], as_json: JsonFlag = False
    ) -> None:
        found = read_recipe_file(file)
        if as_json:
            print_json({"ok": True, **_facts_of(found)})
            return
        columns = [say("check", "检查"), say("kind", "种类"), say("seconds", "秒"), say("needs", "依赖")]
        rows = [(escape(one.name), one.kind, f"{one.limit_s:g}", ", ".join(one.needs)) for one in found.checks]
        print_table(columns, rows, found.title)

    @recipe.command(
        help=say(
            "Write a recipe to begin with. Example: moduline gang recipe new test.toml",
            "生成带注释的初始配方。示例：moduline gang recipe new test.toml",
        )
    )
    def new(
        file: Annotated[Path, typer.Argument(metavar="FILE", help=say("where to", "输出文件"))],
        yes: YesFlag = False,
        dry_run: DryRunFlag = False,
        as_json: JsonFlag = False,
    ) -> None:
        if file.exists() and not (yes or dry_run):
            why = Text("{file} exists; --yes overwrites", "{file} 已存在；使用 --yes 覆盖")
            raise BadOption(name="FILE", reason=why, file=str(file))
        if not dry_run:
            write_file(file, STARTER.encode())
        if as_json:
            print_json({"ok": True, "file": str(file), "written": not dry_run})
        elif dry_run:
            out().print(STARTER, markup=False)
        else:
            note("written: {file}", "已写入：{file}", file=file)


def register_units(gang: typer.Typer) -> None:
    """Add ``gang units``."""

    @gang.command(
        help=say(
            "The data of each unit and which module has got it. Example: moduline gang units units.csv",
            "查看单元数据及其分配情况。示例：moduline gang units units.csv",
        )
    )
    def units(
        file: Annotated[
            Path, typer.Argument(metavar="FILE", help=say("table: .csv or .toml", "单元表：.csv 或 .toml"))
        ],
        as_json: JsonFlag = False,
    ) -> None:
        table = read_table_file(file)
        given = {one.unit.casefold(): one for one in GivenRows.of_table(table.name).all_given()}
        rows = [
            {
                "unit": row.unit,
                "reserved_for": row.imei,
                "given_to": one.imei if (one := given.get(row.unit.casefold())) else "",
                "given_at": one.given_at if one else 0.0,
                "files": list(unit.files),
            }
            for row, unit in zip(table.rows.all, table.units, strict=True)
        ]
        free = sum(not row["given_to"] and not row["reserved_for"] for row in rows)
        if as_json:
            print_json({"ok": True, "name": table.name, "rows": len(rows), "free": free, "units": rows})
            return
        columns = [say("unit", "单元"), say("reserved for", "预留给"), say("given to", "已分配给")]
        print_table(columns, [(escape(row["unit"]), row["reserved_for"], row["given_to"]) for row in rows])  # type: ignore[arg-type]
        note("{rows} rows, {free} free", "共 {rows} 行，{free} 行可分配", rows=len(rows), free=free)


def _check_order(recipe: Recipe, file: Path | None, units: Path | None, words: tuple[str, str, str]) -> CheckOrder:
    package: FirmwarePackage | None = None
    data: UnitData | None = None
    if file is not None:
        package = read_package(read_file(file), file.name)
        data = UnitData(package, read_table_file(units)) if units is not None else None
    order, operator, station = words
    return CheckOrder(recipe, package, data, order, operator, station)


def _reporter(*, as_jsonl: bool) -> Reporter:
    """Events as JSON lines; for people only with -v, the table at the end tells them."""
    if as_jsonl:
        return lambda event: print_json(to_json(event))
    lines = output.reporter()

    def tell(event: Event) -> None:
        if output.verbosity > 0:
            lines(event)

    return tell


def _teller(*, as_jsonl: bool) -> Any:
    def tell(record: BurnRecord) -> None:
        if as_jsonl:
            print_json({"event": "record", **record.as_json()})

    return tell


def _show(records: list[BurnRecord], *, as_json: bool, as_jsonl: bool, is_one: bool) -> None:
    """Print what was found.

    Raises:
        GangPartFailed: a module of a rack did not pass.
        ModulineError: what ended the one try.
    """
    failed = [record for record in records if not record.is_pass]
    whole = {"records": [record.as_json() for record in records]}
    if not (as_json or as_jsonl):
        for record in records:
            _show_record(record)
    elif as_json and not failed:
        print_json({"ok": True, **(records[0].as_json() if is_one else whole)})
    if not failed:
        return
    for leaf in leaves():
        if is_one and leaf.code == failed[0].error_code:
            raise leaf(**failed[0].error_facts, **({"record": failed[0].as_json()} if as_json else {}))
    raise GangPartFailed(failed=len(failed), total=len(records), **(whole if as_json else {}))


def _show_record(record: BurnRecord) -> None:
    counts = Counter(one.verdict for one in record.checks)
    told = ", ".join(f"{count} {verdict}" for verdict, count in counts.items()) or record.error_message
    out().print(f"{escape(record.slot)}  {coloured(record.outcome)}  {record.imei}  {escape(told)}")
    columns = [say("check", "检查"), "", say("value", "取值"), say("limits", "限值"), say("seconds", "秒"), ""]
    rows = [
        (
            escape(one.name),
            f"[{_VERDICT_COLOURS[one.verdict]}]{one.verdict}[/]",
            escape(one.value),
            escape(one.limits),
            f"{one.seconds:.2f}",
            escape(one.detail),
        )
        for one in record.checks
    ]
    if rows:
        print_table(columns, rows)


def _facts_of(recipe: Recipe) -> dict[str, Any]:
    return {
        "title": recipe.title,
        "sha256": recipe.sha256,
        "stop_at_first": recipe.is_stopped_at_first,
        "limit_s": recipe.limit_s,
        "checks": [
            {
                "name": one.name,
                "kind": one.kind,
                "limit_s": one.limit_s,
                "repeat": one.repeat,
                "retries": one.retries,
                "optional": one.is_optional,
                "needs": list(one.needs),
            }
            for one in recipe.checks
        ],
    }
