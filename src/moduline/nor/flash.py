"""The Flash protocol: the only way anything of ours touches flash memory.

Contract, tested on every implementation by ``tests/contract``:

* ``read`` gives exactly ``size`` bytes; outside the chip it raises.
* ``program`` changes 1-bits to 0-bits only. A program that would need a 0 to become 1 raises and changes nothing.
  It may span pages: it is then several page operations, in rising order, each atomic for the operation counter.
* ``erase`` sets whole sectors to 0xFF; start and size are multiples of the erase unit, one operation per sector.
* Every page program and sector erase is one *operation*; power can go away before or inside any of them.
"""

from __future__ import annotations

from typing import Protocol

from moduline.nor.geometry import Geometry


class Flash(Protocol):
    """Flash memory with NOR rules."""

    @property
    def geometry(self) -> Geometry:
        """Sizes of the chip."""

    def read(self, address: int, size: int) -> bytes:
        """``size`` bytes from ``address``.

        Raises:
            FlashViolation: outside the chip.
            FlashCut: the power is away.
        """

    def program(self, address: int, data: bytes) -> None:
        """Clear bits so that the bytes at ``address`` become ``data``.

        Raises:
            FlashViolation: outside the chip, misaligned, or a bit would have to be set.
            FlashCut: the power is away or went away inside.
        """

    def erase(self, address: int, size: int) -> None:
        """Set the sectors of ``[address, address + size)`` to 0xFF.

        Raises:
            FlashViolation: outside the chip or misaligned.
            FlashCut: the power is away or went away inside.
        """
