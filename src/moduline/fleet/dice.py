"""Chance that does not depend on the order in which it is asked.

Every question has a name and a number, and its answer follows from them, the seed and the device alone. So a run whose
messages arrive in another order, or that was stopped and went on, still decides the same things.
"""

from __future__ import annotations

import hashlib
import string
from typing import Final

_MARKS: Final = string.ascii_letters + string.digits
_WHOLE: Final = float(1 << 53)


class Dice:
    """The dice of one device.

    Args:
        seed: of the fleet.
        number: of the device in it.
    """

    __slots__ = ("_root",)

    def __init__(self, seed: int, number: int) -> None:
        self._root = hashlib.blake2b(f"{seed}:{number}".encode(), digest_size=16).digest()

    def share(self, what: str, nth: int = 0) -> float:
        """A number from 0 up to, not including, 1."""
        return (int.from_bytes(self._draw(what, nth, 8), "big") >> 11) / _WHOLE

    def within(self, span: tuple[float, float], what: str, nth: int = 0) -> float:
        """A number of ``span`` (lowest, highest)."""
        low, high = span
        return low if low == high else low + (high - low) * self.share(what, nth)

    def happens(self, chance: float, what: str, nth: int = 0) -> bool:
        """Whether something of ``chance`` 0..1 happens the ``nth`` time."""
        return chance > 0 and self.share(what, nth) < chance

    def letters(self, count: int, what: str, nth: int = 0) -> str:
        """``count`` letters or digits, at most 64."""
        return "".join(_MARKS[byte % len(_MARKS)] for byte in self._draw(what, nth, count))

    def _draw(self, what: str, nth: int, count: int) -> bytes:
        return hashlib.blake2b(f"{what}:{nth}".encode(), digest_size=count, key=self._root).digest()
