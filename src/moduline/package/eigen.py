"""EigenComm packages as firmware packages: agentboot, the images of the binpkg, the files the ini gives a place.

Addresses are those the processor sees: 0x800000 + offset in the AP flash, 0x8800000 + offset in the flash of the modem.
Inis and binpkg of EC618 write the offset, newer chips the address; both become the address here. What has no place in
the flash (agentboot, inis, the RF table) stands at ``NO_PLACE``.

Where the file systems are is only read from the package: a quec_download_config.ini, or an entry of the binpkg. The
size of an area is that of the file system in the package's own image, because littlefs 2 refuses to mount another one;
the room of the part is MAX_SIZE.

Source: platform-eigencomm 1.1 to 1.4, 3.3, 3.4, 4.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from moduline.errors import FormatError
from moduline.formats import littlefs
from moduline.formats.container import eigen
from moduline.formats.container.eigen import AGENTBOOTS, EigenPackage
from moduline.formats.container.eigen_binpkg import BinEntry
from moduline.formats.container.shell import Opened, Shell
from moduline.formats.littlefs import LittleFsImage
from moduline.package.parts import SCRIPT_ROLES, FirmwarePackage, FsArea, Part
from moduline.package.versions import identify

CONTAINER: Final = "eigen"
NO_PLACE: Final = 0xFFFFFFFF
AP_BASE: Final = 0x800000
CP_BASE: Final = 0x8800000
MAX_FLASH_BYTES: Final = 0x800000
"""Smaller numbers are offsets in a flash; the flash of the AP has 4 MiB, that of newer chips up to 8."""
AREA_ROLES: Final[Mapping[str, str]] = {"customer_fs": "user_fs", "customer_backup_fs": "backup_fs"}
AREA_FILES: Final[Mapping[str, str]] = {name: f"{name}.bin" for name in AREA_ROLES}
FILE_ROLES: Final[Mapping[str, str]] = {"ap_application": "app", "ap_updater": "updater", **AREA_ROLES}
KIND_ROLES: Final[Mapping[str, str]] = {"BL": "boot", "AP": "system", "CP": "modem"}
LOADER_ROLES: Final[Mapping[str, str]] = {"agentboot_usb": "second_loader", "agentboot_uart": "second_loader_uart"}
# A part of these is carried along in newer packages and never written. Source: platform-eigencomm 1.4.
CARRIED: Final = (".json", ".ini")
RF_TABLE: Final = "MergeRfTable.bin"
RF_ROLE: Final = "rf"
# Source: platform-eigencomm 3.2 (rom_version in the vendor's inis).
CHIP_OF_ROM: Final[Mapping[str, str]] = {
    "0000000102000000": "eigen618",
    "0000000103030000": "eigen718",
    "0000000203030000": "eigen718",
    "0000000303030000": "eigen718",
}
_CHIP_IN_WORD: Final = re.compile(r"ec(616|618|716|718)", re.IGNORECASE)
_ROM_VERSION: Final = re.compile(r"\b[0-9a-fA-F]{16}\b")
# Only EC618 has its AP image here. Source: platform-eigencomm 1.3, 3.4, 4 (burnaddr).
_AP_OF_EC618: Final = 0x24000
_VERSION_ROLES: Final = ("system", "app")


def read_opened(opened: Opened, name: str = "", *, must_check: bool = True) -> FirmwarePackage:
    """The package in an opened file; see ``read_package``."""
    return package_of(eigen.read(opened.inner, must_check=must_check), opened.shells, name)


def write_inner(package: FirmwarePackage) -> bytes:
    """The zip or binpkg without what is around it."""
    return eigen.write(eigen_of(package))


def eigen_of(package: FirmwarePackage) -> EigenPackage:
    """The container of a package that is an EigenComm one."""
    assert isinstance(package.source, EigenPackage), package.container
    return package.source


def facts_of(package: FirmwarePackage) -> dict[str, Any]:
    """What ``pack info`` tells beyond what every package has."""
    source = eigen_of(package)
    has = {name: package.part(name) is not None for name in AGENTBOOTS}
    return {
        "platform": source.platform,
        "folder": source.root,
        "binpkg": source.binpkg_name.rpartition("/")[2] or package.name,
        "binpkg_version": source.binpkg.version,
        "agentboot": [name.removeprefix("agentboot_") for name, is_there in has.items() if is_there],
        "rom_versions": list(rom_versions(source)),
        "fs": [f"{role}: {_shown(image)}" for role, image in images_of(package).items()],
    }


def package_of(source: EigenPackage, shells: tuple[Shell, ...] = (), name: str = "") -> FirmwarePackage:
    """The package a container holds."""
    parts = tuple(_unique(_parts(source)))
    identity = identify(parts, name, _VERSION_ROLES)
    return FirmwarePackage(
        container=CONTAINER,
        chip=chip_of(source),
        parts=parts,
        areas=tuple(_areas(parts)),
        version=identity.version,
        model=identity.model,
        nv_backup=False,
        nv_items=(),
        name=name,
        product=source.binpkg.product or source.platform,
        source=source,
        shells=shells,
    )


def images_of(package: FirmwarePackage) -> dict[str, LittleFsImage]:
    """The file systems in the package's own images, by role; what is blank or damaged is left out."""
    found = {}
    for part in package.parts:
        image = _file_system(part.data) if part.role in SCRIPT_ROLES and part.kind == "code" else None
        if image is not None:
            found[part.role] = image
    return found


