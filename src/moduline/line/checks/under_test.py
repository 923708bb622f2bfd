"""The module under test: who it should be, and its ports, opened when a check first needs them and kept.

A conversation that failed is given up (``drop``): what comes late must not answer the next question. The next check
opens the port anew; one that cannot be opened again is *lost* for the rest of the test.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from moduline.errors import ModulineError, NoModule
from moduline.port import address as addresses
from moduline.port.stream import ByteStream
from moduline.port.watch import Watch
from moduline.remote.at_session import AtSession
from moduline.remote.repl_session import ReplSession

Role = Literal["at", "repl"]
Opener = Callable[[Role], Awaitable[ByteStream]]
"""Gives the port of a role, open; raises NoModule, PortBusy."""

PORT_LIMIT_S: Final = 10.0
"""How long a port may take to appear, or to come back after a restart."""
LATE_S: Final = 0.3


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the unit before it is asked.

    Args:
        imei: as the record has it.
        version: that the package holds.
        model: that the package is for.
        row: the unit's own data, by column.
        row_imei: IMEI that the unit's own data names.
        files: what was burnt into ``/usr`` and ``/bak``, by path; None when nobody knows.
    """

    imei: str = ""
    version: str = ""
    model: str = ""
    row: Mapping[str, str] = field(default_factory=dict)
    row_imei: str = ""
    files: Mapping[str, bytes] | None = field(default=None, repr=False)


class UnderTest:
    """One running module.

    Args:
        open_port: gives its ports.
        facts: what is known of it.
    """

    def __init__(self, open_port: Opener, facts: Facts | None = None) -> None:
        self.facts = facts or Facts()
        self.lost: dict[Role, str] = {}
        self._open_port = open_port
        self._at: AtSession | None = None
        self._is_given_up = False
        self._repl: ReplSession | None = None

    async def at(self) -> AtSession:
        """Its AT port.

        Raises:
            NoModule, PortBusy, NoAnswer, PortGone, BadAnswer: it cannot be spoken to, and is lost.
        """
        if self._at is None:
            try:
                session = AtSession(await self._open_port("at"))
                self._at = await session.__aenter__()
                if self._is_given_up:  # what was asked then may be answered now; a question passes over it
                    await asyncio.sleep(LATE_S)
            except ModulineError as failure:
                self.lost["at"] = failure.code
                raise
        return self._at

    async def repl(self) -> ReplSession:
        """Its REPL; the first time, what runs is interrupted.

        Raises:
            NoModule, PortBusy, NoAnswer, PortGone, BadAnswer, ReplBusy, ReplProtected: as ``at``.
        """
        if self._repl is None:
            try:
                session = ReplSession(await self._open_port("repl"))
                self._repl = await session.__aenter__()
            except ModulineError as failure:
                self.lost["repl"] = failure.code
                raise
        return self._repl

    async def open(self, role: Role) -> None:
        """Open the port of a role, unless it is.

        Raises:
            NoModule, PortBusy, NoAnswer, PortGone, BadAnswer, ReplBusy, ReplProtected: as ``at`` and ``repl``.
        """
        if role == "at":
            await self.at()
        else:
            await self.repl()

    async def drop(self, role: Role) -> None:
        """Let go of a port whose conversation failed."""
        session: AtSession | ReplSession | None
        if role == "at":
            session, self._at, self._is_given_up = self._at, None, True
        else:
            session, self._repl = self._repl, None
        if session is not None:
            with contextlib.suppress(ModulineError):  # what failed is known already
                await session.close()

    async def close(self) -> None:
        """Let go of all ports; the REPL is left at its friendly prompt."""
        await self.drop("repl")
        await self.drop("at")


def ports_at(watch: Watch, place: str, limit_s: float = PORT_LIMIT_S) -> Opener:
    """Opens the ports of the module at a place, which may still be starting.

    Args:
        watch: who is connected.
        place: USB place.
        limit_s: how long a port may take to appear.
    """

    async def open_port(role: Role) -> ByteStream:
        port = await watch.wait_for(place, [role], limit_s)
        if port is None:
            raise NoModule(address=f"{place} ({role})")
        return await addresses.open_port(port)

    return open_port


def ports_of(address: str) -> Opener:
    """Opens the ports of the module at an address; one that names a port is that port for every role."""

    async def open_port(role: Role) -> ByteStream:
        return await addresses.open_address(address, role)

    return open_port
