"""What the line records say: ``gang report`` and ``gang stats``."""

from __future__ import annotations

import re
import time
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.markup import escape

from moduline import line
from moduline.burn.books import RecordFilter, open_store
from moduline.burn.record import OUTCOMES
from moduline.cli.burn_view import print_records
from moduline.cli.disk import write_file
from moduline.cli.gang_mes import register_gang_mes
from moduline.cli.language import say
from moduline.cli.output import JsonFlag, note, out, print_json, print_table
from moduline.errors import BadOption, Text
from moduline.line.records.export import as_csv, as_xlsx
from moduline.line.records.statistics import BREAKDOWNS, ErrorShare, LineFigures, breakdown, figures, pareto

_AGO: Final = re.compile(r"(\d+)([smhdw])")
SHOWN: Final = 500
"""More tries than this nobody reads in a terminal."""
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}

OrderArgument = Annotated[
    str, typer.Argument(metavar="[ID]", help=say("production order; none: everything", "工单；省略则为全部"))
]
RecordsOption = Annotated[
    str,
    typer.Option(
        "--records", metavar="URL", help=say("database: path, postgresql://…", "数据库：路径或 postgresql://…")
    ),
]
SinceOption = Annotated[
    str, typer.Option("--since", metavar="TIME", help=say("2026-11-21, 2026-11-21T08:00, 8h", "起始时间，或 8h 等时长"))
]
UntilOption = Annotated[str, typer.Option("--until", metavar="TIME", help=say("before this time", "截止时间（不含）"))]
StationFilter = Annotated[str | None, typer.Option("--station", metavar="NAME", help=say("done here", "仅此工位"))]
OutcomeFilter = Annotated[
    str | None, typer.Option("--outcome", metavar="WORD", help=say("PASS, FAIL, …", "仅此结果：PASS、FAIL 等"))
]


def register_gang_report(gang: typer.Typer) -> None:
    """Add what reads the records to ``gang``, and what tells others of them."""
    _register_report(gang)
    _register_stats(gang)
    register_gang_mes(gang)


def _register_report(gang: typer.Typer) -> None:
    @gang.command(
        help=say(
            "What happened to each unit. Example: moduline gang report A-17 --since 8h --xlsx a17.xlsx",
            "产线记录。示例：moduline gang report A-17 --since 8h --xlsx a17.xlsx",
        )
    )
    def report(
        order: OrderArgument = "",
        csv: Annotated[
            Path | None, typer.Option("--csv", metavar="OUT", help=say("write a table", "输出 CSV 表格"))
        ] = None,
        xlsx: Annotated[
            Path | None, typer.Option("--xlsx", metavar="OUT", help=say("write a workbook", "输出 Excel 表格"))
        ] = None,
        since: SinceOption = "",
        until: UntilOption = "",
        station: StationFilter = None,
        outcome: OutcomeFilter = None,
        records: RecordsOption = "",
        as_json: JsonFlag = False,
    ) -> None:
        kept = open_store(records).select(_filter(order, since, until, station, outcome))
        tries = [one.record for one in kept]
        if csv is not None:
            _export(csv, as_csv(tries, None).encode("utf-8-sig"), len(tries))
        if xlsx is not None:
            _export(xlsx, as_xlsx(tries, None), len(tries))
        units = line.final_records(tries)
        passed = sum(unit.is_pass for unit in units)
        if as_json:
            print_json({"ok": True, "units": len(units), "passed": passed, "records": [one.as_json() for one in kept]})
            return
        if len(tries) > SHOWN:
            note(
                "the last {shown} of {count} records; --csv, --xlsx and --json have all",
                "仅显示 {count} 条中的最后 {shown} 条；--csv、--xlsx、--json 含全部",
                shown=SHOWN,
                count=len(tries),
            )
        print_records(tries[-SHOWN:])
        for one in kept:
            for remark in one.remarks:
                if not remark.is_ok:
                    note(
                        "{id}: {kind}: {detail}",
                        "{id}：{kind}：{detail}",
                        id=one.record.id,
                        kind=remark.kind,
                        detail=remark.detail,
                    )
        out().print(
            say("{units} units, {passed} passed", "{units} 个模组，{passed} 个通过", units=len(units), passed=passed)
        )


