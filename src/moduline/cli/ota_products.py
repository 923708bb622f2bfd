"""``ota product``."""

from __future__ import annotations

import json
from typing import Annotated, Any, Final

import typer
from rich.markup import escape

from moduline.cli.language import say
from moduline.cli.ota_client import SERVER, OtaClient, ServerOption, TokenOption
from moduline.cli.ota_finding import find_product, noun, remove, shown_time
from moduline.cli.output import DryRunFlag, JsonFlag, YesFlag, print_facts, print_json, print_table
from moduline.errors import BadOption, Text

ProductArgument = Annotated[str, typer.Argument(metavar="PRODUCT", help=say("name, key or number", "名称、密钥或编号"))]
_SETTING: Final = Text("NAME=VALUE such as grid_s=300 or needs_verification=true", "形如 grid_s=300 的 名称=值")


def register_products(ota: typer.Typer) -> None:
    """Add the noun."""
    product = noun(ota, "product", say("What devices are of, with its key and secret.", "产品及其密钥。"))
    _register_create(product)
    _register_list(product)
    _register_set(product)
    _register_secret(product)
    _register_polling(product)
    _register_delete(product)


def _register_create(product: typer.Typer) -> None:
    @product.command(
        help=say(
            "Make a product; its keys are drawn by lot. Example: moduline ota product create meter",
            "创建产品，密钥自动生成。示例：moduline ota product create meter",
        )
    )
    def create(
        name: Annotated[str, typer.Argument(metavar="NAME")],
        pk: Annotated[str, typer.Option("--pk", help=say("key of a fleet that exists", "已有设备的产品密钥"))] = "",
        ps: Annotated[str, typer.Option("--ps", help=say("its secret", "对应的产品密码"))] = "",
        server: ServerOption = SERVER,
        token: TokenOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        client = OtaClient(server, token)
        made = client.post("/v1/products", {"name": name, "pk": pk, "ps": ps})
        secret = client.post(f"/v1/products/{made['id']}/secret")["ps"]
        facts = {"id": made["id"], "name": made["name"], "pk": made["pk"], "ps": secret}
        print_facts(facts if as_json else {key: escape(str(value)) for key, value in facts.items()}, as_json=as_json)


def _register_list(product: typer.Typer) -> None:
    @product.command(
        "list",
        help=say(
            "Every product. Example: moduline ota product list --json",
            "列出产品。示例：moduline ota product list --json",
        ),
    )
    def list_products(server: ServerOption = SERVER, token: TokenOption = None, as_json: JsonFlag = False) -> None:
        found = list(OtaClient(server, token).every("/v1/products"))
        if as_json:
            print_json({"ok": True, "products": found})
            return
        rows = [(one["id"], escape(one["name"]), one["pk"], shown_time(one["created_at"])) for one in found]
        print_table(["ID", say("name", "名称"), "PK", say("made", "创建时间")], rows)


def _register_set(product: typer.Typer) -> None:
    @product.command(
        help=say(
            "Other settings of a product (grid_s, needs_verification, is_first_only, is_windows_strict, scheme ...), "
            "or another name. Example: moduline ota product set meter --set grid_s=300",
            "修改产品设置（grid_s、needs_verification、is_first_only、is_windows_strict、scheme 等）或名称。"
            "示例：moduline ota product set meter --set grid_s=300",
        )
    )
    def set(  # noqa: A001  the verb of the command line
        name: ProductArgument,
        setting: Annotated[
            list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help=say("may repeat", "可重复"))
        ] = None,
        rename: Annotated[str, typer.Option("--name", help=say("another name", "新名称"))] = "",
        dry_run: DryRunFlag = False,
        server: ServerOption = SERVER,
        token: TokenOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        client = OtaClient(server, token)
        found = find_product(client, name)
        wanted = _settings(setting or [])
        if dry_run:
            print_json({"ok": True, "id": found["id"], "before": found["settings"], "settings": wanted})
            return
        body: dict[str, Any] = {"settings": wanted} | ({"name": rename} if rename else {})
        made = client.patch(f"/v1/products/{found['id']}", body)
        print_facts({"id": made["id"], "name": made["name"], **made["settings"]}, as_json=as_json)


def _register_secret(product: typer.Typer) -> None:
    @product.command(
        help=say(
            "The product secret, to be burnt into devices; that it was looked at is noted. "
            "Example: moduline ota product secret meter",
            "显示产品密码（用于烧录到设备），查看会记入审计。示例：moduline ota product secret meter",
        )
    )
    def secret(
        name: ProductArgument, server: ServerOption = SERVER, token: TokenOption = None, as_json: JsonFlag = False
    ) -> None:
        client = OtaClient(server, token)
        found = find_product(client, name)
        made = client.post(f"/v1/products/{found['id']}/secret")
        print_facts({"id": found["id"], "pk": found["pk"], "ps": made["ps"]}, as_json=as_json)


def _register_polling(product: typer.Typer) -> None:
    @product.command(
        help=say(
            "How polling clients (SWUpdate, RAUC) of a product are treated: poll_s, busy_poll_s, version_attribute, "
            "trust. Example: moduline ota product polling gates --set poll_s=60",
            "轮询设备（SWUpdate、RAUC）的约定：poll_s、busy_poll_s、version_attribute、trust。"
            "示例：moduline ota product polling gates --set poll_s=60",
        )
    )
    def polling(
        name: ProductArgument,
        setting: Annotated[
            list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help=say("may repeat", "可重复"))
        ] = None,
        server: ServerOption = SERVER,
        token: TokenOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        client = OtaClient(server, token)
        place = f"/v1/products/{find_product(client, name)['id']}/ddi"
        made = client.patch(place, _settings(setting)) if setting else client.get(place)
        print_facts(made, as_json=as_json)


def _register_delete(product: typer.Typer) -> None:
    @product.command(
        help=say(
            "Remove a product that has neither devices nor plans. Example: moduline ota product delete meter",
            "删除没有设备和计划的产品。示例：moduline ota product delete meter",
        )
    )
    def delete(
        name: ProductArgument,
        yes: YesFlag = False,
        dry_run: DryRunFlag = False,
        server: ServerOption = SERVER,
        token: TokenOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        client = OtaClient(server, token)
        found = find_product(client, name)
        question = say("remove the product '{name}'?", "删除产品“{name}”？", name=found["name"])
        facts = {"id": found["id"], "name": found["name"]}
        place = f"/v1/products/{found['id']}"
        remove(client, place, question, facts, yes=yes, dry_run=dry_run, as_json=as_json)


def _settings(given: list[str]) -> dict[str, Any]:
    """Settings by name; numbers and truth as JSON writes them, all else is text.

    Raises:
        BadOption: one has no value.
    """
    made: dict[str, Any] = {}
    for one in given:
        name, separator, value = one.partition("=")
        if not (name and separator and value):
            raise BadOption(name="--set", reason=_SETTING)
        try:
            made[name] = json.loads(value)
        except ValueError:
            made[name] = value
    return made
