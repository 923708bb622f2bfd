"""A whole virtual EC600E: by the pin into download mode, burnt, back in normal mode with what the package says."""

from __future__ import annotations

import asyncio
import sys

import pytest

from eigen_host import (
    AGBOOT,
    AGENTBOOT,
    AP_ID,
    BOOT_ID,
    CP_ID,
    DLBOOT,
    FLEX_ID,
    LPC,
    TO_CP,
    EigenHost,
    head,
    order,
    packet,
    rom_packet,
)
from eigen_package import entries_of
from moduline.package import read_package
from moduline.port.serial import open_serial
from moduline.release.firmware import stock_package
from moduline.remote.repl_session import ReplSession
from moduline.vmodule import ModuleOptions, open_module
from moduline.vmodule.download_sessions import session_for
from moduline.vmodule.power import Timings
from samples import sample

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the interpreter's sandbox needs Linux")

IDS = {"BL": (BOOT_ID, b""), "AP": (AP_ID, b""), "CP": (CP_ID, TO_CP), "FLX": (FLEX_ID, b"")}


async def until(module, *states):
    async with asyncio.timeout(20):
        await module.wait_until(lambda: module.state in states and module.has_ports)


def burn(module, images):
    """Burn (type, data, address) into a module without power, byte for byte as over its port."""
    module.file.flash.power_on()
    host = EigenHost(session_for(module.identity, module.storage, module.faults.download)).up()
    for kind, data, address in images:
        image_id, selector = IDS[kind]
        assert host.burn(image_id, data, 0 if kind == "BL" else address, selector) == 0
    module.file.flash.power_off()


def images_of_ours():
    kinds = {"boot": ("BL", 0), "system": ("AP", 0), "modem": ("CP", 0)}
    for part in read_package(stock_package("ec600e")).parts:
        if part.kind == "code" and part.is_default:
            kind = kinds.get(part.role, ("FLX", 0))[0]
            yield kind, part.data, 0 if kind == "CP" else part.address


async def printed(module, code):
    await module.runtime.wait_prompt()
    async with ReplSession(open_serial(module.port_path("repl"))) as repl:
        return (await repl.exec(code)).decode().split()


def test_module_when_burnt_with_our_package_then_runs_it_with_everything_on_board(tmp_path):
    async def story():
        async with open_module("ec600e", None, tmp_path) as module:
            burn(module, images_of_ours())
            await module.power_on()
            await until(module, "running")
            version = read_package(stock_package("ec600e")).version
            assert module.firmware_version == version
            assert version.startswith("EC600E")
            code = "import modem, uos; print(modem.getDevFwVersion(), modem.getDevImei(), uos.statvfs('/usr')[0])"
            assert await printed(module, code) == [version, module.imei, "4096"]

    asyncio.run(story())


def test_module_when_burnt_with_the_vendor_s_package_then_built_in_modules_and_its_facts(tmp_path):
    """brief, decision 5: ARM code does not run here; what runs says the version that stands in the image."""
    package = sample("eigen/EC600E_at_command_v106.binpkg").read_bytes()

    async def story():
        async with open_module("ec600e", None, tmp_path) as module:
            burn(module, [(kind, data, address) for _, address, _, kind, data, _ in entries_of(package)])
            await module.power_on()
            await until(module, "running")
            assert module.firmware_version == "EC600ECNLCR01A01M04_BETA1201"
            code = "import modem, example; print(modem.getDevFwVersion(), modem.getDevModel())"
            assert await printed(module, code) == ["EC600ECNLCR01A01M04_BETA1201", "EC600E"]

    asyncio.run(story())


def test_module_when_the_vendor_s_system_is_not_whole_then_stays_in_the_rom_and_says_why(tmp_path):
    package = sample("eigen/EC600E_at_command_v106.binpkg").read_bytes()
    images = [(kind, data, address) for _, address, _, kind, data, _ in entries_of(package)]

    async def story():
        async with open_module("ec600e", None, tmp_path) as module:
            burn(module, images)
            module.file.memory.erase(0x100000, 0x1000)
            await module.power_on()
            await until(module, "download")
            assert module.reason == "system-invalid"
            await module.power_off()
            burn(module, images)
            await module.power_on()
            await until(module, "running")

    asyncio.run(story())


def test_port_when_in_download_mode_then_17d1_0001_and_the_pin_holds_it_there(tmp_path):
    """The ROM's patience is for those who came by a command; the pin keeps the module in it."""
    notices = []
    options = ModuleOptions(timings=Timings(window_s=0.05), report=notices.append)

    async def story():
        async with open_module("ec600e", stock_package("ec600e"), tmp_path, options) as module:
            await module.power_on(boot_pin=True)
            await until(module, "download")
            (port,) = module.entry().ports
            assert (port.role, port.vid, port.pid, port.product) == (
                "download",
                0x17D1,
                0x0001,
                "Quectel QDLoader Port",
            )
            stream = open_serial(module.port_path("download"))
            await stream.write_all(DLBOOT * 2)
            async with asyncio.timeout(30):
                assert await stream.read_some() == DLBOOT
            await stream.close()
            assert module.state == "download"
            assert "virt.window-over" not in [notice.slug for notice in notices]
            await module.reset()
            await until(module, "running")

    asyncio.run(story())


def test_agentboot_when_a_host_dies_on_the_line_then_the_module_s_clock_gives_control_back(tmp_path):
    """The loop wakes the session: 0x9B for the packet that never ended comes without anything being sent."""

    async def story():
        async with open_module("ec600e", stock_package("ec600e"), tmp_path) as module:
            await module.power_on(boot_pin=True)
            await until(module, "download")
            stream = open_serial(module.port_path("download"))

            async def ask(data, size):
                await stream.write_all(data)
                heard = b""
                async with asyncio.timeout(30):
                    while len(heard) < size:
                        heard += await stream.read_some()
                return heard

            agentboot = AGENTBOOT[:0x400]
            await ask(DLBOOT * 2, 4)
            for content, size in ((head(BOOT_ID, agentboot), 272), (agentboot, 0x400)):
                await ask(rom_packet(0x31, size.to_bytes(4, "little")), 10)
                await ask(rom_packet(0x32, content), 6)
                await ask(rom_packet(0x3A), 6)
                if size == 272:
                    await ask(DLBOOT * 2, 4)
            await ask(LPC * 2, 4)
            await ask(order(0x42, FLEX_ID.to_bytes(4, "little")), 10)
            await ask(AGBOOT * 4, 4)
            said = await ask(packet(0x31, (272).to_bytes(4, "little"))[:-2], 14)
            assert said[:10] == bytes.fromhex("3100CD320104 9B000000")
            await stream.close()

    asyncio.run(story())
