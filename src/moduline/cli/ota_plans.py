"""``ota plan``: write, activate, watch; and the user's part of a plan that asks."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.markup import escape

from moduline.cli.disk import read_file
from moduline.cli.language import current, say
from moduline.cli.ota_client import SERVER, OtaClient, ServerOption, TokenOption
from moduline.cli.ota_things import find_package, find_product, shown_time
from moduline.cli.output import DryRunFlag, JsonFlag, YesFlag, out, print_facts, print_json, print_table
from moduline.errors import BadOption, NoSuchObject, Text, UserSaidNo

PLAN: Final = Text("plan", "升级计划")
UPGRADE: Final = Text("device in this plan", "计划中的设备")
STATUSES: Final = {
    "not_upgraded": ("not upgraded", "未升级"),
    "upgrading": ("upgrading", "升级中"),
    "upgraded": ("upgraded", "升级成功"),
    "failed": ("failed", "升级失败"),
    "no_update": ("no update required", "无需升级"),
}
_SHIFTS: Final = {
    "activate": ("Start a plan; afterwards it is neither edited nor deleted.", "激活计划；之后不可编辑或删除。"),
    "approve": ("Agree to a draft as it stands now.", "审批草稿。"),
    "suspend": ("Offer it to nobody for the time being.", "暂停下发。"),
    "resume": ("Go on with a plan that was suspended.", "恢复下发。"),
    "terminate": ("End a plan for good; devices that have started go on.", "强制终止；已开始的设备继续。"),
}
_OPERATIONS: Final = {"now": 1, "cancel": 3, "retry": 5}
PlanArgument = Annotated[str, typer.Argument(metavar="PLAN", help=say("name or number", "名称或编号"))]

PlanProductOption = Annotated[str, typer.Option("--product", help=say("name, key or number", "名称、密钥或编号"))]
PackagesOption = Annotated[
    list[str],
    typer.Option("--package", metavar="COMPONENT=PACKAGE", help=say("in their order; may repeat", "按顺序，可重复")),
]
ZoneOption = Annotated[str, typer.Option("--zone", help=say("IANA name", "时区"))]
StartOption = Annotated[str, typer.Option("--start", metavar="YYYY-MM-DDTHH:MM", help=say("none: now", "默认现在"))]
EndOption = Annotated[
    str, typer.Option("--end", metavar="YYYY-MM-DDTHH:MM", help=say("none: in 30 days", "默认 30 天后"))
]
WhiteOption = Annotated[list[str] | None, typer.Option("--white", metavar="DK", help=say("only these", "白名单"))]
BlackOption = Annotated[list[str] | None, typer.Option("--black", metavar="DK", help=say("not these", "黑名单"))]
FilterOption = Annotated[str, typer.Option("--filter", help=say("such as tag==pilot", "如 tag==pilot"))]
WindowOption = Annotated[
    list[str] | None, typer.Option("--window", metavar="H-H", help=say("whole hours, 9-18", "整点时段，如 9-18"))
]
AskZhOption = Annotated[str, typer.Option("--ask-zh", help=say("the user is asked", "用户确认：中文文案"))]
AskEnOption = Annotated[str, typer.Option("--ask-en", help=say("in English", "用户确认：英文文案"))]
StrategyOption = Annotated[
    list[str] | None,
    typer.Option("--strategy", metavar="NAME=VALUE", help=say("min_battery=30 ...", "如 min_battery=30")),
]
StrategyFileOption = Annotated[
    Path | None, typer.Option("--strategy-file", metavar="FILE", help=say("JSON, for stages", "JSON 策略文件"))
]


def register_plans(ota: typer.Typer) -> None:
    """Add the noun."""
    plan = typer.Typer(no_args_is_help=True, help=say("Upgrade plans.", "升级计划。"))
    ota.add_typer(plan, name="plan")
    _register_create(plan)
    _register_list(plan)
    _register_show(plan)
    for verb, texts in _SHIFTS.items():
        _register_shift(plan, verb, texts)
    _register_delete(plan)
    _register_log(plan)
    _register_confirm(plan)


def find_plan(client: OtaClient, name: str) -> dict[str, Any]:
    """The plan of a name or a number."""
    return client.find(PLAN, "/v1/plans", name, "name")


def _register_create(plan: typer.Typer) -> None:
    @plan.command(
        help=say(
            "Write a draft; nothing happens before it is activated. "
            "Example: moduline ota plan create march --product meter --package mod=fw-v2 --zone Asia/Shanghai",
            "创建计划草稿，激活前不会下发。"
            "示例：moduline ota plan create march --product meter --package mod=fw-v2 --zone Asia/Shanghai",
        )
    )
    def create(
        name: Annotated[str, typer.Argument(metavar="NAME")],
        product: PlanProductOption,
        package: PackagesOption,
        zone: ZoneOption,
        start: StartOption = "",
        end: EndOption = "",
        white: WhiteOption = None,
        black: BlackOption = None,
        filter_: FilterOption = "",
        window: WindowOption = None,
        ask_zh: AskZhOption = "",
        ask_en: AskEnOption = "",
        strategy: StrategyOption = None,
        strategy_file: StrategyFileOption = None,
        dry_run: DryRunFlag = False,
        server: ServerOption = SERVER,
        token: TokenOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        client = OtaClient(server, token)
        begin, until = _times(zone, start, end)
        texts = {lang: text for lang, text in (("zh", ask_zh), ("en", ask_en)) if text}
        body = {
            "name": name,
            "product": find_product(client, product)["id"],
            "zone": zone,
            "start": begin,
            "end": until,
            "components": _components(client, package),
            "white": white or None,
            "black": black or [],
            "filter": filter_,
            "windows": [_window(one) for one in window or ()],
            "is_silent": not texts,
            "texts": texts,
            "strategy": _strategy(strategy or [], strategy_file),
        }
        if dry_run:
            print_json({"ok": True, "plan": body})
            return
        made = client.post("/v1/plans", body)
        if as_json:
            print_json({"ok": True, **made})
            return
        print_facts(
            {"id": made["id"], "name": escape(name), "state": made["state"], "start": begin, "end": until},
            as_json=False,
        )


def _register_list(plan: typer.Typer) -> None:
    @plan.command(
        "list",
        help=say("Every plan. Example: moduline ota plan list", "列出升级计划。示例：moduline ota plan list"),
    )
    def list_plans(server: ServerOption = SERVER, token: TokenOption = None, as_json: JsonFlag = False) -> None:
        found = list(OtaClient(server, token).every("/v1/plans"))
        if as_json:
            print_json({"ok": True, "plans": found})
            return
        rows = [(one["id"], escape(one["name"]), one["state"], one["start"], one["end"], one["zone"]) for one in found]
        columns = [
            say("name", "名称"),
            say("state", "状态"),
            say("start", "开始"),
            say("end", "结束"),
            say("zone", "时区"),
        ]
        print_table(["ID", *columns], rows)


def _register_show(plan: typer.Typer) -> None:
    @plan.command(
        help=say(
            "Watch a plan: counters, and every device with the reason why it waits. "
            "Example: moduline ota plan show march",
            "升级监控：计数、各设备状态与等待原因。示例：moduline ota plan show march",
        )
    )
    def show(
        name: PlanArgument,
        server: ServerOption = SERVER,
        token: TokenOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        client = OtaClient(server, token)
        number = find_plan(client, name)["id"]
        found = client.get(f"/v1/plans/{number}")
        devices = list(client.every(f"/v1/plans/{number}/upgrades"))
        if as_json:
            print_json({"ok": True, **found, "devices": devices})
            return
        out().print(f"{found['name']}: {found['state']}", markup=False)
        for status, count in found["counters"]["by_status"].items():
            out().print(f"  {say(*STATUSES[status])}: {count}", markup=False)
        rows = [
            (
                one["dk"],
                say(*STATUSES[one["status_name"]]),
                ", ".join(f"{part['component']} {part['status']}" for part in one["components"]),
                one["reason"][current()] if one["reason"] else "",
            )
            for one in devices
        ]
        columns = ["DK", say("status", "状态"), say("components", "组件"), say("reason", "原因")]
        print_table(columns, [tuple(escape(cell) for cell in row) for row in rows])


def _register_shift(plan: typer.Typer, verb: str, texts: tuple[str, str]) -> None:
    @plan.command(
        verb,
        help=say(
            f"{texts[0]} Example: moduline ota plan {verb} march", f"{texts[1]}示例：moduline ota plan {verb} march"
        ),
    )
    def shift(
        name: PlanArgument,
        server: ServerOption = SERVER,
        token: TokenOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        client = OtaClient(server, token)
        made = client.post(f"/v1/plans/{find_plan(client, name)['id']}/{verb}")
        print_facts({"id": made["id"], "name": made["name"], "state": made["state"]}, as_json=as_json)


def _register_delete(plan: typer.Typer) -> None:
    @plan.command(
        help=say(
            "Remove a draft. Example: moduline ota plan delete march", "删除草稿。示例：moduline ota plan delete march"
        )
    )
    def delete(
        name: PlanArgument,
        yes: YesFlag = False,
        server: ServerOption = SERVER,
        token: TokenOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        client = OtaClient(server, token)
        found = find_plan(client, name)
        if not yes and not typer.confirm(
            say("remove the draft '{name}'?", "删除草稿“{name}”？", name=found["name"]), err=True
        ):
            raise UserSaidNo
        client.delete(f"/v1/plans/{found['id']}")
        print_facts({"id": found["id"], "name": found["name"]}, as_json=as_json)


def _register_log(plan: typer.Typer) -> None:
    @plan.command(
        help=say(
            "All that happened to one device in a plan. Example: moduline ota plan log march 861234567890123",
            "显示计划中某台设备的升级日志。示例：moduline ota plan log march 861234567890123",
        )
    )
    def log(
        name: PlanArgument,
        dk: Annotated[str, typer.Argument(metavar="DK")],
        server: ServerOption = SERVER,
        token: TokenOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        client = OtaClient(server, token)
        lines = list(client.every(f"/v1/upgrades/{_upgrade(client, name, dk)}/log"))
        if as_json:
            print_json({"ok": True, "log": lines})
            return
        rows = [
            (shown_time(one["at"]), one["source"], one["component"], one["text"][current()], one["code"] or "")
            for one in lines
        ]
        columns = [
            say("time", "时间"),
            say("from", "来源"),
            say("component", "组件"),
            say("what", "内容"),
            say("code", "代码"),
        ]
        print_table(columns, [tuple(escape(str(cell)) for cell in row) for row in rows])


def _register_confirm(plan: typer.Typer) -> None:
    @plan.command(
        help=say(
            "Do what a device's user wants: now, cancel or retry. "
            "Example: moduline ota plan confirm march 861234567890123 now",
            "代用户操作：now、cancel 或 retry。示例：moduline ota plan confirm march 861234567890123 now",
        )
    )
    def confirm(
        name: PlanArgument,
        dk: Annotated[str, typer.Argument(metavar="DK")],
        operation: Annotated[str, typer.Argument(metavar="now|cancel|retry")],
        server: ServerOption = SERVER,
        token: TokenOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        if operation not in _OPERATIONS:
            raise BadOption(name="OPERATION", reason=Text("now, cancel or retry", "须为 now、cancel 或 retry"))
        client = OtaClient(server, token)
        number = _upgrade(client, name, dk)
        said = client.post(f"/v1/upgrades/{number}/confirm", {"operation": _OPERATIONS[operation]})
        print_facts({"upgrade": number, "offered": said["offered"]}, as_json=as_json)


def _upgrade(client: OtaClient, plan: str, dk: str) -> int:
    """Number of a device's upgrade in a plan."""
    number = find_plan(client, plan)["id"]
    for one in client.every(f"/v1/plans/{number}/upgrades"):
        if one["dk"] == dk:
            return int(one["id"])
    raise NoSuchObject(kind=UPGRADE, name=dk)


