"""One interpreter child from its fork to its death: the sockets to it and the frames on them.

A soft reset ends a life and begins another one. Frames of a life that was ended are never delivered: closing removes
the readers first.

The child's standard input is a socket whose reading end is kept here too: what the script did not read is taken back
after it ended, for the prompt.

A line is a socket pair made at run time, one end of it sent to the child through the control socket; the other end
belongs to whoever lent it.

Source: micropython-runtime 3, 5, 6, 9.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import itertools
import socket
import struct
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from moduline.vmodule.interpreter import child, engine, framing
from moduline.vmodule.interpreter.plan import RomWindow, RuntimePlan
from moduline.vmodule.interpreter.zygote import Child, Zygote

HEAP_SCALE: Final = 2  # objects of the 64-bit interpreter take about twice the module's room
READ_BYTES: Final = 65536
INTERRUPT_GAP_S: Final = 0.05
CALM_S: Final = 0.1  # no callbacks for so long when an interrupt has struck one
MAX_DRAIN_BYTES: Final = 1 << 20
MAX_STDIN_BYTES: Final = 1 << 16
LEND_TIMEOUT_S: Final = 2.0
_FOREVER: Final = struct.pack("@ll", 10_000_000, 0)
_AGAIN: Final = 0x80000000


@dataclass(frozen=True, slots=True)
class LifeCalls:
    """Who hears of what; all called on the event loop.

    Attributes:
        on_output: the script printed this.
        on_command: a frame of the command channel came.
        on_call: bytes of the call channel; gives what to answer.
        on_flash: bytes of the flash channel; gives what to answer.
        on_missing: names of the confinement layers this system lacks.
        on_bad: the child broke the rules of a channel; its owner ends this life.
        on_death: the child ended by itself, with this exit code.
    """

    on_output: Callable[[bytes], None]
    on_command: Callable[[framing.CommandFrame], None]
    on_call: Callable[[bytes], bytes]
    on_flash: Callable[[bytes], bytes]
    on_missing: Callable[[tuple[str, ...]], None]
    on_bad: Callable[[framing.BadFrameError], None]
    on_death: Callable[[int], None]


class Life:
    """A child; not there before ``begin``, gone after ``end``."""

    def __init__(self, calls: LifeCalls) -> None:
        self._calls = calls
        self._loop = asyncio.get_running_loop()
        self._child: Child | None = None
        self._is_over = False
        self._commands = framing.CommandFrames()
        self._sockets: dict[str, socket.socket] = {}
        self._pending: dict[str, bytearray] = {}
        self._last_interrupt = 0.0
        self._events_sent = 0
        self._events_taken = 0
        self._is_waking = False
        self._calm_until = 0.0
        self._interrupts: list[asyncio.TimerHandle] = []
        self._partial = b""
        self._striking = 0  # interrupts on their way
        self._held = b""  # commands that wait for them
        self._lent: dict[int, asyncio.Future[int]] = {}  # lines on their way
        self._line_numbers = itertools.count(1)

    async def begin(
        self, zygote: Zygote, plan: RuntimePlan, rom: RomWindow, told: Mapping[str, object] | None = None
    ) -> None:
        """Fork a child for the plan; its first frames may come before this returns.

        Args:
            zygote: its parent.
            plan: what it runs.
            rom: its on-board modules.
            told: facts for the child besides those of the plan.

        Raises:
            InterpreterMissing: the zygote is gone.
        """
        theirs = self._make_sockets()
        self._sockets["unread"] = theirs[0]
        request = {
            "heap_bytes": plan.facts.gc_heap_bytes * HEAP_SCALE,
            "rom": [str(rom.path), rom.offset, rom.size_bytes],
            "flash": [str(plan.flash_path), 0, plan.flash.geometry.capacity_bytes],
            "core": plan.core,
            "is_confined": plan.is_confined,
            "facts": child_facts(plan) | dict(told or {}),
        }
        try:
            self._child = await zygote.spawn(request, [end.fileno() for end in theirs], self._died)
        except BaseException:
            self.end()
            raise
        finally:
            for end in theirs[1:]:
                end.close()
        if self._is_over:
            self.end()

    @property
    def pid(self) -> int | None:
        """Process of the child; None before its birth."""
        return self._child.pid if self._child is not None else None

    # ---- to the child --------------------------------------------------------------------------------------------

    def command(self, kind: bytes, text: str) -> None:
        """Have the command loop do something; interrupts meant for what ran before do not strike it."""
        for timer in self._interrupts:
            timer.cancel()
        self._interrupts.clear()
        frame = framing.command(kind, text.encode())
        if self._striking:
            self._held += frame
        else:
            self._send("command", frame)

    def feed(self, data: bytes) -> None:
        """Put bytes on the script's standard input; what a script leaves unread beyond a limit is lost."""
        if len(self._pending.get("stdin", b"")) < MAX_STDIN_BYTES:
            self._send("stdin", data)

    def interrupt(self) -> None:
        """KeyboardInterrupt; several in a row keep a distance, so that each is handled before the next."""
        now = self._loop.time()
        due = max(now, self._last_interrupt + INTERRUPT_GAP_S)
        self._last_interrupt = due
        self._interrupts = [timer for timer in self._interrupts if timer.when() > now]
        self._interrupts.append(self._loop.call_later(due - now, self._strike))

    def _strike(self) -> None:
        self._striking += 1
        self._control(b"I")

    def answer_call(self, frame: bytes) -> None:
        """Answer a question of the call channel that had to wait."""
        self._send("call", frame)

    def report(self, key: str, value: object) -> None:
        """Call what the script has listening to ``key``."""
        self._send("event", framing.event(key, value))
        self._events_sent += 1
        if not self._is_waking:
            self._is_waking = True
            self._wake()

    def _wake(self) -> None:
        """Have the callbacks run; not while an interrupt is to strike the script and not them."""
        calm_s = self._calm_until - self._loop.time()
        if calm_s > 0:
            self._loop.call_later(calm_s, self._wake)
        else:
            self._control(b"E")

    @property
    def events(self) -> tuple[int, int]:
        """How many reports were sent, and how many of them the script has taken."""
        return self._events_sent, self._events_taken

    def set_drain(self, address: int) -> None:
        """Tell the control thread which function runs the callbacks."""
        self._control(b"D", address)

    async def lend(self, end: socket.socket) -> int:
        """Give the child a descriptor; ``end`` is closed here. Gives its number there.

        Raises:
            OSError: the child is gone, does not answer, or has as many descriptors as it may have (EMFILE).
        """
        number = next(self._line_numbers)
        given: asyncio.Future[int] = self._loop.create_future()
        self._lent[number] = given
        try:
            control = self._sockets.get("control")
            if control is None or self._pending.get("control"):
                raise OSError(errno.ENOBUFS, "no way to the interpreter")
            _make_wakeable(end)
            socket.send_fds(control, [child.ORDER.pack(b"L", number)], [end.fileno()])
            async with asyncio.timeout(LEND_TIMEOUT_S):
                fd = await given
        except TimeoutError as late:
            raise OSError(errno.ENOBUFS, "the interpreter does not take it") from late
        finally:
            end.close()
            self._lent.pop(number, None)
        if fd < 0:
            raise OSError(errno.EMFILE, "too many descriptors")
        return fd

    # ---- from the child --------------------------------------------------------------------------------------------

    def drain_output(self) -> None:
        """Deliver everything printed so far."""
        total = 0
        while total < MAX_DRAIN_BYTES:
            data = self._receive("stdout")
            if not data:
                return
            total += len(data)
            self._calls.on_output(data)

    def take_unread(self) -> bytes:
        """Standard input that the script has not read; taken away from it."""
        taken = bytearray(self._pending.pop("stdin", b""))
        source = self._sockets.get("unread")
        front = bytearray()
        while source is not None:
            try:
                data = source.recv(READ_BYTES, socket.MSG_DONTWAIT)
            except (BlockingIOError, OSError):
                break
            if not data:
                break
            front += data
        return bytes(front + taken)

    def pause_output(self) -> None:
        """Leave what the script prints in its socket; it waits when that is full."""
        if "stdout" in self._sockets:
            self._loop.remove_reader(self._sockets["stdout"])

    def resume_output(self) -> None:
        """Read what the script prints again."""
        if "stdout" in self._sockets:
            self._loop.add_reader(self._sockets["stdout"], self._read_output)

    def end(self) -> None:
        """Kill -9 and forget; at once, nothing is delivered any more."""
        self._is_over = True
        if self._child is not None:
            self._child.kill()
        for name, end in self._sockets.items():
            if name != "unread":
                self._loop.remove_reader(end)
                self._loop.remove_writer(end)
            end.close()
        self._sockets.clear()
        self._pending.clear()
        for given in self._lent.values():
            if not given.done():
                given.set_exception(OSError(errno.EPIPE, "the interpreter has ended"))

    # ---- sockets ---------------------------------------------------------------------------------------------------

    def _make_sockets(self) -> list[socket.socket]:
        """Our ends go into ``_sockets`` and are watched; gives the child's ends in the order of ``child.CHANNELS``."""
        readers = {
            "stdin": self._ignore,
            "stdout": self._read_output,
            "command": self._read_commands,
            "flash": lambda: self._serve("flash", self._calls.on_flash),
            "call": lambda: self._serve("call", self._calls.on_call),
            "event": self._read_taken,
            "control": self._read_control,
        }
        theirs = []
        for name, reader in readers.items():
            ours, other = socket.socketpair()
            _make_wakeable(other)
            ours.setblocking(False)
            self._sockets[name] = ours
            theirs.append(other)
            self._loop.add_reader(ours, reader)
        return theirs

    def _receive(self, name: str) -> bytes:
        """What waits on a socket; empty when nothing does or the child is gone."""
        end = self._sockets.get(name)
        if end is None:
            return b""
        try:
            data = end.recv(READ_BYTES)
        except BlockingIOError:
            return b""
        except ConnectionError:
            data = b""
        if not data:
            self._loop.remove_reader(end)
        return data

    def _send(self, name: str, data: bytes) -> None:
        """Send without waiting; what does not fit is sent when there is room."""
        end = self._sockets.get(name)
        if end is None or not data:
            return
        waiting = self._pending.get(name)
        if waiting:
            waiting += data
            return
        try:
            sent = end.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            return
        if sent < len(data):
            self._pending[name] = bytearray(data[sent:])
            self._loop.add_writer(end, self._flush, name)

    def _flush(self, name: str) -> None:
        end, waiting = self._sockets[name], self._pending.get(name, bytearray())
        with contextlib.suppress(OSError):
            sent = end.send(waiting) if waiting else 0
            del waiting[:sent]
        if not waiting:
            self._pending.pop(name, None)
            self._loop.remove_writer(end)

    def _control(self, letter: bytes, value: int = 0) -> None:
        self._send("control", child.ORDER.pack(letter, value))

    def _ignore(self) -> None:
        self._receive("stdin")

    def _read_output(self) -> None:
        data = self._receive("stdout")
        if data:
            self._calls.on_output(data)

    def _read_commands(self) -> None:
        try:
            for frame in self._commands.feed(self._receive("command")):
                self._calls.on_command(frame)
        except framing.BadFrameError as fault:
            self._calls.on_bad(fault)

    def _serve(self, name: str, answer: Callable[[bytes], bytes]) -> None:
        data = self._receive(name)
        if data:
            try:
                self._send(name, answer(data))
            except framing.BadFrameError as fault:
                self._calls.on_bad(fault)

    def _read_taken(self) -> None:
        data = self._receive("event")
        for at in range(0, len(data) - 3, 4):
            number = int.from_bytes(data[at : at + 4], "little")
            self._events_taken += number & ~_AGAIN
            if number & _AGAIN:  # an interrupt struck inside a callback
                self._calm_until = self._loop.time() + CALM_S
                self.interrupt()
        if data:
            self._is_waking = self._events_taken < self._events_sent
            if self._is_waking:
                self._wake()

    def _read_control(self) -> None:
        *lines, self._partial = (self._partial + self._receive("control")).split(b"\n")
        for line in lines:
            if line.startswith(b"L"):
                self._taken(line)
            elif line:
                try:
                    self._calls.on_missing(framing.names(line))
                except framing.BadFrameError as fault:
                    self._calls.on_bad(fault)
            else:  # an interrupt has struck
                self._striking -= 1
                if not self._striking:
                    self._send("command", self._held)
                    self._held = b""

    def _taken(self, line: bytes) -> None:
        """The control thread has taken a line; whatever else says so is a child that lies to itself."""
        try:
            number, fd = framing.line_taken(line)
        except framing.BadFrameError as fault:
            self._calls.on_bad(fault)
            return
        given = self._lent.get(number)
        if given is not None and not given.done():
            given.set_result(fd)

    def _died(self, code: int) -> None:
        if not self._is_over:
            self.drain_output()
            self._is_over = True
            self._calls.on_death(code)


