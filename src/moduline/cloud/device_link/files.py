"""Downloads by address: ``/f/TOKEN``, where the token alone says which file, for which upgrade, and until when.

The address is all a QuecThing module gets, so it carries no name and no login: 36 ASCII characters after the host.
What becomes of a request is told to the upgrade: that the file was asked for, that it was denied, that the answer
broke off. Ranged requests of one download come by the dozen and are told once in a while.

Source: ota-semantics 11.6, 12 (trap 4); hawkbit-ddi 3.7.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from aiohttp import web
from sqlalchemy import Connection, bindparam, select

from moduline.clock import Clock
from moduline.cloud import tables
from moduline.cloud.db import Database
from moduline.cloud.device_link.http_answers import SERVER, Refusal, empty
from moduline.cloud.device_link.http_limits import HttpLimits
from moduline.cloud.device_link.ranges import decide, http_date
from moduline.cloud.device_link.sending import FileStore, send_file
from moduline.cloud.upgrades import service
from moduline.errors import ModulineError, NoSuchObject

Begins = Callable[[], Awaitable[None]]
PREFIX: Final = "f"
"""First part of the path."""
ADDRESS_LIMIT: Final = 200
"""Characters of an address that modules take."""
TELL_AGAIN_S: Final = 10.0
"""Good ranged requests of one token are told to the upgrade no more often."""
READERS: Final = 32
"""Threads that read files that are not on this machine's disk: slow stores must not hold up anything else."""
TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{16,64}", re.ASCII)
_KEPT_MOST: Final = 20_000
_L, _F, _U, _D, _A = (
    tables.downloads.c,
    tables.artifact_files.c,
    tables.upgrades.c,
    tables.devices.c,
    tables.artifacts.c,
)
_FIND: Final = (
    select(
        _F.sha256, _F.sha1, _F.bytes, _F.name, _A.created_at, _L.expires_at, _U.device_id, _D.is_enabled
    )
    .select_from(tables.downloads)
    .join(tables.artifact_files, _F.id == _L.file_id)
    .join(tables.artifacts, _A.id == _F.artifact_id)
    .join(tables.upgrades, _U.id == _L.upgrade_id)
    .join(tables.devices, _D.id == _U.device_id)
    .where(_L.token == bindparam("wanted"))
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sendable:
    """A file that a device may load.

    Args:
        key: in the file store.
        sha1: lower-case hex; the ETag.
        bytes: its size.
        name: for people.
        made_at: when the artifact was made, UTC seconds.
        device_id: who loads it.
    """

    key: str
    sha1: str
    bytes: int
    name: str
    made_at: float
    device_id: int


@dataclass(frozen=True, slots=True)
class Link:
    """What a token is for.

    Args:
        file: which.
        expires_at: until when, UTC seconds.
        is_enabled: whether the device may come in.
    """

    file: Sendable
    expires_at: float
    is_enabled: bool


def address(base: str, token: str) -> str:
    """The address of a file.

    Args:
        base: of the devices' port, such as ``http://ota.example.com``; no ``/`` at the end.
        token: of ``upgrades.rows.FileLink``.
    """
    made = f"{base}/{PREFIX}/{token}"
    assert made.isascii()
    assert len(made) <= ADDRESS_LIMIT, "the public URL is too long for modules"
    return made


def find(conn: Connection, token: str) -> Link | None:
    """What a token is for; None: there is none."""
    row = conn.execute(_FIND, {"wanted": token}).first()
    if row is None:
        return None
    file = Sendable(row.sha256, row.sha1, row.bytes, row.name, row.created_at, row.device_id)
    return Link(file, row.expires_at, row.is_enabled)


class Downloads:
    """Sends files to devices.

    Args:
        db: of the platform.
        store: where the files are.
        clock: wall clock of what is told.
        limits: of one peer.
    """

    def __init__(self, db: Database, store: FileStore, *, clock: Clock, limits: HttpLimits) -> None:
        self._db = db
        self._store = store
        self._clock = clock
        self._limits = limits
        self._of_device: Counter[int] = Counter()
        self._of_address: Counter[str] = Counter()
        self._told: dict[str, float] = {}
        self._readers = ThreadPoolExecutor(READERS, "files")

    def stop(self) -> None:
        """End the threads that read; what they read now is nobody's any more."""
        self._readers.shutdown(wait=False, cancel_futures=True)

    async def by_token(self, request: web.BaseRequest, token: str) -> web.StreamResponse:
        """Answer ``/f/TOKEN``.

        Raises:
            Refusal: there is no such address, it has expired, or the device is switched off.
        """
        _require_read(request)
        link = await self._db.read_soon(find, token) if TOKEN.fullmatch(token) else None
        if link is None:
            raise Refusal(404, "unknown", "no such file")
        if link.expires_at < self._clock.now_s():
            await self._tell(token, 403)
            raise Refusal(403, "expired", "the address has expired")
        if not link.is_enabled:
            await self._tell(token, 403)
            raise Refusal(403, "disabled", "the device is disabled")

        is_new = request.method == "GET" and self._is_new(token, is_ranged="Range" in request.headers)

        telling: list[asyncio.Task[None]] = []

        async def begins() -> None:  # told while the bytes go out
            if is_new:
                telling.append(asyncio.create_task(self._tell(token, 200)))

        try:
            answer, is_whole = await self.send(request, link.file, begins)
        except NoSuchObject as gone:
            await self._tell(token, 404)
            raise Refusal(404, "gone", "no such file") from gone
        except ModulineError:  # the file store is away, or gives back something else
            await self._tell(token, 200, is_broken=True)
            raise
        finally:
            await asyncio.gather(*telling)
        if not is_whole:
            await self._tell(token, 200, is_broken=True)
        return answer

    async def send(
        self, request: web.BaseRequest, file: Sendable, begins: Begins | None = None
    ) -> tuple[web.StreamResponse, bool]:
        """Send what a request wants of a file.

        Args:
            request: GET or HEAD.
            file: which.
            begins: called before the first byte of an answer with bytes in it.

        Returns:
            The answer, and whether all of it went out.

        Raises:
            NoSuchObject: the store has it no more.
            Refusal: too many downloads at once.
        """
        etag = f'"{file.sha1}"'
        span = decide(request.headers, size=file.bytes, etag=etag, changed_at=file.made_at)
        headers = {
            "Server": SERVER,
            "Content-Type": "application/octet-stream",
            "Accept-Ranges": "bytes",
            "ETag": etag,
            "Last-Modified": http_date(file.made_at),
            "X-Content-Type-Options": "nosniff",
            "Content-Disposition": f'attachment;filename="{_plain_name(file.name)}"',
        }
        if span.status == 304:
            return empty(304, {"ETag": etag}), True
        if span.status == 412:
            raise Refusal(412, "changed", "the file is another one")
        if span.status == 416:
            return empty(416, {"Content-Range": f"bytes */{file.bytes}"}), True
        if span.status == 206:
            headers["Content-Range"] = f"bytes {span.first}-{span.first + span.bytes - 1}/{file.bytes}"
        with self._room(request, file.device_id):
            if begins is not None:
                await begins()
            opened = self._store.open_here(file.key)
            if opened is None:
                opened = await asyncio.get_running_loop().run_in_executor(self._readers, self._store.open, file.key)
            with opened:
                return await send_file(
                    request, opened, status=span.status, headers=headers,
                    first=span.first, count=span.bytes, limits=self._limits, readers=self._readers,
                )  # fmt: skip

    @contextlib.contextmanager
    def _room(self, request: web.BaseRequest, device_id: int) -> Iterator[None]:
        peer = request.remote or ""
        is_full = self._of_device[device_id] >= self._limits.downloads_per_device
        if is_full or self._of_address[peer] >= self._limits.downloads_per_address:
            raise Refusal(429, "too-many", "too many downloads at once")
        self._of_device[device_id] += 1
        self._of_address[peer] += 1
        try:
            yield
        finally:
            _less(self._of_device, device_id)
            _less(self._of_address, peer)

    def _is_new(self, token: str, *, is_ranged: bool) -> bool:
        now = self._clock.tick_s()
        if is_ranged and now - self._told.get(token, -TELL_AGAIN_S) < TELL_AGAIN_S:
            return False
        if len(self._told) >= _KEPT_MOST:
            self._told = {one: at for one, at in self._told.items() if now - at < TELL_AGAIN_S}
        self._told[token] = now
        return True

    async def _tell(self, token: str, status: int, *, is_broken: bool = False) -> None:
        await self._db.write_soon(service.file_asked, token, status, now=self._clock.now_s(), is_broken=is_broken)


def _less(counter: Counter[int] | Counter[str], key: int | str) -> None:
    counter[key] -= 1  # type: ignore[index]
    if counter[key] <= 0:  # type: ignore[index]
        del counter[key]


def _require_read(request: web.BaseRequest) -> None:
    if request.method not in {"GET", "HEAD"}:
        raise Refusal(405, "method", "only GET and HEAD")


def _plain_name(name: str) -> str:
    """A file name that no header can be broken with."""
    return re.sub(r'[^ -~]|["\\]', "_", name)
