"""Strict NOR flash over any writable buffer: a bytearray in memory, or the mapped bytes of a file.

The model is stricter than the metal: it refuses what a chip would silently get wrong, and counts everything so that
tests and the wear map can look.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import Protocol

from moduline.errors import FlashViolation, Text
from moduline.nor.geometry import ERASED, Geometry


class FlashBuffer(Protocol):
    """Bytes that can be read and replaced by slices: ``bytearray``, ``memoryview``, ``mmap.mmap``."""

    def __len__(self) -> int: ...
    def __getitem__(self, where: slice, /) -> bytes | bytearray | memoryview: ...
    def __setitem__(self, where: slice, value: bytes, /) -> None: ...


@dataclass(slots=True)
class FlashCounts:
    """How often each kind of operation was done since power-on of the model."""

    reads: int = 0
    programs: int = 0
    erases: int = 0
    programmed_bytes: int = 0

    @property
    def operations(self) -> int:
        """Operations that change the flash: page programs and sector erases."""
        return self.programs + self.erases


class MemoryFlash:
    """NOR flash in a buffer.

    Args:
        geometry: sizes of the chip.
        buffer: the cells, ``geometry.capacity_bytes`` long; a new erased bytearray when left out.
    """

    def __init__(self, geometry: Geometry, buffer: FlashBuffer | None = None) -> None:
        self._geometry = geometry
        self.cells: FlashBuffer = bytearray([ERASED]) * geometry.capacity_bytes if buffer is None else buffer
        if len(self.cells) != geometry.capacity_bytes:
            msg = f"buffer of {len(self.cells)} bytes for a flash of {geometry.capacity_bytes}"
            raise ValueError(msg)
        self.counts = FlashCounts()
        self.wear = array("L", [0]) * geometry.erase_count
        self._blank = bytes([ERASED]) * geometry.erase_bytes

    @property
    def geometry(self) -> Geometry:
        """Sizes of the chip."""
        return self._geometry

    def read(self, address: int, size: int) -> bytes:
        """``size`` bytes from ``address``.

        Raises:
            FlashViolation: outside the chip.
        """
        self._check_inside("read", address, size)
        self.counts.reads += 1
        return bytes(self.cells[address : address + size])

    def program(self, address: int, data: bytes) -> None:
        """Clear bits page by page so that the bytes at ``address`` become ``data``.

        Raises:
            FlashViolation: outside the chip, misaligned, or a bit would have to be set; nothing is changed then.
        """
        size = len(data)
        self.check_program(address, data)
        self.cells[address : address + size] = data
        self.counts.programs += page_count(self._geometry, address, size)
        self.counts.programmed_bytes += size

    def erase(self, address: int, size: int) -> None:
        """Set whole sectors to 0xFF.

        Raises:
            FlashViolation: outside the chip or misaligned; nothing is changed then.
        """
        self.check_erase(address, size)
        unit = self._geometry.erase_bytes
        for sector in range(address // unit, (address + size) // unit):
            self.cells[sector * unit : (sector + 1) * unit] = self._blank
            self.wear[sector] += 1
            self.counts.erases += 1

    def check_program(self, address: int, data: bytes) -> None:
        """Raise FlashViolation unless ``program`` with these arguments is allowed now."""
        size = len(data)
        self._check_inside("program", address, size)
        if address % self._geometry.program_bytes or size % self._geometry.program_bytes:
            unit = self._geometry.program_bytes
            reason = Text(f"not on units of {unit} bytes", f"未按 {unit} 字节单位对齐")
            raise FlashViolation(operation="program", address=address, size=size, reason=reason)
        old = bytes(self.cells[address : address + size])
        if old.count(ERASED) == size:
            return
        new_bits = int.from_bytes(data, "little")
        lost = new_bits & ~int.from_bytes(old, "little")
        if lost:
            first = ((lost & -lost).bit_length() - 1) // 8
            raise FlashViolation(
                operation="program",
                address=address + first,
                size=size,
                reason=Text(
                    f"cell holds 0x{old[first]:02x}, cannot become 0x{data[first]:02x} without an erase",
                    f"单元为 0x{old[first]:02x}，不擦除无法变为 0x{data[first]:02x}",
                ),
            )

    def check_erase(self, address: int, size: int) -> None:
        """Raise FlashViolation unless ``erase`` with these arguments is allowed."""
        self._check_inside("erase", address, size)
        unit = self._geometry.erase_bytes
        if address % unit or size % unit:
            reason = Text(f"not on {unit}-byte sectors", f"未按 {unit} 字节扇区对齐")
            raise FlashViolation(operation="erase", address=address, size=size, reason=reason)

    def _check_inside(self, operation: str, address: int, size: int) -> None:
        if address < 0 or size < 0 or address + size > self._geometry.capacity_bytes:
            raise FlashViolation(
                operation=operation,
                address=address,
                size=size,
                reason=Text(
                    f"outside a flash of {self._geometry.capacity_bytes} bytes",
                    f"超出 {self._geometry.capacity_bytes} 字节的 Flash",
                ),
            )


def page_count(geometry: Geometry, address: int, size: int) -> int:
    """Number of page operations that a program of ``size`` bytes at ``address`` takes."""
    if size == 0:
        return 0
    return (address + size - 1) // geometry.page_bytes - address // geometry.page_bytes + 1
