"""One hostile main.py tries everything in turn; the host stays whole, its neighbour answers, the owner is told."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from moduline.port.serial import open_serial
from moduline.release.firmware import stock_package
from moduline.remote.repl_session import ReplSession
from moduline.vmodule import ModuleOptions, open_module

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the interpreter's sandbox needs Linux")

HOSTILE = """\
import _thread, gc, uos, usocket, sys
tries = {}
def attempt(name, what):
    try:
        tries[name] = repr(what())[:80]
    except BaseException as refused:
        tries[name] = 'refused: ' + type(refused).__name__
attempt('read', lambda: open('/etc/passwd').read())
attempt('write', lambda: open('@OUTSIDE@', 'w').write('broken out'))
attempt('climb', lambda: open('/usr/../../../../../../../etc/passwd').read())
attempt('list', lambda: uos.listdir('/etc'))
attempt('posix', lambda: uos.VfsPosix('/'))
attempt('system', lambda: uos.system('touch @OUTSIDE@'))
attempt('environment', lambda: uos.getenv('HOME'))
attempt('descriptor', lambda: open(0))
attempt('memory', lambda: bytearray(1 << 30))
def connect():
    s = usocket.socket()
    s.settimeout(2)
    s.connect(('192.0.2.1', 80))
attempt('socket', connect)
def threads():
    count = 0
    while True:
        _thread.start_new_thread(lambda: __import__('utime').sleep(5), ())
        count += 1
        if count > 1000: return 'a thousand'
attempt('threads', threads)
def recursion():
    return recursion()
attempt('recursion', recursion)
hoard = []
def fill():
    while True: hoard.append(bytearray(4096))
attempt('heap', fill)
hoard.clear()
gc.collect()
def disk():
    with open('/usr/full', 'wb') as f:
        while True: f.write(bytes(4096))
attempt('disk', disk)
uos.remove('/usr/full')
print('TRIES', tries)
while True: print('endless output ' * 100)
"""

REFUSED = [
    "read",
    "write",
    "climb",
    "list",
    "posix",
    "system",
    "environment",
    "descriptor",
    "memory",
    "socket",
    "threads",
    "recursion",
    "heap",
    "disk",
]
CRASH = """\
import uctypes
while True: uctypes.bytearray_at(8, 8)[0] = 1
"""


def resident_mb(pid):
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


async def on(module):
    async with asyncio.timeout(30):
        await module.power_on()
        await module.wait_until(lambda: module.state == "running" and module.has_ports)


def test_hostile_script_when_it_tries_everything_harms_neither_host_nor_neighbour(tmp_path):
    outside = tmp_path / "outside"
    notices = []

    async def story():
        package = stock_package("ec600u")
        hostile = open_module("ec600u", package, tmp_path / "a", ModuleOptions(report=notices.append))
        neighbour = open_module("ec600u", package, tmp_path / "b", name="m2")
        async with hostile as bad, neighbour as good:
            await on(bad)
            await on(good)
            await good.runtime.wait_prompt()
            await bad.runtime.wait_prompt()
            async with ReplSession(open_serial(bad.port_path("repl"))) as repl:
                source = HOSTILE.replace("@OUTSIDE@", str(outside))
                await repl.exec(f"f=open('/usr/main.py','w')\nf.write({source!r})\nf.close()")
            await bad.power_off()
            await on(bad)
            said = await _until(bad.port_path("repl"), b"endless output")
            tries = eval(said[said.index("TRIES") + 5 :].split("\n", 1)[0])
            assert {name: tried for name, tried in tries.items() if not tried.startswith("refused")} == {}
            assert sorted(tries) == sorted(REFUSED)
            before = resident_mb(os.getpid())
            await asyncio.sleep(1)  # a second of endless output that nobody reads
            assert resident_mb(os.getpid()) - before < 20
            async with ReplSession(open_serial(good.port_path("repl"))) as repl:
                assert await repl.exec("print('neighbour')") == b"neighbour\r\n"
            assert not outside.exists()
            assert not {notice.slug for notice in notices} & {"virt.unconfined", "virt.bad-request"}

    asyncio.run(story())


def test_hostile_script_when_it_crashes_its_interpreter_restarts_its_module_and_the_owner_is_told(tmp_path):
    notices = []

    async def story():
        package = stock_package("ec600u")
        async with open_module("ec600u", package, tmp_path / "a", ModuleOptions(report=notices.append)) as module:
            await on(module)
            await module.runtime.wait_prompt()
            first = module.port_path("repl")
            port = open_serial(first)
            await port.write_all(b"\x01" + CRASH.encode() + b"\x04")
            async with asyncio.timeout(20):
                while "virt.crashed" not in {notice.slug for notice in notices}:
                    await asyncio.sleep(0.02)
                await module.wait_until(lambda: module.state == "running" and module.has_ports)
                await module.runtime.wait_prompt()
            await port.close()
            async with ReplSession(open_serial(module.port_path("repl"))) as repl:
                assert await repl.exec("from misc import Power\nprint('again', Power.powerOnReason())") in {
                    b"again 2\r\n", b"again 5\r\n",
                }  # fmt: skip

    asyncio.run(story())


async def _until(path, end):
    """Text up to and with ``end``."""
    port = open_serial(path)
    said = b""
    try:
        async with asyncio.timeout(60):
            while end not in said:
                said += await port.read_some()
    finally:
        await port.close()
    return said.decode().replace("\r\n", "\n")
