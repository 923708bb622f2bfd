"""Checks of an EigenComm package itself: hashes, places, agentboot, inis, what must never be erased.

Source: platform-eigencomm 1.1 to 1.4, 3.4, 4.
"""

from __future__ import annotations

from collections.abc import Iterator

from moduline.errors import FormatError
from moduline.formats.container import eigen, eigen_binpkg
from moduline.formats.container.eigen import KEPT_REGIONS, EigenPackage, FormatRegion
from moduline.package.eigen import AREA_FILES, LOADER_ROLES, NO_PLACE, bus_address, chip_told, eigen_of, images_of
from moduline.package.findings import ERROR, NOTICE, WARNING, Finding, finding, of_error
from moduline.package.parts import FirmwarePackage

MAX_IMAGE_BYTES = 0x3FC000
"""What an agentboot takes at most. Source: platform-eigencomm 3.4."""
BLOCK_BYTES = 0x1000


def verify(package: FirmwarePackage) -> Iterator[Finding]:
    """What is wrong or remarkable about the container."""
    source = eigen_of(package)
    yield from _chip(package, source)
    yield from _binpkg(source)
    yield from _loaders(package, source)
    yield from _files(package, source)
    yield from _kept(package, source)


def _chip(package: FirmwarePackage, source: EigenPackage) -> Iterator[Finding]:
    if package.chip:
        return
    told = chip_told(source)
    if told:
        shown = ", ".join(f"{name}: {chip}" for name, chip in told.items())
        yield finding(ERROR, "chip-contradiction", "", "its files name several chips: {told}",
                      "固件包内文件指向不同芯片：{told}", told=shown)  # fmt: skip
    else:
        yield finding(WARNING, "chip-unknown", "", "nothing says which chip it is for", "未指明适用的芯片")


def _binpkg(source: EigenPackage) -> Iterator[Finding]:
    binpkg = source.binpkg
    for one in binpkg.entries:
        if not one.is_hash_right:
            yield finding(ERROR, "image-hash", one.name, "its SHA-256 is wrong", "SHA-256 不符")
        if len(one.data) > MAX_IMAGE_BYTES:
            yield finding(ERROR, "image-too-big", one.name, "{have} bytes; a loader takes {most}",
                          "{have} 字节，引导程序最多接受 {most}", have=len(one.data), most=MAX_IMAGE_BYTES)  # fmt: skip
        if not one.kind.startswith(eigen_binpkg.KINDS):
            yield finding(WARNING, "kind-unknown", one.name, "type '{kind}' is not documented",
                          "类型“{kind}”没有公开文档", kind=one.kind)  # fmt: skip
    for name in eigen_binpkg.misplaced(binpkg):
        yield finding(WARNING, "entry-offset", name, "its entry stands elsewhere than it says", "条目位置与其声明不符")
    if binpkg.tail:
        yield finding(WARNING, "binpkg-tail", "", "{count} bytes stand behind the last entry",
                      "最后一个条目之后还有 {count} 字节", count=len(binpkg.tail))  # fmt: skip
    if not any(one.kind == "AP" for one in binpkg.entries):
        yield finding(WARNING, "no-system", "", "the binpkg has no AP image", "binpkg 中没有 AP 镜像")


def _loaders(package: FirmwarePackage, source: EigenPackage) -> Iterator[Finding]:
    loaders = [part for part in package.parts if part.role in LOADER_ROLES.values()]
    if not loaders:
        yield finding(
            NOTICE if source.is_bare else WARNING,
            "agentboot-missing",
            "",
            "no agentboot inside; a burner must be given one: take the vendor's whole zip",
            "不含 agentboot，烧录时需另行提供；请使用厂商的完整 zip",
        )
    for part in loaders:
        if not part.data or len(part.data) > MAX_IMAGE_BYTES:
            yield finding(ERROR, "agentboot-size", part.name, "an agentboot of {have} bytes",
                          "agentboot 大小为 {have} 字节", have=len(part.data))  # fmt: skip


def _files(package: FirmwarePackage, source: EigenPackage) -> Iterator[Finding]:
    if not source.is_bare and source.member(eigen.DOWNLOAD_NAME) is None:
        yield finding(WARNING, "download-ini-missing", "", "there is no quec_download_config.ini",
                      "缺少 quec_download_config.ini")  # fmt: skip
    for one in source.files:
        if source.member(one.file_name) is None:
            yield finding(WARNING, "file-missing", one.file_name, "the ini names it, it is not there",
                          "ini 中有该文件，但固件包未包含")  # fmt: skip
        if one.address % BLOCK_BYTES or one.room_bytes % BLOCK_BYTES:
            yield finding(WARNING, "file-alignment", one.file_name, "its place is not made of whole flash sectors",
                          "其位置未按 Flash 扇区对齐")  # fmt: skip
    known = images_of(package)
    for part in package.parts:
        if part.kind == "code" and f"{part.name}.bin" in AREA_FILES.values() and part.role not in known:
            yield finding(NOTICE, "fs-unknown", part.name, "its image does not tell which file system is used",
                          "其镜像未说明所用的文件系统")  # fmt: skip


def _kept(package: FirmwarePackage, source: EigenPackage) -> Iterator[Finding]:
    """Parts that would be written over the calibration of the radio."""
    described = source.format_file
    if described is None:
        return
    try:
        regions = [one for one in eigen.format_regions(described[1]) if one.name in KEPT_REGIONS]
    except FormatError as wrong:
        yield of_error("format-damaged", described[0], wrong, WARNING)
        return
    for part in package.parts:
        if part.kind != "code" or part.address == NO_PLACE:
            continue
        end = part.address + max(part.size, len(part.data))
        hit = next((one for one in regions if part.address < _end(one) and _begin(one) < end), None)
        if hit is not None:
            yield finding(ERROR, "calibration", part.name, "it lies over the radio calibration '{region}'",
                          "与射频校准区“{region}”重叠", region=hit.name)  # fmt: skip


def _begin(region: FormatRegion) -> int:
    return bus_address(region.begin, is_modem="cp" in region.store.lower())


def _end(region: FormatRegion) -> int:
    return _begin(region) + region.size_bytes
