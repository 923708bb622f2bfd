"""A virtual module of this process for checks: its ports, and what surrounds it."""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager

import pytest

from moduline.errors import NoModule
from moduline.line.checks import UnderTest, read_recipe, run_recipe
from moduline.port.serial import open_serial
from moduline.release.firmware import stock_package
from moduline.vmodule import ModuleOptions, open_module
from moduline.vmodule.world.radio_plan import RadioPlan
from moduline.vmodule.world.world import World

needs_module = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the interpreter's sandbox needs Linux")


def recipe_of(text, **files):
    """The recipe of a TOML text; ``files`` are what lies beside it, ``adc_py`` being ``adc.py``."""

    def load(name):
        return files[name.replace(".", "_")].encode()

    return read_recipe(text.encode(), "r.toml", load)


@asynccontextmanager
async def running_module(folder, radio=None, has_data=True, **world):
    """A started EC600U; ``has_data``: it gets a data call, which is waited for."""
    around = World(radio_plan=radio or RadioPlan(), **world)
    async with open_module("ec600u", stock_package("ec600u"), folder, ModuleOptions(world=around)) as module:
        async with asyncio.timeout(30):
            await module.power_on()
            await module.wait_until(lambda: module.state == "running" and module.has_ports)
            await module.runtime.wait_prompt()
            while has_data and not around.radio.has_data:
                await asyncio.sleep(0.005)
        yield module


def ports_of_module(module):
    async def open_port(role):
        if not module.has_ports:
            raise NoModule(address=role)
        return open_serial(module.port_path(role))

    return open_port


def checked(folder, recipe, facts=None, radio=None, **world):
    """Results by name of a recipe on a fresh module."""

    async def story():
        async with running_module(folder, radio, **world) as module:
            unit = UnderTest(ports_of_module(module), facts)
            return {one.name: one for one in await run_recipe(recipe, unit)}

    return asyncio.run(story())


def verdicts(results):
    return {name: one.verdict for name, one in results.items()}
