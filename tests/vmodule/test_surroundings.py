"""A whole module and what surrounds it: watchdog, alarm, power key, the kept RTC, what its UARTs lead to.

Source: device-api 2.5, 10.5, 10.6; the vendor's page of ``machine.RTC`` (EC600U switches on at the alarm).
"""

from __future__ import annotations

import asyncio
import sys

import pytest

from moduline.port.tcp import open_tcp
from moduline.vmodule.world import World
from moduline.vmodule.world.bench_plan import BenchPlan, Reply, UartPeer
from moduline.vmodule.world.clock import ClockPlan, ModuleClock
from moduline.vmodule.world.radio_plan import RadioPlan, SimPlan
from vmodule.test_whole_module import execute, on, running

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the interpreter's sandbox needs Linux")

NO_NETWORK = RadioPlan(sim=SimPlan(state="absent"))  # nobody sets the RTC
REASONS = "from misc import Power; print(Power.powerOnReason())"


def world(**clock):
    return World(clock=ModuleClock(ClockPlan(**clock)), radio_plan=NO_NETWORK)


async def ask_for(module, code):
    """Run what ends this power-on; the answer does not come."""
    task = asyncio.create_task(execute(module, code))
    async with asyncio.timeout(20):
        await module.wait_until(lambda: module.state != "running")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def back(module):
    async with asyncio.timeout(20):
        await module.wait_until(lambda: module.state == "running" and module.has_ports)
        await module.runtime.wait_prompt()


def test_watchdog_when_not_fed_restarts_the_module_and_says_so_afterwards(tmp_path):
    async def story():
        surroundings = world(speed=100)
        async with running(tmp_path, world=surroundings) as module:
            assert await execute(module, REASONS) == "1\r\n"
            await ask_for(module, "from machine import WDT\nw = WDT(20)\nwhile True: pass")
            await back(module)
            assert await execute(module, REASONS) == "5\r\n"

    asyncio.run(story())


def test_alarm_when_the_module_has_switched_itself_off_switches_it_on(tmp_path):
    async def story():
        surroundings = world(speed=100)
        async with running(tmp_path, world=surroundings) as module:
            await ask_for(
                module,
                "from machine import RTC\nfrom misc import Power\nr = RTC()\nd = list(r.datetime())\nd[6] += 60\n"
                "r.set_alarm(d)\nr.enable_alarm(1)\nPower.powerDown()",
            )
            async with asyncio.timeout(30):
                await module.wait_state("off")
            await back(module)
            assert await execute(module, REASONS) == "4\r\n"

    asyncio.run(story())


def test_alarm_when_the_supply_is_cut_stays_silent(tmp_path):
    async def story():
        surroundings = world(speed=100)
        async with running(tmp_path, world=surroundings) as module:
            await execute(
                module,
                "from machine import RTC\nr = RTC()\nd = list(r.datetime())\nd[6] += 30\n"
                "print(r.set_alarm(d), r.enable_alarm(1))",
            )
            await module.power_off()
            due = asyncio.Event()
            surroundings.clock.call_later(60, due.set)
            await due.wait()
            assert module.state == "off"

    asyncio.run(story())


def test_power_key_when_the_module_has_switched_itself_off_switches_it_on(tmp_path):
    async def story():
        surroundings = world()
        async with running(tmp_path, world=surroundings) as module:
            await ask_for(module, "from misc import Power; Power.powerDown()")
            async with asyncio.timeout(30):
                await module.wait_state("off")
            surroundings.bench.press_power_key(0.6)
            await back(module)
            assert await execute(module, REASONS) == "1\r\n"

    asyncio.run(story())


def test_rtc_when_the_supply_was_cut_and_the_process_is_another_goes_on(tmp_path):
    async def story():
        async with running(tmp_path, world=world()) as module:
            await execute(module, "from machine import RTC; RTC().datetime((2031, 5, 6, 0, 7, 8, 9, 0))")
            await module.power_off()
            await on(module)
            assert (
                await execute(module, "from machine import RTC; print(RTC().datetime()[:4])") == "(2031, 5, 6, 2)\r\n"
            )
        async with running(tmp_path, world=world()) as module:
            assert (
                await execute(module, "from machine import RTC; print(RTC().datetime()[:4])") == "(2031, 5, 6, 2)\r\n"
            )

    asyncio.run(story())


def test_rtc_when_nothing_supplies_it_begins_in_1970_after_a_power_cut(tmp_path):
    async def story():
        async with running(tmp_path, world=world(is_rtc_kept=False)) as module:
            await module.power_off()
            await on(module)
            assert await execute(module, "import utime; print(utime.localtime()[:3])") == "(1970, 1, 1)\r\n"

    asyncio.run(story())


def test_uarts_when_the_bench_names_them_lead_to_a_script_and_to_tcp_and_the_rest_to_a_port(tmp_path):
    async def story():
        peers = (UartPeer(1, "script", replies=(Reply(b"AT\r", b"OK\r\n"),)), UartPeer(4, "tcp"))
        surroundings = World(bench_plan=BenchPlan(uarts=peers))
        async with running(tmp_path, world=surroundings) as module:
            code = (
                "from machine import UART\n"
                "a, b = UART(1, 9600, 8, 0, 1, 0), UART(4, 9600, 8, 0, 1, 0)\n"
                "a.write('AT\\r')\nwhile a.any() < 4: pass\n"
                "print(a.read())\n"
                "b.write('hello')\nwhile b.any() < 5: pass\nprint(b.read())\n"
            )
            assert module.port_path("uart1") == ""
            assert module.port_path("uart2").endswith("uart2")
            host, port = module.port_path("uart4").removeprefix("tcp:").split(":")
            far = await open_tcp(host, int(port))
            said = asyncio.create_task(execute(module, code))
            assert await far.read_some() == b"hello"
            await far.write_all(b"there")
            assert await said == "b'OK\\r\\n'\r\nb'there'\r\n"
            await far.close()

    asyncio.run(story())
