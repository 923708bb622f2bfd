"""Who is here, compared with who is said to be here; what differs twice in a row is put right.

::

    row says here, connection is not      the end of it was never told, or its beginning late: told now as lost
    connection is here, row does not say  another node has it, or this node was taken for dead: dropped, it comes again

Both happen when an answer or a message between nodes was lost; nothing but this looks for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final, Protocol

from moduline.clock import Clock
from moduline.cloud import nodes
from moduline.cloud.db import Database
from moduline.cloud.device_link.platform import Cause, Platform, Uplink, WentOffline
from moduline.errors import ModulineError
from moduline.events import Notice, Reporter, silent

ROLL_S: Final = 30.0
"""Between two calls; what is wrong lasts twice as long at most."""
_Pairs = frozenset[tuple[int, int]]


class Holds(Protocol):
    """As much of a gateway as the roll call needs."""

    def numbers(self) -> Mapping[int, int]:
        """Who is let in: device -> number of its connection."""

    def drop(self, device: int, before: int | None = None) -> bool:
        """Ends the connection of a device."""


class RollCall:
    """The roll call of one gateway.

    Args:
        db: where devices are said to be.
        gateway: where they are.
        platform: hears of ends that it was never told.
        node: name of this process.
        clock: wall clock of events.
        report: hears of ``gateway.missed``.
    """

    def __init__(
        self, db: Database, gateway: Holds, platform: Platform, node: str, clock: Clock, report: Reporter = silent
    ) -> None:
        self._db = db
        self._gateway = gateway
        self._platform = platform
        self._node = node
        self._clock = clock
        self._report = report
        self._ghosts: _Pairs = frozenset()
        self._strays: _Pairs = frozenset()

    async def run(self) -> None:
        """Call until cancelled."""
        while True:
            await asyncio.sleep(ROLL_S)
            try:
                await self.call()
            except ModulineError as failure:
                self._report(Notice("gateway.missed", self._node, {"error": failure.message(), "code": failure.code}))

    async def call(self) -> tuple[int, int]:
        """Look once; how many ends were told and how many connections dropped.

        Raises:
            DatabaseUnreachable, BusUnreachable: the next call tries again.
        """
        said = frozenset((await self._db.read_soon(nodes.connected, self._node)).items())
        here = frozenset(self._gateway.numbers().items())
        ghosts, strays = said - here, here - said
        told, dropped = ghosts & self._ghosts, strays & self._strays
        self._ghosts, self._strays = ghosts - told, strays - dropped
        for device, number in sorted(dropped):
            self._gateway.drop(device, number + 1)
        for device, number in sorted(told):
            await self._platform.uplink(Uplink(device, number, self._clock.now_s(), WentOffline(Cause.LOST)))
        if told or dropped:
            facts = {"ended": len(told), "dropped": len(dropped)}
            self._report(Notice("gateway.missed", self._node, facts))
        return len(told), len(dropped)
