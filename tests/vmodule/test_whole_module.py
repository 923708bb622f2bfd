"""Flash, wire and the real interpreter together: what a script writes, what survives, what a power cut leaves."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from moduline.errors import PortGone
from moduline.port.serial import open_serial
from moduline.release.firmware import stock_package
from moduline.remote.repl_session import ReplSession
from moduline.vmodule import ModuleOptions, open_module

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the interpreter's sandbox needs Linux")


@asynccontextmanager
async def running(folder, **options):
    """A module that is up, with our stock firmware."""
    async with open_module("ec600u", stock_package("ec600u"), folder, ModuleOptions(**options)) as module:
        await on(module)
        yield module


async def on(module):
    async with asyncio.timeout(20):
        await module.power_on()
        await module.wait_until(lambda: module.state == "running" and module.has_ports)
        await module.runtime.wait_prompt()


async def execute(module, code):
    """What a snippet prints."""
    async with ReplSession(open_serial(module.port_path("repl"))) as repl:
        return (await repl.exec(code)).decode()


def test_module_when_on_then_says_what_nv_and_flash_say(tmp_path):
    async def story():
        async with running(tmp_path) as module:
            code = "import modem; print(modem.getDevImei(), modem.getDevModel(), modem.getDevFwVersion())"
            printed = (await execute(module, code)).split()
            assert printed == [module.imei, "EC600U", module.firmware_version]
            assert printed[2].startswith("EC600UCNLB")

    asyncio.run(story())


def test_file_when_written_by_a_script_then_survives_the_supply_and_a_new_process(tmp_path):
    async def story():
        async with running(tmp_path) as module:
            await execute(module, "f=open('/usr/kept.txt','w'); f.write('x'*5000); f.close()")
            await module.power_off()
            await on(module)
            assert await execute(module, "print(len(open('/usr/kept.txt').read()))") == "5000\r\n"
        async with running(tmp_path) as module:
            code = "from misc import Power; print(len(open('/usr/kept.txt').read()), Power.powerOnReason())"
            assert await execute(module, code) == "5000 1\r\n"

    asyncio.run(story())


@pytest.mark.parametrize("spec", ["cut@0", "cut@3", "tear@2:9", "tear@5:4"])
def test_file_when_power_goes_while_written_then_module_dark_and_old_files_are_whole(tmp_path, spec):
    async def story():
        async with running(tmp_path) as module:
            await execute(module, "f=open('/usr/old.txt','w'); f.write('old'*1000); f.close()")
            module.fault(spec)
            with contextlib.suppress(PortGone):
                await execute(module, "f=open('/usr/new.txt','w'); f.write('new'*9000); f.close()")
            async with asyncio.timeout(30):
                await module.wait_state("off")
            assert module.reason == "power-cut"
            await on(module)
            assert await execute(module, "print(open('/usr/old.txt').read() == 'old'*1000)") == "True\r\n"

    asyncio.run(story())


@pytest.mark.parametrize(("call", "state"), [("powerDown", "off"), ("powerRestart", "running")])
def test_power_when_a_script_switches_it_then_ports_vanish_and_state_follows(tmp_path, call, state):
    async def story():
        async with running(tmp_path) as module:
            first = module.runtime
            with contextlib.suppress(PortGone):
                await execute(module, f"from misc import Power; Power.{call}()")
            async with asyncio.timeout(20):
                await module.wait_until(lambda: module.state == state and module.runtime is not first)
                if state == "running":
                    await module.wait_until(lambda: module.has_ports)
                    await module.runtime.wait_prompt()
                    assert await execute(module, "from misc import Power; print(Power.powerOnReason())") == "2\r\n"

    asyncio.run(story())


def open_descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


def test_modules_when_booted_often_then_no_descriptor_is_left_over(tmp_path):
    async def story():
        async with running(tmp_path) as module:
            await module.power_off()
            await on(module)
            await module.power_off()
            before = open_descriptors()
            for _ in range(5):
                await on(module)
                await module.power_off()
            assert open_descriptors() <= before

    asyncio.run(story())
