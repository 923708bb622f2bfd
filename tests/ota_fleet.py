"""Simulated QuecThing devices that live in a thread of their own."""

from __future__ import annotations

import asyncio
import threading

from quecthing_device import QuecThingDevice, Wishes

WAIT_S = 60.0


class Fleet:
    """Devices of one gateway.

    Args:
        port: of the gateway; may be changed while they live, as when a platform comes back elsewhere.
        kind: of device.
    """

    def __init__(self, port, kind=QuecThingDevice):
        self.port = port
        self._kind = kind
        self.devices = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._lives = []

    def add(self, flash, **wishes):
        """A device that is switched on and stays on."""
        device = self._kind(flash, self.port, Wishes(**wishes))
        self.devices.append(device)
        self._lives.append(asyncio.run_coroutine_threadsafe(device.live(), self._loop))
        return device

    def move(self, port):
        """Have them come to another port from their next connection on."""
        self.port = port
        for device in self.devices:
            device.port = port

    def do(self, device, call, *args):
        """Call something of a device in its thread."""

        async def called():
            return call(device, *args)

        return asyncio.run_coroutine_threadsafe(called(), self._loop).result(WAIT_S)

    def stop(self):
        for life in self._lives:
            life.cancel()

        async def ended():
            others = asyncio.all_tasks() - {asyncio.current_task()}
            await asyncio.gather(*others, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(ended(), self._loop).result(WAIT_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(WAIT_S)
        self._loop.close()
