"""Which module takes which kind of update, as the table of the FOTA-package dialogue has it, from the profiles.

Source: device-api 7.5; seed "OTA upgrade, firmware" (three kinds and the modules that take them).
"""

from __future__ import annotations

from dataclasses import dataclass

from moduline.delta.target import STORE_ROLE
from moduline.errors import Text
from moduline.profiles import catalog
from moduline.profiles.module import USER_FS, ModuleProfile


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a module can do with an update.

    Attributes:
        module: its slug.
        chip: slug of its chip.
        diff: it takes differences of the firmware; every module does.
        full: it takes a whole script area.
        mini: it takes the upgrade in two stages.
        steps: a script may hand it an update piece by piece.
        is_blocking: its own download returns when the work is done.
        store_bytes: where an update waits; 0: not known.
        usr_bytes: area of user scripts.
        block_bytes: erase unit of its flash.
    """

    module: str
    chip: str
    diff: bool
    full: bool
    mini: bool
    steps: bool
    is_blocking: bool
    store_bytes: int
    usr_bytes: int
    block_bytes: int


def abilities_of(profile: ModuleProfile) -> Abilities:
    """What the firmware of a module can do."""
    sizes = {place.role: place.size_bytes for place in profile.partitions}
    return Abilities(
        module=profile.slug,
        chip=profile.chip,
        diff=True,
        full=profile.quirks.has_fota_full,
        mini=profile.quirks.has_fota_mini,
        steps=profile.quirks.has_fota_steps,
        is_blocking=profile.quirks.is_fota_blocking,
        store_bytes=sizes.get(STORE_ROLE, 0),
        usr_bytes=sizes.get(USER_FS, 0),
        block_bytes=catalog.chip_of(profile).flash.erase_bytes,
    )


def not_taken(profile: ModuleProfile | None, kind: str) -> Text | None:
    """Why a module does not take a kind; None: it does, or nobody knows the module.

    Args:
        profile: of the module; None: not known.
        kind: ``diff``, ``full`` or ``mini``.
    """
    if profile is None:
        return None
    known = abilities_of(profile)
    if {"diff": known.diff, "full": known.full, "mini": known.mini}[kind]:
        return None
    return Text(
        f"{profile.slug} takes no {kind} packages; `moduline delta info --modules` tells which module does",
        f"{profile.slug} 不支持 {kind} 升级包；用 `moduline delta info --modules` 查看各型号支持的类型",
    )
