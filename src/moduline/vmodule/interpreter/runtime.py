"""One power-on life of the module's software: a child after another, their channels, the REPL port.

::

    REPL port ◀─▶ Repl (bytes) ─Run/Interrupt/Feed─▶ Life (child) ─stdout─▶ cooked ─▶ Outbox ─▶ REPL port
                                                     │  ├─ flash channel ─▶ FlashService ─▶ nor.Flash
                                                     │  └─ call channel ──▶ Services ─────▶ owner, UARTs
    soft reset = this child killed, another one forked; the ports stay.

Everything runs on the event loop; a child's every channel is a socket with a reader callback, so one supervisor
serves a rack. What ran has ended when its ``E`` frame came *and* its output was read to the last byte: the output is
drained before the REPL hears of the end.

Source: device-api 2.2, 2.4, 2.5; micropython-runtime 3, 5, 6.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Coroutine
from enum import Enum
from typing import Any, Final

from moduline.clock import Clock, SystemClock
from moduline.errors import FlashCut, InterpreterMissing, PortGone
from moduline.events import Notice
from moduline.vmodule.interpreter import framing, repl
from moduline.vmodule.interpreter.desk import Desk, DeskContext, InformingDesk
from moduline.vmodule.interpreter.flash_service import FlashService
from moduline.vmodule.interpreter.language_desk import LanguageDesk, refusal_of
from moduline.vmodule.interpreter.life import Life, LifeCalls
from moduline.vmodule.interpreter.outbox import Outbox
from moduline.vmodule.interpreter.plan import RuntimePlan
from moduline.vmodule.interpreter.rom import builtin_rom
from moduline.vmodule.interpreter.services import Services
from moduline.vmodule.interpreter.uart_bank import UartBank
from moduline.vmodule.interpreter.zygote import Zygote

CALLBACK_DEPTH: Final = 64
REPORTS_WAITING: Final = 4096
CLOSING_S: Final = 2.0  # how long a soft reset waits for files to be written


class RuntimeState(Enum):
    """Where the software is."""

    OFF = "off"
    BOOTING = "booting"
    RUNNING = "running"  # main.py or a command
    PROMPT = "prompt"


class ScriptRuntime:
    """The running software of one module.

    Args:
        plan: what this power-on consists of.
        zygote: where children come from; one per process.
        clock: for the REPL's one-second rule.
    """

    def __init__(self, plan: RuntimePlan, zygote: Zygote, clock: Clock | None = None) -> None:
        self._plan = plan
        self._zygote = zygote
        self._clock = clock or SystemClock()
        self._repl = repl.Repl(
            banner_of(plan),
            is_raw_paste_on=plan.quirks.is_raw_paste_on,
            ctrl_c_stops_main=plan.quirks.ctrl_c_stops_main,
            skips_main=plan.skips_main,
        )
        self._life: Life | None = None
        self._desks: list[Desk] = []
        self._is_off = True
        self._after_cr = False
        self._at_prompt = asyncio.Event()
        self._all_closed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._is_output_paused = False
        self._has_lost_reports = False
        self._is_started = False
        self._is_interrupt_due = False
        self.boots = 0
        self.on_booted: Callable[[], None] = _nothing
        """Called when start-up is over, before main.py runs."""

    @property
    def state(self) -> RuntimeState:
        """Where the software is now."""
        if self._is_off:
            return RuntimeState.OFF
        if self._repl.phase is repl.Phase.BOOTING:
            return RuntimeState.BOOTING
        return RuntimeState.RUNNING if self._repl.phase is repl.Phase.RUNNING else RuntimeState.PROMPT

    @property
    def pid(self) -> int | None:
        """Process of the interpreter; None while there is none."""
        return self._life.pid if self._life is not None else None

    async def start(self) -> None:
        """Power has come: fork, boot, serve the ports. Returns when the child runs; ``wait_prompt`` waits further.

        Raises:
            InterpreterMissing: no interpreter can run here.
        """
        rom = self._plan.rom
        self._rom = rom if rom is not None else await asyncio.to_thread(builtin_rom)  # slow once; neighbours go on
        self._is_off = False
        self._out = Outbox(self._plan.repl)
        self._uarts = UartBank(self._plan.uarts, self._uart_has_data, self._plan.facts.repl_uart, self._out)
        await self._begin_life()
        self._spawn(self._read_port())

    async def stop(self) -> None:
        """Power has gone: the child is killed at once; the ports' ends are left to their owner."""
        self._go_off()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._close_desks()
        if hasattr(self, "_out"):
            await self._out.close()
            await self._uarts.close()

    def stand_still(self) -> None:
        """Run no further instruction until ``go_on`` or ``stop``: the interpreter hangs."""
        self._signal("SIGSTOP")

    def go_on(self) -> None:
        """Run again after ``stand_still``."""
        self._signal("SIGCONT")

    def _signal(self, name: str) -> None:
        number = getattr(signal, name, None)  # Windows has neither, and no interpreter
        if self.pid is not None and number is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    async def wait_prompt(self) -> None:
        """Wait until the REPL shows a prompt; the caller sets the time limit."""
        await self._at_prompt.wait()

    # ---- lives -----------------------------------------------------------------------------------------------------

    async def _begin_life(self) -> None:
        self.boots += 1
        context = DeskContext(
            self._plan.name,
            self._plan.facts,
            self._plan.quirks,
            self._report,
            self._notice,
            self._spawn,
            self._lend,
            self._switch,
            self._progress,
        )
        self._desks = [make(context) for make in (LanguageDesk, *self._plan.desks)]
        self._services = Services(self._plan, self._repl, self._uarts, self._send_raw, self._desks)
        self._flash = FlashService(self._plan.flash, self._plan.mounts)
        self._calls = framing.Calls()
        calls = LifeCalls(
            on_output=self._output,
            on_command=self._command,
            on_call=self._call,
            on_flash=self._flash_request,
            on_missing=self._unconfined,
            on_bad=self._distrust,
            on_death=self._died,
        )
        self._life = Life(calls)
        told = {
            name: fact for desk in self._desks if isinstance(desk, InformingDesk) for name, fact in desk.facts.items()
        }
        await self._life.begin(self._zygote, self._plan, self._rom, told)

    async def _next_life(self) -> None:
        """Soft reset: the collector closes what is open, everything of this life ends, the next one begins."""
        if self._life is not None:
            self._all_closed.clear()
            self._life.command(b"Z", "")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSING_S):
                    await self._all_closed.wait()
        self._drain()
        self._end_life()
        await self._close_desks()
        self._uarts.reset()
        self._repl.guard.protect(is_on=False)
        try:
            await self._begin_life()
        except InterpreterMissing as fault:
            self._notice("virt.no-interpreter", reason=fault.facts["reason"])
            self._go_off()

    def _end_life(self) -> None:
        if self._life is not None:
            self._life.end()
            self._life = None
        self._is_output_paused = False

    def _go_off(self) -> None:
        self._is_off = True
        self._at_prompt.clear()
        self._end_life()
        if self._timer is not None:
            self._timer.cancel()

    def _died(self, code: int) -> None:
        """The interpreter crashed, as no script should be able to: the module's watchdog restarts it."""
        self._notice("virt.crashed", exit_code=code)
        self._end_life()
        self._plan.owner.bite()

    def _switch(self, how: str) -> None:
        """A part of the world ends this power-on."""
        owner = self._plan.owner
        {"down": owner.on_power_down, "restart": owner.on_power_restart, "watchdog": owner.bite}[how]()

    # ---- from the child --------------------------------------------------------------------------------------------

    def _command(self, frame: framing.CommandFrame) -> None:
        life = self._life
        if life is None:
            return
        if frame.kind == b"R":
            name, drain = framing.stage(frame.body)
            if name == "ready":
                self._drain()
                self.on_booted()
                self._repl.booted()
            else:
                life.set_drain(drain)
        elif frame.kind == b"S":
            self._is_started = True
            self._repl.started(self._clock.tick_s())
            if self._is_interrupt_due:
                life.interrupt()
        elif frame.kind == b"E":
            self._drain()
            self._repl.take_back(life.take_unread())
            self._repl.ended(repl.status_of(frame.body), frame.body[1:].decode("utf-8", "replace"))
        elif frame.kind == b"Z":
            self._all_closed.set()
        elif frame.kind == b"C":
            self._repl.completions(framing.names(frame.body))
        self._act()

    def _call(self, data: bytes) -> bytes:
        ready = bytearray()
        for call in self._calls.feed(data):
            try:
                reply = self._services.answer(call)
            except FlashCut as cut:
                self._lose_power(cut)
                return b""
            if isinstance(reply, bytes):
                ready += reply
            elif self._life is not None:
                self._spawn(self._answer_later(self._life, reply))
        return bytes(ready)

    async def _answer_later(self, life: Life, reply: Awaitable[bytes]) -> None:
        try:
            frame = await reply
        except framing.BadFrameError as fault:
            if life is self._life:
                self._distrust(fault)
            return
        life.answer_call(frame)

    def _flash_request(self, data: bytes) -> bytes:
        try:
            return self._flash.feed(data)
        except FlashCut as cut:
            self._lose_power(cut)
        return b""

    def _lose_power(self, cut: FlashCut) -> None:
        self._go_off()
        self._plan.owner.on_power_cut(cut)

    def _distrust(self, fault: framing.BadFrameError) -> None:
        self._notice("virt.bad-request", reason=str(fault))
        self._end_life()
        self._plan.owner.on_power_restart()

    def _unconfined(self, missing: tuple[str, ...]) -> None:
        if missing:
            self._notice("virt.unconfined", missing=", ".join(missing), is_refused=self._plan.is_confined)

    def _notice(self, slug: str, **facts: object) -> None:
        self._plan.owner.on_notice(Notice(slug, self._plan.name, facts))

    # ---- output ------------------------------------------------------------------------------------------------------

    def _output(self, data: bytes) -> None:
        """What the script printed: LF becomes CR LF."""
        self._say(self._cook(data))
        if self._out.is_full and not self._is_output_paused and self._life is not None:
            self._is_output_paused = True
            self._life.pause_output()
            self._spawn(self._resume())

    async def _resume(self) -> None:
        await self._out.room()
        self._is_output_paused = False
        if self._life is not None:
            self._life.resume_output()

    def _cook(self, data: bytes) -> bytes:
        if not data:
            return data
        cooked = data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        if self._after_cr and data[:1] == b"\n":
            cooked = cooked[1:]
        self._after_cr = data[-1:] == b"\r"
        return cooked

    def _drain(self) -> None:
        if self._life is not None:
            self._life.drain_output()

    def _send_raw(self, data: bytes) -> None:
        self._drain()
        self._after_cr = False
        self._say(data)

    def _say(self, data: bytes) -> None:
        """Put bytes of the REPL on its port; while a script has the port as a UART, they are lost."""
        if not self._uarts.repl.is_open:
            self._out.put(data)

    # ---- REPL --------------------------------------------------------------------------------------------------------

    async def _read_port(self) -> None:
        with contextlib.suppress(PortGone):
            while True:
                data = await self._plan.repl.read_some()
                if self._uarts.repl.is_open:
                    self._uarts.repl.take(data)
                else:
                    self._repl.receive(data, self._clock.tick_s())
                    self._act()

    def _act(self) -> None:
        """Do what the REPL wants done; set the timer; tell who waits for the prompt."""
        for action in self._repl.actions():
            self._do(action)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._repl.wake_at is not None:
            delay = max(0.0, self._repl.wake_at - self._clock.tick_s())
            self._timer = asyncio.get_running_loop().call_later(delay, self._tick)
        if self._repl.phase is repl.Phase.PROMPT:
            self._at_prompt.set()
        else:
            self._at_prompt.clear()

    def _do(self, action: repl.Action) -> None:
        life = self._life
        if isinstance(action, repl.Send):
            self._after_cr = False
            self._say(action.data)
        elif isinstance(action, repl.SoftReset):
            self._spawn(self._next_life())
        elif life is None:
            return  # the child crashed a moment ago; the module is being restarted
        elif isinstance(action, repl.Run):
            self._run(life, action)
        elif isinstance(action, repl.Interrupt):
            if self._is_started:
                life.interrupt()
            else:
                self._is_interrupt_due = True  # before the command loop has it, it would strike nobody
        elif isinstance(action, repl.Feed):
            life.feed(action.data)
        else:
            life.command(b"C", action.text)

    def _run(self, life: Life, action: repl.Run) -> None:
        self._is_started = self._is_interrupt_due = False
        quirks = self._plan.quirks
        size = len(action.source.encode())
        if size > self._plan.facts.gc_heap_bytes // 4:  # text, its copies and what is compiled share the heap
            trace = f"MemoryError: memory allocation failed, allocating {size} bytes\n"
            self._repl.ended(repl.Status.RAISED, trace)
            self._act()
        elif quirks.is_language_strict and (refusal := refusal_of(action.source, quirks.language)) is not None:
            self._repl.ended(repl.Status.RAISED, refusal)
            self._act()
        else:
            life.command(action.kind.value, action.source)

    def _tick(self) -> None:
        self._timer = None
        self._repl.tick(self._clock.tick_s())
        self._act()

    # ---- parts -------------------------------------------------------------------------------------------------------

    def _uart_has_data(self, number: int, count: int) -> None:
        """Have the script called, unless the module's queue of callbacks is full."""
        sent, taken = self._progress()
        if sent - taken < CALLBACK_DEPTH:
            self._report(f"uart{number}", [0, number, count])

    def _progress(self) -> tuple[int, int]:
        return self._life.events if self._life is not None else (0, 0)

    async def _lend(self, end: socket.socket) -> int:
        if self._life is None:
            end.close()
            raise OSError(errno.EPIPE, "the interpreter has ended")
        return await self._life.lend(end)

    def _report(self, key: str, value: object) -> None:
        """Tell the script; one that does not listen to thousands of reports hears of no more."""
        sent, taken = self._progress()
        if sent - taken >= REPORTS_WAITING:
            if not self._has_lost_reports:
                self._has_lost_reports = True
                self._notice("virt.callback-lost", count=1)
        elif self._life is not None:
            self._life.report(key, value)

    async def _close_desks(self) -> None:
        desks, self._desks = self._desks, []
        for desk in desks:
            await desk.close()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def banner_of(plan: RuntimePlan) -> bytes:
    """What the friendly prompt begins with; the second line starts with a blank.

    Source: device-api 3.2.
    """
    facts = plan.facts
    first = f"Quecpython {facts.core_version} on {facts.build_date} ; {facts.model} with QUECTEL \r\n"
    return first.encode() + b' Type "help()" for more information.\r\n'


def _nothing() -> None:
    return None
