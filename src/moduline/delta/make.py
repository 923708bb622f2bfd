"""Old and new firmware become a patch, or for ``mini`` two of them.

::

    diff   firmware parts that differ; old content checked by hash             scripts stay
    full   the scripts' file system, whole                                     firmware stays
    mini   stage 1 as diff, stage 2 as full: two containers of one set         both are renewed

The old side is the *before*: ``make(old, new)`` leads from old to new, and ``direction`` says by the versions which
way that is. How each part is packed is chosen in ``choice``. Every patch was decoded and compared before this returns.

Scripts are whole, because a module writes into their file system: what lies there is seldom what was burnt. Whoever
knows better (a file system that no script writes to) may say so with ``uses_old_scripts``; the module compares first.

Source: device-api 7.5, 14.2 (T14), 14.5 (T55); delta.md 1, 4, 5.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from moduline.delta import codecs
from moduline.delta.abilities import not_taken
from moduline.delta.choice import AUTO, Coded, Content, choose
from moduline.delta.packed import unpacked
from moduline.delta.pairs import firmware_pairs, left_alone, must_be_related, scripts_differ
from moduline.delta.side import SCRIPT_ROLE, Side, SidePart, compare
from moduline.delta.target import Target, target_of
from moduline.errors import BadOption, StoredPacked, Text, TooBig
from moduline.events import Reporter, Step, silent
from moduline.formats import littlefs, patch
from moduline.formats.container import zip_members
from moduline.formats.patch import Patch, PatchRegion

KINDS: Final = ("diff", "full", "mini")
USER_IMAGE: Final = "customer_fs.bin"


@dataclass(frozen=True, slots=True)
class Made:
    """What ``make`` gives.

    Attributes:
        patches: one, or for ``mini`` two, in the order in which they are applied.
        files: their bytes.
        direction: ``upgrade``, ``downgrade``, ``same`` or ``unknown``.
        warnings: what the user should know before using them.
        spare_have: spare flash of the module beside them; None where nobody knows.
    """

    patches: tuple[Patch, ...]
    files: tuple[bytes, ...]
    direction: str
    warnings: tuple[Text, ...] = ()
    spare_have: int | None = None


@dataclass(frozen=True, slots=True)
class _Region:
    """What one region is to change, and where."""

    content: Content
    address: int


def make(
    old: Side,
    new: Side,
    kind: str = "diff",
    *,
    codec: str = AUTO,
    target: Target | None = None,
    user_image: bytes | None = None,
    uses_old_scripts: bool = False,
    is_stored_plain: bool = False,
    report: Reporter = silent,
) -> Made:
    """The patch from ``old`` to ``new``.

    Args:
        old: what runs before.
        new: what shall be there afterwards.
        kind: ``diff``, ``full`` or ``mini``.
        codec: ``auto`` for the smallest that the target can apply, else the one to take.
        target: the module it is for; None for what is known of it, the patch lying anywhere.
        user_image: the scripts' file system (``customer_fs.bin``) for ``full`` and ``mini``; None takes it out of
            ``new``.
        uses_old_scripts: the module's file system of scripts is still the one in ``old``, byte for byte.
        is_stored_plain: the module keeps unpacked what the packages hold compressed.
        report: told what is being done.

    Raises:
        BadOption: an unknown kind or codec, nothing differs, or the user image is missing or none.
        SpareTooSmall: the codec asked for needs more spare flash than the module has.
        StoredPacked: the codec asked for cannot work on what the module keeps compressed.
        PatchForeign: the sides are of different models or chips.
        PatchPartMissing: the old side lacks a part of the new one.
        TooBig: a new part does not fit its place, or the patch the place where it is to lie.
    """
    if kind not in KINDS:
        why = Text("'{kind}' is not diff, full or mini", "“{kind}”不是 diff、full 或 mini")
        raise BadOption(name="--kind", reason=why, kind=kind)
    must_be_related(old, new)
    target = target or target_of(old)
    warnings: list[Text] = []
    stages: list[list[_Region]] = []
    if kind != "full":
        stages.append(_firmware(old, new, is_stored_plain))
    warnings += _remarks(old, new, kind)
    if kind != "diff":
        stages.append([_scripts(old, new, user_image, uses_old_scripts)])
    chosen, remarks = choose([[one.content for one in stage] for stage in stages], codec, target, report)
    warnings += remarks
    patches = _containers(old, new, kind, target, stages, chosen)
    files = tuple(patch.write(one) for one in patches)
    report(Step("delta.compare", "begin"))
    _must_give(files, stages)
    report(Step("delta.compare", "done"))
    sizes = [len(data) for data in files]
    target.must_hold(sizes)
    return Made(patches, files, _direction(old, new, kind), tuple(warnings), target.spare_bytes(sizes))


def user_image_of(side: Side) -> bytes | None:
    """The scripts' file system that comes with a package; None where it only erases the area.

    It is a part of a production package, or the member ``customer_fs.bin`` beside the package in its zip.
    """
    part = side.part(SCRIPT_ROLE)
    if part is not None:
        return part.data
    for shell in side.package.shells if side.package is not None else ():
        for member in zip_members.list_members(shell.data):
            if member.filename.rpartition("/")[2].lower() == USER_IMAGE:
                return zip_members.read_member(shell.data, member.filename)
    return None


def _direction(old: Side, new: Side, kind: str) -> str:
    return compare(old.version, _target_version(old, new, kind))


def _target_version(old: Side, new: Side, kind: str) -> str:
    """Version afterwards: of the new system; the old one where the system stays."""
    has_system = new.is_raw or new.part("system") is not None
    return new.version if kind != "full" and has_system else old.version


def _remarks(old: Side, new: Side, kind: str) -> list[Text]:
    """What the user should know whatever the codecs are."""
    refused = not_taken(old.profile, kind)
    return ([refused] if refused is not None else []) + _of_content(old, new, kind)


def _of_content(old: Side, new: Side, kind: str) -> list[Text]:
    if kind == "full":
        differs = not (old.is_raw or new.is_raw) and any(a.data != b.data for a, b in firmware_pairs(old, new))
        text = "the firmware differs too and is not part of a full patch; use mini"
        return [Text(text, "固件也不同，但 full 包不含固件；请使用 mini")] if differs else []
    found = []
    if _direction(old, new, kind) == "same":
        version = _target_version(old, new, kind)
        found.append(Text(f"both have the version {version}", f"两者版本相同：{version}"))
    if kind == "diff" and not new.is_raw and scripts_differ(old, new, SCRIPT_ROLE):
        found.append(Text("the scripts in NEW are not part of a diff patch", "diff 差分包不包含 NEW 中的脚本"))
    return found + left_alone(old, new)


def _firmware(old: Side, new: Side, is_stored_plain: bool) -> list[_Region]:
    """The parts of the firmware that differ."""
    found = []
    for before, after in firmware_pairs(old, new):
        if before.data == after.data:
            continue
        room = before.room_bytes or after.room_bytes
        if room and len(after.data) > room:
            raise TooBig(what=after.role, need=len(after.data), have=room)
        contents = [_as_stored(one, is_stored_plain) for one in (before, after)]
        found.append(_Region(Content(after.role, *contents), before.address or after.address))
    if not found:
        raise BadOption(name="OLD NEW", reason=Text("the firmware of both is the same", "两者固件相同"))
    return found


def _as_stored(part: SidePart, is_stored_plain: bool) -> bytes:
    """What lies in the flash of a part."""
    found = unpacked(part.data) if is_stored_plain else None
    if found is None:
        return part.data
    if not found.is_bare:
        raise StoredPacked(role=part.role, packing=found.packing)
    return found.content


def _scripts(old: Side, new: Side, user_image: bytes | None, uses_old_scripts: bool) -> _Region:
    image = user_image if user_image is not None else user_image_of(new)
    if image is None:
        why = Text(
            "full and mini patches need the user image customer_fs.bin, and '{file}' does not hold it; see --user-fs",
            "full 与 mini 需要用户分区文件 customer_fs.bin，而“{file}”中没有；请用 --user-fs 指定",
        )
        raise BadOption(name="--user-fs", reason=why, file=new.name or "NEW", needs=USER_IMAGE)
    _must_be_scripts(new, image)
    before = user_image_of(old) if uses_old_scripts else None
    if uses_old_scripts and before is None:
        why = Text("'{file}' holds no {needs}", "“{file}”中没有 {needs}")
        raise BadOption(name="--old-scripts", reason=why, file=old.name or "OLD", needs=USER_IMAGE)
    return _Region(Content(SCRIPT_ROLE, before, image), new.script_address)


def _must_be_scripts(new: Side, image: bytes) -> None:
    """Stop when an image is no file system of scripts for this firmware."""
    kind = littlefs.recognise(image)
    own = new.system.partition(SCRIPT_ROLE) if new.system is not None else None
    if kind is None or (own is not None and own.fs and own.fs != kind):
        why = Text("it is no {wanted} image of scripts", "不是 {wanted} 脚本镜像")
        raise BadOption(name="--user-fs", reason=why, wanted=own.fs if own is not None else "littlefs")
    room = new.script_room_bytes
    if room and len(image) > room:
        raise TooBig(what=USER_IMAGE, need=len(image), have=room)
    if room and len(image) < room:
        why = Text("it has {have} bytes, the area has {need}", "镜像为 {have} 字节，分区为 {need} 字节")
        raise BadOption(name="--user-fs", reason=why, have=len(image), need=room)


def _region(one: _Region, coded: Coded) -> PatchRegion:
    old, new = one.content.old, one.content.new
    return PatchRegion(
        role=one.content.role,
        address=one.address,
        old_bytes=len(old) if old is not None else 0,
        old_sha256=hashlib.sha256(old).digest() if old is not None else bytes(patch.SHA256_BYTES),
        new_bytes=len(new),
        new_sha256=hashlib.sha256(new).digest(),
        codec=coded.codec,
        data=coded.block,
    )


def _containers(
    old: Side,
    new: Side,
    kind: str,
    target: Target,
    stages: Sequence[Sequence[_Region]],
    chosen: Sequence[Sequence[Coded]],
) -> tuple[Patch, ...]:
    regions = [
        tuple(_region(one, coded) for one, coded in zip(stage, codes, strict=True))
        for stage, codes in zip(stages, chosen, strict=True)
    ]
    hashes = b"".join(region.new_sha256 for stage in regions for region in stage)
    set_id = hashlib.sha256(hashes).digest()[: patch.SET_ID_BYTES] if len(stages) > 1 else bytes(patch.SET_ID_BYTES)
    whole = Patch(
        kind=kind,
        models=new.models or old.models,
        regions=regions[0],
        source_version=old.version,
        target_version=_target_version(old, new, kind),
        chip=new.chip or old.chip,
        place=target.place,
        set_id=set_id,
        block_bytes=target.block_bytes,
    )
    return tuple(
        replace(whole, regions=stage, stage=number, spare_bytes=max(map(codecs.spare_bytes, stage)))
        for number, stage in enumerate(regions, 1)
    )


def _must_give(files: Sequence[bytes], stages: Sequence[Sequence[_Region]]) -> None:
    """Decode everything that was made, from its bytes; a difference is a fault of ours."""
    for data, stage in zip(files, stages, strict=True):
        for found, wanted in zip(patch.read(data).regions, stage, strict=True):
            assert codecs.decode(found, wanted.content.old or b"") == wanted.content.new
