"""Stock package plus file-system images gives a production package.

Nothing but the images changes, and what the container says about them. Merging into a production package replaces the
contents. Where an area is comes from the package itself; a table of the caller is used only for areas the package does
not name. How an image is put into the container is the container's own affair, see ``containers``.

Source: platform-unisoc 4; platform-asr 1.8.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from moduline.errors import AreaConflict, BadOption, MissingArea, Text, TooBig
from moduline.package.containers import container_of
from moduline.package.parts import FIRST_LOGICAL, SCRIPT_ROLES, FirmwarePackage, FsArea, Part


def merge(
    stock: FirmwarePackage, images: Mapping[str, bytes], fallback: Sequence[FsArea] | None = None
) -> FirmwarePackage:
    """The production package of ``stock`` with the images in their areas.

    Args:
        stock: a stock package, or a production package whose images are to be replaced.
        images: role of an area ("user_fs", "backup_fs", "customer_fs_c") to image; exactly as large as the area.
        fallback: areas to assume where the package names none; from the module's profile.

    Raises:
        BadOption: a role that is no area, or an image smaller than its area.
        MissingArea: neither package nor ``fallback`` say where an area is.
        AreaConflict: a fallback area overlaps something the package writes.
        TooBig: an image is larger than its area.
    """
    unknown = sorted(set(images) - set(SCRIPT_ROLES))
    if unknown:
        raise BadOption(name="images", reason=Text("'{role}' is no area", "“{role}”不是文件系统分区"), role=unknown[0])
    placed = []
    for role in SCRIPT_ROLES:
        if role in images:
            area = locate(stock, role, fallback)
            _check_size(images[role], area)
            placed.append((area, images[role]))
    return container_of(stock).fill(stock, placed)


def locate(package: FirmwarePackage, role: str, fallback: Sequence[FsArea] | None = None) -> FsArea:
    """Where the area of a role is.

    Raises:
        MissingArea: neither package nor ``fallback`` say it.
        AreaConflict: the fallback overlaps something the package writes.
    """
    area = package.area(role)
    if area is not None:
        return area
    assumed = next((area for area in fallback or () if area.role == role), None)
    if assumed is None:
        raise MissingArea(role=role, package=package.name or package.product)
    clash = overlapping(package.parts, assumed)
    if clash is not None:
        raise AreaConflict(
            area=assumed.name, address=f"0x{assumed.address:08x}", size=f"0x{assumed.size:x}", part=clash.name
        )
    return replace(assumed, told_by="fallback")


def overlapping(parts: Iterable[Part], area: FsArea) -> Part | None:
    """The first flash part that shares a byte with the area."""
    for part in parts:
        is_flash = part.kind in {"code", "erase"} and part.address < FIRST_LOGICAL
        if is_flash and part.address < area.address + area.size and area.address < part.address + part.size:
            return part
    return None


def substitute(package: FirmwarePackage, name: str, data: bytes) -> FirmwarePackage:
    """The package with another content of one part.

    Raises:
        BadOption: no such part, or one without content.
    """
    return container_of(package).substitute(package, name, data)


def strip(package: FirmwarePackage, names: Sequence[str]) -> FirmwarePackage:
    """The package without some parts; the vendor's ``pacstrip``.

    Raises:
        BadOption: a part that is not there, or that the container cannot do without.
    """
    return container_of(package).strip(package, names)


def _check_size(image: bytes, area: FsArea) -> None:
    if len(image) > area.size:
        raise TooBig(what=Text("the image of {area}", "{area} 的镜像"), need=len(image), have=area.size, area=area.name)
    if len(image) < area.size:
        why = Text("image has {have} bytes, area has {need}", "镜像为 {have} 字节，分区为 {need} 字节")
        raise BadOption(name=area.name, reason=why, have=len(image), need=area.size)
