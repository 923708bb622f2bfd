"""The module's side of the REPL protocol, byte for byte; sans-I/O.

::

    receive(bytes) ──▶ ┌────────┐ ──▶ actions(): Send, Run, Interrupt, Feed, Complete, SoftReset
    booted, ended  ──▶ │  Repl  │
    tick(now)      ──▶ └────────┘ ──▶ wake_at

Phases: ``booting`` (input waits), ``prompt`` (input is consumed byte by byte), ``running`` (input goes to the script's
standard input), ``completing`` (input waits for the answer to a Tab). Modes: friendly or raw, each with a sub-mode in
which text is collected: paste mode, raw-paste. What the running script prints is not seen here; the owner sends it, and
calls ``ended`` only after the last of it.

While main.py or a line of the friendly prompt runs, the module looks at its input only after a second: before, Ctrl-C
waits; after, it interrupts, and everything else that the script did not read is thrown away. In raw mode Ctrl-C
interrupts at once, because tools rely on it. What follows a Ctrl-C is held for a moment: it is meant for the prompt.

Source: device-api 2.2, 2.4, 3.2 to 3.6; micropython-runtime 5.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from moduline.vmodule.interpreter import line_editor, repl_guard, repl_source
from moduline.vmodule.interpreter.line_editor import CTRL_A, CTRL_B, CTRL_C, CTRL_D, CTRL_E

WATCH_AFTER_S: Final = 1.0
HOLD_S: Final = 0.3
WINDOW_BYTES: Final = 128
NO_INTERRUPT: Final = -1
MAX_TEXT_BYTES: Final = 1 << 20  # collected in raw and paste mode; more than any module has memory for

PROMPT: Final = b">>> "
MORE: Final = b"... "
PASTE: Final = b"=== "
RAW_BANNER: Final = b"raw REPL; CTRL-B to exit\r\n>"
PASTE_BANNER: Final = b"\r\npaste mode; Ctrl-C to cancel, Ctrl-D to finish\r\n=== "
REBOOT: Final = b"MPY: soft reboot\r\n"


class Kind(Enum):
    """What is being run, by the letter of the command channel."""

    MAIN = b"M"
    LINE = b"S"
    PASTED = b"P"
    RAW = b"X"


class Status(Enum):
    """How it ended."""

    OK = 0
    RAISED = 1
    EXITED = 2
    INTERRUPTED = 3
    ABSENT = 4


def status_of(body: bytes) -> Status:
    """Status byte of an ``E`` frame; one that is none counts as raised."""
    try:
        return Status(body[0])
    except (IndexError, ValueError):
        return Status.RAISED


class Phase(Enum):
    """Who gets the input."""

    BOOTING = "booting"
    PROMPT = "prompt"
    RUNNING = "running"
    COMPLETING = "completing"


@dataclass(frozen=True, slots=True)
class Send:
    """Bytes for the host, exactly as they are."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Run:
    """Source for the interpreter."""

    kind: Kind
    source: str


@dataclass(frozen=True, slots=True)
class Interrupt:
    """KeyboardInterrupt for what runs."""


