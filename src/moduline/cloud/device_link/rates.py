"""How often: a bucket of credit per key, that fills as time passes. Steady seconds come in; nothing waits here."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

MOST: Final = 100_000
"""Keys that are remembered; then those that have full credit again are forgotten."""


class Rates:
    """Credit of many keys.

    Args:
        per_s: how much comes back in a second.
        burst: how much there is at most.
        most: keys that are remembered.
    """

    def __init__(self, per_s: float, burst: int, most: int = MOST) -> None:
        self._per_s = per_s
        self._burst = float(burst)
        self._most = most
        self._kept: dict[Hashable, tuple[float, float]] = {}

    def wait_s(self, key: Hashable, tick_s: float) -> float:
        """How long until a key has credit for one more; 0: it has."""
        credit = self._credit(key, tick_s)
        return 0.0 if credit >= 1.0 else (1.0 - credit) / self._per_s

    def spend(self, key: Hashable, tick_s: float) -> None:
        """Take one from a key."""
        if len(self._kept) >= self._most and key not in self._kept:
            self._forget(tick_s)
        self._kept[key] = (max(0.0, self._credit(key, tick_s) - 1.0), tick_s)

    def _credit(self, key: Hashable, tick_s: float) -> float:
        credit, at = self._kept.get(key, (self._burst, tick_s))
        return min(self._burst, credit + (tick_s - at) * self._per_s)

    def _forget(self, tick_s: float) -> None:
        """Keys with full credit; where that is not enough, the half that was written first."""
        self._kept = {key: kept for key, kept in self._kept.items() if self._credit(key, tick_s) < self._burst}
        if len(self._kept) >= self._most:
            for key in list(self._kept)[: self._most // 2]:
                del self._kept[key]
