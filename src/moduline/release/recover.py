"""The way back: a production package gives the project folder it could have been made from.

::

    customer_fs  main.py  checksum.json  apn_cfg.json  user files ──▶ usr/main.py  usr/...
    backup_fs    checksum.json  backup_restore.json  usr/<copies>  ──▶ moduline.toml: backup = [...]
    model, kind of checksum, bytecode                              ──▶ moduline.toml: module, profile, encrypt

What a merge makes by itself (checksums, the backup's switch, stock files nobody changed) is left out. A project folder
read back in and merged into the same base gives the same images, unless scripts were compiled: bytecode has no way
back, it stays as it is, and ``encrypt`` says that it was on.

Source: device-api 2.1, 6.1 to 6.5; docs/decisions/0004.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from moduline.errors import BadOption, FormatError, Text
from moduline.formats import checksum
from moduline.formats.littlefs import read_image
from moduline.image import entry_file
from moduline.image.project import SETTINGS_NAME, USER_FOLDER
from moduline.image.protect import BYTECODE_ENDING, SOURCE_ENDING
from moduline.image.remarks import NOTICE, Remark
from moduline.image.tree import FileTree
from moduline.package import FirmwarePackage
from moduline.profiles import catalog
from moduline.profiles.convention import ConventionProfile
from moduline.profiles.module import BACKUP_FS, USER_FS

COPIES: Final = "usr/"


@dataclass(frozen=True, slots=True)
class Recovered:
    """A project that was in a package.

    Attributes:
        tree: the files of the project folder, moduline.toml first.
        module: slug of the module; empty when the package does not say which.
        convention: slug of the convention; empty when nothing shows which.
        encrypted: compiled scripts, by path below ``/usr``.
        backed_up: protected files, by path below ``/usr``.
        remarks: what could not be told, and copies that are not what they protect.
    """

    tree: FileTree
    module: str
    convention: str
    encrypted: tuple[str, ...]
    backed_up: tuple[str, ...]
    remarks: tuple[Remark, ...] = field(default=())


def recover(package: FirmwarePackage) -> Recovered:
    """The project in a package.

    Raises:
        BadOption: the package has no file system of scripts.
        FormatError: it has one that is damaged.
    """
    user = _files(package, USER_FS)
    if user is None:
        why = Text("{file} has no file system of scripts", "{file} 不含脚本文件系统")
        raise BadOption(name="FILE", reason=why, file=package.name or package.product)
    backup = _files(package, BACKUP_FS) or {}
    remarks: list[Remark] = []
    backed_up, kind = _backed_up(user, backup, remarks)
    module = catalog.module_of_model(package.model)
    if module is None:
        remarks.append(_remark("module-unknown", "the package does not say its module", "固件包未说明型号"))
    convention = _convention(kind, module.convention if module else "")
    scripts = _own_files(user, convention)
    convention = _as_scripts_show(convention, scripts)
    encrypted = tuple(path for path in scripts if path.endswith(BYTECODE_ENDING))
    if encrypted:
        remarks.append(
            _remark(
                "bytecode-kept",
                "{count} compiled scripts stay bytecode; their sources are not in the package",
                "{count} 个已编译脚本保持字节码，固件包中没有其源码",
                count=len(encrypted),
            )
        )
    entry = convention.entry_file if convention else "main.py"
    sources = [path for path in scripts if path.endswith(SOURCE_ENDING) and path != entry]
    settings = _settings(
        module.slug if module else "",
        convention.slug if convention else "",
        backed_up,
        is_encrypted=bool(encrypted) and not sources,
    )
    files: dict[str, bytes | None] = {SETTINGS_NAME: settings.encode("utf-8")}
    files |= {f"{USER_FOLDER}/{path}": data for path, data in scripts.items()}
    return Recovered(
        FileTree.of(files),
        module.slug if module else "",
        convention.slug if convention else "",
        encrypted,
        backed_up,
        tuple(remarks),
    )


def _files(package: FirmwarePackage, role: str) -> dict[str, bytes] | None:
    """The files of a file system; None when the package has none, nothing when the area is blank."""
    part = package.by_role(role)
    if part is None or not part.data:
        return None
    if not part.data.strip(b"\xff"):
        return {}
    return {path: data for path, data in read_image(part.data).entries if data is not None}


def _own_files(user: Mapping[str, bytes], convention: ConventionProfile | None) -> dict[str, bytes]:
    """The user's files: without the list of checksums and stock files nobody changed."""
    stock = {one.name: one.text.encode("utf-8") for one in (convention.stock_files if convention else ())}
    made = {checksum.LIST_NAME, checksum.SWITCH_NAME}
    return {path: data for path, data in user.items() if path not in made and stock.get(path) != data}


