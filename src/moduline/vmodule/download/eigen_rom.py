"""EigenComm's boot ROM ("DLBOOT"): takes the head of an agentboot, then the agentboot, and starts it.

::

    state     sync pair     DONE        requests
    deaf      echo, head    -           not heard
    head      echo          between     answered; SEL_IMAGE gives "head", DATA_HEAD the whole head
    between   echo, body    (again)     not heard
    body      echo          (started)   answered; SEL_IMAGE gives the boot id, DATA_HEAD at most 0x400

Any agentboot is taken, as only hosts have one, up to the length in its head. Only captures of the ROM are public,
so the rest is the best reading of them: a refusal is state 1 without data; bytes that are no request are passed over,
an unfinished packet is forgotten after a second; after 16 seconds without a request it begins anew, as the agentboot
does.

Source: platform-eigencomm 3.1, 3.2, 3.4, 3.5, 3.6.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Final

from moduline.errors import BadFormat
from moduline.vmodule.download.eigen_content import ContentGate
from moduline.vmodule.download.eigen_image import LOAD_SKIPPED
from moduline.vmodule.download.events import (
    BaudChanged,
    Connected,
    DownloadEvent,
    PartBegun,
    PartDone,
    Refused,
    StageEntered,
)
from moduline.wire.download.eigen import (
    MAX_ROM_DATA_BYTES,
    Answer,
    AnswerState,
    BadCheck,
    BadLength,
    Command,
    Layer,
    Request,
    RequestDecoder,
    RequestEvent,
    Words,
    encode_answer,
    pack_words,
    unpack_words,
)
from moduline.wire.download.eigen_head import HEAD_BYTES, HashMode, ImageHead, ImageId, is_hash_right, unpack_head

VERSION: Final = bytes.fromhex("00 00 00 02 01 00 00 00 02 26 21 20")
BYTE_TIMEOUT_S: Final = 1.0
SESSION_TIMEOUT_S: Final = 16.0
MAX_AGENTBOOT_BYTES: Final = 0x40000
"""Room that is assumed for it; real ones have 35 KB."""

TABLE: Final[dict[tuple[str, str], str]] = {
    ("deaf", "sync"): "head",
    ("head", "done"): "between",
    ("head", "over"): "deaf",
    ("between", "sync"): "body",
    ("between", "over"): "deaf",
    ("body", "done"): "started",
    ("body", "over"): "deaf",
}
"""State and what happens to the next state; what is not listed is not heard."""
_SESSIONS: Final = frozenset(("head", "body"))


class EigenRom:
    """One stay in the ROM, sans-I/O.

    Args:
        gate: counts content, knows the faults.
        tick_s: the module's clock.
    """

    def __init__(self, gate: ContentGate, tick_s: Callable[[], float]) -> None:
        self.state = "deaf"
        self._gate = gate
        self._tick_s = tick_s
        self._decoder = RequestDecoder(Layer.DLBOOT, MAX_ROM_DATA_BYTES)
        self._head: ImageHead | None = None
        self._taken = bytearray()
        self._announced = 0
        self._heard_s = self._good_s = tick_s()
        self._is_known = False
        self._out = bytearray()
        self._commands: dict[int, Callable[[Request, list[DownloadEvent]], bytes | None]] = {
            Command.GET_VERSION: lambda _request, _events: VERSION,
            Command.SEL_IMAGE: self._select,
            Command.VERIFY_IMAGE: lambda _request, _events: b"",
            Command.DATA_HEAD: self._data_head,
            Command.DATA: self._data,
            Command.DONE: self._done,
        }

    def receive(self, data: bytes) -> list[DownloadEvent]:
        """Take bytes of the host; ``bytes_to_send`` has the answers."""
        events: list[DownloadEvent] = []
        self._heard_s = self._tick_s()
        self._decoder.push(data)
        while self.state != "started" and not self._gate.is_cut:
            event = self._decoder.next_event()
            if event is None:
                break
            self._take(event, events)
        return events

    def lapse(self) -> list[DownloadEvent]:
        """Time has passed."""
        now = self._tick_s()
        if not self._decoder.is_empty and now - self._heard_s >= BYTE_TIMEOUT_S:
            self._decoder.clear()
        if (self.state, "over") in TABLE and now - self._good_s >= SESSION_TIMEOUT_S:
            self._become("over")
        return []

    def bytes_to_send(self) -> bytes:
        """Answers since the last call."""
        out = bytes(self._out)
        self._out.clear()
        return out

    def _take(self, event: RequestEvent, events: list[DownloadEvent]) -> None:
        is_open = self.state in _SESSIONS
        if isinstance(event, Words) and event.asks_for(Layer.DLBOOT, is_idle=not is_open):
            if not is_open:
                self._decoder.clear()
                self._become("sync")
            self._good_s = self._tick_s()
            self._send(Layer.DLBOOT.word)
            if not self._is_known:
                self._is_known = True
                events.append(Connected())
        elif isinstance(event, Request) and (is_open or self._is_repeated_done(event)):
            self._answer(event, events)
        elif isinstance(event, BadCheck | BadLength) and is_open:
            self._refuse(event.command, event.index, events)
        elif not is_open:
            self._decoder.clear()

    def _is_repeated_done(self, request: Request) -> bool:
        return self.state == "between" and request.command == Command.DONE

    def _become(self, event: str) -> None:
        self.state = TABLE[self.state, event]
        self._good_s = self._tick_s()
        self._taken.clear()
        self._announced = 0

    def _send(self, data: bytes) -> None:
        if not self._gate.faults.is_silent:
            self._out += data

    def _refuse(self, command: int, index: int, events: list[DownloadEvent]) -> None:
        events.append(Refused("rom", command, AnswerState.NAK))
        self._send(encode_answer(Layer.DLBOOT, Answer(command, index, AnswerState.NAK)))

    # ---- requests ----------------------------------------------------------------------------------------------------

    def _answer(self, request: Request, events: list[DownloadEvent]) -> None:
        self._good_s = self._tick_s()
        command = self._commands.get(request.command)
        data = command(request, events) if command is not None else None
        if self._gate.is_cut:
            return
        if data is None:
            self._refuse(request.command, request.index, events)
            return
        index = request.index + 1 if request.command == Command.DATA else request.index
        self._send(encode_answer(Layer.DLBOOT, Answer(request.command, index, data=data)))

    def _select(self, request: Request, events: list[DownloadEvent]) -> bytes:
        del request, events
        return pack_words(ImageId.HEAD if self.state == "head" else ImageId.BOOT)

    def _data_head(self, request: Request, events: list[DownloadEvent]) -> bytes | None:
        try:
            (remaining,) = unpack_words(request.data, 1)
        except BadFormat:
            return None
        head = self._head if self.state == "body" else None
        limit = HEAD_BYTES if head is None else head.size_bytes
        if not 0 < remaining <= limit - len(self._taken):
            return None
        if head is not None and not self._taken:
            events.append(PartBegun(head.load_address, head.size_bytes))
        self._announced = min(remaining, HEAD_BYTES if head is None else MAX_ROM_DATA_BYTES)
        return pack_words(self._announced)

    def _data(self, request: Request, events: list[DownloadEvent]) -> bytes | None:
        if not self._announced or len(request.data) != self._announced:
            return None
        if self._gate.take(len(request.data), events):
            self._taken += request.data
            self._announced = 0
        return b""

    def _done(self, request: Request, events: list[DownloadEvent]) -> bytes | None:
        del request
        if self.state == "between":  # its acknowledgement was lost
            return b""
        taken = bytes(self._taken)
        if self.state == "head":
            self._head = _agentboot_head(taken)
            if self._head is None:
                return None
            if self._head.baud:
                events.append(BaudChanged(self._head.baud))
        elif self._head is None or not _is_startable(taken, self._head):
            return None
        else:
            events.extend((PartDone(self._head.load_address, len(taken)), StageEntered("agentboot")))
        self._become("done")
        return b""


def _agentboot_head(data: bytes) -> ImageHead | None:
    """The head of something that can be started; None for anything else."""
    try:
        head = unpack_head(data)
    except BadFormat:
        return None
    is_checked = head.hash_mode != HashMode.NOT_CHECKED
    is_right = (
        head.image_id == ImageId.BOOT
        and head.load_type != LOAD_SKIPPED
        and 0 < head.size_bytes <= MAX_AGENTBOOT_BYTES
        and (not is_checked or is_hash_right(data))
    )
    return head if is_right else None


def _is_startable(image: bytes, head: ImageHead) -> bool:
    """Where hashes are not checked neither is the length: one known host states it rounded up."""
    if head.hash_mode == HashMode.NOT_CHECKED:
        return bool(image)
    return len(image) == head.size_bytes and hashlib.sha256(image).digest() == head.image_sha256
