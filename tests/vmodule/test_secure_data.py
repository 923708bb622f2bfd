"""SecureData in a whole module: beside the IMEI in the flash, through power cuts and a new process.

Source: the public page of ``SecureData``.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys

import pytest

from moduline.errors import PortGone
from vmodule.test_whole_module import execute, on, running

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the interpreter's sandbox needs Linux")

READ = "import SecureData; b = bytearray(60); n = SecureData.Read(3, b, 60); print(n, bytes(b[:max(n, 0)]))"


def store(text):
    return f"import SecureData; print(SecureData.Store(3, {text!r}, {len(text)}))"


def test_record_when_stored_then_survives_the_supply_and_a_new_process(tmp_path):
    async def story():
        async with running(tmp_path) as module:
            imei = module.imei
            assert await execute(module, READ) == "-2 b''\r\n"
            assert await execute(module, store("licence-1")) == "0\r\n"
            await module.power_off()
            await on(module)
            assert await execute(module, READ) == "9 b'licence-1'\r\n"
        async with running(tmp_path) as module:
            assert await execute(module, READ) == "9 b'licence-1'\r\n"
            assert module.imei == imei

    asyncio.run(story())


@pytest.mark.parametrize("spec", ["cut@0", "tear@0:5"])
def test_record_when_the_power_goes_while_it_is_stored_then_old_or_new(tmp_path, spec):
    async def story():
        async with running(tmp_path) as module:
            assert await execute(module, store("old")) == "0\r\n"
            module.fault(spec)
            with contextlib.suppress(PortGone):
                await execute(module, store("new"))
            async with asyncio.timeout(30):
                await module.wait_state("off")
            assert module.reason == "power-cut"
            await on(module)
            assert await execute(module, READ) in {"3 b'old'\r\n", "3 b'new'\r\n"}

    asyncio.run(story())
