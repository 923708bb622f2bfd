"""A port that pages look at together: kept by the server, whoever comes and goes.

::

    connecting ─▶ connected ◀─▶ away        the module restarted, or was unplugged; it is opened again
                     │  ▲ └──▶ busy         another program has the port; tried again
                     ▼  │
                  lent ─┘                    a job of this server wants it: stepped aside
                     released                "disconnect", or nobody looked for a while

One page writes at a time. Whoever types first does; another page takes over by a button, or when the writer has gone.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from enum import StrEnum
from typing import Final, Generic, Protocol, TypeVar

from nicegui import app

from moduline.errors import ModulineError, NoModule, PortBusy, PortGone
from moduline.port import aside
from moduline.port.address import open_port, resolve
from moduline.port.listing import PortInfo
from moduline.port.stream import ByteStream
from moduline.remote.console import Console
from moduline.web.live_ports import live_ports

IDLE_S: Final = 60.0
"""So long nobody looks before the port is let go."""
BUSY_PAUSE_S: Final = 0.5
AWAY_PAUSE_S: Final = 1.0
KEPT_SESSIONS: Final = 32


class LinkState(StrEnum):
    """How a session stands to its port."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    AWAY = "away"
    BUSY = "busy"
    LENT = "lent"
    RELEASED = "released"


class Looker(Protocol):
    """A page that looks."""

    @property
    def has_socket_connection(self) -> bool:
        """Whether its browser is there."""


class PortSession:
    """A port and its viewers. Use it from the event loop of the server only.

    Args:
        info: the port as it is now.
        address: what it was asked for by.
    """

    def __init__(self, info: PortInfo, address: str) -> None:
        self.role = info.role
        self.place = info.place
        self.address = address
        self.title = info.address if info.name else address
        self.state = LinkState.CONNECTING
        self.failure: ModulineError | None = None
        self.is_wanted = True
        self._fixed = info
        self._console: Console | None = None
        self._task: asyncio.Task[None] | None = None
        self._withdraw: Callable[[], None] | None = None
        self._lookers: dict[str, Looker] = {}
        self._writer = ""
        self._idle: asyncio.TimerHandle | None = None
        self._letting_go: asyncio.Task[None] | None = None
        self._listeners: set[Callable[[], None]] = set()

    # ---- who looks --------------------------------------------------------------------------------------------

    def attach(self, key: str, looker: Looker, on_change: Callable[[], None]) -> Callable[[], None]:
        """A page looks from now on; gives what ends this.

        Args:
            key: of the page.
            looker: the page.
            on_change: called whenever ``state``, ``writer`` or what was printed changed.
        """
        self._lookers[key] = looker
        self._listeners.add(on_change)
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        if self.is_wanted:
            self.connect()

        def leave() -> None:
            self._lookers.pop(key, None)
            self._listeners.discard(on_change)
            if not self._lookers:
                self._idle = asyncio.get_running_loop().call_later(IDLE_S, self._let_go)
            self.tell()

        return leave

    def may_write(self, key: str) -> bool:
        """Whether this page writes; when the writer has gone, it does from now on."""
        writer = self._lookers.get(self._writer)
        if self._writer != key and (writer is None or not writer.has_socket_connection):
            self._writer = key
            self.tell()
        return self._writer == key

    def is_writer(self, key: str) -> bool:
        """Whether this page writes, or would if it began now."""
        writer = self._lookers.get(self._writer)
        return self._writer == key or writer is None or not writer.has_socket_connection

    def take_over(self, key: str) -> None:
        """This page writes from now on."""
        self._writer = key
        self.tell()

    @property
    def watchers(self) -> int:
        """How many pages look."""
        return len(self._lookers)

    # ---- the port ---------------------------------------------------------------------------------------------

    def connect(self) -> None:
        """Open the port, as soon as it can be, and keep it open."""
        self.is_wanted = True
        if self._console is None and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._keep())

    async def disconnect(self, *, is_wanted: bool = False) -> None:
        """Let the port go.

        Args:
            is_wanted: whether the next page that looks opens it again.
        """
        self.is_wanted = is_wanted
        await self._close()
        self._become(LinkState.RELEASED)

    async def send(self, data: bytes) -> None:
        """Write to the module.

        Raises:
            PortGone: it is not there.
        """
        if self._console is None or self.state is not LinkState.CONNECTED:
            raise PortGone(port=self.title)
        await self._console.write(data)

    def lend(self) -> ByteStream:
        """The port for a conversation of its own, while this session hears nothing.

        Raises:
            PortGone: it is not there.
        """
        if self._console is None or self.state is not LinkState.CONNECTED:
            raise PortGone(port=self.title)
        return self._console.lend()

    def tell(self) -> None:
        """Have every page look."""
        for listener in tuple(self._listeners):
            listener()

    # ---- for those that know what the bytes mean --------------------------------------------------------------

    def hear(self, data: bytes) -> None:
        """Take what the module printed."""

    def note(self, before: LinkState) -> None:
        """The port came or went; called when ``state`` has become another than ``before``."""

    # ---- inside -----------------------------------------------------------------------------------------------

    async def _keep(self) -> None:
        self._console = Console(self._open, self.hear, self._present)
        await self._console.open()

    async def _open(self) -> ByteStream:
        """The port, as soon as it can be opened."""
        while True:
            try:
                info = await self._find()
                stream = await open_port(info, asks=False)
            except PortBusy as failure:
                self._become(LinkState.BUSY, failure)
                await asyncio.sleep(BUSY_PAUSE_S)
            except ModulineError as failure:
                self._become(LinkState.AWAY, failure)
                await live_ports().next_change(AWAY_PAUSE_S)
            else:
                self._withdraw = aside.hold(info.path, self._step_aside)
                self._become(LinkState.CONNECTED)
                return stream

    async def _find(self) -> PortInfo:
        """The port at this place by now; one named by its path alone is that path.

        Raises:
            NoModule: it is not there.
        """
        ports = await live_ports().look()
        here = next((port for port in ports if (port.place, port.role) == (self.place, self.role)), None)
        if here is not None:
            return here
        if self._fixed.location:
            return resolve(f"usb:{self.place}", self.role, ports)
        return self._fixed

    def _present(self, is_there: bool) -> None:
        if not is_there:
            self._forget_hold()
            self._become(LinkState.AWAY)

    async def _step_aside(self) -> None:
        """Somebody in this program wants the port; it is taken again when they have done."""
        await self._close()
        self._become(LinkState.LENT)
        self._task = asyncio.create_task(self._come_back())

    async def _come_back(self) -> None:
        await asyncio.sleep(BUSY_PAUSE_S)
        await self._keep()

    async def _close(self) -> None:
        self._forget_hold()
        task, self._task = self._task, None
        if task is not None and task is not asyncio.current_task():
            task.cancel()
            await asyncio.wait([task])
        console, self._console = self._console, None
        if console is not None:
            await console.close()

    def _forget_hold(self) -> None:
        if self._withdraw is not None:
            self._withdraw()
            self._withdraw = None

    def _let_go(self) -> None:
        self._idle = None
        self._letting_go = asyncio.create_task(self.disconnect(is_wanted=self.is_wanted))

    def _become(self, state: LinkState, failure: ModulineError | None = None) -> None:
        self.failure = failure
        if state is LinkState.BUSY and self.state is LinkState.LENT:
            return  # whoever asked for it has it
        if state is not self.state:
            before, self.state = self.state, state
            self.note(before)
        self.tell()

    @staticmethod
    def now() -> float:
        """UTC seconds."""
        return time.time()


