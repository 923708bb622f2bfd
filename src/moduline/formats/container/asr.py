"""ASR firmware packages: a zip of images and the script that says what a burner does with them.

::

    [folder/]platform_config.json   {"platform": "ASR1606"}; only in newer packages
    [folder/]download.json          the script, see ``asr_script``
    [folder/]partition.bin          where everything lies, see ``asr_table``
    [folder/]flashinfo.bin          accepted flash chips, see ``asr_flash_list``
    [folder/]preboot.img, flasher.img, bootloader.ubi, system.img, customer_fs.bin ...
    [folder/]2021.10.16/...         images for one version of the boot ROM only

The zip is the truth: an unchanged package is written as the bytes that were read, a changed one keeps order, names,
times and contents of every other member.

Source: platform-asr 1.1, 1.2, 1.8.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from moduline.errors import BadFormat, Text
from moduline.formats.container import asr_flash_list, asr_script, asr_table, zip_members
from moduline.formats.container.asr_flash_list import FlashList
from moduline.formats.container.asr_script import DownloadScript
from moduline.formats.container.asr_table import PartitionTable
from moduline.formats.container.platform_config import CONFIG_NAME, platform_of

NAME: Final = "ASR package"
TITLE: Final = Text(NAME, "ASR 固件包")
SCRIPT_NAME: Final = "download.json"
TABLE_NAME: Final = "partition.bin"
FLASH_LIST_NAME: Final = "flashinfo.bin"
STREAM_NAME: Final = "firmware.bin"


@dataclass(frozen=True, slots=True)
class AsrPackage:
    """A package.

    Attributes:
        data: the zip.
        root: folder of its members within the zip, with its slash; empty at the top.
        members: content of every member below the root by name without the root, in the order of the zip.
        script: its download.json.
        table: its partition.bin.
        flash_list: its flashinfo.bin; None when there is none.
        platform: what its platform_config.json says, lower case; empty without one.
    """

    data: bytes = field(repr=False)
    root: str
    members: Mapping[str, bytes] = field(repr=False)
    script: DownloadScript
    table: PartitionTable
    flash_list: FlashList | None
    platform: str = ""

    @property
    def bootroms(self) -> tuple[str, ...]:
        """Versions of the boot ROM the script accepts; empty when it does not ask."""
        return self.script.required("version-bootrom")

    def member_of(self, image: str, bootrom: str = "") -> str | None:
        """Name of the member that holds an image; the one of a boot ROM's own folder comes first.

        Args:
            image: as the script names it.
            bootrom: version the ROM answered; empty takes the only one the script accepts.
        """
        wanted = bootrom or (self.bootroms[0] if len(self.bootroms) == 1 else "")
        candidates = [f"{wanted}/{image}"] if wanted else []
        return next((name for name in [*candidates, image] if name in self.members), None)

    def image(self, name: str, bootrom: str = "") -> bytes:
        """Content of an image; see ``member_of``.

        Raises:
            BadFormat: there is none of that name (rule ``member-missing``).
        """
        member = self.member_of(name, bootrom)
        if member is None:
            raise _broken("member-missing", "'{member}' is missing", "缺少“{member}”", member=name)
        return self.members[member]


def read(data: bytes, *, must_check: bool = True) -> AsrPackage:
    """The package in a zip.

    Args:
        data: the zip.
        must_check: False reads on with a wrong CRC of the partition table.

    Raises:
        BadFormat: the zip is damaged, script or partition table are missing or damaged.
        BadChecksum: the CRC of the partition table is wrong.
        Unsupported: encrypted, or packed in another way than zip writers do.
    """
    names = [info.filename for info in zip_members.list_members(data) if not info.is_dir()]
    root = _root(names)
    members = {name[len(root) :]: zip_members.read_member(data, name) for name in names if name.startswith(root)}
    for needed in (SCRIPT_NAME, TABLE_NAME):
        if needed not in members:
            raise _broken("member-missing", "'{member}' is missing", "缺少“{member}”", member=needed)
    listed = members.get(FLASH_LIST_NAME)
    return AsrPackage(
        data=data,
        root=root,
        members=MappingProxyType(members),
        script=asr_script.read(members[SCRIPT_NAME]),
        table=asr_table.read(members[TABLE_NAME], must_check=must_check),
        flash_list=None if listed is None else asr_flash_list.read(listed),
        platform=platform_of(members.get(CONFIG_NAME), TITLE),
    )


def write(package: AsrPackage) -> bytes:
    """The zip."""
    return package.data


def make(members: Mapping[str, bytes]) -> bytes:
    """A new zip of members in the given order; the same members give the same bytes."""
    return zip_members.write_members(list(members.items()))


def with_members(package: AsrPackage, changes: Mapping[str, bytes]) -> AsrPackage:
    """The package with other contents of some members, and new members at the end; the rest stays as it was.

    Args:
        package: the package.
        changes: name without the root to content.
    """
    known = {package.root + name: data for name, data in changes.items() if package.members.get(name, data) != data}
    new = [(package.root + name, data) for name, data in changes.items() if name not in package.members]
    data = zip_members.replace_members(package.data, known) if known else package.data
    return read(zip_members.add_members(data, new) if new else data, must_check=False)


def without_members(package: AsrPackage, names: AbstractSet[str]) -> AsrPackage:
    """The package without some members."""
    return read(zip_members.remove_members(package.data, {package.root + name for name in names}), must_check=False)


def _root(names: list[str]) -> str:
    """Folder of the script, else of the partition table; the highest when there are several."""
    for needed in (SCRIPT_NAME, TABLE_NAME):
        found = [name for name in names if name.rpartition("/")[2] == needed]
        if found:
            best = min(found, key=lambda name: name.count("/"))
            return best[: len(best) - len(needed)]
    return ""


def _broken(rule: str, en: str, zh: str, **facts: Any) -> BadFormat:
    return BadFormat(format=TITLE, reason=Text(en, zh), offset=0, rule=rule, **facts)
