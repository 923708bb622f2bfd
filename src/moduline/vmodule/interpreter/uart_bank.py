"""The module's UARTs: bytes that wait for the script, bytes on their way out, and who wants to hear of news.

A UART that leads nowhere swallows what is written and never has anything to read, as an unconnected pin does.

Source: device-api 10.5.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping

from moduline.errors import PortGone
from moduline.vmodule.interpreter.outbox import Outbox
from moduline.vmodule.interpreter.plan import ByteEnd

BUFFER_BYTES = 65536


class Uart:
    """One connected UART.

    Args:
        number: of the port on the module.
        end: the module's end of what it leads to.
        on_data: called with (number, bytes waiting) when a listener is set and bytes came.
    """

    def __init__(self, number: int, end: ByteEnd, on_data: Callable[[int, int], None]) -> None:
        self._number = number
        self._end = end
        self._on_data = on_data
        self._received = bytearray()
        self._out = Outbox(end)
        self.is_open = False
        self.is_listening = False
        self._task = asyncio.create_task(self._receive())

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

    def reset(self) -> None:
        """Closed and empty, as after a reset of the module."""
        self._received.clear()
        self.is_open = self.is_listening = False

    async def close(self) -> None:
        """Let go of the port's end; it is not closed."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        await self._out.close()

    async def _receive(self) -> None:
        with contextlib.suppress(PortGone):
            while True:
                data = await self._end.read_some()
                if not self.is_open:
                    continue
                self._received += data
                del self._received[: max(0, len(self._received) - BUFFER_BYTES)]
                if self.is_listening:
                    self._on_data(self._number, len(self._received))


class UartBank:
    """All UARTs of one power-on life."""

    def __init__(self, ends: Mapping[int, ByteEnd], on_data: Callable[[int, int], None]) -> None:
        self._uarts = {number: Uart(number, end, on_data) for number, end in ends.items()}

    def get(self, number: int) -> Uart | None:
        """The UART of that number; None when it leads nowhere."""
        return self._uarts.get(number)

    def reset(self) -> None:
        """All closed and empty."""
        for uart in self._uarts.values():
            uart.reset()

    async def close(self) -> None:
        """Let go of all ends."""
        for uart in self._uarts.values():
            await uart.close()
