"""EigenComm firmware packages: a zip with one folder around the binpkg, or a bare binpkg.

::

    until 2024-04    NAME.zip                from 2024-05    NAME.zip > NAME.bin, a zip again
    └── NAME/                                ├── platform_config.json    {"platform": "EIGEN"}
        ├── agentboot_uart/agentboot.bin     └── NAME/
        ├── agentboot_usb/agentboot.bin          ├── as on the left
        ├── at_command.binpkg                    ├── single_pkg/...
        ├── ap_application.bin ap_updater.bin    ├── *qdownload_image.bin
        ├── customer_fs.bin                      └── quec_usb_prog_pkg.bin
        ├── customer_backup_fs.bin
        ├── MergeRfTable.bin
        ├── format_ec618.json
        └── quec_download_config.ini, quec_download_uart.ini, quec_download_usb.ini

The outer zip of the newer form is a shell like any other, see ``shell``. The file is the truth: an unchanged package is
written as the bytes that were read, a changed one keeps order, names, times and contents of every other member.
The ready-made programmer images (``*qdownload_image.bin``, ``quec_usb_prog_pkg.bin``, ``single_pkg``) are not
documented: they are kept as they are.

Source: platform-eigencomm 1.1, 1.2, 4; a published list of both layouts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from moduline.errors import BadFormat, Text
from moduline.formats.container import eigen_binpkg, eigen_ini, zip_members
from moduline.formats.container.eigen_binpkg import BinPackage
from moduline.formats.container.eigen_ini import DownloadFile, Ini
from moduline.formats.container.platform_config import CONFIG_NAME, platform_of

NAME: Final = "EigenComm package"
TITLE: Final = Text(NAME, "移芯固件包")
BINPKG_NAME: Final = "at_command.binpkg"
BINPKG_ENDINGS: Final = (".binpkg", ".hbinpkg")
DOWNLOAD_NAME: Final = "quec_download_config.ini"
FORMAT_NAME: Final = re.compile(r"format_(\w+)\.json")
AGENTBOOTS: Final[Mapping[str, str]] = {
    "agentboot_usb": "agentboot_usb/agentboot.bin",
    "agentboot_uart": "agentboot_uart/agentboot.bin",
}
MAX_JSON_BYTES: Final = 1 << 20
KEPT_REGIONS: Final = ("cal", "rr", "drr")
"""Regions with the calibration of the radio."""


@dataclass(frozen=True, slots=True)
class FormatRegion:
    """One range that a format_*.json names.

    Attributes:
        name: such as fs, fraw, rr, drr, hfd, cal, erallum.
        store: "ap_flash", "cp_flash"; empty where the file does not say.
        begin: as written.
        size_bytes: its length.
    """

    name: str
    store: str
    begin: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class EigenPackage:
    """A package.

    Attributes:
        data: the file: a zip, or a bare binpkg.
        root: folder of the binpkg within the zip, with its slash; empty at the top and for a bare binpkg.
        members: content of every member of the zip by its full name, in the order of the zip; empty for a bare binpkg.
        binpkg_name: full name of the member; empty for a bare binpkg.
        binpkg: its content.
        files: what its quec_download_config.ini names.
        platform: what its platform_config.json says, lower case; empty without one.
    """

    data: bytes = field(repr=False)
    root: str
    members: Mapping[str, bytes] = field(repr=False)
    binpkg_name: str
    binpkg: BinPackage
    files: tuple[DownloadFile, ...] = ()
    platform: str = ""

    @property
    def is_bare(self) -> bool:
        """Whether it is a binpkg without anything around it."""
        return not self.binpkg_name

    def member(self, name: str) -> bytes | None:
        """Content of a member beside the binpkg."""
        return self.members.get(self.root + name)

    def inis(self) -> Iterator[tuple[str, Ini]]:
        """Every ini beside the binpkg."""
        for name, data in self.members.items():
            if name.startswith(self.root) and name.lower().endswith(".ini"):
                yield name[len(self.root) :], eigen_ini.read(data)

    @property
    def format_file(self) -> tuple[str, bytes] | None:
        """Name and content of its format_*.json."""
        local = ((name[len(self.root) :], data) for name, data in self.members.items() if name.startswith(self.root))
        return next(((name, data) for name, data in local if FORMAT_NAME.fullmatch(name)), None)


def read(data: bytes, *, must_check: bool = True) -> EigenPackage:
    """The package in a file.

    Args:
        data: a zip or a bare binpkg.
        must_check: False reads on with wrong hashes.

    Raises:
        BadFormat: zip, binpkg or quec_download_config.ini are damaged, or there is no binpkg or more than one.
        BadChecksum: a hash of the binpkg is wrong.
        Unsupported: an encrypted zip, or a binpkg of an undocumented form.
    """
    if not zip_members.is_zip(data):
        return EigenPackage(data, "", MappingProxyType({}), "", eigen_binpkg.read(data, must_check=must_check))
    names = [info.filename for info in zip_members.list_members(data) if not info.is_dir()]
    binpkg_name = _binpkg_name(names)
    root = binpkg_name[: binpkg_name.rfind("/") + 1]
    members = {name: zip_members.read_member(data, name) for name in names}
    config = members.get(root + DOWNLOAD_NAME)
    return EigenPackage(
        data=data,
        root=root,
        members=MappingProxyType(members),
        binpkg_name=binpkg_name,
        binpkg=eigen_binpkg.read(members[binpkg_name], must_check=must_check),
        files=() if config is None else eigen_ini.files_of(eigen_ini.read(config)),
        platform=platform_of(members.get(CONFIG_NAME, members.get(root + CONFIG_NAME)), TITLE),
    )


def write(package: EigenPackage) -> bytes:
    """The file."""
    return package.data


def make(members: Mapping[str, bytes]) -> bytes:
    """A new zip of members in the given order; the same members give the same bytes."""
    return zip_members.write_members(list(members.items()))


def with_members(package: EigenPackage, changes: Mapping[str, bytes]) -> EigenPackage:
    """The package with other contents of members, and new ones at the end; the rest stays as it was.

    Args:
        package: the package.
        changes: full name to content.

    Raises:
        BadFormat: a bare binpkg, which has no members (rule ``no-members``).
    """
    if package.is_bare:
        raise _broken(
            "no-members", "a bare binpkg cannot carry '{member}'", "单独的 binpkg 无法携带“{member}”",
            member=next(iter(changes), ""),
        )  # fmt: skip
    known = {name: data for name, data in changes.items() if package.members.get(name, data) != data}
    new = [(name, data) for name, data in changes.items() if name not in package.members]
    data = zip_members.replace_members(package.data, known) if known else package.data
    return read(zip_members.add_members(data, new) if new else data, must_check=False)


def without_members(package: EigenPackage, names: AbstractSet[str]) -> EigenPackage:
    """The package without some members."""
    return read(zip_members.remove_members(package.data, names), must_check=False) if names else package


def with_binpkg(package: EigenPackage, binpkg: BinPackage) -> EigenPackage:
    """The package with another binpkg."""
    data = eigen_binpkg.write(binpkg)
    if package.is_bare:
        return read(data, must_check=False)
    return with_members(package, {package.binpkg_name: data})


def format_regions(data: bytes) -> tuple[FormatRegion, ...]:
    """The ranges a format_*.json names, in its order; keys nobody knows are passed over.

    Raises:
        BadFormat: no JSON, or a range without numbers.
    """
    try:
        described = json.loads(data) if len(data) <= MAX_JSON_BYTES else None
        if not isinstance(described, dict):
            raise TypeError(type(described).__name__)
        return tuple(region for name, value in described.items() for region in _regions(name, value))
    except (ValueError, TypeError, KeyError, RecursionError) as wrong:
        raise _broken("format-json", "its format file is wrong", "格式描述文件有误") from wrong


def _regions(name: str, value: Any) -> Iterator[FormatRegion]:
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, dict) and "begin" in one:
            begin, size = _number(one["begin"]), _number(one["length"])
            yield FormatRegion(name, str(one.get("stor_type", "")), begin, size)
        elif isinstance(one, dict):
            for inner, rows in one.items():
                yield from _regions(f"{name}.{inner}", rows)


def _number(value: Any) -> int:
    number = int(value, 0) if isinstance(value, str) else value
    if not isinstance(number, int) or not 0 <= number <= 0xFFFFFFFF:
        raise TypeError(str(value)[:40])
    return number


def _binpkg_name(names: list[str]) -> str:
    """The binpkg of a zip: beside the inis where there are any, else the highest one; by its usual name first."""
    found = [name for name in names if name.lower().endswith(BINPKG_ENDINGS) and not name.startswith("__MACOSX/")]
    beside = [name for name in found if name[: name.rfind("/") + 1] + DOWNLOAD_NAME in names] or found
    highest = min((name.count("/") for name in beside), default=0)
    left = [name for name in beside if name.count("/") == highest]
    usual = [name for name in left if name.rpartition("/")[2] in {BINPKG_NAME, "at_command.hbinpkg"}]
    left = usual or left
    if len(left) != 1:
        raise _broken(
            "binpkg-count", "{count} binpkg files, exactly one is needed", "有 {count} 个 binpkg，应恰好为一个",
            count=len(left),
        )  # fmt: skip
    return left[0]


def _broken(rule: str, en: str, zh: str, **facts: Any) -> BadFormat:
    return BadFormat(format=TITLE, reason=Text(en, zh), offset=0, rule=rule, **facts)
