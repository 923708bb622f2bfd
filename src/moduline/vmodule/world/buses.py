"""Devices on I2C and SPI: a map of registers, or a list of expected transfers.

A register device behaves like most sensors: a write stores its bytes from the register address on, a read gives them
from there on, both counting up; a read without an address goes on where the last transfer ended. A scripted device has
a list of exchanges; a transfer that is not the one it expects is not acknowledged, and the module's owner is told.

Source: I2C-bus specification (addressing, acknowledge); QuecPython/microPython ``machine_iic.c``, ``machine_hw_spi.c``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from moduline.vmodule.world.bench_plan import BusPeer, Exchange

ERASED: Final = 0xFF
MAX_TRANSFERS: Final = 1000
MAX_KEPT_BYTES: Final = 4096
SHOWN_BYTES: Final = 64


class Transfer(NamedTuple):
    """What the module did to a device.

    Attributes:
        sent: register address and data of a write; of a long one the beginning.
        answered: what a read got; None when the device did not acknowledge.
    """

    sent: bytes
    answered: bytes | None


class BusDevice:
    """A device of the plan, at work.

    Args:
        peer: what it is.
        now_s: seconds since the first power-on.
        on_mismatch: called with (expected, got) when a scripted device meets another transfer.
    """

    def __init__(self, peer: BusPeer, now_s: Callable[[], float], on_mismatch: Callable[[str, str], None]) -> None:
        self.peer = peer
        self.transfers: list[Transfer] = []
        self._now_s = now_s
        self._on_mismatch = on_mismatch
        self._memory: dict[int, int] = {}
        self._due = sorted(peer.registers, key=lambda register: register.from_s)
        self._at = 0
        self._step = 0
        self._size = 1 << (8 * peer.address_bytes)

    def register(self, address: int, size: int = 1) -> bytes:
        """What stands in its registers now."""
        self._take_due()
        return bytes(self._memory.get((address + i) % self._size, ERASED) for i in range(size))

    def set_register(self, address: int, data: bytes) -> None:
        """Change its registers."""
        self._take_due()
        self._store(address, data)

    def write(self, address: bytes, data: bytes) -> bool:
        """The module writes; False: not acknowledged."""
        if self._is_scripted:
            answer = self._follow(address + data)
        else:
            self._take_due()
            if address:
                self._at = int.from_bytes(address, "big") % self._size
            self._store(self._at, data)
            self._at = (self._at + len(data)) % self._size
            answer = b""
        self._note(address + data, None if answer is None else b"")
        return answer is not None

    def read(self, address: bytes, size: int) -> bytes | None:
        """The module reads; None: not acknowledged. Shorter answers are filled up with 0xFF, as a bus at rest reads."""
        answer: bytes | None
        if self._is_scripted:
            answer = self._follow(address)
        else:
            if address:
                self._at = int.from_bytes(address, "big") % self._size
            answer = self.register(self._at, size)
            self._at = (self._at + size) % self._size
        if answer is not None:
            answer = answer[:size].ljust(size, bytes([ERASED]))
        self._note(address, answer)
        return answer

    def transfer(self, sent: bytes, size: int) -> bytes:
        """SPI: ``sent`` goes out while ``size`` bytes come in; a device that was not meant leaves the line at rest."""
        if self.peer.is_loop:
            answer: bytes | None = sent
        else:
            answer = self._follow(sent)
        self._note(sent, answer)
        return (answer or b"")[:size].ljust(size, bytes([ERASED]))

    @property
    def _is_scripted(self) -> bool:
        return bool(self.peer.exchanges)

    def _follow(self, sent: bytes) -> bytes | None:
        """Answer of the exchange that is due, when ``sent`` is what it expects."""
        exchanges = self.peer.exchanges
        if self._step >= len(exchanges):
            if not self.peer.is_repeating or not exchanges:
                self._on_mismatch("-", sent[:SHOWN_BYTES].hex(" "))
                return None
            self._step = 0
        due: Exchange = exchanges[self._step]
        if due.expect is not None and due.expect != sent:
            self._on_mismatch(due.expect[:SHOWN_BYTES].hex(" "), sent[:SHOWN_BYTES].hex(" "))
            return None
        self._step += 1
        return due.answer

    def _store(self, address: int, data: Iterable[int]) -> None:
        for offset, byte in enumerate(data):
            self._memory[(address + offset) % self._size] = byte

    def _take_due(self) -> None:
        """Registers whose time has come take their new content."""
        now_s = self._now_s()
        while self._due and self._due[0].from_s <= now_s:
            register = self._due.pop(0)
            self._store(register.address, register.data)

    def _note(self, sent: bytes, answered: bytes | None) -> None:
        if len(self.transfers) < MAX_TRANSFERS:
            self.transfers.append(Transfer(sent[:MAX_KEPT_BYTES], answered))
