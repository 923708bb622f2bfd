"""The server: platform, rack of virtual modules and pages in one process, from ``start`` to ``stop``.

::

    start   platform (or a known one elsewhere) ─▶ rack ─▶ jobs ─▶ pages ─▶ one-time link
    stop    pages ─▶ jobs are cancelled ─▶ platform; the rack goes on in its own process
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import socket
from collections.abc import Iterator
from typing import Final

import uvicorn
from fastapi import FastAPI
from nicegui import app, ui

from moduline.cloud.app import Platform, make_platform
from moduline.cloud.founding import TOKEN_FILE
from moduline.cloud.settings import Settings
from moduline.cloud.web_guard import CONNECTIONS, HEAD_BYTES, GuardedProtocol
from moduline.errors import NoSuchFile, PortBusy, StorageFailed
from moduline.events import Reporter, silent
from moduline.testing.rack_setup import Setup, bring_up
from moduline.web import entry, entry_paths, live_ports, places, platform_api, sessions, shell
from moduline.web.guard import Guard
from moduline.web.site import Site, StudioOptions, open_site
from moduline.web.work.runner import Jobs

RECONNECT_S: Final = 10.0
"""So long a browser may be away without losing its page."""
LAST_WORDS_S: Final = 3


class Studio:
    """The pages of one installation.

    Args:
        options: what was decided.
        report: hears what the platform has to say.
    """

    def __init__(self, options: StudioOptions, report: Reporter = silent) -> None:
        self.options = options
        self._report = report
        self._ends = contextlib.AsyncExitStack()
        self._server: _QuietServer | None = None
        self.url = ""

    async def start(self) -> str:
        """Open everything; the one-time link, or the plain address when nobody's token is known.

        Raises:
            PortBusy: a port is taken.
            StorageFailed: a folder cannot be written.
            ModulineError: the platform or the rack cannot start.
        """
        try:
            return await self._start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End everything but the rack."""
        await self._ends.aclose()

    async def _start(self) -> str:
        options = self.options
        try:
            for folder in (options.data, options.root):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as cause:
            raise StorageFailed(path=str(cause.filename), reason=cause.strerror or str(cause)) from cause
        jobs = Jobs(options.data / "jobs")
        made = Site(options, jobs)
        open_site(made)
        await self._find_platform(made)
        if options.modules:
            await asyncio.to_thread(bring_up, options.rack, Setup(options.model), range(1, options.modules + 1))
        self._ends.push_async_callback(platform_api.close)
        self._ends.push_async_callback(live_ports.close)
        self._ends.push_async_callback(asyncio.to_thread, jobs.stop)
        await self._serve(made)
        self._tell_neighbours(made)
        scheme = "http" if options.tls_cert is None else "https"
        host = "127.0.0.1" if options.host in {"0.0.0.0", "::"} else options.host  # noqa: S104  the question
        self.url = f"{scheme}://{f'[{host}]' if ':' in host else host}:{made.port}"
        return self.link()

    def _tell_neighbours(self, made: Site) -> None:
        """Write where everything is, for commands beside this process.

        Raises:
            StorageFailed: it cannot be written.
        """
        path = self.options.data / "studio.json"
        facts = {"pid": os.getpid(), "port": made.port, "api": made.api, **made.addresses}
        try:
            path.write_text(json.dumps(facts), "utf-8")
        except OSError as cause:
            raise StorageFailed(path=str(path), reason=cause.strerror or str(cause)) from cause

    def link(self) -> str:
        """An address that signs its first visitor in; the plain one when nobody's token is known."""
        if self.options.server and self.options.token_file is None:
            return self.url
        return f"{self.url}{entry_paths.ENTER}/{entry.links.make()}"

    async def _find_platform(self, made: Site) -> None:
        options = self.options
        if options.server:
            made.api = options.server.rstrip("/")
            token_file = options.token_file
        else:
            platform = make_platform(_settings(options), report=self._report)
            addresses = await platform.start()
            self._ends.push_async_callback(platform.stop)
            made.api = addresses.api
            made.addresses = _told(platform, options.host)
            token_file = options.data / TOKEN_FILE
        if token_file is not None:
            try:
                entry.trust(token_file.read_text("utf-8").strip())
            except OSError as cause:
                raise NoSuchFile(path=str(token_file), reason=cause.strerror or str(cause)) from cause

    async def _serve(self, made: Site) -> None:
        options = self.options
        os.environ.setdefault("NICEGUI_STORAGE_PATH", str(options.data / "pages"))
        outer = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
        outer.include_router(entry.router)
        app.add_exception_handler(404, entry.not_found)
        shell.serve_static()
        places.load()
        ui.run_with(
            outer,
            title="Moduline",
            favicon=str(_favicon()),
            dark=None,
            tailwind=False,
            reconnect_timeout=RECONNECT_S,
            show_welcome_message=False,
        )
        opened = _listening(options.host, options.port)
        made.port = int(opened.getsockname()[1])
        config = uvicorn.Config(
            Guard(outer, options.host, options.names, is_known=sessions.is_known),
            http=GuardedProtocol,
            h11_max_incomplete_event_size=HEAD_BYTES,
            limit_concurrency=CONNECTIONS,
            log_level="warning",
            lifespan="on",
            ws="websockets-sansio",
            timeout_graceful_shutdown=LAST_WORDS_S,
            ssl_certfile=options.tls_cert,
            ssl_keyfile=options.tls_key,
            proxy_headers=False,
        )
        self._server = _QuietServer(config)
        task = asyncio.create_task(self._server.serve(sockets=[opened]))
        self._ends.push_async_callback(self._end_pages, task)
        ready = asyncio.create_task(self._server.begun.wait())
        await asyncio.wait({task, ready}, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if task.done():
            await task

    async def _end_pages(self, task: asyncio.Task[None]) -> None:
        assert self._server is not None
        self._server.should_exit = True
        with contextlib.suppress(asyncio.CancelledError):
            await task


class _QuietServer(uvicorn.Server):
    """A server that leaves signals to the process, and says when it has begun."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.begun = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.begun.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _settings(options: StudioOptions) -> Settings:
    return Settings(
        options.data,
        host=options.host,
        http_port=options.http_port,
        device_http_port=options.device_http_port,
        mqtt_port=options.mqtt_port,
    )


def _told(platform: Platform, host: str) -> dict[str, str]:
    assert platform.addresses is not None
    addresses = platform.addresses
    return {"api": addresses.api, "device_http": addresses.public_url, "mqtt": f"{host}:{addresses.mqtt}"}


def _favicon() -> str:
    from moduline.web.static_folder import FOLDER

    return str(FOLDER / "favicon.svg")


def _listening(host: str, port: int) -> socket.socket:
    """A socket that takes calls.

    Raises:
        PortBusy: the address is taken, or not this computer's.
    """
    opened = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        opened.bind((host, port))
        opened.listen(128)
    except OSError as cause:
        opened.close()
        raise PortBusy(port=f"{host}:{port}", reason=cause.strerror or str(cause)) from cause
    return opened


logging.getLogger("nicegui").setLevel(logging.WARNING)
