"""``burn`` one module."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from moduline import burn as burning
from moduline.burn import BurnRecord, Order
from moduline.burn.enter import PIN_LIMIT_S
from moduline.burn.plan import DEFAULT_PACKET_BYTES, Only, PlanOptions, Verify
from moduline.cli import nv
from moduline.cli.burn_project import BaseOption, KeepOption, Source, source_of
from moduline.cli.burn_tests import RecipeOption, UnitsOption
from moduline.cli.burn_view import coloured, show_plan, single_reporter
from moduline.cli.disk import read_file
from moduline.cli.language import say
from moduline.cli.output import (
    DryRunFlag,
    JsonFlag,
    JsonlFlag,
    YesFlag,
    print_facts,
    print_json,
)
from moduline.cli.remote import PortOption, confirm, run_async
from moduline.errors import BadOption, Text
from moduline.line.assignment import with_tests
from moduline.package import read_package, write_package
from moduline.package.eigen_shapes import with_agentboot

FileArgument = Annotated[
    Path,
    typer.Argument(
        metavar="FILE", help=say("firmware package, or a folder with --base", "固件包；或工程目录（配合 --base）")
    ),
]
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
StationOption = Annotated[str, typer.Option("--station", metavar="NAME", help=say("where it is done", "工位"))]
OnlyOption = Annotated[
    str, typer.Option("--only", metavar="WHAT", help=say("scripts: nothing but their areas", "scripts：仅烧录脚本分区"))
]
AgentbootOption = Annotated[
    Path | None,
    typer.Option("--agentboot", metavar="FILE", help=say("for a bare binpkg", "用于单独的 binpkg")),
]
RestoreNvOption = Annotated[
    str,
    typer.Option(
        "--restore-nv",
        metavar="FILE|last|IMEI",
        help=say("bring a saved NV block back: shows its IMEI and asks", "写回已保存的 NV：显示其 IMEI 并确认"),
    ),
]
NvLossOption = Annotated[
    bool,
    typer.Option(
        "--accept-nv-loss",
        help=say("NV damaged, nothing saved: burn it without an IMEI", "NV 损坏且无备份时仍烧录，模组将没有 IMEI"),
    ),
]
BaudOption = Annotated[
    int,
    typer.Option("--baud", metavar="RATE", help=say("of a UART (8850); 0: as it is", "串口波特率（8850），0 为不变")),
]
PacketOption = Annotated[int, typer.Option("--packet", metavar="BYTES", help=say("content per packet", "每包字节数"))]


def register(app: typer.Typer) -> None:
    """Add ``burn`` to the tree."""
    register_burn(app)


def register_burn(app: typer.Typer) -> None:
    """Add ``burn``."""

    @app.command(
        help=say(
            "Burn a package into one module: switch, burn, verify, boot, read the version back; with --base a project "
            "folder is merged first, as pack build does. "
            "Example: moduline burn QUEC_TEST_1.0.0.zip --port virt:m1 · "
            "moduline burn my_project --base stock.zip --port virt:m1 -o out/",
            "烧录一个模组：进入下载模式、烧录、校验、启动并回读版本；使用 --base 时先合并工程目录（同 pack build）。"
            "示例：moduline burn QUEC_TEST_1.0.0.zip --port virt:m1 · "
            "moduline burn my_project --base stock.zip --port virt:m1 -o out/",
        )
    )
    def burn(
        file: FileArgument,
        port: PortOption = "auto",
        base: BaseOption = None,
        output: KeepOption = "",
        verify: VerifyOption = "areas",
        packet: PacketOption = DEFAULT_PACKET_BYTES,
        baud: BaudOption = 0,
        with_part: Annotated[
            list[str] | None,
            typer.Option("--with", metavar="PART", help=say("a part that is off by default", "默认不烧录的部分")),
        ] = None,
        only: OnlyOption = "",
        recipe: RecipeOption = None,
        units: UnitsOption = None,
        agentboot: AgentbootOption = None,
        order: OrderOption = "",
        operator: OperatorOption = "",
        station: StationOption = "",
        force: ForceOption = False,
        restore_nv: RestoreNvOption = "",
        accept_nv_loss: NvLossOption = False,
        pin_wait: PinOption = PIN_LIMIT_S,
        dry_run: DryRunFlag = False,
        yes: YesFlag = False,
        as_json: JsonFlag = False,
        as_jsonl: JsonlFlag = False,
    ) -> None:
        source = source_of(file, base, output)
        package = _with_agentboot(source, agentboot)
        job = burning.make_order(
            package,
            source.path.name,
            verify=verify_choice(verify),
            packet_bytes=packet,
            baud=baud,
            only=only_choice(only),
            extra=tuple(with_part or ()),
            order=order,
            operator=operator,
            station=station,
            force=force,
            pin_limit_s=pin_wait,
            restore_nv=nv.named_block(restore_nv, port) if restore_nv else None,
            accepts_nv_loss=accept_nv_loss,
        )
        part = PlanOptions(verify_choice(verify), packet, tuple(with_part or ()), only_choice(only), baud)
        job = with_tests(job, package, part, recipe, units)
        show_plan(job.plan, as_json=as_json and dry_run, is_result=dry_run)
        if dry_run:
            return
        _confirm(job, yes=yes)
        source.keep()
        record = run_async(burning.run_job(port, job, report=single_reporter(as_jsonl=as_jsonl)))
        _show_record(record, as_json=as_json, as_jsonl=as_jsonl)


def _show_record(record: BurnRecord, *, as_json: bool, as_jsonl: bool) -> None:
    """Print how it went, or raise its error."""
    if as_jsonl:
        print_json({"event": "record", **record.as_json()})
    record.raise_error()
    if record.is_pass and not as_jsonl:
        print_facts(record.as_json() if as_json else _short(record), as_json=as_json)
    if not record.is_pass:
        raise RuntimeError(record.error_message)


def _confirm(job: Order, *, yes: bool) -> None:
    """Ask whether to go on; what may cost an IMEI is asked of scripts, too.

    Raises:
        UserSaidNo: no, or nobody is there.
    """
    if job.restore_nv is not None:
        nv.show_whose(job.restore_nv)
    may_cost_an_imei = job.restore_nv is not None or job.accepts_nv_loss
    is_said = not sys.stdin.isatty() and not may_cost_an_imei  # a script that names file and port has said it
    confirm(yes=yes or is_said)


def _with_agentboot(source: Source, agentboot: Path | None) -> bytes:
    """The package, with the agentboot that was named in it."""
    data = source.read(source.path)
    if agentboot is None:
        return data
    return write_package(with_agentboot(read_package(data, source.path.name), read_file(agentboot)))


def _short(record: BurnRecord) -> dict[str, Any]:
    return {
        say("outcome", "结果"): coloured(record.outcome),
        "IMEI": record.imei,
        say("model", "型号"): escape(record.model),
        say("version", "版本"): escape(record.version_after),
        say("bytes", "字节"): record.bytes,
        say("seconds", "秒"): record.seconds,
    }


def verify_choice(text: str) -> Verify:
    """What ``--verify`` says.

    Raises:
        BadOption: none of the choices.
    """
    known: dict[str, Verify] = {"device": "device", "areas": "areas", "all": "all"}
    if text not in known:
        reason = Text("'{given}' is not device, areas or all", "“{given}” 不是 device、areas 或 all")
        raise BadOption(name="--verify", reason=reason, given=text)
    return known[text]


def only_choice(text: str) -> Only:
    """What ``--only`` says.

    Raises:
        BadOption: none of the choices.
    """
    known: dict[str, Only] = {"": "", "scripts": "scripts"}
    if text not in known:
        reason = Text("'{given}' is not scripts", "“{given}” 不是 scripts")
        raise BadOption(name="--only", reason=reason, given=text)
    return known[text]
