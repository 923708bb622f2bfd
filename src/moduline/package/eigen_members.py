"""Parts of an EigenComm package replaced and taken away; everything else stays byte for byte.

A file system that lies beside the binpkg is a member of the zip; one within the binpkg is an entry, whose hash and size
follow. The kind and geometry of an image to put in are those of the image that is there: which littlefs a firmware
uses is written nowhere else.

Source: platform-eigencomm 1.2 to 1.4.
"""

from __future__ import annotations

from collections.abc import Sequence

from moduline.errors import BadOption, Text, TooBig, Unsupported
from moduline.formats import littlefs
from moduline.formats.container import eigen, eigen_binpkg
from moduline.formats.littlefs import LFS1, FsGeometry
from moduline.package.eigen import eigen_of, images_of, package_of
from moduline.package.parts import FirmwarePackage, FsArea, Part


def fill(stock: FirmwarePackage, images: Sequence[tuple[FsArea, bytes]]) -> FirmwarePackage:
    """The package with images in their areas.

    Raises:
        Unsupported: the package has no image of an area, so that nobody can say what its firmware would mount.
        TooBig: an image is larger than its area.
    """
    package = stock
    for area, image in images:
        part = next((one for one in package.parts if one.role == area.role and one.kind == "code"), None)
        if part is None:
            raise _no_image(area.name)
        package = _changed(package, part, image)
    return package


def geometry_of(package: FirmwarePackage, area: FsArea, read_bytes: int, program_bytes: int) -> FsGeometry:
    """What an image for an area must be like: as the one in the package.

    Args:
        package: the base.
        area: one of its areas.
        read_bytes: read unit of the driver, which no image stores.
        program_bytes: program unit, the same.

    Raises:
        Unsupported: the package's own image is missing, blank or damaged.
    """
    image = images_of(package).get(area.role)
    if image is None:
        raise _no_image(area.name)
    found = image.geometry
    # Modules with littlefs 1 drive one block less than the partition has. Source: platform-asr 2.
    usable = found.block_count - 1 if found.kind == LFS1 else None
    return FsGeometry(found.kind, found.block_bytes, found.block_count, read_bytes, program_bytes, usable)


def substitute(package: FirmwarePackage, name: str, data: bytes) -> FirmwarePackage:
    """The package with another content of one part.

    Raises:
        BadOption: no such part, or a file system of another version than the one in its place.
        TooBig: the content is larger than its place.
    """
    part = package.part(name)
    if part is None:
        raise BadOption(name="part", reason=Text("no part '{part}'", "没有部分“{part}”"), part=name)
    return _changed(package, part, data)


def strip(package: FirmwarePackage, names: Sequence[str]) -> FirmwarePackage:
    """The package without some members that nothing refers to, or without entries of the binpkg.

    Raises:
        BadOption: no such part, or one that is needed: an image of the binpkg that is code, or a file of the ini.
    """
    source = eigen_of(package)
    members = set()
    for name in names:
        part = package.part(name)
        if part is None:
            raise BadOption(name="part", reason=Text("no part '{part}'", "没有部分“{part}”"), part=name)
        if part.kind != "unused" or not part.file_name:
            why = Text("the package cannot do without '{part}'", "固件包不能缺少“{part}”")
            raise BadOption(name="part", reason=why, part=name)
        members.add(_path(source, part))
    return package_of(eigen.without_members(source, members), package.shells, package.name)


def _changed(package: FirmwarePackage, part: Part, data: bytes) -> FirmwarePackage:
    source = eigen_of(package)
    if part.size and len(data) > part.size:
        raise TooBig(what=part.name, need=len(data), have=part.size)
    before, after = littlefs.recognise(part.data), littlefs.recognise(data)
    if before and after and before != after:
        why = Text("{part} holds {before}, not {after}", "{part} 为 {before}，不是 {after}")
        raise BadOption(name=part.name, reason=why, part=part.name, before=before, after=after)
    if part.file_name:
        changed = eigen.with_members(source, {_path(source, part): data})
    else:
        entries = [one for one in package.parts if not one.file_name]
        binpkg = eigen_binpkg.with_data(source.binpkg, entries.index(part), data)
        changed = eigen.with_binpkg(source, binpkg)
    return package_of(changed, package.shells, package.name)


def _path(source: eigen.EigenPackage, part: Part) -> str:
    """Full name of the member a part was read from."""
    beside = source.root + part.file_name
    return beside if beside in source.members else part.file_name


def _no_image(area: str) -> Unsupported:
    return Unsupported(
        format=Text("the package", "固件包"),
        reason=Text(
            "it has no image of {area}; which littlefs its firmware mounts is not public and nobody guesses it",
            "缺少 {area} 的镜像；其固件使用的 littlefs 版本未公开，不能猜测",
        ),
        remedy=Text(
            "use the package with its customer_fs.bin and customer_backup_fs.bin",
            "请使用带有 customer_fs.bin 与 customer_backup_fs.bin 的完整固件包",
        ),
        area=area,
    )
