"""``pack convert`` and the project in a package: other shells around the same container, and the way back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from moduline.cli.disk import write_folder
from moduline.cli.language import current, say
from moduline.cli.output import DryRunFlag, JsonFlag, YesFlag, note, out, print_json, print_table
from moduline.digest import sha256_hex
from moduline.errors import BadOption, NoSuchFile, StorageFailed, Text, TooBig, UnknownFormat, Unsupported
from moduline.package import FirmwarePackage, read_package
from moduline.package.convert import kinds_of, suffix_of, to_kind
from moduline.release import output
from moduline.release.recover import Recovered, recover

MAX_FILE_BYTES = 128 << 20


def register_convert(pack: typer.Typer) -> None:
    """Add ``convert`` to ``pack``."""

    @pack.command(
        help=say(
            "The same package in another shell or under the suffix a vendor tool wants: pac, zip, bin, release. "
            "Example: moduline pack convert EC600N.bin --to zip -o EC600N.zip",
            "将同一固件包换成其他外壳或厂商工具所需的扩展名：pac、zip、bin、release。"
            "示例：moduline pack convert EC600N.bin --to zip -o EC600N.zip",
        )
    )
    def convert(
        file: Annotated[Path, typer.Argument(metavar="FILE", help=say("firmware package", "固件包"))],
        to: Annotated[str, typer.Option("--to", metavar="KIND", help=say("pac, zip, bin or release", "目标形式"))],
        target: Annotated[
            str, typer.Option("-o", "--output", metavar="OUT", help=say("file or folder", "文件或目录"))
        ] = ".",
        yes: YesFlag = False,
        dry_run: DryRunFlag = False,
        as_json: JsonFlag = False,
    ) -> None:
        package = read_package(read_package_file(file), file.name)
        data = to_kind(package, to, file.stem)
        path = output.choose_path(target, f"{file.stem}.{suffix_of(to)}")
        output.must_not_be(path, file)
        must_not_exist(path, is_allowed=yes or dry_run)
        if not dry_run:
            output.write_whole(path, data)
        facts = {"path": str(path), "kind": to, "bytes": len(data), "sha256": sha256_hex(data), "written": not dry_run}
        if as_json:
            print_json({"ok": True, **facts, "kinds": list(kinds_of(package))})
        else:
            out().print(f"{path}  {len(data)} {say('bytes', '字节')}  sha256 {facts['sha256']}", markup=False)


def extract_project(package: FirmwarePackage, folder: Path, *, yes: bool, dry_run: bool, as_json: bool) -> None:
    """Write the project in a package into a folder; see ``release.recover``.

    Raises:
        BadOption: the folder holds something, or the package has no scripts.
        FormatError: its file system is damaged.
    """
    found = recover(package)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())) and not (yes or dry_run):
        why = Text("{folder} exists and is not empty; --yes writes into it", "{folder} 已存在且非空；使用 --yes 写入")
        raise BadOption(name="--project", reason=why, folder=str(folder))
    if not dry_run:
        write_folder(found.tree, folder)
    for one in found.remarks:
        note("{remark}", "{remark}", remark=one.say(current()))
    if as_json:
        print_json({"ok": True, "folder": str(folder), **project_facts(found), "written": not dry_run})
        return
    rows = [(path, len(data)) for path, data in found.tree.files().items()]
    print_table([say("file", "文件"), say("bytes", "字节")], rows)


def made_package(path: Path) -> FirmwarePackage:
    """The production package whose project is wanted back.

    Raises:
        Unsupported: it is none: a project of the vendor's tool, whose files are not documented, or something else.
        NoSuchFile, StorageFailed, TooBig: it cannot be read.
        FormatError: a package that is damaged.
    """
    if path.is_dir():
        raise _no_package(path)
    try:
        return read_package(read_package_file(path), path.name)
    except UnknownFormat as wrong:
        raise _no_package(path) from wrong


def _no_package(path: Path) -> Unsupported:
    reason = Text(
        "no firmware package; how QPYcom keeps its projects is not documented, so they cannot be read",
        "不是固件包；QPYcom 的工程文件格式未公开，无法导入",
    )
    remedy = Text(
        "put its scripts into a folder and try moduline check FOLDER; or merge it once with QPYcom and take what "
        "comes out: moduline pack extract FILE --project DIR",
        "请将脚本放入目录并执行 moduline check 目录；或用 QPYcom 合并一次，再由生成的固件包还原："
        "moduline pack extract FILE --project DIR",
    )
    return Unsupported(format=path.name, reason=reason, remedy=remedy)


def project_facts(found: Recovered) -> dict[str, Any]:
    """A recovered project as JSON facts."""
    return {
        "files": list(found.tree.files()),
        "module": found.module,
        "profile": found.convention,
        "encrypted": list(found.encrypted),
        "backup": list(found.backed_up),
        "remarks": [{"slug": one.slug, "path": one.path, "text": one.say(current())} for one in found.remarks],
    }


def must_not_exist(path: Path, *, is_allowed: bool) -> None:
    """Stop before a file is overwritten that nobody said may be.

    Raises:
        BadOption: it is there.
    """
    if path.exists() and not is_allowed:
        why = Text("{file} exists; --yes overwrites", "{file} 已存在；使用 --yes 覆盖")
        raise BadOption(name="-o", reason=why, file=str(path))


def read_package_file(path: Path) -> bytes:
    """The bytes of a file named by the user.

    Raises:
        NoSuchFile: it is not there or no file.
        StorageFailed: it cannot be read.
        TooBig: more than 128 MiB.
    """
    if not path.is_file():
        why = Text("not a file", "不是文件") if path.exists() else Text("no such file", "文件不存在")
        raise NoSuchFile(path=str(path), reason=why)
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise TooBig(what=path.name, need=size, have=MAX_FILE_BYTES)
        return path.read_bytes()
    except OSError as wrong:
        raise StorageFailed(path=str(path), reason=wrong.strerror or str(wrong)) from wrong
