"""An ASGI application behind a port of its own, inside a process that has other things to do."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterator, Sequence
from typing import Final

import uvicorn
from fastapi import FastAPI

from moduline.cloud.web_guard import CONNECTIONS, HEAD_BYTES, BodyLimits, GuardedProtocol
from moduline.errors import PortBusy

LAST_WORDS_S: Final = 5
"""So long answers that were begun have when the server ends."""


class WebServer:
    """A server that runs from ``listen`` to ``stop``.

    Args:
        app: what is served.
        tls: certificate and key; None: plain.
        proxies: networks whose ``X-Forwarded-For`` and ``X-Forwarded-Proto`` are believed.
    """

    def __init__(self, app: FastAPI, *, tls: ssl.SSLContext | None = None, proxies: Sequence[str] = ()) -> None:
        config = uvicorn.Config(
            BodyLimits(app),
            http=GuardedProtocol,
            h11_max_incomplete_event_size=HEAD_BYTES,
            limit_concurrency=CONNECTIONS,
            log_level="warning",
            lifespan="off",
            timeout_graceful_shutdown=LAST_WORDS_S,
            proxy_headers=bool(proxies),
            forwarded_allow_ips=list(proxies),
        )
        config.load()
        config.ssl = tls  # one context for all ports, renewed in place
        self._server = _QuietServer(config)
        self._task: asyncio.Task[None] | None = None

    async def listen(self, host: str, port: int) -> int:
        """Take calls; the port, which is any free one for 0.

        Raises:
            PortBusy: the address is taken, or not this computer's.
        """
        opened = _opened(host, port)
        self._task = asyncio.create_task(self._server.serve(sockets=[opened]))
        return int(opened.getsockname()[1])

    async def stop(self) -> None:
        """Take no more calls, and end."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task


class _QuietServer(uvicorn.Server):
    """A server that leaves signals to the process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _opened(host: str, port: int) -> socket.socket:
    """A socket that takes calls.

    Raises:
        PortBusy: the address is taken, or not this computer's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=1024)
    except OSError as cause:
        raise PortBusy(port=f"{host}:{port}", reason=cause.strerror or str(cause)) from cause
