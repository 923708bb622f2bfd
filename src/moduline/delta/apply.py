"""Old plus patch gives new, on this computer; the boot code of a module does the same in the flash.

Source: delta.md 4 (integrity).
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

from moduline.delta import codecs
from moduline.delta.packed import packed_again, unpacked
from moduline.delta.side import SCRIPT_ROLE, UNKNOWN_ROLE, Side, told
from moduline.errors import PatchForeign, PatchMisfit, Text
from moduline.formats.patch import Patch, PatchRegion
from moduline.package import merge, write_package
from moduline.package.merge import substitute
from moduline.package.stock import write_stock


def apply(old: Side, patch: Patch) -> bytes:
    """The new file: a raw image for a raw image, a package for a package.

    Raises:
        PatchForeign: the patch is for another model or chip.
        PatchMisfit: the old side is not what the patch was made from.
        FormatError: a block of the patch is damaged.
    """
    must_be_for(old, patch)
    only = patch.regions[0] if len(patch.regions) == 1 else None
    if only is not None and only.is_checked and old.is_raw and old.parts[0].role == UNKNOWN_ROLE:
        old = told(old, None, only.role)  # the hash tells whether it is that
    for region in patch.regions:
        _must_match(old, region)
    if old.stock is not None:
        images = dict(old.stock.images) | {region.role: _new(old, region) for region in patch.regions}
        version = patch.target_version or old.version
        return write_stock(replace(old.stock, version=version, images=images))
    if old.package is None:
        return _new(old, patch.regions[0])
    package = old.package
    for region in patch.regions:
        new = _new(old, region)
        if region.role == SCRIPT_ROLE:
            package = merge(package, {SCRIPT_ROLE: new})
        else:
            package = substitute(package, package.need(region.role).name, new)
    return write_package(package)


def _new(old: Side, region: PatchRegion) -> bytes:
    """The new content of a part, as it stands in a package."""
    part = old.part(region.role)
    if part is None or not region.is_checked:
        return codecs.decode(region)
    if _is_old(part.data, region):
        return codecs.decode(region, part.data)
    found = unpacked(part.data)
    assert found is not None  # _must_match saw it
    new = codecs.decode(region, found.content)
    return new if old.is_raw else packed_again(new, part.data)


def _is_old(data: bytes, region: PatchRegion) -> bool:
    return len(data) == region.old_bytes and hashlib.sha256(data).digest() == region.old_sha256


def must_be_for(old: Side, patch: Patch) -> None:
    """Stop when the patch is known to be for another model or chip.

    Raises:
        PatchForeign: it is.
    """
    if old.models and patch.models and not set(old.models) & set(patch.models):
        raise PatchForeign(ours=", ".join(patch.models), theirs=", ".join(old.models))
    if old.chip and patch.chip and old.chip != patch.chip:
        raise PatchForeign(ours=patch.chip, theirs=old.chip)


def _must_match(old: Side, region: PatchRegion) -> None:
    if region.role == SCRIPT_ROLE and not region.is_checked:
        if old.is_raw and old.part(SCRIPT_ROLE) is None:
            raise PatchMisfit(
                reason=Text("it renews the scripts, the old file has none", "它更新脚本，而旧文件不含脚本")
            )
        return
    part = old.part(region.role)
    if part is None:
        why = Text(f"the old file has no part '{region.role}'", f"旧文件没有“{region.role}”部分")
        raise PatchMisfit(reason=why, role=region.role)
    found = unpacked(part.data) if not _is_old(part.data, region) else None
    if not _is_old(part.data, region) and not (found is not None and found.is_bare and _is_old(found.content, region)):
        why = Text(f"'{region.role}' is not the one it was made from", f"“{region.role}”不是制作时的旧版本")
        raise PatchMisfit(reason=why, role=region.role, wanted=region.old_sha256.hex())
