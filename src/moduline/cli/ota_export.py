"""``ota export``: whole lists as CSV or JSON Lines; and ``ota migrate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from moduline.cli.language import say
from moduline.cli.ota_client import SERVER, OtaClient, ServerOption, TokenOption
from moduline.cli.ota_finding import FilterOption, PlanArgument, ProductOption, find_plan, find_product, noun
from moduline.cli.output import DryRunFlag, JsonFlag, print_facts
from moduline.errors import BadOption, Text

FormOption = Annotated[
    str, typer.Option("--format", metavar="csv|jsonl", help=say("none: by the file's ending", "默认按扩展名"))
]
FileOption = Annotated[
    Path | None, typer.Option("-o", "--output", metavar="FILE", help=say("none: stdout", "默认标准输出"))
]


def register_export(ota: typer.Typer) -> None:
    """Add the noun and the verb."""
    export = noun(ota, "export", say("Whole lists as CSV or JSON Lines.", "导出 CSV 或 JSON Lines。"))
    _register_devices(export)
    _register_plan(
        export, "upgrades", "upgrades", "Devices of a plan with status and reason.", "计划中各设备的状态与原因。"
    )
    _register_plan(export, "log", "log", "All that happened to the devices of a plan.", "计划的全部升级日志。")
    _register_audit(export)
    _register_migrate(ota)


def _register_devices(export: typer.Typer) -> None:
    @export.command(
        help=say(
            "Devices with versions and tags; --secrets gives what another platform needs. "
            "Example: moduline ota export devices --product meter --filter tag==pilot -o meters.csv",
            "导出设备、版本与标签；--secrets 导出迁往其他平台所需的数据。"
            "示例：moduline ota export devices --product meter --filter tag==pilot -o meters.csv",
        )
    )
    def devices(
        product: ProductOption = "",
        filter_: FilterOption = "",
        secrets: Annotated[
            bool,
            typer.Option("--secrets", help=say("with device secrets; admins, into a file", "含设备密钥，仅限管理员")),
        ] = False,
        form: FormOption = "",
        file: FileOption = None,
        server: ServerOption = SERVER,
        token: TokenOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        client = OtaClient(server, token)
        of = find_product(client, product)["id"] if product else None
        chosen = _form(form, file)
        if secrets and file is None:
            raise BadOption(name="--secrets", reason=Text("only into a file: -o FILE", "须用 -o 指定输出文件"))
        place = "/v1/devices/export/secrets" if secrets else "/v1/devices/export"
        count = client.fetch(place, file, is_private=secrets, product=of, filter=filter_, form=chosen)
        _tell(file, chosen, count, as_json=as_json)


def _register_plan(export: typer.Typer, verb: str, path: str, en: str, zh: str) -> None:
    @export.command(
        verb,
        help=say(
            f"{en} Example: moduline ota export {verb} march -o march.csv",
            f"{zh}示例：moduline ota export {verb} march -o march.csv",
        ),
    )
    def of_plan(
        name: PlanArgument,
        form: FormOption = "",
        file: FileOption = None,
        server: ServerOption = SERVER,
        token: TokenOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        client = OtaClient(server, token)
        chosen = _form(form, file)
        count = client.fetch(f"/v1/plans/{find_plan(client, name)['id']}/{path}/export", file, form=chosen)
        _tell(file, chosen, count, as_json=as_json)


def _register_audit(export: typer.Typer) -> None:
    @export.command(
        help=say(
            "Every change that people made. Example: moduline ota export audit -o audit.csv",
            "导出审计日志。示例：moduline ota export audit -o audit.csv",
        )
    )
    def audit(
        form: FormOption = "",
        file: FileOption = None,
        server: ServerOption = SERVER,
        token: TokenOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        chosen = _form(form, file)
        _tell(file, chosen, OtaClient(server, token).fetch("/v1/audit/export", file, form=chosen), as_json=as_json)


def _register_migrate(ota: typer.Typer) -> None:
    @ota.command(
        help=say(
            "Bring a database to the tables of this version by hand; ota serve does it at every start. "
            "Example: moduline ota migrate --db postgresql://ota@db.example.com/ota --dry-run",
            "手动升级数据库表结构；ota serve 每次启动会自动执行。"
            "示例：moduline ota migrate --db postgresql://ota@db.example.com/ota --dry-run",
        )
    )
    def migrate(
        db: Annotated[
            str, typer.Option("--db", metavar="URL|FILE", help=say("postgresql://… or a file", "数据库地址或文件"))
        ],
        dry_run: DryRunFlag = False,
        as_json: JsonFlag = False,
    ) -> None:
        from moduline.cloud.db import Database

        database = Database(db)
        before, missing = database.missing_changes()
        if missing and not dry_run:
            database.open()
            database.close()
        facts = {"db": database.name, "before": before or "-", "changes": list(missing), "is_done": not dry_run}
        print_facts(facts if as_json else facts | {"changes": ", ".join(missing) or "-"}, as_json=as_json)


def _form(form: str, file: Path | None) -> str:
    """What is written.

    Raises:
        BadOption: nothing that is known.
    """
    chosen = form or (file.suffix.lstrip(".").lower() if file is not None else "csv")
    if chosen not in {"csv", "jsonl"}:
        raise BadOption(name="--format", reason=Text("csv or jsonl", "须为 csv 或 jsonl"))
    return chosen


def _tell(file: Path | None, form: str, count: int, *, as_json: bool) -> None:
    if file is not None:
        print_facts({"file": str(file), "format": form, "bytes": count}, as_json=as_json)
