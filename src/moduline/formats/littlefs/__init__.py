"""littlefs images of both versions behind two functions: ``read_image`` and ``write_image``.

The version is never guessed when writing: it is part of the geometry, which comes from a package's own empty image or
from the module's profile. When reading it is recognised by the place of the magic: byte 40 of a superblock in version
1, byte 8 in version 2.

Source: platform-asr 2, platform-eigencomm 1.
"""

from __future__ import annotations

from moduline.errors import BadOption, Text, UnknownFormat
from moduline.formats.littlefs import v1_reader, v1_writer, v2_reader, v2_writer
from moduline.formats.littlefs.names import check_path, complete
from moduline.formats.littlefs.volume import (
    DISK_1_1,
    DISK_2_0,
    DISK_2_1,
    KINDS,
    LFS1,
    LFS2,
    Entries,
    Entry,
    FsGeometry,
    LittleFsImage,
)

__all__ = [
    "DISK_1_1",
    "DISK_2_0",
    "DISK_2_1",
    "KINDS",
    "LFS1",
    "LFS2",
    "Entries",
    "Entry",
    "FsGeometry",
    "LittleFsImage",
    "check_path",
    "complete",
    "read_image",
    "recognise",
    "write_image",
]


def recognise(image: bytes) -> str | None:
    """The kind by the superblock's magic, ``None`` when it is neither "lfs1" nor "lfs2"."""
    if v1_reader.is_superblock(image):
        return LFS1
    return LFS2 if v2_reader.is_superblock(image) else None


def read_image(image: bytes, kind: str | None = None) -> LittleFsImage:
    """Everything an image holds; any bytes give a value or a ``FormatError``.

    Args:
        image: the bytes of the partition.
        kind: "lfs1" or "lfs2"; ``None`` recognises it.

    Raises:
        UnknownFormat: neither version's superblock is there.
        BadFormat: the bytes break a rule of the format.
        Unsupported: another disk version.
        BadOption: no such kind.
    """
    image = bytes(image)
    kind = kind or recognise(image)
    if kind is None:
        raise UnknownFormat(
            name=Text("image", "镜像"),
            kind=Text("file system image", "文件系统镜像"),
            supported="littlefs 1, littlefs 2",
        )
    if kind not in KINDS:
        raise BadOption(name="fs", reason=Text(f"'{kind}' is not lfs1 or lfs2", f"“{kind}” 不是 lfs1 或 lfs2"))
    return v1_reader.read(image) if kind == LFS1 else v2_reader.read(image)


def write_image(entries: Entries, geometry: FsGeometry, *, fill: int = 0xFF, disk_version: int | None = None) -> bytes:
    """An image of the geometry's size that holds the entries; the same bytes on every run.

    Args:
        entries: ``(path, data)`` in the order of creation; ``None`` as data makes a directory, parents may be implied.
        geometry: kind and sizes.
        fill: never-written bytes, for version 1 only: 0xFF as erased flash, 0x00 as the vendor's tool.
        disk_version: for version 2: 0x00020000 (every module reads it) or 0x00020001.

    Raises:
        BadOption: a path is not allowed or stands there twice, or an argument is not one of these.
        TooBig: the content does not fit, or a name is too long; its facts are ``need`` and ``have`` in bytes.
    """
    if geometry.kind == LFS1:
        if disk_version not in {None, DISK_1_1}:
            _refuse_version(disk_version)
        return v1_writer.write(entries, geometry, fill)
    if disk_version not in {None, DISK_2_0, DISK_2_1}:
        _refuse_version(disk_version)
    if fill != 0xFF:
        raise BadOption(name="fill", reason=Text("littlefs 2 needs 0xff", "littlefs 2 只能为 0xff"))
    return v2_writer.write(entries, geometry, disk_version or DISK_2_0)


def _refuse_version(disk_version: int | None) -> None:
    shown = f"{disk_version or 0:#010x}"
    raise BadOption(name="disk_version", reason=Text(f"{shown} is not of this kind", f"{shown} 不属于该类型"))
