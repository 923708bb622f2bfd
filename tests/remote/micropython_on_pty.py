"""The real MicroPython's own REPL on a pseudo-terminal: an oracle that shares nothing with this repository."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sys
from pathlib import Path

import pytest

from moduline.errors import PortGone


class MasterStream:
    """ByteStream over the master side of a pty.

    The Unix port cooks its own prompts twice (CR CR LF); modules do not, so one CR is taken away here.
    """

    def __init__(self, master, name):
        os.set_blocking(master, False)
        self.master, self.name, self.is_open, self.held = master, name, True, b""

    async def ready(self, add, remove):
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        add(self.master, lambda: future.done() or future.set_result(None))
        try:
            await future
        finally:
            remove(self.master)

    async def read_some(self, limit=65536):
        loop = asyncio.get_running_loop()
        while self.is_open:
            try:
                data = self.held + os.read(self.master, limit)
                self.held = b"\r" * (len(data) - len(data.rstrip(b"\r")))
                if data := data.rstrip(b"\r").replace(b"\r\r\n", b"\r\n"):
                    return data
            except BlockingIOError:
                await self.ready(loop.add_reader, loop.remove_reader)
            except OSError:
                break
        raise PortGone(port=self.name)

    async def write_all(self, data):
        loop = asyncio.get_running_loop()
        rest = memoryview(bytes(data))
        while rest:
            try:
                rest = rest[os.write(self.master, rest) :]
            except BlockingIOError:
                await self.ready(loop.add_writer, loop.remove_writer)

    async def close(self):
        self.is_open = False


@contextlib.asynccontextmanager
async def micropython(folder: Path):
    """A stream to a fresh interpreter whose working directory is ``folder``."""
    program = shutil.which("micropython", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    if program is None or not hasattr(os, "openpty"):
        pytest.skip("no MicroPython with a pseudo-terminal on this system")
    master, slave = os.openpty()
    process = await asyncio.create_subprocess_exec(
        program, "-i", stdin=slave, stdout=slave, stderr=slave, cwd=folder, start_new_session=True
    )
    os.close(slave)
    try:
        stream = MasterStream(master, "micropython")
        greeting = b""
        while not greeting.endswith(b">>> "):  # Ctrl-C before that would end the process
            greeting += await stream.read_some()
        yield stream
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        os.close(master)
