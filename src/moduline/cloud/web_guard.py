"""What keeps hostile peers of the operator API small: heads and bodies have a size and a time, before anybody is asked.

::

    TCP ──▶ GuardedProtocol: head in time ──▶ BodyLimits: size and pace of a body ──▶ application (token, role, verb)

FastAPI reads a body before it asks for the token, so the size is limited here. Files of artifacts are streamed into the
store and have their own limits (``artifacts``).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from moduline.cloud.edge import error_frame
from moduline.errors import BadField, ModulineError, Text, TooBig

HEAD_S: Final = 20.0
"""From the first byte of a request, or from the connection, to the end of its head."""
HEAD_BYTES: Final = 32 * 1024
CONNECTIONS: Final = 2000
"""In all; more are answered 503."""
BODY_BYTES: Final = 16 * 1024 * 1024
"""Lists of a hundred thousand devices fit."""
TOGETHER_BYTES: Final = 128 * 1024 * 1024
"""Of all bodies that are being read at the same time."""
STREAMED: Final = "/v1/artifacts/files/"
BODY: Final = Text("the body", "请求体")
_SLOW: Final = Text("it did not come in time", "未按时收到")
_FULL: Final = Text("too many large bodies at the same time", "同时接收的大请求过多")

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Any, Receive, Send], Awaitable[None]]


class Pace:
    """How long the next piece of a body may take: a time between two, and a least rate over all.

    Args:
        now: when it begins.
        gap_s: between two pieces at most.
        least_per_s: bytes per second over the whole, after a grace of ``gap_s``.
    """

    def __init__(self, now: float, gap_s: float = 30.0, least_per_s: float = 4096.0) -> None:
        self._begun = now
        self._gap_s = gap_s
        self._least = least_per_s
        self._taken = 0

    def took(self, count: int) -> None:
        """Count bytes."""
        self._taken += count

    def left_s(self, now: float) -> float:
        """Seconds for the next piece; 0: the time is over."""
        until = self._begun + self._gap_s + self._taken / self._least
        return max(0.0, min(self._gap_s, until - now))


class BodyLimits:
    """An application whose requests have a body of a limited size that comes in a limited time.

    Args:
        app: what is served.
        most: bytes of one body.
        together: bytes of all bodies that are being read.
        gap_s: see ``Pace``.
    """

    def __init__(
        self, app: App, *, most: int = BODY_BYTES, together: int = TOGETHER_BYTES, gap_s: float = 30.0
    ) -> None:
        self._app = app
        self._most = most
        self._together = together
        self._gap_s = gap_s
        self._held = 0

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"].startswith(STREAMED):
            await self._app(scope, receive, send)
            return
        told = int(next((value for name, value in scope["headers"] if name == b"content-length"), b"0"))
        if told > self._most:
            await _refuse(send, TooBig(what=BODY, need=told, have=self._most))
            return
        body = _Body(self, receive, send)
        try:
            await self._app(scope, body.receive, body.send)
        finally:
            self._held -= body.taken

    def holds(self, count: int) -> None:
        """Count bytes that are kept until their request is over."""
        self._held += count

    def wrong(self, taken: int) -> ModulineError | None:
        """What is wrong with a body of so many bytes."""
        if taken > self._most:
            return TooBig(what=BODY, need=taken, have=self._most)
        return BadField(field="body", reason=_FULL) if self._held > self._together else None

    @property
    def gap_s(self) -> float:
        """Between two pieces of a body."""
        return self._gap_s


class _Body:
    """The body of one request while it is read; when it goes wrong the application sees the peer go."""

    def __init__(self, limits: BodyLimits, receive: Receive, send: Send) -> None:
        self._limits = limits
        self._receive = receive
        self._send = send
        self._pace = Pace(asyncio.get_running_loop().time(), limits.gap_s)
        self._is_whole = False
        self._has_answered = False
        self._wrong: ModulineError | None = None
        self.taken = 0

    async def receive(self) -> Message:
        if self._is_whole:
            return await self._receive()
        gone: Message = {"type": "http.disconnect"}
        if self._wrong is not None:
            return gone
        message = gone
        try:
            async with asyncio.timeout(self._pace.left_s(asyncio.get_running_loop().time())):
                message = await self._receive()
        except TimeoutError:
            self._wrong = BadField(field="body", reason=_SLOW)
        if message["type"] == "http.request":
            count = len(message.get("body", b""))
            self.taken += count
            self._pace.took(count)
            self._limits.holds(count)
            self._is_whole = not message.get("more_body", False)
            self._wrong = self._limits.wrong(self.taken)
        return message if self._wrong is None else gone

    async def send(self, message: Message) -> None:
        if self._wrong is None:
            await self._send(message)
        elif not self._has_answered:
            self._has_answered = True
            await _refuse(self._send, self._wrong)


async def _refuse(send: Send, failure: ModulineError) -> None:
    """Answer with an error, and read no more of the request."""
    body = json.dumps(error_frame(failure), ensure_ascii=False).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": failure.http_status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class GuardedProtocol(H11Protocol):
    """A connection that is cut off when the head of a request takes too long, or a body goes on after its answer."""

    head_s = HEAD_S

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A peer is there."""
        self._head_timer: asyncio.TimerHandle | None = None
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """The peer has said something."""
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended."""
        self._stop_watching()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """An answer has gone out, perhaps in the middle of a body that nobody wants."""
        super().on_response_complete()
        self._watch()

    def _watch(self) -> None:
        cycle: Any = self.cycle  # None before the first request
        is_answered = cycle is not None and cycle.response_complete
        is_talking_on = is_answered and self.conn.their_state is h11.SEND_BODY
        if self.conn.their_state is not h11.IDLE and not is_talking_on:
            self._stop_watching()
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(self.head_s, self.transport.abort)

    def _stop_watching(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