S = TypeVar("S", bound=PortSession)


class PortSessions(Generic[S]):
    """The sessions of one kind, one for each port; those that nobody looks at and that hold nothing are forgotten.

    Args:
        role: of the ports.
        make: a session for a port.
    """

    def __init__(self, role: str, make: Callable[[PortInfo, str], S]) -> None:
        self._role = role
        self._make = make
        self._known: dict[tuple[str, str], S] = {}
        app.on_shutdown(self.close)

    async def at(self, address: str) -> S:
        """The session of the port that an address means; one that is away is still found by the address it had.

        Raises:
            BadAddress, NoModule, SeveralModules: as ``port.address``.
        """
        try:
            info = await find_port(address, self._role)
        except NoModule:
            away = next((one for one in self._known.values() if address in {one.address, one.title}), None)
            if away is None:
                raise
            return away
        key = (info.place, info.role)
        if key not in self._known:
            self._forget()
            self._known[key] = self._make(info, address)
        return self._known[key]

    async def close(self) -> None:
        """Let every port go."""
        known, self._known = list(self._known.values()), {}
        for one in known:
            await one.disconnect()

    def _forget(self) -> None:
        """Make room: of those that hold no port and are looked at by nobody, the oldest go."""
        still = [key for key, one in self._known.items() if one.state is LinkState.RELEASED and not one.watchers]
        for key in still[: max(0, len(self._known) - KEPT_SESSIONS + 1)]:
            del self._known[key]


async def find_port(address: str, role: str) -> PortInfo:
    """The port that an address means, now.

    Raises:
        BadAddress, NoModule, SeveralModules: as ``port.address``.
    """
    ports = await live_ports().look()
    return await asyncio.to_thread(resolve, address, role, ports)
