"""The 8910's boot ROM: takes one image into memory, checks it, jumps to it.

::

    state      CONNECT    START      MID        END        EXEC
    idle       connected  loading    -          -          -
    connected  connected  loading    -          -          -
    loading    connected  loading    loading    loaded     -
    loaded     connected  loading    -          -          (jump, no answer)

``-`` is answered with "invalid command", any other command with "unknown command". A START outside the loader window
is "invalid address", a chunk longer than its packet or than what was announced "invalid size", an END before
everything is in "invalid size", an image with a wrong header or data CRC "verify error" at EXEC; none of them changes
the state. Chunk indexes and the tags of START and END are not looked at. Only the SDK's imitation of the ROM is known,
so answers outside the happy path are the best reading of it.

Source: platform-unisoc 5.2, 6.1, 9, 10.
"""

from __future__ import annotations

from typing import Final

from moduline.errors import BadChecksum, BadFormat
from moduline.formats import uimage
from moduline.vmodule.download.events import Connected, DownloadEvent, DownloadFaults, PartBegun, Refused, StageEntered
from moduline.wire.download.unisoc import (
    FLOW_NORMAL,
    PdlAnswer,
    PdlCode,
    PdlCommand,
    PdlDecoder,
    PdlPacket,
    PdlRequest,
    encode_pdl_answer,
    unpack_pdl_request,
)

WINDOW_START: Final = 0x800000
WINDOW_END: Final = 0x840000

TABLE: Final[dict[tuple[str, int], str]] = {
    ("idle", PdlCommand.CONNECT): "connected",
    ("idle", PdlCommand.START_DATA): "loading",
    ("connected", PdlCommand.CONNECT): "connected",
    ("connected", PdlCommand.START_DATA): "loading",
    ("loading", PdlCommand.CONNECT): "connected",
    ("loading", PdlCommand.START_DATA): "loading",
    ("loading", PdlCommand.MID_DATA): "loading",
    ("loading", PdlCommand.END_DATA): "loaded",
    ("loaded", PdlCommand.CONNECT): "connected",
    ("loaded", PdlCommand.START_DATA): "loading",
    ("loaded", PdlCommand.EXEC_DATA): "jumped",
}
"""State and command to the next state."""
_KNOWN: Final = frozenset(command for _, command in TABLE)


class BootRom:
    """One stay in the ROM, sans-I/O.

    Args:
        faults: switches of this session.
    """

    def __init__(self, faults: DownloadFaults) -> None:
        self.state = "idle"
        self.content_bytes = 0
        self._faults = faults
        self._decoder = PdlDecoder((FLOW_NORMAL,))
        self._image = bytearray()
        self._announced = 0
        self._out = bytearray()

    def receive(self, data: bytes) -> list[DownloadEvent]:
        """Take bytes of the host; ``bytes_to_send`` has the answers."""
        events: list[DownloadEvent] = []
        for event in self._decoder.feed(data):
            if isinstance(event, PdlPacket) and self.state != "jumped":
                self._answer(unpack_pdl_request(event), events)
        return events

    def bytes_to_send(self) -> bytes:
        """Answers since the last call."""
        out = bytes(self._out)
        self._out.clear()
        return out

    def _answer(self, request: PdlRequest, events: list[DownloadEvent]) -> None:
        state = TABLE.get((self.state, request.command))
        if state is not None:
            code = self._do(request, events)
        else:
            code = PdlCode.INVALID_COMMAND if request.command in _KNOWN else PdlCode.UNKNOWN_COMMAND
        if code is not PdlCode.ACK:
            events.append(Refused("rom", request.command, code))
        elif state == "jumped":
            self.state = state
            events.append(StageEntered("fdl1"))
            return
        elif state is not None:
            if self.state == "idle":
                events.append(Connected())
            self.state = state
        if not self._faults.is_silent:
            self._out += encode_pdl_answer(PdlAnswer(code))

    def _do(self, request: PdlRequest, events: list[DownloadEvent]) -> PdlCode:
        if request.command == PdlCommand.START_DATA:
            return self._start(request, events)
        if request.command == PdlCommand.MID_DATA:
            return self._append(request)
        if request.command == PdlCommand.END_DATA and len(self._image) < self._announced:
            return PdlCode.INVALID_SIZE
        if request.command == PdlCommand.EXEC_DATA and not is_valid_image(bytes(self._image)):
            return PdlCode.VERIFY_ERROR
        return PdlCode.ACK

    def _start(self, request: PdlRequest, events: list[DownloadEvent]) -> PdlCode:
        if not WINDOW_START <= request.address <= request.address + request.size <= WINDOW_END:
            return PdlCode.INVALID_ADDRESS
        self._image.clear()
        self._announced = request.size
        events.append(PartBegun(request.address, request.size))
        return PdlCode.ACK

    def _append(self, request: PdlRequest) -> PdlCode:
        if request.size > len(request.data) or len(self._image) + request.size > self._announced:
            return PdlCode.INVALID_SIZE
        self._image += request.data[: request.size]
        self.content_bytes += request.size
        return PdlCode.ACK


def is_valid_image(image: bytes) -> bool:
    """Whether header and data CRC are right; a signature behind the data is tolerated.

    Source: platform-unisoc 3.1.
    """
    try:
        uimage.read(image)
    except (BadFormat, BadChecksum):
        return False
    return True
