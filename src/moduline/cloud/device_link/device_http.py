"""The devices' HTTP port: downloads and the DDI, on aiohttp; a port of its own, apart from the operators'.

::

    TCP ──▶ door (limits, slow heads) ──▶ path ──┬─ /f/TOKEN                      files.Downloads
                                                 └─ /TENANT/controller/v1/DEVICE  ddi.Ddi

Names of headers go out in their usual case, every answer has a length, nothing is compressed and nobody is redirected:
the vendor's client reads no other way. TLS is a proxy's work or a context of ``listen``.

Source: ota-semantics 11.6, 12 (trap 4); hawkbit-ddi 1, 3.7.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ssl
from collections import Counter
from typing import Any, Final
from urllib.parse import unquote

from aiohttp import HttpVersion11, web
from aiohttp.web_protocol import RequestHandler

from moduline.clock import Clock, SystemClock
from moduline.cloud.db import Database
from moduline.cloud.device_link.ddi import Ddi, DdiTerms
from moduline.cloud.device_link.files import PREFIX, Downloads
from moduline.cloud.device_link.http_answers import Refusal, refusal
from moduline.cloud.device_link.http_limits import HttpLimits
from moduline.cloud.device_link.proxies import Proxies
from moduline.cloud.device_link.sending import FileStore
from moduline.cloud.device_link.tls import HANDSHAKE_S
from moduline.errors import ModulineError, PortBusy
from moduline.events import Notice, Reporter, silent

SEEN_EVERY_S: Final = 10.0
"""How often signs of life of polling devices are written."""
END_S: Final = 60.0
"""So long requests that are under way may take when the platform stops."""
_BACKLOG: Final = 4096


class DeviceHttp:
    """What devices reach by HTTP.

    Args:
        db: of the platform.
        store: where the files are.
        clock: wall clock of events.
        limits: of one peer.
        terms: how clients of the DDI are to poll.
        public_url: what addresses in answers begin with; "": what the client called us.
        proxies: whose word on the client's address and scheme is taken; not counted as one peer.
        report: hears of what failed: ``device-http.failed``.
    """

    def __init__(
        self,
        db: Database,
        store: FileStore,
        *,
        clock: Clock | None = None,
        limits: HttpLimits | None = None,
        terms: DdiTerms | None = None,
        public_url: str = "",
        proxies: Proxies | None = None,
        report: Reporter = silent,
    ) -> None:
        self.limits = limits or HttpLimits()
        self._report = report
        self._proxies = proxies or Proxies()
        clock = clock or SystemClock()
        self._downloads = Downloads(db, store, clock=clock, limits=self.limits)
        self.ddi = Ddi(
            db,
            self._downloads,
            clock=clock,
            limits=self.limits,
            terms=terms or DdiTerms(),
            public_url=public_url,
        )
        self._inside: web.Server | None = None
        self._servers: list[asyncio.Server] = []
        self._keeper: asyncio.Task[None] | None = None
        self._door = _Door(self.limits, self._proxies)

    async def listen(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Takes requests on a port; may be called for several.

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
        if self._inside is None:
            made_of = functools.partial(web.BaseRequest, loop=loop, client_max_size=self.limits.body_bytes)
            self._inside = web.Server(self._answer, request_factory=made_of)
            self._keeper = asyncio.create_task(self._keep())
        inside = self._inside
        options: dict[str, Any] = {
            "access_log": None,
            "keepalive_timeout": self.limits.idle_s,
            "max_line_size": self.limits.line_bytes,
            "max_field_size": self.limits.line_bytes,
            "auto_decompress": False,
        }

        def made() -> _Guarded:
            return _Guarded(inside, self._door, loop, **options)

        try:
            handshake_s = None if tls is None else HANDSHAKE_S
            server = await loop.create_server(
                made, host, port, ssl=tls, ssl_handshake_timeout=handshake_s, backlog=_BACKLOG
            )
        except OSError as error:
            raise PortBusy(port=f"{host}:{port}", reason=str(error)) from error
        self._servers.append(server)
        found: int = server.sockets[0].getsockname()[1]
        return found

    async def stop(self) -> None:
        """Listens no more and ends what goes on; signs of life are written."""
        for server in self._servers:
            server.close()
        if self._keeper is not None:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
            await self._keep_once()
        if self._inside is not None:
            await asyncio.sleep(0)  # requests that have come begin to be answered; idle connections end
            self._inside.pre_shutdown()
            await self._inside.shutdown(END_S)
            self._inside = None
        self._downloads.stop()

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(SEEN_EVERY_S)
            await self._keep_once()

    async def _keep_once(self) -> None:
        try:
            await self.ddi.keep_seen()
        except ModulineError as failure:
            self._report(Notice("device-http.failed", "seen", {"reason": str(failure)}))

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if isinstance(request.protocol, _Guarded):
            request.protocol.has_begun()
        if self._proxies.networks:
            request = self._unwrapped(request)
        try:
            if "Expect" in request.headers:
                await _go_on(request)
            return await self._route(request)
        except Refusal as said:
            return refusal(said)
        except web.HTTPRequestEntityTooLarge:
            return refusal(Refusal(413, "body", "the body is too large"))
        except web.RequestPayloadError:
            return refusal(Refusal(400, "body", "the body is broken"))
        except ModulineError as failure:
            self._report(Notice("device-http.failed", request.method, {"reason": str(failure)}))
            return refusal(Refusal(503, "busy", "try again later"))
        except (asyncio.CancelledError, ConnectionError):
            raise
        except Exception as failure:  # noqa: BLE001 - nobody's request may end without a word; recorded
            facts = {"error": f"{type(failure).__name__}: {failure}"}
            self._report(Notice("device-http.failed", request.method, facts))
            return refusal(Refusal(500, "failed", "the platform has failed"))

    def _unwrapped(self, request: web.BaseRequest) -> web.BaseRequest:
        """A request that a named proxy passed on, as whoever sent it."""
        came_for, came_by = (request.headers.getall(f"X-Forwarded-{name}", []) for name in ("For", "Proto"))
        remote, scheme = self._proxies.origin(request.remote or "", request.scheme, came_for, came_by)
        return request.clone(remote=remote, scheme=scheme)

    async def _route(self, request: web.BaseRequest) -> web.StreamResponse:
        path, _, query = request.raw_path.partition("?")
        if path[:1] != "/":
            raise Refusal(400, "path", "not a path")
        parts = path[1:].split("/")
        if "%" in path:
            parts = [_decoded(part) for part in parts]
        elif not path.isprintable():
            raise Refusal(400, "path", "control characters")
        if parts[-1] == "" and len(parts) > 1:
            parts.pop()
        if len(parts) >= 4 and parts[1] == "controller" and parts[2] == "v1":
            return await self.ddi.handle(request, parts, query)
        if len(parts) == 2 and parts[0] == PREFIX:
            return await self._downloads.by_token(request, parts[1])
        raise Refusal(404, "unknown", "no such resource")


async def _go_on(request: web.BaseRequest) -> None:
    """Let a client that waits for leave send its body."""
    if request.version < HttpVersion11:
        return
    if request.headers["Expect"].lower() != "100-continue":
        raise Refusal(417, "expect", "only 100-continue can be expected")
    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    request.writer.output_size = 0  # the answer has not begun


def _decoded(part: str) -> str:
    """A part of a path, decoded once."""
    try:
        found = unquote(part, errors="strict")
    except UnicodeDecodeError as wrong:
        raise Refusal(400, "path", "not UTF-8") from wrong
    if "/" in found or not found.isprintable():
        raise Refusal(400, "path", "a slash or control characters in a part of the path")
    return found


class _Door:
    """Who is inside, by address."""

    def __init__(self, limits: HttpLimits, proxies: Proxies) -> None:
        self.limits = limits
        self.proxies = proxies
        self.inside = 0
        self.of_address: Counter[str] = Counter()
        self.refused = 0

    def enters(self, address: str) -> bool:
        is_many = self.of_address[address] >= self.limits.per_address and not self.proxies.know(address)
        if self.inside >= self.limits.connections or is_many:
            self.refused += 1
            return False
        self.inside += 1
        self.of_address[address] += 1
        return True

    def leaves(self, address: str) -> None:
        self.inside -= 1
        self.of_address[address] -= 1
        if not self.of_address[address]:
            del self.of_address[address]


class _Guarded(RequestHandler):
    """A connection that is counted at the door, and cut off when its first request does not come in time."""

    def __init__(self, server: web.Server, door: _Door, loop: asyncio.AbstractEventLoop, **options: Any) -> None:
        super().__init__(server, loop=loop, **options)
        self._door = door
        self._address: str | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        address = str((transport.get_extra_info("peername") or ("",))[0])
        super().connection_made(transport)
        assert isinstance(transport, asyncio.Transport)
        if not self._door.enters(address):
            transport.abort()
            return
        self._address = address
        self._timer = asyncio.get_running_loop().call_later(self._door.limits.header_s, transport.abort)

    def has_begun(self) -> None:
        """The head of a request is there."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def connection_lost(self, exc: BaseException | None) -> None:
        self.has_begun()
        if self._address is not None:
            self._door.leaves(self._address)
            self._address = None
        super().connection_lost(exc)
