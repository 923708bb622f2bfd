"""The one installation that this process serves: what its pages need to know, set once before the first page."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from moduline.clock import Clock, SystemClock
from moduline.web.work.runner import Jobs

PORT: Final = 8300
RACK: Final = "studio"


@dataclass(frozen=True, slots=True)
class StudioOptions:
    """What ``moduline studio`` decides.

    Args:
        data: folder of the platform, of jobs and of sessions; made when absent.
        root: folder below which pages see the files of this computer.
        host: address of all ports.
        port: of the pages; 0: any free one.
        server: operator API of a platform that runs elsewhere; "": one is started here.
        token_file: an operator's token at ``server``, for the one-time link; None: people sign in.
        http_port: of the operator API that is started here; 0: any.
        device_http_port: of downloads and the DDI; 0: any.
        mqtt_port: of QuecThing devices; 0: any.
        rack: name of the rack of virtual modules that the Studio shows first.
        modules: so many virtual modules are brought up at the start.
        model: of these.
        names: further names under which browsers may reach the pages, such as ``line3.factory.example``.
        tls_cert: file of the certificate; None: plain HTTP.
        tls_key: file of its key; None: in the same file.
    """

    data: Path
    root: Path
    host: str = "127.0.0.1"
    port: int = PORT
    server: str = ""
    token_file: Path | None = None
    http_port: int = 8310
    device_http_port: int = 8311
    mqtt_port: int = 1883
    rack: str = RACK
    modules: int = 0
    model: str = "ec600u"
    names: tuple[str, ...] = ()
    tls_cert: Path | None = None
    tls_key: Path | None = None


@dataclass(slots=True)
class Site:
    """A server that runs.

    Args:
        options: what was decided.
        jobs: long work, of all pages.
        api: address of the operator API.
        addresses: where devices reach the platform that was started here, for people; empty when it runs elsewhere.
        clock: wall clock and steady clock.
        port: at which browsers find it; 0: it does not listen yet.
        boot: drawn anew at each start; browsers see by it that the server was started again.
        started_at: UTC seconds.
    """

    options: StudioOptions
    jobs: Jobs
    api: str = ""
    addresses: dict[str, str] = field(default_factory=dict)
    clock: Clock = field(default_factory=SystemClock)
    port: int = 0
    boot: str = field(default_factory=lambda: secrets.token_hex(8))
    started_at: float = field(default_factory=time.time)

    @property
    def root(self) -> Path:
        """Folder below which pages see the files of this computer."""
        return self.options.root

    @property
    def data(self) -> Path:
        """Folder of everything that pages keep."""
        return self.options.data


_served: list[Site] = []


def open_site(made: Site) -> None:
    """Serve this one from now on."""
    _served[:] = [made]


def site() -> Site:
    """The installation that is served."""
    return _served[0]
