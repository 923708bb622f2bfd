"""What the line records say: ``gang report``, ``gang stats``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from moduline import burn as burning
from moduline import line
from moduline.cli.burn_view import print_records
from moduline.cli.disk import write_file
from moduline.cli.language import say
from moduline.cli.output import JsonFlag, note, out, print_json
from moduline.line.records.export import as_csv


def register_gang_report(gang: typer.Typer) -> None:
    """Add what reads the records to ``gang``."""
    _register_report(gang)


def _register_report(gang: typer.Typer) -> None:
    @gang.command(
        help=say(
            "What happened to each unit. Example: moduline gang report A-17 --csv a17.csv",
            "产线记录。示例：moduline gang report A-17 --csv a17.csv",
        )
    )
    def report(
        order: Annotated[
            str, typer.Argument(metavar="[ID]", help=say("production order; none: everything", "工单；省略则为全部"))
        ] = "",
        csv: Annotated[
            Path | None, typer.Option("--csv", metavar="OUT", help=say("write a table", "输出 CSV 表格"))
        ] = None,
        as_json: JsonFlag = False,
    ) -> None:
        records = burning.book(order).read() if order else burning.all_records()
        if csv is not None:
            write_file(csv, as_csv(records, None).encode("utf-8-sig"))
            note("{count} records in {path}", "{count} 条记录已写入 {path}", count=len(records), path=csv)
        units = line.final_records(records)
        passed = sum(unit.is_pass for unit in units)
        if as_json:
            records_json = [record.as_json() for record in records]
            print_json({"ok": True, "units": len(units), "passed": passed, "records": records_json})
            return
        print_records(records)
        out().print(
            say("{units} units, {passed} passed", "{units} 个模组，{passed} 个通过", units=len(units), passed=passed)
        )
