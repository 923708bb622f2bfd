"""Whether a staged package may be applied to this module: everything is checked before a flag is set.

::

    container, signature, set ─▶ chip, model ─▶ kind this firmware supports ─▶ running version
      ─▶ each region: right place, fits, codec known, old content by hash, new content by hash ─▶ new content can boot

Source: device-api 7.2 to 7.5; delta.md 1, 4.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from moduline.delta import check_signature, codecs
from moduline.delta.images import content_of, own_system_in
from moduline.delta.journal import Region
from moduline.delta.steps import InPlaceUpdate
from moduline.errors import BadFormat, PatchForeign, PatchMisfit, Text, TooBig
from moduline.formats import littlefs, patch
from moduline.formats.patch import Patch, PatchRegion
from moduline.nor.flash import Flash
from moduline.profiles import catalog
from moduline.profiles.module import USER_FS, Partition
from moduline.vmodule.facts import ModuleIdentity

FIRMWARE_ROLES: Final = ("system", "app", "modem")
ROLES_OF: Final = {
    ("diff", 1): FIRMWARE_ROLES,
    ("full", 1): (USER_FS,),
    ("mini", 1): FIRMWARE_ROLES,
    ("mini", 2): (USER_FS,),
}
"""Which partitions a stage of each kind may renew; boot code, calibration and the backup never."""


@dataclass(frozen=True, slots=True)
class Abilities:
    """What this module's firmware takes.

    Attributes:
        has_full: packages with a whole script area.
        has_mini: sets of two stages.
        public_key: 32 bytes: only packages signed with it; None takes unsigned ones too.
    """

    has_full: bool = False
    has_mini: bool = False
    public_key: bytes | None = None


def abilities_of(identity: ModuleIdentity, public_key: bytes | None) -> Abilities:
    """What a module's firmware takes.

    Args:
        identity: which module it is.
        public_key: of whoever signs its packages; None takes any.
    """
    quirks = identity.profile.quirks
    return Abilities(quirks.has_fota_full, quirks.has_fota_mini, public_key)


class Acceptance:
    """Checks packages for one module.

    Args:
        identity: which module it is.
        flash: its flash, for what is there now.
        abilities: what its firmware takes.
    """

    def __init__(self, identity: ModuleIdentity, flash: Flash, abilities: Abilities) -> None:
        self._identity = identity
        self._flash = flash
        self._abilities = abilities

    def check(self, packages: Sequence[bytes], running_version: str, spare: Region | None = None) -> tuple[Patch, ...]:
        """The patches, in the order in which they are applied.

        Args:
            packages: whole containers, one or the stages of a set.
            running_version: of the firmware that runs.
            spare: flash for patches that are applied in place; None: there is none.

        Raises:
            FormatError: a container is damaged, of another kind, or its content cannot boot.
            PatchForeign: for another model or chip.
            PatchMisfit: for another version or other content, or a kind that this module does not take.
            PatchUntrusted: not signed with the module's key.
            TooBig: a region does not fit its partition.
        """
        patches = tuple(patch.read(data) for data in packages)
        _must_be_a_set(patches)
        for one in patches:
            if self._abilities.public_key is not None:
                check_signature(one, self._abilities.public_key)
            self._must_be_taken(one)
            if one.source_version and one.source_version != running_version:
                raise _misfit(
                    f"it is for {one.source_version}, {running_version} runs",
                    f"它适用于 {one.source_version}，当前为 {running_version}",
                )
            for region in one.regions:
                self._must_fit(one, region)
                self.must_be_old(region)
                if not codecs.codec_of(region.codec).is_whole:
                    self.in_place(region, spare).examine()
                old = self._flash.read(self.place_of(region), region.old_bytes)
                _must_boot(self._identity, one, region, codecs.decode(region, old))
        return patches

    def place_of(self, region: PatchRegion) -> int:
        """Offset of a region's partition in the flash."""
        return self._identity.offset_of(self._partition(region))

    def in_place(self, region: PatchRegion, spare: Region | None) -> InPlaceUpdate:
        """The update of a region by a patch that reads the old content.

        Raises:
            PatchMisfit: there is too little spare flash, or it is for other erase units.
            FormatError: the patch is damaged.
        """
        if spare is None:
            raise _misfit("this module has no spare flash", "该模组没有备份区")
        partition = self._partition(region)
        unit = self._flash.geometry.erase_bytes
        target = Region(self._flash, self.place_of(region), partition.size_bytes // unit * unit)
        return InPlaceUpdate(codecs.in_place(region), target, spare)

    def is_there(self, region: PatchRegion, size: int, sha256: bytes) -> bool:
        """Whether the flash holds content of that size and hash at the region's place."""
        return hashlib.sha256(self._flash.read(self.place_of(region), size)).digest() == sha256

    def must_be_old(self, region: PatchRegion) -> None:
        """Stop unless the old content is in the flash.

        Raises:
            PatchMisfit: it is not.
        """
        if region.is_checked and not self.is_there(region, region.old_bytes, region.old_sha256):
            raise _misfit(
                f"'{region.role}' in the flash is not the one it was made from",
                f"Flash 中的“{region.role}”不是制作时的旧版本",
            )

    # ---- rules -------------------------------------------------------------------------------------------------------

    def _must_be_taken(self, one: Patch) -> None:
        profile, chip = self._identity.profile, self._identity.chip.slug
        if one.chip and one.chip != chip:
            raise PatchForeign(ours=one.chip, theirs=chip)
        if not is_for(self._identity, one.models):
            raise PatchForeign(ours=", ".join(one.models) or "?", theirs=profile.identity.variant)
        takes = {"diff": True, "full": self._abilities.has_full, "mini": self._abilities.has_mini}
        if not takes[one.kind]:
            raise _misfit(f"this module takes no '{one.kind}' packages", f"该模组不支持“{one.kind}”升级包")

    def _must_fit(self, one: Patch, region: PatchRegion) -> None:
        if region.role not in ROLES_OF[one.kind, one.stage]:
            raise _misfit(f"'{region.role}' is never renewed by it", f"此类升级包不能更新“{region.role}”")
        is_whole = codecs.codec_of(region.codec).is_whole
        if not (region.is_checked or (is_whole and region.role == USER_FS)):
            raise _misfit(f"it does not say what '{region.role}' was before", f"未指明“{region.role}”的旧内容")
        partition = self._partition(region)
        if partition.address != region.address:
            raise _misfit(
                f"'{region.role}' is at 0x{partition.address:08x}, not at 0x{region.address:08x}",
                f"“{region.role}”位于 0x{partition.address:08x}，而非 0x{region.address:08x}",
            )
        need = max(region.new_bytes, region.old_bytes)
        if need > partition.size_bytes:
            raise TooBig(what=region.role, need=need, have=partition.size_bytes)

    def _partition(self, region: PatchRegion) -> Partition:
        partition = self._identity.profile.partition(region.role)
        if partition is None:
            raise _misfit(f"this module has no '{region.role}'", f"该模组没有“{region.role}”")
        return partition


def _must_be_a_set(patches: Sequence[Patch]) -> None:
    """The containers are all stages of one set, in order."""
    if not patches or len(patches) != patches[0].stage_count:
        raise _misfit("it is one stage of several", "这只是多阶段升级包中的一个阶段")
    first = patches[0]
    for number, one in enumerate(patches, 1):
        facts = (one.kind, one.set_id, one.source_version, one.target_version, one.models)
        if one.stage != number or facts != (
            first.kind,
            first.set_id,
            first.source_version,
            first.target_version,
            first.models,
        ):
            raise _misfit("the stages do not belong together", "各阶段升级包不属于同一组")


def _must_boot(identity: ModuleIdentity, one: Patch, region: PatchRegion, new: bytes) -> None:
    """The new content is something this module can run or mount, of the version that was promised."""
    if region.role == USER_FS:
        kind = littlefs.recognise(new)
        if kind != identity.profile.fs.kind:
            raise _misfit(f"its scripts are {kind or 'no file system'}", f"其脚本镜像为 {kind or '非文件系统'}")
    elif region.role == "system":
        if content_of(new) is None:
            raise BadFormat(format=region.role, reason=Text("it is no image", "不是镜像"), offset=0)
        image = own_system_in(new)
        if image is None:
            return  # a vendor's: nothing more is known about it
        if not is_for(identity, image.models):
            raise PatchForeign(ours=", ".join(image.models), theirs=identity.profile.identity.variant)
        if one.target_version and image.version != one.target_version:
            raise _misfit(
                f"its system is {image.version}, promised is {one.target_version}",
                f"其系统版本为 {image.version}，标注为 {one.target_version}",
            )


def is_for(identity: ModuleIdentity, models: Sequence[str]) -> bool:
    """Whether one of the model names is this module's."""
    profile = identity.profile
    return profile.identity.model in models or any(profile.slug == slug for slug in map(_slug_of, models))


def _slug_of(model: str) -> str:
    found = catalog.module_of_model(model)
    return found.slug if found is not None else ""


def _misfit(en: str, zh: str) -> PatchMisfit:
    return PatchMisfit(reason=Text(en.replace("{", "("), zh.replace("{", "(")))
