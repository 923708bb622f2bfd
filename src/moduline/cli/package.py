"""``pack info``, ``list``, ``verify``, ``extract``, ``diff``: looking into firmware packages of any container."""

from __future__ import annotations

import importlib
import importlib.util
import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from moduline.cli.language import current, say
from moduline.cli.output import DryRunFlag, JsonFlag, YesFlag, note, print_facts, print_json, print_table
from moduline.cli.package_change import extract_project, read_package_file, register_convert
from moduline.cli.package_units import register_units
from moduline.digest import sha256_hex
from moduline.errors import BadOption, BadPackage, StorageFailed, Text
from moduline.package import Difference, FirmwarePackage, Part, diff, read_package, verify
from moduline.package.containers import container_of
from moduline.package.findings import Finding, errors_of, must_be_sound
from moduline.package.inspect import only_areas
from moduline.package.parts import NO_PLACE, file_name_of

LIST_NAME = "parts.json"
DESCRIPTIONS = ("xml", "script", "unused")  # kinds of parts that a burner does not do

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help=say("firmware package", "固件包"))]


def register(app: typer.Typer) -> None:
    """Add ``pack`` to the tree."""
    pack = typer.Typer(
        no_args_is_help=True, help=say("Firmware packages: look into them, build them.", "固件包：查看与制作。")
    )
    app.add_typer(pack, name="pack")
    if importlib.util.find_spec("moduline.cli.build"):
        importlib.import_module("moduline.cli.build").register(pack)
    _register_readers(pack)
    _register_extract(pack)
    _register_diff(pack)
    register_convert(pack)
    register_units(pack)


def _register_readers(pack: typer.Typer) -> None:
    @pack.command(
        help=say(
            "What a package is: platform, model, version, script areas. Example: moduline pack info module.pac",
            "固件包概况：平台、型号、版本、脚本分区。示例：moduline pack info module.pac",
        )
    )
    def info(file: FileArgument, as_json: JsonFlag = False) -> None:
        data = read_package_file(file)
        facts = info_of(read_package(data, file.name), data)
        if as_json:
            print_facts(facts, as_json=True)
        else:
            print_facts({name: safe(_shown(value)) for name, value in facts.items()}, as_json=False)

    @pack.command(
        "list",
        help=say(
            "The parts of a package in the order in which they are burnt. Example: moduline pack list module.pac",
            "按烧录顺序列出固件包的各部分。示例：moduline pack list module.pac",
        ),
    )
    def list_parts(file: FileArgument, as_json: JsonFlag = False) -> None:
        package = read_package(read_package_file(file), file.name)
        if as_json:
            print_json({"ok": True, "parts": [row_of(i, part) for i, part in enumerate(package.parts, 1)]})
            return
        print_parts(package)

    @pack.command(
        "verify",
        help=say(
            "Check every check value, header, place and size. Example: moduline pack verify module.pac",
            "校验所有校验值、头部、地址与大小。示例：moduline pack verify module.pac",
        ),
    )
    def verify_file(file: FileArgument, as_json: JsonFlag = False) -> None:
        package = read_package(read_package_file(file), file.name, must_check=False)
        findings = verify(package)
        rows = [finding_row(one) for one in findings]
        if as_json:
            must_be_listed(findings, file.name, rows)
            print_json({"ok": True, "parts": len(package.parts), "findings": rows})
            return
        if rows:
            columns = [say("severity", "级别"), say("part", "部分"), say("finding", "结论")]
            print_table(columns, [(SEVERITY[r["severity"]](), safe(r["part"]), safe(r["text"])) for r in rows])
        must_be_sound(findings, file.name)
        note("{count} parts, all sound", "共 {count} 部分，全部正常", count=len(package.parts))


SEVERITY = {
    "error": lambda: f"[red]{say('error', '错误')}[/red]",
    "warning": lambda: f"[yellow]{say('warning', '警告')}[/yellow]",
    "notice": lambda: say("notice", "提示"),
}