def _backed_up(
    user: Mapping[str, bytes], backup: Mapping[str, bytes], remarks: list[Remark]
) -> tuple[tuple[str, ...], str]:
    """Protected files and the kind of their checksums; nothing when the backup is off."""
    listing = backup.get(checksum.LIST_NAME, user.get(checksum.LIST_NAME))
    if listing is None or not _is_on(backup, remarks):
        return (), ""
    try:
        entries = checksum.read(listing)
    except FormatError as wrong:
        remarks.append(_remark("checksums-damaged", wrong.message("en"), wrong.message("zh")))
        return (), ""
    paths = [one.name.removeprefix(checksum.MOUNT) for one in entries if one.name.startswith(checksum.MOUNT)]
    words = "the protected copy is not the file in /usr", "备份副本与 /usr 中的文件不同"
    differing = [path for path in paths if backup.get(COPIES + path) != user.get(path)]
    remarks += [_remark("copy-differs", *words, path) for path in differing]
    return tuple(path for path in paths if path in user), entries[0].kind if entries else ""


def _is_on(backup: Mapping[str, bytes], remarks: list[Remark]) -> bool:
    switch = backup.get(checksum.SWITCH_NAME)
    if switch is None:
        return False
    try:
        return checksum.read_switch(switch)
    except FormatError as wrong:
        remarks.append(_remark("switch-damaged", wrong.message("en"), wrong.message("zh")))
        return False


def _convention(kind: str, usual: str) -> ConventionProfile | None:
    """The module's own convention, unless the checksums show another one."""
    known = [catalog.convention(slug) for slug in catalog.conventions()]
    own = next((one for one in known if one.slug == usual), None)
    if own is not None and (not kind or own.checksum == kind):
        return own
    return next((one for one in known if kind and one.checksum == kind), own)


def _as_scripts_show(convention: ConventionProfile | None, scripts: Mapping[str, bytes]) -> ConventionProfile | None:
    """The convention, or its like that asks nothing of the entry file when that file says neither name nor version."""
    if convention is None or convention.entry_file not in scripts or not convention.needs_constants:
        return convention
    script = entry_file.parse(convention.entry_file, scripts[convention.entry_file])
    names = (convention.name_constant, convention.version_constant)
    if script.tree is None or all(entry_file.constant(script, name).value for name in names):
        return convention
    known = [catalog.convention(slug) for slug in catalog.conventions()]
    alike = (one for one in known if one.checksum == convention.checksum and not one.needs_constants)
    return next(alike, convention)


def _settings(module: str, convention: str, backed_up: tuple[str, ...], *, is_encrypted: bool) -> str:
    lines = []
    if module:
        lines.append(f"module = {_quoted(module)}")
    if convention:
        lines.append(f"profile = {_quoted(convention)}")
    lines.append(f"encrypt = {'true' if is_encrypted else 'false'}")
    lines.append(f"backup = [{', '.join(_quoted(path) for path in backed_up)}]")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """A TOML string; undecodable bytes of a name cannot stand in one and become question marks."""
    return json.dumps(text.encode("utf-8", "replace").decode("utf-8"), ensure_ascii=False)


def _remark(slug: str, en: str, zh: str, path: str = "", **facts: object) -> Remark:
    remedy = Text("look at the result before merging it again", "再次合并前请检查结果")
    return Remark(NOTICE, slug, path or "package", 0, Text(en, zh), remedy, facts)
