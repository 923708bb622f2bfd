"""Who is in a jig's slot, without the bounce of its contacts; pure, time is an argument.

::

    there   ____|~|_|~~|_|~~~~~~~~~~~~~~~~~~|_|~~~~~~~~|__________
    told        SEEN LOST SEEN LOST SEEN  STABLE  (bounce) LEFT

A place is *occupied* once something has been there for ``debounce_s`` without a gap, and *empty* once nothing has been
there for as long. Shorter gaps of an occupied place are told to nobody: they are no re-powering.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

DEBOUNCE_S: Final = 0.1
"""What USB itself waits for a contact to settle (USB 2.0, 7.1.7.3: 100 ms)."""


class Sight(Enum):
    """What a look at a place tells."""

    SEEN = auto()
    LOST = auto()
    STABLE = auto()
    LEFT = auto()


@dataclass(slots=True)
class Presence:
    """One place.

    Args:
        debounce_s: how long a change must last to be believed, seconds.
    """

    debounce_s: float = DEBOUNCE_S
    is_occupied: bool = False
    is_there: bool = False
    _since: float = 0.0

    def look(self, *, is_there: bool, now: float) -> Sight | None:
        """Take one look; what has become certain by it. ``now`` in seconds, never going back."""
        if is_there != self.is_there:
            self.is_there, self._since = is_there, now
            if self.is_occupied:
                return None
            return Sight.SEEN if is_there else Sight.LOST
        if is_there == self.is_occupied or now - self._since < self.debounce_s:
            return None
        self.is_occupied = is_there
        return Sight.STABLE if is_there else Sight.LEFT

    def hold(self, *, is_there: bool, now: float) -> None:
        """Whatever happened meanwhile belonged to a try: the place counts as occupied from now on."""
        self.is_occupied, self.is_there, self._since = True, is_there, now

    @property
    def is_certain(self) -> bool:
        """Whether nothing is to be told by time alone."""
        return self.is_there == self.is_occupied
