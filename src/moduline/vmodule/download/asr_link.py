"""The SMUX link of ASR boot ROMs, device side: greeting, HELLO, then frames of commands, content and logs.

::

    state     preamble (raw)   "UABT" (framed)   HELLO                 command, content
    deaf      greeted: UABT    .                 .                     .
    greeted   (too soon: .)    the same back     open: HELLO_REPLY     .
    open      (too soon: .)    the same back     open: HELLO_REPLY     handed over

``.`` is silence. A host sends its preamble several times before it sees the answer; one that comes within
``GREETING_PAUSE_S`` of that answer, or in the middle of a conversation, belongs to it. A later one is a new host, also
where the one before has left half a frame.

Which MTU a real ROM has is unknown; this one takes what is proposed up to ``MAX_MTU``. Frames that are longer than
agreed are dropped.

Source: platform-asr 4.1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Protocol

from moduline.errors import BadFormat
from moduline.wire.download.asr import (
    FRAMED_GREETING_SMUX,
    PREAMBLE,
    RAW_GREETING_SMUX,
    WORD_ETHOS,
    WORD_SMUX,
    AsrDecoder,
    AsrFrame,
    AsrGreeting,
    SmuxType,
    encode_frame,
    encode_hello,
    unpack_mtu,
)

GREETING_PAUSE_S: Final = 0.5
MAX_MTU: Final = 2048


@dataclass(frozen=True, slots=True)
class LinkOpened:
    """A host is there; whatever one before it had begun is over."""


@dataclass(frozen=True, slots=True)
class CommandCame:
    """One command, as sent."""

    text: bytes


@dataclass(frozen=True, slots=True)
class ContentCame:
    """Content of a transfer."""

    data: bytes


LinkEvent = LinkOpened | CommandCame | ContentCame


class AsrLink(Protocol):
    """Moves commands and content; knows nothing of what they mean."""

    @property
    def is_open(self) -> bool:
        """Whether a host is connected."""

    def receive(self, data: bytes, now_s: float, *, is_receiving: bool) -> list[LinkEvent]:
        """Take bytes of the host.

        Args:
            data: the bytes.
            now_s: seconds that never go backwards.
            is_receiving: a transfer is under way.
        """

    def answer(self, text: bytes) -> None:
        """Send an answer."""

    def log(self, text: str) -> None:
        """Send a line of the log."""

    def beat(self) -> None:
        """Send a heart-beat."""

    def greet(self) -> None:
        """Forget the host and greet unasked."""

    def close(self) -> None:
        """Forget the host; wait for a preamble."""

    def welcome(self) -> None:
        """Answer the next preamble at once, however lively the conversation was."""

    @property
    def is_heard(self) -> bool:
        """Whether the host has fetched every answer."""

    def bytes_to_send(self) -> bytes:
        """What is to be sent since the last call."""


def is_knock(data: bytes) -> bool:
    """Whether a read holds preambles and nothing else: after a pause, a new host, whatever was under way."""
    return not data.replace(PREAMBLE, b"")


class SmuxLink:
    """An ``AsrLink`` of 1603 and later."""

    def __init__(self) -> None:
        self.state = "deaf"
        self._decoder = AsrDecoder()
        self._heard_s = 0.0
        self._fed_s = 0.0
        self._mtu = 0
        self._out = bytearray()

    @property
    def is_open(self) -> bool:
        """Whether a host is connected."""
        return self.state == "open"

    def receive(self, data: bytes, now_s: float, *, is_receiving: bool) -> list[LinkEvent]:
        """Take bytes of the host; see ``AsrLink``."""
        del is_receiving  # content has a frame type of its own
        events: list[LinkEvent] = []
        if not is_knock(data):
            self._fed_s = now_s
        elif now_s - self._fed_s >= GREETING_PAUSE_S:
            self._decoder = AsrDecoder()  # what the host before had begun is forgotten
            self._fed_s = now_s
            self.welcome()
        for event in self._decoder.feed(data):
            if isinstance(event, AsrGreeting):
                self._greeted(event.word, now_s)
            elif isinstance(event, AsrFrame) and self.state != "deaf":
                self._take(event, events)
                self._heard_s = now_s
        return events

    def answer(self, text: bytes) -> None:
        """Send an answer."""
        self._out += encode_frame(SmuxType.ABOOT_CMD, text)

    def log(self, text: str) -> None:
        """Send a line of the log."""
        self._out += encode_frame(SmuxType.STDIO, text.encode("ascii", "replace"))

    def beat(self) -> None:
        """Send a heart-beat."""
        self._out += encode_frame(SmuxType.HEART_BEAT)

    def greet(self) -> None:
        """Forget the host and greet unasked."""
        self.close()
        self.state, self._heard_s = "greeted", self._fed_s
        self._out += RAW_GREETING_SMUX

    def close(self) -> None:
        """Forget the host; wait for a preamble."""
        self.state = "deaf"
        self._decoder = AsrDecoder()

    def welcome(self) -> None:
        """Answer the next preamble at once, however lively the conversation was."""
        self._heard_s = -math.inf

    @property
    def is_heard(self) -> bool:
        """Always: answers are sent unasked."""
        return True

    def bytes_to_send(self) -> bytes:
        """What is to be sent since the last call."""
        if not self._out:
            return b""
        out = bytes(self._out)
        self._out.clear()
        return out

    def _greeted(self, word: bytes, now_s: float) -> None:
        if word == WORD_ETHOS and (self.state == "deaf" or now_s - self._heard_s >= GREETING_PAUSE_S):
            self.state = "greeted"
            self._heard_s = now_s
            self._out += RAW_GREETING_SMUX
        elif word == WORD_SMUX and self.state != "deaf":
            self._out += FRAMED_GREETING_SMUX

    def _take(self, frame: AsrFrame, events: list[LinkEvent]) -> None:
        if frame.type == SmuxType.HELLO:
            try:
                self._mtu = min(unpack_mtu(frame.payload), MAX_MTU)
            except BadFormat:
                return
            self.state = "open"
            self._out += encode_hello(self._mtu, SmuxType.HELLO_REPLY)
            events.append(LinkOpened())
        elif self.state != "open" or len(frame.payload) > self._mtu:
            return
        elif frame.type == SmuxType.ABOOT_CMD:
            events.append(CommandCame(frame.payload))
        elif frame.type == SmuxType.ABOOT_DATA and frame.payload:
            events.append(ContentCame(frame.payload))