def rom_versions(source: EigenPackage) -> tuple[str, ...]:
    """The boot ROMs the inis are for."""
    found: dict[str, None] = {}
    for _, ini in source.inis():
        for key in ("rom_version", "rom_version_append_list"):
            for value in ini.all_of(key):
                found |= dict.fromkeys(one.lower() for one in _ROM_VERSION.findall(value))
    return tuple(found)


def chip_told(source: EigenPackage) -> dict[str, str]:
    """What says which chip it is for, and what each says; see ``chip_of``."""
    told = {}
    if match := _CHIP_IN_WORD.search(source.binpkg.product):
        told[source.binpkg.product] = f"eigen{match[1]}"
    if source.format_file and (match := _CHIP_IN_WORD.search(source.format_file[0])):
        told[source.format_file[0]] = f"eigen{match[1]}"
    roms = {CHIP_OF_ROM[rom] for rom in rom_versions(source) if rom in CHIP_OF_ROM}
    if len(roms) == 1:
        told["rom_version"] = roms.pop()
    if any(one.kind == "AP" and one.address == _AP_OF_EC618 for one in source.binpkg.entries):
        told["ap_at_command"] = "eigen618"
    return told


def chip_of(source: EigenPackage) -> str:
    """The chip, when all that says something says the same; empty otherwise."""
    told = set(chip_told(source).values())
    return told.pop() if len(told) == 1 else ""


def bus_address(address: int, *, is_modem: bool = False) -> int:
    """The address the processor sees, of an offset or of such an address."""
    if address >= MAX_FLASH_BYTES:
        return address
    return address + (CP_BASE if is_modem else AP_BASE)


def _parts(source: EigenPackage) -> Iterator[Part]:
    """Loaders, what is burnt in its order, then what only lies in the zip."""
    used = {source.binpkg_name}
    for name, path in AGENTBOOTS.items():
        if (data := source.member(path)) is not None:
            used.add(source.root + path)
            yield Part(name, LOADER_ROLES[name], "loader", data, NO_PLACE, 0, name == "agentboot_usb", path)
    for entry in source.binpkg.entries:
        yield _entry_part(entry)
    for one in source.files:
        name = one.file_name.removesuffix(".bin")
        if (data := source.member(one.file_name)) is not None:
            used.add(source.root + one.file_name)
            place = bus_address(one.address)
            yield Part(name, FILE_ROLES[name], "code", data, place, one.room_bytes, bool(data), one.file_name)
    for path, data in source.members.items():
        if path not in used:
            local = path.removeprefix(source.root)
            role = RF_ROLE if local == RF_TABLE else ""
            yield Part(local, role, "unused", data, NO_PLACE, 0, is_default=False, file_name=local)


def _entry_part(entry: BinEntry) -> Part:
    role = KIND_ROLES.get(entry.kind, "")
    if entry.name.lower().endswith(CARRIED):
        return Part(entry.name, "", "unused", entry.data, NO_PLACE, entry.room_bytes, is_default=False)
    if not role and entry.kind.startswith("FLX"):
        plain = entry.name.removesuffix(".bin")
        words = {"application": "app", "updater": "updater", **FILE_ROLES}
        role = words.get(plain, "")
    kind = "code" if role or entry.kind.startswith("FLX") else "unknown"
    place = bus_address(entry.address, is_modem=role == "modem")
    return Part(entry.name, role, kind, entry.data, place, entry.room_bytes, kind == "code")


def _areas(parts: tuple[Part, ...]) -> Iterator[FsArea]:
    """The areas of the parts that hold file systems; as large as the file system in them."""
    for name, role in AREA_ROLES.items():
        part = next((one for one in parts if one.role == role and one.kind == "code"), None)
        if part is None:
            continue
        image = _file_system(part.data)
        size = image.geometry.total_bytes if image is not None else part.size
        yield FsArea(name, role, part.address, min(size, part.size) if part.size else size, "table")


def _unique(parts: Iterator[Part]) -> Iterator[Part]:
    """The parts under names of their own."""
    seen: dict[str, int] = {}
    for part in parts:
        seen[part.name] = count = seen.get(part.name, 0) + 1
        yield part if count == 1 else replace(part, name=f"{part.name}#{count}")


def _file_system(data: bytes) -> LittleFsImage | None:
    """The file system in an image; None for a blank or a damaged one, which ``verify`` reports."""
    if littlefs.recognise(data) is None:
        return None
    try:
        return littlefs.read_image(data)
    except FormatError:
        return None


def _shown(image: LittleFsImage) -> str:
    return f"{image.geometry.kind} {image.geometry.block_count} x {image.geometry.block_bytes}"
