"""GPIO lines: what drives them from either side, and the level that both sides see.

A line the module drives has the module's level. Otherwise it has the level the outside drives, or that of the module's
pull resistor, or 0 when nothing holds it. Both sides driving against each other is a short circuit: the module's level
counts, and the owner is told.

Source: QuecPython/microPython ``machine_pin.c``; the electrical rule is a choice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

PULL_NONE, PULL_UP, PULL_DOWN = 0, 1, 2
LINES: Final = 64


@dataclass(slots=True)
class Line:
    """One GPIO.

    Attributes:
        is_output: the module drives it.
        pull: its pull resistor, as the module set it.
        own: level the module drives, or will.
        outside: level the outside drives; None: nothing there.
    """

    is_output: bool = False
    pull: int = PULL_NONE
    own: int = 0
    outside: int | None = None

    @property
    def level(self) -> int:
        """What both sides see."""
        if self.is_output:
            return self.own
        if self.outside is not None:
            return self.outside
        return 1 if self.pull == PULL_UP else 0

    @property
    def is_shorted(self) -> bool:
        """Both sides drive, against each other."""
        return self.is_output and self.outside is not None and self.outside != self.own


class Pins:
    """All lines of a module.

    Args:
        on_level: called with (line, level, ``script`` or ``bench``) when the level of a line has changed.
        on_short: called with the line when both sides begin to drive against each other.
    """

    def __init__(self, on_level: Callable[[int, int, str], None], on_short: Callable[[int], None]) -> None:
        self._lines: dict[int, Line] = {}
        self._on_level = on_level
        self._on_short = on_short

    def line(self, number: int) -> Line:
        """The line of that number.

        Raises:
            IndexError: there is none.
        """
        if not 0 <= number < LINES:
            raise IndexError(number)
        return self._lines.setdefault(number, Line())

    def level(self, number: int) -> int:
        """What both sides see."""
        return self.line(number).level

    def set_outside(self, number: int, level: int | None) -> None:
        """Drive a line from outside, or let go of it."""
        line = self.line(number)
        self._change(number, line, "bench", lambda: setattr(line, "outside", level))

    def configure(self, number: int, *, is_output: bool, pull: int, own: int) -> None:
        """The module sets a line up."""
        line = self.line(number)

        def change() -> None:
            line.is_output, line.pull, line.own = is_output, pull, own

        self._change(number, line, "script", change)

    def set_own(self, number: int, level: int) -> None:
        """The module sets the level it drives."""
        line = self.line(number)
        self._change(number, line, "script", lambda: setattr(line, "own", level))

    def forget_module(self) -> None:
        """The module has lost its power: its pins are inputs without resistors."""
        for number in tuple(self._lines):
            self.configure(number, is_output=False, pull=PULL_NONE, own=0)

    def _change(self, number: int, line: Line, by: str, change: Callable[[], None]) -> None:
        before, was_shorted = line.level, line.is_shorted
        change()
        if line.level != before:
            self._on_level(number, line.level, by)
        if line.is_shorted and not was_shorted:
            self._on_short(number)
