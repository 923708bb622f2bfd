"""A whole 8850 module on its pseudo-terminals: AT command, ROM, FDL, a whole package, restart, scripts again.

The host is the small one of the tests; nothing of the burner is used.
"""

from __future__ import annotations

import asyncio
import os
import select
import sys
import time
import tty
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from moduline.formats import nv
from moduline.package import merge, read_package, write_package
from moduline.port.serial import open_serial
from moduline.profiles import catalog
from moduline.release.firmware import stock_package
from moduline.release.produce import Options, produce
from moduline.remote.at_session import AtSession
from moduline.remote.repl_session import ReplSession
from moduline.vmodule import ModuleOptions, open_module
from moduline.vmodule.power import Timings
from samples import sample
from unisoc8850_host import (
    ACK,
    CONNECT,
    CPIO,
    ERASE,
    EXEC,
    FDL_AT,
    NV,
    POWER_OFF,
    READ,
    RESET,
    START,
    VER_FDL,
    VER_ROM,
    Host,
    cpio,
    crc16,
    frame,
    words,
)

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the interpreter's sandbox needs Linux")

LIMIT_S = 20
MERGED = "unisoc/EC600GCN_LD__8850XM_cat1_open_merge.pac"
HEAD_BYTES = 4
MAIN = """
PROJECT_NAME = "LAMP"
PROJECT_VERSION = "1.0.0"
f = open("/usr/ran.txt", "w")
f.write("the lamp is on")
f.close()
"""
RAN = "print(open('/usr/ran.txt').read())"


class PtyHost(Host):
    """The host of the tests on a terminal: sends, and reads until an answer is whole."""

    def __init__(self, path, limit_s=LIMIT_S):
        super().__init__(None)
        self.limit_s = limit_s
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self.fd)

    def close(self):
        os.close(self.fd)

    def raw(self, data):
        rest, said, until = memoryview(data), b"", time.monotonic() + self.limit_s
        while time.monotonic() < until:
            readable, writable, _ = select.select([self.fd], [self.fd] if rest else [], [], 0.1)
            if readable:
                piece = os.read(self.fd, 65536)
                if not piece:
                    raise BrokenPipeError
                said += piece
                if not rest and is_whole(said):
                    return said
            if writable:
                rest = rest[os.write(self.fd, rest[:4096]) :]
        return said


def is_whole(said):
    """Whether one frame has come: as many bytes between its flags as its length says."""
    body = said.strip(b"\x7e").replace(b"\x7d\x5e", b"\x7e").replace(b"\x7d\x5d", b"\x7d")
    return said.endswith(b"\x7e") and len(body) > HEAD_BYTES and len(body) == int.from_bytes(body[2:4], "big") + 6


def nv_of(host):
    block = b""
    while len(block) < 0x28000:
        kind, data = host.say(READ, words(NV, 0x3000, len(block)))
        assert kind == 0x93
        block += data
    return block


def burnt(host, data):
    """Everything the package says, in its order, as 6.2 to 6.4 have it; gives what was written to flash by address."""
    package = read_package(data)
    host.up(package.part("FDL").data)
    own = nv_of(host)
    flashed = {}
    for part in package.parts:
        if not part.is_default or part.kind in {"loader", "xml", "phasecheck"}:
            continue
        if part.kind in {"erase", "format"}:
            assert host.code(ERASE, part.address, part.size) == ACK, part.name
            continue
        content = part.data
        if part.kind == "nv":
            ids = [item.id for item in package.nv_items if item.id is not None]
            content = nv.carry_over(part.data, own, ids).block
        assert set(host.write(part.address, content, 0x3000)) == {ACK}, part.name
        if part.kind == "code":
            flashed[part.address] = content
    assert host.code(RESET) == ACK
    host.close()
    return flashed


@asynccontextmanager
async def running(folder, slug="ec600g", **options):
    async with open_module(slug, stock_package(slug), folder, ModuleOptions(**options)) as module:
        await module.power_on()
        await up(module)
        yield module


async def up(module):
    async with asyncio.timeout(LIMIT_S):
        await module.wait_until(lambda: module.state == "running" and module.has_ports)
        await module.runtime.wait_prompt()


async def into_download_mode(module):
    async with AtSession(open_serial(module.port_path("at"))) as at:
        await at.tell("AT+QDOWNLOAD=1")
    async with asyncio.timeout(LIMIT_S):
        await module.wait_until(lambda: module.state == "download" and module.has_ports)
    return module.port_path("download")


async def left_download_mode(module):
    async with asyncio.timeout(LIMIT_S):
        await module.wait_until(lambda: module.state != "download")


