"""A Flash whose power goes away: before an operation, or torn inside one; replayable by a string.

::

    cut@1234            power goes away before operation 1234 (0 is the first)
    tear@1234:77        operation 1234 happens in part; 77 is the seed of how much

A torn page program writes a prefix of the page, then one byte with some of its bits cleared. A torn sector erase
leaves a random mix of old bytes, 0xFF and half-risen bytes: nothing about the sector can be trusted. After the cut
every access raises ``FlashCut`` until ``power_on``. Specs can be joined by commas: the second applies to the
operations counted from the first power_on after it fired.

Source of the model: style-anchors H12, H32; what NOR data sheets promise about an interrupted operation (nothing).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NoReturn

from moduline.errors import BadOption, FlashCut, Text
from moduline.nor.geometry import ERASED, Geometry
from moduline.nor.memory import MemoryFlash, page_count

_SPEC = re.compile(r"(cut)@(\d+)|(tear)@(\d+):(\d+)")


@dataclass(frozen=True, slots=True)
class CutSpec:
    """When the power goes away.

    Attributes:
        operation: number of the operation, counted from 0 since the last power_on.
        torn_seed: ``None`` for a cut before the operation, else the seed of the torn remains.
    """

    operation: int
    torn_seed: int | None = None

    def __str__(self) -> str:
        if self.torn_seed is None:
            return f"cut@{self.operation}"
        return f"tear@{self.operation}:{self.torn_seed}"


def parse_cuts(spec: str) -> tuple[CutSpec, ...]:
    """The cuts named by a replay string such as ``cut@12,tear@3:7``.

    Raises:
        BadOption: the string is not of that form.
    """
    cuts = []
    for word in filter(None, spec.split(",")):
        match = _SPEC.fullmatch(word.strip())
        if match is None:
            reason = Text(f"'{word}' is neither cut@N nor tear@N:SEED", f"“{word}” 既不是 cut@N 也不是 tear@N:SEED")
            raise BadOption(name="cut", reason=reason)
        if match[1]:
            cuts.append(CutSpec(int(match[2])))
        else:
            cuts.append(CutSpec(int(match[4]), int(match[5])))
    return tuple(cuts)


class FaultyFlash:
    """Wraps a MemoryFlash and cuts its power.

    Args:
        flash: the cells; they keep what the fault left.
        cuts: what to do at which operation; see the head of this file.

    Attributes:
        on_operation: told of what was done to the cells, torn or not: what, where, how many bytes.
    """

    def __init__(self, flash: MemoryFlash, cuts: tuple[CutSpec, ...] | str = ()) -> None:
        self.flash = flash
        self._cuts = list(parse_cuts(cuts) if isinstance(cuts, str) else cuts)
        self.is_powered = True
        self.operation = 0
        self.on_operation: Callable[[Literal["read", "program", "erase"], int, int], None] | None = None

    @property
    def geometry(self) -> Geometry:
        """Sizes of the chip."""
        return self.flash.geometry

    @property
    def has_cuts(self) -> bool:
        """Whether a cut is still to come."""
        return bool(self._cuts)

    def power_on(self) -> None:
        """Bring the power back; operations count from 0 again."""
        self.is_powered = True
        self.operation = 0

    def power_off(self) -> None:
        """Take the power away now, between two operations."""
        self.is_powered = False

    def arm(self, cuts: tuple[CutSpec, ...] | str) -> None:
        """Replace the pending cuts; operation numbers count from now."""
        self._cuts = list(parse_cuts(cuts) if isinstance(cuts, str) else cuts)
        self.operation = 0

    def read(self, address: int, size: int) -> bytes:
        """As Flash.read; raises FlashCut while the power is away."""
        self._check_power()
        found = self.flash.read(address, size)
        if self.on_operation is not None:
            self.on_operation("read", address, size)
        return found

    def program(self, address: int, data: bytes) -> None:
        """As Flash.program; each page is one operation that can be cut or torn."""
        self._check_power()
        count = page_count(self.geometry, address, len(data))
        if not self._fires_within(count):
            self.flash.program(address, data)
            self.operation += count
            if self.on_operation is not None:
                self.on_operation("program", address, len(data))
            return
        self.flash.check_program(address, data)
        for start, size in self._pages(address, len(data)):
            page = data[start - address : start - address + size]
            torn = self._next_operation()
            if torn is not None:
                self._tear_page(start, page, torn)
                self._die(self.operation - 1)
            self.flash.program(start, page)
            if self.on_operation is not None:
                self.on_operation("program", start, size)

    def erase(self, address: int, size: int) -> None:
        """As Flash.erase; each sector is one operation that can be cut or torn."""
        self._check_power()
        self.flash.check_erase(address, size)
        unit = self.geometry.erase_bytes
        for start in range(address, address + size, unit):
            torn = self._next_operation()
            if torn is not None:
                self._tear_sector(start, unit, torn)
                self._die(self.operation - 1)
            self.flash.erase(start, unit)
            if self.on_operation is not None:
                self.on_operation("erase", start, unit)

    def _pages(self, address: int, size: int) -> list[tuple[int, int]]:
        page = self.geometry.page_bytes
        pages, at = [], address
        while at < address + size:
            end = min((at // page + 1) * page, address + size)
            pages.append((at, end - at))
            at = end
        return pages

    def _fires_within(self, count: int) -> bool:
        return bool(self._cuts) and self.operation <= self._cuts[0].operation < self.operation + count

    def _next_operation(self) -> int | None:
        """Count one operation; the seed of its tear, or None when it may happen; raises for a clean cut."""
        number = self.operation
        if self._cuts and self._cuts[0].operation == number:
            cut = self._cuts.pop(0)
            if cut.torn_seed is None:
                self._die(number)
            self.operation += 1
            return _scramble(cut.torn_seed, number)
        self.operation += 1
        return None

    def _tear_page(self, start: int, page: bytes, seed: int) -> None:
        """Leave a prefix of the page and one byte with part of its bits cleared; the cells know no program unit."""
        keep, mask = seed % len(page), (seed >> 8) & 0xFF
        old = bytes(self.flash.cells[start + keep : start + keep + 1])[0]
        remains = bytes(page[:keep]) + bytes([(page[keep] | mask) & old])
        self.flash.cells[start : start + len(remains)] = remains
        self.flash.counts.programs += 1
        self.flash.counts.programmed_bytes += len(remains)
        if self.on_operation is not None:
            self.on_operation("program", start, len(remains))

    def _tear_sector(self, start: int, size: int, seed: int) -> None:
        old = bytes(self.flash.cells[start : start + size])
        state, remains = seed, bytearray(old)
        for i in range(size):
            state = (state * 1103515245 + 12345) & 0x7FFFFFFF
            choice = (state >> 16) & 3
            if choice == 0:
                remains[i] = ERASED
            elif choice == 1:
                remains[i] = old[i] | ((state >> 20) & 0xFF)
        self.flash.cells[start : start + size] = bytes(remains)
        self.flash.wear[start // size] += 1
        self.flash.counts.erases += 1
        if self.on_operation is not None:
            self.on_operation("erase", start, size)

    def _check_power(self) -> None:
        if not self.is_powered:
            raise FlashCut(operation=self.operation)

    def _die(self, operation: int) -> NoReturn:
        self.is_powered = False
        raise FlashCut(operation=operation)


def _scramble(seed: int, operation: int) -> int:
    """A number that depends on seed and operation in an irregular way."""
    value = (seed * 0x9E3779B1 + operation * 0x85EBCA77 + 0x1234567) & 0xFFFFFFFF
    value ^= value >> 15
    return (value * 0x2C1B3C6D) & 0x7FFFFFFF
