"""The ETHOS link of ASR1601's boot ROM, device side: greeting, MACs, then fastboot over UDP inside Ethernet frames.

::

    state     preamble, or framed greeting    HELLO (host's MAC)           Ethernet frames
    deaf      greeted: 7E 7E UUUU             .                            .
    greeted   7E UUUU 7E                      open: HELLO_REPLY (own MAC)  .
    open      (after a pause) as in deaf      open: HELLO_REPLY            served

    packet    id[1] flags[1] sequence[2]      1 query: the next sequence    2 init: version, largest packet
                                              3 fastboot: command, content, or empty: "say the next answer"

Every packet is answered with its own id and sequence. A sequence that was just used is a repetition: the same answer
goes out again. Others than that and the expected one are dropped. Two preambles in a row contain a framed greeting, so
the second one is answered as one.

A data-request (TEXT frame: four bytes, ``data-request:`` and a size) brings content without any framing, a second one
with size 0 ends it; each takes one sequence number and gets no answer. A sequence within them is not looked at.

Source: platform-asr 4.1; AOSP, fastboot README (UDP protocol v1).
"""

from __future__ import annotations

import math
from collections import deque
from typing import Final

from moduline.errors import BadFormat
from moduline.vmodule.download.asr_link import (
    GREETING_PAUSE_S,
    CommandCame,
    ContentCame,
    LinkEvent,
    LinkOpened,
    is_knock,
)
from moduline.wire.download.asr import (
    FRAMED_GREETING_ETHOS,
    RAW_GREETING_ETHOS,
    WORD_ETHOS,
    AsrBulk,
    AsrDecoder,
    AsrFrame,
    AsrGreeting,
    EthosType,
    encode_frame,
)
from moduline.wire.download.asr_ethos import (
    CONTINUED,
    DATA_REQUEST,
    DEVICE_PORT,
    HEADER_BYTES,
    MAC_BYTES,
    Datagram,
    EthosPacket,
    PacketId,
    Solicitation,
    decode_ethernet,
    encode_advertisement,
    encode_datagram,
    link_local,
    pack_init,
    pack_packet,
    unpack_init,
    unpack_packet,
)

DEVICE_MAC: Final = bytes.fromhex("02e3966c7c41")
DEVICE_ADDRESS: Final = link_local(DEVICE_MAC)
MAX_PACKET_BYTES: Final = 0x0800
MIN_PACKET_BYTES: Final = 512
FIRST_SEQUENCE: Final = 0x1234
MAX_COMMAND_BYTES: Final = 4096


