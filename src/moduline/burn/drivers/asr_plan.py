"""What a burn does to an ASR module: the package's own script, without what would cost the module its identity.

Rules. Order is that of ``download.json``: what is required first, loaders, tables, then writing and erasing. Partitions
that hold the module's own data (``nvm``, ``factory``, ``rd``) are left alone unless the user names them, and are then
read out first. Where a container partition such as ``system`` encloses one of them, the blocks of the inner one become
DONT_CARE blocks of the sparse image and stay as they are. ``fuse`` is never sent.

A partition is written as sparse files of at most 255 blocks, in the layout of the vendor's host; they are made once
for all slots of a gang.

Source: platform-asr 1.2, 1.3, 1.4, 1.8, 4.2, 4.3, 4.4.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from moduline.burn.action import Action, BurnPlan, PlanOptions, Verb
from moduline.errors import BadFormat, BadOption, Text, Unsupported
from moduline.formats.container import asr_sparse
from moduline.formats.container.asr import AsrPackage
from moduline.formats.container.asr_sparse import SparseChunk
from moduline.formats.container.asr_table import AsrPartition
from moduline.package import FirmwarePackage, Part
from moduline.package.asr import CHIPS
from moduline.package.parts import SCRIPT_ROLES
from moduline.profiles import catalog

__all__ = ["CHIPS", "AsrPlan", "Check", "files_of", "is_own", "plan_asr"]

OWN_ROLES: Final = frozenset({"nvm", "factory", "reliable_data"})
"""Roles of partitions that hold what only this one module has: IMEI, calibration, settings."""
OWN_PARTITIONS: Final = ("nvm", "factory", "rd")
"""Names of these partitions begin so: ``factory_a`` is one, too."""
PARTITION_TYPES: Final = frozenset({"ubi", "raw", "part", "cust", "flash"})
"""Formats that the flasher can write."""
HEADER_ROOM_BYTES: Final = 0x100
"""More than all headers of one sparse file together."""

_LOSSES: Final = {
    "user_fs": Text("the files in /usr", "/usr 中的文件"),
    "backup_fs": Text("the files in /bak", "/bak 中的文件"),
    "nvm": Text("settings changed at run time (nvm)", "运行中修改的设置（nvm）"),
    "factory": Text("factory data: IMEI and calibration", "出厂数据：IMEI 与校准"),
    "reliable_data": Text("factory data: IMEI and calibration (rd)", "出厂数据：IMEI 与校准（rd）"),
}


@dataclass(frozen=True, slots=True)
class Check:
    """One question to the module before anything is done.

    Args:
        name: variable, such as ``version-bootrom``.
        values: answers that are meant.
        is_reject: whether such an answer stops the burn instead of any other.
    """

    name: str
    values: tuple[str, ...]
    is_reject: bool = False

    def is_met(self, answer: str | None) -> bool:
        """Whether the burn may go on; None is a module that does not know the variable."""
        return (answer in self.values) != self.is_reject


@dataclass(frozen=True, slots=True)
class AsrPlan(BurnPlan):
    """A burn plan with what only ASR loaders need.

    Args:
        checks: asked before everything else.
        weight: total that is announced to the module; None: the script announces none.
        files: for each action what is downloaded: the image of a load or table, the sparse files of a write.
    """

    checks: tuple[Check, ...] = ()
    weight: int | None = None
    files: tuple[tuple[bytes, ...], ...] = field(default=(), repr=False)


def plan_asr(package: FirmwarePackage, options: PlanOptions) -> AsrPlan:
    """What burning ``package`` will do.

    Raises:
        BadFormat: no loaders, a missing image, or a content larger than its partition.
        BadOption: reading back, which these loaders cannot.
        Unsupported: a command nobody has described, or images for several boot ROMs.
    """
    if options.verify == "all":
        reason = Text(
            "an ASR flasher checks what it writes, but cannot be read back", "ASR 烧录器自行校验写入内容，不支持回读"
        )
        raise BadOption(name="verify", reason=reason)
    source = package.source
    assert isinstance(source, AsrPackage), package.container
    _check_bootroms(source)
    package.need("first_loader")
    actions = [_action(part, source, options) for part in package.parts if part.kind != "script"]
    first = next((n for n, one in enumerate(actions) if one.verb in {"write", "erase"}), len(actions))
    done = (*actions[:first], *_keeps(source, actions), *actions[first:])
    return AsrPlan(
        chip=package.chip,
        model=package.model,
        version=package.version,
        actions=done,
        verify="device",
        nv_items=(),
        packet_bytes=asr_sparse.SEGMENT_BLOCKS * asr_sparse.BLOCK_BYTES,
        losses=tuple(_losses(done)),
        flash_bytes=source.table.flash_bytes or max((one.end for one in source.table.entries), default=0),
        checks=_checks(package, source),
        weight=_weight(source, done, is_whole=options.only == ""),
        files=tuple(files_of(one) for one in done),
    )


def is_own(partition: str) -> bool:
    """Whether a partition holds the module's own data."""
    return partition in OWN_PARTITIONS or partition.startswith(tuple(f"{name}_" for name in OWN_PARTITIONS))


