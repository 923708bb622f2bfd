"""What keeps strangers out, before any page is built.

::

    request ─▶ Host is ours? ─▶ Origin is ours, where something could change? ─▶ page (who are you: ``entry``)

* A Host that is not ours is a name that somebody made point here (DNS rebinding): refused.
* Everything that pages do goes over one web socket. A browser says with it which site opened it; another site's is
  refused, and so is any unsafe method from elsewhere. The session cookie is ``SameSite=Strict`` besides.
* A web socket, and what it falls back to, needs the cookie of a session that the platform accepts; the pages before
  signing in are plain forms and need none. It is refused to other sites also for reading.
* What strangers may send has a size and a time: forms of the way in are small.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.requests import cookie_parser

from moduline.cloud.web_guard import BodyLimits
from moduline.web import entry_paths, sessions

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Any, Receive, Send], Awaitable[None]]

SAFE: Final = {"GET", "HEAD", "OPTIONS"}
HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (
        b"content-security-policy",
        b"default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; frame-ancestors 'none'; form-action 'self'",
    ),
)
"""Of every answer. Vue compiles templates in the browser, hence the permissions; nothing comes from elsewhere."""
LOCAL: Final = ("localhost", "127.0.0.1", "::1")
LIVE: Final = "/_nicegui_ws"
"""Where the live connections of pages are."""
FORM_BYTES: Final = 64 * 1024
"""Of a form of the way in."""
FORMS: Final = frozenset({entry_paths.SIGN_IN, entry_paths.FIRST_START})


class Guard:
    """Refuses what comes from elsewhere.

    Args:
        app: what is guarded.
        host: address that the server listens on.
        names: further names of it.
        is_known: whether the cookie of a session is accepted.
    """

    def __init__(
        self, app: App, host: str, names: Iterable[str] = (), *, is_known: Callable[[str], Awaitable[bool]]
    ) -> None:
        self._app = app
        self._forms = BodyLimits(app, most=FORM_BYTES)
        self._is_known = is_known
        self._names = {*LOCAL, host.lower(), *(name.lower() for name in names)}
        self._is_public = host in {"0.0.0.0", "::", ""}  # noqa: S104  the question, not the binding

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Let a call pass, or answer 403."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        why = self._refusal(scope)
        if not why and (scope["type"] == "websocket" or scope["path"].startswith(LIVE)):
            why = b"" if await self._is_known(_cookie(scope)) else b"sign in first\n"
        if why:
            await _refuse(scope, receive, send, why)
            return

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *HEADERS]
            await send(message)

        serve = self._forms if scope["path"] in FORMS else self._app
        await serve(scope, receive, marked)

    def _refusal(self, scope: Any) -> bytes:
        """Why a call is refused; empty: it is not."""
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get(b"host", "")
        if not self._is_ours(host):
            return b"this server is not known by that name; see --name\n"
        origin = headers.get(b"origin")
        is_live = scope["type"] == "websocket" or scope["path"].startswith(LIVE)
        is_acting = is_live or scope["method"] not in SAFE
        if is_acting and origin is not None and _netloc(origin) != host.lower():
            return b"this came from another site\n"
        if (
            is_acting
            and origin is None
            and headers.get(b"sec-fetch-site", "same-origin") not in {"same-origin", "none"}
        ):
            return b"this came from another site\n"
        return b""

    def _is_ours(self, host: str) -> bool:
        try:
            name = (urlsplit(f"//{host}").hostname or "").lower()
        except ValueError:
            return False
        if name in self._names:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return self._is_public  # a number cannot be made to point elsewhere


def _netloc(origin: str) -> str:
    """Host and port of an origin; "" when it is none."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _cookie(scope: Any) -> str:
    """The session that a call comes with; "" when there is none."""
    for name, value in scope["headers"]:
        if name == b"cookie":
            return cookie_parser(value.decode("latin-1")).get(sessions.cookie_name(), "")
    return ""


async def _refuse(scope: Any, receive: Receive, send: Send, why: bytes) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})
        return
    length = str(len(why)).encode()
    headers = [(b"content-type", b"text/plain"), (b"content-length", length)]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": why})
