"""Where the content of a START..END transfer goes: flash, the boot image, NV, PhaseCheck, a cpio archive.

A flash target erases ahead of what it writes: the real FDL2 starts the erase at START and receives meanwhile, so after
a power cut the head of the range is new, some of it erased, and the tail old. A boot image is collected in memory and
only written at END, so that the time in which the module has no boot code is as short as can be.

Source: platform-unisoc 2.7, 5.6, 5.7.
"""

from __future__ import annotations

from typing import Final, Protocol

from moduline.digest import crc32
from moduline.errors import BadFormat, TooBig
from moduline.formats import nv
from moduline.nor.flash import Flash
from moduline.vmodule.download.cpio_unpacker import CpioUnpacker
from moduline.vmodule.file_store import FileStore
from moduline.vmodule.nv_store import NvStore
from moduline.wire.download.unisoc import BslAnswer

ERASE_AHEAD_BYTES: Final = 0x10000
READ_BACK_BYTES: Final = 0x10000


class Target(Protocol):
    """Takes the content of one transfer; both calls give the answer to the host."""

    def take(self, data: bytes) -> BslAnswer:
        """The next piece of content; never more in all than was announced."""

    def finish(self) -> BslAnswer:
        """Everything announced was taken."""


class FlashTarget:
    """A range of flash, erased ahead of the content and read back at the end.

    Args:
        flash: the chip.
        offset: where the content begins; sectors it touches are erased whole.
        size: announced bytes; the range must lie inside the chip.
    """

    def __init__(self, flash: Flash, offset: int, size: int) -> None:
        unit = flash.geometry.erase_bytes
        self._flash = flash
        self._start = offset
        self._at = offset
        self._erased_to = offset // unit * unit
        self._erase_end = -(-(offset + size) // unit) * unit if size else self._erased_to
        self._check = 0
        self._erase_until(offset + ERASE_AHEAD_BYTES)

    def take(self, data: bytes) -> BslAnswer:
        """Erase ahead and program."""
        self._erase_until(self._at + len(data) + ERASE_AHEAD_BYTES)
        self._flash.program(self._at, data)
        self._at += len(data)
        self._check = crc32(data, self._check)
        return BslAnswer.ACK

    def finish(self) -> BslAnswer:
        """Compare what the flash holds with what was received."""
        return BslAnswer.ACK if self._read_back() == self._check else BslAnswer.VERIFY_ERROR

    def _erase_until(self, offset: int) -> None:
        unit = self._flash.geometry.erase_bytes
        end = min(-(-offset // unit) * unit, self._erase_end)
        if end > self._erased_to:
            self._flash.erase(self._erased_to, end - self._erased_to)
            self._erased_to = end

    def _read_back(self) -> int:
        check = 0
        for at in range(self._start, self._at, READ_BACK_BYTES):
            check = crc32(self._flash.read(at, min(READ_BACK_BYTES, self._at - at)), check)
        return check


class BootTarget:
    """The boot image at the start of the flash: collected, then written as a whole."""

    def __init__(self, flash: Flash) -> None:
        self._flash = flash
        self._content = bytearray()

    def take(self, data: bytes) -> BslAnswer:
        """Collect."""
        self._content += data
        return BslAnswer.ACK

    def finish(self) -> BslAnswer:
        """Erase, program, read back."""
        whole = FlashTarget(self._flash, 0, len(self._content))
        whole.take(bytes(self._content))
        return whole.finish()


class NvTarget:
    """The fixed NV block: refused unless its CRC is right."""

    def __init__(self, store: NvStore) -> None:
        self._store = store
        self._content = bytearray()

    def take(self, data: bytes) -> BslAnswer:
        """Collect."""
        self._content += data
        return BslAnswer.ACK

    def finish(self) -> BslAnswer:
        """Check the CRC and keep the block."""
        block = bytes(self._content)
        if not nv.is_crc_right(block):
            return BslAnswer.OPERATION_FAILED
        try:
            self._store.write_block(block)
        except TooBig:
            return BslAnswer.OPERATION_FAILED
        return BslAnswer.ACK


class PhaseCheckTarget:
    """The 256 bytes of PhaseCheck."""

    def __init__(self, store: NvStore) -> None:
        self._store = store
        self._content = bytearray()

    def take(self, data: bytes) -> BslAnswer:
        """Collect."""
        self._content += data
        return BslAnswer.ACK

    def finish(self) -> BslAnswer:
        """Keep them."""
        self._store.write_phase_check(bytes(self._content))
        return BslAnswer.ACK


class CpioTarget:
    """An archive unpacked into the module's own file system while it arrives."""

    def __init__(self, files: FileStore) -> None:
        self._unpacker = CpioUnpacker(files.keep)

    def take(self, data: bytes) -> BslAnswer:
        """Unpack what is complete."""
        try:
            self._unpacker.feed(data)
        except (BadFormat, TooBig):
            return BslAnswer.OPERATION_FAILED
        return BslAnswer.ACK

    def finish(self) -> BslAnswer:
        """Nothing is left to do."""
        return BslAnswer.ACK