@dataclass(frozen=True, slots=True)
class Feed:
    """Bytes for the script's standard input."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Complete:
    """A question to the interpreter: names that continue ``text``."""

    text: str


@dataclass(frozen=True, slots=True)
class SoftReset:
    """A new life of the interpreter; ``booted`` follows."""


Action = Send | Run | Interrupt | Feed | Complete | SoftReset


class Repl:
    """One REPL port through all soft resets of one power-on.

    Args:
        banner: what the friendly prompt begins with, line ends included.
        is_raw_paste_on: the raw prompt knows raw-paste.
        ctrl_c_stops_main: Ctrl-C reaches main.py.
        skips_main: the first boot does not run main.py.
    """

    def __init__(
        self,
        banner: bytes,
        *,
        is_raw_paste_on: bool = True,
        ctrl_c_stops_main: bool = True,
        skips_main: bool = False,
    ) -> None:
        self._banner = banner
        self._is_raw_paste_on = is_raw_paste_on
        self._ctrl_c_stops_main = ctrl_c_stops_main
        self._editor = line_editor.LineEditor()
        self._actions: list[Action] = []
        self._waiting = bytearray()  # received, not consumed
        self.phase = Phase.BOOTING
        self.is_raw = False
        self.guard = repl_guard.Guard()
        self.wake_at: float | None = None
        self._paste: bytearray | None = None
        self._raw = bytearray()
        self._raw_paste: bytearray | None = None
        self._kind = Kind.MAIN
        self._is_main_skipped = skips_main
        self._is_watched = False
        self._is_holding = False
        self._now = 0.0
        self._interrupt_byte = CTRL_C
        self._continued = ""  # lines of an unfinished compound statement
        self._window = 0  # bytes of raw-paste until the next grant

    # ---- what happens --------------------------------------------------------------------------------------------

    def actions(self) -> list[Action]:
        """What to do now, in order; each call gives only what is new."""
        done, self._actions = self._actions, []
        return done

    def receive(self, data: bytes, now: float) -> None:
        """Bytes came from the host at monotonic second ``now``."""
        self._now = now
        self._waiting += data
        self._go_on()

    def booted(self) -> None:
        """The interpreter is ready: run main.py, or come to the prompt."""
        self._editor.forget()
        if self.is_raw:
            self._raw_prompt(RAW_BANNER)
        elif self._is_main_skipped:
            self._friendly_prompt(self._banner)
        else:
            self._run(Kind.MAIN, "")
        self._is_main_skipped = False
        self._go_on()

    def ended(self, status: Status, error: str) -> None:
        """What ran has ended and all its output was sent.

        Args:
            status: how.
            error: the traceback, lines ending in LF; empty when there is none.
        """
        self._leave_running()
        trace = error.replace("\n", "\r\n").encode()
        if self._kind is Kind.RAW:
            self._send(b"\x04" + trace + b"\x04")
            if status is Status.EXITED:
                self._reset()
            else:
                self._raw_prompt(b">")
        elif status is Status.EXITED:
            self._reset()
        elif self._kind is Kind.MAIN and status is Status.INTERRUPTED:
            self._send(trace)
            self._is_main_skipped = True
            self._reset()
        else:
            self._send(trace)
            self._friendly_prompt(self._banner if self._kind is Kind.MAIN else b"")
        self._go_on()

    def take_back(self, unread: bytes) -> None:
        """Input that the ended script did not read; called before ``ended``."""
        if self._kind is Kind.RAW or not self._is_watched:
            self._waiting[:0] = unread

    def completions(self, names: Iterable[str]) -> None:
        """Answer to Complete."""
        if self.phase is Phase.COMPLETING:
            self._send(self._editor.complete(names))
            self.phase = Phase.PROMPT
            self._go_on()

    def tick(self, now: float) -> None:
        """The time of ``wake_at`` has come: the module begins to look at its input, or stops holding it back."""
        if self.wake_at is None or now < self.wake_at or self.phase is not Phase.RUNNING:
            return
        self._now = now
        self.wake_at = None
        self._is_holding = False
        self._is_watched = True
        self._go_on()

    def set_interrupt_byte(self, byte: int) -> None:
        """Which byte interrupts a running script; -1 for none. Ends with what runs."""
        self._interrupt_byte = byte

    # ---- consuming input -----------------------------------------------------------------------------------------

    def _go_on(self) -> None:
        while self._waiting:
            if self.phase is Phase.PROMPT:
                self._consume()
            elif self.phase is Phase.RUNNING:
                if not self._pass_on():
                    return
            else:
                return

    def _pass_on(self) -> bool:
        """Give waiting bytes to the running script; False when the rest has to wait."""
        at = self._waiting.find(self._interrupt_byte) if self._interrupt_byte >= 0 else -1
        if at < 0:
            if self._is_holding:
                return False
            self._act(Feed(bytes(self._waiting)))
            self._waiting.clear()
            return True
        if self._kind is not Kind.RAW and not self._is_watched:
            if at:  # Ctrl-C stays in its place: type-ahead if the script ends within the second
                self._act(Feed(bytes(self._waiting[:at])))
                del self._waiting[:at]
            return False
        if at and not self._is_holding:
            self._act(Feed(bytes(self._waiting[:at])))
        del self._waiting[: at + 1]
        if self._may_interrupt():
            self._is_holding = True
            self.wake_at = self._now + HOLD_S
            self._act(Interrupt())
        return True

    def _may_interrupt(self) -> bool:
        if self._kind is Kind.RAW:
            return True
        return not self.guard.is_on and (self._kind is not Kind.MAIN or self._ctrl_c_stops_main)

    def _consume(self) -> None:
        if self.is_raw:
            self._raw_byte()
        elif self._paste is not None:
            self._paste_byte(self._waiting.pop(0))
        else:
            self._friendly_byte(self._waiting.pop(0))

    # ---- friendly ------------------------------------------------------------------------------------------------

    def _friendly_byte(self, byte: int) -> None:
        if self.guard.is_asking:
            out, is_over = self.guard.feed(byte)
            self._send(out)
            if is_over:
                self._friendly_prompt(b"")
            return
        out, what = self._editor.feed(byte)
        self._send(out)
        match what:
            case line_editor.Line(text):
                self._friendly_line(text)
            case line_editor.Key(code):
                self._friendly_key(code)
            case line_editor.Wish(text):
                self.phase = Phase.COMPLETING
                self._act(Complete(text))
            case None:
                pass

    def _friendly_line(self, text: str) -> None:
        if self.guard.is_on:
            self._friendly_prompt(self.guard.refuse())
        elif not text:
            self._friendly_prompt(b"")
        elif line_editor.needs_more(text):
            self._send(self._editor.begin(MORE, text + "\n"))
            self._continued = text + "\n"
        else:
            self._run_line(text)

    def _run_line(self, text: str) -> None:
        self._continued = ""
        self._run(Kind.LINE, text)

    def _friendly_key(self, code: int) -> None:
        if self.guard.is_on:
            self._friendly_prompt(b"\r\n" + self.guard.refuse())
        elif self._continued and code == CTRL_D:
            self._send(b"\r\n")
            self._run_line(self._continued)
        elif self._continued and code != CTRL_C:
            return
        elif code == CTRL_A:
            self.is_raw = True
            self._raw_prompt(b"\r\n" + RAW_BANNER)
        elif code == CTRL_B:
            self._friendly_prompt(b"\r\n" + self._banner)
        elif code == CTRL_C:
            self._friendly_prompt(b"\r\n")
        elif code == CTRL_D:
            self._send(b"\r\n")
            self._reset()
        elif code == CTRL_E:
            self._paste = bytearray()
            self._send(PASTE_BANNER)

    def _paste_byte(self, byte: int) -> None:
        text = self._paste
        assert text is not None
        if byte == CTRL_C:
            self._paste = None
            self._friendly_prompt(b"\r\n")
        elif byte == CTRL_D:
            self._paste = None
            self._send(b"\r\n")
            self._run(Kind.PASTED, repl_source.echoing(_lines(text)))
        else:
            if len(text) < MAX_TEXT_BYTES:
                text.append(byte)
            self._send(b"\r\n" + PASTE if byte == line_editor.CR else bytes([byte]))

    # ---- raw -----------------------------------------------------------------------------------------------------

    def _raw_byte(self) -> None:
        if self._raw_paste is not None:
            self._raw_paste_bytes()
            return
        end = next((i for i, byte in enumerate(self._waiting) if byte in _RAW_KEYS), len(self._waiting))
        if end:
            self._raw += self._waiting[: min(end, MAX_TEXT_BYTES - len(self._raw))]
            del self._waiting[:end]
            return
        byte = self._waiting.pop(0)
        if byte == CTRL_A:
            self._raw_request()
        elif byte == CTRL_B:
            self.is_raw = False
            self._friendly_prompt(b"\r\n" + self._banner)
        elif byte == CTRL_C:
            self._raw.clear()
        else:
            source = _lines(self._raw)
            self._raw.clear()
            self._send(b"OK")
            if source:
                self._run(Kind.RAW, source)
            else:
                self._send(b"\r\n")
                self._reset()

    def _raw_request(self) -> None:
        if self._is_raw_paste_on and len(self._raw) == 2 and self._raw[0] == CTRL_E:
            wanted = self._raw[1:2]
            self._raw.clear()
            if wanted == b"A":
                self._raw_paste = bytearray()
                self._window = WINDOW_BYTES
                self._send(b"R\x01" + WINDOW_BYTES.to_bytes(2, "little") + b"\x01")
            else:
                self._send(b"R\x00>")
            return
        self._raw_prompt(RAW_BANNER)

    def _raw_paste_bytes(self) -> None:
        text = self._raw_paste
        assert text is not None
        end = next((i for i, byte in enumerate(self._waiting) if byte in _END_KEYS), -1)
        taken = len(self._waiting) if end < 0 else end
        text += self._waiting[: min(taken, MAX_TEXT_BYTES - len(text))]
        self._window -= taken
        grants = 0
        while self._window <= 0:
            self._window += WINDOW_BYTES
            grants += 1
        if end < 0:
            self._waiting.clear()
            self._send(b"\x01" * grants)
            return
        key = self._waiting[end]
        del self._waiting[: end + 1]
        self._raw_paste = None
        self._send(b"\x01" * grants + b"\x04")
        if key == CTRL_C:
            trace = b'Traceback (most recent call last):\r\n  File "<stdin>", line 1\r\nKeyboardInterrupt: \r\n'
            self._raw_prompt(b"\x04" + trace + b"\x04>")
        else:
            self._run(Kind.RAW, _lines(text))

    # ---- moving on -----------------------------------------------------------------------------------------------

    def _friendly_prompt(self, before: bytes) -> None:
        self.phase = Phase.PROMPT
        self._continued = ""
        self._send(before + self._editor.begin(PROMPT))

    def _raw_prompt(self, text: bytes) -> None:
        self.phase = Phase.PROMPT
        self._raw.clear()
        self._send(text)

    def _run(self, kind: Kind, source: str) -> None:
        self._kind = kind
        self.phase = Phase.RUNNING
        self._is_watched = False
        self._is_holding = False
        self._act(Run(kind, source))

    def started(self, now: float) -> None:
        """What ``Run`` asked for has begun."""
        if self.phase is Phase.RUNNING and self._kind is not Kind.RAW:
            self.wake_at = now + WATCH_AFTER_S

    def _leave_running(self) -> None:
        self.wake_at = None
        self._is_holding = False
        self._interrupt_byte = CTRL_C

    def _reset(self) -> None:
        self.phase = Phase.BOOTING
        self._send(REBOOT)
        self._act(SoftReset())

    def _send(self, data: bytes) -> None:
        if data:
            self._act(Send(data))

    def _act(self, action: Action) -> None:
        self._actions.append(action)


_RAW_KEYS: Final = frozenset((CTRL_A, CTRL_B, CTRL_C, CTRL_D))
_END_KEYS: Final = frozenset((CTRL_C, CTRL_D))


def _lines(text: bytes | bytearray) -> str:
    """Source text of collected bytes: LF line ends, what is not UTF-8 replaced."""
    return bytes(text).replace(b"\r\n", b"\n").replace(b"\r", b"\n").decode("utf-8", "replace")
