"""A whole ASR module on its pseudo-terminals: AT command, ROM, loaders, our own package, restart, scripts again.

The host is the small one of the tests, over SMUX (1606) and ETHOS (1601); nothing of the burner is used.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import select
import sys
import time
import tty
import zipfile
from contextlib import asynccontextmanager

import pytest

from asr_ethos_host import EthosHost
from asr_host import FLASHER, PREBOOT, Host, frame, unframed
from moduline.port.serial import open_serial
from moduline.release.firmware import stock_package
from moduline.remote.at_session import AtSession
from moduline.remote.repl_session import ReplSession
from moduline.vmodule import ModuleOptions, open_module

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the interpreter's sandbox needs Linux")

LIMIT_S = 20


class OnPty:
    """Instead of a session: a terminal; ``raw`` sends and reads until an answer is whole."""

    limit_s = LIMIT_S

    def __init__(self, path, mtu=2000):
        super().__init__(None, mtu)
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self.fd)

    def close(self):
        os.close(self.fd)

    def raw(self, data=b""):
        rest, said, until = memoryview(data), b"", time.monotonic() + self.limit_s
        while data and time.monotonic() < until:
            readable, writable, _ = select.select([self.fd], [self.fd] if rest else [], [], 0.1)
            if readable:
                piece = os.read(self.fd, 65536)
                if not piece:
                    raise BrokenPipeError
                said += piece
                if not rest and self.is_whole(said, bytes(data)):
                    return said.replace(b"\x7e\x7d\x25\x7e", b"") if said.endswith(b"UABT") else said
            if writable:
                rest = rest[os.write(self.fd, rest[:4096]) :]
        return said

    def is_whole(self, said, sent):
        """Whether an answer is in it: a greeting (a framed one ends with its flag), a reply to HELLO, or what ends a
        command."""
        framed = sent in {b"\x7eUABT\x7e", b"\x7eUUUU\x7e"}
        if said.endswith((b"UABT\x7e", b"UUUU\x7e") if framed else (b"UABT", b"UUUU", b"UUUU\x7e")):
            return True
        return any(self.is_answer(kind, payload) for kind, payload in unframed(said))


class SmuxOnPty(OnPty, Host):
    def is_answer(self, kind, payload):
        return kind == 2 or (kind == 3 and payload[:4] in {b"OKAY", b"FAIL", b"DATA"})


class EthosOnPty(OnPty, EthosHost):
    def is_answer(self, kind, payload):
        return kind in {0, 3}


def burnt(host, package):
    """Everything the package's script says, then goodbye; gives what was flashed by partition."""
    members = {
        info.filename: zipfile.ZipFile(io.BytesIO(package)).read(info)
        for info in zipfile.ZipFile(io.BytesIO(package)).infolist()
    }
    flashed = {}
    host.open()
    for line in json.loads(members["download.json"]):
        match line["command"]:
            case "require":
                assert host.say(f"getvar:{line['name']}")[4:] in line["value"].split("|"), line
            case "progress":
                assert host.say(f"progress:{line['value']:08x}") == "OKAY"
            case "call":
                assert host.call(members[line["image"]]) == ["OKAY"] * 3
            case "partition":
                assert host.download(members[line["image"]]) == "OKAY"
                assert host.say("partition") == "OKAY"
            case "flash":
                name = line["partition"]
                size = int(host.say(f"getvar:partition-size:{name}")[4:], 16)
                flashed[name] = members[line["image"]]
                assert host.write(name, flashed[name], size) == "OKAY"
            case "erase":
                assert host.say(f"erase:{line['partition']}") == "OKAY"
    assert [host.say(word) for word in ("reboot", "complete")] == ["OKAY", "OKAY"]
    host.close()
    return flashed


@asynccontextmanager
async def running(slug, folder, **options):
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


@pytest.mark.parametrize(("slug", "kind"), [("ec600m", SmuxOnPty), ("ec600s-cnlb", EthosOnPty)])
def test_module_when_our_package_is_burnt_then_every_byte_is_there_and_it_runs_again(slug, kind, tmp_path):
    notices = []

    async def story():
        async with running(slug, tmp_path, report=notices.append) as module:
            imei, version = module.imei, module.firmware_version
            async with ReplSession(open_serial(module.port_path("repl"))) as repl:
                await repl.exec("f=open('/usr/old.txt','w'); f.write('old'); f.close()")
            path = await into_download_mode(module)
            flashed = await asyncio.to_thread(burnt, kind(path), stock_package(slug))
            async with asyncio.timeout(LIMIT_S):
                await module.wait_until(lambda: module.state != "download")
            for name, image in flashed.items():
                place = next(one for one in module.identity.profile.partitions if one.part == name)
                assert module.file.memory.read(module.identity.offset_of(place), len(image)) == image, name
            await up(module)
            assert (module.imei, module.firmware_version) == (imei, version)
            assert module.content_bytes > sum(map(len, flashed.values()))
            async with ReplSession(open_serial(module.port_path("repl"))) as repl:
                assert (await repl.exec("import uos; print('old.txt' in uos.listdir('/usr'))")).strip() == b"False"

    asyncio.run(story())
    slugs = [notice.slug for notice in notices]
    assert slugs.count("virt.download.StageEntered") == 2


