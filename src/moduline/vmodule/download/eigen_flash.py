"""The two NOR flashes of an EigenComm chip as its agentboot sees them: AP and CP, at their bus (XIP) addresses.

::

    bus 0x00800000 ┌──────────────┐ 0          bus 0x08800000 ┌──────────┐ behind the AP flash
                   │ AP, 4 MiB    │                           │ CP, 1 MiB│
    bus 0x00C00000 └──────────────┘ 0x400000   bus 0x08900000 └──────────┘ 0x500000
                         '── offsets in the module's one flash file ──'

Both are areas of one ``Flash``, so that one counter numbers the operations of both and a cut may fall anywhere. In the
AP flash an offset and the offset plus 0x800000 are the same place.

Source: platform-eigencomm 3.3, 3.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from moduline.nor.flash import Flash
from moduline.profiles.chip import ChipProfile


@dataclass(frozen=True, slots=True)
class FlashArea:
    """One of the two.

    Attributes:
        flash: the module's flash.
        start: where the area begins in it.
        size_bytes: its length, a multiple of the erase unit.
        bus_address: where the chip sees its first byte.
    """

    flash: Flash
    start: int
    size_bytes: int
    bus_address: int

    def offset_of(self, address: int) -> int:
        """Offset in the area, of an offset or a bus address; may lie outside."""
        return address - self.bus_address if address >= self.bus_address else address

    def has(self, offset: int, size: int) -> bool:
        """Whether a range lies inside."""
        return 0 <= offset <= offset + size <= self.size_bytes

    def read(self, offset: int, size: int) -> bytes:
        """As ``Flash.read``."""
        return self.flash.read(self.start + offset, size)

    def program(self, offset: int, data: bytes) -> None:
        """As ``Flash.program``.

        Raises:
            FlashViolation: a bit would have to be set.
            FlashCut: the power went away.
        """
        self.flash.program(self.start + offset, data)

    def erase_sectors(self, offset: int, size: int) -> None:
        """Erase every sector that the range touches.

        Raises:
            FlashCut: the power went away.
        """
        unit = self.flash.geometry.erase_bytes
        first, end = offset // unit * unit, -(-(offset + size) // unit) * unit
        self.flash.erase(self.start + first, end - first)


@dataclass(frozen=True, slots=True)
class ChipFlashes:
    """Both areas."""

    ap: FlashArea
    cp: FlashArea

    @classmethod
    def of(cls, chip: ChipProfile, flash: Flash) -> Self:
        """The areas of a chip in the module's flash; a chip without a CP flash has an empty one."""
        ap, cp = chip.flash, chip.cp_flash
        ap_area = FlashArea(flash, 0, ap.size_bytes, ap.base_address)
        if cp is None:
            return cls(ap_area, FlashArea(flash, ap.size_bytes, 0, 0xFFFFFFFF))
        return cls(ap_area, FlashArea(flash, ap.size_bytes, cp.size_bytes, cp.base_address))

    def at(self, address: int) -> FlashArea | None:
        """The area that a bus address lies in; None for anything else."""
        for area in (self.ap, self.cp):
            if area.bus_address <= address < area.bus_address + area.size_bytes:
                return area
        return None
