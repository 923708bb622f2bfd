"""ASR packages as firmware packages: the script's commands with roles, areas from the package's own partition table.

Where anything lies is read from ``partition.bin`` of the package, never assumed. Addresses are those of the bus: flash
offset + 0x80000000. What has no place in the flash (loaders, tables, the script) stands at ``NO_PLACE``.

Source: platform-asr 1.1 to 1.4, 1.8, 6.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from moduline.formats.container import asr
from moduline.formats.container.asr import AsrPackage
from moduline.formats.container.asr_script import ScriptCommand
from moduline.formats.container.asr_table import FLASH_BASE
from moduline.formats.container.shell import Opened, Shell
from moduline.package.parts import NO_PLACE, FirmwarePackage, FsArea, Part
from moduline.package.versions import identify

CONTAINER: Final = "asr"
AREA_ROLES: Final[Mapping[str, str]] = {"customer_fs": "user_fs", "customer_backup_fs": "backup_fs"}
AREA_FILES: Final[Mapping[str, str]] = {
    "customer_fs": "customer_fs.bin",
    "customer_backup_fs": "customer_backup_fs.bin",
}
ERASE_PREFIX: Final = "erase:"
SCRIPT_ROLE: Final = "script"

# What a partition is for. Source: platform-asr 1.2, 1.4 (names of real tables and of the vendor's member list).
ROLE_OF_PARTITION: Final[Mapping[str, str]] = {
    "bootloader": "boot",
    "system": "system",
    "cp": "modem",
    "dsp": "dsp",
    "rfbin": "rf",
    "rd": "reliable_data",
    "customer_app": "app",
    "user_app": "app",
    "ptable": "partition_table_copy",
    "fwcerts": "certificates",
    "apn": "apn",
    "logo": "logo",
    "updater": "updater",
    "fota_param": "update_flags",
    "fota_pkg": "update_store",
    "nvm": "nvm",
    "factory": "factory",
    **AREA_ROLES,
}
ROLE_OF_TABLE: Final[Mapping[str, str]] = {"flashinfo.bin": "flash_list", "partition.bin": "partition_table"}
LOADER_ROLES: Final = ("first_loader", "second_loader")
# Source: platform-asr 1.3. Boot ROMs 2021.05.31, 2021.10.10 and 2022.04.18 belong to chips there is no profile of.
CHIP_OF_BOOTROM: Final[Mapping[str, str]] = {
    "2019.01.15": "asr1601",
    "2020.07.30": "asr1603",
    "2021.10.16": "asr1606",
}
CHIPS: Final = tuple(CHIP_OF_BOOTROM.values())
_WITHOUT_ROM_LINE: Final = "asr1601"
_VERSION_ROLES: Final = ("system", "modem", "app")


def read_opened(opened: Opened, name: str = "", *, must_check: bool = True) -> FirmwarePackage:
    """The package in an opened file; see ``read_package``."""
    return package_of(asr.read(opened.inner, must_check=must_check), opened.shells, name)


def write_inner(package: FirmwarePackage) -> bytes:
    """The zip without what is around it."""
    return asr.write(asr_of(package))


def asr_of(package: FirmwarePackage) -> AsrPackage:
    """The container of a package that is an ASR one."""
    assert isinstance(package.source, AsrPackage), package.container
    return package.source


def facts_of(package: FirmwarePackage) -> dict[str, Any]:
    """What ``pack info`` tells beyond what every package has."""
    source = asr_of(package)
    blocks = source.flash_list.blocks if source.flash_list else ()
    return {
        "platform": source.platform,
        "bootrom": list(source.bootroms),
        "flash_bytes": source.table.flash_bytes,
        "flash_chips": [device.name for block in blocks for device in block.devices],
        "folder": source.root,
    }


def package_of(source: AsrPackage, shells: tuple[Shell, ...] = (), name: str = "") -> FirmwarePackage:
    """The package a container holds."""
    parts = tuple(_parts(source))
    identity = identify(parts, name, _VERSION_ROLES)
    return FirmwarePackage(
        container=CONTAINER,
        chip=chip_of(source),
        parts=parts,
        areas=tuple(find_areas(source)),
        version=identity.version,
        model=identity.model,
        nv_backup=False,
        nv_items=(),
        name=name,
        product=source.platform,
        source=source,
        shells=shells,
    )


def find_areas(source: AsrPackage) -> Iterator[FsArea]:
    """The script areas of the partition table."""
    for name, role in AREA_ROLES.items():
        entry = source.table.entry(name)
        if entry is not None:
            yield FsArea(name, role, FLASH_BASE + entry.start, entry.size, "table")


def chip_of(source: AsrPackage) -> str:
    """The chip, by the boot ROM the script asks for, else by the platform word; empty when neither names one."""
    by_rom = {CHIP_OF_BOOTROM.get(rom, "") for rom in source.bootroms}
    if by_rom:
        return by_rom.pop() if len(by_rom) == 1 else ""
    if source.platform in CHIPS:
        return source.platform
    return _WITHOUT_ROM_LINE if not source.platform and "system.img" in source.members else ""


def _parts(source: AsrPackage) -> Iterator[Part]:
    """The script itself, what it does in its order, and the members it does not name."""
    text = source.members[asr.SCRIPT_NAME]
    yield Part(asr.SCRIPT_NAME, SCRIPT_ROLE, "script", text, NO_PLACE, 0, is_default=False, file_name=asr.SCRIPT_NAME)
    used = {asr.SCRIPT_NAME}
    names: dict[str, int] = {}
    calls = 0
    for command in source.script.commands:
        part = _part(source, command, LOADER_ROLES[min(calls, 1)])
        if part is None:
            continue
        calls += command.command == "call"
        used.add(part.file_name)
        names[part.name] = seen = names.get(part.name, 0) + 1
        yield part if seen == 1 else _renamed(part, f"{part.name}#{seen}")
    for member, data in source.members.items():
        if member not in used:
            role = ROLE_OF_TABLE.get(member, "")
            yield Part(member, role, "unused", data, NO_PLACE, 0, is_default=False, file_name=member)


def _renamed(part: Part, name: str) -> Part:
    return Part(name, part.role, part.kind, part.data, part.address, part.size, part.is_default, part.file_name)


def _part(source: AsrPackage, command: ScriptCommand, loader_role: str) -> Part | None:
    """What one command does; None for those that only ask or tell."""
    is_default = not command.is_production_only
    member = source.member_of(command.image, command.bootrom) if command.image else None
    data = source.members[member] if member is not None else b""
    file_name = member or command.image
    match command.command:
        case "require" | "reject" | "progress" | "nop" | "reboot" | "set_active":
            return None
        case "call":
            return Part(command.image, loader_role, "loader", data, NO_PLACE, 0, is_default, file_name)
        case "partition":
            role = ROLE_OF_TABLE.get(command.image, "")
            return Part(command.image, role, "table", data, NO_PLACE, 0, is_default, file_name)
        case "flash":
            role = ROLE_OF_PARTITION.get(command.partition, "")
            place, room = _place(source, command.partition)
            return Part(command.partition, role, "code", data, place, room, is_default, file_name)
        case "erase":
            role = ROLE_OF_PARTITION.get(command.partition, "")
            place, room = _place(source, command.partition)
            name = ERASE_PREFIX + command.partition
            return Part(name, f"erase_{role}" if role else "", "erase", b"", place, room, is_default)
        case "fuse":
            return Part("fuse", "fuse", "unknown", data, NO_PLACE, 0, is_default=False, file_name=file_name)
        case _:
            name = command.image or command.partition or command.name
            return Part(f"{command.command}:{name}", "", "unknown", data, NO_PLACE, 0, is_default, file_name)


def _place(source: AsrPackage, partition: str) -> tuple[int, int]:
    """Address and size of a partition; nowhere when the table does not have it."""
    entry = source.table.entry(partition)
    return (FLASH_BASE + entry.start & 0xFFFFFFFF, entry.size) if entry is not None else (NO_PLACE, 0)
