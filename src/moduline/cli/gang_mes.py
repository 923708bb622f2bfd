"""What tells others of records: ``gang label``, ``gang webhook``, ``gang serve``."""

from __future__ import annotations

import os
import secrets
import socket
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from moduline.burn.books import KeptRecord, RecordFilter, open_store
from moduline.cli.disk import read_file
from moduline.cli.language import say
from moduline.cli.output import DryRunFlag, JsonFlag, note, out, print_facts, print_json, print_table
from moduline.errors import BadOption, LabelFailed, NoSuchRecord, PortBusy, StorageFailed, Text, WebhookFailed
from moduline.line.records.labels import LabelTemplate, qr_template, read_template, render
from moduline.line.records.printing import LabelTarget, print_label, read_target
from moduline.port import registry

TOKEN_VARIABLE = "MODULINE_LINE_TOKEN"  # noqa: S105  the name of a variable
RecordsOption = Annotated[
    str,
    typer.Option(
        "--records", metavar="URL", help=say("database: path, postgresql://…", "数据库：路径或 postgresql://…")
    ),
]
LabelOption = Annotated[
    Path | None,
    typer.Option("--label", metavar="FILE", help=say("print this label for each PASS", "每个 PASS 打印此标签模板")),
]
LabelToOption = Annotated[
    str,
    typer.Option(
        "--label-to", metavar="WHERE", help=say("tcp:HOST:9100, folder:PATH, command:…", "标签去向，同 gang label --to")
    ),
]


def label_choice(file: Path | None, to: str) -> tuple[LabelTemplate, LabelTarget] | None:
    """What ``--label`` and ``--label-to`` say.

    Raises:
        BadOption: one without the other, or it cannot be meant.
        NoSuchFile, StorageFailed: the template cannot be read.
    """
    if (file is None) != (not to):
        raise BadOption(
            name="--label", reason=Text("--label and --label-to go together", "--label 与 --label-to 需同时使用")
        )
    return None if file is None else (read_template(read_file(file)), read_target(to))


def register_gang_mes(gang: typer.Typer) -> None:
    """Add the verbs to ``gang``."""
    _register_label(gang)
    webhook = typer.Typer(
        no_args_is_help=True, help=say("Tell an address of every try that ends.", "每次烧录结束后通知指定地址。")
    )
    gang.add_typer(webhook, name="webhook")
    _register_add(webhook)
    _register_list(webhook)
    _register_remove(webhook)
    _register_send(webhook)
    _register_serve(gang)


def _register_label(gang: typer.Typer) -> None:
    @gang.command(
        help=say(
            "Print a unit's label again; RECORD is an IMEI, the unit's number or a record's id. "
            "Example: moduline gang label 861234567890123 --template unit.zpl --to tcp:192.168.1.9:9100",
            "重打标签；RECORD 为 IMEI、序列号或记录 id。"
            "示例：moduline gang label 861234567890123 --template unit.zpl --to tcp:192.168.1.9:9100",
        )
    )
    def label(
        record: Annotated[str, typer.Argument(metavar="RECORD")],
        template: Annotated[
            Path | None, typer.Option("--template", metavar="FILE", help=say("ZPL, SVG or text", "ZPL、SVG 或文本模板"))
        ] = None,
        qr: Annotated[
            str,
            typer.Option(
                "--qr", metavar="TEXT", help=say("a QR code alone, such as '{imei}'", "仅二维码，如 '{imei}'")
            ),
        ] = "",
        png: Annotated[
            bool, typer.Option("--png", help=say("the QR code as PNG, not SVG", "二维码用 PNG 而非 SVG"))
        ] = False,
        to: Annotated[
            str,
            typer.Option(
                "--to",
                metavar="WHERE",
                help=say("tcp:HOST:9100, folder:PATH, command:…", "tcp:主机:9100、folder:目录、command:命令"),
            ),
        ] = "",
        records: RecordsOption = "",
        dry_run: DryRunFlag = False,
        as_json: JsonFlag = False,
    ) -> None:
        if (template is None) == (not qr):
            raise BadOption(name="--template", reason=Text("either --template or --qr", "--template 与 --qr 二选一"))
        made = read_template(read_file(template)) if template is not None else qr_template(qr, "png" if png else "svg")
        store = open_store(records)
        kept = _find(store.select(RecordFilter(imei=record)), store.select(RecordFilter(unit=record)), record, records)
        if dry_run:
            typer.echo(render(made, kept.record, None), nl=False)
            return
        target = read_target(to)
        remark = print_label(kept.record, made, target)
        store.add_remark(kept.record.id, remark)
        if not remark.is_ok:
            raise LabelFailed(target=str(target), reason=remark.detail)
        print_facts({"record": kept.record.id, "imei": kept.record.imei, "to": escape(str(target))}, as_json=as_json)


