"""``pack build --explain``: every file of both images and what it rests on."""

from __future__ import annotations

from typing import Any

from rich.markup import escape

from moduline.cli.language import say
from moduline.cli.output import note, print_table
from moduline.digest import sha256_hex
from moduline.formats.checksum import value_of
from moduline.image.protect import BYTECODE_ENDING, SOURCE_ENDING
from moduline.package.containers import container_of
from moduline.release.produce import Produced


def explained(produced: Produced) -> list[dict[str, Any]]:
    """One row per file of both images: where it stands, how large it is, what it was made from and why it is there."""
    prepared = produced.prepared
    rows = []
    for mount, tree in (("/usr", produced.trees.user), ("/bak", produced.trees.backup)):
        for path, data in tree.files().items():
            origin, why = _origin(produced, mount, path)
            is_checked = mount == "/usr" and path in prepared.backed_up
            rows.append(
                {
                    "path": f"{mount}/{path}",
                    "bytes": len(data),
                    "sha256": sha256_hex(data),
                    "origin": origin,
                    "because": why,
                    "checksum": (value_of(data, prepared.convention.checksum) or "") if is_checked else "",
                }
            )
    return rows


def show_explained(produced: Produced) -> None:
    """The rows for people, then what is not renewed and what was left out."""
    rows = explained(produced)
    columns = [say("on the module", "模组上的文件"), say("bytes", "字节"), "sha256", say("from", "来源")]
    columns.append(say("because", "依据"))
    print_table(
        columns,
        [
            (escape(one["path"]), one["bytes"], one["sha256"][:16], escape(one["origin"]), escape(one["because"]))
            for one in rows
        ],
    )
    prepared = produced.prepared
    for role, area in prepared.areas.items():
        if role not in prepared.roles:
            note("{area} stays as it is in the base", "{area} 保持基础固件包原样", area=area.name)
    has_own = container_of(prepared.base).geometry is not None
    told = say("the base's own image", "基础固件包自带镜像") if has_own else say("the module's profile", "型号配置")
    note("file system: as {told} says", "文件系统参数依据：{told}", told=told)


def _origin(produced: Produced, mount: str, path: str) -> tuple[str, str]:
    """What a file was made from, and why it is there."""
    prepared = produced.prepared
    origins = prepared.project.origins
    if mount == "/bak":
        if path.startswith("usr/"):
            return f"/{path}", say("copy, restored when the file is damaged", "备份副本，文件损坏时恢复")
        return "-", say("switch or checksums of the backup", "备份开关或校验表")
    source = path if path in origins else path.removesuffix(BYTECODE_ENDING) + SOURCE_ENDING
    is_compiled = source != path and source in prepared.scripts
    if is_compiled:
        why = say("compiled, bytecode {v}", "已编译，字节码 {v}", v=prepared.bytecode)
        return origins.get(source, source), why + _backed(produced, path)
    if path not in origins:
        return "-", say("made by the merge", "合并时生成")
    is_entry = path == prepared.convention.entry_file
    why = say("entry file", "入口文件") if is_entry else say("file of the project", "工程文件")
    return origins[path], why + _backed(produced, path)


def _backed(produced: Produced, path: str) -> str:
    return say(", backed up", "，已备份") if path in produced.prepared.backed_up else ""
