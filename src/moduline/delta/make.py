"""Old and new firmware become a patch, or for ``mini`` two of them.

::

    diff   firmware parts that differ; old content checked by hash             scripts stay
    full   the scripts' file system, whole                                     firmware stays
    mini   stage 1 as diff, stage 2 as full: two containers of one set         both are renewed

The old side is the *before*: ``make(old, new)`` leads from old to new, and ``direction`` says by the versions which
way that is. Every patch was decoded and compared before this returns.

Source: device-api 7.5, 14.2 (T14), 14.5 (T55); delta.md 1, 4, 5.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from moduline.delta import codecs, inplace
from moduline.delta.side import FIRMWARE_ROLES, SCRIPT_ROLE, Side, SidePart, compare
from moduline.errors import BadOption, PatchForeign, Text, TooBig
from moduline.formats import littlefs, patch
from moduline.formats.container import zip_members
from moduline.formats.patch import Patch, PatchRegion

KINDS: Final = ("diff", "full", "mini")
CODECS: Final = ("whole", "mapped")
"""``mapped``: firmware by what changed, applied in place; scripts stay whole."""
USER_IMAGE: Final = "customer_fs.bin"
BLOCK_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class Made:
    """What ``make`` gives.

    Attributes:
        patches: one, or for ``mini`` two, in the order in which they are applied.
        files: their bytes.
        direction: ``upgrade``, ``downgrade``, ``same`` or ``unknown``.
        warnings: what the user should know before using them.
    """

    patches: tuple[Patch, ...]
    files: tuple[bytes, ...]
    direction: str
    warnings: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True)
class InPlace:
    """For a device that renews its firmware in place.

    Attributes:
        block_bytes: erase unit of its flash.
        spare_bytes: spare flash that it has; None: the patch says what it needs.
    """

    block_bytes: int = BLOCK_BYTES
    spare_bytes: int | None = None


def make(
    old: Side,
    new: Side,
    kind: str = "diff",
    *,
    place: str = "",
    user_image: bytes | None = None,
    in_place: InPlace | None = None,
) -> Made:
    """The patch from ``old`` to ``new``.

    Args:
        old: what runs before.
        new: what shall be there afterwards.
        kind: ``diff``, ``full`` or ``mini``.
        place: where the patch is to lie on the device: ``fs``, ``fp`` or empty.
        user_image: the scripts' file system (``customer_fs.bin``) for ``full`` and ``mini``; None takes it out of
            ``new``.
        in_place: firmware by what changed, for such a device; None: as a whole.

    Raises:
        BadOption: an unknown kind, nothing differs, or the user image is missing or none.
        PatchMisfit: the spare flash of the device is too small.
        PatchForeign: the sides are of different models or chips.
        TooBig: a new part does not fit its place.
    """
    if kind not in KINDS:
        raise BadOption(
            name="--kind",
            reason=Text("'{kind}' is not diff, full or mini", "“{kind}”不是 diff、full 或 mini"),
            kind=kind,
        )
    must_be_related(old, new)
    warnings: list[Text] = []
    direction = compare(old.version, old.version if kind == "full" else new.version)
    if kind != "full" and direction == "same":
        warnings.append(Text(f"both have the version {old.version}", f"两者版本相同：{old.version}"))
    stages: list[tuple[PatchRegion, ...]] = []
    if kind != "full":
        stages.append(_firmware(old, new, warnings, in_place))
    if kind != "diff":
        stages.append((_scripts(new, user_image),))
    elif new.part(SCRIPT_ROLE) is not None and not new.is_raw:
        warnings.append(Text("the scripts in NEW are not part of a diff patch", "diff 差分包不包含 NEW 中的脚本"))
    if kind == "full" and any(_differ(old, new)):
        text = "the firmware differs too and is not part of a full patch; use mini"
        warnings.append(Text(text, "固件也不同，但 full 包不含固件；请使用 mini"))
    block = in_place.block_bytes if in_place is not None else BLOCK_BYTES
    patches = tuple(
        replace(one, block_bytes=block, spare_bytes=_spare(one.regions))
        for one in _containers(old, new, kind, place, stages)
    )
    files = tuple(patch.write(one) for one in patches)
    _must_give_back(old, files, stages)
    return Made(patches, files, direction, tuple(warnings))


def must_be_related(old: Side, new: Side) -> None:
    """Stop when the two are known to be of different models or chips.

    Raises:
        PatchForeign: they are.
    """
    if old.models and new.models and not set(old.models) & set(new.models):
        raise PatchForeign(ours=", ".join(old.models), theirs=", ".join(new.models))
    if old.chip and new.chip and old.chip != new.chip:
        raise PatchForeign(ours=old.chip, theirs=new.chip)


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


def _firmware(old: Side, new: Side, warnings: list[Text], in_place: InPlace | None) -> tuple[PatchRegion, ...]:
    regions = [_changed(before, after, in_place) for before, after in _differ(old, new)]
    if not regions:
        why = Text("the firmware of both is the same", "两者固件相同")
        raise BadOption(name="OLD NEW", reason=why)
    boots = old.part("boot"), new.part("boot")
    if all(boots) and boots[0] != boots[1]:
        text = "the boot code differs; it is never updated over the air"
        warnings.append(Text(text, "引导代码不同；引导代码不会通过 OTA 升级"))
    return tuple(regions)


def _differ(old: Side, new: Side) -> list[tuple[SidePart, SidePart]]:
    """Firmware parts that both have with other content."""
    is_raw = old.is_raw and new.is_raw
    roles = [one.role for one in old.parts] if is_raw else list(FIRMWARE_ROLES)
    pairs = []
    for role in roles:
        before, after = old.part(role), new.part(role)
        if before is None and after is None:
            continue
        if before is None or after is None:
            if old.is_raw == new.is_raw:
                raise PatchForeign(ours=f"{old.name} ({role})", theirs=new.name)
            continue
        if before.address and after.address and before.address != after.address:
            raise PatchForeign(ours=f"{role} @ 0x{before.address:08x}", theirs=f"0x{after.address:08x}")
        if before.data != after.data:
            pairs.append((before, after))
    return pairs


def _spare(regions: Sequence[PatchRegion]) -> int:
    """Spare flash that the regions take, one after the other."""
    codes = [one for one in regions if one.codec == codecs.MAPPED]
    return max((codecs.in_place(one).plan.spare_bytes for one in codes), default=0)


def _changed(before: SidePart, after: SidePart, in_place: InPlace | None) -> PatchRegion:
    room = before.room_bytes or after.room_bytes
    if room and len(after.data) > room:
        raise TooBig(what=after.role, need=len(after.data), have=room)
    codec, block = codecs.encode(after.data)
    if in_place is not None:
        coded = inplace.make(
            before.data, after.data, block_bytes=in_place.block_bytes, spare_bytes=in_place.spare_bytes
        )
        if len(coded.block) < len(block):
            codec, block = codecs.MAPPED, coded.block
    return PatchRegion(
        role=after.role,
        address=before.address or after.address,
        old_bytes=len(before.data),
        old_sha256=hashlib.sha256(before.data).digest(),
        new_bytes=len(after.data),
        new_sha256=hashlib.sha256(after.data).digest(),
        codec=codec,
        data=block,
    )


def _scripts(new: Side, user_image: bytes | None) -> PatchRegion:
    image = user_image if user_image is not None else user_image_of(new)
    if image is None:
        why = Text(
            "full and mini patches need the user image customer_fs.bin, and '{file}' does not hold it; see --user-fs",
            "full 与 mini 需要用户分区文件 customer_fs.bin，而“{file}”中没有；请用 --user-fs 指定",
        )
        raise BadOption(name="--user-fs", reason=why, file=new.name or "NEW", needs=USER_IMAGE)
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
    codec, block = codecs.encode(image)
    return PatchRegion(
        role=SCRIPT_ROLE,
        address=new.script_address,
        old_bytes=0,
        old_sha256=bytes(patch.SHA256_BYTES),
        new_bytes=len(image),
        new_sha256=hashlib.sha256(image).digest(),
        codec=codec,
        data=block,
    )


def _containers(
    old: Side, new: Side, kind: str, place: str, stages: Sequence[tuple[PatchRegion, ...]]
) -> tuple[Patch, ...]:
    hashes = b"".join(region.new_sha256 for regions in stages for region in regions)
    target = old.version if kind == "full" else new.version
    set_id = hashlib.sha256(hashes).digest()[: patch.SET_ID_BYTES] if len(stages) > 1 else bytes(patch.SET_ID_BYTES)
    whole = Patch(
        kind=kind,
        models=new.models or old.models,
        regions=stages[0],
        source_version=old.version,
        target_version=target,
        chip=new.chip or old.chip,
        place=place,
        set_id=set_id,
    )
    return tuple(replace(whole, regions=regions, stage=number) for number, regions in enumerate(stages, 1))


def _must_give_back(old: Side, files: Sequence[bytes], stages: Sequence[tuple[PatchRegion, ...]]) -> None:
    """Decode everything that was made; a difference is a fault of ours."""
    for data, regions in zip(files, stages, strict=True):
        for found, wanted in zip(patch.read(data).regions, regions, strict=True):
            part = old.part(found.role)
            new = codecs.decode(found, part.data if part is not None else b"")
            assert hashlib.sha256(new).digest() == wanted.new_sha256