def test_heart_beats_when_a_host_only_listens_then_come_by_themselves(tmp_path):
    async def story():
        async with running("ec600m", tmp_path) as module:
            path = await into_download_mode(module)

            def listen():
                host = SmuxOnPty(path, 1024)
                host.open()
                said, until = b"", time.monotonic() + 10
                while said.count(frame(5)) < 3 and time.monotonic() < until:
                    said += os.read(host.fd, 100)
                host.close()
                return said

            began = time.monotonic()
            said = await asyncio.to_thread(listen)
            assert said.count(frame(5)) >= 3
            assert time.monotonic() - began > 0.8

    asyncio.run(story())


def test_window_when_no_host_comes_then_the_module_boots_and_with_one_it_stays(tmp_path):
    from dataclasses import replace

    from moduline.vmodule.power import Timings

    async def story():
        async with running("ec600m", tmp_path, timings=replace(Timings(), window_s=0.5)) as module:
            await into_download_mode(module)
            await up(module)
            host = SmuxOnPty(await into_download_mode(module), 1024)
            await asyncio.to_thread(host.open)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1.0):
                    await module.wait_until(lambda: module.state != "download")
            host.close()

    asyncio.run(story())


def test_burn_when_power_goes_at_content_then_dark_and_the_next_burn_succeeds(tmp_path):
    async def story():
        async with running("ec600m", tmp_path) as module:
            path = await into_download_mode(module)
            module.fault("cut@download:400000")
            host = SmuxOnPty(path)
            with pytest.raises((AssertionError, OSError)):
                await asyncio.to_thread(burnt, host, stock_package("ec600m"))
            host.close()
            async with asyncio.timeout(LIMIT_S):
                await module.wait_state("off")
            assert module.reason == "power-cut"
            await module.power_on(boot_pin=True)
            async with asyncio.timeout(LIMIT_S):
                await module.wait_until(lambda: module.state == "download" and module.has_ports)
            await asyncio.to_thread(burnt, SmuxOnPty(module.port_path("download")), stock_package("ec600m"))
            await up(module)

    asyncio.run(story())


def test_port_when_loaders_enumerate_anew_or_bytes_travel_alone_then_the_link_is_opened_again_and_works(tmp_path):
    async def story():
        async with running("ec600m", tmp_path) as module:
            path = await into_download_mode(module)
            module.fault("fragment,reenumerate@exec")
            first = module.entry().ports[0].enumeration

            def load(host):
                host.open()
                assert host.say("getvar:product") == "OKAYarom-tiny"
                assert host.download(PREBOOT) == "OKAY"
                assert host.say("verify") == "OKAY"
                os.write(host.fd, frame(3, b"call"))

            host = SmuxOnPty(path, 1024)
            await asyncio.to_thread(load, host)
            async with asyncio.timeout(LIMIT_S):
                await module.wait_until(lambda: module.has_ports and module.entry().ports[0].enumeration > first)
            host.close()
            host = SmuxOnPty(module.port_path("download"), 1024)
            await asyncio.to_thread(host.open)
            assert await asyncio.to_thread(host.call, FLASHER) == ["OKAY"] * 3
            host.close()

    asyncio.run(story())


def test_cable_when_pulled_at_content_then_a_new_host_begins_in_the_stage_that_runs(tmp_path):
    async def story():
        async with running("ec600m", tmp_path) as module:
            path = await into_download_mode(module)
            module.fault("unplug@download:3000")

            def load(host):
                host.open()
                host.call(PREBOOT)
                host.download(FLASHER)

            host = SmuxOnPty(path, 1024)
            with pytest.raises((AssertionError, OSError)):
                await asyncio.to_thread(load, host)
            host.close()
            async with asyncio.timeout(LIMIT_S):
                await module.wait_until(lambda: module.is_unplugged)
            await module.put_in_cable()
            host = SmuxOnPty(module.port_path("download"), 1024)
            until = time.monotonic() + LIMIT_S
            while time.monotonic() < until:  # as a host does it: the preamble again and again until it is heard
                host.limit_s = 0.2
                with contextlib.suppress(AssertionError):
                    await asyncio.to_thread(host.open)
                    break
            host.limit_s = LIMIT_S
            assert await asyncio.to_thread(host.call, FLASHER) == ["OKAY"] * 3
            host.close()

    asyncio.run(story())
