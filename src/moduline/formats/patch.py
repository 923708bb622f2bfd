"""The update container: what ``delta make`` writes, ``fota`` takes, and the boot code applies.

::

    0      header     384 bytes: kind, models, versions, sizes, CRC-32 over header and region table
    384    regions    128 bytes each: role, place, old and new size and SHA-256, codec
    ..     data       one block per region, in the order of the table, without gaps
    end    trailer    112 bytes: SHA-256 of everything before, key id and signature (all zero: not signed), CRC-32

A *set* is one container, or two that belong together (``mini``: the firmware, then the scripts); the stages of a set
carry the same ``set_id``. Reading is strict: unknown versions, kinds, gaps, stray bytes, padding that is not zero, and
sizes beyond the limits below are errors, so ``write(read(x)) == x``. What a codec means is in ``delta.codecs``; this
file only carries its blocks.

The signature is Ed25519 over ``signed_bytes``; who may sign is not said here.

Source: docs/spec/patch.md; delta.md 4 (integrity); device-api 7.5 (kinds).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from moduline.digest import crc32
from moduline.errors import BadChecksum, BadFormat, Text, TooBig, Unsupported
from moduline.formats.record import Field, RecordTable

MAGIC: Final = b"MDLNPCH\0"
TRAILER_MAGIC: Final = b"MEND"
FORMAT_VERSION: Final = 1
NAME: Final = "patch"

MAX_BYTES: Final = 64 << 20
MAX_REGIONS: Final = 8
MAX_REGION_BYTES: Final = 64 << 20
SHA256_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
KEY_ID_BYTES: Final = 8
SET_ID_BYTES: Final = 16
SIGNED_PREFIX: Final = b"moduline patch 1\n"

KINDS: Final = {1: "diff", 2: "full", 3: "mini"}
"""``diff``: firmware. ``full``: scripts. ``mini``: firmware, then scripts, two containers."""
PLACES: Final = {0: "", 1: "fs", 2: "fp"}
"""Where the patch is to lie on the device: anywhere, in the file system, in the ``fota_pkg`` partition."""
STAGES: Final = {"diff": 1, "full": 1, "mini": 2}

HEADER: Final = RecordTable(
    "patch header",
    (
        Field("magic", "bytes:8", "MDLNPCH and NUL"),
        Field("format_version", "u16", "1"),
        Field("kind", "u8", "1 diff, 2 full, 3 mini"),
        Field("stage", "u8", "number of this container in its set, from 1"),
        Field("stage_count", "u8", "containers in the set"),
        Field("region_count", "u8", "rows of the region table, 1 to 8"),
        Field("place", "u8", "where it is to lie: 0 anywhere, 1 file system (fs), 2 fota_pkg (fp)"),
        Field("reserved_0", "u8", "0"),
        Field("total_bytes", "u32", "length of the container, trailer included", "bytes"),
        Field("block_bytes", "u32", "erase unit it was made for", "bytes"),
        Field("spare_bytes", "u32", "spare flash the device needs while applying", "bytes"),
        Field("set_id", "bytes:16", "the same in all containers of a set"),
        Field("chip", "bytes:20", "slug of the chip, ASCII, NUL-padded"),
        Field("models", "bytes:128", "model names it is for, ASCII, NUL after each, NUL-padded"),
        Field("source_version", "bytes:88", "firmware it must be applied to, ASCII, NUL-padded; empty: any"),
        Field("target_version", "bytes:88", "firmware afterwards, ASCII, NUL-padded; empty: not known"),
        Field("reserved_1", "bytes:12", "0"),
        Field("header_crc", "u32", "CRC-32 of header and region table, with 0 here"),
    ),
    total_bytes=384,
)

REGION: Final = RecordTable(
    "patch region",
    (
        Field("role", "bytes:16", "partition, such as system or user_fs; ASCII, NUL-padded"),
        Field("address", "u32", "bus address of the partition"),
        Field("old_bytes", "u32", "length of what must be there before; 0: anything may", "bytes"),
        Field("old_sha256", "bytes:32", "of what must be there before; 0: anything may"),
        Field("new_bytes", "u32", "length of what is there afterwards", "bytes"),
        Field("new_sha256", "bytes:32", "of what is there afterwards"),
        Field("codec", "u16", "how the data block gives the new bytes: 0 raw, 1 deflate, 2 mapped, 3 window"),
        Field("reserved_0", "u16", "0"),
        Field("data_offset", "u32", "of the data block, from the magic", "bytes"),
        Field("data_bytes", "u32", "length of the data block", "bytes"),
        Field("codec_facts", "bytes:24", "for the codec; 0 for codecs 0 to 3"),
    ),
    total_bytes=128,
)

TRAILER: Final = RecordTable(
    "patch trailer",
    (
        Field("magic", "bytes:4", "MEND"),
        Field("sha256", "bytes:32", "of everything before the trailer"),
        Field("key_id", "bytes:8", "first 8 bytes of the SHA-256 of the public key; 0: not signed"),
        Field("signature", "bytes:64", "Ed25519; 0: not signed"),
        Field("trailer_crc", "u32", "CRC-32 of the 108 bytes before"),
    ),
    total_bytes=112,
)
MIN_BYTES: Final = HEADER.total_bytes + REGION.total_bytes + TRAILER.total_bytes

_TEXT: Final = re.compile(rb"[!-~]*")
_ROLE: Final = re.compile(rb"[a-z][a-z0-9_]*")
_CHIP: Final = re.compile(rb"[a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class PatchRegion:
    """One range of the flash and how it is renewed.

    Attributes:
        role: of the partition, such as ``system``.
        address: bus address of the partition's first byte.
        old_bytes: length of what must be there before; 0 for anything.
        old_sha256: its SHA-256, 32 bytes; zeros for anything.
        new_bytes: length of what is there afterwards.
        new_sha256: its SHA-256, 32 bytes.
        codec: number of the codec that gives the new bytes.
        data: the codec's block.
        codec_facts: 24 bytes for the codec; zeros for codecs 0 to 3.
    """

    role: str
    address: int
    old_bytes: int
    old_sha256: bytes
    new_bytes: int
    new_sha256: bytes
    codec: int
    data: bytes = field(repr=False)
    codec_facts: bytes = bytes(24)

    @property
    def is_checked(self) -> bool:
        """Whether the old content must be a certain one."""
        return self.old_sha256 != bytes(SHA256_BYTES)


@dataclass(frozen=True, slots=True)
class Patch:
    """An update container.

    Attributes:
        kind: ``diff``, ``full`` or ``mini``.
        models: model names it is for; empty for raw images that name none.
        regions: what it renews, in the order in which it is done.
        source_version: firmware it must be applied to; empty for any.
        target_version: firmware afterwards; empty when not known.
        chip: slug of the chip; empty when not known.
        place: ``fs``, ``fp`` or empty: where it is to lie on the device.
        stage: number of this container in its set, from 1.
        set_id: 16 bytes, the same in all containers of a set; zeros for a set of one.
        block_bytes: erase unit it was made for.
        spare_bytes: spare flash the device needs.
        key_id: first 8 bytes of the public key's SHA-256; zeros when not signed.
        signature: Ed25519, 64 bytes; zeros when not signed.
    """

    kind: str
    models: tuple[str, ...]
    regions: tuple[PatchRegion, ...]
    source_version: str = ""
    target_version: str = ""
    chip: str = ""
    place: str = ""
    stage: int = 1
    set_id: bytes = bytes(SET_ID_BYTES)
    block_bytes: int = 4096
    spare_bytes: int = 0
    key_id: bytes = bytes(KEY_ID_BYTES)
    signature: bytes = bytes(SIGNATURE_BYTES)

    @property
    def stage_count(self) -> int:
        """Containers in the set."""
        return STAGES[self.kind]

    @property
    def is_signed(self) -> bool:
        """Whether the signature slot is filled; says nothing about who did."""
        return self.signature != bytes(SIGNATURE_BYTES)

    def region(self, role: str) -> PatchRegion | None:
        """The region of a role."""
        return next((one for one in self.regions if one.role == role), None)


def is_patch(data: bytes) -> bool:
    """Whether the magic stands at the start."""
    return data[: len(MAGIC)] == MAGIC


def write(patch: Patch) -> bytes:
    """The bytes of a container; the same value gives the same bytes.

    Raises:
        TooBig: a text does not fit its field, or there are too many regions.
        BadFormat: a value that no container can have.
    """
    body = _body(patch)
    trailer: dict[str, Any] = {
        "magic": TRAILER_MAGIC,
        "sha256": hashlib.sha256(body).digest(),
        "key_id": patch.key_id,
        "signature": patch.signature,
        "trailer_crc": 0,
    }
    trailer["trailer_crc"] = crc32(TRAILER.pack(trailer)[:-4])
    data = body + TRAILER.pack(trailer)
    if read(data) != patch:  # what cannot be read again is never handed out
        raise _broken("text", "a text that does not come back as it was", "文本无法原样读回", 0)
    return data


def signed_bytes(patch: Patch) -> bytes:
    """What a signature is made over: a prefix and the SHA-256 of everything before the trailer."""
    return SIGNED_PREFIX + hashlib.sha256(_body(patch)).digest()


def signed(patch: Patch, key_id: bytes, signature: bytes) -> Patch:
    """The same container with its signature slot filled."""
    return replace(patch, key_id=key_id, signature=signature)


def declared_bytes(head: bytes) -> int:
    """Length of the whole container, from its first 384 bytes; nothing else is checked.

    Raises:
        BadFormat: no such container, or shorter than a header.
    """
    if not is_patch(head):
        raise _broken("magic", "wrong magic", "魔数错误", 0)
    return int(HEADER.unpack(head)["total_bytes"])


def read(data: bytes) -> Patch:
    """The container that ``data`` is, to the last byte.

    Raises:
        BadFormat: no such container, truncated, or it breaks a rule of the format.
        BadChecksum: header, trailer or content are damaged.
        Unsupported: a later format version or an unknown kind.
    """
    if not is_patch(data):
        raise _broken("magic", "wrong magic", "魔数错误", 0)
    head = HEADER.unpack(data)
    if head["format_version"] != FORMAT_VERSION:
        raise _unknown("format version {number}", "格式版本 {number}", head["format_version"])
    count = head["region_count"]
    if not 1 <= count <= MAX_REGIONS:
        raise _broken("regions", "1 to 8 regions are possible", "区域数须为 1 到 8", HEADER.offsets["region_count"])
    table_end = HEADER.total_bytes + count * REGION.total_bytes
    total = head["total_bytes"]
    if total != len(data) or total > MAX_BYTES or total < table_end + TRAILER.total_bytes:
        raise _broken("length", "the length is not the stated one", "长度与标注不符", HEADER.offsets["total_bytes"])
    checked = bytearray(data[:table_end])
    at = HEADER.offsets["header_crc"]
    checked[at : at + 4] = bytes(4)
    _check("header CRC", head["header_crc"], crc32(bytes(checked)))
    trailer = _trailer(data, total - TRAILER.total_bytes)
    regions = _regions(data, count, table_end, total - TRAILER.total_bytes)
    return _patch(head, regions, trailer)


def describe(patch: Patch) -> list[tuple[str, str]]:
    """Rows (name, value) for people."""
    rows = [
        ("kind", f"{patch.kind} {patch.stage}/{patch.stage_count}"),
        ("models", ", ".join(patch.models) or "-"),
        ("source", patch.source_version or "*"),
        ("target", patch.target_version or "-"),
        ("place", patch.place or "*"),
        ("spare_bytes", str(patch.spare_bytes)),
        ("signed", patch.key_id.hex() if patch.is_signed else "-"),
    ]
    for one in patch.regions:
        text = f"0x{one.address:08x} {one.old_bytes} -> {one.new_bytes}, codec {one.codec}, {len(one.data)} bytes"
        rows.append((one.role, text))
    return rows


# ---- writing ---------------------------------------------------------------------------------------------------------


def _body(patch: Patch) -> bytes:
    """Everything before the trailer."""
    if not 1 <= len(patch.regions) <= MAX_REGIONS:
        raise TooBig(what=Text("regions", "区域"), need=len(patch.regions), have=MAX_REGIONS)
    table_end = HEADER.total_bytes + len(patch.regions) * REGION.total_bytes
    rows, blocks, at = [], [], table_end
    for one in patch.regions:
        rows.append(
            REGION.pack(
                {
                    "role": _padded(one.role, 16, "role"),
                    "address": one.address,
                    "old_bytes": one.old_bytes,
                    "old_sha256": one.old_sha256,
                    "new_bytes": one.new_bytes,
                    "new_sha256": one.new_sha256,
                    "codec": one.codec,
                    "reserved_0": 0,
                    "data_offset": at,
                    "data_bytes": len(one.data),
                    "codec_facts": one.codec_facts,
                }
            )
        )
        blocks.append(one.data)
        at += len(one.data)
    total = at + TRAILER.total_bytes
    if total > MAX_BYTES:
        raise TooBig(what=Text("patch", "差分包"), need=total, have=MAX_BYTES)
    head: dict[str, Any] = {
        "magic": MAGIC,
        "format_version": FORMAT_VERSION,
        "kind": _number_of(KINDS, patch.kind, "kind"),
        "stage": patch.stage,
        "stage_count": patch.stage_count,
        "region_count": len(patch.regions),
        "place": _number_of(PLACES, patch.place, "place"),
        "reserved_0": 0,
        "total_bytes": total,
        "block_bytes": patch.block_bytes,
        "spare_bytes": patch.spare_bytes,
        "set_id": patch.set_id,
        "chip": _padded(patch.chip, 20, "chip"),
        "models": _padded("".join(f"{model}\0" for model in patch.models), 128, "models"),
        "source_version": _padded(patch.source_version, 88, "source_version"),
        "target_version": _padded(patch.target_version, 88, "target_version"),
        "reserved_1": bytes(12),
        "header_crc": 0,
    }
    table = b"".join(rows)
    head["header_crc"] = crc32(HEADER.pack(head) + table)
    return b"".join([HEADER.pack(head), table, *blocks])


def _number_of(names: dict[int, str], name: str, what: str) -> int:
    number = next((number for number, known in names.items() if known == name), None)
    if number is None:
        raise _broken(what, f"no {what} '{name}'", f"{what} 不能为“{name}”", HEADER.offsets[what])
    return number


def _padded(text: str, width: int, what: str) -> bytes:
    """The field's bytes; one NUL at least ends the text."""
    raw = text.encode("ascii", "replace")
    if len(raw) >= width and what != "models":
        raise TooBig(what=f"{what} '{text}'", need=len(raw) + 1, have=width)
    if len(raw) > width:
        raise TooBig(what=what, need=len(raw), have=width)
    return raw.ljust(width, b"\0")


