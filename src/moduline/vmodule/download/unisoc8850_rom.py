"""The 8850's boot ROM: frames with CRC-16; takes the FDL into memory, checks it, says yes and jumps to it.

::

    state      7E 7E 7E   CONNECT    BAUD   START    MIDST    END     EXEC
    deaf       synced     .          .      .        .        .       .
    synced     .          connected  same   loading  0x82     0x82    0x82
    connected  .          connected  same   loading  0x82     0x82    0x82
    loading    .          connected  same   0x82     loading  loaded  0x82
    loaded     .          connected  same   0x82     0x82     0x82    (ACK, jump)

Before the three flags nothing is heard; after them flags mean nothing more. Any other command is 0x83, a wrong CRC-16
0x8B, both without a change of state. START anywhere but at 0x50800000, of less than 256 bytes or more than 0x14000, or
with another number of words than two or three is 0x82. Too much content (MIDST) and too little (END) are 0x8A; the
transfer must then begin anew, as if just connected. EXEC of something that is no image, or a damaged one, is 0x8B.

Where the sources are silent: CONNECT ends a transfer, so that a host that lost its place can begin again; the rates
CHANGE_BAUD takes are those of ``RATES``, others are 0x85.

Source: platform-unisoc 5.1, 5.3 to 5.8, 5.10, 6.2, 10 (only the SDK's imitation of the mask ROM is known).
"""

from __future__ import annotations

from typing import Final

from moduline.errors import BadFormat, FormatError
from moduline.formats import sihr
from moduline.vmodule.download.events import (
    BaudChanged,
    Connected,
    DownloadEvent,
    DownloadFaults,
    PartBegun,
    PartDone,
    Refused,
    StageEntered,
)
from moduline.wire.download.unisoc import (
    FDL_ADDRESS,
    MAX_FDL_BYTES,
    MIN_FDL_BYTES,
    ROM_8850,
    BslAnswer,
    BslBadCheck,
    BslCommand,
    BslFrame,
    BslSync,
    unpack_words,
)

RATES: Final = frozenset({9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600, 1000000, 2000000, 3000000})

TABLE: Final[dict[tuple[str, int], str]] = {
    ("synced", BslCommand.CONNECT): "connected",
    ("synced", BslCommand.CHANGE_BAUD): "synced",
    ("synced", BslCommand.START_DATA): "loading",
    ("connected", BslCommand.CONNECT): "connected",
    ("connected", BslCommand.CHANGE_BAUD): "connected",
    ("connected", BslCommand.START_DATA): "loading",
    ("loading", BslCommand.CONNECT): "connected",
    ("loading", BslCommand.CHANGE_BAUD): "loading",
    ("loading", BslCommand.MIDST_DATA): "loading",
    ("loading", BslCommand.END_DATA): "loaded",
    ("loaded", BslCommand.CONNECT): "connected",
    ("loaded", BslCommand.CHANGE_BAUD): "loaded",
    ("loaded", BslCommand.EXEC_DATA): "jumped",
}
"""State and command to the next state; what is missing of the known commands is answered 0x82."""
_KNOWN: Final = frozenset(command for _, command in TABLE)


class Rom8850:
    """One stay in the ROM, sans-I/O.

    Args:
        faults: switches of this session.

    Attributes:
        image: what was loaded, whole once the state is ``jumped``.
    """

    def __init__(self, faults: DownloadFaults) -> None:
        self.state = "deaf"
        self.content_bytes = 0
        self.image = bytearray()
        self._faults = faults
        self._decoder = ROM_8850.device_decoder()
        self._announced = 0
        self._is_heard = False
        self._out = bytearray()

    def receive(self, data: bytes) -> list[DownloadEvent]:
        """Take bytes of the host; ``bytes_to_send`` has the answers."""
        events: list[DownloadEvent] = []
        if self.state == "jumped":
            return events
        for event in self._decoder.feed(data):
            if isinstance(event, BslSync):
                self.state = "synced"
                self._send(BslAnswer.VER, ROM_8850.version)
            elif isinstance(event, BslBadCheck):
                events.append(Refused("rom", event.type, BslAnswer.VERIFY_ERROR))
                self._send(BslAnswer.VERIFY_ERROR)
            elif isinstance(event, BslFrame):
                self._answer(event, events)
            if self.state == "jumped":
                break
        return events

    def bytes_to_send(self) -> bytes:
        """Answers since the last call."""
        out = bytes(self._out)
        self._out.clear()
        return out

    def _send(self, answer: BslAnswer, data: bytes = b"") -> None:
        if not self._faults.is_silent:
            self._out += ROM_8850.encode(answer, data)

    def _answer(self, frame: BslFrame, events: list[DownloadEvent]) -> None:
        state = TABLE.get((self.state, frame.type))
        if state is not None:
            answer = self._do(frame, events)
        else:
            answer = BslAnswer.INVALID_COMMAND if frame.type in _KNOWN else BslAnswer.UNKNOWN_COMMAND
        self._send(answer)
        if answer is not BslAnswer.ACK:
            events.append(Refused("rom", frame.type, answer))
            if answer is BslAnswer.SIZE_ERROR:
                self.state = "connected"
            return
        if not self._is_heard and frame.type in {BslCommand.CONNECT, BslCommand.START_DATA}:
            self._is_heard = True
            events.append(Connected())
        self.state = state or self.state
        if self.state == "jumped":
            events.append(StageEntered("fdl"))

    def _do(self, frame: BslFrame, events: list[DownloadEvent]) -> BslAnswer:
        if frame.type == BslCommand.START_DATA:
            return self._start(frame.data, events)
        if frame.type == BslCommand.MIDST_DATA:
            if len(self.image) + len(frame.data) > self._announced:
                return BslAnswer.SIZE_ERROR
            self.image += frame.data
            self.content_bytes += len(frame.data)
        elif frame.type == BslCommand.END_DATA:
            if len(self.image) < self._announced:
                return BslAnswer.SIZE_ERROR
            events.append(PartDone(FDL_ADDRESS, self._announced))
        elif frame.type == BslCommand.CHANGE_BAUD:
            return _change_baud(frame.data, events)
        elif frame.type == BslCommand.EXEC_DATA:
            is_spoilt = FDL_ADDRESS in self._faults.verify_errors or not is_right_image(bytes(self.image))
            return BslAnswer.VERIFY_ERROR if is_spoilt else BslAnswer.ACK
        return BslAnswer.ACK

    def _start(self, data: bytes, events: list[DownloadEvent]) -> BslAnswer:
        try:
            address, size = unpack_words(data, 2, 3)[:2]
        except BadFormat:
            return BslAnswer.INVALID_COMMAND
        if address != FDL_ADDRESS or not MIN_FDL_BYTES <= size <= MAX_FDL_BYTES:
            return BslAnswer.INVALID_COMMAND
        self.image.clear()
        self._announced = size
        events.append(PartBegun(address, size))
        return BslAnswer.ACK


def _change_baud(data: bytes, events: list[DownloadEvent]) -> BslAnswer:
    try:
        (rate,) = unpack_words(data, 1, 1)
    except BadFormat:
        return BslAnswer.INVALID_COMMAND
    if rate not in RATES:
        return BslAnswer.BAUD_NOT_SUPPORTED
    events.append(BaudChanged(rate))
    return BslAnswer.ACK


def is_right_image(image: bytes) -> bool:
    """Whether both CRCs of the header are right and the whole image is there; signatures are not looked at.

    A checksum method that is not documented is not right either.

    Source: platform-unisoc 3.2.
    """
    try:
        return sihr.read(image).total_bytes <= len(image)
    except FormatError:
        return False
