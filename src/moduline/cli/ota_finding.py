"""What the words of a command mean on the platform: names, keys or numbers of its objects; and how all nouns remove."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer

from moduline.cli.language import say
from moduline.cli.ota_client import OtaClient, ask_first
from moduline.cli.output import print_facts
from moduline.errors import BadOption, NoSuchObject, Text

PRODUCT: Final = Text("product", "产品")
DEVICE: Final = Text("device", "设备")
PACKAGE: Final = Text("package", "版本包")
PLAN: Final = Text("plan", "升级计划")
ACCOUNT: Final = Text("account", "账号")
WEBHOOK: Final = Text("webhook", "Webhook")
UPGRADE: Final = Text("device in this plan", "计划中的设备")
ProductOption = Annotated[
    str, typer.Option("--product", metavar="NAME", help=say("name, key or number", "产品名称、密钥或编号"))
]
FilterOption = Annotated[str, typer.Option("--filter", help=say("such as tag==pilot;version<1.10", "如 tag==pilot"))]
PlanArgument = Annotated[str, typer.Argument(metavar="PLAN", help=say("name or number", "名称或编号"))]
PackageArgument = Annotated[str, typer.Argument(metavar="PACKAGE", help=say("name or number", "名称或编号"))]


def find_product(client: OtaClient, name: str) -> dict[str, Any]:
    """The product of a name, a key or a number."""
    return client.find(PRODUCT, "/v1/products", name, "name", "pk")


def find_package(client: OtaClient, name: str) -> dict[str, Any]:
    """The package of a name or a number."""
    return client.find(PACKAGE, "/v1/artifacts", name, "name")


def find_plan(client: OtaClient, name: str) -> dict[str, Any]:
    """The plan of a name or a number."""
    return client.find(PLAN, "/v1/plans", name, "name")


def find_account(client: OtaClient, name: str) -> dict[str, Any]:
    """The account of a name or a number."""
    return client.find(ACCOUNT, "/v1/accounts", name, "name")


def find_webhook(client: OtaClient, name: str) -> dict[str, Any]:
    """The webhook of a name or a number."""
    return client.find(WEBHOOK, "/v1/webhooks", name, "name")


def find_device(client: OtaClient, name: str, product: str = "") -> dict[str, Any]:
    """The device of a key.

    Raises:
        NoSuchObject: there is none.
        BadOption: devices of several products have it.
    """
    of = find_product(client, product)["id"] if product else None
    found = [one for one in client.every("/v1/devices", dk=name, product=of) if one["dk"] == name]
    if not found:
        raise NoSuchObject(kind=DEVICE, name=name)
    if len(found) > 1:
        raise BadOption(
            name="--product", reason=Text("devices of several products have this key", "多个产品下存在该设备")
        )
    return found[0]


def find_upgrade(client: OtaClient, plan: str, dk: str) -> dict[str, Any]:
    """A device's upgrade in a plan.

    Raises:
        NoSuchObject: the device is not in it.
    """
    number = find_plan(client, plan)["id"]
    for one in client.every(f"/v1/plans/{number}/upgrades", dk=dk):
        return one
    raise NoSuchObject(kind=UPGRADE, name=dk)


def noun(ota: typer.Typer, name: str, text: str) -> typer.Typer:
    """A noun of ``ota``, to be filled with verbs."""
    made = typer.Typer(no_args_is_help=True, help=text)
    ota.add_typer(made, name=name)
    return made


def shown_time(at: float | None) -> str:
    """UTC seconds for people."""
    return "-" if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def remove(
    client: OtaClient, path: str, question: str, facts: dict[str, Any], *, yes: bool, dry_run: bool, as_json: bool
) -> None:
    """Show what goes, ask, and have it removed.

    Raises:
        UserSaidNo: the answer is no, or there is nobody to ask.
    """
    if not dry_run:
        ask_first(question, yes=yes)
        client.delete(path)
    print_facts(facts | {"is_removed": not dry_run}, as_json=as_json)
