"""One timer for very many deadlines: a wheel of slots, one second each.

An item is put once and looked at when its slot comes up; if its deadline has moved on by then, it is put again. So
what moves a deadline at every packet costs nothing, and nobody has a timer of its own. Deadlines are met up to one slot
late.
"""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar


class Turning(Protocol):
    """What a wheel holds."""

    slot: int  # where it stands; 0 = nowhere. The wheel's own.

    def __hash__(self) -> int: ...


Item = TypeVar("Item", bound=Turning)


class Wheel(Generic[Item]):
    """Items by the slot in which they are to be looked at.

    Args:
        now: seconds; slots are counted from 0 of the same clock.
        slot_s: how long a slot is.
    """

    def __init__(self, now: float, slot_s: float = 1.0) -> None:
        self._slot_s = slot_s
        self._at = int(now / slot_s)
        self._slots: dict[int, set[Item]] = {}

    def put(self, item: Item, due: float) -> None:
        """Has ``item`` looked at when ``due`` has passed; one that stands earlier stays there."""
        slot = max(int(due / self._slot_s) + 1, self._at + 1)
        if item.slot:
            if item.slot <= slot:
                return
            self.remove(item)
        item.slot = slot
        self._slots.setdefault(slot, set()).add(item)

    def remove(self, item: Item) -> None:
        """Forgets ``item``."""
        if item.slot:
            self._slots[item.slot].discard(item)
            item.slot = 0

    def turn(self, now: float) -> list[Item]:
        """Takes out the items whose slots have passed, earliest first."""
        end = int(now / self._slot_s)
        items: list[Item] = []
        # of a wheel that stood still for long, only the slots in use are visited
        passed = range(self._at + 1, end + 1) if end - self._at <= len(self._slots) else sorted(self._slots)
        for slot in passed:
            if slot <= end:
                items += self._slots.pop(slot, ())
        for item in items:
            item.slot = 0
        self._at = max(self._at, end)
        return items
