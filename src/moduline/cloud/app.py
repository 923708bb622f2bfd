"""The platform put together: one process that does all, or one node of several that do some of it each.

::

    Platform.start    database, migrations ─▶ first account ─▶ whoever was online here is not any more ─▶ bus
            gateway   ─▶ devices' HTTP ─▶ gateway, roll call
            api       ─▶ operator API
            worker    ─▶ schedule, webhooks, jobs
    Platform.stop     the same the other way: nobody new, then everybody out, then what was said is kept

Nothing below this file reads settings from anywhere else, and nothing above it knows how the parts are joined.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import Connection, select

from moduline.clock import Clock, SystemClock
from moduline.cloud import founding, tables
from moduline.cloud.accounts.door import Door
from moduline.cloud.artifacts import making
from moduline.cloud.bus import Bus, LocalBus
from moduline.cloud.certificate import Certificate
from moduline.cloud.db import Database
from moduline.cloud.device_link import Gateway, GatewayLimits, SessionLimits
from moduline.cloud.device_link.crossing import CODECS
from moduline.cloud.device_link.desk import GatewayDesk, WorkDesk
from moduline.cloud.device_link.device_http import DeviceHttp
from moduline.cloud.device_link.proxies import Proxies
from moduline.cloud.device_link.roll_call import RollCall
from moduline.cloud.devices import contact
from moduline.cloud.jobs.worker import Worker
from moduline.cloud.nodes import Life
from moduline.cloud.operator_api import make_app
from moduline.cloud.outbox.reach import Reach
from moduline.cloud.outbox.stream import Feed
from moduline.cloud.outbox.worker import Teller
from moduline.cloud.rehearsals import modules
from moduline.cloud.rehearsals import service as rehearsals
from moduline.cloud.schedule import Schedule
from moduline.cloud.settings import Settings
from moduline.cloud.stores import open_store
from moduline.cloud.upgrades import service as upgrades
from moduline.cloud.upgrades.events import Disconnected
from moduline.cloud.web_server import WebServer
from moduline.errors import BadOption, ModulineError, Text
from moduline.events import Notice, Reporter, silent

SEEN_S: Final = 30.0
"""How often signs of life are written."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a platform that runs is reached.

    Args:
        api: of the operator API; "": it is served elsewhere.
        device_http: of downloads and the DDI; "": the same, or TLS only.
        mqtt: port of QuecThing devices; 0: the same, or TLS only.
        public_url: what the addresses of downloads begin with.
        device_https: of downloads and the DDI with TLS; "": not here.
        mqtts: port of QuecThing devices with TLS; 0: not here.
    """

    api: str
    device_http: str
    mqtt: int
    public_url: str
    device_https: str = ""
    mqtts: int = 0


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
        self.store = open_store(settings.store, settings.data, report)
        self.bus = _open_bus(settings, report)
        self._clock = clock
        self._report = report
        self._bound = settings  # with the ports that were free
        self.certificate = _certificate(settings, clock, report)
        self.work = WorkDesk(self.db, self.bus, self._device_url, report)
        self.desk = GatewayDesk(self.db, self.bus, settings.node, clock)
        self.gateway = Gateway(self.desk, clock=clock, limits=limits, session_limits=session_limits, report=report)
        self.schedule = Schedule(self.db, self.store, settings, clock, self.work.deliver, report)
        self.roll = RollCall(self.db, self.gateway, self.desk, settings.node, clock, report)
        self.life = Life(self.db, settings.node, settings.lease_s, clock, report) if settings.nats else None
        self.feed = Feed(self.db)
        self.teller = Teller(
            self.db,
            clock,
            node=settings.node,
            reach=Reach.of(settings.webhook_networks),
            feed=self.feed,
            report=report,
        )
        self.workers = tuple(self._worker(number) for number in range(1, settings.jobs + 1))
        self._ends = contextlib.AsyncExitStack()
        self._failed = asyncio.Event()
        self._failure: ModulineError | None = None
        self.addresses: Addresses | None = None

    async def start(self) -> Addresses:
        """Open everything; where it is reached.

        Raises:
            PortBusy: a port is taken.
            BusUnreachable: there is no bus to the other nodes.
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

    async def failed(self) -> None:
        """Waits until this process must not go on.

        Raises:
            BadOption: another one has begun under its name.
        """
        await self._failed.wait()
        assert self._failure is not None
        raise self._failure

    async def _start(self) -> Addresses:
        settings = self.settings
        await asyncio.to_thread(self._prepare)
        self._ends.push_async_callback(asyncio.to_thread, self.db.close)
        await self._join()
        if self.certificate is not None:
            await self._begin(self.certificate.watch())
        if "gateway" in settings.roles:
            await self._serve_devices()
        api = await self._serve_operators() if "api" in settings.roles else 0
        if "worker" in settings.roles:
            self._ends.push_async_callback(self.schedule.release)
            for work in (self.schedule.run(), self.teller.run(), *(one.run() for one in self.workers)):
                await self._begin(work)
        self.addresses = _addresses(self._bound, api)
        return self.addresses

    async def _join(self) -> None:
        """Take part in the bus."""
        if "worker" in self.settings.roles:
            self.work.serve()
        if "gateway" in self.settings.roles:
            self.desk.serve(self.gateway, self._report)
        if self.life is not None:
            self._ends.push_async_callback(self.life.end)
            await self._begin(self._live(self.life))
        self._ends.push_async_callback(self.bus.stop)
        await self.bus.start()

    async def _serve_devices(self) -> None:
        """Downloads, the DDI and MQTT: plain, with TLS, or both."""
        settings, bound = self.settings, self._bound
        device_http = DeviceHttp(
            self.db,
            self.store,
            clock=self._clock,
            public_url=settings.public_url,
            proxies=Proxies.of(settings.trusted_proxies),
            report=self._report,
        )
        self._ends.push_async_callback(device_http.stop)
        tls = None if self.certificate is None else self.certificate.context
        if settings.has_plain:
            bound = replace(bound, device_http_port=await device_http.listen(settings.host, settings.device_http_port))
        if tls is not None:
            port = await device_http.listen(settings.host, settings.device_https_port, tls)
            bound = replace(bound, device_https_port=port)
        self._bound = bound  # addresses of downloads are said from the first MQTT connection on
        self._ends.push_async_callback(self.gateway.stop)
        if settings.has_plain:
            bound = replace(bound, mqtt_port=await self.gateway.listen(settings.host, settings.mqtt_port))
        if tls is not None:
            bound = replace(bound, mqtts_port=await self.gateway.listen(settings.host, settings.mqtts_port, tls))
        self._bound = bound
        await self._begin(self._write_signs_of_life())
        await self._begin(self.roll.run())

    def _device_url(self, scheme: str) -> str:
        """What addresses of downloads begin with, by the scheme of the product."""
        return self._bound.device_https_url if scheme == "https" else self._bound.device_url

    async def _live(self, life: Life) -> None:
        try:
            await life.run()
        except ModulineError as failure:
            self._failure = failure
            self._failed.set()

    def _prepare(self) -> None:
        """Tables, first account, proofs judged by today's rule; nobody online and no job half done any more."""
        now = self._clock.now_s()
        self.settings.data.mkdir(parents=True, exist_ok=True)
        self.store.check()
        self.db.open()
        self.db.write(founding.found, self.settings.data, now=now)
        self.db.write(rehearsals.judge_anew)
        shutil.rmtree(self.settings.job_folder, ignore_errors=True)
        if self.life is not None:
            self.life.begin()
        self.db.write(_forget_connections, self.settings.node, now=now)

    async def _serve_operators(self) -> int:
        door = Door(
            self.db,
            self.store,
            self.settings,
            self._clock,
            self.work.deliver,
            self.work.drop,
            self.schedule.wake,
        )
        tls = None if self.certificate is None else self.certificate.context
        server = WebServer(make_app(door, self.feed), tls=tls, proxies=self.settings.trusted_proxies)
        port = await server.listen(self.settings.host, self.settings.http_port)
        self._ends.push_async_callback(server.stop)
        self._ends.callback(self.feed.end)  # whoever follows events is let go before the server waits for them
        return port

    def _worker(self, number: int) -> Worker:
        """One of those that do jobs; each has a name, for what a name left behind it takes up at once."""
        settings = self.settings
        trades = (making.trade(), rehearsals.trade(), modules.trade())
        folder, name = settings.job_folder / str(number), f"{settings.node}/{number}"
        return Worker(self.db, self.store, self._clock, trades, folder, node=name, report=self._report)

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


