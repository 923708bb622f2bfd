"""The module's UARTs: bytes that wait for the script, bytes on their way out, and who wants to hear of news.

A UART that leads nowhere swallows what is written and never has anything to read, as an unconnected pin does. One of
them is the REPL port: while a script has it open, the REPL neither hears nor says anything.

Source: device-api 3.1, 10.5.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import Final

from moduline.errors import PortGone
from moduline.vmodule.interpreter.outbox import Outbox
from moduline.vmodule.interpreter.plan import ByteEnd

BUFFER_BYTES: Final = 65536


class Uart:
    """One connected UART.

    Args:
        number: of the port on the module.
        out: what takes the bytes that are written.
        on_data: called with (number, bytes waiting) when a listener is set and bytes came.
    """

    def __init__(self, number: int, out: Outbox, on_data: Callable[[int, int], None]) -> None:
        self._number = number
        self._out = out
        self._on_data = on_data
        self._received = bytearray()
        self.is_open = False
        self.is_listening = False

    def available(self) -> int:
        """Bytes that wait to be read."""
        return len(self._received)

    def read(self, size: int) -> bytes:
        """Up to ``size`` waiting bytes."""
        taken = bytes(self._received[:size])
        del self._received[: len(taken)]
        return taken

    def read_line(self, size: int) -> bytes:
        """Up to ``size`` waiting bytes, not beyond the first LF."""
        end = self._received.find(b"\n", 0, size)
        return self.read(end + 1 if end >= 0 else size)

    def write(self, data: bytes) -> None:
        """Send; bytes nobody takes for a second are lost."""
        self._out.put(data)

    def take(self, data: bytes) -> None:
        """Bytes have arrived; a UART that is not open does not see them, a full one loses the oldest."""
        if not self.is_open:
            return
        self._received += data
        del self._received[: max(0, len(self._received) - BUFFER_BYTES)]
        if self.is_listening:
            self._on_data(self._number, len(self._received))

    def reset(self) -> None:
        """Closed and empty, as after a reset of the module."""
        self._received.clear()
        self.is_open = self.is_listening = False


class UartBank:
    """All UARTs of one power-on life.

    Args:
        ends: the module's end of what each UART leads to.
        on_data: called with (number, bytes waiting) when a listener is set and bytes came.
        repl_number: the UART that is the REPL port.
        repl_out: what takes the bytes for that port; its owner closes it.
    """

    def __init__(
        self, ends: Mapping[int, ByteEnd], on_data: Callable[[int, int], None], repl_number: int, repl_out: Outbox
    ) -> None:
        self._outs: list[Outbox] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._uarts: dict[int, Uart] = {}
        for number, end in ends.items():
            out = Outbox(end)
            self._outs.append(out)
            uart = self._uarts[number] = Uart(number, out, on_data)
            self._tasks.append(asyncio.create_task(_receive(end, uart)))
        self.repl = self._uarts[repl_number] = Uart(repl_number, repl_out, on_data)

    def get(self, number: int) -> Uart | None:
        """The UART of that number; None when it leads nowhere."""
        return self._uarts.get(number)

    def reset(self) -> None:
        """All closed and empty."""
        for uart in self._uarts.values():
            uart.reset()

    async def close(self) -> None:
        """Let go of all ends; they are not closed."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for out in self._outs:
            await out.close()


async def _receive(end: ByteEnd, uart: Uart) -> None:
    with contextlib.suppress(PortGone):
        while True:
            uart.take(await end.read_some())