def files_of(action: Action, segment_blocks: int = asr_sparse.SEGMENT_BLOCKS) -> tuple[bytes, ...]:
    """What is downloaded for one action, in order.

    Args:
        action: of the plan.
        segment_blocks: most blocks of content in one sparse file.
    """
    if action.verb in {"load", "table"}:
        return (action.data,)
    if action.verb != "write":
        return ()
    if asr_sparse.is_sparse(action.data):
        return (action.data,)
    return tuple(_segments(action, segment_blocks))


def _segments(action: Action, segment_blocks: int) -> Iterator[bytes]:
    """The sparse files of one partition; without holes exactly those of ``asr_sparse.split``."""
    block = asr_sparse.BLOCK_BYTES
    data = action.data + asr_sparse.ERASED * (-len(action.data) % block)
    total = action.room_bytes // block
    for start, end in _runs(len(data) // block, action.holes, block):
        for first in range(start, end, segment_blocks):
            count = min(segment_blocks, end - first)
            raw = data[first * block : (first + count) * block]
            chunks = (
                SparseChunk(asr_sparse.DONT_CARE, first),
                SparseChunk(asr_sparse.RAW, count, raw),
                SparseChunk(asr_sparse.DONT_CARE, total - first - count),
                SparseChunk(asr_sparse.CRC32, 0, zlib.crc32(raw).to_bytes(4, "little")),
            )
            kept = tuple(one for one in chunks if one.blocks or one.type == asr_sparse.CRC32)
            yield asr_sparse.write(asr_sparse.Sparse(block, total, kept))


def _runs(blocks: int, holes: Sequence[tuple[int, int]], block: int) -> Iterator[tuple[int, int]]:
    """Ranges of blocks between the holes; a block that a hole only touches is left alone as a whole."""
    at = 0
    for offset, size in sorted(holes):
        first, end = offset // block, -(-(offset + size) // block)
        if min(first, blocks) > at:
            yield at, min(first, blocks)
        at = max(at, end)
    if blocks > at:
        yield at, blocks


# ---- actions ---------------------------------------------------------------------------------------------------------


def _action(part: Part, source: AsrPackage, options: PlanOptions) -> Action:
    skipped = Action("skip", part.name, part.role, part.address, 0)
    is_named = part.name in options.extra
    if part.kind == "unused":
        return skipped
    if part.kind == "unknown":
        return _unknown(part, skipped, options, is_named=is_named)
    if part.kind in {"loader", "table"}:
        if not part.data:
            raise _broken("member-missing", "'{part}' is missing or empty", "缺少“{part}”或内容为空", part=part.name)
        verb: Verb = "load" if part.kind == "loader" else "table"
        return replace(skipped, verb=verb, size_bytes=len(part.data), data=part.data)
    target = part.name.removeprefix("erase:").partition("#")[0]
    role = part.role.removeprefix("erase_")
    is_script = role in SCRIPT_ROLES
    is_kept = role in OWN_ROLES or is_own(target)
    if not is_named and (not part.is_default or is_kept or (options.only == "scripts" and not is_script)):
        return replace(skipped, target=target)
    entry = source.table.entry(target)
    if entry is None:
        raise _broken("partition-missing", "partition.bin has no '{part}'", "partition.bin 中没有“{part}”", part=target)
    placed = replace(skipped, target=target, room_bytes=entry.size)
    if part.kind == "erase":
        if not is_named and any(_holes(source, entry)):
            raise _own_data(part)
        return replace(placed, verb="erase", size_bytes=entry.size)
    return _write(placed, part, source, entry, is_named=is_named)


def _write(placed: Action, part: Part, source: AsrPackage, entry: AsrPartition, *, is_named: bool) -> Action:
    if not part.data:
        raise _broken("member-missing", "'{part}' is missing or empty", "缺少“{part}”或内容为空", part=part.file_name)
    holes = () if is_named else tuple(_holes(source, entry))
    if asr_sparse.is_sparse(part.data):
        image = asr_sparse.read(part.data, entry.size)
        covered = [(at, at + len(content)) for at, content in asr_sparse.pieces(image)]
        if any(at < offset + size and offset < end for at, end in covered for offset, size in holes):
            raise _own_data(part)
    elif len(part.data) > entry.size:
        raise _broken("too-large", "{part} is larger than its partition", "{part} 超出其分区", part=part.name)
    return replace(placed, verb="write", size_bytes=len(part.data), data=part.data, holes=holes)


def _holes(source: AsrPackage, outer: AsrPartition) -> Iterator[tuple[int, int]]:
    """Ranges of the module's own partitions within another one, from its start."""
    for one in source.table.entries:
        if is_own(one.name) and one.name != outer.name and one.start < outer.end and outer.start < one.end:
            start = max(one.start, outer.start)
            yield start - outer.start, min(one.end, outer.end) - start


def _keeps(source: AsrPackage, actions: Sequence[Action]) -> Iterator[Action]:
    """The readings of the module's own partitions that would be lost, each once."""
    seen: set[str] = set()
    for action in actions:
        outer = source.table.entry(action.target) if action.verb in {"write", "erase"} and not action.holes else None
        if outer is None:
            continue
        for one in source.table.entries:
            if is_own(one.name) and one.name not in seen and one.start < outer.end and outer.start < one.end:
                seen.add(one.name)
                yield Action("keep", f"{one.name}.backup", "", one.address, 0, target=one.name, room_bytes=one.size)


def _own_data(part: Part) -> Unsupported:
    reason = Text("{part} would overwrite the module's own data", "{part} 会覆盖模组自身数据")
    remedy = Text("name it with --with to have that data read out first", "用 --with 指定该部分以先读出数据")
    return Unsupported(format="package", reason=reason, remedy=remedy, part=part.name)


def _unknown(part: Part, skipped: Action, options: PlanOptions, *, is_named: bool) -> Action:
    """What is never done, or what nobody has described."""
    if part.role == "fuse":
        if not is_named:
            return skipped
        reason = Text("fuses are written once and for ever; this program never does", "熔丝一次性写入，本程序不执行")
        remedy = Text("leave it out", "请勿指定该部分")
        raise Unsupported(format="download.json", reason=reason, remedy=remedy, part=part.name)
    if not is_named and (not part.is_default or options.only == "scripts"):
        return skipped
    reason = Text("what '{part}' does is not public", "“{part}”命令的含义未公开")
    remedy = Text("use the vendor's tool for this package", "该固件包请使用厂商工具")
    raise Unsupported(format="download.json", reason=reason, remedy=remedy, part=part.name)


def _losses(actions: Sequence[Action]) -> Iterator[Text]:
    """What is overwritten or erased of what the module had."""
    for action in actions:
        role = action.role.removeprefix("erase_")
        if action.verb == "erase" and role in _LOSSES:
            yield _LOSSES[role]
        elif action.verb == "write" and role in _LOSSES:
            text = _LOSSES[role]
            yield Text(f"{text.en} (replaced)", f"{text.zh}（将被替换）")


# ---- what is asked and announced -------------------------------------------------------------------------------------


def _checks(package: FirmwarePackage, source: AsrPackage) -> tuple[Check, ...]:
    """The require and reject lines; the boot ROM of the chip where the script does not ask for one."""
    found = [
        Check(one.name, one.alternatives, is_reject=one.command == "reject")
        for one in source.script.of("require", "reject")
        if one.name
    ]
    if not source.bootroms and package.chip in catalog.chips():
        rom = catalog.chip(package.chip).entry.bootrom
        if rom:
            found.append(Check("version-bootrom", (rom,)))
    return tuple(found)


def _check_bootroms(source: AsrPackage) -> None:
    """Nothing when every image is the same for all boot ROMs of the script."""
    roms = source.bootroms
    if len(roms) > 1 and any(name.startswith(tuple(f"{rom}/" for rom in roms)) for name in source.members):
        reason = Text("it has images for several boot ROMs: {roms}", "包含多个 Boot ROM 的镜像：{roms}")
        remedy = Text("take the package of one chip", "请使用单一平台的固件包")
        raise Unsupported(format="package", reason=reason, remedy=remedy, roms=" ".join(roms))


def _weight(source: AsrPackage, actions: Sequence[Action], *, is_whole: bool) -> int | None:
    """The script's own total; the number of written partitions where not all of it is done."""
    lines = [one for one in source.script.of("progress") if one.name in {"weight", ""}]
    if not lines:
        return None
    if is_whole and lines[0].value.isdecimal():
        return int(lines[0].value) & 0xFFFFFFFF
    return sum(action.verb == "write" for action in actions)


def _broken(rule: str, en: str, zh: str, **facts: str) -> BadFormat:
    return BadFormat(format=Text("package", "固件包"), reason=Text(en, zh), offset=0, rule=rule, **facts)
