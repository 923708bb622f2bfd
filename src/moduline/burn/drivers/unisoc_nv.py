"""The module's own NV block on its way through a burn: read, handed out to be stored, merged into the package's.

::

    ask -> take* -> as_read (the loop stores it) -> merge

IMEI and calibration live in it, so nothing is erased before it is stored. Whoever stores it decides what a block that
is damaged or cannot be read means, and may give the unit's own one to go on with instead.

Source: platform-unisoc 3.5, 5.7, 6.3.
"""

from __future__ import annotations

from typing import Final

from moduline.burn.action import Action, BurnPlan
from moduline.burn.session import NvRead
from moduline.errors import ModulineError
from moduline.events import Notice
from moduline.formats import nv
from moduline.wire.download import unisoc as wire
from moduline.wire.download.unisoc import BslCommand

NV_ADDRESS: Final = 0xFE000003
READ_PACKET_BYTES: Final = 0x3000


class NvKeeper:
    """One module's NV block in one burn.

    Args:
        plan: what to do; a ``keep_nv`` or an NV ``keep`` in it says that the block is wanted, and how large it is.
    """

    def __init__(self, plan: BurnPlan) -> None:
        wanted = [action for action in plan.actions if is_nv(action)]
        self.is_wanted = bool(wanted)
        self._size_bytes = wanted[0].size_bytes if wanted else 0
        self._ids = [item.id for item in plan.nv_items if item.id is not None]
        self._block = bytearray()

    @property
    def has_some(self) -> bool:
        """Whether a part of the block has been read."""
        return bool(self._block)

    def ask(self) -> bytes:
        """The frame that asks for the next piece; the pieces of one block must follow each other."""
        at = len(self._block)
        size = min(READ_PACKET_BYTES, self._size_bytes - at)
        return wire.encode_bsl(BslCommand.READ_FLASH, wire.pack_words(NV_ADDRESS, size, at))

    def is_last(self, data: bytes) -> bool:
        """Whether ``data`` ends the block: all of it is here, or less came than was asked for."""
        have = len(self._block)
        return len(data) < min(READ_PACKET_BYTES, self._size_bytes - have) or have + len(data) >= self._size_bytes

    def take(self, data: bytes) -> None:
        """The next piece."""
        self._block += data

    def as_read(self) -> NvRead:
        """What must be stored before anything else happens."""
        block = bytes(self._block)
        is_valid = nv.is_crc_right(block)
        return NvRead(block, nv_imei(block) if is_valid else "", is_valid)

    def merge(self, template: bytes, own: bytes | None) -> tuple[bytes, list[Notice]]:
        """The package's block with the unit's own items put in and its check made right, and what is to be told.

        Args:
            template: the package's block.
            own: the unit's block to use instead of the one that was read; None: the one that was read.

        Raises:
            BadFormat: the template cannot be read.
            TooBig: the unit's items do not fit it.

        Source: platform-unisoc 6.3, steps 2 and 3.
        """
        notices = []
        if own is not None:
            notices.append(Notice("burn.nv-restored", facts={"imei": nv_imei(own)}))
        elif nv.is_crc_right(bytes(self._block)):
            own = bytes(self._block)
        else:
            return nv.with_right_crc(template), [Notice("burn.nv-damaged")]
        carried = nv.carry_over(template, own, self._ids)
        facts = {"items": list(carried.taken), "missing": list(carried.missing)}
        return carried.block, [*notices, Notice("burn.nv-kept", facts=facts)]


def is_nv(action: Action) -> bool:
    """Whether an action needs the module's NV block."""
    return action.verb == "keep_nv" or (action.verb == "keep" and action.address == NV_ADDRESS)


def nv_imei(block: bytes) -> str:
    """The IMEI in a raw NV block; empty when there is none or the block cannot be read."""
    try:
        return nv.read(block).imei
    except ModulineError:
        return ""
