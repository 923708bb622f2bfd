"""``ota webhook`` and ``ota events``: other programs are told what happens."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.markup import escape

from moduline.cli.language import say
from moduline.cli.ota_client import SERVER, OtaClient, ServerOption, TokenOption
from moduline.cli.ota_finding import find_webhook, noun, remove, shown_time
from moduline.cli.output import DryRunFlag, JsonFlag, JsonlFlag, YesFlag, out, print_facts, print_json, print_table

HookArgument = Annotated[str, typer.Argument(metavar="WEBHOOK", help=say("name or number", "名称或编号"))]
KindOption = Annotated[
    list[str] | None,
    typer.Option("--kind", metavar="EVENT", help=say("only this, such as plan.ended; may repeat", "事件类型，可重复")),
]


def register_events(ota: typer.Typer) -> None:
    """Add the noun and the verb."""
    webhook = noun(ota, "webhook", say("Addresses that are told what happens.", "事件通知地址（Webhook）。"))
    _register_create(webhook)
    _register_list(webhook)
    _register_set(webhook)
    _register_secret(webhook)
    _register_test(webhook)
    _register_delete(webhook)
    _register_events(ota)


def _register_create(webhook: typer.Typer) -> None:
    @webhook.command(
        help=say(
            "Tell an address of everything from now on; the secret of the signatures is shown this once. "
            "Example: moduline ota webhook create erp https://erp.example.com/ota --kind plan.ended",
            "创建 Webhook，签名密钥仅显示这一次。"
            "示例：moduline ota webhook create erp https://erp.example.com/ota --kind plan.ended",
        )
    )
    def create(
        name: Annotated[str, typer.Argument(metavar="NAME")],
        url: Annotated[str, typer.Argument(metavar="URL")],
        kind: KindOption = None,
        server: ServerOption = SERVER,
        token: TokenOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        made = OtaClient(server, token).post("/v1/webhooks", {"name": name, "url": url, "kinds": kind or []})
        facts = {"id": made["id"], "name": name, "url": made["url"], "secret": made["secret"]}
        print_facts(facts if as_json else {key: escape(str(value)) for key, value in facts.items()}, as_json=as_json)


def _register_list(webhook: typer.Typer) -> None:
    @webhook.command(
        "list",
        help=say(
            "Every webhook, and what is wrong with it. Example: moduline ota webhook list",
            "列出 Webhook 及其状态。示例：moduline ota webhook list",
        ),
    )
    def list_webhooks(server: ServerOption = SERVER, token: TokenOption = None, as_json: JsonFlag = False) -> None:
        found = list(OtaClient(server, token).every("/v1/webhooks"))
        if as_json:
            print_json({"ok": True, "webhooks": found})
            return
        rows = [
            (
                one["id"],
                one["name"],
                one["state"],
                shown_time(one["failing_since"]),
                " ".join(one["kinds"]) or say("all", "全部"),
                one["url"],
                one["said"],
            )
            for one in found
        ]
        columns = [say("name", "名称"), say("state", "状态"), say("failing since", "失败始于"), say("events", "事件")]
        cells = [tuple(escape(str(cell)) for cell in row) for row in rows]
        print_table(["ID", *columns, "URL", say("said", "原因")], cells)


def _register_set(webhook: typer.Typer) -> None:
    @webhook.command(
        help=say(
            "Another address, other events, off or on; --on also revives one that was given up. "
            "Example: moduline ota webhook set erp --on",
            "修改地址、事件，或停用、启用；--on 可恢复已放弃的 Webhook。示例：moduline ota webhook set erp --on",
        )
    )
    def set(  # noqa: A001  the verb of the command line
        name: HookArgument,
        url: Annotated[str | None, typer.Option("--url", metavar="URL")] = None,
        kind: KindOption = None,
        every_kind: Annotated[bool, typer.Option("--every-kind", help=say("all events", "全部事件"))] = False,
        enabled: Annotated[bool | None, typer.Option("--on/--off", help=say("is told", "启用或停用"))] = None,
        server: ServerOption = SERVER,
        token: TokenOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        client = OtaClient(server, token)
        body: dict[str, Any] = {"url": url, "kinds": [] if every_kind else kind, "is_enabled": enabled}
        made = client.patch(f"/v1/webhooks/{find_webhook(client, name)['id']}", body)
        facts = {key: made[key] for key in ("id", "name", "url", "kinds", "state")}
        print_facts(facts if as_json else {key: escape(str(value)) for key, value in facts.items()}, as_json=as_json)


def _register_secret(webhook: typer.Typer) -> None:
    @webhook.command(
        help=say(
            "Sign with another secret from now on; it is shown this once. Example: moduline ota webhook secret erp",
            "更换签名密钥，仅显示这一次。示例：moduline ota webhook secret erp",
        )
    )
    def secret(
        name: HookArgument, server: ServerOption = SERVER, token: TokenOption = None, as_json: JsonFlag = False
    ) -> None:
        client = OtaClient(server, token)
        made = client.post(f"/v1/webhooks/{find_webhook(client, name)['id']}/secret")
        print_facts({"id": made["id"], "name": made["name"], "secret": made["secret"]}, as_json=as_json)


def _register_test(webhook: typer.Typer) -> None:
    @webhook.command(
        help=say(
            "Post an event that never happened, once and now; what the receiver said. "
            "Example: moduline ota webhook test erp",
            "立即发送一次测试事件并显示接收方的答复。示例：moduline ota webhook test erp",
        )
    )
    def test(
        name: HookArgument, server: ServerOption = SERVER, token: TokenOption = None, as_json: JsonFlag = False
    ) -> None:
        client = OtaClient(server, token)
        told = client.post(f"/v1/webhooks/{find_webhook(client, name)['id']}/test")
        print_facts(told if as_json else {key: escape(str(value)) for key, value in told.items()}, as_json=as_json)


def _register_delete(webhook: typer.Typer) -> None:
    @webhook.command(
        help=say(
            "Tell it nothing any more. Example: moduline ota webhook delete erp",
            "删除 Webhook。示例：moduline ota webhook delete erp",
        )
    )
    def delete(
        name: HookArgument,
        yes: YesFlag = False,
        dry_run: DryRunFlag = False,
        server: ServerOption = SERVER,
        token: TokenOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        client = OtaClient(server, token)
        found = find_webhook(client, name)
        question = say("remove the webhook '{name}'?", "删除 Webhook“{name}”？", name=found["name"])
        facts = {"id": found["id"], "name": found["name"]}
        remove(client, f"/v1/webhooks/{found['id']}", question, facts, yes=yes, dry_run=dry_run, as_json=as_json)


def _register_events(ota: typer.Typer) -> None:
    @ota.command(
        help=say(
            "What happened; with --follow, what happens until Ctrl-C, resumed when the connection breaks. "
            "Example: moduline ota events --follow --kind upgrade.failed --jsonl",
            "列出事件；--follow 持续输出，断线自动续传，Ctrl-C 结束。"
            "示例：moduline ota events --follow --kind upgrade.failed --jsonl",
        )
    )
    def events(
        kind: KindOption = None,
        after: Annotated[
            int | None, typer.Option("--after", metavar="ID", min=0, help=say("behind this event", "此编号之后"))
        ] = None,
        follow: Annotated[bool, typer.Option("--follow", "-f", help=say("go on", "持续输出"))] = False,
        most: Annotated[int, typer.Option("--most", min=0, help=say("then end; 0: all", "最多条数，0 为全部"))] = 0,
        server: ServerOption = SERVER,
        token: TokenOption = None,
        as_json: JsonFlag = False,
        as_jsonl: JsonlFlag = False,
    ) -> None:
        client = OtaClient(server, token)
        if follow:
            found = client.follow("/v1/events/stream", after, kind=kind)
        else:
            found = client.every("/v1/events", start=after or 0, kind=kind)
        kept = []
        for count, event in enumerate(found, 1):
            if as_json:
                kept.append(event)
            elif as_jsonl:
                print_json(event)
            else:
                data = " ".join(f"{name}={value}" for name, value in event["data"].items())
                out().print(f"{event['id']}  {shown_time(event['at'])}  {event['event']}  {data}", markup=False)
            if count == most:
                break
        if as_json:
            print_json({"ok": True, "events": kept})
