"""Sizes of a NOR flash chip."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Geometry:
    """Capacity and units of one flash; all in bytes.

    Attributes:
        capacity_bytes: size of the whole chip, a multiple of the erase unit.
        erase_bytes: unit of erase; erases start and end on it.
        program_bytes: alignment of a program's start and length; 1 for SPI NOR of these modules.
        page_bytes: a single program operation may not cross such a border.
    """

    capacity_bytes: int
    erase_bytes: int = 4096
    program_bytes: int = 1
    page_bytes: int = 256

    def __post_init__(self) -> None:
        if self.capacity_bytes % self.erase_bytes or self.erase_bytes % self.page_bytes:
            msg = "capacity, erase unit and page must be multiples of each other"
            raise ValueError(msg)
        if self.page_bytes % self.program_bytes:
            msg = "a page must be a multiple of the program unit"
            raise ValueError(msg)

    @property
    def erase_count(self) -> int:
        """Number of erase sectors."""
        return self.capacity_bytes // self.erase_bytes


ERASED = 0xFF
