"""The plan of an in-place update: which blocks stay, which old pages are copied to spare flash first, and for how long.

::

    0    header   32 bytes
    32   body     runs of (move, how many less one), all LEB128 in the shortest form; neighbours differ

One move for each block of the new image, in the order of the stream: 0 stays as it is, 1 + n is written, and n runs of
the old block's pages are needed afterwards; a run is (pages passed over, pages less one, r): needed until r checkpoints
have gone by. A checkpoint follows every ``every``-th written block unless no written block comes after it; what lies
between two is a *group*. Where each page is copied to, and when, follows from that (``Plan.fills``).

Reading is strict: ``write(read(x)) == x``. Whether the copies are enough for a stream is for ``delta.inplace.check``.

Source: docs/spec/in-place.md; delta.md 4 (in place).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from typing import Final

from moduline.digest import crc32
from moduline.errors import BadChecksum, BadFormat, Text, Unsupported
from moduline.formats.record import Field, RecordTable

NAME: Final = "in-place plan"
MAGIC: Final = b"MDLP"
FORMAT_VERSION: Final = 2
MAX_IMAGE_BYTES: Final = 1 << 24
MIN_LOG_BLOCK: Final = 12
MAX_LOG_BLOCK: Final = 20
MAX_LOG_LONG: Final = 12
PAGE_BYTES: Final = 256
"""What is copied is copied in such pages."""
BANKS: Final = 2
BANK_HEAD_BYTES: Final = 32
MARK_BYTES: Final = 8
MARK_ROOM_BYTES: Final = 256
"""A bank holds at least so many bytes of marks behind the longest checkpoint."""

HEADER: Final = RecordTable(
    "in-place plan header",
    (
        Field("magic", "bytes:4", "MDLP"),
        Field("format_version", "u8", "2"),
        Field("flags", "u8", "1: the blocks come last first"),
        Field("log_block", "u8", "erase unit is 1 << this, 12 to 20"),
        Field("log_long", "u8", "copies needed for 1 << this groups or more have slots of their own; 0: none has"),
        Field("old_bytes", "u32", "length of the old image", "bytes"),
        Field("new_bytes", "u32", "length of the new image", "bytes"),
        Field("saved_bytes", "u32", "length of the longest checkpoint", "bytes"),
        Field("every", "u16", "written blocks between two checkpoints"),
        Field("slots", "u16", "blocks of spare flash for copies"),
        Field("body_bytes", "u32", "length of the body", "bytes"),
        Field("crc", "u32", "CRC-32 of header and body, with 0 here"),
    ),
    total_bytes=32,
)


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring pages of an old block that are needed after it is overwritten.

    Attributes:
        first: number of the first page in the block.
        count: pages.
        groups: they are needed until the end of the group so many groups later.
    """

    first: int
    count: int
    groups: int


@dataclass(frozen=True, slots=True)
class Move:
    """What happens to a block.

    Attributes:
        is_written: it is; else it stays as it is.
        saved: of the old block at its place, in order.
    """

    is_written: bool
    saved: tuple[Run, ...] = ()


KEEP: Final = Move(is_written=False)
WRITE: Final = Move(is_written=True)


@dataclass(frozen=True, slots=True)
class Fill:
    """A slot of spare flash is filled with old pages, before anything of the group is written.

    Attributes:
        group: at whose beginning.
        slot: number of the slot.
        pages: numbers of pages of the old image, in the order in which they lie in the slot.
        until: the last group that needs one of them.
    """

    group: int
    slot: int
    pages: tuple[int, ...] = field(repr=False)
    until: int


