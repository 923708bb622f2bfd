"""One image on its way through the agentboot's download layer: what each request of a session does.

::

    wanted   SEL_IMAGE   DATA_HEAD up to    DONE
    head     "head"      0x2000             checks the head, keeps that of BL and AP, then wants the body
    body     its id      the block's rest   erases and writes the block; behind the last one the burn is over

A block is 64 KiB, the last one the rest. DATA must have exactly the length that DATA_HEAD announced. DONE that comes
again before anything else is acknowledged again. A refused head, a failed write and a skip end the burn: the same code
is in the NAK and in BURN_STATUS.

Where the reference is silent: DATA without DATA_HEAD and DONE of an unfinished block are 0x82; the skip byte of
VERIFY_IMAGE is acknowledged and ends the burn with 0x98.

Source: platform-eigencomm 3.2, 3.4, 3.5.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from moduline.errors import BadFormat
from moduline.vmodule.download.eigen_content import ContentGate
from moduline.vmodule.download.eigen_flash import FlashArea
from moduline.vmodule.download.eigen_image import MAX_HEAD_BYTES, Body, Destination, check_head, keep_head
from moduline.vmodule.download.events import DownloadEvent, PartBegun, PartDone
from moduline.wire.download.eigen import (
    MAX_DATA_BYTES,
    STATUS_GOOD,
    Code,
    Command,
    Request,
    pack_words,
    unpack_words,
)
from moduline.wire.download.eigen_head import HEAD_BYTES, ImageId

VERSION: Final = bytes.fromhex("01 00 00 01 01 00 00 00 11 26 21 20")
MAX_PLAIN_BYTES: Final = 4
"""Longest data of requests other than DATA."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a request leads to.

    Attributes:
        data: of the acknowledgement.
        code: of the refusal instead.
        is_session_over: the next thing is the sync of the next session.
        status: the burn is over, with this in BURN_STATUS.
    """

    data: bytes = b""
    code: Code | None = None
    is_session_over: bool = False
    status: int | None = None


class ImageBurn:
    """One BURN_ONE.

    Args:
        image_id: of the image.
        area: its flash.
        gate: counts content, knows the faults.
    """

    def __init__(self, image_id: int, area: FlashArea, gate: ContentGate) -> None:
        self._image_id = image_id
        self._area = area
        self._gate = gate
        self._destination: Destination | None = None
        self._body: Body | None = None
        self._taken = bytearray()
        self._announced = 0
        self._is_done_repeatable = False
        self._commands: dict[int, Callable[[bytes, list[DownloadEvent]], Reply]] = {
            Command.GET_VERSION: lambda _data, _events: Reply(VERSION),
            Command.SEL_IMAGE: self._select,
            Command.VERIFY_IMAGE: self._verify,
            Command.DATA_HEAD: self._data_head,
            Command.DATA: self._data,
            Command.DONE: self._done,
            Command.DISCONNECT: lambda _data, _events: Reply(status=Code.DISCONNECTED),
        }

    def open_session(self) -> None:
        """A sync pair has come: what an unfinished block has brought is forgotten."""
        self._taken.clear()
        self._announced = 0

    def answer(self, request: Request, events: list[DownloadEvent]) -> Reply | None:
        """What to do about a request; None for an unknown one.

        Raises:
            FlashCut: the power went away.
        """
        command = self._commands.get(request.command)
        if command is None:
            return None
        if request.command != Command.DATA and len(request.data) > MAX_PLAIN_BYTES:
            return Reply(code=Code.BAD_PARAMETER)
        reply = command(request.data, events)
        self._is_done_repeatable = request.command == Command.DONE and reply.code is None
        return reply

    def _select(self, data: bytes, events: list[DownloadEvent]) -> Reply:
        del data, events
        return Reply(pack_words(ImageId.HEAD if self._body is None else self._image_id))

    def _verify(self, data: bytes, events: list[DownloadEvent]) -> Reply:
        del events
        return Reply(status=Code.WRONG_IMAGE) if data[:1] == b"\x01" else Reply()

    def _data_head(self, data: bytes, events: list[DownloadEvent]) -> Reply:
        del events
        try:
            (remaining,) = unpack_words(data, 1)
        except BadFormat:
            return Reply(code=Code.BAD_PARAMETER)
        room = (MAX_HEAD_BYTES if self._body is None else self._body.next_bytes) - len(self._taken)
        if not 0 < remaining <= room:
            return Reply(code=Code.SIZE_OUT_OF_RANGE)
        self._announced = min(remaining, MAX_DATA_BYTES)
        return Reply(pack_words(self._announced))

    def _data(self, data: bytes, events: list[DownloadEvent]) -> Reply:
        if not self._announced or len(data) != self._announced:
            return Reply(code=Code.BAD_PARAMETER)
        if self._gate.take(len(data), events):
            self._taken += data
            self._announced = 0
        return Reply()

    def _done(self, data: bytes, events: list[DownloadEvent]) -> Reply:
        del data
        if self._is_done_repeatable and not self._taken:
            return Reply(is_session_over=True)
        if self._body is None:
            return self._head_done(events)
        block = bytes(self._taken)
        if len(block) != self._body.next_bytes:
            return Reply(code=Code.BAD_PARAMETER)
        self._taken.clear()
        code = self._body.write(block)
        if code is not None:
            return Reply(code=code, status=code)
        return Reply(is_session_over=True) if self._body.next_bytes else self._burn_over(events)

    def _head_done(self, events: list[DownloadEvent]) -> Reply:
        data = bytes(self._taken)
        if len(data) < HEAD_BYTES:
            return Reply(code=Code.BAD_PARAMETER)
        found = check_head(data, self._image_id, self._area)
        if isinstance(found, Code):
            return Reply(code=found, status=found)
        events.append(PartBegun(found.bus_address, found.head.size_bytes))
        code = keep_head(found, data)
        if code is not None:
            return Reply(code=code, status=code)
        self._taken.clear()
        self._destination, self._body = found, Body(found)
        return Reply(is_session_over=True)

    def _burn_over(self, events: list[DownloadEvent]) -> Reply:
        done = self._destination
        assert done is not None
        if done.bus_address in self._gate.faults.verify_errors:
            return Reply(status=Code.FLASH_VERIFY)
        events.append(PartDone(done.bus_address, done.head.size_bytes))
        return Reply(status=STATUS_GOOD)