def _find(by_imei: list[KeptRecord], by_unit: list[KeptRecord], given: str, records: str) -> KeptRecord:
    """The unit's last try that passed; else its last; else the one whose id begins so.

    Raises:
        NoSuchRecord: there is none.
        BadOption: an id that begins so have several.
    """
    found = by_imei or by_unit
    if found:
        return ([one for one in found if one.record.is_pass] or found)[-1]
    by_id = open_store(records).select(RecordFilter(id=given, limit=2)) if given else []
    if len(by_id) > 1:
        reason = Text("several records begin with '{given}'", "有多条记录以“{given}”开头")
        raise BadOption(name="RECORD", reason=reason, given=given)
    if not by_id:
        raise NoSuchRecord(given=given)
    return by_id[0]


def _register_add(webhook: typer.Typer) -> None:
    @webhook.command(
        help=say(
            "Post every try that ends from now on to URL, signed. "
            "Example: moduline gang webhook add https://mes.example/moduline --secret file:mes.key",
            "此后每次烧录结束都带签名 POST 到 URL。"
            "示例：moduline gang webhook add https://mes.example/moduline --secret file:mes.key",
        )
    )
    def add(
        url: Annotated[str, typer.Argument(metavar="URL")],
        secret: Annotated[
            str,
            typer.Option(
                "--secret", metavar="WHERE", help=say("key: file:PATH or env:NAME", "密钥：file:路径 或 env:变量名")
            ),
        ] = "",
        records: RecordsOption = "",
        as_json: JsonFlag = False,
    ) -> None:
        from moduline.burn.books import outbox
        from moduline.line.records.webhook import check_url, read_secret

        check_url(url)
        read_secret(secret)
        if secret.startswith("file:"):
            secret = f"file:{Path(secret.removeprefix('file:')).expanduser().absolute()}"
        outbox.add_hook(open_store(records).database, outbox.Hook(url, secret))
        print_facts({"url": escape(url), "secret": escape(secret)}, as_json=as_json)


def _register_list(webhook: typer.Typer) -> None:
    @webhook.command(
        "list",
        help=say(
            "How far each address has heard. Example: moduline gang webhook list",
            "各地址的发送进度。示例：moduline gang webhook list",
        ),
    )
    def list_hooks(records: RecordsOption = "", as_json: JsonFlag = False) -> None:
        from moduline.burn.books import outbox

        states = outbox.hook_states(open_store(records).database)
        if as_json:
            hooks = [
                {"url": one.hook.url, "secret": one.hook.secret, "waiting": one.waiting, "told": one.told}
                | {"refused": one.refused, "detail": one.detail}
                for one in states
            ]
            print_json({"ok": True, "hooks": hooks})
            return
        print_table(
            [
                "URL",
                say("waiting", "待发"),
                say("told", "已发"),
                say("refused", "被拒"),
                say("last trouble", "最近故障"),
            ],
            [(escape(one.hook.url), one.waiting, one.told, one.refused, escape(one.detail)) for one in states],
        )