def _times(zone: str, start: str, end: str) -> tuple[str, str]:
    """Planned start and end on the wall clock of the plan's zone."""
    from moduline.cloud.plans.zone import check_zone, zone_of

    if check_zone(zone):
        raise BadOption(name="--zone", reason=Text("no zone such as Asia/Shanghai", "不是时区名，例如 Asia/Shanghai"))
    begin = datetime.now(zone_of(zone)).replace(tzinfo=None)
    if start:
        try:
            begin = datetime.fromisoformat(start).replace(tzinfo=None)
        except ValueError as wrong:
            reason = Text("no time such as 2026-11-21T10:00", "不是 2026-11-21T10:00 形式的时间")
            raise BadOption(name="--start", reason=reason) from wrong
    shape = "%Y-%m-%dT%H:%M"
    return start or begin.strftime(shape), end or (begin + timedelta(days=30)).strftime(shape)


def _components(client: OtaClient, given: list[str]) -> list[dict[str, Any]]:
    """Components with their packages; one that is named again has stepping stones."""
    made: dict[str, list[dict[str, Any]]] = {}
    for one in given:
        component, separator, package = one.partition("=")
        if not separator:
            reason = Text("COMPONENT=PACKAGE, such as mod=fw-v2", "形如 组件=版本包，例如 mod=fw-v2")
            raise BadOption(name="--package", reason=reason)
        made.setdefault(component, []).append({"artifact": find_package(client, package)["id"]})
    return [{"component": component, "releases": releases} for component, releases in made.items()]


def _window(given: str) -> list[int]:
    start, _, end = given.partition("-")
    if not (start.isdecimal() and end.isdecimal()):
        raise BadOption(name="--window", reason=Text("whole hours such as 9-18", "整点时段，例如 9-18"))
    return [int(start), int(end)]


def _strategy(given: list[str], file: Path | None) -> dict[str, Any]:
    made: dict[str, Any] = {}
    try:
        if file is not None:
            made = dict(json.loads(read_file(file)))
        for one in given:
            name, _, value = one.partition("=")
            made[name] = json.loads(value)
    except (ValueError, TypeError) as wrong:
        reason = Text("NAME=NUMBER, or a JSON object in the file", "名称=数值，或文件中的 JSON 对象")
        raise BadOption(name="--strategy", reason=reason) from wrong
    return made
