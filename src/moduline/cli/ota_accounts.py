"""``ota account``, ``ota token`` and ``ota audit``: who may do what, and who did."""

from __future__ import annotations

import getpass
import json
import sys
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.markup import escape

from moduline.cli.disk import read_file
from moduline.cli.language import say
from moduline.cli.ota_client import SERVER, OtaClient, ServerOption, TokenOption
from moduline.cli.ota_finding import find_account, noun, shown_time
from moduline.cli.output import JsonFlag, print_facts, print_json, print_table
from moduline.errors import BadOption, Text

_ROLES: Final = "viewer|operator|releaser|admin"
_DAY_S: Final = 24 * 3600.0
AccountArgument = Annotated[str, typer.Argument(metavar="ACCOUNT", help=say("name or number", "名称或编号"))]


def register_accounts(ota: typer.Typer) -> None:
    """Add the nouns."""
    account = noun(ota, "account", say("Sub-accounts and their roles.", "子账号及角色。"))
    _register_create(account)
    _register_list(account)
    _register_set(account)
    _register_password(account)
    token = noun(ota, "token", say("Tokens of the operator API.", "运维接口令牌。"))
    _register_token(token)
    _register_tokens(token)
    _register_revoke(token)
    _register_audit(ota)


def _register_create(account: typer.Typer) -> None:
    @account.command(
        help=say(
            "Make a sub-account; it needs a token to come in. Example: moduline ota account create mei --role releaser",
            "创建子账号，登录还需令牌。示例：moduline ota account create mei --role releaser",
        )
    )
    def create(
        name: Annotated[str, typer.Argument(metavar="NAME")],
        role: Annotated[str, typer.Option("--role", metavar=_ROLES)] = "operator",
        server: ServerOption = SERVER,
        token: TokenOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        made = OtaClient(server, token).post("/v1/accounts", {"name": name, "role": role})
        print_facts({"id": made["id"], "name": made["name"], "role": made["role"]}, as_json=as_json)


def _register_list(account: typer.Typer) -> None:
    @account.command(
        "list",
        help=say("Every account. Example: moduline ota account list", "列出账号。示例：moduline ota account list"),
    )
    def list_accounts(server: ServerOption = SERVER, token: TokenOption = None, as_json: JsonFlag = False) -> None:
        found = list(OtaClient(server, token).every("/v1/accounts"))
        if as_json:
            print_json({"ok": True, "accounts": found})
            return
        rows = [
            (
                one["id"],
                escape(one["name"]),
                say("main account", "主账号") if one["id"] == one["main_id"] else one["role"],
                say("on", "启用") if one["is_enabled"] else say("off", "停用"),
                shown_time(one["created_at"]),
            )
            for one in found
        ]
        print_table(
            ["ID", say("name", "名称"), say("role", "角色"), say("state", "状态"), say("made", "创建时间")], rows
        )


def _register_set(account: typer.Typer) -> None:
    @account.command(
        help=say(
            "Another role for a sub-account, or off or on; off, its tokens are refused at once. "
            "Example: moduline ota account set mei --off",
            "修改子账号角色，或停用、启用；停用后其令牌立即失效。示例：moduline ota account set mei --off",
        )
    )
    def set(  # noqa: A001  the verb of the command line
        name: AccountArgument,
        role: Annotated[str | None, typer.Option("--role", metavar=_ROLES)] = None,
        enabled: Annotated[bool | None, typer.Option("--on/--off", help=say("may come in", "启用或停用"))] = None,
        server: ServerOption = SERVER,
        token: TokenOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        client = OtaClient(server, token)
        body = {"role": role, "is_enabled": enabled}
        made = client.patch(f"/v1/accounts/{find_account(client, name)['id']}", body)
        facts = {"id": made["id"], "name": made["name"], "role": made["role"], "is_enabled": made["is_enabled"]}
        print_facts(facts, as_json=as_json)


def _register_password(account: typer.Typer) -> None:
    @account.command(
        help=say(
            "A password for coming in by a browser; all sessions of the account end. A terminal asks for it twice, "
            "else the first line of stdin counts. Example: moduline ota account password mei",
            "设置浏览器登录密码，该账号的会话全部结束。在终端中须输入两次，否则读取标准输入首行。"
            "示例：moduline ota account password mei",
        )
    )
    def password(
        name: AccountArgument,
        file: Annotated[
            Path | None,
            typer.Option("--password-file", metavar="FILE", help=say("its first line counts", "取文件首行")),
        ] = None,
        server: ServerOption = SERVER,
        token: TokenOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        client = OtaClient(server, token)
        number = find_account(client, name)["id"]
        client.put(f"/v1/accounts/{number}/password", {"new": _new_password(file)})
        print_facts({"id": number, "has_password": True}, as_json=as_json)


def _new_password(file: Path | None) -> str:
    """The password that somebody wants, from a file, stdin, or typed twice.

    Raises:
        BadOption: the two differ.
        NoSuchFile, StorageFailed: the file cannot be read.
    """
    if file is not None:
        return _first_line(read_file(file))
    if not sys.stdin.isatty():
        return _first_line(sys.stdin.buffer.readline())
    typed = [getpass.getpass(prompt) for prompt in (say("Password: ", "密码："), say("Once more: ", "再次输入："))]
    if typed[0] != typed[1]:
        raise BadOption(name="NAME", reason=Text("the two passwords differ", "两次输入的密码不一致"))
    return typed[0]


def _first_line(raw: bytes) -> str:
    return raw.partition(b"\n")[0].rstrip(b"\r").decode("utf-8", "replace")


def _register_token(token_noun: typer.Typer) -> None:
    @token_noun.command(
        help=say(
            "Make a token; it is shown this once. Example: moduline ota token create ci --role operator --days 90",
            "创建令牌，仅显示这一次。示例：moduline ota token create ci --role operator --days 90",
        )
    )
    def create(
        name: Annotated[str, typer.Argument(metavar="NAME")],
        role: Annotated[str, typer.Option("--role", metavar=_ROLES)] = "operator",
        account: Annotated[str, typer.Option("--account", help=say("whose; none: one's own", "所属账号"))] = "",
        days: Annotated[float, typer.Option("--days", min=0.0, help=say("0: for ever", "有效天数，0 为长期"))] = 0.0,
        server: ServerOption = SERVER,
        token: TokenOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        client = OtaClient(server, token)
        body: dict[str, object] = {"name": name, "role": role}
        if account:
            body["account"] = find_account(client, account)["id"]
        if days:
            body["lifetime_s"] = days * _DAY_S
        made = client.post("/v1/tokens", body)
        facts = {"id": made["id"], "name": name, "role": made["role"], "token": made["token"]}
        print_facts(facts if as_json else {key: escape(str(value)) for key, value in facts.items()}, as_json=as_json)


def _register_tokens(token_noun: typer.Typer) -> None:
    @token_noun.command(
        "list", help=say("Every token. Example: moduline ota token list", "列出令牌。示例：moduline ota token list")
    )
    def list_tokens(server: ServerOption = SERVER, token: TokenOption = None, as_json: JsonFlag = False) -> None:
        found = list(OtaClient(server, token).every("/v1/tokens"))
        if as_json:
            print_json({"ok": True, "tokens": found})
            return
        rows = [
            (one["id"], escape(one["name"]), one["role"], shown_time(one["expires_at"]), shown_time(one["revoked_at"]))
            for one in found
        ]
        columns = ["ID", say("name", "名称"), say("role", "角色"), say("expires", "过期"), say("revoked", "吊销")]
        print_table(columns, rows)


def _register_revoke(token_noun: typer.Typer) -> None:
    @token_noun.command(
        help=say(
            "Accept a token no more. Example: moduline ota token revoke 3",
            "吊销令牌。示例：moduline ota token revoke 3",
        )
    )
    def revoke(
        number: Annotated[int, typer.Argument(metavar="ID")],
        server: ServerOption = SERVER,
        token: TokenOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        made = OtaClient(server, token).delete(f"/v1/tokens/{number}")
        print_facts({"id": made["id"], "revoked": shown_time(made["revoked_at"])}, as_json=as_json)


def _register_audit(ota: typer.Typer) -> None:
    @ota.command(
        help=say(
            "Who changed what and when; nobody can change that. Example: moduline ota audit --kind plan --account mei",
            "审计日志：何人何时做了何种更改，不可篡改。示例：moduline ota audit --kind plan --account mei",
        )
    )
    def audit(
        kind: Annotated[str, typer.Option("--kind", help=say("plan, device ...", "对象类型，如 plan"))] = "",
        account: Annotated[str, typer.Option("--account", help=say("by whom", "操作账号"))] = "",
        number: Annotated[int | None, typer.Option("--object", metavar="ID", help=say("of which", "对象编号"))] = None,
        server: ServerOption = SERVER,
        token: TokenOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        client = OtaClient(server, token)
        found = list(client.every("/v1/audit", kind=kind, account=account, object=number))
        if as_json:
            print_json({"ok": True, "entries": found})
            return
        rows = [
            (shown_time(one["at"]), one["account"], one["verb"], one["name"], _change(one["before"], one["after"]))
            for one in found
        ]
        columns = [say("time", "时间"), say("who", "账号"), say("did", "操作"), say("what", "对象")]
        print_table([*columns, say("change", "更改")], [tuple(escape(cell) for cell in row) for row in rows])


def _change(before: dict[str, object], after: dict[str, object]) -> str:
    """What was and what is, in one line."""
    names = list(dict.fromkeys([*before, *after]))
    said = [f"{name}: {_short(before.get(name))} > {_short(after.get(name))}" for name in names]
    return "; ".join(said)


def _short(value: object) -> str:
    text = "-" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."
