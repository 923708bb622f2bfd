"""``ota product``, ``ota device``, ``ota package``, ``ota verify``, ``ota token``."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.markup import escape

from moduline.cli.language import current, say
from moduline.cli.ota_client import SERVER, OtaClient, ServerOption, TokenOption
from moduline.cli.output import DryRunFlag, JsonFlag, note, print_facts, print_json, print_table
from moduline.errors import BadOption, NoSuchObject, Text

PRODUCT: Final = Text("product", "产品")
DEVICE: Final = Text("device", "设备")
PACKAGE: Final = Text("package", "版本包")
_KINDS: Final = {"module": 0, "mcu": 1}
ProductOption = Annotated[
    str, typer.Option("--product", metavar="NAME", help=say("name, key or number", "产品名称、密钥或编号"))
]


def register_things(ota: typer.Typer) -> None:
    """Add the nouns."""
    product = _noun(ota, "product", say("What devices are of, with its key and secret.", "产品及其密钥。"))
    _register_product(product)
    device = _noun(ota, "device", say("Modules known to the platform.", "平台上的设备。"))
    _register_device(device)
    _register_set(device)
    package = _noun(ota, "package", say("Version packages.", "版本包。"))
    _register_package(package)
    _register_verify(ota)
    token = _noun(ota, "token", say("Tokens of the operator API.", "运维接口令牌。"))
    _register_token(token)


def find_product(client: OtaClient, name: str) -> dict[str, Any]:
    """The product of a name, a key or a number."""
    return client.find(PRODUCT, "/v1/products", name, "name", "pk")


def find_package(client: OtaClient, name: str) -> dict[str, Any]:
    """The package of a name or a number."""
    return client.find(PACKAGE, "/v1/artifacts", name, "name")


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


def shown_time(at: float | None) -> str:
    """UTC seconds for people."""
    return "-" if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _noun(ota: typer.Typer, name: str, text: str) -> typer.Typer:
    made = typer.Typer(no_args_is_help=True, help=text)
    ota.add_typer(made, name=name)
    return made


def _register_product(product: typer.Typer) -> None:
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


def _register_device(device: typer.Typer) -> None:
    @device.command(
        "list",
        help=say(
            "Devices, their versions, and who is online. Example: moduline ota device list --product meter --online",
            "列出设备、版本与在线状态。示例：moduline ota device list --product meter --online",
        ),
    )
    def list_devices(
        product: ProductOption = "",
        online: Annotated[bool, typer.Option("--online", help=say("only those that are connected", "仅在线"))] = False,
        tag: Annotated[str, typer.Option("--tag", help=say("only those with it", "仅带该标签"))] = "",
        server: ServerOption = SERVER,
        token: TokenOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        client = OtaClient(server, token)
        of = find_product(client, product)["id"] if product else None
        found = list(client.every("/v1/devices", product=of, is_online=True if online else None, tag=tag))
        if as_json:
            print_json({"ok": True, "devices": found})
            return
        rows = [
            (
                one["id"],
                one["dk"],
                say("online", "在线") if one["is_online"] else say("offline", "离线"),
                ", ".join(f"{part['component'] or 'module'} {part['version']}" for part in one["versions"]),
                shown_time(one["last_seen"]),
            )
            for one in found
        ]
        columns = ["ID", "DK", say("state", "状态"), say("versions", "版本"), say("last seen", "最近在线")]
        print_table(columns, [tuple(escape(str(cell)) for cell in row) for row in rows])


def _register_set(device: typer.Typer) -> None:
    @device.command(
        help=say(
            "Switch a device off or on, or give it tags. Example: moduline ota device set 861234567890123 --tag pilot",
            "停用、启用设备或设置标签。示例：moduline ota device set 861234567890123 --tag pilot",
        )
    )
    def set(  # noqa: A001  the verb of the command line
        dk: Annotated[str, typer.Argument(metavar="DK")],
        product: ProductOption = "",
        tag: Annotated[
            list[str] | None, typer.Option("--tag", metavar="NAME[=VALUE]", help=say("give it", "添加标签"))
        ] = None,
        untag: Annotated[
            list[str] | None, typer.Option("--untag", metavar="NAME", help=say("take it away", "移除标签"))
        ] = None,
        enabled: Annotated[bool | None, typer.Option("--on/--off", help=say("may come in", "启用或停用"))] = None,
        dry_run: DryRunFlag = False,
        server: ServerOption = SERVER,
        token: TokenOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        client = OtaClient(server, token)
        found = find_device(client, dk, product)
        tags: dict[str, str | None] = {one.partition("=")[0]: one.partition("=")[2] for one in tag or ()}
        tags |= dict.fromkeys(untag or ())
        if not dry_run:
            if tags:
                client.post("/v1/devices/tags", {"devices": [found["id"]], "tags": tags})
            if enabled is not None:
                client.patch(f"/v1/devices/{found['id']}", {"is_enabled": enabled})
        print_facts({"id": found["id"], "dk": dk, "tags": tags, "is_enabled": enabled}, as_json=as_json)


def _register_package(package: typer.Typer) -> None:
    @package.command(
        help=say(
            "Send 1 to 5 files and make a version package of them; with --source it is a delta package. "
            "Example: moduline ota package add fw-v2 v2.bin --target V2",
            "上传 1–5 个文件并创建版本包；给出 --source 即为差分包。"
            "示例：moduline ota package add fw-v2 v2.bin --target V2",
        )
    )
    def add(
        name: Annotated[str, typer.Argument(metavar="NAME")],
        files: Annotated[list[Path], typer.Argument(metavar="FILE...")],
        target: Annotated[str, typer.Option("--target", help=say("version afterwards", "目标版本"))],
        source: Annotated[str, typer.Option("--source", help=say("version it starts from", "源版本"))] = "",
        kind: Annotated[str, typer.Option("--type", metavar="module|mcu")] = "module",
        component: Annotated[str, typer.Option("--component", help=say("identifier; none: any", "组件标识"))] = "",
        remark: Annotated[str, typer.Option("--remark", help=say("for people", "备注"))] = "",
        server: ServerOption = SERVER,
        token: TokenOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        if kind not in _KINDS:
            raise BadOption(name="--type", reason=Text("module or mcu", "须为 module 或 mcu"))
        client = OtaClient(server, token)
        sent = [client.send_file(path) for path in files]
        named = [{"name": one["name"], "sha256": one["sha256"]} for one in sent]
        body = {"name": name, "type": _KINDS[kind], "component": component, "source": source, "target": target}
        made = client.post("/v1/artifacts", body | {"remark": remark, "files": named})
        for warning in made["warnings"]:
            note("{warning}", "{warning}", warning=warning)
        if as_json:
            print_json({"ok": True, **made})
            return
        print_facts({"id": made["id"], "name": escape(name), "target": target, "files": len(sent)}, as_json=False)

    @package.command(
        "list",
        help=say(
            "Every version package and what its verification said. Example: moduline ota package list",
            "列出版本包及验证状态。示例：moduline ota package list",
        ),
    )
    def list_packages(server: ServerOption = SERVER, token: TokenOption = None, as_json: JsonFlag = False) -> None:
        found = list(OtaClient(server, token).every("/v1/artifacts"))
        if as_json:
            print_json({"ok": True, "packages": found})
            return
        rows = [
            (one["id"], escape(one["name"]), one["source"] or "-", one["target"], one["state"], len(one["files"]))
            for one in found
        ]
        columns = [say("name", "名称"), say("source", "源版本"), say("target", "目标版本"), say("state", "状态")]
        print_table(["ID", *columns, say("files", "文件数")], rows)


def _register_verify(ota: typer.Typer) -> None:
    @ota.command(
        help=say(
            "Let one online device try a package before a plan does; without --device: what became of it. "
            "Example: moduline ota verify fw-v2 --device 861234567890123 --component mod",
            "在单台在线设备上验证版本包；不带 --device 时显示结果。"
            "示例：moduline ota verify fw-v2 --device 861234567890123 --component mod",
        )
    )
    def verify(
        package: Annotated[str, typer.Argument(metavar="PACKAGE")],
        device: Annotated[str, typer.Option("--device", metavar="DK")] = "",
        component: Annotated[str, typer.Option("--component", help=say("identifier", "组件标识"))] = "",
        product: ProductOption = "",
        server: ServerOption = SERVER,
        token: TokenOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        client = OtaClient(server, token)
        place = f"/v1/artifacts/{find_package(client, package)['id']}/verifications"
        if device:
            body = {"device": find_device(client, device, product)["id"], "component": component}
            run = client.post(place, body)
        else:
            runs = list(client.every(place))
            if not runs:
                raise NoSuchObject(kind=Text("verification", "固件验证记录"), name=package)
            run = runs[-1]
        if as_json:
            print_json({"ok": True, **run})
            return
        reason = run["reason"]
        facts = {"state": run["state"], "started": shown_time(run["started_at"]), "ended": shown_time(run["ended_at"])}
        print_facts(facts | ({"reason": reason[current()]} if reason else {}), as_json=False)


def _register_token(token_noun: typer.Typer) -> None:
    @token_noun.command(
        help=say(
            "Make a token; it is shown this once. Example: moduline ota token create ci --role operator",
            "创建令牌，仅显示这一次。示例：moduline ota token create ci --role operator",
        )
    )
    def create(
        name: Annotated[str, typer.Argument(metavar="NAME")],
        role: Annotated[str, typer.Option("--role", metavar="viewer|operator|releaser|admin")] = "operator",
        server: ServerOption = SERVER,
        token: TokenOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        made = OtaClient(server, token).post("/v1/tokens", {"name": name, "role": role})
        facts = {"id": made["id"], "name": name, "role": made["role"], "token": made["token"]}
        print_facts(facts if as_json else {key: escape(str(value)) for key, value in facts.items()}, as_json=as_json)

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
