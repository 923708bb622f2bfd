"""FDL1: says hello to the first flag byte, takes FDL2 into memory, jumps to it.

::

    state    7E     CONNECT  BAUD   START    MIDST    END     EXEC
    deaf     ready  .        .      .        .        .       .
    ready    .      ready    ready  loading  0x86     0x86    0x86
    loading  .      loading  load.  loading  loading  loaded  0x86
    loaded   .      loaded   load.  loading  0x86     0x86    (jump; the ACK comes from FDL2)

Before the first flag nothing else is heard. Any other command, a wrong check value, a START elsewhere (after 0x89) or
beyond the limit (after 0x8A), and an EXEC of something that is no image make the program stop: it is silent until the
power is cycled.

Source: platform-unisoc 5.1, 5.3, 5.5, 5.6, 5.7, 5.8, 9.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from moduline.errors import BadFormat
from moduline.vmodule.download.events import (
    BaudChanged,
    DownloadEvent,
    DownloadFaults,
    Panicked,
    PartBegun,
    PartDone,
    Refused,
    StageEntered,
)
from moduline.vmodule.download.rom import is_valid_image
from moduline.wire.download.unisoc import (
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

MAX_PACKET_BYTES: Final = 0x840 + 32

TABLE: Final[dict[tuple[str, int], str]] = {
    ("ready", BslCommand.CONNECT): "ready",
    ("ready", BslCommand.CHANGE_BAUD): "ready",
    ("ready", BslCommand.START_DATA): "loading",
    ("loading", BslCommand.CONNECT): "loading",
    ("loading", BslCommand.CHANGE_BAUD): "loading",
    ("loading", BslCommand.START_DATA): "loading",
    ("loading", BslCommand.MIDST_DATA): "loading",
    ("loading", BslCommand.END_DATA): "loaded",
    ("loaded", BslCommand.CONNECT): "loaded",
    ("loaded", BslCommand.CHANGE_BAUD): "loaded",
    ("loaded", BslCommand.START_DATA): "loading",
    ("loaded", BslCommand.EXEC_DATA): "jumped",
}
"""State and command to the next state; what is missing of the known commands is answered 0x86."""
_KNOWN: Final = frozenset(command for _, command in TABLE)


@dataclass(frozen=True, slots=True)
class SecondLoaderPlace:
    """Where FDL2 goes: its only allowed address, and its largest size in bytes."""

    address: int = 0x810000
    limit_bytes: int = 0x30000


class FirstLoader:
    """One life of FDL1, sans-I/O.

    Args:
        faults: switches of this session.
        place: of FDL2.
    """

    def __init__(self, faults: DownloadFaults, place: SecondLoaderPlace | None = None) -> None:
        self.state = "deaf"
        self.content_bytes = 0
        self._faults = faults
        self._place = place or SecondLoaderPlace()
        self._decoder = BslDecoder("sum", sync_flags=1, max_data_bytes=MAX_PACKET_BYTES)
        self._image = bytearray()
        self._announced = 0
        self._out = bytearray()

    def receive(self, data: bytes) -> list[DownloadEvent]:
        """Take bytes of the host; ``bytes_to_send`` has the answers."""
        events: list[DownloadEvent] = []
        if self.state in {"silent", "jumped"}:
            return events
        for event in self._decoder.feed(data):
            if isinstance(event, BslSync):
                self.state = "ready"
                self._send(BslAnswer.VER, VERSION_LOADER)
            elif isinstance(event, BslBadCheck):
                if self._faults.is_bad_check_answered:
                    self._send(BslAnswer.VERIFY_ERROR)
                else:
                    self._panic("bad-check", events)
            elif isinstance(event, BslFrame):
                self._answer(event, events)
            if self.state in {"silent", "jumped"}:
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
            self._out += encode_bsl(BslAnswer.LOG, b"fdl1\0")
        self._out += encode_bsl(answer, data)

    def _panic(self, why: str, events: list[DownloadEvent]) -> None:
        self.state = "silent"
        events.append(Panicked(why))

    def _answer(self, frame: BslFrame, events: list[DownloadEvent]) -> None:
        if frame.type not in _KNOWN:
            self._panic("unsupported-command", events)
            return
        state = TABLE.get((self.state, frame.type))
        answer = BslAnswer.DOWNLOAD_NOT_STARTED if state is None else self._do(frame, events)
        if answer is not BslAnswer.ACK:
            events.append(Refused("fdl1", frame.type, answer))
            self._send(answer)
            if frame.type == BslCommand.START_DATA:
                self._panic("bad-start", events)
            elif frame.type == BslCommand.MIDST_DATA and self.state == "loading":
                self.state = "ready"
            return
        if state == "jumped":
            if is_valid_image(bytes(self._image)):
                self.state = state
                events.append(StageEntered("fdl2"))
            else:
                self._panic("bad-image", events)
            return
        self.state = state or self.state
        self._send(BslAnswer.ACK)

    def _do(self, frame: BslFrame, events: list[DownloadEvent]) -> BslAnswer:
        if frame.type == BslCommand.START_DATA:
            return self._start(frame.data, events)
        if frame.type == BslCommand.MIDST_DATA:
            if len(self._image) + len(frame.data) > self._announced:
                return BslAnswer.SIZE_ERROR
            self._image += frame.data
            self.content_bytes += len(frame.data)
        elif frame.type == BslCommand.END_DATA:
            if len(self._image) < self._announced:
                return BslAnswer.SIZE_ERROR
            events.append(PartDone(self._place.address, self._announced))
        elif frame.type == BslCommand.CHANGE_BAUD:
            try:
                events.append(BaudChanged(unpack_words(frame.data, 1, 1)[0]))
            except BadFormat:
                return BslAnswer.INVALID_COMMAND
        return BslAnswer.ACK

    def _start(self, data: bytes, events: list[DownloadEvent]) -> BslAnswer:
        try:
            address, size = unpack_words(data, 2, 3)[:2]
        except BadFormat:
            return BslAnswer.INVALID_COMMAND
        if address != self._place.address:
            return BslAnswer.DESTINATION_ERROR
        if size > self._place.limit_bytes:
            return BslAnswer.SIZE_ERROR
        self._image.clear()
        self._announced = size
        events.append(PartBegun(address, size))
        return BslAnswer.ACK
