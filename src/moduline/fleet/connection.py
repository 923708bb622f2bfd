"""One device of a running fleet: carries out what it wants, tells it what happens.

There are thousands of these and nearly all are idle: no task, no timer and no buffer of its own.
"""

from __future__ import annotations

import asyncio
from math import inf
from typing import Protocol

from moduline.fleet.device import Device
from moduline.fleet.download import Digests, Download, Place, place_of
from moduline.fleet.exchange import (
    Begun,
    Dial,
    Due,
    Ended,
    Event,
    Fetch,
    Fetched,
    FetchEnd,
    HangUp,
    Lost,
    Online,
    Say,
    Told,
    TurnedAway,
)
from moduline.fleet.session import Session, State
from moduline.fleet.summary import Tally
from moduline.wire.quecthing.messages import Message
from moduline.wire.quecthing.ota_messages import Report


class Surroundings(Protocol):
    """What a member needs of its fleet."""

    tally: Tally

    def tick_s(self) -> float:
        """Real seconds that never go back."""

    def device_s(self) -> float:
        """Seconds of the devices."""

    def real_due(self, device_due: float) -> float:
        """When, in real seconds, it is ``device_due`` for the devices."""

    def watch(self, sleeper: Member | Download, due: float) -> None:
        """Has ``sleeper.wake`` called when ``due`` (real seconds) has come."""

    def dial(self, member: Member, dial: Dial) -> None:
        """Connects; `Connection` begins, or `Member.unreached` is called."""

    def fetch(self, download: Download, place: Place) -> None:
        """Connects a download; when it cannot, `Download.end` is called."""

    def fetch_over(self, download: Download) -> None:
        """A download needs its place no longer."""

    def ended(self, member: Member, ended: Ended) -> None:
        """A device has come to the end of an upgrade."""


