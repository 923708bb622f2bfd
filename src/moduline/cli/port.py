"""``port list``, ``port watch``, ``port map``: which module is where."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.markup import escape

from moduline.cli.language import say
from moduline.cli.output import JsonFlag, JsonlFlag, out, print_json, print_table
from moduline.errors import BadOption, Text
from moduline.port.listing import PortInfo, all_ports, is_module, read_slots, write_slots
from moduline.port.watch import Watch

AllFlag = Annotated[bool, typer.Option("--all", help=say("other serial devices, too", "包括其他串口设备"))]


def register(app: typer.Typer) -> None:
    """Add ``port`` to the tree."""
    port = typer.Typer(no_args_is_help=True, help=say("Modules and their ports.", "模组与端口。"))
    app.add_typer(port, name="port")

    @port.command(
        "list",
        help=say(
            "Modules and their ports by role and USB place. Example: moduline port list",
            "按用途与 USB 位置列出模组及端口。示例：moduline port list",
        ),
    )
    def list_ports(everything: AllFlag = False, as_json: JsonFlag = False) -> None:
        found = [one for one in all_ports() if everything or is_module(one)]
        if as_json:
            print_json({"ok": True, "ports": [facts_of(one) for one in found]})
            return
        print_table(
            [
                say("address", "地址"),
                say("role", "用途"),
                say("port", "端口"),
                say("model", "型号"),
                "IMEI",
                say("state", "状态"),
                say("slot", "通道"),
                "USB",
                say("place", "位置"),
            ],
            [
                (
                    escape(one.address),
                    one.role,
                    escape(one.path),
                    escape(one.model or one.product),
                    one.imei,
                    one.state,
                    escape(one.slot),
                    f"{one.vid:04x}:{one.pid:04x}" if one.vid else "",
                    escape(one.location),
                )
                for one in found
            ],
        )

    @port.command(
        help=say(
            "Print ports as they arrive and leave, until Ctrl-C. Example: moduline port watch",
            "持续显示端口的接入与断开，Ctrl-C 结束。示例：moduline port watch",
        )
    )
    def watch(everything: AllFlag = False, as_jsonl: JsonlFlag = False) -> None:
        asyncio.run(_watch(everything=everything, as_jsonl=as_jsonl))

    @port.command(
        "map",
        help=say(
            "Name USB places as slots of a rack; without names, show them. Example: moduline port map bench A1=1-2.1",
            "将 USB 位置命名为机架通道；不带参数则显示。示例：moduline port map bench A1=1-2.1",
        ),
    )
    def map_slots(
        rack: Annotated[str, typer.Argument(metavar="[RACK]", help=say("rack", "机架"))] = "",
        names: Annotated[
            list[str] | None,
            typer.Argument(metavar="[SLOT=PLACE]", help=say("SLOT= takes a name away", "SLOT= 删除该名称")),
        ] = None,
        as_json: JsonFlag = False,
    ) -> None:
        slots = write_slots(rack, [_name(text) for text in names]) if names else read_slots()
        if as_json:
            print_json({"ok": True, "slots": slots})
            return
        print_table(
            [say("rack", "机架"), say("slot", "通道"), say("place", "位置")],
            [
                (escape(name), escape(slot), escape(place))
                for name, mapped in slots.items()
                if rack in {"", name}
                for slot, place in mapped.items()
            ],
        )


def facts_of(port: PortInfo) -> dict[str, Any]:
    """A port as one JSON object."""
    return {"address": port.address, **asdict(port)}


async def _watch(*, everything: bool, as_jsonl: bool) -> None:
    async with Watch() as watch:
        async for change in watch.changes():
            if not everything and not is_module(change.port):
                continue
            if as_jsonl:
                print_json({"event": change.kind, **facts_of(change.port)})
            else:
                sign = "+" if change.kind == "arrived" else "-"
                where = change.port.location or change.port.path
                out().print(f"{sign} {change.port.address} {change.port.role} {change.port.path} {where}", markup=False)


def _name(text: str) -> tuple[str, str]:
    slot, sign, place = text.partition("=")
    if not sign or not slot:
        reason = Text("'{given}' is not SLOT=PLACE", "“{given}” 不是 SLOT=PLACE")
        raise BadOption(name="SLOT=PLACE", reason=reason, given=text)
    return slot, place