async def execute(module, code):
    async with ReplSession(open_serial(module.port_path("repl"))) as repl:
        return (await repl.exec(code)).decode()


def production_package(tmp_path, slug):
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "main.py").write_text(MAIN)
    return produce(folder, stock_package(slug), Options(module=slug)).data


@pytest.mark.parametrize("slug", ["ec600g", "ec800g"])
def test_module_when_our_package_is_burnt_then_every_byte_is_there_and_it_runs_again(slug, tmp_path):
    notices = []

    async def story():
        async with running(tmp_path, slug, report=notices.append) as module:
            imei, version, block = module.imei, module.firmware_version, module.storage.nv.read_block()
            await execute(module, "f=open('/usr/old.txt','w'); f.write('old'); f.close()")
            path = await into_download_mode(module)
            flashed = await asyncio.to_thread(burnt, PtyHost(path), stock_package(slug))
            await left_download_mode(module)
            for address, content in flashed.items():
                assert module.file.memory.read(address - 0x60000000, len(content)) == content, hex(address)
            assert sorted(flashed) == [0x60000000, 0x60020000, 0x60030000]
            await up(module)
            assert (module.imei, module.firmware_version) == (imei, version)
            kept = nv.read(module.storage.nv.read_block())
            assert kept.item(0x26F) == nv.read(block).item(0x26F)
            assert module.storage.volumes["/modem"].files.paths() == ("/modem/cp.bin.000",)
            assert module.content_bytes > sum(map(len, flashed.values()))
            assert (await execute(module, "import uos; print('old.txt' in uos.listdir('/usr'))")).strip() == "False"

    asyncio.run(story())
    slugs = [notice.slug for notice in notices]
    assert slugs.count("virt.download.StageEntered") == 1


def test_production_package_when_burnt_then_its_main_runs(tmp_path):
    async def story():
        async with running(tmp_path) as module:
            package = await asyncio.to_thread(production_package, tmp_path, "ec600g")
            path = await into_download_mode(module)
            flashed = await asyncio.to_thread(burnt, PtyHost(path), package)
            assert len(flashed) == 5
            await left_download_mode(module)
            await up(module)
            assert (await execute(module, RAN)).strip() == "the lamp is on"

    asyncio.run(story())


def test_vendors_package_when_burnt_then_its_version_is_told_and_scripts_run_on_our_shims(tmp_path):
    """A real EC600G package (without script areas): ARM code stands still, the built-in modules run instead."""
    data = sample(MERGED).read_bytes()

    async def story():
        async with running(tmp_path) as module:
            imei = module.imei
            await execute(module, "f=open('/usr/kept.txt','w'); f.write('kept'); f.close()")
            path = await into_download_mode(module)
            flashed = await asyncio.to_thread(burnt, PtyHost(path), data)
            await left_download_mode(module)
            for address, content in flashed.items():
                assert module.file.memory.read(address - 0x60000000, len(content)) == content, hex(address)
            assert sorted(flashed) == [0x60000000, 0x60020000, 0x60030000, 0x60263000]
            await up(module)
            code = "import modem, uos; print(modem.getDevFwVersion(), modem.getDevImei(), open('/usr/kept.txt').read())"
            assert (await execute(module, code)).split() == ["EC600GCNLDR02A04M04_OCPU", imei, "kept"]
            assert len(module.storage.volumes["/modem"].files.paths()) == 15
            async with AtSession(open_serial(module.port_path("at"))) as at:
                assert await at.tell("AT+CGMR") == ("EC600GCNLDR02A04M04_OCPU",)

    asyncio.run(story())


def test_vendors_package_when_scripts_are_merged_into_it_then_they_are_mounted(tmp_path):
    """Our production package on our base gives the area's image; in a vendor's package it lies where the profile says."""
    module_profile = catalog.module("ec600g")
    ours = read_package(production_package(tmp_path, "ec600g"))
    real = read_package(sample(MERGED).read_bytes())
    areas = [replace(ours.area(role), told_by="fallback") for role in ("user_fs", "backup_fs")]
    images = {"user_fs": ours.part("PY_FS_U").data, "backup_fs": ours.part("PY_FS_B").data}
    merged = merge(real, images, areas)
    assert merged.area("user_fs").address == module_profile.partition("user_fs").address

    async def story():
        async with running(tmp_path / "module") as module:
            path = await into_download_mode(module)
            await asyncio.to_thread(burnt, PtyHost(path), write_package(merged))
            await left_download_mode(module)
            await up(module)
            assert module.firmware_version == "EC600GCNLDR02A04M04_OCPU"
            assert (await execute(module, RAN)).strip() == "the lamp is on"

    asyncio.run(story())


