"""What a file is, by its content alone; names and suffixes are never believed.

Source: platform-unisoc 1, 2.2, 3.1 to 3.4; platform-asr 1; platform-eigencomm 1.3.
"""

from __future__ import annotations

from typing import Final

from moduline.errors import Text
from moduline.formats.container import eigen_binpkg, unisoc, zip_members

# kind: (offset, magic); the first that matches counts
_MAGICS: Final = (
    ("zip", 0, b"PK\x03\x04"),
    ("zip", 0, b"PK\x05\x06"),
    ("uimage", 0, b"\x27\x05\x19\x56"),
    ("sihr", 0, b"SIHR"),
    ("appimg", 0, b"2PPA"),
    ("cpio", 0, b"\xc7\x71"),
    ("fota-unisoc", 0, b"RDAOTA02"),
    ("asr-partition", 0, b"BTPA"),
    ("asr-flashinfo", 0, b"FNIF"),
    ("asr-fip", 0, b"\x01\x00\x64\xaa"),
    ("asr-sparse", 0, b"\x3a\xff\x26\xed"),
    ("asr-stream", 0, b"!CRANE!"),
    ("patch", 0, b"MDLNPCH\0"),
    ("7z", 0, b"7z\xbc\xaf\x27\x1c"),
    ("gzip", 0, b"\x1f\x8b"),
    ("rar", 0, b"Rar!"),
    ("elf", 0, b"\x7fELF"),
    ("lfs1", 0x28, b"littlefs"),
    ("lfs1", 0x1028, b"littlefs"),
    ("lfs2", 8, b"littlefs"),
    ("lfs2", 0x1008, b"littlefs"),
)

NAMES: Final = {
    "pac": Text("UNISOC package (.pac)", "UNISOC 固件包（.pac）"),
    "zip": Text("zip", "zip 压缩包"),
    "binpkg": Text("EigenComm package (.binpkg)", "移芯固件包（.binpkg）"),
    "uimage": Text("boot image with U-Boot header", "带 U-Boot 头的镜像"),
    "sihr": Text("UNISOC 8850 image (SIHR)", "UNISOC 8850 镜像（SIHR）"),
    "appimg": Text("UNISOC application image", "UNISOC 应用镜像"),
    "cpio": Text("cpio archive", "cpio 归档"),
    "fota-unisoc": Text("UNISOC FOTA container", "UNISOC FOTA 升级包"),
    "asr-partition": Text("ASR partition table", "ASR 分区表"),
    "asr-flashinfo": Text("ASR flash list", "ASR Flash 列表"),
    "asr-fip": Text("ASR loader image", "ASR 引导镜像"),
    "asr-sparse": Text("sparse image", "sparse 镜像"),
    "asr-stream": Text("ASR command stream", "ASR 命令流"),
    "patch": Text("Moduline patch", "Moduline 差分包"),
    "7z": Text("7z archive", "7z 压缩包"),
    "gzip": Text("gzip file", "gzip 文件"),
    "rar": Text("rar archive", "rar 压缩包"),
    "elf": Text("ELF program", "ELF 程序"),
    "lfs1": Text("littlefs 1 image", "littlefs 1 镜像"),
    "lfs2": Text("littlefs 2 image", "littlefs 2 镜像"),
    "empty": Text("empty file", "空文件"),
    "unknown": Text("unknown data", "未知数据"),
}


def sniff(data: bytes) -> str:
    """The kind of a file: a key of ``NAMES``; "unknown" when nothing matches."""
    if not data:
        return "empty"
    if unisoc.is_pac(data):
        return "pac"
    if eigen_binpkg.is_binpkg(data):
        return "binpkg"
    return next((kind for kind, at, magic in _MAGICS if data.startswith(magic, at)), "unknown")


def is_zip(data: bytes) -> bool:
    """Whether the bytes begin like a zip."""
    return zip_members.is_zip(data)
