"""How far one try is, as one number that never falls and is whole only when the unit is really finished.

Drivers count content bytes, and have counted them all while the unit is still read back, restarted and asked who it
is. Here every stage has a share, measured in the bytes that would be sent in its time; a stage without bytes moves
ahead with the clock, ever slower, and never to its own end before it has ended.

::

    asking |            writing            | reading back | restart, boot, identity | functional test |
      4 %  |  what is left, by content     |   0 or 10 %  |           16 %          |    0 or 15 %    |
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

from moduline.burn.plan import BurnPlan
from moduline.events import Event, Progress, Step

WHAT: Final = "burn"
ASK_SHARE: Final = 0.04
READ_SHARE: Final = 0.10
CHECK_SHARE: Final = 0.16
EXAMINE_SHARE: Final = 0.15
SLOWNESS_S: Final = 8.0
"""A stage that is told by the clock alone is through to two thirds after so long."""
TOLD_EVERY_S: Final = 1.0
SMALLEST_TOTAL: Final = 1000
"""Packages smaller than this are counted in thousandths of the try."""


@dataclass(slots=True)
class Advance:
    """The progress of one try.

    Args:
        total_bytes: content that is sent; the unit of what is told.
        has_read_back: whether something is read back.
        has_examination: whether there is a functional test.
        where: slot.
    """

    total_bytes: int
    has_read_back: bool = False
    has_examination: bool = False
    where: str = ""
    _done: int = 0
    _floor: float = 0.0
    _room: float = 0.0
    _since: float | None = None
    _told_at: float = -math.inf
    _bounds: dict[str, tuple[float, float]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.total_bytes = max(self.total_bytes, SMALLEST_TOTAL)
        shares = {"ask": ASK_SHARE, "write": 0.0, "read": READ_SHARE * self.has_read_back, "check": CHECK_SHARE}
        shares["examine"] = EXAMINE_SHARE * self.has_examination
        shares["write"] = 1.0 - sum(shares.values())
        start = 0.0
        for name, share in shares.items():
            self._bounds[name] = (start, share)
            start += share

    @property
    def content_share(self) -> float:
        """How much of the whole is content on its way, 0 to 1."""
        return self._bounds["write"][1]

    def begin(self, now: float) -> Progress:
        """The try begins."""
        self._creep("ask", now)
        return Progress(WHAT, 0, self.total_bytes, self.where)

    def take(self, event: Event, now: float) -> Progress | None:
        """What an event of the try means; None when nothing has moved."""
        if isinstance(event, Progress):
            stage = "read" if event.what == "verify" else "write"
            start, share = self._bounds[stage]
            self._since = None
            part = event.done_bytes / event.total_bytes if event.total_bytes > 0 else 0.0
            return self._move(start + share * min(max(part, 0.0), 1.0), now)
        if isinstance(event, Step):
            if (event.name, event.state) == ("burn.enter", "done"):
                self._since = None
                return self._move(self._bounds["write"][0], now)
            stages = {"burn.verify": "read", "burn.reset": "check", "burn.check": "check", "burn.examine": "examine"}
            if event.state == "begin" and event.name in stages:
                if event.name == "burn.check" and self._since is not None:
                    return None
                return self._creep(stages[event.name], now)
        return None

    def tick(self, now: float) -> Progress | None:
        """What the clock alone means; at most once a second."""
        if self._since is None or now - self._told_at < TOLD_EVERY_S:
            return None
        return self._move(self._floor + self._room * (1.0 - math.exp((self._since - now) / SLOWNESS_S)), now)

    def finish(self) -> Progress:
        """The unit is finished and good."""
        self._done, self._since = self.total_bytes, None
        return Progress(WHAT, self.total_bytes, self.total_bytes, self.where)

    def _creep(self, stage: str, now: float) -> Progress | None:
        self._floor, self._room = self._bounds[stage]
        self._since = now
        return self._move(self._floor, now)

    def _move(self, share: float, now: float) -> Progress | None:
        done = min(int(share * self.total_bytes), self.total_bytes - 1)
        if done <= self._done:
            return None
        self._done, self._told_at = done, now
        return Progress(WHAT, done, self.total_bytes, self.where)


def advance_of(plan: BurnPlan, where: str, *, has_examination: bool) -> Advance:
    """The progress of a try at ``plan`` in a slot."""
    return Advance(
        plan.write_bytes, has_read_back=plan.read_back_bytes > 0, has_examination=has_examination, where=where
    )
