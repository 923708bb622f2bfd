"""Which codec each part of a patch gets: the smallest that the module can apply.

Every codec is tried on a part. One that reads the old content must leave the module able to finish after any power cut,
for which it keeps copies of old blocks in spare flash; how much there is follows from the target, and shrinks with the
patch itself where both share a partition. What does not fit is planned again for less, then the next larger codec is
taken, and a whole one at last; nothing is left to be found out on the module.

Source: delta.md 1, 4 (host); seed S1 (the check while building).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from moduline.delta import codecs
from moduline.delta.codecs import Codec
from moduline.delta.inplace import InPlacePatch
from moduline.delta.packed import unpacked
from moduline.delta.target import Target, container_bytes
from moduline.errors import BadOption, SpareTooSmall, StoredPacked, Text, Unsupported
from moduline.events import Reporter, Step

AUTO: Final = "auto"
WHOLE: Final = "whole"


@dataclass(frozen=True, slots=True)
class Content:
    """What one region is to change.

    Attributes:
        role: of the partition.
        old: what is there before; None: anything may.
        new: what shall be there.
    """

    role: str
    old: bytes | None = field(repr=False)
    new: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Coded:
    """A content in one codec.

    Attributes:
        codec: number in the container.
        block: the data block.
        patch: plan and stream of a codec that reads the old content.
    """

    codec: int
    block: bytes = field(repr=False)
    patch: InPlacePatch | None = field(default=None, repr=False)

    @property
    def spare_bytes(self) -> int:
        """Spare flash while it is applied."""
        return self.patch.plan.spare_bytes if self.patch is not None else 0


def names() -> tuple[str, ...]:
    """What ``--codec`` takes."""
    return (AUTO, WHOLE, *(one.name for one in codecs.reading()))


def choose(
    stages: Sequence[Sequence[Content]], codec: str, target: Target, report: Reporter
) -> tuple[list[list[Coded]], list[Text]]:
    """The codec of every content of every container, and what the user should know about it.

    Args:
        stages: contents of each container of the set.
        codec: a name of ``names``; anything but ``auto`` is taken whatever its size.
        target: the module.
        report: told when a part begins and ends.

    Raises:
        BadOption: no such codec.
        SpareTooSmall: the codec that was asked for needs more spare flash than there is.
        StoredPacked: the codec that was asked for reads what lies compressed in the flash.
        Unsupported: the native coder was not compiled, and its codec was asked for.
    """
    if codec not in names():
        why = Text("'{codec}' is none of {names}", "“{codec}”不在 {names} 之中")
        raise BadOption(name="--codec", reason=why, codec=codec, names=", ".join(names()))
    warnings: list[Text] = []
    found = [[_candidates(one, codec, target, warnings, report) for one in stage] for stage in stages]
    _fit(stages, found, codec, target, warnings)
    return [[candidates[0] for candidates in stage] for stage in found], warnings


def _candidates(one: Content, codec: str, target: Target, warnings: list[Text], report: Reporter) -> list[Coded]:
    """Every codec that can be applied to a content at all, the smallest first."""
    whole = Coded(*codecs.encode(one.new))
    tried = [known for known in codecs.reading() if codec in {AUTO, known.name}]
    if one.old is None or not tried:
        return [whole]
    packing = next((found.packing for found in map(unpacked, (one.old, one.new)) if found is not None), None)
    if packing is not None:
        if codec != AUTO:
            raise StoredPacked(role=one.role, packing=packing)
        warnings.append(_packed(one.role, packing, len(whole.block)))
        return [whole]
    coded = [whole] if codec == AUTO else []
    for known in tried:
        if coded and known.may_beat is not None and not known.may_beat(one.old, one.new, min(map(_size, coded))[0]):
            continue
        try:
            coded.append(_coded(known, one, target, report))
        except Unsupported as missing:
            if codec != AUTO:
                raise
            warnings.append(Text(missing.message("en"), missing.message("zh")))
    return sorted(coded, key=_size)


def _size(one: Coded) -> tuple[int, int]:
    return len(one.block), one.codec


def _coded(known: Codec, one: Content, target: Target, report: Reporter) -> Coded:
    assert known.make is not None
    assert one.old is not None
    facts = {"role": one.role, "codec": known.name}
    report(Step("delta.code", "begin", facts={**facts, "bytes": len(one.new)}))
    patch = known.make(one.old, one.new, block_bytes=target.block_bytes)
    coded = Coded(known.number, patch.block, patch)
    report(Step("delta.code", "done", facts={**facts, "bytes": len(coded.block)}))
    return coded


def _fit(
    stages: Sequence[Sequence[Content]],
    found: list[list[list[Coded]]],
    codec: str,
    target: Target,
    warnings: list[Text],
) -> None:
    """Put first what the module has spare flash for; each round makes one need smaller, so that it ends."""
    while True:
        sizes = [container_bytes([len(candidates[0].block) for candidates in stage]) for stage in found]
        have = target.spare_bytes(sizes)
        if have is None:
            return
        over = next(
            (
                (one, candidates)
                for contents, stage in zip(stages, found, strict=True)
                for one, candidates in zip(contents, stage, strict=True)
                if candidates[0].spare_bytes > have
            ),
            None,
        )
        if over is None:
            return
        one, candidates = over
        first = candidates[0]
        try:
            candidates[0] = _planned_again(one, first, have)
            candidates.sort(key=_size)  # with less spare flash its stream may be longer
        except SpareTooSmall as small:
            if codec != AUTO:
                raise
            del candidates[0]
            warnings.append(_without(one.role, first, candidates[0], int(small.facts["need"]), have))


def _planned_again(one: Content, coded: Coded, have: int) -> Coded:
    known = codecs.codec_of(coded.codec)
    assert known.plan_again is not None
    assert coded.patch is not None
    assert one.old is not None
    patch = known.plan_again(one.old, coded.patch, have)
    return replace(coded, block=patch.block, patch=patch)


def _without(role: str, lost: Coded, taken: Coded, need: int, have: int) -> Text:
    """That a smaller codec was not taken, with the numbers."""
    names_of = [codecs.codec_of(one.codec).name for one in (lost, taken)]
    lengths = [len(one.block) for one in (lost, taken)]
    return Text(
        f"'{role}' as {names_of[0]} ({lengths[0]} bytes) needs {need} bytes of spare flash to survive power cuts, "
        f"{have} are available; {names_of[1]} ({lengths[1]} bytes) is taken instead",
        f"“{role}”采用 {names_of[0]}（{lengths[0]} 字节）时，断电安全还原需要 {need} 字节备份区，仅有 {have} 字节；"
        f"改用 {names_of[1]}（{lengths[1]} 字节）",
    )


def _packed(role: str, packing: str, size: int) -> Text:
    return Text(
        f"'{role}' lies {packing}-compressed in the flash and cannot be changed by a difference; "
        f"it is packed as a whole ({size} bytes)",
        f"“{role}”在 Flash 中以 {packing} 压缩存放，无法差分还原；已完整打包（{size} 字节）",
    )