class EthosLink:
    """An ``AsrLink`` of 1601."""

    def __init__(self) -> None:
        self.state = "deaf"
        self._decoder = AsrDecoder(takes_bulk=True)
        self._heard_s = 0.0
        self._fed_s = 0.0
        self._out = bytearray()
        self._restart()

    @property
    def is_open(self) -> bool:
        """Whether a host is connected."""
        return self.state == "open"

    def receive(self, data: bytes, now_s: float, *, is_receiving: bool) -> list[LinkEvent]:
        """Take bytes of the host; see ``AsrLink``."""
        events: list[LinkEvent] = []
        if not is_knock(data):
            self._fed_s = now_s
        elif now_s - self._fed_s >= GREETING_PAUSE_S:
            self._decoder = AsrDecoder(takes_bulk=True)  # what the host before had begun is forgotten
            self._fed_s = now_s
            self.welcome()
        for event in self._decoder.feed(data):
            if isinstance(event, AsrGreeting):
                self._greeted(event.word, now_s)
            elif isinstance(event, AsrBulk) and self.is_open:
                events.append(ContentCame(event.data))
                self._heard_s = now_s
            elif isinstance(event, AsrFrame) and self.state != "deaf":
                self._take(event, is_receiving, events)
                self._heard_s = now_s
        return events

    def answer(self, text: bytes) -> None:
        """Keep an answer until the host asks for it."""
        self._answers.append(text)

    def log(self, text: str) -> None:
        """Send a line of the log."""
        self._out += encode_frame(EthosType.TEXT, text.encode("ascii", "replace"))

    def beat(self) -> None:
        """Send a heart-beat."""
        self._out += encode_frame(EthosType.HEART_BEAT)

    def greet(self) -> None:
        """Forget the host and greet unasked."""
        self.close()
        self.state, self._heard_s = "greeted", self._fed_s
        self._out += RAW_GREETING_ETHOS

    def close(self) -> None:
        """Forget the host; wait for a preamble."""
        self.state = "deaf"
        self._decoder = AsrDecoder(takes_bulk=True)
        self._restart()

    def welcome(self) -> None:
        """Answer the next preamble at once, however lively the conversation was."""
        self._heard_s = -math.inf

    @property
    def is_heard(self) -> bool:
        """Whether the host has fetched every answer."""
        return not self._answers

    def bytes_to_send(self) -> bytes:
        """What is to be sent since the last call."""
        out = bytes(self._out)
        self._out.clear()
        return out

    def _restart(self) -> None:
        self._answers: deque[bytes] = deque()
        self._command = b""
        self._expected = FIRST_SEQUENCE
        self._last: EthosPacket | None = None  # the answer to the sequence before
        self._is_ready = False
        self._room = MAX_PACKET_BYTES - HEADER_BYTES

    def _greeted(self, word: bytes, now_s: float) -> None:
        if word != WORD_ETHOS:
            return
        if self.state == "deaf" or now_s - self._heard_s >= GREETING_PAUSE_S:
            self._restart()
            self.state = "greeted"
            self._heard_s = now_s
            self._out += RAW_GREETING_ETHOS
        elif self.state == "greeted":
            self._out += FRAMED_GREETING_ETHOS

    def _take(self, frame: AsrFrame, is_receiving: bool, events: list[LinkEvent]) -> None:
        if frame.type == EthosType.HELLO and len(frame.payload) == MAC_BYTES:
            self._restart()
            self.state = "open"
            self._out += encode_frame(EthosType.HELLO_REPLY, DEVICE_MAC)
            events.append(LinkOpened())
        elif self.state != "open":
            return
        elif frame.type == EthosType.TEXT and frame.payload[HEADER_BYTES:].startswith(DATA_REQUEST):
            self._next(None)
        elif frame.type == EthosType.DATA:
            message = decode_ethernet(frame.payload)
            if isinstance(message, Solicitation) and message.wanted == DEVICE_ADDRESS:
                self._out += encode_advertisement(DEVICE_MAC, message.source)
            elif isinstance(message, Datagram) and message.target == DEVICE_MAC and message.target_port == DEVICE_PORT:
                self._serve(message, is_receiving, events)

    # ---- fastboot over UDP -----------------------------------------------------------------------------------------

    def _serve(self, datagram: Datagram, is_receiving: bool, events: list[LinkEvent]) -> None:
        try:
            packet = unpack_packet(datagram.payload)
        except BadFormat:
            return
        if len(datagram.payload) > MAX_PACKET_BYTES:
            return
        if packet.id == PacketId.QUERY:
            self._send(datagram, EthosPacket(packet.id, packet.sequence, self._expected.to_bytes(2, "big")))
        elif self._last is not None and packet.sequence == self._last.sequence:
            self._send(datagram, self._last)
        elif packet.sequence == self._expected:
            answer = self._answer_to(packet, is_receiving, events)
            if answer is not None:
                self._next(answer)
                self._send(datagram, answer)

    def _answer_to(self, packet: EthosPacket, is_receiving: bool, events: list[LinkEvent]) -> EthosPacket | None:
        """The answer to a packet in sequence; None for silence."""
        if packet.id == PacketId.INIT:
            return self._init(packet, events)
        if packet.id != PacketId.FASTBOOT or not self._is_ready:
            return None
        if not packet.data:
            flags, text = self._said()
            return EthosPacket(packet.id, packet.sequence, text, flags)
        if is_receiving:
            events.append(ContentCame(packet.data))
        else:
            self._command += packet.data
            if not packet.flags & CONTINUED or len(self._command) > MAX_COMMAND_BYTES:
                events.append(CommandCame(self._command))
                self._command = b""
        return EthosPacket(packet.id, packet.sequence)

    def _init(self, packet: EthosPacket, events: list[LinkEvent]) -> EthosPacket | None:
        try:
            _, size = unpack_init(packet.data)
        except BadFormat:
            return None
        if size < MIN_PACKET_BYTES:
            return None
        self._is_ready, self._room, self._command = True, min(size, MAX_PACKET_BYTES) - HEADER_BYTES, b""
        self._answers.clear()
        events.append(LinkOpened())
        return EthosPacket(packet.id, packet.sequence, pack_init(MAX_PACKET_BYTES))

    def _said(self) -> tuple[int, bytes]:
        """The next answer, or as much of it as a packet takes."""
        if not self._answers:
            return 0, b""
        text = self._answers.popleft()
        if len(text) <= self._room:
            return 0, text
        self._answers.appendleft(text[self._room :])
        return CONTINUED, text[: self._room]

    def _next(self, answer: EthosPacket | None) -> None:
        """A sequence number is used up; its answer, if it had one, is kept for a repetition."""
        self._expected = (self._expected + 1) & 0xFFFF
        self._last = answer

    def _send(self, datagram: Datagram, packet: EthosPacket) -> None:
        ports = DEVICE_PORT, datagram.source_port
        self._out += encode_datagram(DEVICE_MAC, datagram.source, ports, pack_packet(packet))
