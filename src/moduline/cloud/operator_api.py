"""The operator API as one application: routes of every room behind one door, with its OpenAPI description.

``/docs`` shows it without a content network. Every call but ``/health``, the description, ``/v1/login`` and
``/v1/first-start`` carries ``Authorization: Bearer TOKEN``.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

import moduline
from moduline.cloud.accounts import api as accounts
from moduline.cloud.accounts import people, service
from moduline.cloud.accounts.door import Door, Who, add_complaints
from moduline.cloud.accounts.gate import Gate
from moduline.cloud.artifacts import api as artifacts
from moduline.cloud.device_link.ddi import api as ddi
from moduline.cloud.devices import api as devices
from moduline.cloud.jobs import api as jobs
from moduline.cloud.operator_description import describe_failures
from moduline.cloud.outbox import api as outbox
from moduline.cloud.outbox.stream import Feed
from moduline.cloud.plans import api as plans
from moduline.cloud.products import api as products
from moduline.cloud.rehearsals import api as rehearsals
from moduline.cloud.upgrades import api as upgrades
from moduline.cloud.views import api as views


def make_app(door: Door, feed: Feed) -> FastAPI:
    """The ASGI application of a platform.

    Args:
        door: database, files, clock, and the way to the devices.
        feed: events as they happen.
    """
    app: FastAPI = FastAPIOffline(
        title="Moduline OTA", version=moduline.__version__, summary="Over-the-air updates of QuecPython modules"
    )
    app.state.door = door
    app.state.feed = feed
    app.state.streams = set()
    app.state.gate = Gate()
    add_complaints(app)

    @app.get("/health", tags=["server"])
    async def health() -> dict[str, Any]:
        """Whether the database can be read."""
        return {"ok": await door.see(service.is_founded), "version": moduline.__version__}

    @app.get("/v1/platform", tags=["server"])
    async def platform(who: Who) -> dict[str, Any]:  # noqa: ARG001  everybody who may come in
        """Version, where devices load from, and how long what is kept (seconds; files of packages: while in use)."""
        settings = door.settings
        kept = {name: getattr(settings, name) for name in ("log_kept_s", "events_kept_s", "jobs_kept_s", "grace_s")}
        return {
            "version": moduline.__version__,
            "node": settings.node,
            "device_url": settings.device_url,
            "has_tls": settings.tls_cert is not None,
            "kept": kept | {"history_kept": settings.history_kept},
        }

    for router in (views.router, views.exports):  # first: /devices/count is no device
        app.include_router(router)
    for room in (accounts, people, products, devices, ddi, artifacts, rehearsals, plans, upgrades, jobs, outbox):
        app.include_router(room.router)
    describe_failures(app)
    return app
