"""Checks of a ``.pac`` itself: check values, and whether header, records and XML agree; what an 8850's ROM asks for.

Source: platform-unisoc 2.7 to 2.11, 3.2, 3.5, 5.7.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from moduline.formats import sihr
from moduline.formats.container import unisoc_scheme
from moduline.formats.container.unisoc import FLAG_XML
from moduline.package.findings import ERROR, WARNING, Finding, finding
from moduline.package.parts import FirmwarePackage, Part
from moduline.package.unisoc import pac_of
from moduline.profiles import catalog
from moduline.profiles.chip import ChipProfile

FLASH_TYPE_OF_CHIP: Final = {"unisoc8910": 1, "unisoc8850": 0}
HEADED_ROLES: Final = ("first_loader", "first_boot", "boot", "system", "app")
"""Parts that begin with a SIHR header on chips that have it."""


def verify(package: FirmwarePackage) -> Iterator[Finding]:
    """What is wrong or remarkable about the container."""
    pac = pac_of(package)
    for check in pac.wrong_checks:
        yield finding(
            ERROR,
            "container-crc",
            "",
            "{name} is {stored}, expected {computed}",
            "{name} 为 {stored}，应为 {computed}",
            name=check.name,
            stored=f"0x{check.stored:04x}",
            computed=f"0x{check.computed:04x}",
        )
    scheme = unisoc_scheme.read(pac.xml)
    in_records = [entry.id.text for entry in pac.entries if entry.flag != FLAG_XML]
    in_xml = [file.id for file in scheme.files]
    if set(in_xml) - set(in_records):
        names = ", ".join(sorted(set(in_xml) - set(in_records)))
        yield finding(
            WARNING,
            "xml-extra",
            "",
            "the XML describes what is not there: {names}",
            "XML 描述了不存在的条目：{names}",
            names=names,
        )
    elif in_xml != in_records:
        yield finding(WARNING, "xml-order", "", "XML and records have another order", "XML 与记录的顺序不一致")
    if pac.header.flash_type != FLASH_TYPE_OF_CHIP[package.chip]:
        yield finding(
            WARNING,
            "flash-type",
            "",
            "flash type {found} does not belong to {chip}",
            "Flash 类型 {found} 与 {chip} 不符",
            found=pac.header.flash_type,
            chip=package.chip,
        )
    chip = catalog.chip(package.chip)
    if chip.image_header == "sihr":
        for part in package.parts:
            yield from _headed(part, chip)
            yield from _nv_size(part, chip.entry.nv_bytes)
    if bool(pac.header.nv_backup) != scheme.nv_backup:
        yield finding(
            WARNING, "nv-backup", "", "header and XML disagree about the NV backup", "头部与 XML 的 NV 备份设置不一致"
        )


def _headed(part: Part, chip: ChipProfile) -> Iterator[Finding]:
    """Whether an image has its header, and whether the ROM would take a loader; ``verify`` checks what is inside."""
    if not part.data or part.role not in HEADED_ROLES:
        return
    if not sihr.is_sihr(part.data):
        yield finding(
            ERROR,
            "image-header",
            part.name,
            "it does not begin with a SIHR header, which this chip asks for",
            "未以该芯片要求的 SIHR 头部开始",
        )
        return
    stated = sihr.HEADER.unpack(part.data)["total_bytes"] if len(part.data) >= sihr.HEADER_BYTES else 0
    if sihr.HEADER_BYTES <= stated < len(part.data):
        yield finding(
            WARNING,
            "image-tail",
            part.name,
            "{more} bytes stand behind the image its header describes",
            "头部描述的镜像之后另有 {more} 字节",
            more=len(part.data) - stated,
        )
    loaders = {one.address for one in chip.loaders}
    if part.role == "first_loader" and part.address not in loaders:
        yield finding(
            ERROR,
            "loader-address",
            part.name,
            "the ROM loads to {wanted} only, not to {found}",
            "ROM 只能加载到 {wanted}，而非 {found}",
            wanted=", ".join(f"0x{one:08x}" for one in sorted(loaders)),
            found=f"0x{part.address:08x}",
        )


def _nv_size(part: Part, block_bytes: int) -> Iterator[Finding]:
    """Whether the template is a whole block."""
    if part.kind == "nv" and len(part.data) != block_bytes:
        yield finding(
            ERROR if len(part.data) > block_bytes else WARNING,
            "nv-size",
            part.name,
            "the template has {have} bytes, a block of this chip {want}",
            "模板为 {have} 字节，该芯片的数据块为 {want} 字节",
            have=len(part.data),
            want=block_bytes,
        )
