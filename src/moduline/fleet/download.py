"""One download, as the vendor's HTTP client does it: one GET on a connection of its own.

Source: ota-semantics 11.6; quecthing-recordings (the request, byte for byte).
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field
from math import inf
from typing import Final, Protocol
from urllib.parse import urlsplit

import fastcrc

from moduline.fleet.exchange import Fetch, Fetched, FetchEnd
from moduline.fleet.http_answer import AnswerReader, Reading
from moduline.fleet.upgrade import LONGEST_URL

SILENCE_S: Final = 10.0  # real seconds without a byte


@dataclass(frozen=True, slots=True)
class Place:
    """Where a URL points.

    Attributes:
        host: name or address.
        port: number.
        path: with its query.
        authority: as the Host header has it.
        is_secure: https.
    """

    host: str
    port: int
    path: str
    authority: str
    is_secure: bool


def place_of(url: str) -> Place | None:
    """Where ``url`` points; None if the client cannot go there."""
    if len(url) > LONGEST_URL or not all(" " < mark < "\x7f" for mark in url):
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
        return None
    is_secure = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Place(parts.hostname, port or (443 if is_secure else 80), path, parts.netloc, is_secure)


def request(place: Place, fetch: Fetch) -> bytes:
    """The GET: ``Host:`` without a blank, and no header that the vendor's client does not send."""
    lines = [f"GET {place.path} HTTP/1.1", f"Host:{place.authority}"]
    if fetch.has_range:
        lines += ["Accept-Ranges: bytes", f"Range: bytes={fetch.first}-{fetch.last}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


@dataclass(slots=True)
class Digests:
    """MD5, SHA-256 and CRC-32/MPEG-2 of the pieces of one file."""

    md5: hashlib._Hash = field(default_factory=lambda: hashlib.md5(usedforsecurity=False))
    sha256: hashlib._Hash = field(default_factory=hashlib.sha256)
    crc: int = 0xFFFFFFFF

    def take(self, data: bytes) -> None:
        """The next bytes."""
        self.md5.update(data)
        self.sha256.update(data)
        self.crc = int(fastcrc.crc32.mpeg_2(data, self.crc))


class Owner(Protocol):
    """Whose download it is."""

    def fetch_begun(self, download: Download) -> None:
        """First bytes are there."""

    def fetch_ended(self, download: Download, fetched: Fetched) -> None:
        """It is over; said once."""

    def watch(self, download: Download, due: float) -> None:
        """Has `Download.wake` called."""

    def tick_s(self) -> float:
        """Real seconds that never go back."""


class Download(asyncio.Protocol):
    """One GET.

    Args:
        owner: hears how it goes.
        place: where.
        fetch: what.
        digests: of the pieces before; grow with this one.
    """

    __slots__ = (
        "_digests",
        "_fetch",
        "_got",
        "_last_heard",
        "_owner",
        "_place",
        "_reader",
        "_transport",
        "alarm",
        "is_over",
    )

    def __init__(self, owner: Owner, place: Place, fetch: Fetch, digests: Digests) -> None:
        self._owner = owner
        self._place = place
        self._fetch = fetch
        self._digests = digests
        self._reader = AnswerReader(fetch.last + 1 - fetch.first, is_from_start=not fetch.first)
        self._transport: asyncio.Transport | None = None
        self._got = 0
        self._last_heard = 0.0
        self.is_over = False
        self.alarm = inf

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asks."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if self.is_over:
            transport.abort()
            return
        self._last_heard = self._owner.tick_s()  # what waits for its turn is not silent
        self._owner.watch(self, self._last_heard + SILENCE_S)
        transport.write(request(self._place, self._fetch))

    def data_received(self, data: bytes) -> None:
        """Reads the answer."""
        if self.is_over:
            return
        if self._reader.state is Reading.HEAD and not self._got:
            self._got = -1
            self._owner.fetch_begun(self)
        self._last_heard = self._owner.tick_s()
        body = self._reader.feed(data)
        self._got = max(self._got, 0) if self._reader.state is not Reading.HEAD else self._got
        if body:
            cut = self._fetch.cut_at
            if cut is not None and self._got + len(body) >= cut:
                self.end(FetchEnd.BROKEN)
                return
            self._digests.take(body)
            self._got += len(body)
        if self._reader.state is Reading.COMPLETE:
            self.end(FetchEnd.COMPLETE)
        elif self._reader.state is Reading.REFUSED:
            self.end(FetchEnd.REFUSED)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more will come."""
        del exc
        self.end(FetchEnd.BROKEN)

    def wake(self, now: float) -> None:
        """Looks whether it has been silent for too long."""
        if self.is_over:
            return
        if now - self._last_heard >= SILENCE_S:
            self.end(FetchEnd.SILENT)
        else:
            self._owner.watch(self, self._last_heard + SILENCE_S)

    def end(self, how: FetchEnd) -> None:
        """Hangs up and tells; only the first time."""
        if self.is_over:
            return
        self.cancel()
        digests = self._digests
        got = max(self._got, 0)
        facts = Fetched(how, got, digests.md5.hexdigest(), digests.sha256.hexdigest(), digests.crc)
        self._owner.fetch_ended(self, facts)

    def cancel(self) -> None:
        """Hangs up without a word."""
        self.is_over = True
        if self._transport is not None:
            self._transport.abort()
