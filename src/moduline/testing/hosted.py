"""One virtual module with somebody who listens to it: everything here runs on the event loop.

The console is listened to from before the first byte to the last; a REPL session borrows the port from it. Power may go
away at any moment, by a fault or a test: the console then waits for the next life.

Source: device-api 2.2 (what a boot prints), 2.4 (Ctrl-C), 3.4 (raw mode does not run main.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Self

from moduline.errors import ModulineError, NoAnswer, PortGone, ScriptRaised, Text, TextNotSeen
from moduline.events import Event, Notice
from moduline.port.pty import open_pty
from moduline.port.stream import ByteStream
from moduline.remote.at_session import AtAnswer, AtSession
from moduline.remote.console import Console
from moduline.remote.repl_session import ReplSession
from moduline.testing.covered_lines import CoveredLines
from moduline.vmodule.facts import ModuleIdentity
from moduline.vmodule.interpreter.plan import RuntimePlan
from moduline.vmodule.interpreter.runtime import RuntimeState, ScriptRuntime
from moduline.vmodule.interpreter.zygote import Zygote
from moduline.vmodule.module import VirtualModule
from moduline.vmodule.module_options import ModuleOptions, Runtime
from moduline.vmodule.scenario import ModulePlan
from moduline.vmodule.scenario.hosting import begin, fill

POLL_S: Final = 0.002
MAX_CONSOLE_BYTES: Final = 4 << 20  # beyond that the oldest half is forgotten
CUT_SHORT: Final = "… earlier output was dropped …\n"


class HostedModule:
    """A virtual module, its console and its sessions.

    Args:
        identity: who it is.
        folder: with its flash file.
        zygote: where its interpreters come from.
        options: how it is set up; ``report`` and ``on_change`` are replaced.
        covered: hears which lines of the scripts run; None where they carry no probes.
        plan: what a scenario says about it: files, faults, and what happens when.
    """

    def __init__(
        self,
        identity: ModuleIdentity,
        folder: Path,
        zygote: Zygote,
        options: ModuleOptions,
        covered: CoveredLines | None = None,
        plan: ModulePlan | None = None,
    ) -> None:
        self.notices: list[Notice] = []
        self.text = ""  # everything printed so far, LF at line ends
        self.position = 0  # up to where ``wait_for`` has read
        self._zygote = zygote
        self._covered = covered
        self._plan = plan
        self._options = dataclasses.replace(options, report=self._keep, on_change=lambda _: self._printed.set())
        self._skips_main = False
        self._has_return = False
        self._printed = asyncio.Event()
        self._repl: ReplSession | None = None
        self._uarts: dict[int, ByteStream] = {}
        self.virtual = VirtualModule(identity, folder, self._make_runtime, self._options)
        if plan is not None:
            fill(self.virtual, plan)
        self._console = Console(self._console_port, self._hear, lambda _: self._printed.set())
        self._listening: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._listening = asyncio.create_task(self._console.open())
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Take the power away and forget everything."""
        await self.power_off()
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait([self._listening])
        await self._console.close()
        await self.virtual.close()

    # ---- power -----------------------------------------------------------------------------------------------------

    async def start(self, limit_s: float, *, runs_main: bool = True) -> None:
        """Give it power; returns when it has booted: main.py runs, or the prompt is there.

        Raises:
            NoAnswer: it did not boot.
        """
        self._skips_main = not runs_main
        if self._plan is not None:
            begin(self.virtual, self._plan, self._options)
            self._plan = None  # a story is told once
        await self._boots(self.virtual.power_on, limit_s)

    async def reset(self, limit_s: float) -> None:
        """Pull its RESET pin, and wait as ``start`` does."""
        await self._leave_repl()
        before = self.virtual.runtime
        await self._boots(self.virtual.reset, limit_s, lambda: self.virtual.runtime is not before)

    async def power_off(self) -> None:
        """Take the power away at once."""
        await self.virtual.power_off()
        await self._drop_sessions()

    async def dark(self, limit_s: float) -> None:
        """Wait until it has lost its power.

        Raises:
            NoAnswer: it has not.
        """
        try:
            async with asyncio.timeout(limit_s):
                await self.virtual.wait_state("off")
        except TimeoutError as late:
            raise NoAnswer(what=Text("power cut", "断电"), seconds=limit_s) from late
        await self._drop_sessions()

    async def _boots(self, act: Callable[[], Any], limit_s: float, is_new: Callable[[], bool] = lambda: True) -> None:
        try:
            async with asyncio.timeout(limit_s):
                await act()
                await asyncio.sleep(0)  # its life begins
                await self.virtual.wait_until(lambda: is_new() and self._is_settled())
                while self._is_booting():  # noqa: ASYNC110  the runtime tells nobody; it takes milliseconds
                    await asyncio.sleep(POLL_S)
                if self.virtual.state == "running":
                    await self._console.wait_there()
        except TimeoutError as late:
            raise NoAnswer(what=Text("power-on", "上电"), seconds=limit_s) from late
        if self.virtual.state != "running":
            why = self.virtual.reason
            raise NoAnswer(what=Text(f"power-on ({why})", f"上电（{why}）"), seconds=limit_s)

    def _is_settled(self) -> bool:
        return self.virtual.state in {"off", "download"} or (self.virtual.state == "running" and self.virtual.has_ports)

    def _is_booting(self) -> bool:
        runtime = self.virtual.runtime
        return isinstance(runtime, ScriptRuntime) and runtime.state is RuntimeState.BOOTING

    def _is_at_prompt(self) -> bool:
        runtime = self.virtual.runtime
        return isinstance(runtime, ScriptRuntime) and runtime.state is RuntimeState.PROMPT

    async def _make_runtime(self, plan: RuntimePlan) -> Runtime:
        plan = dataclasses.replace(plan, skips_main=self._skips_main)
        if self._covered is not None:
            plan = dataclasses.replace(plan, has_line_probes=True, desks=(*plan.desks, self._covered.desk))
        self._skips_main = False
        return ScriptRuntime(plan, self._zygote)

    # ---- console ---------------------------------------------------------------------------------------------------

    async def wait_for(self, wanted: str | re.Pattern[str], limit_s: float) -> str:
        """What was printed up to the end of ``wanted``, from where the last call ended.

        Raises:
            TextNotSeen: it was not printed within ``limit_s`` seconds.
            PortGone: the module is off, so nothing more will be printed.
        """
        pattern = re.compile(re.escape(wanted)) if isinstance(wanted, str) else wanted
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                while (match := pattern.search(self.text, self.position)) is None:
                    if self.virtual.state == "off" and not self._console.is_there:
                        raise PortGone(port=f"{self.virtual.identity.name} REPL")
                    self._printed.clear()
                    await self._printed.wait()
                begin, self.position = self.position, match.end()
                return self.text[begin : self.position]
        raise TextNotSeen(wanted=wanted if isinstance(wanted, str) else wanted.pattern, seconds=limit_s)

    async def _console_port(self) -> ByteStream:
        await self.virtual.wait_until(lambda: bool(self.virtual.port_path("repl")))
        return open_pty(self.virtual.port_path("repl"))

    def _hear(self, data: bytes) -> None:
        text = ("\r" if self._has_return else "") + data.decode("utf-8", "replace")
        self._has_return = text.endswith("\r")
        self.text += text.removesuffix("\r").replace("\r\n", "\n")
        if len(self.text) > MAX_CONSOLE_BYTES:
            dropped = len(self.text) - MAX_CONSOLE_BYTES // 2
            self.text = CUT_SHORT + self.text[dropped:]
            self.position = max(0, self.position - dropped + len(CUT_SHORT))
        self._printed.set()

    def _keep(self, event: Event) -> None:
        if isinstance(event, Notice):
            self.notices.append(event)

    # ---- sessions --------------------------------------------------------------------------------------------------

    async def execute(self, code: str, limit_s: float) -> str:
        """What code prints at the raw prompt; what runs is interrupted first.

        Raises:
            ScriptRaised: it raised.
            TotalTimeout: it did not end in time.
            PortGone: the power went away meanwhile.
        """
        session = await self._session()
        try:
            printed = await session.exec(code, self._hear, limit_s)
        except ScriptRaised as raised:
            self._hear(raised.facts["traceback"].encode() + b"\n")
            raise
        return printed.decode("utf-8", "replace").replace("\r\n", "\n")

    async def evaluate(self, expression: str, limit_s: float) -> Any:
        """Value of an expression; see ``ReplSession.eval``."""
        return await (await self._session()).eval(expression, limit_s)

    async def restart(self) -> None:
        """Soft reset: main.py runs again."""
        await self._session()
        await self._leave_repl()
        await self._console.write(b"\x04")

    async def ask_at(self, command: str, limit_s: float) -> AtAnswer:
        """Answer of the AT port to one command."""
        path = self.virtual.port_path("at")
        if not path:
            raise PortGone(port="AT")
        async with AtSession(open_pty(path)) as at:
            return await at.ask(command, limit_s)

    async def send_uart(self, number: int, data: bytes) -> None:
        """Bytes for the script that has UART ``number`` open."""
        await self._uart(number).write_all(data)

    async def read_uart(self, number: int, size: int, limit_s: float) -> bytes:
        """At least ``size`` bytes that the script wrote to UART ``number``.

        Raises:
            NoAnswer: it wrote less.
        """
        uart, data = self._uart(number), b""
        try:
            async with asyncio.timeout(limit_s):
                while len(data) < size:
                    data += await uart.read_some()
        except TimeoutError as late:
            what = Text(f"UART{number}: {size} bytes, got {data!r}", f"UART{number}：{size} 字节，收到 {data!r}")
            raise NoAnswer(what=what, seconds=limit_s) from late
        return data

    async def _session(self) -> ReplSession:
        if self._repl is None:
            session = ReplSession(self._console.lend(), on_noise=self._hear)
            try:
                await session.open(interrupts=not self._is_at_prompt())
            except BaseException:
                await session.close()
                raise
            self._hear(session.boot_noise)
            self._repl = session
        return self._repl

    def _uart(self, number: int) -> ByteStream:
        if number not in self._uarts:
            path = self.virtual.port_path(f"uart{number}")
            if not path:
                raise PortGone(port=f"UART{number}")
            self._uarts[number] = open_pty(path)
        return self._uarts[number]

    async def _leave_repl(self) -> None:
        session, self._repl = self._repl, None
        if session is not None:
            with contextlib.suppress(ModulineError):  # a module that has gone dark does not say goodbye
                await session.close()

    async def _drop_sessions(self) -> None:
        await self._leave_repl()
        while self._uarts:
            _, uart = self._uarts.popitem()
            await uart.close()
