"""Checks of a ``.pac`` itself: check values, and whether header, records and XML agree.

Source: platform-unisoc 2.7 to 2.11.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from moduline.formats.container import unisoc_scheme
from moduline.formats.container.unisoc import FLAG_XML
from moduline.package.findings import ERROR, WARNING, Finding, finding
from moduline.package.parts import FirmwarePackage
from moduline.package.unisoc import pac_of

FLASH_TYPE_OF_CHIP: Final = {"unisoc8910": 1, "unisoc8850": 0}


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
    if bool(pac.header.nv_backup) != scheme.nv_backup:
        yield finding(
            WARNING, "nv-backup", "", "header and XML disagree about the NV backup", "头部与 XML 的 NV 备份设置不一致"
        )
