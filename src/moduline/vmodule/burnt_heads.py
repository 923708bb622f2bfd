"""The heads that an agentboot leaves in front of boot code and system: they tell whether a burn was finished.

::

    AP flash   0x0000  head of the boot code (8 KiB)    0x4000...  boot code
               0x2000  head of the system (8 KiB)       0x24000... system

The agentboot writes a head before the body, so after a burn that was cut the head speaks of content that is not there
whole. The real boot code does not check in the mode every host asks for, and such a module is dead until it is burnt
again; here it stays in the ROM and says why. Flashes that no agentboot has written to have no heads. An update in the
field changes the system in place, so it first drops the head that speaks of the old one (inferred; what the vendor's
updater does with it is not known).

Some hosts fill an image up to packets of 0x4000 bytes and state that length with the hash of what was before.

Source: platform-eigencomm 3.4.
"""

from __future__ import annotations

import hashlib
from typing import Final

from moduline.errors import BadFormat
from moduline.nor.flash import Flash
from moduline.nor.geometry import ERASED
from moduline.profiles.chip import ChipProfile
from moduline.wire.download.eigen import MAX_DATA_BYTES
from moduline.wire.download.eigen_head import HEAD_BYTES, ImageHead, ImageId, is_hash_right, unpack_head

HEAD_ROOM_BYTES: Final = 0x2000
_WIRE: Final = "agboot"
_FILLINGS: Final = (b"\0", b"\xff")
_PLACES: Final = {"boot": (0x0000, ImageId.BOOT, 0x4000), "system": (0x2000, ImageId.AP, 0x20000)}
"""Role to where its head is, the id in it, and where the body lies when the head has no address."""


class BurntHeads:
    """The heads in one module's flash; none on chips of other wires.

    Args:
        chip: of the module.
        flash: its flash.
    """

    def __init__(self, chip: ChipProfile, flash: Flash) -> None:
        self._has_any = chip.entry.wire == _WIRE
        self._base, self._size = chip.flash.base_address, chip.flash.size_bytes
        self._flash = flash

    def is_belied(self, role: str) -> bool:
        """Whether there is an intact head of that role whose image is not in the flash."""
        head = self._head(role)
        if head is None:
            return False
        offset = self._offset(role, head)
        if not 0 <= offset <= offset + head.size_bytes <= self._size:
            return True
        return not _begins_with(self._flash.read(offset, head.size_bytes), head.image_sha256)

    def drop_system(self) -> None:
        """Forget the system's head, before the system is changed by others than an agentboot.

        Raises:
            FlashCut: the power went away.
        """
        self._drop("system")

    def drop_all(self) -> None:
        """Forget every head, before firmware is written by others than an agentboot."""
        for role in _PLACES:
            self._drop(role)

    def _drop(self, role: str) -> None:
        place, _, _ = _PLACES[role]
        if self._has_any and self._flash.read(place, HEAD_BYTES).count(ERASED) < HEAD_BYTES:
            self._flash.erase(place, HEAD_ROOM_BYTES)

    def _head(self, role: str) -> ImageHead | None:
        if not self._has_any or role not in _PLACES:
            return None
        place, image_id, _ = _PLACES[role]
        data = self._flash.read(place, HEAD_BYTES)
        try:
            head = unpack_head(data)
        except BadFormat:
            return None
        return head if head.image_id == image_id and is_hash_right(data) else None

    def _offset(self, role: str, head: ImageHead) -> int:
        if role == "boot" or head.burn_address == 0:
            return _PLACES[role][2]
        return head.burn_address - self._base if head.burn_address >= self._base else head.burn_address


def _begins_with(content: bytes, sha256: bytes) -> bool:
    """Whether the content, or the content without what may be filling at its end, has that hash."""
    if hashlib.sha256(content).digest() == sha256:
        return True
    filling = content[-1:]
    if filling not in _FILLINGS:
        return False
    least = max(len(content.rstrip(filling)), len(content) - MAX_DATA_BYTES)
    known = hashlib.sha256(content[:least])
    for at in range(least, len(content)):
        if known.digest() == sha256:
            return True
        known.update(content[at : at + 1])
    return False
