"""The edge of a fleet: sockets, time, and one loop for everybody.

Devices dial at most `DIALS` at once and download at most `FleetOptions.downloads` at once; who must wait, waits here
and its device knows nothing of it but the time. One task turns the alarms; nothing else runs while nothing happens.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import sys
from collections import Counter, deque
from dataclasses import dataclass
from math import inf
from typing import Final

from moduline.clock import Clock, SystemClock
from moduline.errors import BadOption, ServerUnreachable, Text
from moduline.events import Notice, Reporter, silent
from moduline.fleet.alarms import Alarms, Sleeper
from moduline.fleet.connection import Connection, Member
from moduline.fleet.description import LAST_DEVICE, FleetPlan
from moduline.fleet.device import Device
from moduline.fleet.dice import Dice
from moduline.fleet.download import Download, Place
from moduline.fleet.exchange import Dial, Ended, FetchEnd
from moduline.fleet.session import Session
from moduline.fleet.stored import Stored
from moduline.fleet.summary import Summary, Tally
from moduline.fleet.virtual import FILES_PER_MODULE, VirtualFleet
from moduline.wire.quecthing.credentials import DeviceName
from moduline.wire.quecthing.session_key import KEY_BYTES

SLOT_S: Final = 0.02
DIALS: Final = 256
SPARE_FILES: Final = 64
CONNECT_S: Final = 10.0
PROGRESS_S: Final = 1.0
LOOK_S: Final = 0.2  # between two looks at whether all are done


@dataclass(frozen=True, slots=True)
class FleetOptions:
    """Where a fleet goes, and when it ends.

    Attributes:
        server: name or address.
        count: how many light devices.
        product: product key.
        secret: product secret.
        mqtt_port: of the device gateway.
        others: names and ports of more gateways of the platform: devices are spread over all, and go to the next one
            when theirs does not answer.
        tls: for the gateway and https downloads; None: the gateway without TLS.
        downloads: at once.
        limit_s: ends after so many real seconds; None: no limit.
        is_until_done: ends when every device has come to the end of an upgrade.
    """

    server: str
    count: int
    product: str
    secret: str
    mqtt_port: int = 1883
    others: tuple[tuple[str, int], ...] = ()
    tls: ssl.SSLContext | None = None
    downloads: int = 256
    limit_s: float | None = None
    is_until_done: bool = False


class Fleet:
    """Devices at one server.

    Args:
        plan: what they are.
        options: where they go.
        stored: flash of devices that have run before, by device key; missing ones are new.
        virtual: full virtual modules that are there, too; the caller has opened and started them.
        clock: real time.
        report: hears of progress and of ends of upgrades.

    Raises:
        BadOption: too many devices for their keys or this process, or a secret that is too short.
    """

    def __init__(
        self,
        plan: FleetPlan,
        options: FleetOptions,
        stored: dict[str, Stored] | None = None,
        *,
        virtual: VirtualFleet | None = None,
        clock: Clock | None = None,
        report: Reporter = silent,
    ) -> None:
        if not (0 if virtual is not None else 1) <= options.count <= LAST_DEVICE - plan.first_device + 1:
            raise BadOption(name="--count", reason=Text("from 1 up to the last device key", "须为 1 至最后一个设备号"))
        if len(options.secret.encode()) < KEY_BYTES:
            raise BadOption(name="--secret", reason=Text("at least 16 characters", "至少 16 个字符"))
        self.tally = Tally()
        self.plan = plan
        self.options = options
        self.virtual = virtual
        self._clock = clock or SystemClock()
        self._report = report
        self._begin = self._clock.tick_s()
        self._look_at = 0.0
        self._alarms = Alarms()
        self._dials: deque[tuple[Member, Dial]] = deque()
        self._dialling = 0
        self._waiting: deque[tuple[Download, Place]] = deque()
        self._fetching: set[Download] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._addresses: dict[tuple[str, int], str] = {}
        self._gateways = ((options.server, options.mqtt_port), *options.others)
        self._moves: Counter[int] = Counter()
        self._members = [self._member(number, stored or {}) for number in range(options.count)]

    async def run(self, stop: asyncio.Event | None = None) -> Summary:
        """Lives until its end, or until ``stop`` is set.

        Raises:
            ServerUnreachable: the server's name is not known.
        """
        full = self.virtual.plan.count * FILES_PER_MODULE if self.virtual is not None else 0
        _allow_files(self.options.count + self.options.downloads + full + SPARE_FILES)
        for place in self._gateways:
            await self._resolve(*place)
        self._begin = self._clock.tick_s()
        stop = stop or asyncio.Event()
        for member in self._members:
            member.start()
        reported = 0.0
        try:
            while not stop.is_set() and not self._is_over:
                self._alarms.turn(self.tick_s())
                self._begin_waiting()
                if self.seconds - reported >= PROGRESS_S:
                    reported = self.seconds
                    self._report(Notice("fleet.progress", facts=self._progress()))
                await asyncio.sleep(SLOT_S)
            return self.summary()
        finally:
            for member in self._members:
                member.stop()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await asyncio.sleep(0)

    @property
    def seconds(self) -> float:
        """Real seconds since the begin."""
        return self._clock.tick_s() - self._begin

    @property
    def stored(self) -> dict[str, Stored]:
        """The flash of every device."""
        return {member.device.dk: member.device.stored for member in self._members}

    def summary(self) -> Summary:
        """How it stands."""
        devices = [member.device for member in self._members]
        return Summary(
            devices=len(devices),
            seconds=self.seconds,
            is_done=all(device.is_done for device in devices) and (self.virtual is None or self.virtual.is_done),
            reach=dict(Counter(device.reach.value for device in devices)),
            phases=dict(Counter(device.upgrade.phase.value for device in devices)),
            devices_by_outcome=dict(
                Counter("none" if device.ending is None else device.ending.outcome.value for device in devices)
            ),
            versions=dict(Counter(device.stored.module_version for device in devices)),
            tally=self.tally,
            virtual=None if self.virtual is None else self.virtual.summary(),
        )

    # -- what members ask

    def tick_s(self) -> float:
        """Real seconds that never go back."""
        return self._clock.tick_s()

    def device_s(self) -> float:
        """Seconds of the devices."""
        return self.seconds * self.plan.time_scale

    def real_due(self, device_due: float) -> float:
        """When, in real seconds, it is ``device_due`` for the devices."""
        return self._begin + device_due / self.plan.time_scale if device_due < inf else inf

    def watch(self, sleeper: Sleeper, due: float) -> None:
        """Has ``sleeper.wake`` called when ``due`` has come."""
        self._alarms.put(sleeper, due)

    def dial(self, member: Member, dial: Dial) -> None:
        """Connects, when it is its turn."""
        self._dials.append((member, dial))
        self._begin_waiting()

    def fetch(self, download: Download, place: Place) -> None:
        """Connects a download, when it is its turn."""
        self._waiting.append((download, place))
        self._begin_waiting()

    def fetch_over(self, download: Download) -> None:
        """A download needs its place no longer."""
        self._fetching.discard(download)

    def ended(self, member: Member, ended: Ended) -> None:
        """A device has come to the end of an upgrade."""
        self.tally.outcomes[ended.outcome.value] += 1
        if ended.reason:
            self.tally.reasons[ended.reason] += 1
        facts = {
            "outcome": ended.outcome.value,
            "reason": ended.reason,
            "component": ended.component,
            "target": ended.target,
        }
        self._report(Notice("fleet.ended", where=member.device.dk, facts=facts))

    # -- inside

    def _member(self, number: int, stored: dict[str, Stored]) -> Member:
        plan = self.plan
        dice = Dice(plan.seed, number)
        behaviour = plan.behaviour_of(dice)
        dk = plan.dk(number)
        flash = stored.get(dk) or Stored(None, behaviour.module_version, dict(behaviour.mcus))
        begin = plan.begin_s(number, self.options.count, dice) * plan.time_scale
        return Member(self, Device(dk, behaviour, dice, flash, begin, plan.time_scale), number)

    @property
    def _is_over(self) -> bool:
        limit_s = self.options.limit_s
        if limit_s is not None and self.seconds >= limit_s:
            return True
        if not self.options.is_until_done or self.seconds < self._look_at:
            return False
        self._look_at = self.seconds + LOOK_S
        are_light_done = all(member.device.is_done for member in self._members)
        return are_light_done and (self.virtual is None or self.virtual.is_done)

    def _progress(self) -> dict[str, int]:
        reach = Counter(member.device.reach.value for member in self._members)
        facts = {"seconds": round(self.seconds), "up": reach["up"], **dict(self.tally.outcomes)}
        return facts if self.virtual is None else facts | self.virtual.progress()

    def _begin_waiting(self) -> None:
        while self._dials and self._dialling < DIALS:
            member, dial = self._dials.popleft()
            if member.dialling is dial:
                self._dialling += 1
                self._spawn(self._connect(member, dial))
        while self._waiting and len(self._fetching) < self.options.downloads:
            download, place = self._waiting.popleft()
            if not download.is_over:
                self._fetching.add(download)
                self._spawn(self._reach(download, place))

    def _spawn(self, work: asyncio._CoroutineLike[None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self, member: Member, dial: Dial) -> None:
        device, options = member.device, self.options
        behaviour = device.behaviour
        session = Session(
            DeviceName(options.product, device.dk),
            options.secret,
            dial.ds,
            device.dice.letters(16, "rand", dial.nth),
            behaviour.keep_alive_s,
            self.tick_s(),
            is_encrypted=behaviour.is_encrypted,
        )
        connection = Connection(member, session, dial)
        host, port = self._gateways[(member.number + self._moves[member.number]) % len(self._gateways)]
        try:
            address = await self._resolve(host, port)
            async with asyncio.timeout(CONNECT_S):
                await asyncio.get_running_loop().create_connection(
                    lambda: connection,
                    address,
                    port,
                    ssl=options.tls,
                    server_hostname=host if options.tls is not None else None,
                )
        except (OSError, TimeoutError, ServerUnreachable):
            connection.drop()
            self._moves[member.number] += 1
            member.unreached(dial)
        finally:
            self._dialling -= 1

    async def _reach(self, download: Download, place: Place) -> None:
        context = (self.options.tls or ssl.create_default_context()) if place.is_secure else None
        try:
            address = await self._resolve(place.host, place.port)
            async with asyncio.timeout(CONNECT_S):
                await asyncio.get_running_loop().create_connection(
                    lambda: download,
                    address,
                    place.port,
                    ssl=context,
                    server_hostname=place.host if context is not None else None,
                )
        except (OSError, TimeoutError, ServerUnreachable):
            download.end(FetchEnd.BROKEN)

    async def _resolve(self, host: str, port: int) -> str:
        """An address of ``host``, asked for once.

        Raises:
            ServerUnreachable: nobody knows the name.
        """
        if (host, port) not in self._addresses:
            loop = asyncio.get_running_loop()
            try:
                found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            except (OSError, UnicodeError) as error:
                raise ServerUnreachable(server=host, reason=Text(str(error), str(error))) from error
            self._addresses[host, port] = str(found[0][4][0])
        return self._addresses[host, port]


def _allow_files(wanted: int) -> None:
    """Lets this process open ``wanted`` files, where the system has a limit that may be raised.

    Raises:
        BadOption: it may not.
    """
    if sys.platform == "win32":
        return
    import resource  # not on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        if hard != resource.RLIM_INFINITY and hard < wanted:
            raise BadOption(
                name="--count",
                reason=Text(
                    f"{wanted} open files are needed, this process may have {hard}: raise `ulimit -Hn`",
                    f"需要打开 {wanted} 个文件，本进程最多 {hard} 个：请提高 `ulimit -Hn`",
                ),
            )
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
