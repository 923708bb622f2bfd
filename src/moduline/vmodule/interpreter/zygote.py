"""Forking interpreters quickly: the supervisor's side of the zygote process (``child``).

One zygote serves a whole rack. ``spawn`` costs one fork, 3 to 20 ms until the first line of Python runs, and about
1.5 MB of memory of its own per child. The zygote must not be forked from a threaded process by hand: it is a fresh
process that loads three files of this folder and the interpreter library, without the rest of the package.

Source: micropython-runtime 3.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from moduline.errors import InterpreterMissing, Text
from moduline.vmodule.interpreter import engine

START_TIMEOUT_S: Final = 20.0
MESSAGE_BYTES: Final = 65536

_HERE: Final = Path(__file__).resolve().parent

_LAUNCH: Final = """\
import sys,types
for name,path in {packages!r}:
    package=types.ModuleType(name); package.__path__=[path]; sys.modules[name]=package
from moduline.vmodule.interpreter import child
child.serve({fd},{library!r})
"""


@dataclass(slots=True)
class Child:
    """One forked interpreter.

    Attributes:
        pid: its process.
        exit_code: ``None`` while it lives; negative numbers are signals.
    """

    pid: int
    exit_code: int | None = None
    on_exit: Callable[[int], None] | None = None

    def kill(self) -> None:
        """Kill -9; does nothing when it is dead already."""
        if self.exit_code is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)


class Zygote:
    """A running zygote process; made by ``start``."""

    def __init__(self, process: asyncio.subprocess.Process, link: socket.socket) -> None:
        self._process = process
        self._link = link
        self._loop = asyncio.get_running_loop()
        self._births: dict[int, asyncio.Future[int]] = {}
        self._early_deaths: dict[int, int] = {}
        self._children: dict[int, Child] = {}
        self._partial = b""
        self._next_id = 0
        self._one_birth = asyncio.Lock()
        self._next_core = 0
        self._ready: asyncio.Future[None] = self._loop.create_future()
        self._loop.add_reader(link, self._read)

    @classmethod
    async def start(cls) -> Self:
        """A zygote that is ready to spawn.

        Raises:
            InterpreterMissing: this system or installation has no usable interpreter.
        """
        if not hasattr(os, "fork") or not hasattr(socket, "send_fds"):
            raise InterpreterMissing(
                reason=Text(
                    f"virtual modules need Linux or macOS (this is {sys.platform})",
                    f"虚拟模组需要 Linux 或 macOS（当前为 {sys.platform}）",
                )
            )
        try:
            library = engine.find_library()
        except engine.EngineError as fault:
            raise InterpreterMissing(reason=str(fault)) from fault
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        packages = [
            ("moduline", str(_HERE.parent.parent)),
            ("moduline.vmodule", str(_HERE.parent)),
            ("moduline.vmodule.interpreter", str(_HERE)),
        ]
        launch = _LAUNCH.format(packages=packages, fd=theirs.fileno(), library=str(library))
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-I", "-S", "-c", launch,
            pass_fds=[theirs.fileno()], stdin=asyncio.subprocess.DEVNULL, env={}, start_new_session=True,
        )  # fmt: skip
        theirs.close()
        zygote = cls(process, ours)
        try:
            await asyncio.wait_for(asyncio.shield(zygote._ready), START_TIMEOUT_S)
        except (TimeoutError, EOFError) as fault:
            await zygote.close()
            raise InterpreterMissing(
                reason=Text("its process did not start; see above", "其进程未能启动，见上文")
            ) from fault
        return zygote

    async def spawn(self, request: dict[str, Any], fds: list[int], on_exit: Callable[[int], None]) -> Child:
        """Fork an interpreter.

        Args:
            request: as ``child`` expects it, without ``id``; ``core`` None is spread over the processors.
            fds: descriptors in the order of ``child.CHANNELS``; the caller closes its copies afterwards.
            on_exit: called with the exit code when the child has ended.

        Raises:
            InterpreterMissing: the zygote is gone.
        """
        core = request["core"]
        if core is None:
            core = self._spread()
        async with self._one_birth:  # the socket holds one request at a time
            number = self._next_id
            self._next_id += 1
            birth: asyncio.Future[int] = self._loop.create_future()
            self._births[number] = birth
            message = json.dumps({**request, "id": number, "core": core}).encode() + b"\n"
            try:
                socket.send_fds(self._link, [message], fds)
                pid = await birth
            except (OSError, EOFError) as fault:
                raise InterpreterMissing(reason=Text("its zygote process has ended", "其 zygote 进程已结束")) from fault
        child = Child(pid, on_exit=on_exit)
        if pid in self._early_deaths:
            child.exit_code = self._early_deaths.pop(pid)
            on_exit(child.exit_code)
        else:
            self._children[pid] = child
        return child

    async def close(self) -> None:
        """End the zygote and with it every child."""
        self._loop.remove_reader(self._link)
        self._link.close()
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        await self._process.wait()

    def _spread(self) -> int | None:
        """The next processor core, in turn."""
        if not hasattr(os, "sched_getaffinity"):
            return None
        cores = sorted(os.sched_getaffinity(0))
        self._next_core += 1
        return cores[self._next_core % len(cores)]

    def _read(self) -> None:
        try:
            data = self._link.recv(MESSAGE_BYTES)
        except BlockingIOError:
            return
        except ConnectionError:
            data = b""
        if not data:
            self._gone()
            return
        *lines, self._partial = (self._partial + data).split(b"\n")
        for line in lines:
            self._hear(json.loads(line))

    def _hear(self, message: dict[str, Any]) -> None:
        if message["event"] == "ready":
            self._ready.set_result(None)
        elif message["event"] == "born":
            birth = self._births.pop(message["id"])
            if not birth.done():
                birth.set_result(message["pid"])
        else:
            self._bury(message["pid"], message["status"])

    def _bury(self, pid: int, code: int) -> None:
        child = self._children.pop(pid, None)
        if child is None:
            self._early_deaths[pid] = code
            return
        child.exit_code = code
        if child.on_exit is not None:
            child.on_exit(code)

    def _gone(self) -> None:
        """The process ended by itself: every child is dead, nothing can be born."""
        self._loop.remove_reader(self._link)
        if not self._ready.done():
            self._ready.set_exception(EOFError())
        for birth in self._births.values():
            if not birth.done():
                birth.set_exception(EOFError())
        for pid in list(self._children):
            self._bury(pid, -signal.SIGKILL)