def _open_bus(settings: Settings, report: Reporter) -> Bus:
    """The bus between gateways and workers.

    Raises:
        BadOption: its address cannot be meant, or its client is not installed.
    """
    if not settings.nats:
        return LocalBus()
    try:
        from moduline.cloud.nats_bus import NatsBus
    except ImportError as missing:
        reason = Text(
            "the client is not installed: pip install 'moduline[nats]'", "未安装客户端：pip install 'moduline[nats]'"
        )
        raise BadOption(name="--nats", reason=reason) from missing
    return NatsBus(settings.nats, settings.node, CODECS, report=report)


def _forget_connections(conn: Connection, node: str, *, now: float) -> None:
    """Nobody is connected to a node that has just begun: one transaction, for thousands may have been upgrading."""
    one, device = tables.upgrades.c, tables.devices.c
    query = select(one.device_id).join_from(tables.upgrades, tables.devices).where(one.is_open, device.node == node)
    for device_id in list(conn.execute(query).scalars()):
        upgrades.hear(conn, device_id, Disconnected(), now=now)
    contact.forget_node(conn, node, now=now)


def _certificate(settings: Settings, clock: Clock, report: Reporter) -> Certificate | None:
    if settings.tls_cert is None:
        return None
    return Certificate(settings.tls_cert, settings.tls_key, clock=clock, ciphers=settings.tls_ciphers, report=report)


def _addresses(bound: Settings, api: int) -> Addresses:
    """Where a platform is reached whose ports are known."""
    host, is_tls = _host(bound.host), bound.tls_cert is not None
    has_devices = "gateway" in bound.roles
    has_plain, has_tls = has_devices and bound.has_plain, has_devices and is_tls
    return Addresses(
        f"{'https' if is_tls else 'http'}://{host}:{api}" if api else "",
        f"http://{host}:{bound.device_http_port}" if has_plain else "",
        bound.mqtt_port if has_plain else 0,
        bound.device_url,
        f"https://{host}:{bound.device_https_port}" if has_tls else "",
        bound.mqtts_port if has_tls else 0,
    )


def _host(host: str) -> str:
    return f"[{host}]" if ":" in host else host
