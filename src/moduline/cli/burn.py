"""``burn`` one module; ``gang run`` many, ``gang report`` what happened to each."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from moduline import burn as burning
from moduline.burn import BurnRecord, GangOptions
from moduline.burn.enter import PIN_LIMIT_S
from moduline.burn.plan import DEFAULT_PACKET_BYTES, Only, Verify
from moduline.cli.burn_view import LiveView, coloured, print_records, show_plan, single_reporter
from moduline.cli.disk import read_file, write_file
from moduline.cli.language import say
from moduline.cli.output import (
    DryRunFlag,
    JsonFlag,
    JsonlFlag,
    YesFlag,
    note,
    out,
    print_facts,
    print_json,
)
from moduline.cli.remote import PortOption, confirm, run_async
from moduline.errors import BadOption, GangPartFailed, Text
from moduline.package import read_package, write_package
from moduline.package.eigen_shapes import with_agentboot

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help=say("firmware package", "固件包"))]
VerifyOption = Annotated[
    str,
    typer.Option("--verify", help=say("read back: device, areas, all", "回读校验：device、areas、all")),
]
OrderOption = Annotated[str, typer.Option("--order", metavar="ID", help=say("production order", "生产工单"))]
OperatorOption = Annotated[str, typer.Option("--operator", metavar="NAME", help=say("who runs it", "操作员"))]
ForceOption = Annotated[
    bool, typer.Option("--force", help=say("even if the module says it is another model", "型号不符时仍继续"))
]
PinOption = Annotated[
    float,
    typer.Option("--pin-wait", metavar="S", help=say("wait for the boot pin, seconds", "等待按住 BOOT 的秒数")),
]
OnlyOption = Annotated[
    str, typer.Option("--only", metavar="WHAT", help=say("scripts: nothing but their areas", "scripts：仅烧录脚本分区"))
]
AgentbootOption = Annotated[
    Path | None,
    typer.Option("--agentboot", metavar="FILE", help=say("for a bare binpkg", "用于单独的 binpkg")),
]
PacketOption = Annotated[int, typer.Option("--packet", metavar="BYTES", help=say("content per packet", "每包字节数"))]


def register(app: typer.Typer) -> None:
    """Add ``burn`` and ``gang`` to the tree."""
    _register_burn(app)
    gang = typer.Typer(no_args_is_help=True, help=say("Burn many modules at once.", "一拖多烧录。"))
    app.add_typer(gang, name="gang")
    _register_gang_run(gang)
    _register_gang_report(gang)


def _register_burn(app: typer.Typer) -> None:
    @app.command(
        help=say(
            "Burn a package into one module: switch, burn, verify, boot, read the version back. "
            "Example: moduline burn QUEC_TEST_1.0.0.zip --port virt:m1",
            "烧录一个模组：进入下载模式、烧录、校验、启动并回读版本。"
            "示例：moduline burn QUEC_TEST_1.0.0.zip --port virt:m1",
        )
    )
    def burn(
        file: FileArgument,
        port: PortOption = "auto",
        verify: VerifyOption = "areas",
        packet: PacketOption = DEFAULT_PACKET_BYTES,
        with_part: Annotated[
            list[str] | None,
            typer.Option("--with", metavar="PART", help=say("a part that is off by default", "默认不烧录的部分")),
        ] = None,
        only: OnlyOption = "",
        agentboot: AgentbootOption = None,
        order: OrderOption = "",
        operator: OperatorOption = "",
        force: ForceOption = False,
        pin_wait: PinOption = PIN_LIMIT_S,
        dry_run: DryRunFlag = False,
        yes: YesFlag = False,
        as_json: JsonFlag = False,
        as_jsonl: JsonlFlag = False,
    ) -> None:
        job = burning.make_order(
            _with_agentboot(file, agentboot),
            file.name,
            verify=_verify(verify),
            packet_bytes=packet,
            only=_only(only),
            extra=tuple(with_part or ()),
            order=order,
            operator=operator,
            force=force,
            pin_limit_s=pin_wait,
        )
        show_plan(job.plan, as_json=as_json and dry_run, is_result=dry_run)
        if dry_run:
            return
        confirm(yes=yes or not sys.stdin.isatty())  # a script that names file and port has said what it wants
        record = run_async(burning.run_job(port, job, report=single_reporter(as_jsonl=as_jsonl)))
        if as_jsonl:
            print_json({"event": "record", **record.as_json()})
        record.raise_error()
        if record.is_pass and not as_jsonl:
            print_facts(record.as_json() if as_json else _short(record), as_json=as_json)
        if not record.is_pass:
            raise RuntimeError(record.error_message)


def _with_agentboot(file: Path, agentboot: Path | None) -> bytes:
    """The package, with the agentboot that was named in it."""
    data = read_file(file)
    if agentboot is None:
        return data
    return write_package(with_agentboot(read_package(data, file.name), read_file(agentboot)))


def _register_gang_run(gang: typer.Typer) -> None:
    @gang.command(
        help=say(
            "Burn every module of a rack, and each that arrives; re-powering a failed one tries again. "
            "Example: moduline gang run QUEC_TEST_1.0.0.zip --rack bench --order A-17",
            "烧录机架上的所有模组及陆续接入的模组；失败的模组重新上电即可重试。"
            "示例：moduline gang run QUEC_TEST_1.0.0.zip --rack bench --order A-17",
        )
    )
    def run(
        file: FileArgument,
        rack: Annotated[
            str | None, typer.Option("--rack", metavar="NAME", help=say("only this rack", "仅此机架"))
        ] = None,
        auto: Annotated[
            bool, typer.Option("--auto", help=say("wait for units until Ctrl-C", "持续等待模组接入，直到 Ctrl-C"))
        ] = False,
        count: Annotated[
            int, typer.Option("--count", metavar="N", min=0, help=say("end after N have passed", "通过 N 个后结束"))
        ] = 0,
        patience: Annotated[
            float,
            typer.Option("--patience", metavar="S", help=say("wait for re-powering, seconds", "等待重新上电的秒数")),
        ] = 60.0,
        verify: VerifyOption = "areas",
        packet: PacketOption = DEFAULT_PACKET_BYTES,
        only: OnlyOption = "",
        order: OrderOption = "",
        operator: OperatorOption = "",
        force: ForceOption = False,
        pin_wait: PinOption = PIN_LIMIT_S,
        dry_run: DryRunFlag = False,
        as_json: JsonFlag = False,
        as_jsonl: JsonlFlag = False,
    ) -> None:
        job = burning.make_order(
            read_file(file),
            file.name,
            verify=_verify(verify),
            packet_bytes=packet,
            only=_only(only),
            order=order,
            operator=operator,
            force=force,
            pin_limit_s=pin_wait,
        )
        if dry_run:
            show_plan(job.plan, as_json=as_json, is_result=True)
            return
        options = GangOptions(is_auto=auto, count=count, patience_s=patience)
        view = LiveView(as_jsonl=as_jsonl)
        with view:
            records = run_async(burning.run_gang(job, rack, options, report=view.report, on_record=view.finished))
        _show_end(records, as_json=as_json, as_jsonl=as_jsonl)


def _register_gang_report(gang: typer.Typer) -> None:
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
            write_file(csv, burning.as_csv(records).encode("utf-8-sig"))
            note("{count} records in {path}", "{count} 条记录已写入 {path}", count=len(records), path=csv)
        units = burning.final_records(records)
        passed = sum(unit.is_pass for unit in units)
        if as_json:
            print_json(
                {
                    "ok": True,
                    "units": len(units),
                    "passed": passed,
                    "records": [record.as_json() for record in records],
                }
            )
            return
        print_records(records)
        out().print(
            say("{units} units, {passed} passed", "{units} 个模组，{passed} 个通过", units=len(units), passed=passed)
        )


def _show_end(records: list[BurnRecord], *, as_json: bool, as_jsonl: bool) -> None:
    """Print the records; raises when a unit did not pass in the end."""
    units = burning.final_records(records)
    failed = [unit for unit in units if not unit.is_pass]
    if as_json and not failed:
        print_json({"ok": True, "records": [record.as_json() for record in records]})
    elif not as_json and not as_jsonl:
        print_records(records)
    if failed:
        facts: dict[str, Any] = {"records": [record.as_json() for record in records]} if as_json else {}
        raise GangPartFailed(failed=len(failed), total=len(units), **facts)


def _short(record: BurnRecord) -> dict[str, Any]:
    return {
        say("outcome", "结果"): coloured(record.outcome),
        "IMEI": record.imei,
        say("model", "型号"): escape(record.model),
        say("version", "版本"): escape(record.version_after),
        say("bytes", "字节"): record.bytes,
        say("seconds", "秒"): record.seconds,
    }


def _verify(text: str) -> Verify:
    known: dict[str, Verify] = {"device": "device", "areas": "areas", "all": "all"}
    if text not in known:
        reason = Text("'{given}' is not device, areas or all", "“{given}” 不是 device、areas 或 all")
        raise BadOption(name="--verify", reason=reason, given=text)
    return known[text]


def _only(text: str) -> Only:
    known: dict[str, Only] = {"": "", "scripts": "scripts"}
    if text not in known:
        reason = Text("'{given}' is not scripts", "“{given}” 不是 scripts")
        raise BadOption(name="--only", reason=reason, given=text)
    return known[text]
