"""Members of an ASR package put in, replaced and taken away; everything else in the zip stays byte for byte.

An area whose image is already flashed gets another image, in the folders of single boot ROMs, too. One that the
partition table has and the script does not flash gets a new member and a flash command made like that of its neighbour,
in the style of the script. Sizes the script states are renewed. A recorded stream in ``firmware.bin`` keeps the old
images; ``verify`` says so.

Source: platform-asr 1.8.
"""

from __future__ import annotations

from collections.abc import Sequence

from moduline.errors import BadOption, MissingArea, Text
from moduline.formats.container import asr, asr_script
from moduline.formats.container.asr import AsrPackage
from moduline.package.asr import AREA_FILES, AREA_ROLES, asr_of, package_of
from moduline.package.parts import FirmwarePackage, FsArea


def fill(stock: FirmwarePackage, images: Sequence[tuple[FsArea, bytes]]) -> FirmwarePackage:
    """The package with images in their areas.

    Raises:
        MissingArea: an area the package's own partition table does not have, or nothing to put the command behind.
    """
    source = asr_of(stock)
    order = list(AREA_ROLES.values())
    for area, image in sorted(images, key=lambda one: order.index(one[0].role) if one[0].role in order else -1):
        if source.table.entry(area.name) is None:
            raise MissingArea(role=area.role, package=stock.name or stock.product)
        source = _filled(source, area, image)
    return package_of(source, stock.shells, stock.name)


def substitute(package: FirmwarePackage, name: str, data: bytes) -> FirmwarePackage:
    """The package with another content of one part.

    Raises:
        BadOption: no such part, or one without content.
    """
    part = package.part(name)
    source = asr_of(package)
    if part is None or part.file_name not in source.members:
        raise _no_part(name)
    return package_of(_changed(source, {part.file_name: data}), package.shells, package.name)


def strip(package: FirmwarePackage, names: Sequence[str]) -> FirmwarePackage:
    """The package without some members that its script does not use.

    Raises:
        BadOption: no such part, or one the script names.
    """
    members = set()
    for name in names:
        part = package.part(name)
        if part is None:
            raise _no_part(name)
        if part.kind != "unused":
            why = Text("the script of the package uses '{part}'", "固件包脚本引用了“{part}”")
            raise BadOption(name="part", reason=why, part=name)
        members.add(part.file_name)
    return package_of(asr.without_members(asr_of(package), members), package.shells, package.name)


def _filled(source: AsrPackage, area: FsArea, image: bytes) -> AsrPackage:
    images = {one.image for one in source.script.of("flash") if one.partition == area.name}
    held = [member for member in source.members if member.rpartition("/")[2] in images]
    if images:
        return _changed(source, dict.fromkeys(held or images, image))
    flashed = [one.partition for one in source.script.of("flash") if one.partition and one.image]
    if not flashed:
        raise MissingArea(role=area.role, package=asr.NAME)
    neighbours = [one for one in AREA_FILES if one in flashed]
    name = AREA_FILES[area.name]
    script = asr_script.with_flash(source.script, name, area.name, (neighbours or flashed)[-1], len(image))
    return asr.with_members(source, {name: image, asr.SCRIPT_NAME: asr_script.write(script)})


def _changed(source: AsrPackage, changes: dict[str, bytes]) -> AsrPackage:
    """The package with other contents, and what the script says about their sizes."""
    if asr.SCRIPT_NAME in changes:
        return asr.with_members(source, changes)
    script = asr_script.with_sizes(
        source.script, {name.rpartition("/")[2]: len(data) for name, data in changes.items()}
    )
    return asr.with_members(source, {**changes, asr.SCRIPT_NAME: asr_script.write(script)})


def _no_part(name: str) -> BadOption:
    return BadOption(
        name="part", reason=Text("no part '{part}' with content", "没有内容的部分或不存在：“{part}”"), part=name
    )
