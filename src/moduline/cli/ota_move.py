"""``ota device move``: send devices to another server; first who would go, then the question, then the word."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

from moduline.cli.language import say
from moduline.cli.ota_client import SERVER, OtaClient, ServerOption, TokenOption, ask_first
from moduline.cli.ota_finding import FilterOption, ProductOption, find_device, find_product
from moduline.cli.output import DryRunFlag, JsonFlag, YesFlag, note, print_facts
from moduline.errors import BadOption, Text

BLOCK: Final = 1000
"""Devices of one call."""
SHOWN: Final = 100
"""Devices that are named, of those that stay."""


def register_move(device: typer.Typer) -> None:
    """Add the verb."""

    @device.command(
        help=say(
            "Send devices to another server (command 0x00B4): those that are online and not being upgraded. They come "
            "back if they are not let in there after three tries. "
            "Example: moduline ota device move --product meter --filter tag==pilot --to ota.example.com:1883 --dry-run",
            "让设备改连其他服务器（命令 0x00B4），仅限在线且未在升级的设备；三次未能接入则返回。"
            "示例：moduline ota device move --product meter --filter tag==pilot --to ota.example.com:1883 --dry-run",
        )
    )
    def move(
        to: Annotated[str, typer.Option("--to", metavar="HOST:PORT", help=say("where to", "目标服务器"))],
        dk: Annotated[str, typer.Argument(metavar="[DK]", help=say("one device", "单台设备"))] = "",
        product: ProductOption = "",
        filter_: FilterOption = "",
        yes: YesFlag = False,
        dry_run: DryRunFlag = False,
        server: ServerOption = SERVER,
        token: TokenOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        host, port = _place(to)
        client = OtaClient(server, token)
        keys = _wanted(client, dk, product, filter_)
        plan = _ask(client, list(keys), host, port, is_trial=True)
        if not as_json:
            note(
                "{told} of {all} would go to {to}; {offline} are offline, {busy} are being upgraded",
                "共 {all} 台，其中 {told} 台将改连 {to}；{offline} 台离线，{busy} 台正在升级",
                all=len(keys),
                to=to,
                **{name: len(numbers) for name, numbers in plan.items()},
            )
        if not dry_run and plan["told"]:
            ask_first(say("send {count} devices away?", "让 {count} 台设备改连？", count=len(plan["told"])), yes=yes)
            done = _ask(client, plan["told"], host, port, is_trial=False)
            plan = {"told": done["told"], **{name: plan[name] + done[name] for name in ("offline", "busy")}}
        facts: dict[str, Any] = {"to": to, "devices": len(keys), "is_done": not dry_run}
        facts |= {name: len(numbers) for name, numbers in plan.items()}
        stays = [keys[number] for number in (*plan["offline"], *plan["busy"])][:SHOWN]
        print_facts(facts | {"stays": stays if as_json else ", ".join(stays) or "-"}, as_json=as_json)


def _place(to: str) -> tuple[str, int]:
    host, _, port = to.rpartition(":")
    if not host or not port.isascii() or not port.isdigit():
        raise BadOption(name="--to", reason=Text("HOST:PORT", "须为 主机:端口"))
    return host, int(port)


def _wanted(client: OtaClient, dk: str, product: str, filter_: str) -> dict[int, str]:
    """Devices that are meant, number -> key.

    Raises:
        BadOption: neither one nor those of a product.
    """
    if dk and not filter_:
        return {find_device(client, dk, product)["id"]: dk}
    if dk or not product:
        raise BadOption(
            name="--product", reason=Text("a DK, or --product and --filter", "须给出 DK，或 --product 与 --filter")
        )
    of = find_product(client, product)
    return {one["id"]: one["dk"] for one in client.every("/v1/devices", product=of["id"], filter=filter_)}


def _ask(client: OtaClient, numbers: list[int], host: str, port: int, *, is_trial: bool) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {"told": [], "offline": [], "busy": []}
    for begin in range(0, len(numbers), BLOCK):
        body = {"devices": numbers[begin : begin + BLOCK], "host": host, "port": port, "is_trial": is_trial}
        said = client.post("/v1/devices/move", body)
        for name, numbers_of in found.items():
            numbers_of.extend(said[name])
    return found
