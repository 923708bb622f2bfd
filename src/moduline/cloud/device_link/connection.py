"""One TCP connection: does what its session wants, and nothing else.

There are very many of these, and nearly all are idle. An idle one has no task, no timer and no buffer of its own: a
task lives only while the platform is asked, and a wheel of the gateway looks at deadlines.

Source: ota-semantics 12.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Final, Protocol

from moduline.cloud.device_link.actions import Action, Ask, Close, Deliver, Send
from moduline.cloud.device_link.limits import GatewayLimits
from moduline.cloud.device_link.platform import Busy, CameOnline, Cause, Event, Received, Verdict, WentOffline
from moduline.cloud.device_link.session import Session, State
from moduline.wire.quecthing.messages import Message
from moduline.wire.quecthing.ota_messages import MODULE, Confirmation, Firmware, Report, StatusCode

_ENDS: Final = frozenset({StatusCode.UPDATESUCCESS, StatusCode.UPDATEERROR})


class Surroundings(Protocol):
    """What a connection needs of its gateway."""

    limits: GatewayLimits

    def tick_s(self) -> float:
        """Seconds that never go back."""

    def is_welcome(self, connection: Connection) -> bool:
        """Whether there is room for a connection that was just made; counts it if so."""

    def enters(self, connection: Connection) -> bool:
        """A device was let in: its older connection has to go. False if this one is the older."""

    def heard(self, device: int) -> None:
        """A device has said something."""

    def gone(self, connection: Connection, cause: Cause) -> None:
        """The connection has ended."""

    def finishing(self, task: asyncio.Task[None]) -> None:
        """Something is still being told to the platform after the end."""

    def watch(self, connection: Connection, due: float) -> None:
        """Has `Connection.wake` called when ``due`` has passed."""

    async def ask(self, connection: Connection, wanted: Ask) -> Verdict | None:
        """The platform's answer; None if it failed."""

    async def deliver(self, connection: Connection, event: Event) -> bool:
        """Whether the platform has the event."""


