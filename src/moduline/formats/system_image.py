"""The system image of our own virtual firmware: what the AP part carries behind its uImage header.

::

    0    header     32 bytes
    32   manifest   JSON, UTF-8, keys sorted, no white space: version, models, partitions, bytecode
    ..   0xFF
    at   ROMFS      the on-board Python; ``lead + at`` is a multiple of 4096, so that it can be mapped from the flash

``lead`` is what stands before the image where it lies: the 64 bytes of the uImage header. What the layout decides
(sizes, offsets, check values) is computed; manifest keys this version does not know are kept, so that
``write(read(x)) == x``.

A vendor's system image is ARM code and is no such image; ``is_system_image`` tells them apart.

Source: docs/spec/system-image.md; brief, decision 5.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from moduline.digest import crc32, sha256_hex
from moduline.errors import BadChecksum, BadFormat, Text, Unsupported
from moduline.formats.record import Field, RecordTable

MAGIC: Final = b"MDLNSYS\0"
FORMAT_VERSION: Final = 1
ALIGN_BYTES: Final = 4096
LEAD_BYTES: Final = 64
MANIFEST_BYTES_MAX: Final = 64 << 10
NAME: Final = "system image"

HEADER: Final = RecordTable(
    "system image header",
    (
        Field("magic", "bytes:8", "MDLNSYS and NUL"),
        Field("format_version", "u32", "1"),
        Field("manifest_bytes", "u32", "length of the manifest", "bytes"),
        Field("rom_offset", "u32", "offset of the ROMFS from the magic", "bytes"),
        Field("rom_bytes", "u32", "length of the ROMFS", "bytes"),
        Field("manifest_crc", "u32", "CRC-32 of the manifest"),
        Field("header_crc", "u32", "CRC-32 of the 28 bytes before"),
    ),
    total_bytes=32,
)
_HEADER_CRC_AT: Final = HEADER.offsets["header_crc"]


@dataclass(frozen=True, slots=True)
class SystemPartition:
    """One range of the flash as this firmware drives it.

    Attributes:
        role: such as ``user_fs``.
        address: bus address.
        size_bytes: length.
        fs: ``lfs1``, ``lfs2`` or empty.
        mount: where scripts see it; empty for none.
        device: name scripts know it by; empty for none.
        block_bytes: block of the file system; 0 without one.
        driven_blocks: blocks the driver uses; 0 without a file system.
        is_write_protected: scripts cannot write there.
    """

    role: str
    address: int
    size_bytes: int
    fs: str = ""
    mount: str = ""
    device: str = ""
    block_bytes: int = 0
    driven_blocks: int = 0
    is_write_protected: bool = False


@dataclass(frozen=True, slots=True)
class SystemImage:
    """A system image.

    Attributes:
        version: what ``modem.getDevFwVersion()`` says.
        module: slug of the module it was built for.
        models: model names it runs on.
        bytecode: version of ``.mpy`` files its interpreter loads, such as ``6.3``.
        partitions: its flash.
        rom: the ROMFS image.
        rom_offset: where the ROMFS begins, from the magic; computed by ``write``.
        others: manifest keys this version does not know, as canonical JSON.
    """

    version: str
    module: str
    models: tuple[str, ...]
    bytecode: str
    partitions: tuple[SystemPartition, ...]
    rom: bytes = field(repr=False)
    rom_offset: int = field(default=0, compare=False)
    others: tuple[tuple[str, str], ...] = ()

    def partition(self, role: str) -> SystemPartition | None:
        """The partition of a role."""
        return next((one for one in self.partitions if one.role == role), None)


def is_system_image(data: bytes) -> bool:
    """Whether the magic stands at the start."""
    return data[: len(MAGIC)] == MAGIC


def write(image: SystemImage, lead_bytes: int = LEAD_BYTES) -> bytes:
    """The bytes of an image.

    Args:
        image: what it shall hold; its ``rom_offset`` is not used.
        lead_bytes: what will stand before it in flash.
    """
    manifest = _manifest_of(image)
    end = HEADER.total_bytes + len(manifest)
    rom_offset = end + -(lead_bytes + end) % ALIGN_BYTES
    head: dict[str, Any] = {
        "magic": MAGIC,
        "format_version": FORMAT_VERSION,
        "manifest_bytes": len(manifest),
        "rom_offset": rom_offset,
        "rom_bytes": len(image.rom),
        "manifest_crc": crc32(manifest),
        "header_crc": 0,
    }
    head["header_crc"] = crc32(HEADER.pack(head)[:_HEADER_CRC_AT])
    return b"".join([HEADER.pack(head), manifest, b"\xff" * (rom_offset - end), image.rom])


def read(data: bytes) -> SystemImage:
    """The image at the start of ``data``; bytes behind it are ignored.

    Raises:
        BadFormat: no such image, truncated, or its manifest lacks something.
        BadChecksum: header, manifest or ROMFS are damaged.
        Unsupported: a later format version.
    """
    if not is_system_image(data):
        raise _broken("wrong magic", "魔数错误", 0)
    head = HEADER.unpack(data)
    _check("header CRC", head["header_crc"], crc32(data[:_HEADER_CRC_AT]))
    if head["format_version"] != FORMAT_VERSION:
        raise Unsupported(
            format=NAME,
            reason=Text("format version {number} is not known", "未知的格式版本 {number}"),
            remedy=Text("update Moduline", "请升级 Moduline"),
            number=head["format_version"],
        )
    end = HEADER.total_bytes + head["manifest_bytes"]
    rom_end = head["rom_offset"] + head["rom_bytes"]
    if head["manifest_bytes"] > MANIFEST_BYTES_MAX or not end <= head["rom_offset"] or rom_end > len(data):
        raise _broken("the ROMFS lies outside", "ROMFS 超出范围", HEADER.offsets["rom_offset"])
    manifest = data[HEADER.total_bytes : end]
    _check("manifest CRC", head["manifest_crc"], crc32(manifest))
    return _image_of(manifest, data[head["rom_offset"] : rom_end], head["rom_offset"])


def _manifest_of(image: SystemImage) -> bytes:
    partitions = [
        {name: getattr(one, name) for name in SystemPartition.__dataclass_fields__} for one in image.partitions
    ]
    known = {
        "version": image.version,
        "module": image.module,
        "models": list(image.models),
        "bytecode": image.bytecode,
        "partitions": partitions,
        "rom_sha256": sha256_hex(image.rom),
    }
    return _canonical({name: json.loads(value) for name, value in image.others} | known).encode(
        "utf-8", "surrogatepass"
    )


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _image_of(manifest: bytes, rom: bytes, rom_offset: int) -> SystemImage:
    try:
        values: Any = json.loads(manifest)
    except (ValueError, RecursionError) as wrong:
        raise _broken("the manifest is no JSON", "清单不是 JSON", HEADER.total_bytes) from wrong
    if not isinstance(values, dict):
        raise _broken("the manifest is no object", "清单不是对象", HEADER.total_bytes)
    partitions = _taken(values, "partitions", list)
    models = _taken(values, "models", list)
    if not all(isinstance(model, str) for model in models):
        raise _missing("models")
    _check("ROMFS SHA-256", _taken(values, "rom_sha256", str), sha256_hex(rom))
    return SystemImage(
        version=_taken(values, "version", str),
        module=_taken(values, "module", str),
        models=tuple(models),
        bytecode=_taken(values, "bytecode", str),
        partitions=tuple(_partition(one) for one in partitions),
        rom=rom,
        rom_offset=rom_offset,
        others=tuple(sorted((name, _canonical(value)) for name, value in values.items())),
    )


def _partition(values: Any) -> SystemPartition:
    kinds = {"str": str, "int": int, "bool": bool}
    fields = SystemPartition.__dataclass_fields__
    if not isinstance(values, Mapping) or set(values) - set(fields):
        raise _missing("partitions")
    taken = dict(values)
    for name, what in fields.items():
        value = taken.get(name)
        if type(value) is not kinds[str(what.type)]:
            raise _missing(f"partitions.{name}")
        if isinstance(value, int) and not 0 <= value < 1 << 32:
            raise _missing(f"partitions.{name}")
    return SystemPartition(**taken)


def _taken(values: dict[str, Any], key: str, kind: type) -> Any:
    value = values.pop(key, None)
    if not isinstance(value, kind):
        raise _missing(key)
    return value


def _check(name: str, stored: Any, computed: Any) -> None:
    if stored != computed:
        found, expected = (f"0x{x:08x}" if isinstance(x, int) else x for x in (stored, computed))
        raise BadChecksum(format=NAME, name=name, found=found, expected=expected)


def _missing(key: str) -> BadFormat:
    return _broken(f"the manifest has no right '{key}'", f"清单缺少正确的“{key}”", HEADER.total_bytes)


def _broken(en: str, zh: str, offset: int) -> BadFormat:
    return BadFormat(format=NAME, reason=Text(en, zh), offset=offset)
