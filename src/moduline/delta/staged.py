"""A patch on a model of the module that it is for: what ``rehearsal`` tries, from the old firmware and a container.

Source: docs/spec/rehearsal-proof.md.
"""

from __future__ import annotations

import hashlib

from moduline.delta import codecs
from moduline.delta.apply import must_be_for
from moduline.delta.packed import unpacked
from moduline.delta.rehearsal import Job
from moduline.delta.side import SCRIPT_ROLE, Side
from moduline.errors import PatchMisfit, SpareTooSmall, Text
from moduline.formats.patch import Patch, PatchRegion

_NO_PART = Text("the old file has no part '{role}'", "旧文件没有“{role}”部分")
_OTHER = Text("{role} of the old file is not what it was made from", "旧文件的 {role} 与差分包的基准不一致")


def jobs_of(old: Side, found: Patch, spare_bytes: int | None = None) -> list[Job]:
    """The regions of a patch on what lies in the flash before.

    Args:
        old: what runs before.
        found: the patch.
        spare_bytes: spare flash of the module; None: enough.

    Raises:
        PatchForeign, PatchMisfit: it does not belong to the old firmware.
        SpareTooSmall: the module has not the spare flash that it needs.
        FormatError: a block of the patch is damaged.
    """
    must_be_for(old, found)
    return [_job(old, region, spare_bytes) for region in found.regions]


def _job(old: Side, region: PatchRegion, spare_bytes: int | None) -> Job:
    part = old.part(region.role)
    if part is None and old.is_raw and region.is_checked and len(old.parts) == 1:
        part = old.parts[0]  # a bare image: its hash tells whether it is that
    if part is None and region.role != SCRIPT_ROLE:
        raise PatchMisfit(reason=_NO_PART, role=region.role)
    content = part.data if part is not None else b""
    if region.is_checked and not _is_old(content, region):
        found = unpacked(content)
        if found is None or not _is_old(found.content, region):
            raise PatchMisfit(reason=_OTHER, role=region.role)
        content = found.content
    coded = None if codecs.codec_of(region.codec).is_whole else codecs.in_place(region)
    if coded is not None and spare_bytes is not None and coded.plan.spare_bytes > spare_bytes:
        raise SpareTooSmall(need=coded.plan.spare_bytes, have=spare_bytes)
    return Job(region.role, content, codecs.decode(region, content), coded)


def _is_old(data: bytes, region: PatchRegion) -> bool:
    return len(data) == region.old_bytes and hashlib.sha256(data).digest() == region.old_sha256
