"""``ota device``: who is there, tags, switching off, units of the production line."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.markup import escape

from moduline.cli.disk import read_file
from moduline.cli.language import say
from moduline.cli.ota_client import SERVER, OtaClient, ServerOption, TokenOption, ask_first
from moduline.cli.ota_finding import FilterOption, ProductOption, find_device, find_product, noun, remove, shown_time
from moduline.cli.ota_move import register_move
from moduline.cli.ota_moving import LINE, form_of, import_fleet
from moduline.cli.output import DryRunFlag, JsonFlag, YesFlag, print_facts, print_json, print_table
from moduline.errors import BadOption, Text

BLOCK: Final = 1000
"""Devices or units of one call."""
NeedProduct = Annotated[
    str, typer.Option("--product", metavar="NAME", help=say("name, key or number", "产品名称、密钥或编号"))
]
TagOption = Annotated[
    list[str] | None,
    typer.Option("--tag", metavar="NAME[=VALUE]", help=say("give it; may repeat", "添加标签，可重复")),
]
UntagOption = Annotated[
    list[str] | None, typer.Option("--untag", metavar="NAME", help=say("take it away; may repeat", "移除标签，可重复"))
]
RecordsOption = Annotated[
    str,
    typer.Option("--records", metavar="URL", help=say("of the line: path, postgresql://…", "产线记录库路径或地址")),
]
DkArgument = Annotated[str, typer.Argument(metavar="DK", help=say("device key", "设备密钥"))]


def register_devices(ota: typer.Typer) -> None:
    """Add the noun."""
    device = noun(ota, "device", say("Modules known to the platform.", "平台上的设备。"))
    _register_list(device)
    _register_show(device)
    _register_add(device)
    _register_set(device)
    _register_tag(device)
    _register_import(device)
    register_move(device)
    _register_token(device)
    _register_delete(device)


def _register_list(device: typer.Typer) -> None:
    @device.command(
        "list",
        help=say(
            "Devices, their versions, and who is online. "
            "Example: moduline ota device list --product meter --online --filter 'attr.site==Ber*;version<1.10'",
            "列出设备、版本与在线状态。"
            "示例：moduline ota device list --product meter --online --filter 'attr.site==Ber*;version<1.10'",
        ),
    )
    def list_devices(
        product: ProductOption = "",
        online: Annotated[bool, typer.Option("--online", help=say("only those that are connected", "仅在线"))] = False,
        tag: Annotated[str, typer.Option("--tag", help=say("only those with it", "仅带该标签"))] = "",
        filter_: FilterOption = "",
        count: Annotated[bool, typer.Option("--count", help=say("only how many", "仅统计数量"))] = False,
        server: ServerOption = SERVER,
        token: TokenOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        client = OtaClient(server, token)
        asked: dict[str, Any] = {"product": find_product(client, product)["id"] if product else None, "tag": tag}
        asked |= {"is_online": True if online else None, "filter": filter_}
        if count:
            print_facts({"count": client.get("/v1/devices/count", **asked)["count"]}, as_json=as_json)
            return
        found = list(client.every("/v1/devices", **asked))
        if as_json:
            print_json({"ok": True, "devices": found})
            return
        rows = [
            (
                one["id"],
                one["dk"],
                say("online", "在线") if one["is_online"] else say("offline", "离线"),
                ", ".join(f"{part['component'] or 'module'} {part['version']}" for part in one["versions"]),
                ", ".join(f"{name}={value}" if value else name for name, value in one["tags"].items()),
                shown_time(one["last_seen"]),
            )
            for one in found
        ]
        columns = ["ID", "DK", say("state", "状态"), say("versions", "版本"), say("tags", "标签")]
        print_table(
            [*columns, say("last seen", "最近在线")], [tuple(escape(str(cell)) for cell in row) for row in rows]
        )


def _register_show(device: typer.Typer) -> None:
    @device.command(
        help=say(
            "All that is known of a device. Example: moduline ota device show 861234567890123",
            "显示设备详情。示例：moduline ota device show 861234567890123",
        )
    )
    def show(
        dk: DkArgument,
        product: ProductOption = "",
        server: ServerOption = SERVER,
        token: TokenOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        found = find_device(OtaClient(server, token), dk, product)
        if as_json:
            print_json({"ok": True, **found})
            return
        times = {name: shown_time(found[name]) for name in ("connected_at", "last_seen", "facts_at", "created_at")}
        versions = ", ".join(f"{part['component'] or 'module'} {part['version']}" for part in found["versions"])
        tags = ", ".join(f"{name}={value}" if value else name for name, value in found["tags"].items())
        facts = ", ".join(f"{name}={value}" for name, value in found["facts"].items())
        known = {"id": found["id"], "dk": dk, "is_online": found["is_online"], "is_enabled": found["is_enabled"]}
        known |= {"origin": found["origin"], "versions": versions, "tags": tags, "facts": facts, **times}
        print_facts({name: escape(str(value)) for name, value in known.items()}, as_json=False)


def _register_add(device: typer.Typer) -> None:
    @device.command(
        help=say(
            "Make a device known before it comes. Example: moduline ota device add 861234567890123 --product meter",
            "预先登记设备。示例：moduline ota device add 861234567890123 --product meter",
        )
    )
    def add(
        dk: DkArgument,
        product: NeedProduct,
        server: ServerOption = SERVER,
        token: TokenOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        client = OtaClient(server, token)
        made = client.post("/v1/devices", {"product": find_product(client, product)["id"], "dk": dk})
        print_facts({"id": made["id"], "dk": made["dk"], "origin": made["origin"]}, as_json=as_json)


def _register_set(device: typer.Typer) -> None:
    @device.command(
        help=say(
            "Switch a device off or on, or give it tags. Example: moduline ota device set 861234567890123 --tag pilot",
            "停用、启用设备或设置标签。示例：moduline ota device set 861234567890123 --tag pilot",
        )
    )
    def set(  # noqa: A001  the verb of the command line
        dk: DkArgument,
        product: ProductOption = "",
        tag: TagOption = None,
        untag: UntagOption = None,
        enabled: Annotated[bool | None, typer.Option("--on/--off", help=say("may come in", "启用或停用"))] = None,
        cell: Annotated[str | None, typer.Option("--cell", help=say("radio cell it is in", "所在小区"))] = None,
        dry_run: DryRunFlag = False,
        server: ServerOption = SERVER,
        token: TokenOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        client = OtaClient(server, token)
        found = find_device(client, dk, product)
        tags = _tags(tag, untag)
        wanted = {name: value for name, value in (("is_enabled", enabled), ("cell", cell)) if value is not None}
        if not dry_run:
            if tags:
                client.post("/v1/devices/tags", {"devices": [found["id"]], "tags": tags})
            if wanted:
                client.patch(f"/v1/devices/{found['id']}", wanted)
        print_facts({"id": found["id"], "dk": dk, "tags": tags, **wanted}, as_json=as_json)


def _register_tag(device: typer.Typer) -> None:
    @device.command(
        help=say(
            "Give tags to all devices that a filter means, or take them away. "
            "Example: moduline ota device tag --product meter --filter 'attr.line.order==A-17' --tag pilot",
            "为筛选出的设备批量添加或移除标签。"
            "示例：moduline ota device tag --product meter --filter 'attr.line.order==A-17' --tag pilot",
        )
    )
    def tag(
        product: NeedProduct,
        filter_: FilterOption = "",
        tag: TagOption = None,
        untag: UntagOption = None,
        yes: YesFlag = False,
        dry_run: DryRunFlag = False,
        server: ServerOption = SERVER,
        token: TokenOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        client = OtaClient(server, token)
        tags = _tags(tag, untag)
        if not tags:
            raise BadOption(name="--tag", reason=Text("--tag or --untag is needed", "须给出 --tag 或 --untag"))
        of = find_product(client, product)
        numbers = [one["id"] for one in client.every("/v1/devices", product=of["id"], filter=filter_)]
        changed = 0
        if not dry_run and numbers:
            ask_first(say("change {count} devices?", "修改 {count} 台设备？", count=len(numbers)), yes=yes)
            for begin in range(0, len(numbers), BLOCK):
                body = {"devices": numbers[begin : begin + BLOCK], "tags": tags}
                changed += client.post("/v1/devices/tags", body)["changed"]
        print_facts({"devices": len(numbers), "changed": changed, "tags": tags}, as_json=as_json)


def _register_import(device: typer.Typer) -> None:
    @device.command(
        "import",
        help=say(
            "Make devices known before they come: units that passed on the production line (its CSV or records), or a "
            "fleet of another platform with its device secrets (CSV or JSON Lines: dk, ds, version, cell, tags, "
            "attr.NAME). Example: moduline ota device import fleet.csv --product meter --dry-run",
            "预先登记设备：产线合格模组（产线 CSV 或记录库），或自其他平台迁入的设备及其密钥"
            "（CSV 或 JSON Lines：dk、ds、version、cell、tags、attr.名称）。"
            "示例：moduline ota device import fleet.csv --product meter --dry-run",
        ),
    )
    def import_units(
        product: NeedProduct,
        file: Annotated[
            Path | None, typer.Argument(metavar="[FILE]", help=say("CSV or JSON Lines", "CSV 或 JSON Lines 文件"))
        ] = None,
        form: Annotated[
            str, typer.Option("--format", metavar="line|csv|jsonl", help=say("none: as it looks", "默认自动识别"))
        ] = "",
        skip_faulty: Annotated[
            bool, typer.Option("--skip-faulty", help=say("go on without lines that cannot be", "跳过有误的行"))
        ] = False,
        records: RecordsOption = "",
        order: Annotated[str, typer.Option("--order", help=say("only this production order", "仅该工单"))] = "",
        dry_run: DryRunFlag = False,
        server: ServerOption = SERVER,
        token: TokenOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        client = OtaClient(server, token)
        if file is not None and not records and not order and (kind := form_of(file, form)) != LINE:
            import_fleet(client, product, file, kind, skips=skip_faulty, dry_run=dry_run, as_json=as_json)
            return
        units = _units(file, records, order)
        of = find_product(client, product)
        made = known = 0
        if not dry_run:
            for begin in range(0, len(units), BLOCK):
                body = {"product": of["id"], "units": units[begin : begin + BLOCK]}
                said = client.post("/v1/devices/import", body)
                made, known = made + said["new"], known + said["known"]
        print_facts({"product": of["name"], "units": len(units), "new": made, "known": known}, as_json=as_json)


def _register_token(device: typer.Typer) -> None:
    @device.command(
        help=say(
            "A token of one polling device (SWUpdate, RAUC), shown this once; the one before counts no more. "
            "Example: moduline ota device token gate-7",
            "为轮询设备（SWUpdate、RAUC）签发单独令牌，仅显示一次，旧令牌失效。示例：moduline ota device token gate-7",
        )
    )
    def token(
        dk: DkArgument,
        product: ProductOption = "",
        revoke: Annotated[bool, typer.Option("--revoke", help=say("take it back", "吊销令牌"))] = False,
        server: ServerOption = SERVER,
        token: TokenOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        client = OtaClient(server, token)
        found = find_device(client, dk, product)
        place = f"/v1/devices/{found['id']}/token"
        made = client.delete(place) if revoke else client.post(place)
        facts = {"id": found["id"], "dk": dk}
        print_facts(facts | ({"is_revoked": True} if revoke else {"token": made["token"]}), as_json=as_json)


def _register_delete(device: typer.Typer) -> None:
    @device.command(
        help=say(
            "Forget a device that is in no plan. Example: moduline ota device delete 861234567890123",
            "删除不在任何计划中的设备。示例：moduline ota device delete 861234567890123",
        )
    )
    def delete(
        dk: DkArgument,
        product: ProductOption = "",
        yes: YesFlag = False,
        dry_run: DryRunFlag = False,
        server: ServerOption = SERVER,
        token: TokenOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        client = OtaClient(server, token)
        found = find_device(client, dk, product)
        question = say("forget the device '{dk}'?", "删除设备“{dk}”？", dk=dk)
        place = f"/v1/devices/{found['id']}"
        remove(client, place, question, {"id": found["id"], "dk": dk}, yes=yes, dry_run=dry_run, as_json=as_json)


def _tags(given: list[str] | None, taken: list[str] | None) -> dict[str, str | None]:
    tags: dict[str, str | None] = {one.partition("=")[0]: one.partition("=")[2] for one in given or ()}
    return tags | dict.fromkeys(taken or ())


def _units(file: Path | None, records: str, order: str) -> list[dict[str, Any]]:
    """Units that passed, from the line's CSV or its own records."""
    from moduline.burn.books import RecordFilter, open_store
    from moduline.cloud.devices import handover

    if file is not None and not records and not order:
        units = handover.from_csv(read_file(file).decode("utf-8-sig", "replace"))
    elif file is None:
        kept = open_store(records).select(RecordFilter(order=order or None))
        units = handover.from_records(one.record for one in kept)
    else:
        reason = Text("a CSV, or --records and --order", "CSV 文件与 --records、--order 不可同时使用")
        raise BadOption(name="--records", reason=reason)
    return [asdict(one) for one in units]
