"""Making a region hold content that is there as a whole: repeatable, so any number of power cuts only cost time.

Source: docs/spec/patch.md (applying); style-anchors H11.
"""

from __future__ import annotations

from collections.abc import Iterator

from moduline.delta.journal import Region
from moduline.nor.geometry import ERASED


def renew(region: Region, new: bytes) -> Iterator[int]:
    """Block by block, leaving alone what is right; behind the end the last block is blank. Gives the bytes done.

    Raises:
        FlashCut: the power went away; begin again.
    """
    unit = region.block_bytes
    for at in range(0, len(new), unit):
        wanted = new[at : at + unit]
        if region.read(at, unit) != wanted.ljust(unit, bytes([ERASED])):
            region.erase(at // unit)
            region.program(at, wanted)
        yield at + len(wanted)