def test_window_when_no_host_comes_then_the_module_boots_and_with_one_it_stays(tmp_path):
    async def story():
        async with running(tmp_path, timings=replace(Timings(), window_s=0.5)) as module:
            await into_download_mode(module)
            await up(module)
            host = PtyHost(await into_download_mode(module))
            assert await asyncio.to_thread(host.raw, b"\x7e" * 3) == VER_ROM
            assert await asyncio.to_thread(host.code, CONNECT) == ACK
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1.0):
                    await module.wait_until(lambda: module.state != "download")
            host.close()

    asyncio.run(story())


def test_burn_when_power_goes_at_content_then_dark_and_the_next_burn_succeeds(tmp_path):
    async def story():
        async with running(tmp_path) as module:
            path = await into_download_mode(module)
            module.fault("cut@download:230000")  # in the middle of the system
            host = PtyHost(path)
            with pytest.raises((AssertionError, OSError)):
                await asyncio.to_thread(burnt, host, stock_package("ec600g"))
            host.close()
            async with asyncio.timeout(LIMIT_S):
                await module.wait_state("off")
            assert module.reason == "power-cut"
            await module.power_on()
            async with asyncio.timeout(LIMIT_S):
                await module.wait_until(lambda: module.state == "download" and module.has_ports)
            assert module.reason == "boot-erased"
            await asyncio.to_thread(burnt, PtyHost(module.port_path("download")), stock_package("ec600g"))
            await up(module)

    asyncio.run(story())


def test_port_when_the_loader_enumerates_anew_then_exec_is_answered_before(tmp_path):
    async def story():
        async with running(tmp_path) as module:
            path = await into_download_mode(module)
            module.fault("reenumerate@exec")
            first = module.entry().ports[0].enumeration
            loader = read_package(stock_package("ec600g")).part("FDL").data
            host = PtyHost(path)
            assert set(await asyncio.to_thread(host.load, loader)) == {ACK}
            async with asyncio.timeout(LIMIT_S):
                await module.wait_until(lambda: module.has_ports and module.entry().ports[0].enumeration > first)
            host.close()
            host = PtyHost(module.port_path("download"))
            assert await asyncio.to_thread(host.raw, b"\x7e" * 3) == VER_FDL
            host.close()

    asyncio.run(story())


def test_port_when_bytes_travel_alone_then_the_same_conversation(tmp_path):
    async def story():
        async with running(tmp_path) as module:
            path = await into_download_mode(module)
            module.fault("fragment")
            host = PtyHost(path)
            await asyncio.to_thread(host.up, read_package(stock_package("ec600g")).part("FDL").data)
            assert set(await asyncio.to_thread(host.write, 0x60030000, bytes(3000), 0x400)) == {ACK}
            host.close()

    asyncio.run(story())


def test_cable_when_pulled_at_content_then_a_new_host_goes_on_with_the_stage_that_runs(tmp_path):
    loader = read_package(stock_package("ec600g")).part("FDL").data

    async def story():
        async with running(tmp_path) as module:
            host = PtyHost(await into_download_mode(module))
            module.fault("unplug@download:5000")  # in the ROM
            with pytest.raises((AssertionError, OSError)):
                await asyncio.to_thread(host.load, loader)
            host.close()
            async with asyncio.timeout(LIMIT_S):
                await module.wait_until(lambda: module.is_unplugged)
            await module.put_in_cable()
            host = PtyHost(module.port_path("download"))
            codes = [await asyncio.to_thread(host.code, CONNECT)]  # flags would not be answered a second time
            codes += await asyncio.to_thread(host.write, FDL_AT, loader, 0x210)
            codes.append(await asyncio.to_thread(host.code, EXEC))
            assert set(codes) == {ACK}
            module.fault("unplug@download:30000")  # in the FDL
            host.stage = "fdl"
            assert await asyncio.to_thread(host.raw, b"\x7e" * 3) == VER_FDL
            with pytest.raises((AssertionError, OSError)):
                await asyncio.to_thread(_all_acknowledged, host, 0x60030000, bytes(60000))
            host.close()
            async with asyncio.timeout(LIMIT_S):
                await module.wait_until(lambda: module.is_unplugged)
            await module.put_in_cable()
            host = PtyHost(module.port_path("download"))
            host.stage = "fdl"
            assert await asyncio.to_thread(host.code, CONNECT) == ACK
            assert set(await asyncio.to_thread(host.write, 0x60030000, bytes(60000))) == {ACK}
            host.close()

    asyncio.run(story())


def _all_acknowledged(host, address, content):
    assert set(host.write(address, content)) == {ACK}


