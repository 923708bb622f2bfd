"""What a patch would change, before any is made: versions, parts, and about how much flash it would want.

How small a patch becomes is known only once it is made. ``about_bytes`` counts what stands in the new content and in
no block of the old one, packed: address changes that the coders predict away are counted in full, so that the real
patch is rarely larger.

Source: delta.md 1 (what is said while building), 4 (parts).
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Final

from moduline.delta.make import user_image_of
from moduline.delta.packed import unpacked
from moduline.delta.pairs import firmware_pairs, left_alone, must_be_related, scripts_differ
from moduline.delta.side import SCRIPT_ROLE, Side, compare
from moduline.delta.target import Target, container_bytes, target_of
from moduline.errors import Text
from moduline.package.comparison import changed_bytes

_BLOCK: Final = 256
_LEVEL: Final = 6


@dataclass(frozen=True, slots=True)
class PartForecast:
    """One part of the firmware, or the scripts.

    Attributes:
        role: of the part.
        old_bytes: before; 0: nothing is compared.
        new_bytes: afterwards.
        changed_bytes: how many differ at their places.
        about_bytes: of it in a patch; 0: it does not differ.
        is_whole: it travels whole whatever it was before.
    """

    role: str
    old_bytes: int
    new_bytes: int
    changed_bytes: int
    about_bytes: int
    is_whole: bool = False


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is known before a patch is made.

    Attributes:
        direction: ``upgrade``, ``downgrade``, ``same`` or ``unknown``.
        parts: in the order in which they are renewed; also those that stay the same.
        notes: what a patch would leave as it is.
        target: the module's flash.
        about_bytes: of the patch.
    """

    direction: str
    parts: tuple[PartForecast, ...]
    notes: tuple[Text, ...]
    target: Target
    about_bytes: int


def forecast(old: Side, new: Side, kind: str = "diff", place: str = "", user_image: bytes | None = None) -> Forecast:
    """What a patch from ``old`` to ``new`` would change.

    Args:
        old: what runs before.
        new: what shall be there afterwards.
        kind: ``diff``, ``full`` or ``mini``.
        place: ``fs``, ``fp`` or empty: where it is to lie.
        user_image: the scripts' file system for ``full`` and ``mini``; None: the one in ``new``.

    Raises:
        PatchForeign: the sides are of different models or chips.
        PatchPartMissing: the old side lacks a part of the new one.
    """
    must_be_related(old, new)
    parts: list[PartForecast] = []
    notes: list[Text] = []
    if kind != "full":
        parts += [_part(before.role, before.data, after.data) for before, after in firmware_pairs(old, new)]
        notes += left_alone(old, new)
    if kind != "diff":
        image = user_image if user_image is not None else user_image_of(new)
        if image is not None:
            parts.append(PartForecast(SCRIPT_ROLE, 0, len(image), len(image), _packed(image), is_whole=True))
    elif not new.is_raw and scripts_differ(old, new, SCRIPT_ROLE):
        notes.append(Text("the scripts in NEW are not part of a diff patch", "diff 差分包不包含 NEW 中的脚本"))
    changed = [one for one in parts if one.about_bytes]
    about = container_bytes([one.about_bytes for one in changed]) if changed else 0
    target_version = new.version if kind != "full" else old.version
    return Forecast(compare(old.version, target_version), tuple(parts), tuple(notes), target_of(old, place), about)


def _part(role: str, old: bytes, new: bytes) -> PartForecast:
    if old == new:
        return PartForecast(role, len(old), len(new), 0, 0)
    if unpacked(old) is not None or unpacked(new) is not None:
        return PartForecast(role, len(old), len(new), changed_bytes(old, new), _packed(new), is_whole=True)
    known = {old[at : at + _BLOCK] for at in range(0, len(old), _BLOCK)}
    blocks = (new[at : at + _BLOCK] for at in range(0, len(new), _BLOCK))
    novel = b"".join(one for one in blocks if one not in known)
    return PartForecast(role, len(old), len(new), changed_bytes(old, new), _packed(novel))


def _packed(data: bytes) -> int:
    return max(1, len(zlib.compress(data, _LEVEL)))