# ---- reading ---------------------------------------------------------------------------------------------------------


def _trailer(data: bytes, at: int) -> dict[str, Any]:
    trailer = TRAILER.unpack(data, at)
    if trailer["magic"] != TRAILER_MAGIC:
        raise _broken("trailer", "no trailer", "缺少尾部", at)
    _check("trailer CRC", trailer["trailer_crc"], crc32(data[at : at + TRAILER.total_bytes - 4]))
    _check("SHA-256", trailer["sha256"].hex(), hashlib.sha256(data[:at]).hexdigest())
    if (trailer["key_id"] == bytes(KEY_ID_BYTES)) != (trailer["signature"] == bytes(SIGNATURE_BYTES)):
        raise _broken("signature", "key id and signature go together", "密钥编号与签名须同时存在", at)
    return trailer


def _regions(data: bytes, count: int, table_end: int, data_end: int) -> tuple[PatchRegion, ...]:
    regions: list[PatchRegion] = []
    at = table_end
    for number in range(count):
        row_at = HEADER.total_bytes + number * REGION.total_bytes
        row = REGION.unpack(data, row_at)
        end = row["data_offset"] + row["data_bytes"]
        if row["data_offset"] != at or end > data_end:
            raise _broken("data", "data blocks must follow each other", "数据块须首尾相接", row_at)
        _zero(row, ("reserved_0",), row_at)
        role = _text(row["role"], _ROLE, row_at)
        has_old = row["old_sha256"] != bytes(SHA256_BYTES)
        if row["old_bytes"] and not has_old:
            raise _broken("old", "an old size without its hash", "有旧长度而无其哈希", row_at)
        if max(row["new_bytes"], row["old_bytes"]) > MAX_REGION_BYTES or not row["new_bytes"]:
            raise _broken("size", "a region of impossible size", "区域大小不可能", row_at)
        if row["address"] + max(row["new_bytes"], row["old_bytes"]) > 1 << 32:
            raise _broken("address", "a region beyond the address space", "区域超出地址空间", row_at)
        if any(one.role == role for one in regions):
            raise _broken("role", "a role twice", "用途重复", row_at)
        names = ("address", "old_bytes", "old_sha256", "new_bytes", "new_sha256", "codec", "codec_facts")
        regions.append(PatchRegion(role=role, data=data[at:end], **{name: row[name] for name in names}))
        at = end
    if at != data_end:
        raise _broken("data", "bytes that belong to no region", "存在不属于任何区域的字节", at)
    return tuple(regions)