def must_be_listed(findings: list[Finding], name: str, rows: list[dict[str, Any]]) -> None:
    """Stop with all findings as facts when a package must not be burnt.

    Raises:
        BadPackage: there is an error among them.
    """
    if errors_of(findings):
        first = errors_of(findings)[0].say(current())
        raise BadPackage(count=len(errors_of(findings)), package=name, first=first, findings=rows)


def _register_extract(pack: typer.Typer) -> None:
    @pack.command(
        help=say(
            "Write the parts of a package into a folder, with a list of them as parts.json. "
            "Example: moduline pack extract module.pac -o parts · moduline pack extract made.zip --project my_project",
            "将固件包的各部分写入目录，并生成 parts.json；或还原为工程目录。"
            "示例：moduline pack extract module.pac -o parts · moduline pack extract made.zip --project my_project",
        )
    )
    def extract(
        file: FileArgument,
        output: Annotated[
            Path | None, typer.Option("-o", "--output", metavar="DIR", help=say("folder", "目录"))
        ] = None,
        project: Annotated[
            Path | None,
            typer.Option(
                "--project", metavar="DIR", help=say("the scripts, as a project folder", "将脚本还原为工程目录")
            ),
        ] = None,
        yes: YesFlag = False,
        dry_run: DryRunFlag = False,
        as_json: JsonFlag = False,
    ) -> None:
        package = read_package(read_package_file(file), file.name)
        if project is not None:
            extract_project(package, project, yes=yes, dry_run=dry_run, as_json=as_json)
            return
        if output is None:
            why = Text("name a folder with -o, or one for the project with --project", "请用 -o 或 --project 指定目录")
            raise BadOption(name="-o", reason=why)
        rows = [row_of(i, part) | {"file": file_name_of(i, part)} for i, part in enumerate(package.parts, 1)]
        if not dry_run:
            write_parts(package, rows, output, may_overwrite=yes)
        if as_json:
            print_json({"ok": True, "folder": str(output), "parts": rows})
            return
        print_table(
            [say("file", "文件"), say("part", "部分"), say("bytes", "字节")],
            [(safe(row["file"]), safe(row["name"]), row["bytes"]) for row in rows if row["file"]],
        )


def _register_diff(pack: typer.Typer) -> None:
    @pack.command(
        "diff",
        help=say(
            "What differs between two packages. Example: moduline pack diff stock.pac production.pac",
            "比较两个固件包。示例：moduline pack diff stock.pac production.pac",
        ),
    )
    def diff_files(
        before: Annotated[Path, typer.Argument(metavar="A")],
        after: Annotated[Path, typer.Argument(metavar="B")],
        as_json: JsonFlag = False,
    ) -> None:
        first, second = (read_package(read_package_file(path), path.name) for path in (before, after))
        found = diff(first, second)
        if as_json:
            rows = [{name: getattr(one, name) for name in Difference.__dataclass_fields__} for one in found]
            print_json({"ok": True, "same": not found, "only_areas": only_areas(found), "differences": rows})
            return
        if found:
            print_table(
                [say("where", "位置"), say("name", "名称"), say("what", "变化"), "A", "B"],
                [[safe(text) for text in _difference_row(one)] for one in found],
            )
        else:
            note("no difference", "无差异")


def _difference_row(one: Difference) -> tuple[str, ...]:
    """Cells of ``pack diff``; a change of white space alone shows no values."""
    values = ("", "") if one.what == "style" else (one.before, one.after)
    return (one.place, one.name, one.what, *values)


