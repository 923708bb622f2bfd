"""Sockets of one interpreter: lines for connections, bells for listeners and datagrams.

::

    stream     line: first byte 0 when the connection stands, then the bytes themselves; its end: closed, or never stood
    listener   bell: one byte for every connection that waits to be accepted
    datagrams  bell: one byte for every datagram that waits to be taken
    answer     line: the text of an answer that takes its time (names, echoes), then its end; nothing for "none"

What ended a stream is asked for with ``sock_state``. The child never names a descriptor: it gives line numbers. What it
may have at once is limited to ``MAX_SOCKETS``, closed connections that still send included.

Source: device-api 12.2; micropython-runtime 9.
"""

from __future__ import annotations

import asyncio
import errno
import itertools
import socket
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from typing import Any, Final

from moduline.vmodule.interpreter import framing
from moduline.vmodule.interpreter.desk import Answer, DeskContext, Question, fact
from moduline.vmodule.world.clock import ModuleClock
from moduline.vmodule.world.datagrams import DatagramSocket
from moduline.vmodule.world.network import LOOPBACK, HostNotAllowedError, Network
from moduline.vmodule.world.network_plan import MAX_PORT
from moduline.vmodule.world.pump import CONNECTED, Pump

MAX_SOCKETS: Final = 16
MAX_ENDED: Final = 64  # how many ended streams are remembered for ``sock_state``
MAX_BACKLOG: Final = 8
MAX_HOST: Final = 255
FIRST_FREE_PORT: Final = 49152

CLOSED, LISTENING, CONNECTING, ESTABLISHED, CLOSE_WAIT = 0, 1, 2, 4, 7  # what getsocketsta() says


class _Stream:
    """A connection, from the wish on."""

    def __init__(self) -> None:
        self.pump: Pump | None = None
        self.task: asyncio.Task[None] | None = None
        self.error = 0
        self.is_let_go = False  # the script has closed it
        self._limit: asyncio.TimerHandle | None = None

    @property
    def is_live(self) -> bool:
        if self.pump is not None:
            return not self.pump.has_ended
        return self.task is not None and not self.task.done()

    @property
    def state(self) -> int:
        if self.pump is None:
            return CONNECTING if self.is_live else CLOSED
        if self.pump.has_ended or self.pump.error:
            return CLOSED
        return CLOSE_WAIT if self.pump.is_far_closed else ESTABLISHED

    def limit(self, clock: ModuleClock, seconds: float) -> None:
        self.forget_limit()
        pump = self.pump
        if seconds > 0 and pump is not None:
            self._limit = clock.call_later(seconds, lambda: pump.abort(errno.ETIMEDOUT))

    def forget_limit(self) -> None:
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None

    async def close(self) -> None:
        self.forget_limit()
        if self.task is not None:
            self.task.cancel()
            with suppress(asyncio.CancelledError):
                await self.task
        if self.pump is not None:
            self.pump.abort()
            if self.pump.near.transport is not None:
                self.pump.near.transport.abort()


class Bell:
    """Our end of a line that only says how much waits; gone when the child closes its end.

    Args:
        end: our end of the pair.
        on_gone: called when the child has closed its own.
    """

    def __init__(self, end: socket.socket, on_gone: Callable[[], None]) -> None:
        self._end = end
        self._on_gone = on_gone
        asyncio.get_running_loop().add_reader(end, self._heard)

    def ring(self) -> None:
        """One more waits."""
        with suppress(OSError):
            self._end.send(b"\1")

    def close(self) -> None:
        """No more rings."""
        if self._end.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(self._end)
            self._end.close()

    def _heard(self) -> None:
        try:
            data = self._end.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            self._on_gone()


