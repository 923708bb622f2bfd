"""The radio seen from both ports of a whole module: AT port and scripts tell the same, at the same moment.

Source: device-api 9.3 (setModemFun 4 ends the data call and calls back), 9.4, 10.6; 3GPP TS 27.007 7.2.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager

import pytest

from moduline.port.serial import open_serial
from moduline.release.firmware import stock_package
from moduline.vmodule import ModuleOptions, open_module
from moduline.vmodule.world.radio_plan import Point, RadioPlan
from moduline.vmodule.world.world import World

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the interpreter's sandbox needs Linux")


class Line:
    """A plain serial client."""

    def __init__(self, stream):
        self._stream = stream
        self._seen = b""

    async def write(self, data):
        await self._stream.write_all(data)

    async def until(self, end):
        """Everything up to and with ``end``."""
        async with asyncio.timeout(30):
            while end not in self._seen:
                self._seen += await self._stream.read_some()
        taken, _, self._seen = self._seen.partition(end)
        return taken + end

    async def ask(self, command):
        """The answer to an AT command, echo off."""
        await self.write(command.encode() + b"\r")
        return (await self.until(b"OK\r\n")).decode()

    async def run(self, statement):
        """What a statement at the prompt prints."""
        await self.write(statement.encode() + b"\r")
        await self.until(statement.encode() + b"\r\n")
        return (await self.until(b">>> ")).decode()[:-4]


@asynccontextmanager
async def both_ports(folder, **plan):
    """(AT port, REPL port, radio) of a module that has a data call."""
    world = World(radio_plan=RadioPlan(**plan))
    async with open_module("ec600u", stock_package("ec600u"), folder, ModuleOptions(world=world)) as module:
        async with asyncio.timeout(20):
            await module.power_on()
            await module.wait_until(lambda: module.state == "running" and module.has_ports)
            at, repl = (open_serial(module.port_path(role)) for role in ("at", "repl"))
            await module.runtime.wait_prompt()
            while not world.radio.has_data:
                await asyncio.sleep(0.005)
        try:
            lines = Line(at), Line(repl)
            await lines[0].ask("ATE0")
            await lines[1].write(b"\r")
            await lines[1].until(b">>> ")
            yield *lines, world.radio, module
        finally:
            await at.close()
            await repl.close()


def test_flight_mode_when_set_by_at_then_the_scripts_callback_hears_and_reads_the_same(tmp_path):
    async def story():
        async with both_ports(tmp_path) as (at, repl, radio, _):
            await repl.run("import net, dataCall")
            await repl.run("dataCall.setCallback(lambda told: print('data', told))")
            assert await at.ask("AT+CREG=1") == "\r\nOK\r\n"
            assert await at.ask("AT+CFUN=4") == "\r\nOK\r\n"
            await repl.until(b"data (1, 0, 0)\r\n")
            await at.until(b"\r\n+CREG: 0\r\n")
            assert await repl.run("net.getModemFun(), net.getState()[1][0]") == "(4, 0)\r\n"
            await repl.run("net.setModemFun(1)")
            await at.until(b"\r\n+CREG: 2\r\n\r\n+CREG: 1\r\n")
            assert "+CFUN: 1" in await at.ask("AT+CFUN?")
            assert radio.functionality == 1

    asyncio.run(story())


def test_signal_and_battery_when_asked_on_both_ports_then_one_truth(tmp_path):
    async def story():
        battery = (Point(0, 3333.0),)
        async with both_ports(tmp_path, battery=battery) as (at, repl, radio, _):
            await repl.run("import net; from misc import Power")
            assert await repl.run("net.csqQueryPoll(), Power.getVbatt()") == "(24, 3333)\r\n"
            assert await at.ask("AT+CSQ;+CBC") == "\r\n+CSQ: 24,99\r\n\r\n+CBC: 0,0,3333\r\n\r\nOK\r\n"
            radio.set_rssi(7)
            radio.set_battery(3801)
            assert await repl.run("net.csqQueryPoll(), Power.getVbatt()") == "(7, 3801)\r\n"
            assert await at.ask("AT+CSQ;+CBC") == "\r\n+CSQ: 7,99\r\n\r\n+CBC: 0,50,3801\r\n\r\nOK\r\n"

    asyncio.run(story())


def test_script_when_it_sends_power_down_by_at_then_the_module_is_off_and_the_radio_too(tmp_path):
    async def story():
        async with both_ports(tmp_path) as (_, repl, radio, module):
            await repl.write(b"import atcmd; atcmd.sendSync('AT+QPOWD\\r\\n', bytearray(9), '', 5)\r")
            async with asyncio.timeout(30):
                await module.wait_state("off")
            assert not radio.is_on
            assert not radio.has_data

    asyncio.run(story())
