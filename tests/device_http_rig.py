"""The devices' HTTP port on loopback over a platform with a clock in the hand, and clients that are not ours."""

from __future__ import annotations

import asyncio
import hashlib
import json

import aiohttp

from moduline.cloud import tables
from moduline.cloud.artifacts import rules
from moduline.cloud.artifacts import service as artifacts
from moduline.cloud.artifacts.rules import Artifact, ComponentType
from moduline.cloud.blob import FolderStore
from moduline.cloud.device_link.device_http import DeviceHttp
from moduline.cloud.products import service as products

SUFFIXES = (*rules.SUFFIXES, ".swu", ".raucb")


class HandClock:
    """Wall time is the platform's, steady time a step later at every look that asks for one; 0: moved by hand."""

    def __init__(self, rig):
        self.rig = rig
        self.tick = 0.0
        self.step_s = 2.0  # plans are looked at again at every poll

    def now_s(self):
        return self.rig.now

    def tick_s(self):
        self.tick += self.step_s
        return self.tick


class Site:
    """A platform, its files in a folder, and the port."""

    def __init__(self, rig, folder, **options):
        self.rig = rig
        self.store = FolderStore(folder)
        self.served = self.store
        rig.files = self.store
        self.options = options
        self.clock = HandClock(rig)
        self.http = None
        self.port = 0

    async def __aenter__(self):
        self.http = DeviceHttp(self.rig.db, self.served, clock=self.clock, **self.options)
        self.port = await self.http.listen("127.0.0.1", 0)
        self.session = aiohttp.ClientSession()
        return self

    async def __aexit__(self, *_):
        await self.session.close()
        await self.http.stop()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def secret_of(self, product):
        return self.rig.act(products.secret, product.id)

    def upload(self, content, *, name="v2", file="v2.bin", target="V2", component="", kind=ComponentType.MODULE):
        stored = artifacts.receive(self.store, file, [content], allowed=SUFFIXES)
        made = Artifact(name, kind, False, "", target, (stored,), component=component)
        return self.rig.act(artifacts.create, made, self.store, allowed=SUFFIXES)[0]

    def client(self, product, dk="dev1", token=None):
        return Client(self, product, dk, token)


class Client:
    """A polling device that follows the reference to the letter."""

    def __init__(self, site, product, dk="dev1", token=None):
        self.site = site
        self.base = f"{site.url}/{product.pk}/controller/v1/{dk}"
        self.headers = {"Authorization": token or f"GatewayToken {site.secret_of(product)}"}

    async def call(self, method, path="", body=None, **headers):
        url = path if path.startswith("http") else self.base + path
        more = {} if body is None else {"data": json.dumps(body), "headers": {"Content-Type": "application/json"}}
        asked = {**self.headers, **more.pop("headers", {}), **headers}
        async with self.site.session.request(method, url, headers=asked, **more) as got:
            raw = await got.read()
            kind = got.headers.get("Content-Type", "")
            return got.status, json.loads(raw) if raw and "json" in kind else raw

    async def poll(self):
        status, body = await self.call("GET")
        assert status == 200
        return {name: link["href"] for name, link in body["_links"].items()}

    async def tell(self, **data):
        assert (await self.call("PUT", "/configData", {"mode": "merge", "data": data}))[0] == 200

    async def say(self, action, execution, finished="none", *details, kind="deploymentBase"):
        body = {
            "id": str(action),
            "status": {"execution": execution, "result": {"finished": finished}, "details": details},
        }
        return (await self.call("POST", f"/{kind}/{action}/feedback", body))[0]

    async def action(self):
        """Number of the action that a poll leads to, and what it is."""
        links = await self.poll()
        status, body = await self.call("GET", links["deploymentBase"])
        assert status == 200
        return int(body["id"]), body["deployment"]


def run(scenario):
    return asyncio.run(asyncio.wait_for(scenario, 100))


def sha1(data):
    return hashlib.sha1(data).hexdigest()


def md5(data):
    return hashlib.md5(data).hexdigest()


__all__ = ["Client", "Site", "md5", "run", "sha1", "tables"]
