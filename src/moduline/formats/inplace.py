"""The plan of an in-place update: which blocks stay, which are copied to spare flash first, and for how long.

::

    0    header   32 bytes
    32   body     runs of (move, how many less one), both LEB128 in the shortest form; neighbours differ

One move for each block of the new image, in the order of the stream: 0 stays as it is, 1 written, 2 + r: the old block
at that place is copied to spare flash before, and its copy is needed until r checkpoints have gone by. A checkpoint
follows every ``every``-th written block unless no written block comes after it; what lies between two is a *group*.

Reading is strict: ``write(read(x)) == x``. Whether the copies are enough for a stream is for ``delta.inplace.check``.

Source: docs/spec/in-place.md; delta.md 4 (in place).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

from moduline.digest import crc32
from moduline.errors import BadChecksum, BadFormat, Text, Unsupported
from moduline.formats.record import Field, RecordTable

NAME: Final = "in-place plan"
MAGIC: Final = b"MDLP"
FORMAT_VERSION: Final = 1
MAX_IMAGE_BYTES: Final = 1 << 24
MIN_LOG_BLOCK: Final = 12
MAX_LOG_BLOCK: Final = 20
KEEP: Final = 0
WRITE: Final = 1
SAVE: Final = 2
"""The first of the moves that copy: ``SAVE + r``."""
JOURNAL_BANKS: Final = 2
CHECKPOINT_HEAD_BYTES: Final = 32

HEADER: Final = RecordTable(
    "in-place plan header",
    (
        Field("magic", "bytes:4", "MDLP"),
        Field("format_version", "u8", "1"),
        Field("flags", "u8", "1: the blocks come last first"),
        Field("log_block", "u8", "erase unit is 1 << this, 12 to 20"),
        Field("reserved_0", "u8", "0"),
        Field("old_bytes", "u32", "length of the old image", "bytes"),
        Field("new_bytes", "u32", "length of the new image", "bytes"),
        Field("state_bytes", "u32", "length of the decoder's state", "bytes"),
        Field("every", "u16", "written blocks between two checkpoints"),
        Field("slots", "u16", "blocks of spare flash for copies"),
        Field("body_bytes", "u32", "length of the body", "bytes"),
        Field("crc", "u32", "CRC-32 of header and body, with 0 here"),
    ),
    total_bytes=32,
)


@dataclass(frozen=True, slots=True)
class Plan:
    """How a target is renewed in place.

    Attributes:
        old_bytes: length of the old image.
        new_bytes: length of the new one.
        block_bytes: erase unit.
        is_descending: the blocks come last first.
        every: written blocks between two checkpoints.
        state_bytes: length of the decoder's state.
        moves: one for each block of the new image, in the order of the stream.
    """

    old_bytes: int
    new_bytes: int
    block_bytes: int
    is_descending: bool
    every: int
    state_bytes: int
    moves: tuple[int, ...] = field(repr=False)

    @property
    def old_blocks(self) -> int:
        """Blocks that hold the old image."""
        return -(-self.old_bytes // self.block_bytes)

    def place(self, step: int) -> int:
        """Number of the block in the target that a step of the stream is for."""
        return len(self.moves) - 1 - step if self.is_descending else step

    def size(self, step: int) -> int:
        """Bytes of the new image in that block."""
        return min(self.block_bytes, self.new_bytes - self.place(step) * self.block_bytes)

    @property
    def groups(self) -> tuple[int, ...]:
        """Of each step, how many checkpoints come before it."""
        written = sum(move != KEEP for move in self.moves)
        return _groups(self.moves, self.every, written)

    @property
    def checkpoints(self) -> int:
        """How many there are."""
        return self.groups[-1]

    @property
    def slots(self) -> tuple[int | None, ...]:
        """Of each step, the slot that takes the copy: the lowest that is free; None when nothing is copied."""
        until: list[int] = []  # of each slot, the last group that needs it
        taken: list[int | None] = []
        for move, group in zip(self.moves, self.groups, strict=True):
            if move < SAVE:
                taken.append(None)
                continue
            free = next((number for number, last in enumerate(until) if last < group), len(until))
            until[free : free + 1] = [group + move - SAVE]
            taken.append(free)
        return tuple(taken)

    @property
    def slot_count(self) -> int:
        """The most copies that are needed at the same time."""
        return max((slot + 1 for slot in self.slots if slot is not None), default=0)

    @property
    def checkpoint_blocks(self) -> int:
        """Blocks of one checkpoint."""
        return -(-(CHECKPOINT_HEAD_BYTES + self.state_bytes) // self.block_bytes)

    @property
    def areas(self) -> int:
        """Places for checkpoints: none, one or two, as there are checkpoints."""
        return min(self.checkpoints, 2)

    @property
    def spare_bytes(self) -> int:
        """Spare flash that applying takes: journal, checkpoints, copies."""
        blocks = JOURNAL_BANKS + self.areas * self.checkpoint_blocks + self.slot_count
        return blocks * self.block_bytes


def _groups(moves: Sequence[int], every: int, written: int) -> tuple[int, ...]:
    last = max(0, (written - 1) // every)
    groups, before = [], 0
    for move in moves:
        groups.append(min(before // every, last))
        before += move != KEEP
    return tuple(groups)


def write(plan: Plan) -> bytes:
    """The bytes of a plan.

    Raises:
        BadFormat: a plan that breaks a rule.
        TooBig: a number that does not fit its field.
    """
    body = b"".join(_leb(move) + _leb(len(list(run)) - 1) for move, run in groupby(plan.moves))
    head = {
        "magic": MAGIC,
        "format_version": FORMAT_VERSION,
        "flags": int(plan.is_descending),
        "log_block": plan.block_bytes.bit_length() - 1,
        "reserved_0": 0,
        "old_bytes": plan.old_bytes,
        "new_bytes": plan.new_bytes,
        "state_bytes": plan.state_bytes,
        "every": plan.every,
        "slots": plan.slot_count,
        "body_bytes": len(body),
        "crc": 0,
    }
    head["crc"] = crc32(HEADER.pack(head) + body)
    data = HEADER.pack(head) + body
    if read(data) != plan:  # what cannot be read again is never handed out
        raise _broken("block", "an impossible erase unit", "擦除单位不可能", HEADER.offsets["log_block"])
    return data


def read(data: bytes) -> Plan:
    """The plan that ``data`` is, to the last byte.

    Raises:
        BadFormat: no plan, truncated, or it breaks a rule of the format.
        BadChecksum: it is damaged.
        Unsupported: a later format version.
    """
    head = HEADER.unpack(data)
    if head["magic"] != MAGIC:
        raise _broken("magic", "wrong magic", "魔数错误", 0)
    if head["format_version"] != FORMAT_VERSION:
        number = head["format_version"]
        why, what = (
            Text("format version {number} is not known", "未知的格式版本 {number}"),
            Text("update Moduline", "请升级 Moduline"),
        )
        raise Unsupported(format=NAME, reason=why, remedy=what, number=number)
    if len(data) - HEADER.total_bytes != head["body_bytes"]:
        raise _broken("length", "the length is not the stated one", "长度与标注不符", HEADER.offsets["body_bytes"])
    at = HEADER.offsets["crc"]
    computed = crc32(data[:at] + bytes(4) + data[at + 4 :])
    if computed != head["crc"]:
        raise BadChecksum(format=NAME, name="CRC", found=f"0x{head['crc']:08x}", expected=f"0x{computed:08x}")
    if head["flags"] > 1 or head["reserved_0"]:
        raise _broken("reserved", "unknown flags", "未知标志", HEADER.offsets["flags"])
    if not MIN_LOG_BLOCK <= head["log_block"] <= MAX_LOG_BLOCK:
        raise _broken("block", "an impossible erase unit", "擦除单位不可能", HEADER.offsets["log_block"])
    if not head["new_bytes"] or max(head["new_bytes"], head["old_bytes"], head["state_bytes"]) > MAX_IMAGE_BYTES:
        raise _broken("size", "an impossible size", "大小不可能", HEADER.offsets["old_bytes"])
    if not head["every"]:
        raise _broken("every", "checkpoints without blocks between them", "检查点之间没有块", HEADER.offsets["every"])
    block = 1 << head["log_block"]
    plan = Plan(
        old_bytes=head["old_bytes"],
        new_bytes=head["new_bytes"],
        block_bytes=block,
        is_descending=bool(head["flags"]),
        every=head["every"],
        state_bytes=head["state_bytes"],
        moves=_moves(data, -(-head["new_bytes"] // block)),
    )
    _must_be_whole(plan, head["slots"])
    return plan


def _must_be_whole(plan: Plan, slots: int) -> None:
    """Moves that can be: only what is there is kept or copied, and no copy outlives the update."""
    groups = plan.groups
    for step, (move, group) in enumerate(zip(plan.moves, groups, strict=True)):
        if move != WRITE and plan.place(step) >= plan.old_blocks:
            raise _broken("move", "an old block that is not there", "旧块不存在", step)
        if move >= SAVE and group + move - SAVE > groups[-1]:
            raise _broken("move", "a copy that outlives the update", "备份超出升级过程", step)
    if plan.slot_count != slots:
        raise _broken("slots", "not as many slots as the moves take", "备份块数不符", HEADER.offsets["slots"])


def _moves(data: bytes, count: int) -> tuple[int, ...]:
    moves: list[int] = []
    at = HEADER.total_bytes
    before = -1
    while at < len(data):
        move, at = _number(data, at)
        more, at = _number(data, at)
        if move == before or move > SAVE + count or more >= count - len(moves):
            raise _broken("moves", "runs that do not fit the image", "移动序列与镜像不符", at)
        moves += [move] * (more + 1)
        before = move
    if len(moves) != count:
        raise _broken("moves", "not one move for each block", "移动数与块数不符", at)
    return tuple(moves)


def _leb(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _number(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for number in range(4):
        if at + number >= len(data):
            break
        byte = data[at + number]
        value |= (byte & 0x7F) << (7 * number)
        if byte < 0x80:
            if number and not byte:
                break
            return value, at + number + 1
    raise _broken("number", "a number that is none", "数值无效", at)


def _broken(rule: str, en: str, zh: str, offset: int) -> BadFormat:
    return BadFormat(format=NAME, reason=Text(en, zh), offset=offset, rule=rule)
