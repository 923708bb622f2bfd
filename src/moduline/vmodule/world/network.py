"""The module's way into the internet: which hosts exist, what they are called, and connections to them.

::

    scripts ── lines ── SocketDesk ─┐   (socket_desk)
                                    ├─▶ Network ── pumps, datagrams ──▶ this computer (and what the plan allows)
    fota, Qth ── connect() ─────────┘

It works only while the module has a data call; losing that ends every connection. A name that the plan gives no address
gets one of the benchmark range 198.18.0.0/15, so that scripts that resolve first and connect to the address then reach
the same alias. 127.0.0.1 is this computer.

Source: device-api 9.4, 12; micropython-runtime 9.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import random
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from moduline.vmodule.world.clock import ModuleClock
from moduline.vmodule.world.network_plan import NetworkFailure, NetworkPlan, read_network, split_target
from moduline.vmodule.world.pump import Pump, Shape, Traffic

__all__ = ["HostNotAllowedError", "Network", "NetworkFailure", "NetworkPlan", "Traffic", "read_network"]

LOOPBACK: Final = "127.0.0.1"
NO_NAME: Final = -2  # what a module gives for a name without address; device-api 1 (``OSError: -2``)
CONNECT_TIMEOUT_S: Final = 75.0  # module seconds until an unanswered connection is given up
FIRST_MADE_UP: Final = int(ipaddress.IPv4Address("198.18.0.1"))
MAX_MADE_UP: Final = 4096


class HostNotAllowedError(OSError):
    """The plan does not let the module reach this host (EHOSTUNREACH)."""

    def __init__(self, host: str) -> None:
        super().__init__(errno.EHOSTUNREACH, f"{host} is not in the network of this virtual module")
        self.host = host


@dataclass(frozen=True, slots=True)
class _Strike:
    """A failure and how many times it is still to strike; None for always."""

    failure: NetworkFailure
    left: int | None


class Network:
    """One module's internet.

    Args:
        plan: how it behaves.
        clock: of the module.
        has_data: whether a data call stands.
        chance: the module's randomness, for lost datagrams.
        address: IPv4 address of the module.
    """

    def __init__(
        self,
        plan: NetworkPlan | None = None,
        clock: ModuleClock | None = None,
        has_data: Callable[[], bool] = lambda: True,
        chance: random.Random | None = None,
        address: str = "10.91.44.177",
    ) -> None:
        self.plan = plan or NetworkPlan()
        self.clock = clock or ModuleClock()
        self.has_data = has_data
        self.address = address
        self.traffic = Traffic()
        self.listening: dict[int, int] = {}  # port of the module -> port of this computer that leads to it
        self.receiving: dict[int, int] = {}  # the same for datagrams
        self._chance = chance or random.Random(0)  # noqa: S311 - a simulation, repeatable
        self._strikes = [_Strike(failure, failure.count or None) for failure in self.plan.failures]
        self._made_up: dict[str, str] = {}  # name -> address
        self._names = {address: name for name, address in self.plan.dns.items()}
        self._pumps: set[Pump] = set()

    # ---- faults ------------------------------------------------------------------------------------------------------

    def fail(self, failure: NetworkFailure) -> None:
        """Add a fault to those of the plan."""
        self._strikes.append(_Strike(failure, failure.count or None))

    def heal(self) -> None:
        """Take all faults away, those of the plan too."""
        self._strikes.clear()

    def data_lost(self) -> None:
        """The data call has ended: every connection is lost (ECONNABORTED)."""
        for pump in tuple(self._pumps):
            pump.abort(errno.ECONNABORTED)

    def loses_datagram(self) -> bool:
        """Whether this one is lost; counted."""
        is_lost = self.plan.loss > 0 and self._chance.random() < self.plan.loss
        self.traffic.lost_datagrams += is_lost
        return is_lost

    @property
    def open_connections(self) -> int:
        """Connections that stand now."""
        return len(self._pumps)

    # ---- names -------------------------------------------------------------------------------------------------------

    async def resolve(self, host: str) -> str:
        """The IPv4 address of a host, as scripts see it.

        Raises:
            OSError: errno -2, it has none, or the module is off line.
        """
        known = self.resolve_now(host)
        if known is None or not _is_address(host):
            await self.pause(2 * self.delay_s)
        if known is not None:
            return known
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, None, family=socket.AF_INET)
        except OSError as fault:
            raise OSError(NO_NAME, f"{host} has no address") from fault
        address = str(found[0][4][0])
        self._names[address] = host
        return address

    def resolve_now(self, host: str) -> str | None:
        """The same without waiting; None where a name server of the real internet must be asked.

        Raises:
            OSError: errno -2, it has none, or the module is off line.
        """
        if _is_address(host):
            return host
        if not self.has_data() or self.strike(host, "dns") is not None:
            raise OSError(NO_NAME, f"{host} has no address")
        if host == "localhost":
            return LOOPBACK
        if host in self.plan.dns:
            return self.plan.dns[host]
        if any(split_target(name)[0] == host for name in self.plan.aliases):
            return self._make_up(host)
        if self._is_allowed(host):
            return None
        raise OSError(NO_NAME, f"{host} has no address")

    def _make_up(self, name: str) -> str:
        if name not in self._made_up:
            if len(self._made_up) >= MAX_MADE_UP:
                raise OSError(NO_NAME, f"{name} has no address")
            address = str(ipaddress.IPv4Address(FIRST_MADE_UP + len(self._made_up)))
            self._made_up[name] = address
            self._names[address] = name
        return self._made_up[name]

    def route(self, host: str, port: int) -> tuple[str, int]:
        """Where bytes for a host or address really go.

        Raises:
            HostNotAllowedError: nowhere.
        """
        name = self._names.get(host, host)
        for wanted in (f"{name}:{port}", name, f"{host}:{port}", host):
            if wanted in self.plan.aliases:
                real, real_port = split_target(self.plan.aliases[wanted])
                return real, real_port or port
        if self.plan.is_isolated:
            raise HostNotAllowedError(host)
        if host in {LOOPBACK, "localhost", self.address}:
            return LOOPBACK, self.listening.get(port, port)
        if _is_loopback(host) or self._is_allowed(name) or self._is_allowed(host):
            return host, port
        raise HostNotAllowedError(host if name == host else f"{name} ({host})")

    def reaches(self, host: str, port: int) -> bool:
        """Whether bytes for a host or address go anywhere."""
        try:
            self.route(host, port)
        except HostNotAllowedError:
            return False
        return True

    def _is_allowed(self, host: str) -> bool:
        return any(fnmatchcase(host, pattern) for pattern in self.plan.allowed)

    def strike(self, host: str, *kinds: str) -> NetworkFailure | None:
        """The failure of one of these kinds that strikes now; counted as one strike."""
        name = self._names.get(host, host)
        for at, row in enumerate(self._strikes):
            pattern = row.failure.host
            if row.failure.kind in kinds and (fnmatchcase(name, pattern) or fnmatchcase(host, pattern)):
                if row.left is not None:
                    self._strikes[at] = _Strike(row.failure, row.left - 1)
                    if row.left == 1:
                        del self._strikes[at]
                return row.failure
        return None

    # ---- connections -------------------------------------------------------------------------------------------------

    @property
    def delay_s(self) -> float:
        """One way, in module seconds."""
        return self.plan.delay_ms / 1000

    async def pause(self, module_seconds: float) -> None:
        """Wait by the module's clock."""
        if module_seconds > 0:
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            timer = self.clock.call_later(module_seconds, lambda: _finish(done))
            try:
                await done
            finally:
                timer.cancel()

    async def connect(
        self, host: str, port: int, *, tls: ssl.SSLContext | None = None
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection as the module's own services make it.

        Args:
            host: name or IPv4 address, as a script would give it.
            port: of the peer.
            tls: speak TLS; certificates are checked against ``host`` as the context says.

        Raises:
            OSError: errno -2 for a name without address, ECONNREFUSED, EHOSTUNREACH, ETIMEDOUT, ECONNRESET; and
                ``ssl.SSLError``, which is one.
        """
        address = await self.resolve(host)
        pump = await self.open(address, port)
        ours, theirs = socket.socketpair()
        try:
            await pump.attach(theirs)
            return await asyncio.open_connection(sock=ours, ssl=tls, server_hostname=host if tls else None)
        except BaseException:
            pump.abort()
            for end in (ours, theirs):
                with suppress(OSError):
                    end.close()
            raise

    async def open(self, host: str, port: int) -> Pump:
        """A connection whose near side is not attached yet; ``host`` is an address or a name of the plan.

        Raises:
            OSError: as ``connect``.
        """
        try:
            pump = await self._opened(host, port)
        except BaseException:
            self.traffic.refused += 1
            raise
        self.traffic.connections += 1
        return pump

    async def _opened(self, host: str, port: int) -> Pump:
        if not self.has_data():
            raise OSError(errno.EHOSTUNREACH, "the module is off line")
        real_host, real_port = self.route(host, port)
        failure = self.strike(host, "refused", "silent", "drop")
        kind = failure.kind if failure is not None else ""
        if kind == "silent":
            await self.pause(CONNECT_TIMEOUT_S)
            raise OSError(errno.ETIMEDOUT, "no answer")
        await self.pause(2 * self.delay_s)
        if kind == "refused":
            raise OSError(errno.ECONNREFUSED, "connection refused")
        pump = self.make_pump(failure.after_bytes if failure is not None else None)
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S / self.clock.rate):
                await loop.create_connection(lambda: pump.far, real_host, real_port, family=socket.AF_INET)
        except TimeoutError as late:
            raise OSError(errno.ETIMEDOUT, "no answer") from late
        except socket.gaierror as unknown:
            raise OSError(NO_NAME, f"{real_host} has no address") from unknown
        self.keep(pump)
        return pump

    def make_pump(self, drop_after_bytes: int | None = None) -> Pump:
        """A pump without sides, shaped by the plan."""
        shape = Shape(self.delay_s, self.plan.bytes_per_s, drop_after_bytes)
        return Pump(self.clock, shape, self.traffic, self.has_data, self._pumps.discard)

    def keep(self, pump: Pump) -> None:
        """A pump whose far side stands: it ends with the data call."""
        pump.hold()
        if not pump.has_ended:
            self._pumps.add(pump)


def _finish(done: asyncio.Future[None]) -> None:
    if not done.done():
        done.set_result(None)


def _is_address(host: str) -> bool:
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    return _is_address(host) and ipaddress.IPv4Address(host).is_loopback