def _register_stats(gang: typer.Typer) -> None:
    @gang.command(
        help=say(
            "Units, yields and units per hour. Example: moduline gang stats A-17 --by slot",
            "良率与每小时产量。示例：moduline gang stats A-17 --by slot",
        )
    )
    def stats(
        order: OrderArgument = "",
        by: Annotated[str, typer.Option("--by", metavar="WHAT", help="station, slot, operator, hour, error")] = "",
        since: SinceOption = "",
        until: UntilOption = "",
        station: StationFilter = None,
        records: RecordsOption = "",
        as_json: JsonFlag = False,
    ) -> None:
        if by not in {"", "error", *BREAKDOWNS}:
            reason = Text("'{given}' is none of {known}", "“{given}” 不是 {known} 之一")
            raise BadOption(name="--by", reason=reason, given=by, known=", ".join((*BREAKDOWNS, "error")))
        tries = [one.record for one in open_store(records).select(_filter(order, since, until, station, None))]
        every, errors = figures(tries), pareto(tries)
        parts = next((breakdown(tries, one, None) for one in BREAKDOWNS if one == by), [])
        if as_json:
            facts = {"ok": True, "all": every.as_json(), "by": by, "parts": [one.as_json() for one in parts]}
            print_json(facts | {"errors": [_error_as_json(one) for one in errors]})
            return
        if by != "error":
            _print_figures([*parts, every], by)
        if errors:
            _print_pareto(errors)


def _export(path: Path, data: bytes, count: int) -> None:
    write_file(path, data)
    note("{count} records in {path}", "{count} 条记录已写入 {path}", count=count, path=path)


def _filter(order: str, since: str, until: str, station: str | None, outcome: str | None) -> RecordFilter:
    chosen = next((one for one in OUTCOMES if outcome and one == outcome.upper()), None)
    if outcome and chosen is None:
        reason = Text("'{given}' is none of {known}", "“{given}” 不是 {known} 之一")
        raise BadOption(name="--outcome", reason=reason, given=outcome, known=", ".join(OUTCOMES))
    return RecordFilter(
        order=order or None,
        outcome=chosen,
        station=station,
        since_s=_moment("--since", since),
        until_s=_moment("--until", until),
    )


def _moment(name: str, words: str) -> float | None:
    """Unix time of a date, a time of this computer's zone or another, or a while ago.

    Raises:
        BadOption: neither of them.
    """
    if not words:
        return None
    if ago := _AGO.fullmatch(words):
        return time.time() - int(ago[1]) * _SECONDS[ago[2]]
    try:
        return datetime.fromisoformat(words).astimezone().timestamp()
    except (ValueError, OverflowError, OSError) as wrong:
        reason = Text(
            "'{given}' is neither a date, nor a time such as 2026-11-21T08:00, nor a while such as 8h",
            "“{given}” 既不是日期或 2026-11-21T08:00 形式的时间，也不是 8h 形式的时长",
        )
        raise BadOption(name=name, reason=reason, given=words) from wrong


def _print_figures(parts: list[LineFigures], by: str) -> None:
    print_table(
        [
            by,
            say("units", "模组数"),
            say("first pass", "直通率"),
            say("final", "最终良率"),
            say("units/h", "每小时"),
            say("cycle s", "节拍 秒"),
            say("tries", "次数"),
            say("aborted", "中止"),
        ],
        [
            (
                escape(one.name) or ("—" if one is not parts[-1] else say("all", "合计")),
                one.units,
                f"{100 * one.first_pass_yield:.1f} %",
                f"{100 * one.final_yield:.1f} %",
                f"{one.units_per_hour:.0f}",
                f"{one.cycle_s:.1f}",
                one.tries,
                one.aborted,
            )
            for one in parts
        ],
    )


def _print_pareto(errors: list[ErrorShare]) -> None:
    print_table(
        [
            say("error", "错误"),
            say("tries", "次数"),
            say("share", "占比"),
            say("total", "累计"),
            say("latest", "最近一次"),
        ],
        [
            (
                one.code or "—",
                one.tries,
                f"{100 * one.share:.1f} %",
                f"{100 * one.total:.1f} %",
                escape(one.message[:120]),
            )
            for one in errors
        ],
        wraps=False,
    )


def _error_as_json(one: ErrorShare) -> dict[str, Any]:
    return {"code": one.code, "tries": one.tries, "share": one.share, "total": one.total, "message": one.message}
