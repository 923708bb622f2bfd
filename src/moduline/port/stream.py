"""The one protocol that everything which moves bytes implements.

Contract, tested on every implementation by ``tests/port/test_stream_contract.py``:

* ``read_some`` waits for at least one byte and gives what is there, up to ``limit``; it never gives ``b""``.
* ``write_all`` returns when every byte was accepted by the operating system (or the peer's buffer), not when the
  peer has read it.
* When the port vanishes (cable, power, the other program), both raise :class:`~moduline.errors.PortGone`, now and
  at every later call; so does a call that is waiting while ``close`` happens.
* ``close`` may be called twice.
* One reader and one writer at a time; cancelling either loses no bytes that were not yet given out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from moduline.errors import Text

READ_LIMIT = 65536
"""Default of ``read_some``: larger than any packet of any download protocol."""

React = Callable[[bytes], bytes | None]
"""Takes what arrived, gives what is to be sent (``b""``: nothing), or None to end."""


class ByteStream(Protocol):
    """An open port."""

    @property
    def name(self) -> str:
        """Where it leads, for messages: a device path, ``pair:a``, ``tcp:host:port``."""

    async def read_some(self, limit: int = READ_LIMIT) -> bytes:
        """At least one and at most ``limit`` bytes.

        Raises:
            PortGone: the port vanished or was closed.
        """

    async def write_all(self, data: bytes | bytearray | memoryview) -> None:
        """Hand over every byte of ``data``.

        Raises:
            PortGone: the port vanished or was closed.
        """

    async def close(self) -> None:
        """Let go of the port; pending calls end with PortGone."""


@runtime_checkable
class Rated(Protocol):
    """What ports with a line rate offer beyond that."""

    async def set_baud(self, baud: int) -> None:
        """Go on at another rate; what was written before has been sent at the old one.

        Raises:
            PortGone: the port vanished or was closed.
            PortBusy: it has no such rate.
        """


async def set_baud(stream: ByteStream, baud: int) -> None:
    """Change the rate of ``stream``; nothing happens where ports have none (TCP, memory).

    Raises:
        PortGone: the port vanished or was closed.
        PortBusy: it has no such rate.
    """
    if isinstance(stream, Rated):
        await stream.set_baud(baud)


def no_such_rate(baud: int) -> Text:
    """Why a port does not take ``baud``, for :class:`~moduline.errors.PortBusy`."""
    return Text(f"it has no rate of {baud} baud", f"不支持 {baud} 波特率")


async def pump(stream: ByteStream, react: React, idle: Callable[[], None] | None = None) -> None:
    """Hand everything that arrives to ``react`` and send what it gives, until it gives None.

    The fast way to hold a conversation: streams that can call ``react`` straight from the event loop offer a method
    ``pump`` and save a task switch per packet; for the others this is the plain loop.

    Args:
        stream: the port; nobody else may read it meanwhile.
        react: must not wait; what it raises is raised here.
        idle: called after an answer was sent, to work ahead while the peer works.

    Raises:
        PortGone: the port vanished or was closed.
    """
    own = getattr(stream, "pump", None)
    if own is not None:
        await own(react, idle)
        return
    while (answer := react(await stream.read_some())) is not None:
        if answer:
            await stream.write_all(answer)
        if idle is not None:
            idle()