def _patch(head: dict[str, Any], regions: tuple[PatchRegion, ...], trailer: dict[str, Any]) -> Patch:
    kind = KINDS.get(head["kind"])
    if kind is None:
        raise _unknown("kind {number}", "类型 {number}", head["kind"])
    if head["place"] not in PLACES:
        raise _broken("place", "an unknown place", "未知的存放位置", HEADER.offsets["place"])
    _zero(head, ("reserved_0", "reserved_1"), 0)
    if head["stage_count"] != STAGES[kind] or not 1 <= head["stage"] <= head["stage_count"]:
        raise _broken("stage", "an impossible stage", "阶段编号不可能", HEADER.offsets["stage"])
    if (head["set_id"] == bytes(SET_ID_BYTES)) != (head["stage_count"] == 1):
        raise _broken("set", "a set id belongs to sets of several", "仅多阶段时有组编号", HEADER.offsets["set_id"])
    if not head["block_bytes"] or head["block_bytes"] & (head["block_bytes"] - 1) or head["block_bytes"] > 1 << 20:
        raise _broken("block", "an impossible erase unit", "擦除单位不可能", HEADER.offsets["block_bytes"])
    return Patch(
        kind=kind,
        models=_models(head["models"]),
        regions=regions,
        source_version=_text(head["source_version"], _TEXT, HEADER.offsets["source_version"]),
        target_version=_text(head["target_version"], _TEXT, HEADER.offsets["target_version"]),
        chip=_text(head["chip"], _CHIP, HEADER.offsets["chip"]),
        place=PLACES[head["place"]],
        stage=head["stage"],
        set_id=head["set_id"],
        block_bytes=head["block_bytes"],
        spare_bytes=head["spare_bytes"],
        key_id=trailer["key_id"],
        signature=trailer["signature"],
    )


