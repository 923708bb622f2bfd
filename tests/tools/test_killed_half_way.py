"""Other people's programs, eight at once, killed half-way: the next run completes each module.

ectool from PyPI every time, and in the sweeps the minimal hosts written from the platform references for the tests of the
module's side.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack
from importlib.util import find_spec
from pathlib import Path

import pytest

from moduline.vmodule import open_module
from tools.minimal_host import images_of
from tools.test_ectool import SMALL, enter, hashes_in, hashes_of, said_by, written
from tools.test_ectool import start as start_ectool

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are for POSIX"),
    pytest.mark.timeout(300),
]
HOST = Path(__file__).with_name("minimal_host.py")
MODULES = {"unisoc": "ec600u", "asr": "ec600m", "ethos": "ec600s"}
COUNT = 8


async def start_host(kind, module, seed):
    words = [str(HOST), kind, module.port_path("download"), seed]
    return await asyncio.create_subprocess_exec(
        sys.executable, *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )


def holds(module, kind, seed):
    """Whether every image lies where it belongs."""
    flash = module.file.memory
    return all(flash.read(at, len(data)) == data for at, _, data in images_of(kind, seed))


async def kill_when(module, process, size):
    """SIGKILL as soon as so many bytes are in the flash."""
    await written(module, size)
    process.kill()
    await process.communicate()


@pytest.mark.sweep
@pytest.mark.parametrize("kind", MODULES)
def test_minimal_hosts_when_eight_are_killed_half_way_then_the_next_run_completes_each(kind, tmp_path):
    third = sum(len(data) for _, _, data in images_of(kind, "")) // 3

    async def story():
        async with AsyncExitStack() as stack:
            modules = [
                await stack.enter_async_context(open_module(MODULES[kind], None, tmp_path / f"m{n}"))
                for n in range(COUNT)
            ]
            for module in modules:
                await enter(module)
            before = [module.file.memory.counts.programmed_bytes for module in modules]
            started = [await start_host(kind, module, "first") for module in modules]
            pairs = zip(modules, started, before, strict=True)
            await asyncio.gather(*[kill_when(module, process, had + third) for module, process, had in pairs])
            for module in modules:
                assert not holds(module, kind, "first")
                await enter(module)
            again = [await start_host(kind, module, f"unit {n}") for n, module in enumerate(modules)]
            said = await asyncio.gather(*[said_by(process, 120) for process in again])
            bad = [one[-1500:] for one in said if not one.endswith("burnt\n")]
            assert not bad, "\n".join(bad)
            assert all(holds(module, kind, f"unit {n}") for n, module in enumerate(modules))

    asyncio.run(story())


@pytest.mark.skipif(find_spec("ectool") is None, reason="ectool is not installed")
def test_ectools_when_eight_are_killed_half_way_then_the_next_run_completes_each(tmp_path):
    package = tmp_path / "small.binpkg"
    package.write_bytes(SMALL)

    async def story():
        async with AsyncExitStack() as stack:
            modules = [
                await stack.enter_async_context(open_module("ec600e", None, tmp_path / f"m{n}")) for n in range(COUNT)
            ]
            for module in modules:
                await enter(module)
            started = [await start_ectool(module, package) for module in modules]
            await asyncio.gather(
                *[kill_when(module, process, 20_000) for module, process in zip(modules, started, strict=True)]
            )
            for module in modules:
                assert hashes_in(module.file.memory, SMALL) != hashes_of(SMALL)
                await enter(module)
            again = [await start_ectool(module, package) for module in modules]
            said = await asyncio.gather(*[said_by(process, 200) for process in again])
            bad = [one[-600:] for one in said if "burn ok" not in one]
            assert not bad, bad
            assert all(hashes_in(module.file.memory, SMALL) == hashes_of(SMALL) for module in modules)

    asyncio.run(story())
