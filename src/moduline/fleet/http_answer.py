"""An HTTP answer as the vendor's download client reads it: with its quirks, without I/O.

The status line must begin with ``HTTP/1.1 ``, the length must be announced by ``Content-Length: `` in exactly these
letters; 200 and 206 are success, whatever else is not. A body of unannounced length is never complete: the client
waits, and gives up when the server closes or ten seconds are over. Chunks, compression and redirects do not exist.

Source: ota-semantics 11.6, 12 (trap 4).
"""

from __future__ import annotations

from enum import Enum
from typing import Final

HEAD_BYTES: Final = 4096
_STATUS_BEGINS: Final = b"HTTP/1.1 "
_LENGTH_BEGINS: Final = b"Content-Length: "
_END: Final = b"\r\n\r\n"


class Reading(Enum):
    """How far an answer is."""

    HEAD = "head"
    BODY = "body"
    COMPLETE = "complete"
    REFUSED = "refused"


class AnswerReader:
    """Reads one answer.

    Args:
        wanted: bytes of the body that were asked for; another length is a refusal.
        is_from_start: the range begins at 0: a server that ignores ranges may then send more, unread.
        is_from_start: the range begins at 0.
    """

    __slots__ = ("_head", "_is_from_start", "_left", "_wanted", "state", "status")

    def __init__(self, wanted: int, *, is_from_start: bool) -> None:
        self.state = Reading.HEAD
        self.status = 0
        self._wanted = wanted
        self._is_from_start = is_from_start
        self._head: bytearray | None = bytearray()
        self._left = -1

    def feed(self, data: bytes) -> bytes:
        """Takes what the socket gave; gives what of it belongs to the body."""
        if self.state is Reading.HEAD:
            assert self._head is not None
            self._head += data
            end = self._head.find(_END)
            if end < 0:
                is_wrong = not self._head.startswith(_STATUS_BEGINS[: len(self._head)])
                if is_wrong or len(self._head) > HEAD_BYTES:
                    self.state = Reading.REFUSED
                return b""
            data = bytes(self._head[end + len(_END) :])
            head = bytes(self._head[: end + 2])
            self._head = None
            self.state = self._judge(head)
        if self.state is not Reading.BODY or self._left < 0:
            return b""
        body = data[: self._left]
        self._left -= len(body)
        if not self._left:
            self.state = Reading.COMPLETE
        return body

    def _judge(self, head: bytes) -> Reading:
        lines = head.split(b"\r\n")
        code = lines[0].removeprefix(_STATUS_BEGINS)[:3]
        if not lines[0].startswith(_STATUS_BEGINS) or not code.isdigit() or len(head) > HEAD_BYTES:
            return Reading.REFUSED
        self.status = int(code)
        if self.status not in {200, 206}:
            return Reading.REFUSED
        digits = next((line[len(_LENGTH_BEGINS) :] for line in lines if line.startswith(_LENGTH_BEGINS)), None)
        if digits is None:
            return Reading.BODY  # and waits for ever
        if not digits.isdigit() or len(digits) > 12:
            return Reading.REFUSED
        length = int(digits)
        if length != self._wanted and not (self.status == 200 and self._is_from_start and length > self._wanted):
            return Reading.REFUSED
        if self.status == 200 and not self._is_from_start:
            return Reading.REFUSED
        self._left = self._wanted
        return Reading.BODY