def test_faults_when_switched_on_by_word_then_the_wire_shows_them(tmp_path):
    async def story():
        async with running(tmp_path) as module:
            host = PtyHost(await into_download_mode(module))
            await asyncio.to_thread(host.up, read_package(stock_package("ec600g")).part("FDL").data)
            module.fault("wrong-model,verify-error@CP,verify-error@SPL")
            assert await asyncio.to_thread(host.code, ERASE, 0x60000000, 0x20000) == 0x97
            assert (await asyncio.to_thread(host.write, CPIO, cpio((b"modem/x", b"1"))))[-1] == 0x8B
            assert (await asyncio.to_thread(host.write, 0x60000000, bytes(8)))[-1] == 0x8B
            module.fault("clear")
            assert await asyncio.to_thread(host.code, ERASE, 0x60000000, 0x20000) == ACK
            module.fault("silent")
            host.limit_s = 0.5
            assert await asyncio.to_thread(host.code, START, 0x60030000, 8) is None
            host.close()

    asyncio.run(story())


def test_module_when_another_models_package_is_begun_then_the_first_erase_is_refused_and_it_boots_as_before(tmp_path):
    async def story():
        async with running(tmp_path, "ec800g") as module:
            path = await into_download_mode(module)
            host = PtyHost(path)
            with pytest.raises(AssertionError, match="ERASE_SPL"):
                await asyncio.to_thread(burnt, host, stock_package("ec600g"))
            assert await asyncio.to_thread(host.code, RESET) == ACK
            host.close()
            await left_download_mode(module)
            await up(module)
            assert module.firmware_version.startswith("EC800G")

    asyncio.run(story())


def test_rom_when_a_host_speaks_the_wrong_protocol_then_no_answer_and_no_harm(tmp_path):
    """Asking in turn as a host does that knows no chip: PDL of the 8910, ASR's and EigenComm's greetings."""

    async def story():
        async with running(tmp_path) as module:
            host = PtyHost(await into_download_mode(module), limit_s=0.3)
            for sent in (bytes.fromhex("ae0c000000ff0000") + bytes(12), b"UABT", b"\x81" * 20, frame(CONNECT)[1:-1]):
                assert await asyncio.to_thread(host.raw, sent) == b""
            host.limit_s = LIMIT_S
            assert await asyncio.to_thread(host.raw, b"\x7e" * 3) == VER_ROM
            assert await asyncio.to_thread(host.raw, frame(CONNECT, check=crc16)) == frame(ACK, check=crc16)
            host.close()

    asyncio.run(story())


def test_leaving_when_told_to_switch_off_then_off_and_when_the_loader_stopped_then_only_a_reset_helps(tmp_path):
    loader = read_package(stock_package("ec600g")).part("FDL").data

    async def story():
        async with running(tmp_path) as module:
            host = PtyHost(await into_download_mode(module))
            await asyncio.to_thread(host.up, loader)
            assert await asyncio.to_thread(host.code, POWER_OFF) == ACK
            host.close()
            async with asyncio.timeout(LIMIT_S):
                await module.wait_state("off")
            await module.power_on()
            await up(module)
            host = PtyHost(await into_download_mode(module), limit_s=0.3)
            await asyncio.to_thread(host.up, loader)
            for sent in (frame(CONNECT, check=crc16), frame(CONNECT), b"\x7e" * 9):  # the ROM's check stops the loader
                assert await asyncio.to_thread(host.raw, sent) == b""
            host.close()
            assert module.state == "download"
            await module.reset()
            await up(module)

    asyncio.run(story())


def test_reset_when_the_first_boot_stage_is_gone_then_the_rom_waits_for_a_host_without_end(tmp_path):
    async def story():
        async with running(tmp_path, timings=replace(Timings(), window_s=0.3)) as module:
            host = PtyHost(await into_download_mode(module))
            await asyncio.to_thread(host.up, read_package(stock_package("ec600g")).part("FDL").data)
            assert await asyncio.to_thread(host.code, ERASE, 0x60000000, 0x20000) == ACK
            first = module.entry().ports[0].enumeration
            assert await asyncio.to_thread(host.code, RESET) == ACK
            host.close()
            async with asyncio.timeout(LIMIT_S):
                await module.wait_until(lambda: module.has_ports and module.entry().ports[0].enumeration > first)
            assert (module.state, module.reason) == ("download", "boot-erased")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1.0):
                    await module.wait_until(lambda: module.state != "download")
            await asyncio.to_thread(burnt, PtyHost(module.port_path("download")), stock_package("ec600g"))
            await left_download_mode(module)
            await up(module)

    asyncio.run(story())