def _register_remove(webhook: typer.Typer) -> None:
    @webhook.command(
        help=say(
            "Post nothing more to URL. Example: moduline gang webhook remove https://mes.example/moduline",
            "停止向 URL 发送。示例：moduline gang webhook remove https://mes.example/moduline",
        )
    )
    def remove(
        url: Annotated[str, typer.Argument(metavar="URL")], records: RecordsOption = "", as_json: JsonFlag = False
    ) -> None:
        from moduline.burn.books import outbox

        if not outbox.remove_hook(open_store(records).database, url):
            raise BadOption(name="URL", reason=Text("'{given}' is not on the list", "列表中没有“{given}”"), given=url)
        print_facts({"url": escape(url)}, as_json=as_json)


def _register_send(webhook: typer.Typer) -> None:
    @webhook.command(
        help=say(
            "Post what is due now and say what still waits. Example: moduline gang webhook send",
            "立即发送到期的通知。示例：moduline gang webhook send",
        )
    )
    def send(records: RecordsOption = "", as_json: JsonFlag = False) -> None:
        from moduline.burn.books import outbox
        from moduline.line.records.webhook import send_due

        store = open_store(records)
        store.settle_interrupted()
        taken, _ = send_due(store)
        states = outbox.hook_states(store.database)
        for one in states:
            if one.waiting:
                raise WebhookFailed(url=one.hook.url, reason=one.detail or "-", waiting=one.waiting)
        print_facts({say("told", "已发") if not as_json else "told": taken}, as_json=as_json)


def _register_serve(gang: typer.Typer) -> None:
    @gang.command(
        help=say(
            "Serve the records over HTTP to an MES: /docs describes it. "
            "Example: moduline gang serve --port 8320 --token-file line.token",
            "通过 HTTP 向 MES 提供记录，接口说明见 /docs。"
            "示例：moduline gang serve --port 8320 --token-file line.token",
        )
    )
    def serve(
        port: Annotated[
            int, typer.Option("--port", metavar="N", min=0, max=65535, help=say("0: any", "0 为任意"))
        ] = 8320,
        host: Annotated[
            str, typer.Option("--host", metavar="ADDRESS", help=say("0.0.0.0: for others, too", "0.0.0.0 对外开放"))
        ] = "127.0.0.1",
        token_file: Annotated[
            Path | None, typer.Option("--token-file", metavar="FILE", help=say("holds the token", "令牌文件"))
        ] = None,
        records: RecordsOption = "",
    ) -> None:
        import uvicorn

        from moduline.line.records.server import make_app
        from moduline.line.records.webhook import WebhookSender

        store = open_store(records)
        store.settle_interrupted()
        server = uvicorn.Server(uvicorn.Config(make_app(store, _token(token_file)), host, port, log_level="warning"))
        opened = _listen(host, port)
        out().print(f"http://{host}:{opened.getsockname()[1]}/docs", markup=False)
        with opened, WebhookSender(store):
            server.run([opened])


def _listen(host: str, port: int) -> socket.socket:
    """A socket that takes calls.

    Raises:
        PortBusy: the address is taken, or not this computer's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as cause:
        raise PortBusy(port=f"{host}:{port}", reason=cause.strerror or str(cause)) from cause


def _token(path: Path | None) -> str:
    """What callers must show: of the file, of the variable, or one that is made once and kept in the home folder.

    Raises:
        BadOption: the file is empty.
        StorageFailed: the new one cannot be kept.
    """
    if path is None and os.environ.get(TOKEN_VARIABLE):
        return os.environ[TOKEN_VARIABLE]
    own = registry.home() / "records" / "token"
    if path is None and not own.exists():
        try:
            own.parent.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(own, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(secrets.token_urlsafe(32).encode() + b"\n")
        except OSError as cause:
            raise StorageFailed(path=str(own), reason=cause.strerror or str(cause)) from cause
    found = read_file(path or own).decode("utf-8", "replace").strip()
    if not found:
        raise BadOption(name="--token-file", reason=Text("the file is empty", "文件为空"))
    note("token: {path}", "令牌：{path}", path=path or own)
    return found
