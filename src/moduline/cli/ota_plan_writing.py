"""``ota plan create`` and ``ota plan change``: what an operator writes down."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from moduline.cli.disk import read_file
from moduline.cli.language import say
from moduline.cli.ota_client import SERVER, OtaClient, ServerOption, TokenOption
from moduline.cli.ota_finding import PlanArgument, find_package, find_plan, find_product
from moduline.cli.output import DryRunFlag, JsonFlag, print_facts, print_json
from moduline.errors import BadOption, Text

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
NeedsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--needs",
        metavar="PACKAGE=VERSION",
        help=say("whole package: only over this version; may repeat", "整包仅可覆盖此版本，可重复"),
    ),
]
StrictOption = Annotated[
    bool, typer.Option("--windows-strict", help=say("a device's own request, too", "设备主动请求也受时段限制"))
]


def register_writing(plan: typer.Typer) -> None:
    """Add the verbs."""
    _register_create(plan)
    _register_change(plan)


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
        windows_strict: StrictOption = False,
        needs: NeedsOption = None,
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
            "components": _components(client, package, needs or []),
            "white": white or None,
            "black": black or [],
            "filter": filter_,
            "windows": [_window(one) for one in window or ()],
            "is_windows_strict": windows_strict,
            "is_silent": not texts,
            "texts": texts,
            "strategy": _strategy(strategy or [], strategy_file),
        }
        if dry_run:
            print_json({"ok": True, "plan": body})
            return
        made = client.post("/v1/plans", body)
        facts = {"id": made["id"], "name": escape(name), "state": made["state"], "start": begin, "end": until}
        print_facts(made if as_json else facts, as_json=as_json)


def _register_change(plan: typer.Typer) -> None:
    @plan.command(
        help=say(
            "Write a draft anew: what is given replaces what was; approvals that were given are void. "
            "Example: moduline ota plan change march --filter tag==pilot --strategy rate_per_min=100",
            "修改草稿：给出的选项替换原值，已有审批失效。"
            "示例：moduline ota plan change march --filter tag==pilot --strategy rate_per_min=100",
        )
    )
    def change(
        name: PlanArgument,
        rename: Annotated[str, typer.Option("--name", help=say("another name", "新名称"))] = "",
        package: Annotated[list[str] | None, typer.Option("--package", metavar="COMPONENT=PACKAGE")] = None,
        needs: NeedsOption = None,
        zone: Annotated[str, typer.Option("--zone", help=say("IANA name", "时区"))] = "",
        start: StartOption = "",
        end: EndOption = "",
        white: WhiteOption = None,
        everybody: Annotated[bool, typer.Option("--no-white", help=say("no white list", "取消白名单"))] = False,
        black: BlackOption = None,
        filter_: Annotated[str | None, typer.Option("--filter", help=say("empty: none", "空为取消"))] = None,
        window: WindowOption = None,
        strategy: StrategyOption = None,
        strategy_file: StrategyFileOption = None,
        dry_run: DryRunFlag = False,
        server: ServerOption = SERVER,
        token: TokenOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        client = OtaClient(server, token)
        old = client.get(f"/v1/plans/{find_plan(client, name)['id']}")
        body = _written(old)
        given: dict[str, Any] = {
            "name": rename or None,
            "zone": zone or None,
            "start": start or None,
            "end": end or None,
        }
        given |= {"black": black, "filter": filter_, "white": white}
        body |= {key: value for key, value in given.items() if value is not None}
        if everybody:
            body["white"] = None
        if window is not None:
            body["windows"] = [_window(one) for one in window]
        if package is not None:
            body["components"] = _components(client, package, needs or [])
        body["strategy"] |= _strategy(strategy or [], strategy_file)
        if dry_run:
            print_json({"ok": True, "id": old["id"], "plan": body})
            return
        made = client.put(f"/v1/plans/{old['id']}", body)
        facts = {key: made[key] for key in ("id", "name", "state", "revision")}
        print_facts(made if as_json else {key: escape(str(value)) for key, value in facts.items()}, as_json=as_json)


def _written(plan: dict[str, Any]) -> dict[str, Any]:
    """A plan as it was written down, from what the server shows of it."""
    names = ("name", "product", "zone", "start", "end", "black", "filter", "windows", "is_windows_strict", "is_silent")
    components = [
        {
            "component": one["component"],
            "releases": [{"artifact": each["artifact"], "needs": each["needs"]} for each in one["releases"]],
        }
        for one in plan["components"]
    ]
    return {name: plan[name] for name in names} | {
        "components": components,
        "white": plan["white"] if plan["has_white_list"] else None,
        "texts": plan["texts"],
        "strategy": dict(plan["strategy"]),
    }


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


def _components(client: OtaClient, given: list[str], needs: list[str]) -> list[dict[str, Any]]:
    """Components with their packages; one that is named again has stepping stones."""
    made: dict[str, list[dict[str, Any]]] = {}
    over: dict[str, list[str]] = {}
    for one in needs:
        package, _, version = one.rpartition("=")
        over.setdefault(package, []).append(version)
    for one in given:
        component, separator, package = one.partition("=")
        if not separator:
            reason = Text("COMPONENT=PACKAGE, such as mod=fw-v2", "形如 组件=版本包，例如 mod=fw-v2")
            raise BadOption(name="--package", reason=reason)
        release = {"artifact": find_package(client, package)["id"], "needs": over.pop(package, [])}
        made.setdefault(component, []).append(release)
    if over:
        reason = Text("PACKAGE=VERSION with a package of the plan", "形如 版本包=版本，且版本包须在计划中")
        raise BadOption(name="--needs", reason=reason)
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
