"""The agentboot: "LPC" takes orders, "AGBOOT" takes the image that an order announced.

What sync words do (``TABLE``); idle states and the pre-sync take a pair when either half is the word, sessions when
both are::

    state      AGBOOT's pair        LPC's pair             DLBOOT's pair
    lpc-idle   wrong layer          echo, -> lpc           wrong layer
    lpc        wrong layer          echo                   wrong layer
    presync    silence, -> idle     silence, 0x83, -> lpc  wrong layer, 0x84, -> lpc
    idle       echo, -> open        silence, 0x83, -> lpc  wrong layer, 0x84, -> lpc
    open       echo, -> open        silence, 0x83, -> lpc  wrong layer, 0x84, -> lpc

"Wrong layer" is ``2B 02 D3 EE``. BURN_ONE leads from lpc to presync, DONE from open to idle, the end of a burn back
to lpc. In the idle states everything received behind a pair is thrown away; in the pre-sync it is not, so that four
words give one echo, and a session goes on as if nothing had come. DONE that comes again is acknowledged again, also
when it was the last one of its burn.

Bytes that are no request: the other family's marker is refused with 0x81; everything else is a miss without answer.
A hundred misses or unknown commands end a session (0x96, 0x80).

Time: 16 s in idle or open without a good header (0x96); a pre-sync of four misses of 1 s (0x96), where eight wrong
bytes are a miss as well; 300 s in LPC, then the module restarts; a packet that stops in the middle is 0x9B after 1 s.

Where the reference is silent: what 300 s lead to; that a bad packet is not answered in the idle states; BULK_READ and
the two board data commands have no known answers, so they are unknown commands (0x80); LPC reads and writes outside
both flashes are 0x30 and 0x31 (plain memory is not modelled), and so is a write over bits that are not erased.

Source: platform-eigencomm 3.1, 3.2, 3.3.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from moduline.errors import BadFormat, FlashViolation
from moduline.vmodule.download.eigen_burn import ImageBurn, Reply
from moduline.vmodule.download.eigen_content import ContentGate
from moduline.vmodule.download.eigen_flash import ChipFlashes
from moduline.vmodule.download.eigen_image import area_for
from moduline.vmodule.download.events import DownloadEvent, Refused, ResetWanted
from moduline.wire.download.eigen import (
    MAX_WRITE_BYTES,
    RESET_ANSWER,
    STATUS_PENDING,
    WRONG_LAYER,
    Answer,
    BadCheck,
    BadLength,
    Code,
    Command,
    Dropped,
    Layer,
    LpcCommand,
    Request,
    RequestDecoder,
    RequestEvent,
    Words,
    encode_answer,
    nak,
    pack_words,
    unpack_words,
)

SESSION_TIMEOUT_S: Final = 16.0
LPC_TIMEOUT_S: Final = 300.0
PRESYNC_MISSES: Final = 4
MISS_S: Final = 1.0
BYTE_TIMEOUT_S: Final = 1.0
MAX_MISSES: Final = 100
MAX_LPC_READ_BYTES: Final = 255

Said = bytes | None
TABLE: Final[dict[tuple[str, Layer], tuple[str, Said, Code | None]]] = {
    ("lpc-idle", Layer.LPC): ("lpc", Layer.LPC.word, None),
    ("lpc-idle", Layer.AGBOOT): ("lpc-idle", WRONG_LAYER, None),
    ("lpc-idle", Layer.DLBOOT): ("lpc-idle", WRONG_LAYER, None),
    ("lpc", Layer.LPC): ("lpc", Layer.LPC.word, None),
    ("lpc", Layer.AGBOOT): ("lpc", WRONG_LAYER, None),
    ("lpc", Layer.DLBOOT): ("lpc", WRONG_LAYER, None),
    ("presync", Layer.AGBOOT): ("idle", None, None),
    ("presync", Layer.LPC): ("lpc", None, Code.INTERRUPTED),
    ("presync", Layer.DLBOOT): ("lpc", WRONG_LAYER, Code.LOWER_WORD),
    ("idle", Layer.AGBOOT): ("open", Layer.AGBOOT.word, None),
    ("idle", Layer.LPC): ("lpc", None, Code.INTERRUPTED),
    ("idle", Layer.DLBOOT): ("lpc", WRONG_LAYER, Code.LOWER_WORD),
    ("open", Layer.AGBOOT): ("open", Layer.AGBOOT.word, None),
    ("open", Layer.LPC): ("lpc", None, Code.INTERRUPTED),
    ("open", Layer.DLBOOT): ("lpc", WRONG_LAYER, Code.LOWER_WORD),
}
"""State and whose pair came, to the next state, what is said, and the BURN_STATUS it leaves."""
_SESSIONS: Final = frozenset(("lpc", "open"))
_KEEPING: Final = _SESSIONS | {"presync"}
"""States in which what was received behind a pair is kept."""
_DOWNLOADING: Final = frozenset(("presync", "idle", "open"))
_MARKERS: Final = frozenset(layer.marker for layer in Layer)
_OWN: Final = {
    "lpc-idle": Layer.LPC,
    "lpc": Layer.LPC,
    "presync": Layer.AGBOOT,
    "idle": Layer.AGBOOT,
    "open": Layer.AGBOOT,
}


class Agentboot:
    """One life of it, sans-I/O.

    Args:
        flashes: AP and CP; a FlashCut passes through ``receive``.
        gate: counts content, knows the faults.
        tick_s: the module's clock.
    """

    def __init__(self, flashes: ChipFlashes, gate: ContentGate, tick_s: Callable[[], float]) -> None:
        self.state = "lpc-idle"
        self._flashes = flashes
        self._gate = gate
        self._tick_s = tick_s
        self._decoder = RequestDecoder(Layer.LPC)
        self._burn: ImageBurn | None = None
        self._status: int = STATUS_PENDING
        self._misses = 0
        self._last = 0
        self._heard_s = self._good_s = tick_s()
        self._out = bytearray()
        self._orders: dict[int, Callable[[bytes, list[DownloadEvent]], bytes | Code]] = {
            LpcCommand.ERASE: self._erase,
            LpcCommand.READ: self._read,
            LpcCommand.WRITE: self._write,
            LpcCommand.BURN_ONE: self._burn_one,
            LpcCommand.BURN_STATUS: self._burn_status,
            LpcCommand.SYS_RESET: self._reset,
        }

    def receive(self, data: bytes) -> list[DownloadEvent]:
        """Take bytes of the host; ``bytes_to_send`` has the answers.

        Raises:
            FlashCut: the power went away at a flash operation.
        """
        events: list[DownloadEvent] = []
        self._heard_s = self._tick_s()
        self._decoder.push(data)
        while self.state != "stopped" and not self._gate.is_cut:
            event = self._decoder.next_event()
            if event is None:
                break
            self._take(event, events)
        return events

    def lapse(self) -> list[DownloadEvent]:
        """Time has passed."""
        events: list[DownloadEvent] = []
        now = self._tick_s()
        if self.state == "stopped":
            return events
        held = self._decoder.held_header
        if not self._decoder.is_empty and now - self._heard_s >= BYTE_TIMEOUT_S:
            self._decoder.clear()
            if held is not None and self.state in _SESSIONS:
                self._refuse(Request(*held), Code.BAD_LENGTH, events)
        waited = now - self._good_s
        if self.state == "presync":
            if waited >= MISS_S * (PRESYNC_MISSES - self._misses):
                self._end_burn(Code.TIMED_OUT)
        elif self.state in _DOWNLOADING:
            if waited >= SESSION_TIMEOUT_S:
                self._end_burn(Code.TIMED_OUT)
        elif waited >= LPC_TIMEOUT_S:
            self.state = "stopped"
            events.append(ResetWanted())
        return events

    def bytes_to_send(self) -> bytes:
        """Answers since the last call."""
        out = bytes(self._out)
        self._out.clear()
        return out

    # ---- what arrives ------------------------------------------------------------------------------------------------

    def _take(self, event: RequestEvent, events: list[DownloadEvent]) -> None:
        if isinstance(event, Words) and (layer := self._whose(event)) is not None:
            self._synchronise(layer, events)
        elif self.state not in _SESSIONS:
            if isinstance(event, Request) and self._is_repeated_done(event.command):
                self._say(encode_answer(Layer.AGBOOT, Answer(event.command, event.index)))
            elif self.state == "presync":
                self._miss(PRESYNC_MISSES)
            else:
                self._decoder.clear()
        elif isinstance(event, Request):
            self._good_s = self._tick_s()
            self._obey(event, events)
        elif isinstance(event, BadLength | BadCheck):
            code = Code.BAD_LENGTH if isinstance(event, BadLength) else Code.BAD_CHECK
            self._refuse(Request(event.command, event.index), code, events)
        elif isinstance(event, Dropped) and event.head[2:4] in _MARKERS:
            self._decoder.clear()
            if event.head[2:4] == Layer.AGBOOT.marker and self._is_repeated_done(event.head[0]):
                self._say(encode_answer(Layer.AGBOOT, Answer(event.head[0], event.head[1])))
                return
            self._refuse(Request(event.head[0], event.head[1]), Code.BAD_HEADER, events)
        else:
            self._miss(MAX_MISSES)

    def _whose(self, words: Words) -> Layer | None:
        """Whose pair it is; the own layer's first where both halves differ."""
        is_idle = self.state not in _SESSIONS
        own = _OWN[self.state]
        layers = (own, *(one for one in Layer if one is not own))
        return next((one for one in layers if words.asks_for(one, is_idle=is_idle)), None)

    def _synchronise(self, layer: Layer, events: list[DownloadEvent]) -> None:
        before = self.state
        following, said, status = TABLE[before, layer]
        if before not in _KEEPING:
            self._decoder.clear()
        self._misses = 0
        self._good_s = self._tick_s()
        if status is not None:
            self._end_burn(status)
        else:
            self._enter(following)
        if before == "idle" and self._burn is not None:
            self._burn.open_session()
        if said is not None:
            self._say(said)
        if said == WRONG_LAYER:
            events.append(Refused("agentboot", 0, Code.LOWER_WORD))

    def _is_repeated_done(self, command: int) -> bool:
        return self.state in {"idle", "lpc"} and command == self._last == Command.DONE

    def _miss(self, limit: int) -> None:
        self._misses += 1
        if self._misses < limit:
            return
        if self.state in _DOWNLOADING:
            self._end_burn(Code.TIMED_OUT)
        else:
            self._enter("lpc-idle")

    def _enter(self, state: str) -> None:
        self.state = state
        self._misses = 0
        self._decoder.layer = _OWN[state]

    def _end_burn(self, status: int) -> None:
        self._status = status
        self._burn = None
        self._good_s = self._tick_s()
        self._enter("lpc")

    # ---- what is said ------------------------------------------------------------------------------------------------

    def _say(self, data: bytes) -> None:
        if not self._gate.faults.is_silent:
            self._out += data

    def _refuse(self, request: Request, code: Code, events: list[DownloadEvent]) -> None:
        events.append(Refused("agentboot", request.command, code))
        self._say(encode_answer(_OWN[self.state], nak(request, code)))

    # ---- requests ----------------------------------------------------------------------------------------------------

    def _obey(self, request: Request, events: list[DownloadEvent]) -> None:
        if self.state == "open":
            self._download(request, events)
            return
        self._last = 0
        order = self._orders.get(request.command)
        if order is None:
            self._unknown(request, events)
            return
        result = order(request.data, events)
        if isinstance(result, Code):
            self._refuse(request, result, events)
        else:
            self._say(encode_answer(Layer.LPC, Answer(request.command, request.index, data=result)))

    def _download(self, request: Request, events: list[DownloadEvent]) -> None:
        assert self._burn is not None
        reply = self._burn.answer(request, events)
        if self._gate.is_cut:
            return
        if reply is None:
            self._unknown(request, events)
            return
        self._last = request.command
        self._acknowledge(request, reply, events)
        if reply.status is not None:
            self._end_burn(reply.status)
        elif reply.is_session_over:
            self._enter("idle")

    def _acknowledge(self, request: Request, reply: Reply, events: list[DownloadEvent]) -> None:
        if reply.code is not None:
            self._refuse(request, reply.code, events)
            return
        index = request.index + 1 if request.command == Command.DATA else request.index
        self._say(encode_answer(Layer.AGBOOT, Answer(request.command, index, data=reply.data)))

    def _unknown(self, request: Request, events: list[DownloadEvent]) -> None:
        self._refuse(request, Code.UNKNOWN_COMMAND, events)
        self._misses += 1
        if self._misses >= MAX_MISSES:
            if self.state == "open":
                self._end_burn(Code.UNKNOWN_COMMAND)
            else:
                self._enter("lpc-idle")

    # ---- LPC ---------------------------------------------------------------------------------------------------------

    def _erase(self, data: bytes, events: list[DownloadEvent]) -> bytes | Code:
        del events
        try:
            size, address = unpack_words(data, 2)
        except BadFormat:
            return Code.BAD_PARAMETER
        area = self._flashes.at(address)
        if area is None:
            return Code.FLASH_ERASE
        offset = area.offset_of(address)
        if offset == 0 and size >= area.size_bytes:
            size = area.size_bytes
        if not area.has(offset, size):
            return Code.FLASH_ERASE
        if size:
            area.erase_sectors(offset, size)
        return b""

    def _read(self, data: bytes, events: list[DownloadEvent]) -> bytes | Code:
        del events
        try:
            size, address = unpack_words(data, 2)
        except BadFormat:
            return Code.BAD_PARAMETER
        if not 0 < size <= MAX_LPC_READ_BYTES:
            return Code.BAD_PARAMETER
        area = self._flashes.at(address)
        if area is None or not area.has(area.offset_of(address), size):
            return Code.FLASH_READ
        return area.read(area.offset_of(address), size)

    def _write(self, data: bytes, events: list[DownloadEvent]) -> bytes | Code:
        try:
            size, address = unpack_words(data[:8], 2)
        except BadFormat:
            return Code.BAD_PARAMETER
        content = data[8:]
        if not 0 < size <= MAX_WRITE_BYTES or len(content) != size:
            return Code.BAD_PARAMETER
        area = self._flashes.at(address)
        if area is None or not area.has(area.offset_of(address), size):
            return Code.FLASH_WRITE
        if not self._gate.take(size, events):
            return b""
        try:
            area.program(area.offset_of(address), content)
        except FlashViolation:
            return Code.FLASH_WRITE
        return b""

    def _burn_one(self, data: bytes, events: list[DownloadEvent]) -> bytes | Code:
        del events
        try:
            (image_id,) = unpack_words(data[:4], 1)
        except BadFormat:
            return Code.BAD_PARAMETER
        area = area_for(self._flashes, image_id, data[4:])
        if isinstance(area, Code):
            return area
        self._status = STATUS_PENDING
        self._burn = ImageBurn(image_id, area, self._gate)
        self._enter("presync")
        return b""

    def _burn_status(self, data: bytes, events: list[DownloadEvent]) -> bytes | Code:
        del data, events
        return pack_words(self._status)

    def _reset(self, data: bytes, events: list[DownloadEvent]) -> bytes | Code:
        del data
        self.state = "stopped"
        events.append(ResetWanted())
        return RESET_ANSWER
