"""Content on its way to a Unisoc loader, and back for comparison: packets, progress, and the first byte that differs.

The same on the 8910 and the 8850. One packet is on its way at a time; the next one is encoded while the module works.
Content counts as done when the module has acknowledged it.

Source: platform-unisoc 5.5, 5.7, 5.8, 6.6.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from moduline.burn.action import Action
from moduline.errors import BadAnswer, Text, VerifyFailed
from moduline.events import Progress
from moduline.wire.download import unisoc as wire
from moduline.wire.download.unisoc import BslCommand, Check

READ_PACKET_BYTES: Final = 0x3000
PROGRESS_PARTS: Final = 200
"""Progress is told at most so many times per burn; the counts are exact each time."""


class ContentSender:
    """Sends one content after the other.

    Args:
        total_bytes: everything that will be sent in this burn.
    """

    def __init__(self, total_bytes: int) -> None:
        self.acked = 0
        """Bytes of the present content that the module has acknowledged."""
        self._content = memoryview(b"")
        self._sent = 0
        self._packet_bytes = 0
        self._check: Check = "sum"
        self._next_frame: bytes | None = None
        self._total_bytes = total_bytes
        self._done_bytes = 0
        self._told_bytes = 0

    @property
    def is_all_acked(self) -> bool:
        """Whether nothing of the present content is left."""
        return self.acked >= len(self._content)

    def take(self, action: Action, packet_bytes: int, check: Check = "sum") -> None:
        """Take a new content."""
        self._content = memoryview(action.data)
        self._packet_bytes, self._check = packet_bytes, check
        self._sent = self.acked = 0
        self._next_frame = None

    def start(self, action: Action, packet_bytes: int, check: Check = "sum") -> bytes:
        """Take a new content; the frame that announces it. NV gets the sum of its bytes as a third word."""
        self.take(action, packet_bytes, check)
        words = [action.address, len(action.data)]
        if action.verb == "keep_nv":
            words.append(wire.sum32(action.data))
        return wire.encode_bsl(BslCommand.START_DATA, wire.pack_words(*words), check)

    def packet(self) -> bytes:
        """The frame of the next packet."""
        frame = self._next_frame or self._encode()
        self._next_frame = None
        self._sent = min(self._sent + self._packet_bytes, len(self._content))
        return frame

    def piece(self) -> bytes:
        """The next packet's content without a frame, for wires that have their own."""
        piece = bytes(self._content[self._sent : self._sent + self._packet_bytes])
        self._sent += len(piece)
        return piece

    def prepare(self) -> None:
        """Encode the next packet now, if there is one."""
        if self._next_frame is None and self._sent < len(self._content):
            self._next_frame = self._encode()

    def take_ack(self) -> list[Progress]:
        """What was sent is acknowledged; progress, when it is time to tell it."""
        self._done_bytes += self._sent - self.acked
        self.acked = self._sent
        return self._progress(is_due=self.is_all_acked)

    def skip(self, action: Action) -> list[Progress]:
        """The module has this content already."""
        self._done_bytes += len(action.data)
        return self._progress(is_due=True)

    def _progress(self, *, is_due: bool) -> list[Progress]:
        if not is_due and self._done_bytes - self._told_bytes < self._total_bytes // PROGRESS_PARTS:
            return []
        self._told_bytes = self._done_bytes
        return [Progress("burn", self._done_bytes, self._total_bytes)]

    def _encode(self) -> bytes:
        packet = bytes(self._content[self._sent : self._sent + self._packet_bytes])
        return wire.encode_bsl(BslCommand.MIDST_DATA, packet, self._check)


class ReadBack:
    """Reads contents back and compares them.

    Args:
        actions: what was written and is compared, in this order.
    """

    def __init__(self, actions: Sequence[Action]) -> None:
        self._actions = list(actions)
        self._total_bytes = sum(len(action.data) for action in actions)
        self.at = 0
        """How much of the present content is right; bytes."""
        self.read_bytes = 0
        """Bytes that were read and are right."""

    @property
    def is_over(self) -> bool:
        """Whether everything is compared."""
        return not self._actions

    @property
    def action(self) -> Action:
        """What is compared now."""
        return self._actions[0]

    def ask(self) -> bytes:
        """The frame that asks for the next piece; flash addresses advance, there is no third word."""
        size = min(READ_PACKET_BYTES, len(self.action.data) - self.at)
        return wire.encode_bsl(BslCommand.READ_FLASH, wire.pack_words(self.action.address + self.at, size))

    def is_last(self, data: bytes) -> bool:
        """Whether ``data`` ends the present content."""
        return self.at + len(data) >= len(self.action.data)

    def compare(self, data: bytes) -> Progress:
        """Compare the next piece; goes on to the next content after the last one.

        Raises:
            BadAnswer: nothing came.
            VerifyFailed: a byte differs; says which address.
        """
        if not data:
            raise BadAnswer(what=f"READ_BACK {self.action.part}+0x{self.at:x}", answer=Text("no data", "无数据"))
        expected = self.action.data[self.at : self.at + len(data)]
        if expected != data[: len(expected)]:
            pairs = enumerate(zip(expected, data, strict=False))
            first = next((index for index, (want, have) in pairs if want != have), len(data))
            raise VerifyFailed(part=self.action.part, address=self.action.address + self.at + first)
        self.at += len(expected)
        self.read_bytes += len(expected)
        if self.at >= len(self.action.data):
            self._actions.pop(0)
            self.at = 0
        return Progress("verify", self.read_bytes, self._total_bytes)
