"""The platform put together: one process that does all.

::

    Platform.start    database, migrations ─▶ first account ─▶ whoever was online is not any more
                      ─▶ devices' HTTP ─▶ gateway ─▶ operator API ─▶ schedule
    Platform.stop     the same the other way: nobody new, then everybody out, then what was said is kept

Nothing below this file reads settings from anywhere else, and nothing above it knows how the parts are joined.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import uvicorn
from sqlalchemy import Connection, select

from moduline.clock import Clock, SystemClock
from moduline.cloud import tables
from moduline.cloud.accounts import service as accounts
from moduline.cloud.accounts.door import Door
from moduline.cloud.blob import FolderStore
from moduline.cloud.bus import Bus, LocalBus
from moduline.cloud.db import Database
from moduline.cloud.device_link import Gateway, GatewayLimits, SessionLimits
from moduline.cloud.device_link.desk import GatewayDesk, WorkDesk
from moduline.cloud.device_link.device_http import DeviceHttp
from moduline.cloud.devices import contact
from moduline.cloud.operator_api import make_app
from moduline.cloud.schedule import Schedule
from moduline.cloud.settings import Settings
from moduline.cloud.upgrades import service as upgrades
from moduline.cloud.upgrades.events import Disconnected
from moduline.errors import PortBusy, StorageFailed
from moduline.events import Notice, Reporter, silent

OWNER: Final = "admin"
"""Name of the first account."""
TOKEN_FILE: Final = "admin.token"  # noqa: S105  the name of a file
SEEN_S: Final = 30.0
"""How often signs of life are written."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a platform that runs is reached.

    Args:
        api: of the operator API.
        device_http: of downloads and the DDI.
        mqtt: port of QuecThing devices.
        public_url: what the addresses of downloads begin with.
    """

    api: str
    device_http: str
    mqtt: int
    public_url: str


class Platform:
    """A platform; made by ``make_platform``.

    Args:
        settings: of the installation; ports of 0 take any free one.
        clock: wall clock and steady clock of everything in it.
        limits: of the gateway.
        session_limits: of each connection.
        report: hears what an operator should know.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock,
        limits: GatewayLimits,
        session_limits: SessionLimits,
        report: Reporter,
    ) -> None:
        self.settings = settings
        self.db = Database(settings.db_url)
        self.store = FolderStore(settings.blob_folder)
        self.bus: Bus = LocalBus()
        self._clock = clock
        self._report = report
        self._device_url = settings.device_url
        self.work = WorkDesk(self.db, self.bus, lambda: self._device_url, report)
        self.desk = GatewayDesk(self.db, self.bus, settings.node, clock)
        self.gateway = Gateway(self.desk, clock=clock, limits=limits, session_limits=session_limits, report=report)
        self.schedule = Schedule(self.db, self.store, settings, clock, self.work.deliver, report)
        self._ends = contextlib.AsyncExitStack()
        self.addresses: Addresses | None = None

    async def start(self) -> Addresses:
        """Open everything; where it is reached.

        Raises:
            PortBusy: a port is taken.
            DatabaseBusy, DatabaseFull, DatabaseReadOnly, DatabaseUnreachable, StorageFailed: it cannot be kept.
        """
        try:
            return await self._start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End everything; what devices have said is kept first."""
        await self._ends.aclose()

    async def _start(self) -> Addresses:
        settings = self.settings
        await asyncio.to_thread(self._prepare)
        self._ends.push_async_callback(asyncio.to_thread, self.db.close)
        device_http = DeviceHttp(
            self.db, self.store, clock=self._clock, public_url=settings.public_url, report=self._report
        )
        self._ends.push_async_callback(device_http.stop)
        port = await device_http.listen(settings.host, settings.device_http_port)
        self._device_url = replace(settings, device_http_port=port).device_url
        self.desk.serve(self.gateway, self._report)
        self._ends.push_async_callback(self.gateway.stop)
        mqtt = await self.gateway.listen(settings.host, settings.mqtt_port)
        api = await self._serve_operators()
        self._ends.push_async_callback(self.schedule.release)
        await self._begin(self.schedule.run())
        await self._begin(self._write_signs_of_life())
        self.addresses = Addresses(
            f"http://{_host(settings.host)}:{api.getsockname()[1]}",
            f"http://{_host(settings.host)}:{port}",
            mqtt,
            self._device_url,
        )
        return self.addresses

    def _prepare(self) -> None:
        """Tables, first account, and nobody online: the connections of an earlier life are gone."""
        now = self._clock.now_s()
        self.settings.data.mkdir(parents=True, exist_ok=True)
        self.db.open()
        self.db.write(_found, self.settings.data / TOKEN_FILE, now=now)
        for device_id in self.db.read(_upgrading_here, self.settings.node):
            self.db.write(upgrades.hear, device_id, Disconnected(), now=now)
        self.db.write(contact.forget_node, self.settings.node, now=now)

    async def _serve_operators(self) -> socket.socket:
        door = Door(
            self.db,
            self.store,
            self.settings,
            self._clock,
            self.work.deliver,
            self.work.drop,
            self.schedule.wake,
        )
        opened = _listen(self.settings.host, self.settings.http_port)
        config = uvicorn.Config(make_app(door), log_level="warning", lifespan="off", timeout_graceful_shutdown=5)
        server = _QuietServer(config)
        task = asyncio.create_task(server.serve(sockets=[opened]))

        async def end() -> None:
            server.should_exit = True
            await task

        self._ends.push_async_callback(end)
        return opened

    async def _begin(self, work: object) -> None:
        """Run something until the end."""
        task = asyncio.ensure_future(work)  # type: ignore[call-overload]

        async def end() -> None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

        self._ends.push_async_callback(end)

    async def _write_signs_of_life(self) -> None:
        while True:
            await asyncio.sleep(SEEN_S)
            try:
                await self.db.write_soon(contact.seen, self.gateway.take_seen())
            except Exception as failure:  # noqa: BLE001 - the loop must survive; recorded
                self._report(Notice("ota.unwritten", "", {"error": f"{type(failure).__name__}: {failure}"}))


def make_platform(
    settings: Settings,
    *,
    clock: Clock | None = None,
    limits: GatewayLimits | None = None,
    session_limits: SessionLimits | None = None,
    report: Reporter = silent,
) -> Platform:
    """A platform that is not started yet.

    Args:
        settings: of the installation; ports of 0 take any free one.
        clock: None: that of the system.
        limits: of the gateway.
        session_limits: of each connection.
        report: hears what an operator should know.
    """
    return Platform(
        settings,
        clock=clock or SystemClock(),
        limits=limits or GatewayLimits(),
        session_limits=session_limits or SessionLimits(),
        report=report,
    )


class _QuietServer(uvicorn.Server):
    """A server that leaves signals to the process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _found(conn: Connection, file: Path, *, now: float) -> None:
    """The first account, whose token goes into a file before the account is kept: it is never lost, at most unused."""
    if accounts.is_founded(conn):
        return
    _, text = accounts.found(conn, OWNER, now=now)
    started = file.with_suffix(".new")
    try:
        with contextlib.suppress(FileNotFoundError):
            started.unlink()
        with os.fdopen(os.open(started, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
            opened.write(text.encode() + b"\n")
            opened.flush()
            os.fsync(opened.fileno())
        started.replace(file)
    except OSError as cause:
        raise StorageFailed(path=str(file), reason=cause.strerror or str(cause)) from cause


def _upgrading_here(conn: Connection, node: str) -> list[int]:
    """Devices with an open upgrade that are said to be connected to a node."""
    one, device = tables.upgrades.c, tables.devices.c
    query = select(one.device_id).join_from(tables.upgrades, tables.devices).where(one.is_open, device.node == node)
    return list(conn.execute(query).scalars())


def _listen(host: str, port: int) -> socket.socket:
    """A socket that takes calls.

    Raises:
        PortBusy: the address is taken, or not this computer's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=1024)
    except OSError as cause:
        raise PortBusy(port=f"{host}:{port}", reason=cause.strerror or str(cause)) from cause


def _host(host: str) -> str:
    return f"[{host}]" if ":" in host else host
