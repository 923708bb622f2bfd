"""What a bad line does to bytes: some are lost, some change, some wait; the same ones every time.

A *spoiler* sees every byte of one direction of one port and picks its victims by a generator that is seeded with
kind, seed, port and direction; the gap from one victim to the next is uniform between 1 and 2N-1, so N on the average.
Only the number of a byte since the fault began counts, never how the stream was cut into pieces.

Source: platform-unisoc 9; style-anchors H33.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Literal

Direction = Literal["in", "out"]


class Spoiler:
    """Loses or changes one byte in so many, in one direction.

    Args:
        kind: ``drop`` or ``flip`` (one bit of the byte changes).
        one_in: how many bytes there are to a victim, on the average.
        seed: decides which ones.
        role: of the port.
        direction: ``in`` to the module, ``out`` to the host.
    """

    def __init__(self, kind: Literal["drop", "flip"], one_in: int, seed: int, role: str, direction: Direction) -> None:
        self.mark = (kind, one_in, seed)
        self._is_drop = kind == "drop"
        self._most = 2 * one_in - 1
        self._dice = random.Random(f"{kind}:{seed}:{role}:{direction}")  # noqa: S311  a fault, not a secret
        self._next = self._dice.randint(1, self._most) - 1  # good bytes until the next victim

    def spoil(self, data: bytes) -> bytes:
        """What is left of ``data``."""
        if self._next >= len(data):
            self._next -= len(data)
            return data
        left = bytearray()
        at = 0
        while at + self._next < len(data):
            victim = at + self._next
            left += data[at:victim]
            if not self._is_drop:
                left.append(data[victim] ^ 1 << self._dice.randrange(8))
            at = victim + 1
            self._next = self._dice.randint(1, self._most) - 1
        self._next -= len(data) - at
        return bytes(left + data[at:])


class Line:
    """What happens to the bytes of one port, over all power cycles.

    Args:
        role: of the port.

    Attributes:
        is_mute: nothing reaches the host.
        bytes_per_s: how many bytes move each way in a second; 0 for as many as will.
    """

    def __init__(self, role: str) -> None:
        self._role = role
        self.is_mute = False
        self.bytes_per_s = 0
        self._spoilers: dict[Direction, list[Spoiler]] = {"in": [], "out": []}
        self._limits: list[tuple[int, Callable[[], None]]] = []
        self._moving: asyncio.Event | None = None

    @property
    def is_held(self) -> bool:
        """Nothing moves at all."""
        return self._moving is not None

    def hold(self) -> None:
        """From now on nothing moves."""
        if self._moving is None:
            self._moving = asyncio.Event()

    def release(self) -> None:
        """Things move again."""
        moving, self._moving = self._moving, None
        if moving is not None:
            moving.set()

    async def moving(self) -> None:
        """Return when nothing is held."""
        while self._moving is not None:
            await self._moving.wait()

    def spoil(self, kind: Literal["drop", "flip"], one_in: int, seed: int) -> None:
        """From now on lose or change bytes, both ways."""
        for direction, spoilers in self._spoilers.items():
            spoilers.append(Spoiler(kind, one_in, seed, self._role, direction))

    def unspoil(self, kind: Literal["drop", "flip"], one_in: int, seed: int) -> None:
        """Undo one ``spoil`` with these arguments."""
        for spoilers in self._spoilers.values():
            found = next((one for one in spoilers if one.mark == (kind, one_in, seed)), None)
            if found is not None:
                spoilers.remove(found)

    def after(self, count: int, then: Callable[[], None]) -> None:
        """Call ``then`` when so many more bytes have passed, both ways together; what is behind them is lost."""
        self._limits.append((count, then))
        self._reached()

    def forget(self, then: Callable[[], None]) -> None:
        """``then`` is not to be called any more."""
        self._limits = [limit for limit in self._limits if limit[1] is not then]

    def clear(self) -> None:
        """A good line again."""
        self.is_mute, self.bytes_per_s = False, 0
        self._limits.clear()
        for spoilers in self._spoilers.values():
            spoilers.clear()
        self.release()

    def inwards(self, data: bytes) -> bytes:
        """What reaches the module of what the host sent; may be nothing."""
        return self._passed(data, "in")

    def outwards(self, data: bytes) -> bytes:
        """What reaches the host of what the module sent; may be nothing."""
        return b"" if self.is_mute or self.is_held else self._passed(data, "out")

    def _passed(self, data: bytes, direction: Direction) -> bytes:
        if self._limits:
            room = min(count for count, _ in self._limits)
            data = data[:room]
            self._limits = [(count - len(data), then) for count, then in self._limits]
            self._reached()
        for spoiler in self._spoilers[direction]:
            data = spoiler.spoil(data)
        return data

    def _reached(self) -> None:
        due = [then for count, then in self._limits if count <= 0]
        self._limits = [(count, then) for count, then in self._limits if count > 0]
        for then in due:
            then()
