"""Another boundary between the user and the backup area of a Unisoc package.

::

    before   | PY_FS_U      0x60000 | PY_FS_B 0x20000 |
    after    | PY_FS_U 0x40000 | PY_FS_B      0x40000 |     both together stay where they are

What the package says about the two places changes: the blocks in the XML and the addresses of the records, of the
areas and of what erases them. Images that are there are taken out, because they are of the old sizes. Our own system
image says itself what it drives and is changed with them. Whether a vendor's firmware follows the package is not
public; a caller must say so.

Source: platform-unisoc 2.10, 4 (Base and Size of the erase entries are the best rule for where the areas are).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from moduline.errors import BadOption, MissingArea, Text, Unsupported
from moduline.formats import sihr, system_image, uimage
from moduline.formats.container import unisoc_scheme
from moduline.formats.container.unisoc import Pac
from moduline.formats.system_image import SystemPartition
from moduline.package.parts import FirmwarePackage, FsArea
from moduline.package.unisoc import CONTAINER, ERASE_PREFIX, pac_of, package_of
from moduline.package.unisoc_entries import strip_entry, substitute_entry
from moduline.package.versions import own_system

BLOCK_BYTES: Final = 0x1000
MIN_BYTES: Final = 8 * BLOCK_BYTES
_USER, _BACKUP = "user_fs", "backup_fs"


def split(package: FirmwarePackage, user_bytes: int) -> FirmwarePackage:
    """The package with a user area of that size; the backup area gets the rest.

    Args:
        package: a Unisoc package that names both areas.
        user_bytes: whole blocks of 4096; both areas need at least 8 of them.

    Raises:
        Unsupported: another platform, whose areas are fixed by its firmware or partition table.
        MissingArea: the package does not name both areas.
        BadOption: the areas do not adjoin, or a size that is not possible.
    """
    if package.container != CONTAINER:
        raise Unsupported(
            format=Text("the split", "分区比例"),
            reason=Text("only packages of UNISOC chips state it", "仅展锐平台固件包可调整"),
            remedy=Text("leave it out for this module", "该型号请勿指定"),
        )
    user, backup = _areas(package)
    both = user.size + backup.size
    if user_bytes % BLOCK_BYTES or not MIN_BYTES <= user_bytes <= both - MIN_BYTES:
        why = Text(
            "0x{size:x}: whole blocks of 0x1000, from 0x{least:x} to 0x{most:x}",
            "0x{size:x}：须为 0x1000 的整数倍，介于 0x{least:x} 与 0x{most:x} 之间",
        )
        raise BadOption(name="--split", reason=why, size=user_bytes, least=MIN_BYTES, most=both - MIN_BYTES)
    if user_bytes == user.size:
        return package
    places = {
        user.name: (user.address, user_bytes),
        backup.name: (user.address + user_bytes, both - user_bytes),
    }
    pac = pac_of(package)
    for name, (address, size) in places.items():
        if package.part(name) is not None:
            pac = strip_entry(pac, name)
        pac = _moved(pac, ERASE_PREFIX + name, address, size)
    by_role = {user.role: places[user.name], backup.role: places[backup.name]}
    return package_of(_with_own_system(pac, package, by_role), package.shells, package.name)


def _areas(package: FirmwarePackage) -> tuple[FsArea, FsArea]:
    found = []
    for role in (_USER, _BACKUP):
        area = package.area(role)
        if area is None or package.part(ERASE_PREFIX + area.name) is None:
            raise MissingArea(role=role, package=package.name or package.product)
        found.append(area)
    user, backup = found
    if user.address + user.size != backup.address:
        raise BadOption(name="--split", reason=Text("the two areas do not adjoin", "两个分区不相邻"))
    return user, backup


def _moved(pac: Pac, name: str, address: int, size: int) -> Pac:
    """The container with the place of one entry changed, in its record and in the XML."""
    xml = unisoc_scheme.move_file(pac.xml, name, address, size)
    entries = (
        replace(entry, addresses=(address, *entry.addresses[1:])) if entry.id.text == name else entry
        for entry in pac.entries
    )
    return pac.with_entries(entries).with_xml(xml)


def _with_own_system(pac: Pac, package: FirmwarePackage, places: dict[str, tuple[int, int]]) -> Pac:
    """The container whose system, if it is ours, drives the new areas."""
    part = package.by_role("system")
    image = own_system(part) if part is not None else None
    if part is None or image is None:
        return pac
    partitions = tuple(_resized(one, places.get(one.role)) for one in image.partitions)
    changed = replace(image, partitions=partitions)
    if sihr.is_sihr(part.data):
        head = sihr.read(part.data)
        content = system_image.write(changed, sihr.HEADER_BYTES)
        return substitute_entry(pac, part.name, sihr.write(content, head.name, head.time, head.load_address))
    outer = uimage.read(part.data)
    content = system_image.write(changed, uimage.HEADER_BYTES)
    return substitute_entry(pac, part.name, uimage.write(replace(outer, data=content)))


def _resized(one: SystemPartition, place: tuple[int, int] | None) -> SystemPartition:
    if place is None:
        return one
    address, size = place
    idle = one.size_bytes // one.block_bytes - one.driven_blocks if one.block_bytes else 0
    changes: dict[str, Any] = {"address": address, "size_bytes": size}
    if one.block_bytes:
        changes["driven_blocks"] = size // one.block_bytes - idle
    return replace(one, **changes)
