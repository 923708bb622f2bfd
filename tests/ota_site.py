"""A platform that runs in a thread of its own, with a clock in the test's hand, and a person with a token."""

from __future__ import annotations

import asyncio
import threading
import time

import httpx

from hand_clock import HandClock
from moduline.cloud.app import make_platform
from moduline.cloud.device_link import GatewayLimits, SessionLimits
from moduline.cloud.settings import Settings

NOW = 1_800_000_000.0  # 2027-01-15 08:00:00 UTC: a mark of the grid
WAIT_S = 60.0


class OtaSite:
    """Starts at once; ``stop`` ends it. A second one over the same folder is the platform after a restart."""

    def __init__(self, folder, clock=None, **settings):
        self.clock = clock or HandClock(NOW + 5)
        self.notices = []
        self.settings = Settings(folder, http_port=0, device_http_port=0, mqtt_port=0, **settings)
        self.platform = make_platform(
            self.settings,
            clock=self.clock,
            limits=GatewayLimits(slot_s=0.05),
            session_limits=SessionLimits(keep_alive_s=10**7),  # the clock leaps: nobody counts as silent
            report=self.notices.append,
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.addresses = self.do(self.platform.start())
        self.token = (folder / "admin.token").read_text().strip()
        self.web = httpx.Client(
            base_url=self.addresses.api, headers={"Authorization": f"Bearer {self.token}"}, timeout=WAIT_S
        )

    def do(self, work):
        """Run something in the platform's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(WAIT_S)

    def stop(self):
        self.web.close()
        self.do(self.platform.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(WAIT_S)
        self._loop.close()

    def turn(self, seconds=0.0):
        """Move the clock and let the schedule do what is due then."""
        self.clock.advance(seconds)
        is_ours = self.do(self.platform.schedule.turn())
        self.do(self.platform.schedule.collected())
        return is_ours

    def to_grid(self):
        """Move the clock to the next mark of ten minutes, and a second more."""
        self.turn(600.0 - self.clock.now_s() % 600.0 + 1.0)

    # -- a person

    def get(self, path, **query):
        return self._answer(self.web.get(path, params=query), 200)

    def post(self, path, status=None, **body):
        return self._answer(self.web.post(path, json=body), status)

    def _answer(self, answer, status):
        assert answer.status_code == status if status else answer.status_code < 300, answer.text
        return answer.json()

    def product(self, name="meter"):
        """A product and its secret."""
        made = self.post("/v1/products", name=name)
        return made, self.post(f"/v1/products/{made['id']}/secret")["ps"]

    def package(self, name="fw-v2", target="V2", source="", content=b"new firmware" * 1000):
        sent = self._answer(self.web.put(f"/v1/artifacts/files/{name}.bin", content=content), 201)
        files = [{"name": f"{name}.bin", "sha256": sent["sha256"]}]
        return self.post("/v1/artifacts", name=name, target=target, source=source, files=files)

    def plan(self, product, package, name="plan", **more):
        """A draft from an hour ago until tomorrow, in Shanghai."""
        fields = {"zone": "Asia/Shanghai", "start": "2027-01-15T15:00", "end": "2027-01-16T16:00"} | more
        components = [{"component": "mod", "releases": [{"artifact": package["id"]}]}]
        return self.post("/v1/plans", name=name, product=product["id"], components=components, **fields)

    def activate(self, plan):
        return self.post(f"/v1/plans/{plan['id']}/activate")

    def counters(self, plan):
        """Devices of a plan by status, without the zeros."""
        counted = self.get(f"/v1/plans/{plan['id']}")["counters"]["by_status"]
        return {name: count for name, count in counted.items() if count}

    def upgrades(self, plan):
        """Device key -> upgrade."""
        return {one["dk"]: one for one in self.get(f"/v1/plans/{plan['id']}/upgrades", limit=1000)["items"]}

    def log(self, upgrade):
        """Texts of the log of an upgrade."""
        return [line["text"]["en"] for line in self.get(f"/v1/upgrades/{upgrade['id']}/log")["items"]]

    def until(self, is_so):
        """Ask until it is so; a last time the assertion speaks."""
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end:
            if is_so():
                return
            time.sleep(0.02)
        raise AssertionError(f"not so within {WAIT_S} s; notices: {self.notices}")
