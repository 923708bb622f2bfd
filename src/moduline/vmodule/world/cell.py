"""What the antenna hears: signal over time, noise, coverage; pure functions of the module's time.

Noise belongs to the second, not to the question: whoever asks within a second, by AT or from a script, gets the same.

Source: device-api 9.3; 3GPP TS 27.007 8.5 (rssi).
"""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Final

from moduline.vmodule.world.radio_plan import (
    NO_SIGNAL,
    RSRP_BELOW_RSSI,
    CellPlan,
    dbm_of_rssi,
    rssi_of_dbm,
    value_at,
)

GSM: Final = frozenset({0, 1, 3})
UMTS: Final = frozenset({2, 4, 5, 6, 8})
LTE: Final = frozenset({7, 9})
_G, _U, _L = GSM, UMTS, LTE
MODES: Final = (
    _G, _U, _G | _U, _G | _U, _G | _U, _L, _G | _L, _G | _L, _G | _L, _U | _L, _U | _L, _U | _L,
    _G | _U | _L, _G | _U | _L, _G | _U | _L, _G | _U | _L, _G | _L, _U | _L, _G | _U | _L,
)  # fmt: skip
"""Access technologies of each mode of ``net.setConfig``, 0 to 18. Source: device-api 9.3; DOC23 ``net``."""

DEFAULT_MODE: Final = 8
GOOD_DBM: Final = -70.0  # down to here the quality does not suffer, in this model


class Cell:
    """The serving cell.

    Args:
        plan: what it is like.
        seed: of the noise.
    """

    def __init__(self, plan: CellPlan, seed: int = 0) -> None:
        self.plan = plan
        self.is_lost = False  # fault: nothing is heard
        self.forced_rssi: int | None = None  # fault: a fixed signal
        self.forced_registration = ""  # fault: how the network treats this card; empty: as planned
        self.mode = DEFAULT_MODE
        self.is_roaming_wanted = False
        self._seed = seed

    def is_heard(self, at_s: float) -> bool:
        """Whether there is a cell that this module may use."""
        return self._level(at_s) is not None and self.plan.rat in MODES[self.mode]

    @property
    def registration(self) -> str:
        """How the network treats this card, a key of ``radio_plan.REGISTRATIONS``."""
        return self.forced_registration or self.plan.registration

    @property
    def changes_at(self) -> tuple[float, ...]:
        """Times at which coverage may begin or end."""
        points = self.plan.signal
        return tuple(
            later.at_s for before, later in pairwise(points) if (before.value is None) != (later.value is None)
        )

    def dbm(self, at_s: float) -> float | None:
        """RSSI with this second's noise; None where nothing is heard."""
        level = self._level(at_s)
        if level is None or not self.plan.noise_db or self.forced_rssi is not None:
            return level
        return level + random.Random(f"{self._seed}/{int(at_s)}").gauss(0.0, self.plan.noise_db)  # noqa: S311 - noise, no secret

    def rssi(self, at_s: float) -> int:
        """As ``AT+CSQ`` counts it; 99 where nothing is heard."""
        dbm = self.dbm(at_s)
        return NO_SIGNAL if dbm is None else rssi_of_dbm(dbm)

    def rsrp(self, at_s: float) -> int | None:
        """Reference signal power in dBm, -140 to -44."""
        dbm = self.dbm(at_s)
        return None if dbm is None else max(-140, min(-44, round(dbm) - RSRP_BELOW_RSSI))

    def rsrq(self, at_s: float) -> int | None:
        """Reference signal quality in dB, -20 to -3; falls with the signal."""
        dbm = self.dbm(at_s)
        return None if dbm is None else max(-20, round(-5 - max(0.0, GOOD_DBM - dbm) / 3))

    def sinr(self, at_s: float) -> int | None:
        """Signal to noise in dB, -10 to 40; falls with the signal."""
        dbm = self.dbm(at_s)
        return None if dbm is None else max(-10, round(18 - max(0.0, GOOD_DBM - dbm) / 2))

    def _level(self, at_s: float) -> float | None:
        if self.is_lost:
            return None
        if self.forced_rssi is not None:
            return None if self.forced_rssi == NO_SIGNAL else dbm_of_rssi(self.forced_rssi)
        return value_at(self.plan.signal, at_s)