def _models(raw: bytes) -> tuple[str, ...]:
    text = raw.rstrip(b"\0")
    if not text:
        return ()
    if len(text) == len(raw):
        raise _broken("models", "the last model has no end", "最后一个型号没有结尾", HEADER.offsets["models"])
    names = text.split(b"\0")
    if not all(name and _TEXT.fullmatch(name) for name in names):
        raise _broken("models", "an impossible model name", "型号名称不可能", HEADER.offsets["models"])
    return tuple(name.decode("ascii") for name in names)


def _text(raw: bytes, form: re.Pattern[bytes], offset: int) -> str:
    text, nul, rest = raw.partition(b"\0")
    if not nul or rest.strip(b"\0") or not form.fullmatch(text):
        raise _broken("text", "a text field of the wrong form", "文本字段格式错误", offset)
    return text.decode("ascii")


def _zero(values: dict[str, Any], names: Sequence[str], offset: int) -> None:
    for name in names:
        value = values[name]
        if value not in {0, b""} and value != bytes(len(value) if isinstance(value, bytes) else 0):
            raise _broken("reserved", "a reserved field is not 0", "保留字段不为 0", offset)


def _check(name: str, stored: Any, computed: Any) -> None:
    if stored != computed:
        found, expected = (f"0x{x:08x}" if isinstance(x, int) else x for x in (stored, computed))
        raise BadChecksum(format=NAME, name=name, found=found, expected=expected)


def _unknown(en: str, zh: str, number: int) -> Unsupported:
    return Unsupported(
        format=NAME,
        reason=Text(f"{en} is not known", f"未知的{zh}"),
        remedy=Text("update Moduline", "请升级 Moduline"),
        number=number,
    )


def _broken(rule: str, en: str, zh: str, offset: int) -> BadFormat:
    return BadFormat(format=NAME, reason=Text(en, zh), offset=offset, rule=rule)
