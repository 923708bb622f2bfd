"""The shells a firmware package arrives in, opened down to the package and closed around it again.

::

    package.zip                      at most 3 shells, each recognised by content
    └── firmware.bin   (a zip too)
        ├── platform_config.json     {"platform": "unisoc8910"}; absent in plain zips
        └── [folder/]module.pac      exactly one, at most one folder deep

    package.zip                      ASR and EigenComm packages are zips themselves; what is around them is a shell
    └── firmware.bin
        ├── platform_config.json     {"platform": "ASR1606"} or EIGEN; absent in older ones
        └── [folder/]download.json, partition.bin ... or [folder/]at_command.binpkg ...

Only the members that lead to the package are inflated. Closing around unchanged bytes gives the original shells;
around changed ones every other member keeps its place, name, time and content.

Source: platform-unisoc 1 (QuecPython .bin); platform-asr 1, platform-eigencomm 1 (what the others hold).
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from moduline.errors import BadFormat, Text, UnknownFormat, Unsupported
from moduline.formats.container import zip_members
from moduline.formats.container.platform_config import CONFIG_NAME
from moduline.formats.container.platform_config import MAX_BYTES as MAX_CONFIG_BYTES
from moduline.formats.container.sniff import NAMES, sniff

MAX_DEPTH: Final = 3
CONTAINER_OF_KIND: Final[Mapping[str, str]] = {"pac": "unisoc", "binpkg": "eigen"}
"""Files that are a package by themselves: which container each kind of ``sniff`` is."""
PLATFORM_OF_CONTAINER: Final[Mapping[str, str]] = {"unisoc": "unisoc", "asr": "asr", "eigen": "eigen"}
"""How the platform word of platform_config.json begins, by container."""
ZIP_MARKS: Final[Mapping[str, frozenset[str]]] = {"asr": frozenset({"download.json", "system.img"})}
"""Containers that are zips themselves: one of these members, at most one folder deep, tells which."""
ZIP_ENDINGS: Final[Mapping[str, tuple[str, ...]]] = {"eigen": (".binpkg", ".hbinpkg")}
"""The same, by the ending of a member."""
SUPPORTED: Final = Text(
    ".pac of UNISOC 8910 and 8850, bare or in zip or .bin; zip or .bin of ASR 160x; zip, .bin, .binpkg of EigenComm",
    "UNISOC 8910/8850 的 .pac（可置于 zip 或 .bin 中），ASR 160x 的 zip 或 .bin，移芯的 zip、.bin 或 .binpkg",
)


@dataclass(frozen=True, slots=True)
class Shell:
    """One shell around a package.

    Attributes:
        kind: "zip".
        data: the shell as read.
        member: name of the member that holds what is inside.
        platform: what its platform_config.json says, lower case; "" without one.
    """

    kind: str
    data: bytes = field(repr=False)
    member: str
    platform: str = ""


@dataclass(frozen=True, slots=True)
class Opened:
    """A file taken out of its shells.

    Attributes:
        shells: outermost first.
        inner: the package itself.
        kind: which container ``inner`` is: "unisoc", "asr" or "eigen".
    """

    shells: tuple[Shell, ...]
    inner: bytes = field(repr=False)
    kind: str = "unisoc"

    @property
    def platform(self) -> str:
        """What the innermost platform_config.json says; "" when there is none."""
        return next((shell.platform for shell in reversed(self.shells) if shell.platform), "")


def open_shells(data: bytes, name: str = "") -> Opened:
    """The package inside ``data``; a bare package gives no shells.

    Args:
        data: the file.
        name: how to call it in errors.

    Raises:
        BadFormat: damaged or hostile shells, nested deeper than 3 (rule ``nested``), no or several packages inside.
        Unsupported: a known package of another platform, or an encrypted shell.
        UnknownFormat: nothing that holds a package.
    """
    shells: list[Shell] = []
    while True:
        kind = sniff(data)
        if kind in CONTAINER_OF_KIND:
            return Opened(tuple(shells), data, CONTAINER_OF_KIND[kind])
        if kind != "zip":
            raise refuse(kind, name)
        if len(shells) == MAX_DEPTH:
            raise _broken(
                "nested", "more than {limit} shells inside each other", "嵌套超过 {limit} 层", limit=MAX_DEPTH
            )
        near = _near(data)
        platform = _platform_of(data, near)
        if (inside := _zip_container(name, platform, near)) is not None:
            return Opened(tuple(shells), data, inside)
        shells.append(_enter(data, platform, near))
        data = zip_members.read_member(data, shells[-1].member)


def close_shells(shells: tuple[Shell, ...], inner: bytes) -> bytes:
    """The file again, with ``inner`` in the place where the package was.

    Raises:
        BadFormat: a shell is damaged behind the members that were read on opening.
    """
    for shell in reversed(shells):
        is_unchanged = zip_members.read_member(shell.data, shell.member) == inner
        inner = shell.data if is_unchanged else zip_members.replace_members(shell.data, {shell.member: inner})
    return inner


def refuse(kind: str, name: str = "") -> UnknownFormat | Unsupported:
    """The error for a file that is no package this version reads; named when its kind is known."""
    shown = name or Text("the file", "该文件")
    if kind in {"unknown", "empty"}:
        return UnknownFormat(name=shown, kind=Text("firmware package", "固件包"), supported=SUPPORTED, sniffed=kind)
    return Unsupported(
        format=shown,
        reason=Text(f"{NAMES[kind].en} is not a package this version reads", f"暂不支持读取{NAMES[kind].zh}"),
        remedy=Text(f"supported: {SUPPORTED.en}", f"支持：{SUPPORTED.zh}"),
        sniffed=kind,
    )


def _broken(rule: str, en: str, zh: str, **facts: Any) -> BadFormat:
    return BadFormat(format=Text("package shell", "固件包外壳"), reason=Text(en, zh), offset=0, rule=rule, **facts)


def _near(data: bytes) -> dict[str, zipfile.ZipInfo]:
    """The members at most one folder deep, by name."""
    infos = [info for info in zip_members.list_members(data) if not info.is_dir()]
    return {info.filename: info for info in infos if info.filename.count("/") <= 1 and not _is_clutter(info.filename)}


def _zip_container(name: str, platform: str, near: dict[str, zipfile.ZipInfo]) -> str | None:
    """Which container a zip itself is; None for a shell around something else."""
    leaves = {path.rpartition("/")[2].lower() for path in near}
    if platform:
        kind = next((k for k, word in PLATFORM_OF_CONTAINER.items() if platform.startswith(word)), None)
        if kind is None:
            raise _other_platform(name, platform)
        return kind if kind in ZIP_MARKS or kind in ZIP_ENDINGS else None
    if any(leaf.endswith(".pac") for leaf in leaves):
        return None
    for kind, endings in ZIP_ENDINGS.items():
        if any(leaf.endswith(endings) for leaf in leaves):
            return kind
    return next((kind for kind, marks in ZIP_MARKS.items() if marks & leaves), None)


def _enter(data: bytes, platform: str, near: dict[str, zipfile.ZipInfo]) -> Shell:
    """Which member of a zip leads to the package."""
    packages = [path for path in near if path.lower().endswith(".pac")]
    if not packages and not platform:
        packages = [path for path, info in near.items() if _may_be_package(data, info)]
    if len(packages) != 1:
        raise _broken(
            "shell-content",
            "{count} packages inside, exactly one is needed",
            "内含 {count} 个固件包，应恰好为一个",
            count=len(packages),
        )
    return Shell("zip", data, packages[0], platform)


def _is_clutter(path: str) -> bool:
    """Whether a member is what macOS adds to every zip."""
    return path.startswith("__MACOSX/") or path.rpartition("/")[2].startswith("._")


def _may_be_package(data: bytes, info: zipfile.ZipInfo) -> bool:
    """Whether a member of a plain zip is a .bin or .zip that is itself a shell."""
    if not info.filename.lower().endswith((".bin", ".zip")):
        return False
    return zip_members.is_zip(zip_members.read_start(data, info.filename, 4))


def _platform_of(data: bytes, near: dict[str, zipfile.ZipInfo]) -> str:
    """What platform_config.json says, lower case; "" without that file."""
    paths = [path for path in near if path.rpartition("/")[2].lower() == CONFIG_NAME]
    if not paths:
        return ""
    if near[paths[0]].file_size > MAX_CONFIG_BYTES:
        raise _broken("platform-config", "platform_config.json is too large", "platform_config.json 过大")
    try:
        config = json.loads(zip_members.read_member(data, paths[0]))
        platform = config["platform"]
    except (ValueError, KeyError, TypeError, RecursionError) as wrong:
        why = "platform_config.json names no platform", "platform_config.json 未指明平台"
        raise _broken("platform-config", *why) from wrong
    if not isinstance(platform, str) or not platform.strip():
        raise _broken("platform-config", "platform_config.json names no platform", "platform_config.json 未指明平台")
    return platform.strip().lower()


def _other_platform(name: str, platform: str) -> Unsupported:
    shown = platform.encode("ascii", "backslashreplace").decode()[:40]
    return Unsupported(
        format=name or Text("the file", "该文件"),
        reason=Text(
            "packages of platform '{platform}' are not read by this version", "暂不支持平台“{platform}”的固件包"
        ),
        remedy=Text(f"supported: {SUPPORTED.en}", f"支持：{SUPPORTED.zh}"),
        platform=shown,
    )
