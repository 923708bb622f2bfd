"""ectool from PyPI, unchanged, burns into a virtual EC600E over a pseudo-terminal.

It ends with status 0 whatever happens, so what counts is its "burn ok" and what is in the flash.

Source: platform-eigencomm 3.5, 6.
"""

import asyncio
import hashlib
import sys
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from eigen_package import binpkg, entries_of
from moduline.vmodule import open_module
from samples import sample

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="ectool's pseudo-terminal wrapper is for POSIX")

WRAPPER = Path(__file__).with_name("ectool_on_pty.py")
CP_START = 0x400000
PLACES = {"BL": 0x4000, "AP": 0x24000, "CP": CP_START}
SMALL = binpkg(
    ("ap_bootloader", 0x4000, 0x8000, "BL", b"boot code " * 777),
    ("ap_at_command", 0x24000, 0x2DC000, "AP", bytes(range(253)) * 300),
    ("cp-demo-flash", 0, 0x80000, "CP", b"\xff\x00modem" * 1500),
)


@asynccontextmanager
async def in_download_mode(folder, model="ec600e"):
    async with open_module(model, None, folder) as module:
        await enter(module)
        yield module


async def enter(module):
    await module.power_off()
    async with asyncio.timeout(20):
        await module.power_on(boot_pin=True)
        await module.wait_until(lambda: module.state == "download" and module.has_ports)


async def start(module, package, *more):
    """ectool, started."""
    words = ["burn", "-f", str(package), "-p", module.port_path("download"), *more]
    return await asyncio.create_subprocess_exec(
        sys.executable, str(WRAPPER), *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )


async def said_by(process, limit_s):
    """What it printed, up to its end."""
    async with asyncio.timeout(limit_s):
        out, _ = await process.communicate()
    return out.decode(errors="replace")


async def written(module, size):
    """Return when at least so many bytes were programmed."""
    async with asyncio.timeout(120):
        while module.file.memory.counts.programmed_bytes < size:
            await asyncio.sleep(0.02)


def hashes_in(flash, package):
    """SHA-256 of what lies at the places of the package's images."""
    return {
        kind: hashlib.sha256(flash.read(PLACES[kind], len(data))).hexdigest()
        for _, _, _, kind, data, _ in entries_of(package)
    }


def hashes_of(package):
    """The SHA-256 that the package itself states."""
    return {kind: digest for _, _, _, kind, _, digest in entries_of(package)}


@pytest.mark.parametrize(("model", "port_type"), [("ec600e", "usb"), ("ec800e", "uart")])
def test_ectool_burns_small_package(model, port_type, tmp_path):
    package = tmp_path / "small.binpkg"
    package.write_bytes(SMALL)

    async def story():
        async with in_download_mode(tmp_path / "m", model) as module:
            said = await said_by(await start(module, package, "--port_type", port_type), 60)
            assert "burn ok" in said
            assert hashes_in(module.file.memory, SMALL) == hashes_of(SMALL)
            async with asyncio.timeout(30):
                await module.wait_until(lambda: module.state != "download")

    asyncio.run(story())


def test_ectool_when_killed_then_burns_again_after_the_pin(tmp_path):
    package = tmp_path / "small.binpkg"
    package.write_bytes(SMALL)

    async def story():
        async with in_download_mode(tmp_path / "m") as module:
            process = await start(module, package)
            await written(module, 20_000)
            process.kill()
            await process.communicate()
            assert hashes_in(module.file.memory, SMALL) != hashes_of(SMALL)
            await enter(module)
            assert "burn ok" in await said_by(await start(module, package), 60)
            assert hashes_in(module.file.memory, SMALL) == hashes_of(SMALL)

    asyncio.run(story())


@pytest.mark.sweep
@pytest.mark.timeout(900)
def test_ectool_burns_the_real_package(tmp_path):
    path = sample("eigen/EC600E_at_command_v106.binpkg")
    package = path.read_bytes()

    async def story():
        async with in_download_mode(tmp_path / "m") as module:
            assert "burn ok" in await said_by(await start(module, path), 600)
            assert hashes_in(module.file.memory, package) == hashes_of(package)
            async with asyncio.timeout(20):
                await module.wait_state("running")

    asyncio.run(story())


@pytest.mark.sweep
@pytest.mark.timeout(1800)
def test_ectool_eight_at_once_killed_half_way_and_again_then_all_whole(tmp_path):
    path = sample("eigen/EC600E_at_command_v106.binpkg")
    package = path.read_bytes()

    async def story():
        async with AsyncExitStack() as stack:
            modules = [await stack.enter_async_context(in_download_mode(tmp_path / f"m{i}")) for i in range(8)]
            started = [await start(module, path) for module in modules]
            for module, process in zip(modules, started, strict=True):
                await written(module, len(package) // 2)
                process.kill()
                await process.communicate()
            for module in modules:
                assert hashes_in(module.file.memory, package) != hashes_of(package)
                await enter(module)
            said = await asyncio.gather(*[said_by(await start(module, path), 900) for module in modules])
            assert ["burn ok" in one for one in said] == [True] * 8
            for module in modules:
                assert hashes_in(module.file.memory, package) == hashes_of(package)

    asyncio.run(story())
