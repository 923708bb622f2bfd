"""UNISOC ``.pac`` files as firmware packages: entries with roles, areas by what fills or erases them, the chip.

Source: platform-unisoc 2.8, 2.10, 2.11 steps 4 and 5, 3.4, 4 (where the areas stand).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from moduline.errors import BadFormat, Text, Unsupported
from moduline.formats.container import unisoc, unisoc_scheme
from moduline.formats.container.shell import Opened, Shell
from moduline.formats.container.unisoc import FLAG_CONTENT, FLAG_XML, Pac, PacEntry
from moduline.formats.container.unisoc_scheme import Scheme, SchemeFile
from moduline.package.parts import FirmwarePackage, FsArea, Part
from moduline.package.versions import identify

CONTAINER: Final = "unisoc"
XML_NAME: Final = "XML"
ADDRESS_PHASE_CHECK: Final = 0xFE000002
ADDRESS_CPIO: Final = 0xFE000004
ADDRESS_FORMAT: Final = 0xFE000006
LOADER_TYPES: Final = ("HOST_FDL", "FDL2", "FDL")
CHIP_OF_LOADER: Final = {"HOST_FDL": "unisoc8910", "FDL": "unisoc8850"}

AREA_ROLES: Final[Mapping[str, str]] = {
    "PY_FS_U": "user_fs",
    "PY_FS_B": "backup_fs",
    "PY_FS_C": "customer_fs_c",
}
AREA_FILES: Final[Mapping[str, str]] = {
    "PY_FS_U": "customer_fs.bin",
    "PY_FS_B": "customer_backup_fs.bin",
    "PY_FS_C": "customer_fs_c.bin",
}
ERASE_PREFIX: Final = "ERASE_"

# Source: platform-unisoc 2.10, 3.4.
PART_ROLES: Final[Mapping[str, str]] = {
    "HOST_FDL": "first_loader",
    "FDL": "first_loader",
    "FDL2": "second_loader",
    "SPL": "first_boot",
    "BOOT": "boot",
    "BOOTLOADER": "boot",
    "AP": "system",
    "APPIMG": "app",
    "PS": "modem",
    "CP": "modem",
    "NV": "nv",
    "INDELTANV": "nv_delta",
    "PREPACK": "prepack",
    "FLASH": "running_nv",
    "PhaseCheck": "phase_check",
    "FMT_FSSYS": "format_system_fs",
    "FMT_FSEXT": "format_external_fs",
    "FMT_FSMOD": "format_modem_fs",
    "ERASE_BOOT": "erase_boot",
    "ERASE_SPL": "erase_first_boot",
    **AREA_ROLES,
    **{ERASE_PREFIX + name: f"erase_{role}" for name, role in AREA_ROLES.items()},
}


def read_opened(opened: Opened, name: str = "", *, must_check: bool = True) -> FirmwarePackage:
    """The package in an opened file; see ``read_package``."""
    return package_of(unisoc.read(opened.inner, must_check=must_check), opened.shells, name)


def write_inner(package: FirmwarePackage) -> bytes:
    """The ``.pac`` without its shells."""
    return unisoc.write(pac_of(package))


def pac_of(package: FirmwarePackage) -> Pac:
    """The container of a package that is a ``.pac``."""
    assert isinstance(package.source, Pac), package.container
    return package.source


def facts_of(package: FirmwarePackage) -> dict[str, Any]:
    """What ``pack info`` tells beyond what every package has."""
    return {"alias": pac_of(package).header.alias.text}


def package_of(pac: Pac, shells: tuple[Shell, ...] = (), name: str = "") -> FirmwarePackage:
    """The package a container holds.

    Raises:
        BadFormat: the XML is damaged, or lacks an entry or has another address (rules xml-…).
        Unsupported: no loader of a known chip.
    """
    scheme = unisoc_scheme.read(pac.xml)
    parts = tuple(_part(entry, scheme) for entry in pac.entries)
    identity = identify(parts, name)
    return FirmwarePackage(
        container=CONTAINER,
        chip=_chip(scheme, pac),
        parts=parts,
        areas=tuple(find_areas(scheme)),
        version=identity.version,
        model=identity.model,
        nv_backup=scheme.nv_backup,
        nv_items=scheme.nv_items,
        name=name,
        product=scheme.product or pac.header.product.text,
        source=pac,
        shells=shells,
    )


def find_areas(scheme: Scheme) -> list[FsArea]:
    """The script areas the XML names: by an entry that fills one, or by the entry that erases it.

    Raises:
        BadFormat: both exist and differ (rule ``area``).
    """
    areas = []
    for name, role in AREA_ROLES.items():
        filled, erased = scheme.file(name), scheme.file(ERASE_PREFIX + name)
        if filled and erased and (filled.address, filled.size) != (erased.address, erased.size):
            raise _broken("area", "{name} and what erases it differ", "{name} 与其擦除条目不一致", name=name)
        file = filled or erased
        if file:
            areas.append(FsArea(name, role, file.address, file.size, "content" if filled else "erase"))
    return areas


def _broken(rule: str, en: str, zh: str, **facts: Any) -> BadFormat:
    return BadFormat(format="pac XML", reason=Text(en, zh), offset=0, rule=rule, **facts)


def _part(entry: PacEntry, scheme: Scheme) -> Part:
    name, file_name = entry.id.text, entry.file_name.text
    if entry.flag == FLAG_XML:
        return Part(XML_NAME, "xml", "xml", entry.data, 0, 0, is_default=False, file_name=file_name)
    file = scheme.file(name)
    if file is None:
        raise _broken("xml-missing", "no File element for '{id}'", "缺少“{id}”的 File 元素", id=name)
    if file.address != entry.addresses[0]:
        raise _broken(
            "xml-address",
            "'{id}' is at {base} here and at {record} in its record",
            "“{id}”的地址为 {base}，记录中为 {record}",
            id=name,
            base=f"0x{file.address:08x}",
            record=f"0x{entry.addresses[0]:08x}",
        )
    role = PART_ROLES.get(name, "")
    kind = kind_of(entry, file)
    return Part(name, role, kind, entry.data, file.address, file.size, entry.check == 1, file_name)


def kind_of(entry: PacEntry, file: SchemeFile) -> str:
    """The kind of a part, see ``Part.kind``."""
    if file.type in LOADER_TYPES:
        return "loader"
    if file.type == "EraseFlash":
        return "format" if file.address == ADDRESS_FORMAT else "erase"
    if file.type == "NV":
        return "nv"
    if file.type != "CODE":
        return "unknown"
    if file.address == ADDRESS_PHASE_CHECK:
        return "phasecheck"
    if entry.flag != FLAG_CONTENT:
        return "unknown"
    return "cpio" if file.address == ADDRESS_CPIO else "code"


def _chip(scheme: Scheme, pac: Pac) -> str:
    """The chip, by the type of the first loader."""
    present = {entry.id.text for entry in pac.entries if entry.data}
    chips = {CHIP_OF_LOADER[f.type] for f in scheme.files if f.type in CHIP_OF_LOADER and f.id in present}
    if len(chips) != 1:
        raise Unsupported(
            format="pac",
            reason=Text("it has no loader of exactly one known chip", "缺少唯一的已知平台下载引导程序"),
            remedy=Text("supply a package with HOST_FDL (8910) or FDL (8850)", "请提供含 HOST_FDL 或 FDL 的固件包"),
        )
    return chips.pop()
