"""``gang run``: burn every module of a rack, and each that arrives."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from moduline import burn as burning
from moduline import line
from moduline.burn import BurnRecord, Order
from moduline.burn.enter import PIN_LIMIT_S
from moduline.burn.plan import DEFAULT_PACKET_BYTES, PlanOptions
from moduline.cli.burn import (
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
from moduline.cli.burn_project import BaseOption, KeepOption, Source, source_of
from moduline.cli.burn_tests import RecipeOption, UnitsOption
from moduline.cli.burn_view import print_records, show_plan
from moduline.cli.disk import read_file
from moduline.cli.gang_mes import LabelOption, LabelToOption, label_choice
from moduline.cli.gang_screen_run import ScreenOption, watch_gang
from moduline.cli.language import say
from moduline.cli.output import DryRunFlag, JsonFlag, JsonlFlag, note, print_json
from moduline.errors import BadOption, GangPartFailed, RecordsUnwritable, Text
from moduline.events import Notice, Reporter, to_json
from moduline.line import MOST_CHANNELS, Finish, GangOptions
from moduline.line.advance import advance_of
from moduline.line.assignment import Choice, begin, choose, with_work
from moduline.line.presence import DEBOUNCE_S
from moduline.line.records import beside_line
from moduline.line.records.labels import LabelTemplate
from moduline.line.records.printing import LabelTarget
from moduline.line.relay import head_of, printer_of, slot_names
from moduline.line.retry import parse_retries

CTRL_C: Final = 130

FileChoice = Annotated[
    Path | None,
    typer.Argument(
        metavar="[FILE]",
        help=say("package, or a folder with --base; else the order's", "固件包，或工程目录；省略则用工单的"),
    ),
]
RetriesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--retries",
        metavar="CAUSE=N",
        help=say("tries by itself for a cause, such as port=3,verify=0", "按原因自动重试次数，如 port=3,verify=0"),
    ),
]

RackOption = Annotated[str | None, typer.Option("--rack", metavar="NAME", help=say("only this rack", "仅此机架"))]
AutoOption = Annotated[
    bool, typer.Option("--auto", help=say("wait for units until Ctrl-C", "持续等待模组接入，直到 Ctrl-C"))
]
CountOption = Annotated[
    int, typer.Option("--count", metavar="N", min=0, help=say("end after N have passed", "通过 N 个后结束"))
]
PatienceOption = Annotated[
    float, typer.Option("--patience", metavar="S", help=say("wait for re-powering, seconds", "等待重新上电的秒数"))
]
AgainOption = Annotated[
    bool, typer.Option("--again", help=say("units that have passed, too", "已通过的模组也重新烧录"))
]
DebounceOption = Annotated[
    int,
    typer.Option("--debounce", metavar="MS", min=0, max=10_000, help=say("contacts settle, ms", "接触稳定毫秒数")),
]
ChannelsOption = Annotated[
    int, typer.Option("--channels", metavar="N", min=1, max=MOST_CHANNELS, help=say("at once", "同时烧录数"))
]


def register_run(gang: typer.Typer) -> None:
    """Add ``gang run``."""

    @gang.command(
        help=say(
            "Burn every module of a rack, and each that arrives; re-powering a failed one tries again. Ctrl-C once: "
            "nothing new begins; twice: everything stops. With --base a project folder is merged first. "
            "Example: moduline gang run QUEC_TEST_1.0.0.zip --rack bench --order A-17 · "
            "moduline gang run my_project --base stock.zip --rack bench",
            "烧录机架上的所有模组及陆续接入的模组；失败的模组重新上电即可重试。"
            "按一次 Ctrl-C 不再开始新的烧录，按两次立即停止。使用 --base 时先合并工程目录。"
            "示例：moduline gang run QUEC_TEST_1.0.0.zip --rack bench --order A-17 · "
            "moduline gang run my_project --base stock.zip --rack bench",
        )
    )
    def run(
        file: FileChoice = None,
        base: BaseOption = None,
        output: KeepOption = "",
        rack: RackOption = None,
        auto: AutoOption = False,
        count: CountOption = 0,
        patience: PatienceOption = 60.0,
        retries: RetriesOption = None,
        again: AgainOption = False,
        debounce: DebounceOption = int(DEBOUNCE_S * 1000),
        channels: ChannelsOption = MOST_CHANNELS,
        verify: VerifyOption = "areas",
        packet: PacketOption = DEFAULT_PACKET_BYTES,
        only: OnlyOption = "",
        recipe: RecipeOption = None,
        units: UnitsOption = None,
        order: OrderOption = "",
        operator: OperatorOption = "",
        station: StationOption = "",
        force: ForceOption = False,
        pin_wait: PinOption = PIN_LIMIT_S,
        label: LabelOption = None,
        label_to: LabelToOption = "",
        screen: ScreenOption = None,
        dry_run: DryRunFlag = False,
        as_json: JsonFlag = False,
        as_jsonl: JsonlFlag = False,
    ) -> None:
        label_to_print = label_choice(label, label_to)
        chosen = chosen_from(source := named_source(file, base, output), order, recipe, units)
        job = burning.make_order(
            chosen.data,
            chosen.path.name,
            verify=verify_choice(verify),
            packet_bytes=packet,
            only=only_choice(only),
            order=order,
            operator=operator,
            station=station,
            force=force,
            pin_limit_s=pin_wait,
        )
        job = with_work(job, chosen, PlanOptions(verify_choice(verify), packet, (), only_choice(only)))
        options = GangOptions(
            is_auto=auto,
            count=count,
            patience_s=patience,
            debounce_s=debounce / 1000,
            retries={**chosen.retries, **parse_retries(retries or ())},
            channels=channels,
            is_again=again,
            quota=chosen.quota,
        )
        if dry_run:
            show_plan(job.plan, as_json=as_json, is_result=True)
            return
        begin_order(chosen, source, as_jsonl=as_jsonl)
        ended = run_shown(job, rack, options, screen=screen, as_jsonl=as_jsonl, label=label_to_print)
        show_end(*ended, as_json=as_json, as_jsonl=as_jsonl)


def named_source(file: Path | None, base: Path | None, output: str) -> Source | None:
    """What the user named to be burnt; None when the order says it.

    Raises:
        As :func:`moduline.cli.burn_project.source_of`; BadOption also for a base without a folder.
    """
    if file is not None:
        return source_of(file, base, output)
    if base is not None or output:
        raise BadOption(name="DIR", reason=Text("--base and -o need a project folder", "--base 与 -o 需要工程目录"))
    return None


def chosen_from(source: Source | None, order: str, recipe: Path | None, units: Path | None) -> Choice:
    """What the run burns: what the user named, else what the order says.

    Raises:
        ModulineError: as :func:`moduline.line.assignment.choose`.
    """
    if source is None:
        return choose(None, order, read_file, recipe, units)
    return choose(source.path, order, source.read, recipe, units)


def begin_order(chosen: Choice, source: Source | None, *, as_jsonl: bool) -> None:
    """Keep the package that was merged for this run, and lock the order that begins with it; both are said.

    Raises:
        OrderExists: somebody else has begun it with other bytes meanwhile.
        StorageFailed: it cannot be written.
    """
    if source is not None:
        source.keep()
    work = begin(chosen)
    if work is None:
        return
    facts = {"order": work.id, "file": chosen.path.name, "sha256": work.sha256}
    if as_jsonl:
        print_json(to_json(Notice("gang.order-locked", facts=facts)))
    else:
        note("order {order} is locked to {file} {sha256}", "工单 {order} 已锁定 {file} {sha256}", **facts)


def run_shown(
    job: Order,
    rack: str | None,
    options: GangOptions,
    *,
    screen: bool | None,
    as_jsonl: bool,
    label: tuple[LabelTemplate, LabelTarget] | None = None,
) -> tuple[list[BurnRecord], bool]:
    """Run the gang and show it; the records, and whether it came to its own end.

    Raises:
        NoModule, StorageFailed: as :func:`moduline.line.run_gang`.
        RecordsUnwritable: the same; every try is shown before.
    """
    records: list[BurnRecord] = []
    finish = Finish()

    def work(report: Reporter, on_record: Callable[[BurnRecord], None]) -> Coroutine[Any, Any, list[BurnRecord]]:
        async def run() -> list[BurnRecord]:
            with beside_line(label, report) as is_told:

                def finished(record: BurnRecord) -> None:
                    records.append(record)
                    is_told(record)
                    on_record(record)

                return await line.run_gang(job, rack, options, report=report, on_record=finished, finish=finish)

        return run()

    words = (job.order, job.operator, job.station)
    try:
        watch_gang(
            work,
            head_of(job.plan, job.package, job.sha256, rack, words),
            slot_names(rack),
            advance_of(job.plan, "", has_examination=job.examine is not None).content_share,
            screen=screen,
            as_jsonl=as_jsonl,
            stop_taking=finish.ask,
            print_label=printer_of(label),
        )
    except KeyboardInterrupt:
        return records, False
    except RecordsUnwritable:
        if not as_jsonl:
            print_records(records)
        raise
    return records, options.is_auto or not finish.is_asked


def show_end(records: list[BurnRecord], is_whole: bool, *, as_json: bool, as_jsonl: bool) -> None:
    """Print the records of a run, and leave with its exit code unless all is well.

    Raises:
        GangPartFailed: a unit did not pass in the end.
        typer.Exit: somebody stopped the run.
    """
    units = line.final_records(records)
    failed = [unit for unit in units if not unit.is_pass]
    is_stopped = any(unit.outcome == "ABORTED" for unit in units)
    if as_json and (is_stopped or not failed):
        print_json({"ok": not is_stopped, "records": [record.as_json() for record in records]})
    elif not as_json and not as_jsonl:
        print_records(records)
    if failed and not is_stopped:
        facts: dict[str, Any] = {"records": [record.as_json() for record in records]} if as_json else {}
        raise GangPartFailed(failed=len(failed), total=len(units), **facts)
    if not is_whole:
        raise typer.Exit(CTRL_C)
