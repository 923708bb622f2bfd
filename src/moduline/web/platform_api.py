"""The operator API as pages call it: with the token of whoever looks, errors being the server's own."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Iterable
from typing import Any, Final
from urllib.parse import quote, urlencode

import aiohttp

from moduline.errors import ModulineError, ServerUnreachable, Text, failure_of
from moduline.web.site import site
from moduline.web.viewer import Viewer, viewer

LIMIT_S: Final = 60.0
PAGE: Final = 1000
_sessions: list[aiohttp.ClientSession] = []


def _session() -> aiohttp.ClientSession:
    if not _sessions or _sessions[0].closed:
        _sessions[:] = [aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=LIMIT_S))]
    return _sessions[0]


async def close() -> None:
    """End all connections."""
    for one in _sessions:
        await one.close()
    _sessions.clear()


class PlatformApi:
    """The operator API, as somebody.

    Args:
        token: of a session; "": a stranger.
        lang: of texts that the server composes.
        session: of another loop than that of the pages; None: theirs.
    """

    def __init__(self, token: str, lang: str = "en", session: aiohttp.ClientSession | None = None) -> None:
        self._own = session
        self._headers = {"Accept-Language": lang} | ({"Authorization": f"Bearer {token}"} if token else {})

    async def get(self, path: str, **query: object) -> Any:
        """What is there."""
        return await self.ask("GET", _asked(path, query))

    async def every(self, path: str, **query: object) -> list[dict[str, Any]]:
        """All items of all pages; for lists that are short by nature."""
        found: list[dict[str, Any]] = []
        after: int | None = 0
        while after is not None:
            page = await self.get(path, **query, after=after, limit=PAGE)
            found += page["items"]
            after = page["next_after"]
        return found

    async def post(self, path: str, body: object = None) -> Any:
        """Have something made or done."""
        return await self.ask("POST", path, body)

    async def put(self, path: str, body: object) -> Any:
        """Have something written anew."""
        return await self.ask("PUT", path, body)

    async def patch(self, path: str, body: object) -> Any:
        """Have something changed."""
        return await self.ask("PATCH", path, body)

    async def delete(self, path: str) -> Any:
        """Have something removed."""
        return await self.ask("DELETE", path)

    async def send_file(self, name: str, pieces: AsyncIterator[bytes] | bytes, size: int) -> dict[str, Any]:
        """Send a file of a package; what the server knows of it."""
        more = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        made: dict[str, Any] = await self._call("PUT", f"/v1/artifacts/files/{quote(name, safe='')}", pieces, more)
        return made

    async def send_table(self, path: str, table: bytes, **query: object) -> Any:
        """Have a CSV table read."""
        return await self._call("POST", _asked(path, query), table, {"Content-Type": "text/csv"})

    async def ask(self, method: str, path: str, body: object = None) -> Any:
        """One call; what the server answers.

        Raises:
            ServerUnreachable: there is no answer.
            ModulineError: what the server refused it with.
        """
        data = None if body is None else json.dumps(body).encode()
        return await self._call(method, path, data, {"Content-Type": "application/json"} if data else {})

    async def fetch(self, path: str, **query: object) -> AsyncIterator[bytes]:
        """A long answer, piece by piece.

        Raises:
            ServerUnreachable: it breaks off.
            ModulineError: what the server refused it with.
        """
        try:
            limit = aiohttp.ClientTimeout(total=None, sock_read=LIMIT_S)
            async with (self._own or _session()).get(
                site().api + _asked(path, query), headers=self._headers, timeout=limit
            ) as answer:
                if answer.status >= 400:
                    raise _refusal(answer.status, await answer.read())
                async for piece in answer.content.iter_chunked(1 << 16):
                    yield piece
        except (aiohttp.ClientError, TimeoutError) as cause:
            raise ServerUnreachable(server=site().api, reason=str(cause)) from cause

    async def _call(self, method: str, path: str, data: Any, more: dict[str, str]) -> Any:
        try:
            session, headers = self._own or _session(), self._headers | more
            async with session.request(method, site().api + path, data=data, headers=headers) as answer:
                said = await answer.read()
                if answer.status >= 400:
                    raise _refusal(answer.status, said)
                return json.loads(said) if said else None
        except (aiohttp.ClientError, TimeoutError, ValueError) as cause:
            raise ServerUnreachable(server=site().api, reason=str(cause) or type(cause).__name__) from cause


def api(of: Viewer | None = None) -> PlatformApi:
    """The operator API in the name of whoever looks at the page."""
    seen = of or viewer()
    return PlatformApi(seen.token, seen.lang)


@contextlib.asynccontextmanager
async def api_of_job(of: Viewer) -> AsyncIterator[PlatformApi]:
    """The operator API for a job, which has a loop of its own; in the name of whoever started it.

    Args:
        of: who that is: ``viewer()`` of the page, taken before the job begins.
    """
    limit = aiohttp.ClientTimeout(total=None, sock_connect=LIMIT_S, sock_read=LIMIT_S)
    async with aiohttp.ClientSession(timeout=limit) as session:
        yield PlatformApi(of.token, of.lang, session)


def _refusal(status: int, said: bytes) -> ModulineError:
    """The server's error as ours: the same code, the same facts."""
    try:
        failure = failure_of(json.loads(said))
    except ValueError:
        failure = None
    if failure is None:
        reason = Text("it answers with HTTP {status}", "返回 HTTP {status}")
        return ServerUnreachable(server=site().api, reason=reason, status=status)
    return failure


def _asked(path: str, query: dict[str, object]) -> str:
    """A path with its query; what is None or empty is not asked."""
    pairs = [
        (name, str(one).lower() if isinstance(one, bool) else str(one))
        for name, value in query.items()
        for one in (value if isinstance(value, Iterable) and not isinstance(value, str) else (value,))
        if one is not None and one != ""
    ]
    return f"{path}?{urlencode(pairs)}" if pairs else path
