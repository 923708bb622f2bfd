"""Every check of a package that needs no module: check values, image headers, places and sizes.

A package that was read is already free of the contradictions the reader refuses; what is left here is either a reason
not to burn it ("error"), unusual ("warning"), or good to know ("notice"). The NV template is the known case of the
last kind: its CRC is stale in every real package, and a burner recomputes it.

Source: platform-unisoc 2.7 to 2.11, 3.1 to 3.5.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from moduline.errors import FormatError
from moduline.formats import appimg, cpio, nv, sihr, system_image, uimage
from moduline.formats.container import asr_fip
from moduline.formats.littlefs import read_image
from moduline.package.containers import container_of
from moduline.package.findings import ERROR, NOTICE, WARNING, Finding, finding, of_error
from moduline.package.parts import FIRST_LOGICAL, SCRIPT_ROLES, FirmwarePackage, Part
from moduline.package.versions import own_system

CPIO_MEMBER_LIMIT: Final = {"unisoc8910": 0x10000, "unisoc8850": 0x190000}
ERASED: Final = b"\xff"


def verify(package: FirmwarePackage) -> list[Finding]:
    """What is wrong or remarkable about a package, container first, then part by part."""
    findings = list(container_of(package).verify(package))
    for part in package.parts:
        findings += _size(package, part)
        findings += _content(part, package)
    findings += _overlaps(package)
    findings += _own_partitions(package)
    return findings


def _size(package: FirmwarePackage, part: Part) -> Iterator[Finding]:
    if part.data and part.size and len(part.data) > part.size:
        yield finding(
            ERROR,
            "part-too-big",
            part.name,
            "content has {have} bytes, there is room for {room}",
            "内容为 {have} 字节，仅有 {room} 字节空间",
            have=len(part.data),
            room=part.size,
        )
    if part.kind == "unknown":
        yield finding(WARNING, "part-unknown", part.name, "a kind of entry that is not documented", "未知类型的条目")
    area = package.area(part.role)
    room = area.size if area is not None else part.size
    if part.role in SCRIPT_ROLES and len(part.data) != room:
        yield finding(
            WARNING,
            "area-size",
            part.name,
            "image has {have} bytes, area has {room}",
            "镜像为 {have} 字节，分区为 {room} 字节",
            have=len(part.data),
            room=room,
        )


def _content(part: Part, package: FirmwarePackage) -> Iterator[Finding]:
    """Checks inside a content, by what it is recognised as."""
    try:
        if part.kind == "nv":
            yield from _nv(part)
        elif part.kind == "cpio":
            yield from _cpio(part, package.chip)
        elif part.role in SCRIPT_ROLES and part.data:
            yield from _file_system(part)
        elif system_image.is_system_image(part.data):
            system_image.read(part.data)
        elif uimage.is_uimage(part.data):
            content = uimage.read(part.data).data
            if system_image.is_system_image(content):
                system_image.read(content)
        elif sihr.is_sihr(part.data):
            content = sihr.read(part.data).data
            if system_image.is_system_image(content):
                system_image.read(content)
        elif appimg.is_appimg(part.data):
            appimg.read(part.data)
        elif part.kind == "loader" and not (asr_fip.is_fip(part.data) or container_of(package).has_plain_loaders):
            yield finding(
                WARNING, "loader-header", part.name, "the loader has no known header", "引导程序缺少已知的头部"
            )
    except FormatError as wrong:
        yield of_error("image-damaged", part.name, wrong)


def _nv(part: Part) -> Iterator[Finding]:
    block = nv.read(part.data)
    if not nv.is_crc_right(part.data):
        yield finding(
            NOTICE,
            "nv-crc-stale",
            part.name,
            "CRC of the template is stale (0x{stored:04x}), as usual; it is recomputed when burning",
            "模板的 CRC 未更新（0x{stored:04x}），属正常情况；烧录时会重新计算",
            stored=block.stored_crc,
        )


def _cpio(part: Part, chip: str) -> Iterator[Finding]:
    limit = CPIO_MEMBER_LIMIT[chip]
    for member in cpio.read(part.data).members:
        if len(member.data) > limit:
            yield finding(
                WARNING,
                "cpio-member-too-big",
                part.name,
                "'{member}' has {have} bytes; modules take at most {limit}",
                "“{member}”为 {have} 字节；模组最多接受 {limit} 字节",
                member=member.path,
                have=len(member.data),
                limit=limit,
            )


def _file_system(part: Part) -> Iterator[Finding]:
    if part.data == ERASED * len(part.data):
        yield finding(
            NOTICE, "fs-blank", part.name, "the area is blank; the module formats it", "分区为空；模组会自行格式化"
        )
        return
    image = read_image(part.data)
    if image.geometry.block_count * image.geometry.block_bytes > len(part.data):
        yield finding(
            ERROR,
            "fs-larger-than-area",
            part.name,
            "the file system has {blocks} blocks, more than the area holds",
            "文件系统有 {blocks} 个块，超出分区大小",
            blocks=image.geometry.block_count,
        )


def _own_partitions(package: FirmwarePackage) -> Iterator[Finding]:
    """Areas of the package against the partitions our own firmware drives."""
    images = [own_system(part) for part in package.parts if part.role == "system"]
    for image in filter(None, images):
        for area in package.areas:
            own = image.partition(area.role)
            if own and (own.address, own.size_bytes) != (area.address, area.size):
                yield finding(
                    ERROR,
                    "area-misplaced",
                    area.name,
                    "the package has it at {found}, the firmware drives {expected}",
                    "固件包中位于 {found}，固件使用 {expected}",
                    found=f"0x{area.address:08x} + 0x{area.size:x}",
                    expected=f"0x{own.address:08x} + 0x{own.size_bytes:x}",
                )


def _overlaps(package: FirmwarePackage) -> Iterator[Finding]:
    """Contents over each other, and erases that wipe what was written before."""
    has_nested = container_of(package).has_nested_parts
    written: list[Part] = []
    for part in package.parts:
        if part.kind not in {"code", "erase"} or part.address >= FIRST_LOGICAL or not part.is_default:
            continue
        length = len(part.data) if part.kind == "code" else part.size
        for other in written:
            if part.address < other.address + len(other.data) and other.address < part.address + length:
                is_child = has_nested and _is_within(part, other)
                yield finding(
                    NOTICE if is_child else ERROR,
                    "overlap",
                    part.name,
                    "it overwrites '{other}', which was written before",
                    "会覆盖先前写入的“{other}”",
                    other=other.name,
                )
        if part.kind == "code":
            written.append(part)


def _is_within(part: Part, other: Part) -> bool:
    """Whether one place lies wholly in another, larger one."""
    is_inside = other.address <= part.address and part.address + part.size <= other.address + other.size
    return is_inside and part.size < other.size
