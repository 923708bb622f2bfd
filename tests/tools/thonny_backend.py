"""Thonny's own bare-metal back end as a process, driven as its front end drives it: messages on stdin and stdout."""

import asyncio
import os
import sys

from thonny.common import (
    MESSAGE_MARKER,
    ImmediateCommand,
    InlineCommand,
    ToplevelCommand,
    parse_message,
    serialize_message,
)

ARGS = {
    "clean": True,
    "dtr": False,
    "rts": False,
    "submit_mode": None,
    "interrupt_on_connect": True,
    "write_block_size": None,
    "write_block_delay": None,
    "proxy_class": "GenericMicroPythonProxy",
    "sync_time": True,
    "local_rtc": True,
    "utc_clock": False,
    "validate_time": True,
}


class Thonny:
    """The back end on one port; ``async with`` starts it and waits until it is ready."""

    def __init__(self, port, folder, **args):
        self.args = {**ARGS, "port": port, **args}
        self.folder = folder
        self.welcome = None
        self._number = 0

    async def __aenter__(self):
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "thonny.plugins.micropython.bare_metal_backend",
            repr(self.args),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, "THONNY_USER_DIR": str(self.folder)},
            limit=1 << 20,
        )
        assert (await self.process.stdout.readline()).strip() == b"OK"
        self.welcome = (await self.until("ToplevelResponse"))[0]
        return self

    async def __aexit__(self, *exc_info):
        self.process.kill()
        await self.process.wait()

    async def top(self, name, **facts):
        """A command as typed in Thonny's shell; gives (response, printed text)."""
        return await self._ask(ToplevelCommand(name, **facts), "ToplevelResponse")

    async def inline(self, name, **facts):
        """A command of Thonny's windows, such as the file browser; gives (response, printed text)."""
        self._number += 1
        return await self._ask(InlineCommand(name, id=self._number, **facts), "InlineResponse", f"{name}_response")

    def send(self, command):
        self.process.stdin.write(serialize_message(command).encode() + b"\n")

    def interrupt(self):
        """The stop button."""
        self.send(ImmediateCommand("interrupt"))

    async def until(self, *event_types, limit_s=30, text=None):
        """(message, text printed before it, LF line ends); with ``text``, return when that was printed."""
        printed = ""
        async with asyncio.timeout(limit_s):
            while True:
                line = (await self.process.stdout.readline()).decode()
                assert line, f"the back end ended; it said {printed!r}"
                if not line.startswith(MESSAGE_MARKER):
                    printed += line
                    continue
                for _ in range(int(line[1 : line.index(" ")]) - 1):
                    line += (await self.process.stdout.readline()).decode()
                message = parse_message(line)
                if message.event_type == "ProgramOutput":
                    printed += message.data.replace("\r\n", "\n")
                    if text is not None and text in printed:
                        return message, printed
                elif message.event_type in event_types:
                    return message, printed

    async def _ask(self, command, *event_types):
        self.send(command)
        return await self.until(*event_types)
