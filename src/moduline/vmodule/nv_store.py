"""What must outlive everything else: the fixed NV block (IMEI, calibration) and PhaseCheck, in the factory partition.

Both lie in a ``RecordStore``: two banks with sequence and CRC, so that a power cut while NV is written leaves the old
block or the new one. Real modules keep the same things in a small file system of their own.

A factory block is derived from rack and place of the module: an IMEI that no neighbour has, with a right check digit,
and calibration-like items.

Source: platform-unisoc 2.7, 3.5, 3.6, 5.7, 6.3, 6.5.
"""

from __future__ import annotations

import hashlib
from typing import Final

from moduline.errors import BadFormat
from moduline.formats import nv
from moduline.nor.flash import Flash
from moduline.vmodule.record_store import RecordStore

PHASE_CHECK_BYTES: Final = 0x100
GSM_CALIBRATION_ID: Final = 0x26D
LTE_CALIBRATION_ID: Final = 0x26E
GOLDEN_CALIBRATION_ID: Final = 0x26F
SECOND_IMEI_ID: Final = 0x179
SMALL_BLOCK_BYTES: Final = 0x20000
_NV_KEY: Final = "nv"
_PHASE_KEY: Final = "phasecheck"


class NvStore:
    """Fixed NV and PhaseCheck of one module.

    Args:
        flash: the module's flash.
        start: offset of the factory partition.
        size: its length in bytes.
        block_bytes: size of the NV block a host sees; 0x20000 on 8910.
    """

    def __init__(self, flash: Flash, start: int, size: int, block_bytes: int = 0x20000) -> None:
        self._records = RecordStore(flash, start, size)
        self.block_bytes = block_bytes

    @property
    def is_mountable(self) -> bool:
        """Whether the partition is ours or empty."""
        return self._records.is_mountable

    def read_block(self) -> bytes | None:
        """The whole block, CRC right, ``block_bytes`` long; None when there is none."""
        return self._records.get(_NV_KEY)

    def write_block(self, block: bytes) -> None:
        """Keep a block whose CRC the caller has checked; shorter ones are filled with 0xFF and get a new CRC.

        Raises:
            TooBig: the items do not compress into the partition.
            FlashCut: the power went away; the old or the new block is in force.
        """
        if len(block) < self.block_bytes:
            block = nv.with_right_crc(block.ljust(self.block_bytes, b"\xff"))
        self._records.put(_NV_KEY, block)

    def read_phase_check(self) -> bytes | None:
        """The 256 bytes, None when there are none."""
        return self._records.get(_PHASE_KEY)

    def write_phase_check(self, data: bytes) -> None:
        """Keep the 256 bytes.

        Raises:
            FlashCut: the power went away; the old or the new bytes are in force.
        """
        self._records.put(_PHASE_KEY, data)

    def drop_phase_check(self) -> None:
        """Forget PhaseCheck.

        Raises:
            FlashCut: the power went away.
        """
        self._records.drop(_PHASE_KEY)

    def read_secure(self, index: int) -> bytes | None:
        """Record ``index`` of the secure data area; None when there is none."""
        return self._records.get(f"secure{index}")

    def write_secure(self, index: int, data: bytes) -> None:
        """Keep a record of the secure data area.

        Raises:
            TooBig: the partition has no room for it.
            FlashCut: the power went away; the old or the new record is in force.
        """
        self._records.put(f"secure{index}", data)

    def format(self) -> None:
        """Make the partition an empty store; the IMEI is lost unless the caller writes it again.

        Raises:
            FlashCut: the power went away.
        """
        self._records.format()

    @property
    def imei(self) -> str:
        """The IMEI in NV; "" when there is none."""
        block = self.read_block()
        if block is None:
            return ""
        try:
            return nv.read(block).imei
        except BadFormat:
            return ""


def factory_block(imei: str, seed: str, block_bytes: int = 0x20000) -> bytes:
    """An NV block as the factory leaves it: IMEI and calibration of module ``seed``, CRC right.

    The larger block of the 8850 also has what real packages of that chip insist on finding there.

    Raises:
        BadOption: ``imei`` is not 15 digits.
    """
    items: tuple[nv.NvEntry, ...] = (
        nv.NvEntry(GSM_CALIBRATION_ID, _numbers(f"gsm:{seed}", 320)),
        nv.NvEntry(LTE_CALIBRATION_ID, _numbers(f"lte:{seed}", 512)),
        nv.NvEntry(nv.IMEI_ID, nv.encode_imei(imei)),
    )
    if block_bytes > SMALL_BLOCK_BYTES:
        items += (
            nv.NvEntry(SECOND_IMEI_ID, nv.encode_imei(imei)),
            nv.NvEntry(GOLDEN_CALIBRATION_ID, _numbers(f"golden:{seed}", 256)),
        )
    return nv.write(nv.NvBlock(block_bytes, items))


def derived_imei(rack: str, number: int, stem: str) -> str:
    """The IMEI of module ``number`` of a rack: always the same, unlike its neighbours', with a right check digit.

    Args:
        rack: name of the rack.
        number: place in it.
        stem: type allocation code, the first eight digits.
    """
    first = int.from_bytes(hashlib.sha256(f"imei:{rack}".encode()).digest()[:8], "big")
    digits = f"{stem}{(first + number) % 1_000_000:06d}"
    return digits + str(check_digit(digits))


def check_digit(digits: str) -> int:
    """The Luhn digit that completes ``digits``."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return -total % 10


def _numbers(seed: str, size: int) -> bytes:
    """``size`` bytes that look like calibration and depend on ``seed`` only."""
    return hashlib.shake_128(seed.encode()).digest(size)