class Connection(asyncio.Protocol):
    """Socket and session of one device.

    Args:
        gateway: what is around it.
        number: larger is later.
    """

    __slots__ = (
        "_cause",
        "_gateway",
        "_is_paused",
        "_pending",
        "_stuck_since",
        "_task",
        "_transport",
        "_was_online",
        "address",
        "is_stranger",
        "number",
        "session",
        "slot",
    )

    def __init__(self, gateway: Surroundings, number: int) -> None:
        self._gateway = gateway
        self._transport: asyncio.Transport | None = None
        self._pending: list[Deliver] | None = None
        self._task: asyncio.Task[None] | None = None
        self._is_paused = False
        self._stuck_since: float | None = None
        self._was_online = False
        self._cause = Cause.LOST
        self.number = number
        self.address = ""
        self.is_stranger = True
        self.session: Session | None = None
        self.slot = 0

    # -- what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A peer is there."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if isinstance(peer, tuple) and peer else ""
        transport.set_write_buffer_limits(high=self._gateway.limits.write_bytes)
        if not self._gateway.is_welcome(self):
            self._transport = None
            transport.abort()

    def start(self, session: Session) -> None:
        """Begins to listen; called by the gateway that welcomed this connection."""
        self.session = session
        self._gateway.watch(self, session.deadline)

    def data_received(self, data: bytes) -> None:
        """The peer has said something."""
        if self.session is None:
            return
        if self.session.device is not None:
            self._gateway.heard(self.session.device)
        self._do(self.session.receive(data, self._gateway.tick_s()))

    def eof_received(self) -> bool:
        """The peer says no more: it has gone."""
        return False

    def pause_writing(self) -> None:
        """The peer does not take what it is sent: it is not listened to until it does."""
        self._stuck_since = self._gateway.tick_s()
        self._watch()
        self._breathe()

    def resume_writing(self) -> None:
        """The peer has taken what was waiting."""
        self._stuck_since = None
        self._breathe()

    def connection_lost(self, error: Exception | None) -> None:
        """The connection has ended, whoever ended it."""
        del error  # a reset and a close are the same to us
        self._transport = None
        if self.session is None:
            return
        self.session.end(self._cause)
        if self._was_online:
            self._queue(Deliver(WentOffline(self._cause)))
        if self._task is not None:
            self._gateway.finishing(self._task)
        self._gateway.gone(self, self._cause)

    # -- what the gateway calls

    def wake(self) -> None:
        """A deadline may have passed."""
        if self.session is None or self._transport is None:
            return
        now = self._gateway.tick_s()
        stuck = self._stuck_since
        if stuck is not None and now >= stuck + self._gateway.limits.write_s:
            self.end(Cause.DOES_NOT_READ)
            return
        if now >= self.session.deadline:
            self._do(self.session.due(now))
        if self.session.state is not State.CLOSED:
            self._watch()

    def send(self, message: Message, packet_id: int | None) -> bool:
        """Says something to the device; False if that is not possible now.

        An address is not given to a device that has said the upgrade of that component is over, even if the platform
        has not heard so yet: an idle device loads and installs whatever it is told. A timer says it again if it still
        holds.
        """
        if self.session is None or self._stuck_since is not None:
            return False
        if isinstance(message, Firmware) and any(_is_end(one.event, message) for one in self._pending or ()):
            return False
        actions = self.session.send(message, self._gateway.tick_s(), packet_id)
        if actions is None:
            return False
        self._do(actions)
        return True

    def end(self, cause: Cause) -> None:
        """Ends the connection from outside."""
        if self.session is not None:
            self._do(self.session.end(cause))

    def abort(self) -> None:
        """Ends the connection without sending what is left."""
        if self._transport is not None:
            self._transport.abort()

    @property
    def was_online(self) -> bool:
        """Whether the platform was told that the device is online."""
        return self._was_online

    @property
    def task(self) -> asyncio.Task[None] | None:
        """What is still being told to the platform."""
        return self._task

    # -- inside

    def _do(self, actions: list[Action]) -> None:
        written = []
        close: Close | None = None
        for action in actions:
            match action:
                case Send(data):
                    written.append(data)
                case Deliver():
                    self._queue(action)
                case Ask():
                    self._start(self._ask(action))
                case Close():
                    close = action
        if self._transport is None:
            return
        if written:
            self._transport.write(b"".join(written))
        if close is not None:
            self._hang_up(close.cause)
            return
        self._breathe()
        self._watch()

    def _hang_up(self, cause: Cause) -> None:
        """Closes; what is written is sent first, unless the peer does not take it anyway."""
        if self._transport is None:
            return
        self._cause = cause
        if self._stuck_since is not None or self._transport.get_write_buffer_size():
            self._transport.abort()
        else:
            self._transport.close()

    def _breathe(self) -> None:
        """Reads or does not read, as session and socket allow."""
        if self._transport is None or self.session is None or self._transport.is_closing():
            return
        shall_pause = self.session.is_resting or self._stuck_since is not None
        if shall_pause and not self._is_paused:
            self._transport.pause_reading()
        elif self._is_paused and not shall_pause:
            self._transport.resume_reading()
        self._is_paused = shall_pause

    def _watch(self) -> None:
        if self.session is None:
            return
        due = self.session.deadline
        if self._stuck_since is not None:
            due = min(due, self._stuck_since + self._gateway.limits.write_s)
        self._gateway.watch(self, due)

    def _start(self, work: Coroutine[None, None, None]) -> None:
        self._task = asyncio.get_running_loop().create_task(work)

    async def _ask(self, wanted: Ask) -> None:
        verdict = await self._gateway.ask(self, wanted)
        self._task = None
        if self.session is None or self._transport is None:
            return
        actions = self.session.judged(verdict or Busy(), self._gateway.tick_s())
        is_in = self.session.device is not None and self.session.state is not State.CLOSED
        if is_in and not self._gateway.enters(self):
            self.end(Cause.TAKEN_OVER)
            return
        self._do(actions)

    def _queue(self, delivery: Deliver) -> None:
        if isinstance(delivery.event, CameOnline):
            self._was_online = True
        if self._pending is None:
            self._pending = []
        self._pending.append(delivery)
        if self._task is None:
            self._start(self._deliver())

    async def _deliver(self) -> None:
        """Gives the platform what is pending, one event after the other, and ends when there is none."""
        while self._pending and self.session is not None:
            delivery = self._pending[0]
            is_kept = await self._gateway.deliver(self, delivery.event)
            del self._pending[0]
            if is_kept:
                self._do(self.session.kept(delivery, self._gateway.tick_s()))
            else:  # nothing of the rest is acknowledged either: the device will say it again
                if isinstance(delivery.event, CameOnline):
                    self._was_online = False
                self._pending.clear()
                self.end(Cause.FAILED)
        self._pending = None
        self._task = None


def _is_end(event: Event, of: Firmware) -> bool:
    """Whether a device says that it is through with the upgrade of what an address is for; who refuses, refuses all."""
    match event:
        case Received(_, Report(code=StatusCode.REFUSEDOTA)) | Received(_, Confirmation(accepts=False)):
            return True
        case Received(_, Report(code=code, type=type_, component=component)) if code in _ENDS:
            is_named = of.type == MODULE or component in {None, of.component}  # a device has one module, however called
            return type_ in {None, of.type} and is_named
        case _:
            return False
