"""Checks of an ASR package itself: members the script needs, places in the partition table, loaders, stale copies.

Source: platform-asr 1.2 to 1.8, 6.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from moduline.errors import FormatError
from moduline.formats.container import asr, asr_fip, asr_stream
from moduline.formats.container.asr import AsrPackage
from moduline.formats.container.asr_script import COMMANDS, IMAGE_COMMANDS
from moduline.formats.container.asr_table import FLASH_BASE, AsrPartition
from moduline.package.asr import AREA_FILES, CHIPS, asr_of
from moduline.package.findings import ERROR, NOTICE, WARNING, Finding, finding, of_error
from moduline.package.parts import FirmwarePackage


def verify(package: FirmwarePackage) -> Iterator[Finding]:
    """What is wrong or remarkable about the container."""
    source = asr_of(package)
    yield from _chip(package, source)
    yield from _table(source)
    yield from _flash_size(source)
    yield from _commands(source)
    yield from _loaders(package)
    yield from _stream(source)


def _chip(package: FirmwarePackage, source: AsrPackage) -> Iterator[Finding]:
    if not package.chip:
        roms = ", ".join(source.bootroms) or source.platform or "?"
        yield finding(WARNING, "chip-unknown", "", "the chip is not known: {roms}", "芯片未知：{roms}", roms=roms)
    elif source.platform in CHIPS and source.platform != package.chip:
        yield finding(
            ERROR,
            "chip-contradiction",
            "",
            "platform_config.json says {platform}, the boot ROM it requires is that of {chip}",
            "platform_config.json 为 {platform}，而所需的启动 ROM 属于 {chip}",
            platform=source.platform,
            chip=package.chip,
        )


def _table(source: AsrPackage) -> Iterator[Finding]:
    table = source.table
    if table.wrong_crc is not None:
        yield finding(
            ERROR, "table-crc", asr.TABLE_NAME, "its CRC is wrong (0x{stored:08x})", "CRC 错误（0x{stored:08x}）",
            stored=table.wrong_crc,
        )  # fmt: skip
    if not table.has_crc:
        yield finding(NOTICE, "table-no-crc", asr.TABLE_NAME, "it has no CRC", "没有 CRC")
    seen: dict[str, AsrPartition] = {}
    for one in table.entries:
        if one.name in seen:
            yield _in_table(ERROR, "table-duplicate", one, "it is there twice", "重复出现")
        seen[one.name] = one
        if table.flash_bytes and one.depth and one.end > table.flash_bytes:
            yield _in_table(ERROR, "table-range", one, "it ends behind the flash", "超出 Flash 末尾")
        if one.depth and one.address != (FLASH_BASE + one.start) & 0xFFFFFFFF:
            yield _in_table(WARNING, "table-address", one, "its address is not that of its start", "地址与起始偏移不符")
    for depth in (2, 3):
        rows = sorted((one for one in table.entries if one.depth == depth), key=lambda one: one.start)
        for first, second in pairwise(rows):
            if first.end > second.start:
                yield _in_table(ERROR, "table-overlap", second, "it overlaps '{other}'", "与“{other}”重叠", first.name)


def _in_table(severity: str, slug: str, one: AsrPartition, en: str, zh: str, other: str = "") -> Finding:
    facts = {"name": one.name, "other": other}
    return finding(severity, slug, asr.TABLE_NAME, f"partition '{{name}}': {en}", f"分区“{{name}}”：{zh}", **facts)


def _flash_size(source: AsrPackage) -> Iterator[Finding]:
    if source.flash_list is None:
        yield finding(WARNING, "flash-list-missing", "", "there is no flashinfo.bin", "缺少 flashinfo.bin")
        return
    have = sum(block.size_bytes for block in source.flash_list.blocks)
    if source.table.flash_bytes and have != source.table.flash_bytes:
        yield finding(
            WARNING,
            "flash-size",
            asr.FLASH_LIST_NAME,
            "the flash chips have {have} bytes, the partition table is for {need}",
            "Flash 为 {have} 字节，分区表对应 {need} 字节",
            have=have,
            need=source.table.flash_bytes,
        )


def _commands(source: AsrPackage) -> Iterator[Finding]:
    for one in source.script.commands:
        where = one.partition or one.image
        if one.command not in COMMANDS:
            yield finding(
                WARNING, "command-unknown", where, "unknown command '{command}'", "未知命令“{command}”",
                command=one.command,
            )  # fmt: skip
        if one.command in IMAGE_COMMANDS and source.member_of(one.image, one.bootrom) is None:
            yield finding(
                ERROR, "member-missing", where, "its image '{image}' is not in the package", "固件包缺少镜像“{image}”",
                image=one.image,
            )  # fmt: skip
        elif one.image and one.image_size is not None and one.image_size != len(source.image(one.image, one.bootrom)):
            yield finding(
                WARNING, "image-size", where, "the script states {stated} bytes, the image has {have}",
                "脚本声明 {stated} 字节，镜像为 {have} 字节", stated=one.image_size,
                have=len(source.image(one.image, one.bootrom)),
            )  # fmt: skip
        if one.command in {"flash", "erase"} and source.table.entry(one.partition) is None:
            yield finding(
                ERROR, "partition-missing", where, "partition '{partition}' is not in the table",
                "分区表中没有“{partition}”", partition=one.partition,
            )  # fmt: skip
    if not source.script.of("flash", "erase"):
        yield finding(WARNING, "script-idle", "", "the script writes nothing", "脚本不写入任何内容")
    if not source.bootroms:
        yield finding(WARNING, "bootrom-open", "", "the script accepts every boot ROM", "脚本未限定启动 ROM 版本")


def _loaders(package: FirmwarePackage) -> Iterator[Finding]:
    loaders = [part for part in package.parts if part.kind == "loader"]
    if len(loaders) < 2:
        yield finding(WARNING, "loaders", "", "it does not call two loaders", "未调用两个引导程序")
    for part in loaders:
        if not part.data:
            continue
        try:
            asr_fip.read(part.data)
        except FormatError as wrong:
            yield of_error("loader-damaged", part.name, wrong)


def _stream(source: AsrPackage) -> Iterator[Finding]:
    """Whether a recorded stream still has the images of the script areas."""
    data = source.members.get(asr.STREAM_NAME)
    if data is None or not asr_stream.is_stream(data):
        return
    try:
        written = list(asr_stream.flashed(asr_stream.read(data)))
    except FormatError as wrong:
        yield of_error("stream-damaged", asr.STREAM_NAME, wrong, WARNING)
        return
    for area in AREA_FILES:
        command = next((one for one in source.script.of("flash") if one.partition == area), None)
        image = source.image(command.image) if command and source.member_of(command.image) else None
        pieces = [(at, content) for name, content, at in written if name == area]
        if image is None or not pieces:
            continue
        if any(_differs(image, at, content) for at, content in pieces):
            yield finding(
                WARNING,
                "stream-stale",
                asr.STREAM_NAME,
                "it still holds another image of {area}; clients that play it write that one",
                "其中的 {area} 镜像未更新，使用它烧录的工具会写入旧镜像",
                area=area,
            )


def _differs(image: bytes, at: int, content: bytes) -> bool:
    """Whether a piece is not what the image has there; behind the image only padding may stand."""
    part = image[at : at + len(content)]
    return content[: len(part)] != part or len(set(content[len(part) :])) > 1
