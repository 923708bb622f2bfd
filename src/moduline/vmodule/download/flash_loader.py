"""FDL2, and what the 8850's FDL has in common with it: the program that really writes flash, NV, PhaseCheck and files.

::

    state      START          MIDST           END             others
    ready      -> receiving   0x86            0x86            as below
    receiving  -> receiving   receiving       -> ready        as below

A MIDST that fails sends the state back to ready: the transfer must begin again. A wrong check value makes the program
stop (silence until the power is cycled) unless the fault switches say otherwise. CONNECT, REPARTITION and ENABLE_DEBUG
are only acknowledged; EXEC and every unknown type are 0x82.

ERASE_FLASH of everything first copies PhaseCheck, and FDL2 NV too, to memory, erases the chip, and puts that back; a
power cut in between loses it, as on the metal.

Where the sources are silent: a short START or READ is 0x82; a range that begins outside the chip is 0x89 for START,
one that only ends outside 0x8A; the external flash at 0x70000000 is missing on these boards, so everything about it is
0x84 ("flash device missing").

Source: platform-unisoc 2.7, 5.3, 5.5, 5.6, 5.7, 5.8, 6.1, 6.4, 6.5, 6.6, 9.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from moduline.errors import BadFormat, TooBig
from moduline.vmodule.download.events import (
    BaudChanged,
    CutReached,
    DownloadEvent,
    DownloadFaults,
    Panicked,
    PartBegun,
    PartDone,
    PowerOffWanted,
    Refused,
    ResetWanted,
    Stage,
    UnplugReached,
)
from moduline.vmodule.download.storage import Storage
from moduline.vmodule.download.targets import (
    BootTarget,
    CpioTarget,
    FlashTarget,
    NvTarget,
    PhaseCheckTarget,
    Target,
)
from moduline.vmodule.file_store import APPLICATION, RUNNING_NV
from moduline.vmodule.nv_store import PHASE_CHECK_BYTES, NvStore
from moduline.wire.download.unisoc import (
    MAX_DATA_BYTES,
    VERSION_LOADER,
    BslAnswer,
    BslBadCheck,
    BslCommand,
    BslDecoder,
    BslFrame,
    BslSync,
    encode_bsl,
    unpack_words,
)

RUNNING_NV_ADDRESS: Final = 0xFE000001
PHASE_CHECK_ADDRESS: Final = 0xFE000002
NV_ADDRESS: Final = 0xFE000003
CPIO_ADDRESS: Final = 0xFE000004
APPLICATION_ADDRESS: Final = 0xFE000005
FORMAT_ADDRESS: Final = 0xFE000006
WHOLE_CHIP: Final = (0, 0xFFFFFFFF)
INTERNAL_FLASH: Final = 0x60
EXTERNAL_FLASH: Final = 0x70
MAX_READ_BYTES: Final = 0xFFFF

Answer = tuple[BslAnswer, bytes]


@dataclass(frozen=True, slots=True)
class LoaderKind:
    """What tells the flash loaders of the two chips apart.

    Attributes:
        stage: name in events.
        sync_flags: flags in a row it waits for before it greets with VER; 0: it begins with an ACK.
        boot_limit_bytes: memory for the boot image at the start of the flash.
        keeps_nv: whether NV comes back when the whole chip is erased.
    """

    stage: Stage
    sync_flags: int
    boot_limit_bytes: int
    keeps_nv: bool


FDL2: Final = LoaderKind("fdl2", sync_flags=0, boot_limit_bytes=0x10000, keeps_nv=True)


class FlashLoader:
    """One life of a flash loader, sans-I/O; FDL2's first bytes to send are the answer to FDL1's EXEC.

    Args:
        storage: what it writes to; a FlashCut passes through ``receive``.
        faults: switches of this session.
        content_bytes: content received by the stages before.
        kind: of which chip it is.
    """

    def __init__(
        self, storage: Storage, faults: DownloadFaults, content_bytes: int = 0, kind: LoaderKind = FDL2
    ) -> None:
        self.state = "deaf" if kind.sync_flags else "ready"
        self.content_bytes = content_bytes
        self._kind = kind
        self._storage = storage
        self._flash = storage.flash
        self._nv_store = storage.nv
        self._files = storage.files
        self._faults = faults
        self._decoder = BslDecoder("sum", kind.sync_flags, MAX_DATA_BYTES)
        self._target: Target | None = None
        self._address = 0
        self._announced = 0
        self._received = 0
        self._nv_snapshot = b""
        self._nv_read_at = 0
        self._out = bytearray()
        self._commands: dict[int, Callable[[bytes, list[DownloadEvent]], Answer | None]] = {
            BslCommand.CONNECT: self._acknowledge,
            BslCommand.REPARTITION: self._acknowledge,
            BslCommand.ENABLE_DEBUG: self._acknowledge,
            BslCommand.START_DATA: self._start,
            BslCommand.MIDST_DATA: self._midst,
            BslCommand.END_DATA: self._end,
            BslCommand.READ_FLASH: self._read,
            BslCommand.ERASE_FLASH: self._erase,
            BslCommand.CHANGE_BAUD: self._change_baud,
            BslCommand.NORMAL_RESET: self._reset,
            BslCommand.POWER_OFF: self._power_off,
        }
        if not kind.sync_flags:
            self._send(BslAnswer.ACK)

    def receive(self, data: bytes) -> list[DownloadEvent]:
        """Take bytes of the host; ``bytes_to_send`` has the answers.

        Raises:
            FlashCut: the power went away at a flash operation.
        """
        events: list[DownloadEvent] = []
        if self.state == "stopped":
            return events
        for event in self._decoder.feed(data):
            if isinstance(event, BslFrame):
                self._answer(event, events)
            elif isinstance(event, BslSync):
                self.state = "ready"
                self._send(BslAnswer.VER, VERSION_LOADER)
            elif isinstance(event, BslBadCheck):
                if self._faults.is_bad_check_answered:
                    self._send(BslAnswer.VERIFY_ERROR)
                else:
                    events.append(Panicked("bad-check"))
                    self.state = "stopped"
            if self.state == "stopped":
                break
        return events

    def bytes_to_send(self) -> bytes:
        """Answers since the last call."""
        out = bytes(self._out)
        self._out.clear()
        return out

    def _send(self, answer: BslAnswer, data: bytes = b"") -> None:
        if self._faults.is_silent:
            return
        if self._faults.has_log_frames:
            self._out += encode_bsl(BslAnswer.LOG, self._kind.stage.encode("ascii") + b"\0")
        self._out += encode_bsl(answer, data)

    def _answer(self, frame: BslFrame, events: list[DownloadEvent]) -> None:
        command = self._commands.get(frame.type)
        result = (BslAnswer.INVALID_COMMAND, b"") if command is None else command(frame.data, events)
        if result is None:
            return
        answer, data = result
        if answer not in {BslAnswer.ACK, BslAnswer.READ_DATA}:
            events.append(Refused(self._kind.stage, frame.type, answer))
        self._send(answer, data)

    def _acknowledge(self, data: bytes, events: list[DownloadEvent]) -> Answer:
        del data, events
        return BslAnswer.ACK, b""

    # ---- writing ---------------------------------------------------------------------------------------------------

    def _start(self, data: bytes, events: list[DownloadEvent]) -> Answer:
        self.state, self._target = "ready", None
        try:
            address, size = unpack_words(data, 2, 3)[:2]
        except BadFormat:
            return BslAnswer.INVALID_COMMAND, b""
        found = self._target_for(address, size)
        if isinstance(found, BslAnswer):
            return found, b""
        self.state, self._target = "receiving", found
        self._address, self._announced, self._received = address, size, 0
        events.append(PartBegun(address, size))
        return BslAnswer.ACK, b""

    def _target_for(self, address: int, size: int) -> Target | BslAnswer:
        if address >> 24 == INTERNAL_FLASH:
            offset, capacity = address & 0xFFFFFF, self._flash.geometry.capacity_bytes
            if offset >= capacity:
                return BslAnswer.DESTINATION_ERROR
            if size > (capacity - offset if offset else self._kind.boot_limit_bytes):
                return BslAnswer.SIZE_ERROR
            return FlashTarget(self._flash, offset, size) if offset else BootTarget(self._flash)
        if address >> 24 == EXTERNAL_FLASH:
            return BslAnswer.OPERATION_FAILED
        if address == NV_ADDRESS:
            return self._factory_target(size <= self._nv_store.block_bytes, NvTarget)
        if address == PHASE_CHECK_ADDRESS:
            return self._factory_target(size == PHASE_CHECK_BYTES, PhaseCheckTarget)
        if address == CPIO_ADDRESS:
            return self._cpio_target() if self._files.is_mountable else BslAnswer.INCOMPATIBLE_PARTITION
        return BslAnswer.DESTINATION_ERROR

    def _cpio_target(self) -> Target:
        return CpioTarget(self._files)

    def _factory_target(self, is_size_right: bool, kind: Callable[[NvStore], Target]) -> Target | BslAnswer:
        if not is_size_right:
            return BslAnswer.SIZE_ERROR
        return kind(self._nv_store) if self._nv_store.is_mountable else BslAnswer.INCOMPATIBLE_PARTITION

    def _midst(self, data: bytes, events: list[DownloadEvent]) -> Answer | None:
        if self._target is None:
            return BslAnswer.DOWNLOAD_NOT_STARTED, b""
        self.content_bytes += len(data)
        if self._is_reached(self._faults.cut_at_bytes):
            self._stop(CutReached(), events)
            return None
        if self._is_reached(self._faults.unplug_at_bytes):
            self._faults.unplug_at_bytes = None
            events.append(UnplugReached())
        self._received += len(data)
        answer = BslAnswer.SIZE_ERROR if self._received > self._announced else self._target.take(data)
        if answer is not BslAnswer.ACK:
            self.state, self._target = "ready", None
        return answer, b""

    def _is_reached(self, limit: int | None) -> bool:
        return limit is not None and self.content_bytes >= limit

    def _stop(self, event: DownloadEvent, events: list[DownloadEvent]) -> None:
        self.state = "stopped"
        events.append(event)

    def _end(self, data: bytes, events: list[DownloadEvent]) -> Answer:
        del data
        target, self._target, self.state = self._target, None, "ready"
        if target is None:
            return BslAnswer.DOWNLOAD_NOT_STARTED, b""
        if self._received != self._announced:
            return BslAnswer.SIZE_ERROR, b""
        answer = target.finish()
        if answer is BslAnswer.ACK and self._address in self._faults.verify_errors:
            answer = BslAnswer.VERIFY_ERROR
        if answer is BslAnswer.ACK:
            events.append(PartDone(self._address, self._announced))
        return answer, b""

    # ---- reading ---------------------------------------------------------------------------------------------------

    def _read(self, data: bytes, events: list[DownloadEvent]) -> Answer:
        del events
        try:
            address, size, *more = unpack_words(data, 2, 3)
        except BadFormat:
            return BslAnswer.INVALID_COMMAND, b""
        if not 0 < size <= MAX_READ_BYTES:
            return BslAnswer.INVALID_COMMAND, b""
        if address == NV_ADDRESS:
            return self._read_nv(size, more[0] if more else 0)
        if address == PHASE_CHECK_ADDRESS:
            stored = self._nv_store.read_phase_check()
            return (BslAnswer.OPERATION_FAILED, b"") if stored is None else (BslAnswer.READ_DATA, stored[:size])
        if address >> 24 == EXTERNAL_FLASH:
            return BslAnswer.OPERATION_FAILED, b""
        offset = address & 0xFFFFFF
        if address >> 24 != INTERNAL_FLASH or offset + size > self._flash.geometry.capacity_bytes:
            return BslAnswer.INVALID_COMMAND, b""
        return BslAnswer.READ_DATA, self._flash.read(offset, size)

    def _read_nv(self, size: int, offset: int) -> Answer:
        """Offset 0 takes the snapshot; the following offsets must be consecutive, the last packet may be short."""
        if offset == 0:
            block = self._nv_store.read_block()
            if block is None:
                return BslAnswer.OPERATION_FAILED, b""
            self._nv_snapshot, self._nv_read_at = block, 0
        if offset != self._nv_read_at or offset >= len(self._nv_snapshot):
            return BslAnswer.INVALID_COMMAND, b""
        piece = self._nv_snapshot[offset : offset + size]
        self._nv_read_at += len(piece)
        return BslAnswer.READ_DATA, piece

    # ---- erasing ---------------------------------------------------------------------------------------------------

    def _erase(self, data: bytes, events: list[DownloadEvent]) -> Answer:
        del events
        self.state, self._target = "ready", None
        try:
            address, size = unpack_words(data, 2, 2)
        except BadFormat:
            return BslAnswer.INVALID_COMMAND, b""
        if (address, size) == WHOLE_CHIP:
            return self._erase_all(), b""
        if address == RUNNING_NV_ADDRESS:
            self._files.remove(RUNNING_NV)
        elif address == PHASE_CHECK_ADDRESS:
            self._nv_store.drop_phase_check()
        elif address == APPLICATION_ADDRESS:
            self._files.remove(APPLICATION)
        elif address == FORMAT_ADDRESS:
            files = self._storage.device(size)
            is_done = files is not None and files.format()
            return (BslAnswer.ACK if is_done else BslAnswer.OPERATION_FAILED), b""
        elif address >> 24 == EXTERNAL_FLASH:
            return BslAnswer.OPERATION_FAILED, b""
        else:
            return self._erase_range(address, size), b""
        return BslAnswer.ACK, b""

    def _erase_range(self, address: int, size: int) -> BslAnswer:
        offset, unit = address & 0xFFFFFF, self._flash.geometry.erase_bytes
        if address >> 24 != INTERNAL_FLASH or offset + size > self._flash.geometry.capacity_bytes:
            return BslAnswer.INVALID_COMMAND
        first, end = offset // unit * unit, -(-(offset + size) // unit) * unit
        if size:
            self._flash.erase(first, end - first)
        return BslAnswer.ACK

    def _erase_all(self) -> BslAnswer:
        block = self._nv_store.read_block() if self._kind.keeps_nv else None
        phase_check = self._nv_store.read_phase_check()
        self._flash.erase(0, self._flash.geometry.capacity_bytes)
        self._nv_store.format()
        try:
            if block is not None:
                self._nv_store.write_block(block)
            if phase_check is not None:
                self._nv_store.write_phase_check(phase_check)
        except TooBig:
            return BslAnswer.OPERATION_FAILED
        return BslAnswer.ACK

    # ---- leaving ---------------------------------------------------------------------------------------------------

    def _change_baud(self, data: bytes, events: list[DownloadEvent]) -> Answer:
        try:
            events.append(BaudChanged(unpack_words(data, 1, 1)[0]))
        except BadFormat:
            return BslAnswer.INVALID_COMMAND, b""
        return BslAnswer.ACK, b""

    def _reset(self, data: bytes, events: list[DownloadEvent]) -> Answer:
        del data
        self._stop(ResetWanted(), events)
        return BslAnswer.ACK, b""

    def _power_off(self, data: bytes, events: list[DownloadEvent]) -> Answer:
        del data
        self._stop(PowerOffWanted(), events)
        return BslAnswer.ACK, b""