class _Listener:
    """A port of the module that takes connections."""

    def __init__(self, network: Network, port: int, backlog: int) -> None:
        self.waiting: deque[Pump] = deque()
        self.bell: Bell | None = None
        self._network = network
        self._port = port
        self._backlog = max(1, min(backlog, MAX_BACKLOG))
        self._server: asyncio.Server | None = None

    async def open(self) -> int:
        """Listen; gives the port of this computer that leads here."""
        wanted = self._network.plan.ports.get(self._port, 0)
        self._network.listening[self._port] = wanted  # taken from here on
        try:
            self._server = await asyncio.get_running_loop().create_server(lambda: _Arrival(self), LOOPBACK, wanted)
        except OSError:
            del self._network.listening[self._port]
            raise
        host_port = int(self._server.sockets[0].getsockname()[1])
        self._network.listening[self._port] = host_port
        return host_port

    def arrived(self, transport: asyncio.Transport) -> None:
        while self.waiting and self.waiting[0].has_ended:
            self.waiting.popleft()
        if len(self.waiting) >= self._backlog or not self._network.has_data() or self.bell is None:
            transport.abort()
            return
        pump = self._network.make_pump()
        transport.set_protocol(pump.far)
        pump.far.connection_made(transport)
        self._network.keep(pump)
        self.waiting.append(pump)
        self.bell.ring()

    async def close(self) -> None:
        if self.bell is not None:
            self.bell.close()
        if self._server is not None:
            self._server.close()
            self._server = None
            self._network.listening.pop(self._port, None)
        for pump in self.waiting:
            pump.abort()
        self.waiting.clear()


class _Arrival(asyncio.Protocol):
    """A connection in its first moment."""

    def __init__(self, listener: _Listener) -> None:
        self._listener = listener

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._listener.arrived(transport)