def info_of(package: FirmwarePackage, data: bytes) -> dict[str, Any]:
    """The facts of ``pack info``."""
    return {
        "name": package.name,
        "bytes": len(data),
        "sha256": sha256_hex(data),
        "container": package.container,
        "shells": [shell.member for shell in package.shells],
        "chip": package.chip,
        "model": package.model,
        "version": package.version,
        "product": package.product,
        **container_of(package).facts(package),
        "parts": len(package.parts),
        "areas": [
            {"name": a.name, "role": a.role, "address": f"0x{a.address:08x}", "size": a.size, "told_by": a.told_by}
            for a in package.areas
        ],
        "nv_backup": package.nv_backup,
        "nv_items": [item.name for item in package.nv_items],
    }


def row_of(index: int, part: Part) -> dict[str, Any]:
    """One part as an object of ``--json`` and parts.json."""
    return {
        "index": index,
        "name": part.name,
        "role": part.role,
        "kind": part.kind,
        "address": f"0x{part.address:08x}",
        "size": part.size,
        "bytes": len(part.data),
        "default": part.is_default,
        "file_name": part.file_name,
        "sha256": sha256_hex(part.data) if part.data else "",
    }


def finding_row(one: Finding) -> dict[str, Any]:
    """One finding as an object of ``--json``."""
    return {"severity": one.severity, "slug": one.slug, "part": one.part, "text": one.say(current())}


def print_parts(package: FirmwarePackage) -> None:
    """The table of ``pack list``."""
    columns = ["#", say("part", "部分"), say("address", "地址")]
    columns += [say("room", "空间"), say("bytes", "字节"), say("done", "执行"), say("made from", "来源文件")]
    rows = []
    for index, part in enumerate(package.parts, 1):
        room = _device_name(part.size) if part.kind == "format" else f"0x{part.size:x}"
        default = "-" if part.kind in DESCRIPTIONS else say("yes", "是") if part.is_default else say("no", "否")
        has_place = part.kind != "xml" and part.address != NO_PLACE
        place = f"0x{part.address:08x}" if has_place else "-"
        rows.append(
            (
                index,
                safe(part.name),
                place,
                safe(room) if has_place else "-",
                len(part.data) or "-",
                default,
                safe(part.file_name),
            )
        )
    print_table(
        columns,
        rows,
        title=safe(f"{package.name} · {package.chip} · {package.version or package.product}"),
        wraps=False,
    )


def _device_name(size: int) -> str:
    """The block-device name that stands in the size of a format operation."""
    return size.to_bytes(4, "little").decode("ascii", "replace")


def _shown(value: Any) -> str:
    """A fact of ``pack info`` for people."""
    if value is None:
        return say("unknown", "未知")
    if isinstance(value, bool):
        return say("yes", "是") if value else say("no", "否")
    if isinstance(value, list):
        shown = [f"{v['name']} {v['address']} + 0x{v['size']:x}" if isinstance(v, dict) else str(v) for v in value]
        return ", ".join(shown) or say("none", "无")
    return str(value)


def safe(text: str) -> str:
    """Text of a file for a terminal: no control characters, no markup."""
    return escape("".join(c if c.isprintable() else " " if c in "\r\n\t" else "?" for c in text))


def write_parts(package: FirmwarePackage, rows: list[dict[str, Any]], folder: Path, *, may_overwrite: bool) -> None:
    """Write every content and parts.json into a folder.

    Raises:
        BadOption: a file is already there and may not be overwritten.
        StorageFailed: writing failed.
    """
    contents = {row["file"]: part.data for row, part in zip(rows, package.parts, strict=True) if row["file"]}
    contents[LIST_NAME] = (json.dumps(rows, ensure_ascii=False, indent=1) + "\n").encode()
    existing = [name for name in contents if (folder / name).exists()]
    if existing and not may_overwrite:
        why = Text("{file} exists; --yes overwrites", "{file} 已存在；使用 --yes 覆盖")
        raise BadOption(name="-o", reason=why, file=str(folder / existing[0]))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            (folder / name).write_bytes(content)
    except OSError as wrong:
        raise StorageFailed(path=str(folder), reason=wrong.strerror or str(wrong)) from wrong
