"""What shims ask of the module: power, REPL switches, UARTs, twins, notices.

Every question is a :class:`framing.Call`; the answer is a JSON value with bytes beside it. Questions come from code
that may be hostile: facts of the wrong type are a :class:`framing.BadFrameError`, like any other broken rule.

Source: device-api 2.5, 3.6, 10.5, 10.6; brief decision 13b.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

from moduline.events import Notice
from moduline.port import registry
from moduline.vmodule.interpreter import framing
from moduline.vmodule.interpreter.desk import Answer, Desk, Question
from moduline.vmodule.interpreter.desk import fact as _fact
from moduline.vmodule.interpreter.plan import RuntimePlan
from moduline.vmodule.interpreter.repl import Repl
from moduline.vmodule.interpreter.uart_bank import Uart, UartBank

MAX_TWIN_BYTES: Final = 1 << 19
PIECE_BYTES: Final = 12 * 1024  # an answer is sent in one piece, see onboard/boot/channel.py
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_SLUG: Final = re.compile(r"virt\.[a-z-]{1,40}")
_MAX_FACT: Final = 500


class Services:
    """Answers the questions of one child after another.

    Args:
        plan: of this power-on.
        repl: whose switches scripts may turn.
        uarts: the module's serial ports.
        send_raw: puts bytes on the REPL port as they are, behind everything printed so far.
        desks: answer the questions about what surrounds the module.
    """

    def __init__(
        self,
        plan: RuntimePlan,
        repl: Repl,
        uarts: UartBank,
        send_raw: Callable[[bytes], None],
        desks: Sequence[Desk] = (),
    ) -> None:
        self._plan = plan
        self._repl = repl
        self._uarts = uarts
        self._send_raw = send_raw
        self._questions: dict[str, Question] = {
            "answers": self._answers,
            "notice": self._notice,
            "power": self._power,
            "repl_protect": self._repl_protect,
            "repl_password": self._repl_password,
            "repl_status": self._repl_status,
            "kbd_intr": self._kbd_intr,
            "stdout_raw": self._stdout_raw,
            "twin": self._twin,
            "uart_open": self._uart_open,
            "uart_close": self._uart_close,
            "uart_any": self._uart_any,
            "uart_read": self._uart_read,
            "uart_readline": self._uart_readline,
            "uart_write": self._uart_write,
            "uart_listen": self._uart_listen,
        }
        for desk in desks:
            self._questions.update(desk.questions)

    def answer(self, call: framing.Call) -> bytes | Awaitable[bytes]:
        """The frame to send, or what will give it; empty when the asker waits for its end.

        Raises:
            framing.BadFrameError: an unknown question or facts of the wrong type.
        """
        question = self._questions.get(call.facts["op"])
        if question is None:
            raise framing.BadFrameError(f"call of unknown {call.facts['op'][:40]!r}")
        reply = question(call)
        return _frame(reply) if reply is None or isinstance(reply, tuple) else _frame_of(reply)

    # ---- module ----------------------------------------------------------------------------------------------------

    def _answers(self, call: framing.Call) -> Answer:
        """Whether anybody answers the question of that name; for boot code that must also run on a bare module."""
        return _fact(call, "name", str) in self._questions, b""

    def _notice(self, call: framing.Call) -> Answer:
        slug = _fact(call, "slug", str)
        if not _SLUG.fullmatch(slug):
            raise framing.BadFrameError("a notice without slug")
        facts = {name: str(value)[:_MAX_FACT] for name, value in call.facts.items() if name not in {"op", "slug"}}
        self._plan.owner.on_notice(Notice(slug, self._plan.name, facts))
        return True, b""

    def _power(self, call: framing.Call) -> Answer:
        if _fact(call, "how", str) == "down":
            self._plan.owner.on_power_down()
        else:
            self._plan.owner.on_power_restart()
        return None

    def _repl_protect(self, call: framing.Call) -> Answer:
        self._repl.guard.protect(_fact(call, "is_on", bool), _hash(call))
        return 0, b""

    def _repl_password(self, call: framing.Call) -> Answer:
        self._repl.guard.password = _hash(call)
        return 0, b""

    def _repl_status(self, _: framing.Call) -> Answer:
        return self._repl.guard.status, b""

    def _kbd_intr(self, call: framing.Call) -> Answer:
        self._repl.set_interrupt_byte(_fact(call, "character", int))
        return 0, b""

    def _stdout_raw(self, call: framing.Call) -> Answer:
        self._send_raw(call.data)
        return len(call.data), b""

    def _twin(self, call: framing.Call) -> Answer:
        """A piece of the twin from ``at``: (its whole size, bytes), or (-1, nothing) when there is none."""
        digest, path, at = _fact(call, "sha256", str), _fact(call, "path", str)[:_MAX_FACT], _fact(call, "at", int)
        if not _SHA256.fullmatch(digest):
            raise framing.BadFrameError("a twin without a hash")
        folder = self._plan.twins_folder or registry.home() / "twins"
        data = _read_small(folder / f"{digest}.mpy")
        if data is None:
            return -1, b""
        if at == 0:
            self._plan.owner.on_notice(Notice("virt.twin", self._plan.name, {"path": path, "sha256": digest}))
        return len(data), data[max(at, 0) : max(at, 0) + PIECE_BYTES]

    # ---- UARTs -----------------------------------------------------------------------------------------------------

    def _uart_open(self, call: framing.Call) -> Answer:
        uart = self._uarts.get(_fact(call, "port", int))
        if uart is not None:
            self._settle(uart)
            uart.is_open = True
        return True, b""

    def _settle(self, uart: Uart) -> None:
        """What was printed until now goes where the REPL port leads until now."""
        if uart is self._uarts.repl:
            self._send_raw(b"")

    def _uart_close(self, call: framing.Call) -> Answer:
        uart = self._uarts.get(_fact(call, "port", int))
        if uart is not None:
            self._settle(uart)
            uart.reset()
        return 0, b""

    def _uart_any(self, call: framing.Call) -> Answer:
        uart = self._uarts.get(_fact(call, "port", int))
        return uart.available() if uart else 0, b""

    def _uart_read(self, call: framing.Call) -> Answer:
        uart = self._uarts.get(_fact(call, "port", int))
        size = _fact(call, "size", int)
        return True, uart.read(min(size, PIECE_BYTES) if size >= 0 else PIECE_BYTES) if uart else b""

    def _uart_readline(self, call: framing.Call) -> Answer:
        uart = self._uarts.get(_fact(call, "port", int))
        return True, uart.read_line(PIECE_BYTES) if uart else b""

    def _uart_write(self, call: framing.Call) -> Answer:
        uart = self._uarts.get(_fact(call, "port", int))
        if uart is not None:
            uart.write(call.data)
        return len(call.data), b""

    def _uart_listen(self, call: framing.Call) -> Answer:
        uart = self._uarts.get(_fact(call, "port", int))
        if uart is not None:
            uart.is_listening = _fact(call, "is_on", bool)
        return 0, b""


def _frame(reply: Answer) -> bytes:
    return b"" if reply is None else framing.call_answer(*reply)


async def _frame_of(reply: Awaitable[Answer]) -> bytes:
    return _frame(await reply)


def _hash(call: framing.Call) -> str:
    """The SHA-256 of a password; empty for none."""
    value = _fact(call, "password", str) if "password" in call.facts else ""
    if value and not _SHA256.fullmatch(value):
        raise framing.BadFrameError("a password that is no hash")
    return value


def _read_small(path: Path) -> bytes | None:
    """Content of a twin; None when there is none, or none of a sane size."""
    try:
        if path.stat().st_size > MAX_TWIN_BYTES:
            return None
        return path.read_bytes()
    except OSError:
        return None