class SocketDesk:
    """Answers what ``onboard/shims/sockets.py`` asks.

    Args:
        network: the module's internet.
        context: of the interpreter.
    """

    def __init__(self, network: Network, context: DeskContext) -> None:
        self._network = network
        self._context = context
        self._sockets: dict[int, _Stream | _Listener | DatagramSocket] = {}
        self._reserved = 0
        self._numbers = itertools.count(1)
        self._free_ports = itertools.count(FIRST_FREE_PORT)
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def questions(self) -> Mapping[str, Question]:
        """Everything about names, sockets and echoes."""
        return {
            "net_resolve": self._resolve,
            "net_ping": self._ping,
            "sock_connect": self._careful(self._connect),
            "sock_listen": self._careful(self._listen),
            "sock_accept": self._careful(self._accept),
            "sock_state": self._state,
            "sock_limit": self._limit,
            "sock_close": self._close_one,
            "udp_open": self._careful(self._udp_open),
            "udp_send": self._careful(self._udp_send),
            "udp_take": self._udp_take,
        }

    async def close(self) -> None:
        """The child has ended: its peers see their connections end."""
        sockets, self._sockets = list(self._sockets.values()), {}
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for one in sockets:
            await one.close()

    # ---- names and echoes --------------------------------------------------------------------------------------------

    def _resolve(self, call: framing.Call) -> Answer | Awaitable[Answer]:
        """{"address"}, {"errno"}, or {"line", "fd"} of what will say the address."""
        host = _host(call)
        try:
            address = self._network.resolve_now(host)
        except OSError as fault:
            return _failed(fault)
        if address is not None and (not self._network.delay_s or address == host):
            return {"address": address}, b""
        return self._later(self._address_of(host))

    async def _address_of(self, host: str) -> bytes:
        return (await self._network.resolve(host)).encode()

    def _ping(self, call: framing.Call) -> Awaitable[Answer]:
        """{"line", "fd"} of what will say the milliseconds an echo took; nothing comes when it is lost."""
        return self._later(self._echo(_host(call)))

    async def _echo(self, host: str) -> bytes:
        network = self._network
        address = await network.resolve(host)
        network.route(address, 0)
        began = network.clock.tick_s()
        if not network.has_data() or network.strike(host, "silent", "refused") or network.loses_datagram():
            return b""
        await network.pause(2 * network.delay_s)
        return f"{(network.clock.tick_s() - began) * 1000:.3f}".encode()

    async def _later(self, work: Coroutine[Any, Any, bytes]) -> Answer:
        """A line on which the outcome of ``work`` will be told."""
        try:
            ours, fd = await self._line()
        except OSError as fault:
            work.close()
            return _failed(fault)
        self._spawn(self._tell(work, ours))
        return {"line": 0, "fd": fd}, b""

    async def _tell(self, work: Coroutine[Any, Any, bytes], ours: socket.socket) -> None:
        with ours, suppress(OSError):
            ours.send(await work)

    # ---- streams -----------------------------------------------------------------------------------------------------

    async def _connect(self, call: framing.Call) -> Answer:
        host, port = _host(call), _port(call)
        ours, fd = await self._line()
        number, stream = next(self._numbers), _Stream()
        self._sockets[number] = stream
        stream.task = asyncio.get_running_loop().create_task(self._establish(stream, ours, host, port))
        return {"line": number, "fd": fd}, b""

    async def _establish(self, stream: _Stream, ours: socket.socket, host: str, port: int) -> None:
        try:
            pump = await self._network.open(host, port)
        except HostNotAllowedError as fault:
            stream.error = errno.EHOSTUNREACH
            self._context.notice("virt.network-refused", host=fault.host, port=port)
        except OSError as fault:
            stream.error = fault.errno or errno.EIO
        else:
            stream.pump = pump
            await pump.attach(ours, CONNECTED)
            return
        finally:
            if stream.pump is None:
                ours.close()

    async def _listen(self, call: framing.Call) -> Answer:
        port = _port(call) or next(self._free_ports) & MAX_PORT
        if port in self._network.listening:
            return _failed(OSError(errno.EADDRINUSE, "in use"))
        listener = _Listener(self._network, port, fact(call, "backlog", int))
        ours, fd = await self._line()
        number = next(self._numbers)
        listener.bell = Bell(ours, lambda: self._spawn(self._drop(number)))
        self._sockets[number] = listener
        try:
            host_port = await listener.open()
        except OSError:
            await self._drop(number)
            raise
        self._context.notice("virt.listening", protocol="tcp", port=port, host_port=host_port)
        return {"line": number, "fd": fd, "port": port}, b""

    async def _accept(self, call: framing.Call) -> Answer:
        listener = self._sockets.get(fact(call, "line", int))
        if not isinstance(listener, _Listener):
            return _failed(OSError(errno.EBADF, "no listener"))
        while listener.waiting:
            pump = listener.waiting.popleft()
            if pump.has_ended or pump.far.transport is None:
                continue
            peer = pump.far.transport.get_extra_info("peername") or (LOOPBACK, 0)
            try:
                ours, fd = await self._line()
            except OSError:
                pump.abort()
                raise
            number, stream = next(self._numbers), _Stream()
            stream.pump = pump
            self._sockets[number] = stream
            await pump.attach(ours)
            return {"line": number, "fd": fd, "address": [str(peer[0]), int(peer[1])]}, b""
        return _failed(OSError(errno.EAGAIN, "nobody waits"))

    def _state(self, call: framing.Call) -> Answer:
        """[what getsocketsta says, errno of what ended it or 0]."""
        one = self._sockets.get(fact(call, "line", int))
        if isinstance(one, _Stream):
            return [one.state, one.error or (one.pump.error if one.pump is not None else 0)], b""
        return [LISTENING if isinstance(one, _Listener) else CLOSED, 0], b""

    def _limit(self, call: framing.Call) -> Answer:
        """End the stream after ``ms`` (ETIMEDOUT) unless told otherwise in time; 0 takes the limit away."""
        one, ms = self._sockets.get(fact(call, "line", int)), fact(call, "ms", int)
        if isinstance(one, _Stream) and one.pump is not None:
            one.limit(self._network.clock, ms / 1000)
        return 0, b""

    def _close_one(self, call: framing.Call) -> Answer:
        """The script has closed its end already; a stream sends what is under way, everything else ends."""
        number = fact(call, "line", int)
        one = self._sockets.get(number)
        if isinstance(one, _Stream) and one.pump is not None:
            one.is_let_go = True
            one.pump.wake_near()
        elif one is not None:
            self._spawn(self._drop(number))
        return 0, b""

    async def _drop(self, number: int) -> None:
        one = self._sockets.pop(number, None)
        if one is not None:
            await one.close()

    # ---- datagrams ---------------------------------------------------------------------------------------------------

    async def _udp_open(self, call: framing.Call) -> Answer:
        port = _port(call) or next(self._free_ports) & MAX_PORT
        if port in self._network.receiving:
            return _failed(OSError(errno.EADDRINUSE, "in use"))
        one = DatagramSocket(self._network, port)
        ours, fd = await self._line()
        number = next(self._numbers)
        bell = Bell(ours, lambda: self._spawn(self._drop(number)))
        self._sockets[number] = one
        try:
            host_port = await one.open(bell.ring, bell.close)
        except OSError:
            await self._drop(number)
            raise
        if fact(call, "is_bound", bool):
            self._context.notice("virt.listening", protocol="udp", port=port, host_port=host_port)
        return {"line": number, "fd": fd, "port": port}, b""

    async def _udp_send(self, call: framing.Call) -> Answer:
        one, host, port = self._sockets.get(fact(call, "line", int)), _host(call), _port(call)
        if not isinstance(one, DatagramSocket):
            return _failed(OSError(errno.EBADF, "no datagram socket"))
        try:
            await one.send(call.data, host, port)
        except HostNotAllowedError as fault:
            self._context.notice("virt.network-refused", host=fault.host, port=port)
            raise
        return {"sent": len(call.data)}, b""

    def _udp_take(self, call: framing.Call) -> Answer:
        one = self._sockets.get(fact(call, "line", int))
        taken = one.take() if isinstance(one, DatagramSocket) else None
        if taken is None:
            return {"errno": errno.EAGAIN}, b""
        host, port, data = taken
        return {"address": [host, port]}, data

    # ---- parts -------------------------------------------------------------------------------------------------------

    async def _line(self) -> tuple[socket.socket, int]:
        """(our end, the child's descriptor) of a new line, both without waiting.

        Raises:
            OSError: ENFILE, there are as many as there may be; or as ``Life.lend``.
        """
        self._make_room()
        self._reserved += 1
        ours, theirs = socket.socketpair()
        try:
            ours.setblocking(False)
            theirs.setblocking(False)
            return ours, await self._context.lend(theirs)
        except BaseException:
            ours.close()
            raise
        finally:
            self._reserved -= 1

    def _make_room(self) -> None:
        """Forget what has ended; when that is not enough, end what only still sends."""
        ended = [n for n, one in self._sockets.items() if isinstance(one, _Stream) and not one.is_live]
        for number in ended[: max(0, len(ended) - MAX_ENDED)]:
            del self._sockets[number]
        for number in [n for n in ended if n in self._sockets and self._is_let_go(n)]:
            del self._sockets[number]
        if self._count() >= MAX_SOCKETS:
            still_sending = next((n for n in self._sockets if self._is_let_go(n)), None)
            if still_sending is None:
                raise OSError(errno.ENFILE, "too many sockets")
            self._spawn(self._drop(still_sending))

    def _is_let_go(self, number: int) -> bool:
        one = self._sockets[number]
        return isinstance(one, _Stream) and one.is_let_go

    def _count(self) -> int:
        live = sum(not isinstance(one, _Stream) or one.is_live for one in self._sockets.values())
        return live + self._reserved + len(self._tasks)

    def _careful(self, question: Callable[[framing.Call], Awaitable[Answer]]) -> Question:
        """The question, with {"errno"} for what the system refuses."""

        async def answer(call: framing.Call) -> Answer:
            try:
                return await question(call)
            except OSError as fault:
                return _failed(fault)

        return answer

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _failed(fault: OSError) -> Answer:
    return {"errno": fault.errno or errno.EIO}, b""


def _host(call: framing.Call) -> str:
    host = fact(call, "host", str)
    if not 0 < len(host) <= MAX_HOST or not host.isascii() or not host.isprintable():
        raise framing.BadFrameError(f"{call.facts['op']}: no host")
    return host


def _port(call: framing.Call) -> int:
    port = fact(call, "port", int)
    if not 0 <= port <= MAX_PORT:
        raise framing.BadFrameError(f"{call.facts['op']}: port {port}")
    return port
