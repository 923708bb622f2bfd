"""Asks an ASGI application in process, one call at a time."""

from __future__ import annotations

import asyncio

import httpx


class AsgiClient:
    """Calls like those of httpx, without a loop of the caller's.

    ``headers`` go with every call.
    """

    def __init__(self, app, headers):
        self._transport = httpx.ASGITransport(app)
        self.headers = headers

    def get(self, path, **facts):
        return asyncio.run(self._ask("GET", path, facts))

    def post(self, path, **facts):
        return asyncio.run(self._ask("POST", path, facts))

    async def _ask(self, verb, path, facts):
        headers = self.headers | facts.pop("headers", {})
        async with httpx.AsyncClient(transport=self._transport, base_url="http://line") as client:
            return await client.request(verb, path, headers=headers, **facts)
