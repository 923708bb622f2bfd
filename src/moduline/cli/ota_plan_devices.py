"""``ota plan log``, ``users``, ``confirm``, ``cancel`` and ``retry``: devices in a plan, and who owns them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

import typer
from rich.markup import escape

from moduline.cli.language import current, say
from moduline.cli.ota_client import SERVER, OtaClient, ServerOption, TokenOption, ask_first
from moduline.cli.ota_finding import PlanArgument, find_plan, find_upgrade, shown_time
from moduline.cli.output import DryRunFlag, JsonFlag, YesFlag, note, print_facts, print_json, print_table
from moduline.errors import BadOption, Text

_OPERATIONS: Final = {"now": 1, "at": 2, "cancel": 3, "retry": 5}
_TIME: Final = Text("a time such as 2026-11-21T10:00", "须为 2026-11-21T10:00 形式的时间")
_SAID: Final = (
    ("nothing", "未答复"),
    ("now", "立即"),
    ("appointed", "预约"),
    ("not now", "取消"),
    ("has seen the result", "已查看结果"),
)
_NOT_UPGRADED: Final = 0
BLOCK: Final = 500
FromOption = Annotated[
    str, typer.Option("--from", metavar="YYYY-MM-DDTHH:MM", help=say("in the plan's zone", "按计划时区"))
]
UntilOption = Annotated[str, typer.Option("--until", metavar="YYYY-MM-DDTHH:MM")]
DkArgument = Annotated[str, typer.Argument(metavar="DK", help=say("device key", "设备密钥"))]


def register_plan_devices(plan: typer.Typer) -> None:
    """Add the verbs."""
    _register_log(plan)
    _register_confirm(plan)
    _register_users(plan)
    _register_confirm_all(plan)
    _register_cancel(plan)
    _register_retry(plan)


def _register_log(plan: typer.Typer) -> None:
    @plan.command(
        help=say(
            "All that happened to one device in a plan. Example: moduline ota plan log march 861234567890123",
            "显示计划中某台设备的升级日志。示例：moduline ota plan log march 861234567890123",
        )
    )
    def log(
        name: PlanArgument,
        dk: DkArgument,
        server: ServerOption = SERVER,
        token: TokenOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        client = OtaClient(server, token)
        lines = list(client.every(f"/v1/upgrades/{find_upgrade(client, name, dk)['id']}/log"))
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
            "Do what a device's user wants: now, at an appointed time, cancel or retry. "
            "Example: moduline ota plan confirm march 861234567890123 at --from 2026-11-21T02:00 --until "
            "2026-11-21T04:00",
            "代用户操作：now、at（预约时间）、cancel 或 retry。"
            "示例：moduline ota plan confirm march 861234567890123 at --from 2026-11-21T02:00 --until 2026-11-21T04:00",
        )
    )
    def confirm(
        name: PlanArgument,
        dk: DkArgument,
        operation: Annotated[str, typer.Argument(metavar="now|at|cancel|retry")],
        begin: FromOption = "",
        until: UntilOption = "",
        server: ServerOption = SERVER,
        token: TokenOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        client = OtaClient(server, token)
        body = _wish(operation, begin, until, find_plan(client, name)["zone"])
        number = find_upgrade(client, name, dk)["id"]
        said = client.post(f"/v1/upgrades/{number}/confirm", body)
        print_facts({"upgrade": number, "offered": said["offered"]}, as_json=as_json)


def _register_users(plan: typer.Typer) -> None:
    @plan.command(
        help=say(
            "What the users of a plan are asked, and what they have said. Example: moduline ota plan users march",
            "列出计划向用户询问的内容及用户的答复。示例：moduline ota plan users march",
        )
    )
    def users(
        name: PlanArgument, server: ServerOption = SERVER, token: TokenOption = None, as_json: JsonFlag = False
    ) -> None:
        client = OtaClient(server, token)
        number = find_plan(client, name)["id"]
        waiting = client.get(f"/v1/plans/{number}/confirmations", limit=1)["waiting"]
        found = list(client.every(f"/v1/plans/{number}/confirmations", language=current()))
        if as_json:
            print_json({"ok": True, "waiting": waiting, "users": found})
            return
        rows = [
            (
                one["dk"],
                say(*_SAID[one["status"]]),
                shown_time(one["start_at"]),
                shown_time(one["end_at"]),
                ", ".join(
                    f"{each['component']} {each['current'] or '?'} > {each['target']}" for each in one["components"]
                ),
            )
            for one in found
        ]
        columns = ["DK", say("said", "答复"), say("from", "开始"), say("until", "结束"), say("components", "组件")]
        print_table(columns, [tuple(escape(cell) for cell in row) for row in rows])
        note("{waiting} wait for their users", "{waiting} 台等待用户确认", waiting=waiting)


def _register_confirm_all(plan: typer.Typer) -> None:
    @plan.command(
        "confirm-all",
        help=say(
            "Do the same for the users of all devices of a plan that wait. "
            "Example: moduline ota plan confirm-all march now --yes",
            "对计划中所有等待的设备代用户操作。示例：moduline ota plan confirm-all march now --yes",
        ),
    )
    def confirm_all(
        name: PlanArgument,
        operation: Annotated[str, typer.Argument(metavar="now|at|cancel")],
        begin: FromOption = "",
        until: UntilOption = "",
        yes: YesFlag = False,
        dry_run: DryRunFlag = False,
        server: ServerOption = SERVER,
        token: TokenOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        client = OtaClient(server, token)
        plan = find_plan(client, name)
        body = _wish(operation, begin, until, plan["zone"])
        every = client.every(f"/v1/plans/{plan['id']}/upgrades", status=_NOT_UPGRADED)
        numbers = [one["id"] for one in every]
        done: list[dict[str, Any]] = []
        if numbers and not dry_run:
            ask_first(say("for {count} devices?", "对 {count} 台设备执行？", count=len(numbers)), yes=yes)
            for at in range(0, len(numbers), BLOCK):
                some = {"upgrades": numbers[at : at + BLOCK]}
                done += client.post("/v1/upgrades/confirm", body | some)["items"]
        refused = sum(not one["ok"] for one in done)
        facts = {"devices": len(numbers), "done": len(done) - refused, "refused": refused}
        print_facts(facts | {"offered": sum(one.get("offered", False) for one in done)}, as_json=as_json)


def _register_cancel(plan: typer.Typer) -> None:
    @plan.command(
        help=say(
            "Take the offer back from one device, possible until it downloads. "
            "Example: moduline ota plan cancel march 861234567890123",
            "撤回对某台设备的下发，开始下载前有效。示例：moduline ota plan cancel march 861234567890123",
        )
    )
    def cancel(
        name: PlanArgument,
        dk: DkArgument,
        server: ServerOption = SERVER,
        token: TokenOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        client = OtaClient(server, token)
        number = find_upgrade(client, name, dk)["id"]
        client.post(f"/v1/upgrades/{number}/cancel")
        print_facts({"upgrade": number, "dk": dk}, as_json=as_json)


def _register_retry(plan: typer.Typer) -> None:
    @plan.command(
        help=say(
            "Try a failed device once more. Example: moduline ota plan retry march 861234567890123",
            "对升级失败的设备重试。示例：moduline ota plan retry march 861234567890123",
        )
    )
    def retry(
        name: PlanArgument,
        dk: DkArgument,
        server: ServerOption = SERVER,
        token: TokenOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        client = OtaClient(server, token)
        number = find_upgrade(client, name, dk)["id"]
        said = client.post(f"/v1/upgrades/{number}/retry")
        print_facts({"upgrade": number, "dk": dk, "offered": said["offered"]}, as_json=as_json)


def _wish(operation: str, begin: str, until: str, zone: str) -> dict[str, Any]:
    """What a user wants, as the API has it.

    Raises:
        BadOption: it is nothing that is known.
    """
    if operation not in _OPERATIONS:
        raise BadOption(name="OPERATION", reason=Text("now, at, cancel or retry", "须为 now、at、cancel 或 retry"))
    body: dict[str, Any] = {"operation": _OPERATIONS[operation]}
    if operation == "at":
        body |= {"start_at": _instant("--from", begin, zone), "end_at": _instant("--until", until, zone)}
    return body


def _instant(option: str, words: str, zone: str) -> float:
    """UTC seconds of a wall-clock time of a zone.

    Raises:
        BadOption: it is no time.
    """
    from moduline.cloud.plans.zone import to_utc

    try:
        datetime.strptime(words, "%Y-%m-%dT%H:%M")  # noqa: DTZ007  a wall clock
    except ValueError as wrong:
        raise BadOption(name=option, reason=_TIME) from wrong
    return to_utc(words, zone)
