"""One virtual module without an interpreter on a test bench, for tests of faults, cables and re-enumeration."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

from moduline.formats import system_image
from moduline.port import address
from moduline.port.serial import open_serial
from moduline.vmodule.facts import identity_of
from moduline.vmodule.module import VirtualModule
from moduline.vmodule.module_options import ModuleOptions
from moduline.vmodule.power import Timings
from unisoc_host import uimage

FAST = Timings(boot_s=0.001, enumerate_s=0.001, answer_s=0.02, window_s=10.0, power_off_s=0.001)
VERSION = "EC600UCNLBR03A01M08_OCPU_PY_TEST"


class StandIn:
    """In place of the interpreter: sends back what it reads on the REPL, unless it stands still."""

    def __init__(self, plan):
        self.plan = plan
        self.is_running = self.is_still = False

    async def start(self):
        self.is_running = True
        self._task = asyncio.create_task(self._echo())

    async def _echo(self):
        while True:
            await self.plan.repl.write_all(await self.plan.repl.read_some())

    async def stop(self):
        self.is_running = False
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def wait_prompt(self):
        return

    def stand_still(self):
        self.is_still = True

    def go_on(self):
        self.is_still = False


class FaultBench:
    """One module, its stand-ins by power-on, and what it said."""

    def __init__(self, module, runtimes, notices):
        self.module = module
        self.runtimes = runtimes
        self.notices = notices

    @property
    def slugs(self):
        return [notice.slug for notice in self.notices]

    async def on(self, *states, **how):
        await self.module.power_on(**how)
        await self.until(*(states or ("running", "download")))

    async def until(self, *states):
        async with asyncio.timeout(30):
            await self.module.wait_until(
                lambda: self.module.state in states and (self.module.has_ports or "off" in states)
            )

    async def fault(self, words):
        self.module.fault(words)
        await self.module.fault_acted()

    async def open(self, role):
        path = self.module.port_path(role)
        return await address.open_address(path) if path.startswith("tcp:") else open_serial(path)


def firmware(version=VERSION):
    image = system_image.SystemImage(version, "ec600u", ("EC600U",), "6.3", (), b"\xd2\xcd\x31\x00")
    return uimage(system_image.write(image))


@asynccontextmanager
async def fault_bench(folder, *, is_blank=False, **options):
    """A module without power, its flash holding a boot image and a small system unless it is blank."""
    runtimes, notices = [], []

    async def make_runtime(plan):
        runtimes.append(StandIn(plan))
        return runtimes[-1]

    options.setdefault("timings", FAST)
    module = VirtualModule(
        identity_of("ec600u", "m1"), folder, make_runtime, ModuleOptions(report=notices.append, **options)
    )
    if not is_blank:
        module.file.memory.erase(0, 0x30000)
        module.file.memory.program(0, uimage(b"boot" * 100, 0x800100))
        module.file.memory.program(0x10000, firmware())
    async with module:
        yield FaultBench(module, runtimes, notices)


async def read_until(stream, end):
    heard = b""
    async with asyncio.timeout(30):
        while end not in heard:
            heard += await stream.read_some()
    return heard
