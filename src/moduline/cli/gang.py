"""``gang run`` burns many modules at once; what the records say is ``cli.gang_report``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from moduline import burn as burning
from moduline import line
from moduline.burn import BurnRecord
from moduline.burn.enter import PIN_LIMIT_S
from moduline.burn.plan import DEFAULT_PACKET_BYTES
from moduline.cli.burn import (
    FileArgument,
    ForceOption,
    OnlyOption,
    OperatorOption,
    OrderOption,
    PacketOption,
    PinOption,
    StationOption,
    VerifyOption,
    only_choice,
    verify_choice,
)
from moduline.cli.burn_view import print_records, show_plan
from moduline.cli.disk import read_file
from moduline.cli.gang_report import register_gang_report
from moduline.cli.gang_screen_run import ScreenOption, head_of, slot_names, watch_gang
from moduline.cli.language import say
from moduline.cli.output import DryRunFlag, JsonFlag, JsonlFlag, print_json
from moduline.errors import GangPartFailed
from moduline.line import GangOptions


def register(app: typer.Typer) -> None:
    """Add ``gang`` to the tree."""
    gang = typer.Typer(no_args_is_help=True, help=say("Burn many modules at once.", "一拖多烧录。"))
    app.add_typer(gang, name="gang")
    _register_gang_run(gang)
    register_gang_report(gang)


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
        station: StationOption = "",
        force: ForceOption = False,
        pin_wait: PinOption = PIN_LIMIT_S,
        screen: ScreenOption = None,
        dry_run: DryRunFlag = False,
        as_json: JsonFlag = False,
        as_jsonl: JsonlFlag = False,
    ) -> None:
        job = burning.make_order(
            read_file(file),
            file.name,
            verify=verify_choice(verify),
            packet_bytes=packet,
            only=only_choice(only),
            order=order,
            operator=operator,
            station=station,
            force=force,
            pin_limit_s=pin_wait,
        )
        if dry_run:
            show_plan(job.plan, as_json=as_json, is_result=True)
            return
        options = GangOptions(is_auto=auto, count=count, patience_s=patience)
        records = watch_gang(
            lambda report, on_record: line.run_gang(job, rack, options, report=report, on_record=on_record),
            head_of(job.plan, job.package, job.sha256, rack, (order, operator, station)),
            slot_names(rack),
            screen=screen,
            as_jsonl=as_jsonl,
        )
        _show_end(records, as_json=as_json, as_jsonl=as_jsonl)


def _show_end(records: list[BurnRecord], *, as_json: bool, as_jsonl: bool) -> None:
    """Print the records; raises when a unit did not pass in the end."""
    units = line.final_records(records)
    failed = [unit for unit in units if not unit.is_pass]
    if as_json and not failed:
        print_json({"ok": True, "records": [record.as_json() for record in records]})
    elif not as_json and not as_jsonl:
        print_records(records)
    if failed:
        facts: dict[str, Any] = {"records": [record.as_json() for record in records]} if as_json else {}
        raise GangPartFailed(failed=len(failed), total=len(units), **facts)