def _make_wakeable(end: socket.socket) -> None:
    """Have a signal end a wait on this socket although it restarts system calls; see ``engine.RESTARTS``."""
    if engine.RESTARTS:
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            end.setsockopt(socket.SOL_SOCKET, option, _FOREVER)


def child_facts(plan: RuntimePlan) -> dict[str, Any]:
    """What ``onboard/boot`` and the shims are told, as plain values that Python writes and MicroPython reads."""
    facts, quirks = plan.facts, plan.quirks
    return {
        **asdict(quirks),
        "release": facts.release,
        "core_version": facts.core_version,
        "repl_uart": facts.repl_uart,
        "repl_baud": facts.repl_baud,
        "serial_number": facts.serial_number,
        "imei": facts.imei,
        "model": facts.model,
        "variant": facts.variant or facts.model,
        "firmware_version": facts.firmware_version,
        "product_id": facts.product_id,
        "build_date": facts.build_date,
        "qpy_version": facts.qpy_version,
        "system_heap_bytes": facts.system_heap_bytes,
        "battery_mv": facts.battery_mv,
        "heap_scale": HEAP_SCALE,
        "quiet": quirks.is_boot_quiet,
        "uart_8_bits_only": quirks.is_uart_8_bits_only,
        "power_on_reason": plan.power_on_reason,
        "power_down_reason": plan.power_down_reason,
        "line_probes": plan.has_line_probes,
        "uarts": sorted(plan.uarts),
        "mounts": [
            {
                "path": mount.path,
                "partition": mount.partition,
                "offset": mount.offset,
                "size": mount.size_bytes,
                "kind": mount.kind,
                "blocks": mount.driven_blocks,
                "block": mount.block_bytes,
                "read": mount.read_bytes,
                "program": mount.program_bytes,
                "lookahead": mount.lookahead_bytes,
                "protected": mount.is_write_protected,
            }
            for mount in plan.mounts
        ],
    }
