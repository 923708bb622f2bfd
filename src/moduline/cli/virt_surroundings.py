"""``virt cable`` and ``virt signal``: what a person at the bench does with plug, antenna, card and supply."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.markup import escape

from moduline.cli.language import current, say
from moduline.cli.output import JsonFlag, print_json, print_table
from moduline.cli.virt_table import NameArgument, RackOption, show_modules
from moduline.vmodule import rack_client
from moduline.vmodule.rack_finding import rack_of
from moduline.vmodule.rack_words import REGISTRATIONS


def register_surroundings(virt: typer.Typer) -> None:
    """Add ``virt cable`` and ``virt signal``."""

    @virt.command(
        help=say(
            "Pull the USB cable of a module, or put it in; the module runs on. Example: moduline virt cable m1 out",
            "拔出或插回模组的 USB 线，模组继续运行。示例：moduline virt cable m1 out",
        )
    )
    def cable(
        name: NameArgument,
        way: Annotated[str, typer.Argument(metavar="in|out")],
        rack: RackOption = "",
        as_json: JsonFlag = False,
    ) -> None:
        answer = rack_client.ask(rack_of(name, rack), "cable", name=name, way=way)
        show_modules(answer["modules"], as_json=as_json)

    @virt.command(
        help=say(
            'Card, network and supply of a module: shown, or changed now; "plan" is what the scenario says. '
            "Example: moduline virt signal m1 --rssi 9",
            "模组的 SIM、网络与供电：查看或立即更改；“plan”表示恢复场景设定。示例：moduline virt signal m1 --rssi 9",
        )
    )
    def signal(
        name: NameArgument,
        rssi: Annotated[
            str,
            typer.Option(
                metavar="N|plan", help=say("as AT+CSQ counts: 0 to 31, 99 none", "同 AT+CSQ：0 至 31，99 为无")
            ),
        ] = "",
        registration: Annotated[
            str,
            typer.Option(metavar="KIND|plan", help=say("home, roaming, denied, none", "home、roaming、denied、none")),
        ] = "",
        network: Annotated[
            str, typer.Option(metavar="on|off", help=say("whether a cell is heard", "是否有小区信号"))
        ] = "",
        sim: Annotated[str, typer.Option(metavar="in|out", help=say("the card", "SIM 卡"))] = "",
        battery: Annotated[str, typer.Option(metavar="MV|plan", help=say("supply voltage", "供电电压"))] = "",
        rack: RackOption = "",
        as_json: JsonFlag = False,
    ) -> None:
        given = {"rssi": rssi, "registration": registration, "network": network, "sim": sim, "battery": battery}
        wanted: dict[str, Any] = {key: value for key, value in given.items() if value}
        modules = rack_client.ask(rack_of(name, rack), "signal", name=name, **wanted)["modules"]
        if as_json:
            print_json({"ok": True, "modules": [{"name": one["name"], **one["signal"]} for one in modules]})
            return
        headings = [say("name", "名称"), "RSSI", say("network", "网络"), "SIM", say("data", "数据"), "mV"]
        print_table(headings, [_row(one["name"], one["signal"]) for one in modules])


def _row(name: str, signal: dict[str, Any]) -> tuple[str, ...]:
    cells = (
        name,
        str(signal["rssi"]) if signal["rssi"] != 99 else "-",
        REGISTRATIONS[signal["registration"]].say(current()),
        say("in", "已插入") if signal["is_sim_in"] else say("out", "已取出"),
        say("up", "已连接") if signal["has_data"] else "-",
        str(signal["battery_mv"]),
    )
    return tuple(escape(cell) for cell in cells)
