"""The QuecThing gateway: listens, keeps who is here, looks at deadlines, carries messages both ways.

::

    TCP, TLS ──▶ Connection ──▶ Session        one each per device
                     │
                  Gateway ── authenticate, uplink ──▶ Platform
                     ▲
                     └── send, drop ── Platform

A device is here once: when it is let in on a second connection, the first is ended (a client id alone ends nothing:
only who was let in counts). The door closes for peers beyond the limits without a word, for any CONNACK but 0 or 1
would make a module forget its secret.

Source: ota-semantics 11.1, 12 (traps 1, 11, 12).
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections import Counter
from collections.abc import Iterator
from typing import Final

from moduline.clock import Clock, SystemClock
from moduline.cloud.device_link.actions import Ask
from moduline.cloud.device_link.connection import Connection
from moduline.cloud.device_link.limits import GatewayLimits, SessionLimits
from moduline.cloud.device_link.platform import Cause, Event, Platform, Uplink, Verdict
from moduline.cloud.device_link.session import Session
from moduline.cloud.device_link.tls import inside_tls
from moduline.cloud.device_link.wheel import Wheel
from moduline.errors import PortBusy
from moduline.events import Notice, Reporter, silent
from moduline.wire.quecthing.messages import Message

_BACKLOG: Final = 4096


class Gateway:
    """Devices by MQTT.

    Args:
        platform: who knows them.
        clock: wall clock of events, steady clock of deadlines.
        limits: of the whole.
        session_limits: of each connection.
        report: hears of failures of the platform: ``gateway.failed``.
    """

    def __init__(
        self,
        platform: Platform,
        *,
        clock: Clock | None = None,
        limits: GatewayLimits | None = None,
        session_limits: SessionLimits | None = None,
        report: Reporter = silent,
    ) -> None:
        self.limits = limits or GatewayLimits()
        self.ended: Counter[Cause] = Counter()
        self.refused_at_the_door = 0
        self._platform = platform
        self._clock = clock or SystemClock()
        self._session_limits = session_limits or SessionLimits()
        self._report = report
        self._servers: list[asyncio.Server] = []
        self._connections: set[Connection] = set()
        self._closing: set[asyncio.Task[None]] = set()
        self._devices: dict[int, Connection] = {}
        self._addresses: Counter[str] = Counter()
        self._strangers: Counter[str] = Counter()
        self._wheel: Wheel[Connection] = Wheel(self.tick_s(), self.limits.slot_s)
        self._timer: asyncio.TimerHandle | None = None
        self._numbers = _numbers(self._clock)
        self._seen: dict[int, float] = {}
        self._is_stopped = False
        self._settled = asyncio.Event()

    # -- what the platform and the command line call

    async def listen(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Takes connections on a port; may be called for several.

        Args:
            host: address to listen on.
            port: 0 = any free one.
            tls: certificate and key; None = plain.

        Returns:
            The port.

        Raises:
            PortBusy: somebody else listens there, or it may not be listened on.
        """
        loop = asyncio.get_running_loop()

        def made() -> asyncio.BaseProtocol:
            connection = Connection(self, next(self._numbers))
            return connection if tls is None else inside_tls(connection, tls)

        try:
            server = await loop.create_server(made, host, port, backlog=_BACKLOG)
        except OSError as error:
            raise PortBusy(port=f"{host}:{port}", reason=str(error)) from error
        self._servers.append(server)
        if self._timer is None:
            self._turn()
        found: int = server.sockets[0].getsockname()[1]
        return found

    def send(self, device: int, message: Message, packet_id: int | None = None) -> bool:
        """Says something to a device.

        Args:
            device: id on the platform.
            message: what.
            packet_id: of the frame, if this answers one of the device's.

        Returns:
            False if the device is not here, not subscribed, does not read, or has too much waiting. True promises
            nothing but a try: if no PUBACK comes after the retries, an `Undelivered` follows.

        Raises:
            BadOption: the message cannot be encoded.
        """
        connection = self._devices.get(device)
        return connection is not None and connection.send(message, packet_id)

    def drop(self, device: int, before: int | None = None) -> bool:
        """Ends the connection of a device: it is switched off, or has come to another node.

        Args:
            device: id on the platform.
            before: only a connection with a smaller number; None = whichever.

        Returns:
            Whether there was one.
        """
        connection = self._devices.get(device)
        if connection is None or (before is not None and connection.number >= before):
            return False
        connection.end(Cause.DROPPED if before is None else Cause.TAKEN_OVER)
        return True

    def take_seen(self) -> dict[int, float]:
        """Which devices were heard since the last call, and when: id -> UTC seconds. Pings count too."""
        seen, self._seen = self._seen, {}
        return seen

    def is_on(self, device: int, number: int) -> bool:
        """Whether a device is here on the connection of that number."""
        connection = self._devices.get(device)
        return connection is not None and connection.number == number

    def numbers(self) -> dict[int, int]:
        """Devices that came online here: id on the platform -> number of the connection."""
        return {device: one.number for device, one in self._devices.items() if one.was_online}

    @property
    def devices_here(self) -> int:
        """How many devices are let in."""
        return len(self._devices)

    @property
    def connections_here(self) -> int:
        """How many connections there are, let in or not."""
        return len(self._connections)

    async def stop(self) -> None:
        """Listens no more, ends every connection, and waits until the platform has what was said, within limits."""
        self._is_stopped = True
        for server in self._servers:
            server.close()
        if self._timer is not None:
            self._timer.cancel()
        for connection in list(self._connections):
            connection.end(Cause.STOPPED)
        self._settle()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._settled.wait(), self.limits.stop_s)
        for connection in list(self._connections):
            connection.abort()
        for task in self._closing | {one.task for one in self._connections if one.task is not None}:
            task.cancel()

    # -- what connections call

    def tick_s(self) -> float:
        """Seconds that never go back."""
        return self._clock.tick_s()

    def is_welcome(self, connection: Connection) -> bool:
        """Whether there is room; if so the connection is counted and listened to."""
        address, limits = connection.address, self.limits
        if (
            self._is_stopped
            or len(self._connections) >= limits.connections
            or self._addresses[address] >= limits.per_address
            or self._strangers[address] >= limits.strangers_per_address
        ):
            self.refused_at_the_door += 1
            return False
        self._connections.add(connection)
        self._addresses[address] += 1
        self._strangers[address] += 1
        connection.start(Session(connection.number, address, self._session_limits, self.tick_s()))
        return True

    def heard(self, device: int) -> None:
        """A device has said something, be it a ping."""
        self._seen[device] = self._clock.now_s()

    def enters(self, connection: Connection) -> bool:
        """A device was let in; False if a later connection of it is here already."""
        assert connection.session is not None
        device = connection.session.device
        assert device is not None
        old = self._devices.get(device)
        if old is not None and old.number > connection.number:
            return False
        self._no_stranger(connection)
        self._devices[device] = connection
        if old is not None:
            old.end(Cause.TAKEN_OVER)
        return True

    def gone(self, connection: Connection, cause: Cause) -> None:
        """A connection has ended."""
        self.ended[cause] += 1
        self._connections.discard(connection)
        self._wheel.remove(connection)
        self._no_stranger(connection)
        _take_one(self._addresses, connection.address)
        device = None if connection.session is None else connection.session.device
        if device is not None and self._devices.get(device) is connection:
            del self._devices[device]
        self._settle()

    def watch(self, connection: Connection, due: float) -> None:
        """Has the connection woken when ``due`` has passed, at most a slot later."""
        self._wheel.put(connection, due)

    def finishing(self, task: asyncio.Task[None]) -> None:
        """A connection that has ended still tells the platform something."""
        self._closing.add(task)
        task.add_done_callback(self._finished)

    async def ask(self, connection: Connection, wanted: Ask) -> Verdict | None:
        """The platform's verdict on a contact; None if it failed."""
        try:
            return await self._platform.authenticate(wanted.contact)
        except Exception as error:  # noqa: BLE001 - one of the two loops that must survive; recorded
            self._failed(connection, "authenticate", error)
            return None

    async def deliver(self, connection: Connection, event: Event) -> bool:
        """Whether the platform has the event now."""
        assert connection.session is not None
        device = connection.session.device
        assert device is not None
        try:
            await self._platform.uplink(Uplink(device, connection.number, self._clock.now_s(), event))
        except Exception as error:  # noqa: BLE001 - one of the two loops that must survive; recorded
            self._failed(connection, "uplink", error)
            return False
        return True

    # -- inside

    def _failed(self, connection: Connection, what: str, error: Exception) -> None:
        facts = {"what": what, "error": f"{type(error).__name__}: {error}", "connection": connection.number}
        self._report(Notice("gateway.failed", connection.address, facts))

    def _no_stranger(self, connection: Connection) -> None:
        if connection.is_stranger:
            connection.is_stranger = False
            _take_one(self._strangers, connection.address)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._closing.discard(task)
        self._settle()

    def _settle(self) -> None:
        if self._is_stopped and not self._connections and not self._closing:
            self._settled.set()

    def _turn(self) -> None:
        """Once a slot: wakes whose deadline may have passed."""
        for connection in self._wheel.turn(self.tick_s()):
            connection.wake()
        self._timer = asyncio.get_running_loop().call_later(self.limits.slot_s, self._turn)


def _numbers(clock: Clock) -> Iterator[int]:
    """Numbers of connections: milliseconds of the wall clock, pushed on where they would not grow.

    Larger is later also between the gateways of a platform, as far as their clocks agree, and after a restart.
    """
    last = 0
    while True:
        last = max(last + 1, int(clock.now_s() * 1000))
        yield last


def _take_one(counter: Counter[str], key: str) -> None:
    counter[key] -= 1
    if counter[key] <= 0:
        del counter[key]