@dataclass(frozen=True, slots=True)
class Plan:
    """How a target is renewed in place.

    Attributes:
        old_bytes: length of the old image.
        new_bytes: length of the new one.
        block_bytes: erase unit.
        is_descending: the blocks come last first.
        every: written blocks between two checkpoints.
        saved_bytes: length of the longest checkpoint; 0 when there is none.
        log_long: copies needed for ``1 << log_long`` groups or more have slots of their own; 0: none has.
        moves: one for each block of the new image, in the order of the stream.
    """

    old_bytes: int
    new_bytes: int
    block_bytes: int
    is_descending: bool
    every: int
    saved_bytes: int
    log_long: int
    moves: tuple[Move, ...] = field(repr=False)

    @property
    def pages_per_block(self) -> int:
        """Pages of a block, and of a slot."""
        return self.block_bytes // PAGE_BYTES

    def place(self, step: int) -> int:
        """Number of the block in the target that a step of the stream is for."""
        return len(self.moves) - 1 - step if self.is_descending else step

    def size(self, step: int) -> int:
        """Bytes of the new image in that block."""
        return min(self.block_bytes, self.new_bytes - self.place(step) * self.block_bytes)

    def old_pages(self, place: int) -> int:
        """Pages of the old image in a block of the target."""
        left = -(-self.old_bytes // PAGE_BYTES) - place * self.pages_per_block
        return max(0, min(self.pages_per_block, left))

    @property
    def groups(self) -> tuple[int, ...]:
        """Of each step, how many checkpoints come before it."""
        return groups_of([move.is_written for move in self.moves], self.every)

    @property
    def checkpoints(self) -> int:
        """How many there are."""
        return self.groups[-1]

    @property
    def fills(self) -> tuple[Fill, ...]:
        """All copies, in order.

        Pages needed in one group only are copied at its beginning, into slots of their own; the others in the order
        in which their blocks are written, always as many as a slot takes, at the beginning of the group of the first:
        short ones and long ones (``log_long``) apart. A slot is the lowest that is free: one whose pages no group
        needs any more.
        """
        size = self.pages_per_block
        queues: dict[tuple[int, int], list[tuple[int, int, int]]] = {}  # of (group, page, last group that needs it)
        for step, (move, group) in enumerate(zip(self.moves, self.groups, strict=True)):
            for run in move.saved:
                first = self.place(step) * size + run.first
                some = ((group, page, group + run.groups) for page in range(first, first + run.count))
                queues.setdefault(self._queue(run.groups, group), []).extend(some)
        chunks = [
            (queue[at][0], name, at, queue[at : at + size])
            for name, queue in queues.items()
            for at in range(0, len(queue), size)
        ]
        until: list[int] = []  # of each slot, the last group that needs it
        fills = []
        for group, _, _, chunk in sorted(chunks, key=lambda one: one[:3]):
            slot = next((number for number, taken in enumerate(until) if taken < group), len(until))
            until[slot : slot + 1] = [max(needed for _, _, needed in chunk)]
            fills.append(Fill(group, slot, tuple(page for _, page, _ in chunk), until[slot]))
        return tuple(fills)

    def _queue(self, groups: int, group: int) -> tuple[int, int]:
        """Which copies share slots: long ones, short ones, those of one group; in this order."""
        if self.log_long and groups >> self.log_long:
            return 0, 0
        return (1, 0) if groups else (2, group)

    @property
    def slot_count(self) -> int:
        """The most copies that are needed at the same time, in blocks."""
        return max((one.slot + 1 for one in self.fills), default=0)

    @property
    def bank_blocks(self) -> int:
        """Blocks of one bank of the journal: its head, a checkpoint, marks."""
        return -(-(BANK_HEAD_BYTES + self.saved_bytes + MARK_ROOM_BYTES) // self.block_bytes)

    @property
    def spare_bytes(self) -> int:
        """Spare flash that applying takes: journal and copies."""
        return (BANKS * self.bank_blocks + self.slot_count) * self.block_bytes


def groups_of(is_written: Sequence[bool], every: int) -> tuple[int, ...]:
    """Of each step, how many checkpoints come before it.

    Args:
        is_written: of each step, whether its block is written.
        every: written blocks between two checkpoints.
    """
    last = max(0, (sum(is_written) - 1) // every)
    groups, before = [], 0
    for written in is_written:
        groups.append(min(before // every, last))
        before += written
    return tuple(groups)


def write(plan: Plan) -> bytes:
    """The bytes of a plan.

    Raises:
        BadFormat: a plan that breaks a rule.
        TooBig: a number that does not fit its field.
    """
    body = b"".join(_packed(move) + _leb(len(list(run)) - 1) for move, run in groupby(plan.moves))
    head = {
        "magic": MAGIC,
        "format_version": FORMAT_VERSION,
        "flags": int(plan.is_descending),
        "log_block": plan.block_bytes.bit_length() - 1,
        "log_long": plan.log_long,
        "old_bytes": plan.old_bytes,
        "new_bytes": plan.new_bytes,
        "saved_bytes": plan.saved_bytes,
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
        old = Text("make the patch again with this Moduline", "请用当前版本的 Moduline 重新制作差分包")
        raise Unsupported(
            format=NAME,
            reason=Text("format version {number} is not known", "未知的格式版本 {number}"),
            remedy=old if number < FORMAT_VERSION else Text("update Moduline", "请升级 Moduline"),
            number=number,
        )
    if len(data) - HEADER.total_bytes != head["body_bytes"]:
        raise _broken("length", "the length is not the stated one", "长度与标注不符", HEADER.offsets["body_bytes"])
    at = HEADER.offsets["crc"]
    computed = crc32(data[:at] + bytes(4) + data[at + 4 :])
    if computed != head["crc"]:
        raise BadChecksum(format=NAME, name="CRC", found=f"0x{head['crc']:08x}", expected=f"0x{computed:08x}")
    if head["flags"] > 1 or head["log_long"] > MAX_LOG_LONG:
        raise _broken("reserved", "unknown flags", "未知标志", HEADER.offsets["flags"])
    if not MIN_LOG_BLOCK <= head["log_block"] <= MAX_LOG_BLOCK:
        raise _broken("block", "an impossible erase unit", "擦除单位不可能", HEADER.offsets["log_block"])
    if not head["new_bytes"] or max(head["new_bytes"], head["old_bytes"], head["saved_bytes"]) > MAX_IMAGE_BYTES:
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
        saved_bytes=head["saved_bytes"],
        log_long=head["log_long"],
        moves=_moves(data, block, -(-head["new_bytes"] // block)),
    )
    _must_be_whole(plan, head["slots"])
    return plan


def _must_be_whole(plan: Plan, slots: int) -> None:
    """Moves that can be: only what is there is kept or copied, and no copy outlives the update."""
    groups = plan.groups
    for step, (move, group) in enumerate(zip(plan.moves, groups, strict=True)):
        have = plan.old_pages(plan.place(step))
        if not move.is_written and not have:
            raise _broken("move", "an old block that is not there", "旧块不存在", step)
        if any(run.first + run.count > have for run in move.saved):
            raise _broken("move", "an old page that is not there", "旧页不存在", step)
        if any(group + run.groups > groups[-1] for run in move.saved):
            raise _broken("move", "a copy that outlives the update", "备份超出升级过程", step)
    if bool(plan.saved_bytes) != bool(groups[-1]):
        raise _broken(
            "saved", "checkpoints of no length, or none", "检查点长度与数量不符", HEADER.offsets["saved_bytes"]
        )
    if plan.slot_count != slots:
        raise _broken("slots", "not as many slots as the moves take", "备份块数不符", HEADER.offsets["slots"])


def _moves(data: bytes, block_bytes: int, count: int) -> tuple[Move, ...]:
    moves: list[Move] = []
    at = HEADER.total_bytes
    while at < len(data):
        move, at = _move(data, at, block_bytes // PAGE_BYTES, count)
        more, at = _number(data, at)
        if moves[-1:] == [move] or more >= count - len(moves):
            raise _broken("moves", "runs that do not fit the image", "移动序列与镜像不符", at)
        moves += [move] * (more + 1)
    if len(moves) != count:
        raise _broken("moves", "not one move for each block", "移动数与块数不符", at)
    return tuple(moves)


def _move(data: bytes, at: int, pages: int, count: int) -> tuple[Move, int]:
    kind, at = _number(data, at)
    saved: list[Run] = []
    page = 0
    for _ in range(min(kind, pages + 2) - 1):
        skip, at = _number(data, at)
        more, at = _number(data, at)
        groups, at = _number(data, at)
        if page + skip + more >= pages or groups > count:
            raise _broken("moves", "pages that the block does not have", "块内不存在的页", at)
        saved.append(Run(page + skip, more + 1, groups))
        page += skip + more + 1
    if any(one.first + one.count == two.first and one.groups == two.groups for one, two in pairwise(saved)):
        raise _broken("moves", "two runs that are one", "可合并的两段", at)
    return Move(bool(kind), tuple(saved)), at


def _packed(move: Move) -> bytes:
    if not move.is_written:
        return _leb(0)
    out, page = _leb(1 + len(move.saved)), 0
    for run in move.saved:
        out += _leb(run.first - page) + _leb(run.count - 1) + _leb(run.groups)
        page = run.first + run.count
    return out


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
