"""A virtual module's script half on a test bench: flash file, ptys, and a plain serial client at their far ends.

Nothing of the host tools is used: the client opens the pty like any serial device, writes bytes and waits for bytes.
"""

import asyncio
import contextlib
import mmap
import os
import re
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from moduline.nor.faulty import FaultyFlash
from moduline.nor.geometry import Geometry
from moduline.nor.memory import MemoryFlash
from moduline.port.pty import PtyEnd
from moduline.vmodule.interpreter.plan import ModuleFacts, MountPlan, OwnerCalls, Quirks, RuntimePlan
from moduline.vmodule.interpreter.runtime import ScriptRuntime
from moduline.vmodule.interpreter.zygote import Zygote
from moduline.vmodule.world.world import World

USR_BYTES, BAK_BYTES = 512 * 1024, 200 * 1024

# What the seed texts show on an EC600S.  Source: device-api 9.1
FACTS = ModuleFacts(
    model="EC600S",
    imei="868540050393723",
    serial_number="D1D20J60A0017870P",
    firmware_version="EC600SCNAAR01A01M16_OCPU_PY_BETA1211",
)


def lfs1_mounts(usr_bytes=USR_BYTES, bak_bytes=BAK_BYTES):
    """/usr and /bak as modules with littlefs 1 drive them: one block less than the partition has."""
    return (
        MountPlan("/usr", "customer_fs", 0, usr_bytes, "lfs1", usr_bytes // 4096 - 1),
        MountPlan(
            "/bak", "customer_backup_fs", usr_bytes, bak_bytes, "lfs1", bak_bytes // 4096 - 1, is_write_protected=True
        ),
    )


def lfs2_mounts(usr_bytes=USR_BYTES, bak_bytes=BAK_BYTES):
    """The same with littlefs 2."""
    return tuple(
        replace(
            mount,
            kind="lfs2",
            driven_blocks=mount.size_bytes // 4096,
            read_bytes=256,
            program_bytes=256,
            lookahead_bytes=32,
        )
        for mount in lfs1_mounts(usr_bytes, bak_bytes)
    )


def _end_of(end, seen):
    """Where the first ``end`` in ``seen`` ends, prompts inside of it left out; None while it is not there."""
    at = seen.find(end)
    if at >= 0:
        return at + len(end)
    pieces = b"(?:>>> )?".join(re.escape(bytes([one])) for one in end)
    found = re.search(pieces, seen) if b">>> " in seen and b">" not in end else None
    return found.end() if found else None


class Client:
    """The host's end of a serial port."""

    def __init__(self, path):
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
        os.set_blocking(self.fd, False)
        self.seen = b""  # not yet consumed
        self._arrived = asyncio.Event()
        asyncio.get_running_loop().add_reader(self.fd, self._read)

    def _read(self):
        with contextlib.suppress(BlockingIOError):
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                data = b""
            if not data:
                asyncio.get_running_loop().remove_reader(self.fd)
            self.seen += data
            self._arrived.set()

    def write(self, data):
        if isinstance(data, str):
            data = data.encode()
        assert os.write(self.fd, data) == len(data)

    async def send(self, data):
        """Write all of it, waiting for room as long as the module is busy."""
        loop, rest = asyncio.get_running_loop(), memoryview(data)
        while rest:
            try:
                rest = rest[os.write(self.fd, rest) :]
            except BlockingIOError:
                has_room = asyncio.Event()
                loop.add_writer(self.fd, has_room.set)
                try:
                    await has_room.wait()
                finally:
                    loop.remove_writer(self.fd)

    async def until(self, end, limit_s=30):
        """Everything up to and with ``end``; a prompt of the main thread may stand between the pieces of what others print."""
        if isinstance(end, str):
            end = end.encode()
        try:
            async with asyncio.timeout(limit_s):
                while (at := _end_of(end, self.seen)) is None:
                    self._arrived.clear()
                    await self._arrived.wait()
        except TimeoutError:
            raise AssertionError(f"waited for {end!r}, saw {self.seen!r}") from None
        taken, self.seen = self.seen[:at], self.seen[at:]
        return taken

    async def quiet(self, seconds=0.15):
        """What came when nothing more comes for a while; for proving that nothing is said."""
        count = -1
        while count != len(self.seen):
            count = len(self.seen)
            await asyncio.sleep(seconds)
        taken, self.seen = self.seen, b""
        return taken

    async def ask(self, line, limit_s=30):
        """Type a line at the friendly prompt; gives what is printed before the next prompt, LF line ends."""
        self.write(line.encode() + b"\r")
        echo = "".join(c for c in line if " " <= c <= "~").encode() + b"\r\n"
        assert (await self.until(echo, limit_s)) == echo
        answer = await self.until(b">>> ", limit_s)
        return answer[:-4].replace(b"\r\n", b"\n").decode()

    async def raw(self, source, limit_s=30):
        """Run in raw mode from the friendly prompt; gives the output, asserts that nothing was raised."""
        out, error = await self.raw_both(source, limit_s)
        assert error == "", error
        return out

    async def raw_both(self, source, limit_s=30):
        """(output, traceback) of a source run in raw mode; back at the friendly prompt afterwards."""
        self.write(b"\x01")
        await self.until(b"raw REPL; CTRL-B to exit\r\n>")
        await self.send(source.encode() + b"\x04")
        await self.until(b"OK", limit_s)
        out = (await self.until(b"\x04", limit_s))[:-1]
        error = (await self.until(b"\x04>", limit_s))[:-2]
        self.write(b"\x02")
        await self.until(b">>> ")
        return out.decode(), error.decode()

    def close(self):
        asyncio.get_running_loop().remove_reader(self.fd)
        os.close(self.fd)


class Board:
    """One module's script half; ``async with`` powers it on.

    Args:
        mounts, facts, quirks: as in RuntimePlan.
        uarts: numbers of UARTs that lead to a pty.
        cuts: power-cut string for the first power-on.
        is_powered: False leaves the first ``power_on`` to the test.
        world: what surrounds the module; a healthy one by default. ``desks`` in ``plan`` take its place.
    """

    def __init__(self, mounts=None, facts=FACTS, quirks=None, uarts=(), cuts="", is_powered=True, world=None, **plan):
        self.world = world or World()
        self.mounts = mounts or lfs1_mounts()
        self.facts, self.quirks, self.cuts = facts, quirks or Quirks(checksum_schema="sha256"), cuts
        self.uart_numbers, self.is_powered, self.more = uarts, is_powered, plan
        self.notices, self.wishes = [], []

    async def __aenter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="moduline-board-")
        self.path = Path(self.folder.name) / "flash.bin"
        size = sum(mount.size_bytes for mount in self.mounts)
        self.path.write_bytes(b"\xff" * size)
        self.file = self.path.open("r+b")
        self.cells = mmap.mmap(self.file.fileno(), size)
        self.flash = FaultyFlash(MemoryFlash(Geometry(size), self.cells), self.cuts)
        self.zygote = await Zygote.start()
        self.runtime = None
        if self.is_powered:
            await self.power_on()
        return self

    async def power_on(self, **changes):
        """Power on; the client is connected before the first byte comes."""
        self.flash.power_on()
        self.pty = PtyEnd()
        self.client = Client(self.pty.path)
        self.uart_ends = {number: PtyEnd() for number in self.uart_numbers}
        self.uarts = {number: Client(end.path) for number, end in self.uart_ends.items()}
        self.dead = asyncio.Event()
        owner = OwnerCalls(
            on_power_down=lambda: self._wish("down"),
            on_power_restart=lambda: self._wish("restart"),
            on_enter_download=lambda: self._wish("download"),
            on_power_cut=lambda cut: self._wish("cut"),
            on_notice=self.notices.append,
            on_watchdog=lambda: self._wish("watchdog"),
        )
        plan = RuntimePlan(
            name="t1",
            flash=self.flash,
            flash_path=self.path,
            mounts=self.mounts,
            facts=self.facts,
            repl=self.pty,
            owner=owner,
            quirks=self.quirks,
            uarts={**self.uart_ends, **self._scripted()},
            **{"desks": self.world.desks(), **self.more, **changes},
        )
        self.runtime = ScriptRuntime(plan, self.zygote)
        started = time.monotonic()
        await self.runtime.start()
        return started

    def _scripted(self):
        """Ends of the UARTs that lead to a scripted peer of the world's bench."""
        numbers = [peer.number for peer in self.world.bench_plan.uarts]
        return {number: end for number in numbers if (end := self.world.bench.open_uart(number)) is not None}

    def _wish(self, what):
        self.wishes.append(what)
        self.dead.set()

    async def power_off(self):
        """Cut the supply."""
        if self.runtime is not None:
            await self.runtime.stop()
            self.client.close()
            await self.pty.close()
            for number, end in self.uart_ends.items():
                self.uarts[number].close()
                await end.close()
            self.runtime = None

    async def power_cycle(self, **changes):
        """Off and on again."""
        await self.power_off()
        return await self.power_on(**changes)

    async def prompt(self, limit_s=30):
        """Everything said up to the first prompt."""
        return await self.client.until(b">>> ", limit_s)

    def slugs(self):
        """Slugs of the notices so far."""
        return [notice.slug for notice in self.notices]

    async def __aexit__(self, *_):
        await self.power_off()
        await self.zygote.close()
        self.cells.close()
        self.file.close()
        self.folder.cleanup()


def with_files(usr=(), bak=(), *, is_cleared=True):
    """Source that fills the file systems in the given order, to be run in raw mode; then power-cycle."""
    lines = ["import uos, ql_fs"]
    if is_cleared:
        lines += ["for n in uos.listdir('/usr'):", "    uos.remove('/usr/' + n)"]
    lines += ["fs = uos.VfsLfs1(32, 32, 32, 'customer_backup_fs')", "uos.mount(fs, '/_bak')"]
    for mount, files in (("/usr", usr), ("/_bak", bak)):
        for name, data in files:
            path = f"{mount}/{name}"
            lines.append(f"ql_fs.mkdirs({path.rpartition('/')[0]!r})")
            lines.append(f"f = open({path!r}, 'wb')\nf.write({data!r})\nf.close()")
    return "\n".join([*lines, "uos.umount('/_bak')"]) + "\n"


def run(story, limit_s=90):
    """Run an async test story with a limit."""

    async def limited():
        async with asyncio.timeout(limit_s):
            await story()

    asyncio.run(limited())


HEX64 = re.compile(r"[0-9a-f]{64}")