class Connection(asyncio.Protocol):
    """The MQTT connection of one member.

    Args:
        member: whose.
        session: at its begin.
        dial: what it answers.
    """

    __slots__ = ("dial", "member", "session", "transport")

    def __init__(self, member: Member, session: Session, dial: Dial) -> None:
        self.dial = dial
        self.member: Member | None = member
        self.session = session
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Says CONNECT."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        if self.member is not None:
            self.member.connected(self)

    def data_received(self, data: bytes) -> None:
        """Hears."""
        if self.member is not None:
            self.member.received(self, data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more will come."""
        del exc
        if self.member is not None:
            self.member.lost(self)

    def drop(self) -> None:
        """Ends it; nobody hears of it again."""
        self.member = None
        if self.transport is not None:
            self.transport.abort()


class Member:
    """One device and its sockets.

    Args:
        fleet: what is around it.
        device: what it is.
        number: in the fleet, from 0.
    """

    __slots__ = ("_connection", "_digests", "_download", "_fleet", "alarm", "device", "dialling", "number")

    def __init__(self, fleet: Surroundings, device: Device, number: int) -> None:
        self._fleet = fleet
        self._connection: Connection | None = None
        self._download: Download | None = None
        self._digests = _NOTHING
        self.device = device
        self.number = number
        self.dialling: Dial | None = None
        self.alarm = inf

    def start(self) -> None:
        """Begins to live."""
        self._rearm()

    def stop(self) -> None:
        """Hangs up everything."""
        self._hang_up(keeps_download=False)

    def wake(self, now: float) -> None:
        """Something may be due."""
        if self.device.due <= self._fleet.device_s():
            self._happen(Due())
        connection = self._connection
        if connection is not None and now >= connection.session.next_ping:
            connection.session.ping(now)
            self._flush()
            if connection.session.state is State.BROKEN:
                self.lost(connection)
                return
        self._rearm()

    # -- what sockets say

    def connected(self, connection: Connection) -> None:
        """TCP is there; too late if the device has given up."""
        if self.dialling is not connection.dial:
            connection.drop()
            return
        self._connection = connection
        self._flush()
        self._rearm()

    def received(self, connection: Connection, data: bytes) -> None:
        """The server has said something."""
        tally = self._fleet.tally
        tally.bytes_down += len(data)
        session = connection.session
        for event in session.receive(data, self._fleet.tick_s()):
            if self._connection is not connection:
                return
            if isinstance(event, TurnedAway):
                tally.refusals[event.code] += 1
                self._hang_up(keeps_download=True)
            elif isinstance(event, Online):
                tally.connections += 1
                self.dialling = None
            elif isinstance(event, Told):
                tally.messages_down += 1
            self._happen(event)
        tally.unreadable += session.unreadable
        session.unreadable = 0
        if self._connection is connection:
            self._flush()
            if session.state is State.BROKEN:
                tally.broken += 1
                self.lost(connection)

    def lost(self, connection: Connection) -> None:
        """The connection is gone."""
        if self._connection is connection:
            unsaid = connection.session.unsaid
            self._connection = None
            self.dialling = None
            self._fleet.tally.lost += 1
            connection.drop()
            self._happen(Lost(unsaid))

    def unreached(self, dial: Dial) -> None:
        """There is nobody to connect to."""
        if self.dialling is dial:
            self.dialling = None
            self._fleet.tally.unreached += 1
            self._happen(Lost())

    # -- what downloads say

    def fetch_begun(self, download: Download) -> None:
        """First bytes are there."""
        if self._download is download:
            self._happen(Begun())

    def fetch_ended(self, download: Download, fetched: Fetched) -> None:
        """It is over."""
        tally = self._fleet.tally
        tally.downloads[fetched.end.value] += 1
        tally.downloaded_bytes += fetched.got_bytes
        self._fleet.fetch_over(download)
        if self._download is download:
            self._download = None
            self._happen(fetched)

    def watch(self, download: Download, due: float) -> None:
        """Has `Download.wake` called."""
        self._fleet.watch(download, due)

    def tick_s(self) -> float:
        """Real seconds that never go back."""
        return self._fleet.tick_s()

    # -- inside

    def _happen(self, event: Event) -> None:
        later: Event | None = None
        for action in self.device.hear(event, self._fleet.device_s()):
            match action:
                case Say(message, packet_id):
                    self._say(message, packet_id)
                case Dial():
                    self.dialling = action
                    self._fleet.dial(self, action)
                case HangUp(keeps_download):
                    self._hang_up(keeps_download=keeps_download)
                case Fetch():
                    later = self._fetch(action)
                case Ended():
                    self._fleet.ended(self, action)
        self._flush()
        if later is not None:
            self._happen(later)
        self._rearm()

    def _say(self, message: Message, packet_id: int | None) -> None:
        connection = self._connection
        if connection is None or connection.session.state is not State.ONLINE:
            return
        tally = self._fleet.tally
        tally.messages_up += 1
        if isinstance(message, Report):
            tally.statuses[message.code] += 1
        connection.session.say(message, packet_id)

    def _fetch(self, fetch: Fetch) -> Event | None:
        """Begins a download; what happens at once if it cannot begin."""
        place = place_of(fetch.url)
        if place is None:
            self._fleet.tally.downloads[FetchEnd.BAD_URL.value] += 1
            return Fetched(FetchEnd.BAD_URL)
        if not fetch.is_continued:
            self._digests = Digests()
        self._download = Download(self, place, fetch, self._digests)
        self._fleet.fetch(self._download, place)
        return None

    def _hang_up(self, *, keeps_download: bool) -> None:
        self._flush()
        self.dialling = None
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.drop()
        download = self._download
        if download is not None and not keeps_download:
            self._download = None
            download.cancel()
            self._fleet.fetch_over(download)

    def _flush(self) -> None:
        connection = self._connection
        if connection is not None and connection.transport is not None and (out := connection.session.take()):
            self._fleet.tally.bytes_up += len(out)
            connection.transport.write(out)

    def _rearm(self) -> None:
        due = self._fleet.real_due(self.device.due)
        if self._connection is not None:
            due = min(due, self._connection.session.next_ping)
        if due < inf:
            self._fleet.watch(self, due)


_NOTHING = Digests()
