"""``virt wear`` and ``virt ops``: how worn a module's flash is, and what is done to it just now."""

from __future__ import annotations

import time
from typing import Annotated, Any, Final

import typer
from rich.markup import escape

from moduline.cli.language import current, say
from moduline.cli.output import JsonFlag, JsonlFlag, print_json, print_table
from moduline.cli.virt_table import NameArgument, RackOption
from moduline.vmodule import rack_client
from moduline.vmodule.rack_finding import rack_of
from moduline.vmodule.rack_words import VERBS

FOLLOW_S: Final = 0.25


def register_wear(virt: typer.Typer) -> None:
    """Add ``virt wear`` and ``virt ops``."""

    @virt.command(
        help=say(
            "How often the sectors of a module's flash were erased, by partition; --json has every sector. "
            "Example: moduline virt wear m1",
            "模组 Flash 各分区的擦除次数；--json 给出每个扇区。示例：moduline virt wear m1",
        )
    )
    def wear(name: NameArgument, rack: RackOption = "", as_json: JsonFlag = False) -> None:
        answer = rack_client.ask(rack_of(name, rack), "wear", name=name)
        if as_json:
            print_json(answer)
            return
        headings = [
            say("partition", "分区"),
            say("address", "地址"),
            say("sectors", "扇区数"),
            say("erases", "擦除次数"),
            say("most", "单扇区最多"),
        ]
        rows = [
            (
                escape(one["role"]),
                f"0x{one['address']:08x}",
                one["size_bytes"] // answer["sector_bytes"],
                one["erases"],
                one["most"],
            )
            for one in answer["partitions"]
        ]
        print_table(headings, rows)

    @virt.command(
        "ops",
        help=say(
            "What was done to a module's flash lately: reads, programs, erases, neighbours joined. "
            "Example: moduline virt ops m1 --follow",
            "模组 Flash 最近的读、写、擦操作，相邻操作合并显示。示例：moduline virt ops m1 --follow",
        ),
    )
    def operations(
        name: NameArgument,
        since: Annotated[
            int, typer.Option("--since", metavar="N", help=say("after operation N", "第 N 次操作之后"))
        ] = 0,
        follow: Annotated[
            bool, typer.Option("--follow", "-f", help=say("go on until Ctrl-C", "持续显示，Ctrl-C 结束"))
        ] = False,
        rack: RackOption = "",
        as_json: JsonFlag = False,
        as_jsonl: JsonlFlag = False,
    ) -> None:
        place = rack_of(name, rack)
        answer = rack_client.ask(place, "operations", name=name, since=since)
        if as_json:
            print_json(answer)
            return
        _show(answer["operations"], as_jsonl=as_jsonl)
        while follow:
            time.sleep(FOLLOW_S)
            answer = rack_client.ask(place, "operations", name=name, since=answer["last"])
            _show(answer["operations"], as_jsonl=as_jsonl)


def _show(operations: list[dict[str, Any]], *, as_jsonl: bool) -> None:
    if as_jsonl:
        for one in operations:
            print_json(one)
    elif operations:
        headings = [
            say("number", "序号"),
            say("does", "动作"),
            say("address", "地址"),
            say("bytes", "字节"),
            say("partition", "分区"),
        ]
        print_table(headings, [_row(one) for one in operations])


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    numbers = str(one["first"]) if one["first"] == one["last"] else f"{one['first']}-{one['last']}"
    verb = VERBS[one["verb"]].say(current())
    return numbers, verb, f"0x{one['address']:08x}", str(one["size_bytes"]), escape(one["partition"])
