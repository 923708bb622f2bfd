"""The seed's OTA walk-through (seed 003), step by step, over real sockets; simulated devices, the clock in the hand."""

from __future__ import annotations

import asyncio
import contextlib
import threading

import pytest

from ota_site import OtaSite
from quecthing_device import QuecThingDevice, Wishes, flashes


class Fleet:
    """Devices that live in a thread of their own."""

    def __init__(self, port):
        self.port = port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._lives = []

    def add(self, flash, **wishes):
        device = QuecThingDevice(flash, self.port, Wishes(**wishes))
        self._lives.append(asyncio.run_coroutine_threadsafe(device.live(), self._loop))
        return device

    def do(self, device, call):
        """Call something of a device in its thread."""
        done = threading.Event()
        self._loop.call_soon_threadsafe(lambda: (call(device), done.set()))
        assert done.wait(60)

    def stop(self):
        for life in self._lives:
            life.cancel()
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0.01), self._loop).result(60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)
        with contextlib.suppress(RuntimeError):
            self._loop.close()


@pytest.fixture
def site(tmp_path):
    site = OtaSite(tmp_path / "ota")
    yield site
    site.stop()


@pytest.fixture
def fleet(site):
    fleet = Fleet(site.addresses.mqtt)
    yield fleet
    fleet.stop()


def online(site, product, count):
    return lambda: len(site.get("/v1/devices", product=product["id"], is_online=True)["items"]) == count


def test_walk_when_the_device_asks_then_upgraded(site, fleet):
    product, ps = site.product()
    [flash] = flashes(1, product["pk"], ps)
    device = fleet.add(flash, asks=False)
    site.until(online(site, product, 1))
    plan = site.plan(product, site.package())
    assert site.activate(plan)["state"] == "running"
    fleet.do(device, QuecThingDevice.request)
    site.until(lambda: site.counters(plan) == {"upgraded": 1})
    assert flash.installs == ["V2"]
    assert flash.version == "V2"
    assert device.results == [("mod", 11)]
