"""``ota package`` and ``ota verify``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.markup import escape

from moduline.cli.language import current, say
from moduline.cli.ota_client import SERVER, OtaClient, ServerOption, TokenOption
from moduline.cli.ota_finding import (
    PackageArgument,
    ProductOption,
    find_device,
    find_package,
    noun,
    remove,
    shown_time,
)
from moduline.cli.ota_jobs import WaitOption, finish
from moduline.cli.output import DryRunFlag, JsonFlag, YesFlag, note, print_facts, print_json, print_table
from moduline.errors import BadOption, NoSuchObject, Text

_KINDS: Final = {"module": 0, "mcu": 1}


def register_packages(ota: typer.Typer) -> None:
    """Add the noun and the verb."""
    package = noun(ota, "package", say("Version packages.", "版本包。"))
    _register_add(package)
    _register_list(package)
    _register_show(package)
    _register_get(package)
    _register_patch(package)
    _register_set(package)
    _register_delete(package)
    _register_verify(ota)


def _register_add(package: typer.Typer) -> None:
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


def _register_list(package: typer.Typer) -> None:
    @package.command(
        "list",
        help=say(
            "Every version package, what its verification said, and whether it was rehearsed. "
            "Example: moduline ota package list",
            "列出版本包、验证状态与演练状态。示例：moduline ota package list",
        ),
    )
    def list_packages(server: ServerOption = SERVER, token: TokenOption = None, as_json: JsonFlag = False) -> None:
        found = list(OtaClient(server, token).every("/v1/artifacts"))
        if as_json:
            print_json({"ok": True, "packages": found})
            return
        rows = [
            (
                one["id"],
                escape(one["name"]),
                one["source"] or "-",
                one["target"],
                one["state"],
                say("yes", "是") if one["is_rehearsed"] else "-",
                len(one["files"]),
            )
            for one in found
        ]
        columns = [say("name", "名称"), say("source", "源版本"), say("target", "目标版本"), say("state", "状态")]
        print_table(["ID", *columns, say("rehearsed", "已演练"), say("files", "文件数")], rows)


def _register_show(package: typer.Typer) -> None:
    @package.command(
        help=say(
            "All that is known of a package, with the digests of its files. Example: moduline ota package show fw-v2",
            "显示版本包详情与文件摘要。示例：moduline ota package show fw-v2",
        )
    )
    def show(
        name: PackageArgument, server: ServerOption = SERVER, token: TokenOption = None, as_json: JsonFlag = False
    ) -> None:
        found = find_package(OtaClient(server, token), name)
        if as_json:
            print_json({"ok": True, **found})
            return
        known = {key: found[key] for key in ("id", "name", "source", "target", "component", "state", "remark")}
        print_facts({key: escape(str(value)) for key, value in known.items()}, as_json=False)
        rows = [(escape(one["name"]), one["bytes"], one["md5"], one["sha256"]) for one in found["files"]]
        print_table([say("file", "文件"), say("bytes", "字节"), "MD5", "SHA-256"], rows)


def _register_get(package: typer.Typer) -> None:
    @package.command(
        help=say(
            "Fetch the files of a package, such as a patch that the platform made. "
            "Example: moduline ota package get fw-v2 -o folder",
            "下载版本包文件，例如平台生成的差分包。示例：moduline ota package get fw-v2 -o folder",
        )
    )
    def get(
        name: PackageArgument,
        folder: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help=say("folder", "目录"))] = Path(),
        server: ServerOption = SERVER,
        token: TokenOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        client = OtaClient(server, token)
        found = find_package(client, name)
        written = []
        for at, one in enumerate(found["files"]):
            file = folder / Path(one["name"]).name  # a name that somebody typed: never a path
            client.fetch(f"/v1/artifacts/{found['id']}/files/{at}", file)
            written.append(str(file))
        print_facts({"id": found["id"], "files": written if as_json else ", ".join(written)}, as_json=as_json)


def _register_patch(package: typer.Typer) -> None:
    @package.command(
        help=say(
            "Have the platform make a patch from one whole package to another: diff, full or mini. "
            "Example: moduline ota package patch fw-v1 fw-v2 --kind diff --wait",
            "由平台生成两个整包之间的差分包（diff、full 或 mini）。"
            "示例：moduline ota package patch fw-v1 fw-v2 --kind diff --wait",
        )
    )
    def patch(
        old: Annotated[str, typer.Argument(metavar="OLD", help=say("what runs now", "当前版本包"))],
        new: Annotated[str, typer.Argument(metavar="NEW", help=say("what shall run", "目标版本包"))],
        kind: Annotated[str, typer.Option("--kind", metavar="diff|full|mini")] = "diff",
        place: Annotated[
            str, typer.Option("--place", metavar="fp|fs|any", help=say("where the module keeps it", "差分包存放位置"))
        ] = "fp",
        name: Annotated[str, typer.Option("--name", help=say("of the package to be", "新版本包名称"))] = "",
        wait: WaitOption = False,
        server: ServerOption = SERVER,
        token: TokenOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        client = OtaClient(server, token)
        body = {"old": find_package(client, old)["id"], "new": find_package(client, new)["id"], "kind": kind}
        body |= {"place": "" if place == "any" else place, "name": name}
        finish(client, client.post("/v1/artifacts/patches", body), wait=wait, as_json=as_json)


def _register_set(package: typer.Typer) -> None:
    @package.command(
        help=say(
            "Another remark; nothing else of a package ever changes. "
            "Example: moduline ota package set fw-v2 --remark 'for the north'",
            "修改备注；版本包的其他内容不可更改。示例：moduline ota package set fw-v2 --remark 北方",
        )
    )
    def set(  # noqa: A001  the verb of the command line
        name: PackageArgument,
        remark: Annotated[str, typer.Option("--remark", help=say("for people", "备注"))],
        server: ServerOption = SERVER,
        token: TokenOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        client = OtaClient(server, token)
        made = client.patch(f"/v1/artifacts/{find_package(client, name)['id']}", {"remark": remark})
        print_facts({"id": made["id"], "name": made["name"], "remark": made["remark"]}, as_json=as_json)


def _register_delete(package: typer.Typer) -> None:
    @package.command(
        help=say(
            "Remove a package that no plan uses. Example: moduline ota package delete fw-v2",
            "删除未被计划使用的版本包。示例：moduline ota package delete fw-v2",
        )
    )
    def delete(
        name: PackageArgument,
        yes: YesFlag = False,
        dry_run: DryRunFlag = False,
        server: ServerOption = SERVER,
        token: TokenOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        client = OtaClient(server, token)
        found = find_package(client, name)
        question = say("remove the package '{name}'?", "删除版本包“{name}”？", name=found["name"])
        facts = {"id": found["id"], "name": found["name"]}
        remove(client, f"/v1/artifacts/{found['id']}", question, facts, yes=yes, dry_run=dry_run, as_json=as_json)


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
        package: PackageArgument,
        device: Annotated[str, typer.Option("--device", metavar="DK")] = "",
        component: Annotated[str, typer.Option("--component", help=say("identifier", "组件标识"))] = "",
        product: ProductOption = "",
        server: ServerOption = SERVER,
        token: TokenOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        client = OtaClient(server, token)
        place = f"/v1/artifacts/{find_package(client, package)['id']}/verifications"
        runs: list[dict[str, Any]] = []
        if device:
            body = {"device": find_device(client, device, product)["id"], "component": component}
            run = client.post(place, body)
        else:
            runs = list(client.every(place))
            if not runs:
                raise NoSuchObject(kind=Text("verification", "固件验证记录"), name=package)
            run = runs[-1]
        if as_json:
            print_json({"ok": True, **run, **({"history": runs} if runs else {})})
            return
        reason = run["reason"]
        facts = {"state": run["state"], "started": shown_time(run["started_at"]), "ended": shown_time(run["ended_at"])}
        print_facts(facts | ({"reason": reason[current()]} if reason else {}), as_json=False)
