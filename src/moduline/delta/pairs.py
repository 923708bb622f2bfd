"""Which parts of the old firmware go with which of the new one, and what a patch leaves alone.

Parts go together by their role, at the same place of the flash. Boot code, calibration and backup are never renewed:
losing one would kill a module, and the boot code is what applies the patch.

Source: device-api 7.5; docs/design/firmware-update.md (rules).
"""

from __future__ import annotations

from typing import Final

from moduline.delta.side import FIRMWARE_ROLES, Side, SidePart
from moduline.errors import PatchForeign, PatchPartMissing, Text
from moduline.package.parts import SCRIPT_ROLES

BOOT_ROLES: Final = ("first_boot", "boot")
_CONTENT: Final = ("code", "cpio")


def must_be_related(old: Side, new: Side) -> None:
    """Stop when the two are known to be of different models or chips.

    Raises:
        PatchForeign: they are.
    """
    if old.models and new.models and not set(old.models) & set(new.models):
        raise PatchForeign(ours=", ".join(old.models), theirs=", ".join(new.models))
    if old.chip and new.chip and old.chip != new.chip:
        raise PatchForeign(ours=old.chip, theirs=new.chip)


def firmware_pairs(old: Side, new: Side) -> list[tuple[SidePart, SidePart]]:
    """Parts of the firmware that both have, in the order in which they are renewed; also those that are the same.

    An image alone goes with its part of a package.

    Raises:
        PatchPartMissing: the new side has a part that the old one lacks, or they have none in common.
        PatchForeign: a part lies somewhere else.
    """
    are_images = old.is_raw and new.is_raw
    roles = [one.role for one in old.parts] if are_images else list(FIRMWARE_ROLES)
    pairs = []
    for role in roles:
        before, after = old.part(role), new.part(role)
        if before is None and after is not None and not old.is_raw:
            raise PatchPartMissing(file=old.name or "OLD", role=role, other=new.name or "NEW")
        if before is None or after is None:
            continue
        if before.address and after.address and before.address != after.address:
            raise PatchForeign(ours=f"{role} @ 0x{before.address:08x}", theirs=f"0x{after.address:08x}")
        pairs.append((before, after))
    if not pairs:
        role = next((one.role for one in old.parts if are_images or one.role in FIRMWARE_ROLES), FIRMWARE_ROLES[0])
        lacking, other = (old, new) if old.part(role) is None else (new, old)
        raise PatchPartMissing(file=lacking.name or "?", role=role, other=other.name or "?")
    return pairs


def left_alone(old: Side, new: Side) -> list[Text]:
    """What differs and stays as it is on the module, in words."""
    texts = []
    boots = [(old.part(role), new.part(role)) for role in BOOT_ROLES]
    if any(before and after and before.data != after.data for before, after in boots):
        text = "the boot code differs; it is never updated over the air"
        texts.append(Text(text, "引导代码不同；引导代码不会通过 OTA 升级"))
    if not old.is_raw and not new.is_raw:
        gone = [role for role in FIRMWARE_ROLES if old.part(role) is not None and new.part(role) is None]
        if gone:
            names = ", ".join(gone)
            texts.append(Text(f"NEW has no {names}: it stays as it is", f"NEW 中没有 {names}：将保持不变"))
    others = ", ".join(_others(old, new))
    if others:
        text = f"it differs and no patch renews it: {others}; burn NEW where that matters"
        texts.append(Text(text, f"以下部分不同，但差分包不会更新：{others}；如需更新请烧录 NEW"))
    return texts


def scripts_differ(old: Side, new: Side, role: str) -> bool:
    """Whether the new package brings other scripts than the old one."""
    before, after = old.part(role), new.part(role)
    return after is not None and (before is None or before.data != after.data)


def _others(old: Side, new: Side) -> list[str]:
    """Names of parts with content that differ, which no patch renews."""
    if old.package is None or new.package is None:
        return []
    known = {*FIRMWARE_ROLES, *BOOT_ROLES, *SCRIPT_ROLES}
    names = []
    for part in new.package.parts:
        before = old.package.part(part.name)
        is_placed = part.role in known and new.part(part.role) is not None
        is_other = part.kind in _CONTENT and part.is_default and not is_placed and part.role not in BOOT_ROLES
        if is_other and (before is None or before.data != part.data):
            names.append(part.name)
    return names
