"""``ota plan``: write, approve, activate, watch, end."""

from __future__ import annotations

import itertools
from typing import Annotated, Final

import typer
from rich.markup import escape

from moduline.cli.language import current, say
from moduline.cli.ota_client import SERVER, OtaClient, ServerOption, TokenOption
from moduline.cli.ota_finding import PlanArgument, find_plan, noun, remove
from moduline.cli.ota_plan_devices import register_plan_devices
from moduline.cli.ota_plan_writing import register_writing
from moduline.cli.output import DryRunFlag, JsonFlag, YesFlag, note, out, print_facts, print_json, print_table
from moduline.errors import BadOption, Text

STATUSES: Final = {
    "not_upgraded": ("not upgraded", "未升级"),
    "upgrading": ("upgrading", "升级中"),
    "upgraded": ("upgraded", "升级成功"),
    "failed": ("failed", "升级失败"),
    "no_update": ("no update required", "无需升级"),
}
SHOWN: Final = 1000
"""Devices that are shown when nobody says; a plan may have a million."""
_SHIFTS: Final = {
    "activate": ("Start a plan; afterwards it is neither edited nor deleted.", "激活计划；之后不可编辑或删除。"),
    "approve": ("Agree to a draft as it stands now.", "审批草稿。"),
    "suspend": ("Offer it to nobody for the time being.", "暂停下发。"),
    "resume": ("Go on with a plan that was suspended.", "恢复下发。"),
    "terminate": ("End a plan for good; devices that have started go on.", "强制终止；已开始的设备继续。"),
}


def register_plans(ota: typer.Typer) -> None:
    """Add the noun."""
    plan = noun(ota, "plan", say("Upgrade plans.", "升级计划。"))
    register_writing(plan)
    _register_list(plan)
    _register_show(plan)
    for verb, texts in _SHIFTS.items():
        _register_shift(plan, verb, texts)
    _register_check(plan)
    _register_waive(plan)
    _register_delete(plan)
    register_plan_devices(plan)


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
        status: Annotated[str, typer.Option("--status", metavar="|".join(STATUSES), help=say("only", "仅"))] = "",
        most: Annotated[
            int, typer.Option("--most", min=0, help=say("devices at most; 0: all", "最多设备数，0 为全部"))
        ] = SHOWN,
        server: ServerOption = SERVER,
        token: TokenOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        if status and status not in STATUSES:
            raise BadOption(
                name="--status", reason=Text("one of {known}", "须为 {known} 之一"), known=" ".join(STATUSES)
            )
        client = OtaClient(server, token)
        number = find_plan(client, name)["id"]
        found = client.get(f"/v1/plans/{number}")
        asked = list(STATUSES).index(status) if status else None
        every = client.every(f"/v1/plans/{number}/upgrades", status=asked)
        devices = list(itertools.islice(every, most or None))
        if as_json:
            print_json({"ok": True, **found, "devices": devices})
            return
        out().print(f"{found['name']}: {found['state']}", markup=False)
        for key, count in found["counters"]["by_status"].items():
            out().print(f"  {say(*STATUSES[key])}: {count}", markup=False)
        rows = [
            (
                one["dk"],
                say(*STATUSES[one["status_name"]]),
                ", ".join(f"{part['component']} {part['status']}" for part in one["components"]),
                one["reason"][current()] if one["reason"] else _not_judged(found["state"], one["status_name"]),
            )
            for one in devices
        ]
        columns = ["DK", say("status", "状态"), say("components", "组件"), say("reason", "原因")]
        print_table(columns, [tuple(escape(cell) for cell in row) for row in rows])
        if most and len(devices) == most:
            note(
                "{most} devices; --most 0 or export upgrades has all",
                "仅 {most} 台；--most 0 或 export upgrades 含全部",
                most=most,
            )


def _not_judged(state: str, status: str) -> str:
    """What a device waits for that nobody has had reason to look at yet."""
    if (state, status) != ("running", "not_upgraded"):
        return ""
    return say("waits for its request, or the next ten-minute mark", "等待设备请求，或下一个整十分钟")


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


def _register_check(plan: typer.Typer) -> None:
    @plan.command(
        help=say(
            "What stands between a draft and its activation. Example: moduline ota plan check march",
            "检查草稿能否激活。示例：moduline ota plan check march",
        )
    )
    def check(
        name: PlanArgument, server: ServerOption = SERVER, token: TokenOption = None, as_json: JsonFlag = False
    ) -> None:
        client = OtaClient(server, token)
        found = client.get(f"/v1/plans/{find_plan(client, name)['id']}/obstacles")["items"]
        if as_json:
            print_json({"ok": True, "obstacles": found})
            return
        for one in found:
            out().print(f"{one['field']}: {one[current()]}", markup=False)
        if not found:
            out().print(say("nothing", "无"), markup=False)


def _register_waive(plan: typer.Typer) -> None:
    @plan.command(
        help=say(
            "Let a draft, as it stands now, go without a proof that it needs; the reason is kept. "
            "Example: moduline ota plan waive march rehearsal --reason 'three devices on the desk'",
            "允许草稿在缺少证明的情况下激活，理由会记入审计。"
            "示例：moduline ota plan waive march rehearsal --reason '仅桌面三台设备'",
        )
    )
    def waive(
        name: PlanArgument,
        proof: Annotated[str, typer.Argument(metavar="verification|rehearsal")],
        reason: Annotated[str, typer.Option("--reason", help=say("for those who ask later", "理由"))],
        server: ServerOption = SERVER,
        token: TokenOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        client = OtaClient(server, token)
        number = find_plan(client, name)["id"]
        made = client.post(f"/v1/plans/{number}/waivers", {"proof": proof, "reason": reason})
        print_facts({"id": number, "waived": [one["proof"] for one in made["items"]]}, as_json=as_json)


def _register_delete(plan: typer.Typer) -> None:
    @plan.command(
        help=say(
            "Remove a draft. Example: moduline ota plan delete march", "删除草稿。示例：moduline ota plan delete march"
        )
    )
    def delete(
        name: PlanArgument,
        yes: YesFlag = False,
        dry_run: DryRunFlag = False,
        server: ServerOption = SERVER,
        token: TokenOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        client = OtaClient(server, token)
        found = find_plan(client, name)
        question = say("remove the draft '{name}'?", "删除草稿“{name}”？", name=found["name"])
        facts = {"id": found["id"], "name": found["name"]}
        remove(client, f"/v1/plans/{found['id']}", question, facts, yes=yes, dry_run=dry_run, as_json=as_json)
