"""A UDP socket of the module: whole datagrams in and out, some of them lost, all of them delayed as the plan says.

Source: device-api 12.2; micropython-runtime 9.
"""

from __future__ import annotations

import asyncio
import errno
from collections import deque
from collections.abc import Callable
from typing import Final

from moduline.vmodule.world.network import LOOPBACK, Network

MAX_WAITING: Final = 64  # datagrams the script has not taken yet; further ones are lost
MAX_UNDER_WAY: Final = 64
MAX_PEERS: Final = 64  # addresses of aliases that are remembered
MAX_DATAGRAM_BYTES: Final = 1472  # of an unfragmented packet


class DatagramSocket(asyncio.DatagramProtocol):
    """One socket, bound to a port of the module.

    Args:
        network: the module's internet.
        port: of the module.
    """

    def __init__(self, network: Network, port: int) -> None:
        self._network = network
        self._port = port
        self._waiting: deque[tuple[str, int, bytes]] = deque()
        self._seen_as: dict[tuple[str, int], tuple[str, int]] = {}  # where it really goes -> as the script calls it
        self._here: asyncio.DatagramTransport | None = None  # to this computer
        self._outside: asyncio.DatagramTransport | None = None
        self._under_way: set[asyncio.TimerHandle] = set()
        self._ring: Callable[[], None] = lambda: None
        self._on_close: Callable[[], None] = lambda: None

    async def open(self, ring: Callable[[], None], on_close: Callable[[], None]) -> int:
        """Receive; gives the port of this computer that leads here.

        Args:
            ring: called for every datagram that waits.
            on_close: called once when the socket closes.

        Raises:
            OSError: the port of this computer is in use.
        """
        self._ring, self._on_close = ring, on_close
        wanted = self._network.plan.ports.get(self._port, 0)
        self._here, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: self, local_addr=(LOOPBACK, wanted)
        )
        host_port = int(self._here.get_extra_info("sockname")[1])
        self._network.receiving[self._port] = host_port
        return host_port

    async def send(self, data: bytes, host: str, port: int) -> None:
        """Send one datagram to an address or name.

        Raises:
            OSError: EMSGSIZE, EHOSTUNREACH, -2 for a name without address.
        """
        network = self._network
        if len(data) > MAX_DATAGRAM_BYTES:
            raise OSError(errno.EMSGSIZE, "the datagram is too long")
        if not network.has_data():
            raise OSError(errno.EHOSTUNREACH, "the module is off line")
        real_host, real_port = network.route(host, port)
        if real_host == LOOPBACK:
            real_port = network.receiving.get(port, real_port) if host == real_host else real_port
            transport = self._here
        else:
            if self._outside is None:
                self._outside, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                    lambda: self,
                    local_addr=("0.0.0.0", 0),  # noqa: S104 - answers from the allowed hosts
                )
            transport = self._outside
        if len(self._seen_as) >= MAX_PEERS:
            self._seen_as.clear()
        self._seen_as[real_host, real_port] = (host, port)
        network.traffic.sent_bytes += len(data)
        if network.strike(host, "silent", "refused") is None and not network.loses_datagram():
            self._later(lambda: _send(transport, data, (real_host, real_port)))

    def take(self) -> tuple[str, int, bytes] | None:
        """The oldest datagram that waits: (host, port, data)."""
        return self._waiting.popleft() if self._waiting else None

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """One came from outside."""
        network = self._network
        if network.has_data() and not network.loses_datagram():
            network.traffic.received_bytes += len(data)
            host, port = self._seen_as.get(addr[:2], addr[:2])
            self._later(lambda: self._arrived(host, port, data))

    def error_received(self, exc: Exception) -> None:
        """An ICMP answer to an earlier datagram; the module does not hear of those."""
        del exc

    async def close(self) -> None:
        """Everything under way is lost."""
        for timer in self._under_way:
            timer.cancel()
        self._under_way.clear()
        for transport in (self._here, self._outside):
            if transport is not None:
                transport.close()
        if self._here is not None:
            self._network.receiving.pop(self._port, None)
        self._here = self._outside = None
        self._on_close()

    def _arrived(self, host: str, port: int, data: bytes) -> None:
        if len(self._waiting) < MAX_WAITING:
            self._waiting.append((host, port, data))
            self._ring()

    def _later(self, action: Callable[[], None]) -> None:
        """Do it after the network's delay; what is too much under way is lost."""
        if not self._network.delay_s:
            action()
        elif len(self._under_way) < MAX_UNDER_WAY:
            timers: list[asyncio.TimerHandle] = []

            def due() -> None:
                self._under_way.difference_update(timers)
                action()

            timers.append(self._network.clock.call_later(self._network.delay_s, due))
            self._under_way.update(timers)


def _send(transport: asyncio.DatagramTransport | None, data: bytes, to: tuple[str, int]) -> None:
    if transport is not None and not transport.is_closing():
        transport.sendto(data, to)
