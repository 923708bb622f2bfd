"""The link of ASR1601 boot ROMs, host side: HELLO with MACs, neighbour discovery, then one packet at a time.

::

    CONFIRM (framed greeting) -"UUUU"-> HELLO (our MAC) -HELLO_REPLY (its MAC)-> SOLICIT -advertisement-> QUERY
            -next sequence-> INIT -packet size-> UP

Every packet is answered with its own sequence number. An answer text is fetched with empty packets; only these are sent
again after ``AGAIN_S`` without answer, because nobody says that a command which comes twice is done once. Content goes
in packets of the agreed size, or, when it is a sparse file, unframed between two data-requests as the vendor's host
does. Neighbour solicitations of the module are answered at any time.

Source: platform-asr 4.1 (worked bytes of a run).
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Final

from moduline.burn.drivers.asr_events import CarrierEvent, Greeted, LinkAnswer, LinkText, LinkUp
from moduline.errors import BadAnswer, BadFormat
from moduline.formats.container import asr_sparse
from moduline.wire.download import asr as wire
from moduline.wire.download import asr_ethos as ethos
from moduline.wire.download.asr import EthosType
from moduline.wire.download.asr_ethos import EthosPacket, PacketId

RETRY_S: Final = 0.5
"""The opening begins anew when it stays unanswered for so long."""
AGAIN_S: Final = 2.0
POLL_S: Final = 0.02
"""How soon an answer text that was not there yet is asked for again."""
PIECE_BYTES: Final = 64 << 10
MIN_PACKET_BYTES: Final = 64
_FINAL: Final = tuple(kind.encode() for kind in sorted(wire.FINAL))
_PORTS: Final = (ethos.HOST_PORT, ethos.DEVICE_PORT)


class EthosState(Enum):
    """Where the opening is."""

    CLOSED = auto()
    CONFIRM = auto()
    HELLO = auto()
    SOLICIT = auto()
    QUERY = auto()
    INIT = auto()
    UP = auto()


class EthosLink:
    """The link of ROMs that answer 55 55 55 55.

    Args:
        mac: our address.
    """

    kind = "ETHOS"

    def __init__(self, mac: bytes = ethos.HOST_MAC) -> None:
        self.state = EthosState.CLOSED
        self._mac = mac
        self._peer = b""
        self._sequence = 0
        self._payload_bytes = ethos.HOST_PACKET_BYTES - ethos.HEADER_BYTES
        self._decoder = wire.AsrDecoder()
        self._out: list[bytes] = []
        self._open_until: float | None = None
        self._on_way: EthosPacket | None = None
        self._again_at: float | None = None
        self._poll_at: float | None = None
        self._text = b""
        self._was_poll = False
        self._content = memoryview(b"")
        self._handed_bytes = 0
        self._is_bulk = False

    @property
    def wake_at(self) -> float | None:
        """When to call ``wake``."""
        times = [one for one in (self._open_until, self._again_at, self._poll_at) if one is not None]
        return min(times, default=None)

    @property
    def is_streaming(self) -> bool:
        """Whether ``more`` has something: only unframed content flows without answers."""
        return self._is_bulk

    @property
    def handed_bytes(self) -> int:
        """How much of the present content has been handed over."""
        return self._handed_bytes

    def start(self, now: float) -> None:
        """Answer the greeting."""
        self.state, self._open_until = EthosState.CONFIRM, now + RETRY_S
        self._out.append(wire.FRAMED_GREETING_ETHOS)

    def wake(self, now: float) -> bool:
        """The time ``wake_at`` has come; True: the opening failed and begins anew."""
        if self._open_until is not None and now >= self._open_until:
            return True
        if self._again_at is not None and now >= self._again_at and self._on_way is not None:
            self._transmit(self._on_way, now)
        if self._poll_at is not None and now >= self._poll_at:
            self._ask(now)
        return False

    # ---- what arrives -------------------------------------------------------------------------------------------

    def receive(self, data: bytes, now: float) -> list[CarrierEvent]:
        """Take bytes from the module; whatever is not for us, or damaged, is passed over.

        Raises:
            BadAnswer: an error packet, or an opening that cannot be.
        """
        events: list[CarrierEvent] = []
        for event in self._decoder.feed(data):
            if isinstance(event, wire.AsrGreeting):
                if self.state is EthosState.CONFIRM and event.word == wire.WORD_ETHOS:
                    self._enter(EthosState.HELLO, now)
                    self._out.append(wire.encode_frame(EthosType.HELLO, self._mac))
                elif self.state is EthosState.UP:
                    events.append(Greeted(event.word))
            elif isinstance(event, wire.AsrFrame):
                events += self._take_frame(event, now)
        return events

    def _take_frame(self, frame: wire.AsrFrame, now: float) -> list[CarrierEvent]:
        if frame.type == EthosType.TEXT:
            return [LinkText(frame.payload.decode("utf-8", "replace"))]
        if frame.type == EthosType.HELLO_REPLY and self.state is EthosState.HELLO:
            if len(frame.payload) != ethos.MAC_BYTES:
                raise BadAnswer(what="HELLO", answer=frame.payload[:16].hex(" "))
            self._peer = frame.payload
            self._enter(EthosState.SOLICIT, now)
            self._out.append(ethos.encode_solicitation(self._mac, ethos.link_local(self._peer)))
        elif frame.type == EthosType.DATA:
            return self._take_message(ethos.decode_ethernet(frame.payload), now)
        return []

    def _take_message(self, message: ethos.EthosMessage | None, now: float) -> list[CarrierEvent]:
        if isinstance(message, ethos.Solicitation):
            if message.wanted == ethos.link_local(self._mac):
                self._out.append(ethos.encode_advertisement(self._mac, message.source))
        elif isinstance(message, ethos.Advertisement):
            if self.state is EthosState.SOLICIT and message.address == ethos.link_local(self._peer):
                self._enter(EthosState.QUERY, now)
                self._transmit(EthosPacket(PacketId.QUERY, 0), now)
        elif (
            message is not None
            and (message.source_port, message.target_port) == _PORTS[::-1]
            and message.source == self._peer
        ):
            try:
                return self._take_packet(ethos.unpack_packet(message.payload), now)
            except BadFormat as broken:
                raise BadAnswer(what="ETHOS", answer=message.payload[:16].hex(" ")) from broken
        return []

    def _take_packet(self, packet: EthosPacket, now: float) -> list[CarrierEvent]:
        if self._on_way is None or packet.sequence != self._on_way.sequence:
            return []  # an answer to something that was sent again
        if packet.id == PacketId.ERROR:
            raise BadAnswer(what="ETHOS", answer=packet.data[:80].decode("utf-8", "replace") or "error")
        if packet.id != self._on_way.id:
            return []
        self._on_way = self._again_at = None
        if packet.id == PacketId.QUERY:
            self._sequence = self._next_sequence(packet)
            self._enter(EthosState.INIT, now)
            self._transmit(self._next(PacketId.INIT, ethos.pack_init(ethos.HOST_PACKET_BYTES)), now)
            return []
        if packet.id == PacketId.INIT:
            _, size = ethos.unpack_init(packet.data)
            if size < MIN_PACKET_BYTES:
                raise BadAnswer(what="ETHOS init", answer=str(size))
            self._payload_bytes = min(size, ethos.HOST_PACKET_BYTES) - ethos.HEADER_BYTES
            self.state, self._open_until = EthosState.UP, None
            return [LinkUp(self.kind)]
        return self._take_fastboot(packet, now)

    def _next_sequence(self, packet: EthosPacket) -> int:
        if len(packet.data) < 2:
            raise BadAnswer(what="ETHOS query", answer=packet.data.hex(" "))
        return int.from_bytes(packet.data[:2], "big")

    def _take_fastboot(self, packet: EthosPacket, now: float) -> list[CarrierEvent]:
        """An answered packet: the next of the content, or the text of an answer."""
        if packet.data:
            self._text += packet.data
            if packet.flags & ethos.CONTINUED:
                self._ask(now)
                return []
            text, self._text = self._text, b""
            if text[: len(_FINAL[0])] not in _FINAL:  # INFO, PROG: there is more to come
                self._ask(now)
            return [LinkAnswer(text)]
        if self._handed_bytes < len(self._content):
            self._send_piece(now)
        elif self._was_poll:
            self._poll_at = now + POLL_S
        else:
            self._ask(now)
        return []

    # ---- what is sent -------------------------------------------------------------------------------------------

    def _enter(self, state: EthosState, now: float) -> None:
        self.state, self._open_until = state, now + RETRY_S

    def _next(self, number: PacketId, data: bytes = b"", flags: int = 0) -> EthosPacket:
        packet = EthosPacket(number, self._sequence, data, flags)
        self._sequence = (self._sequence + 1) & 0xFFFF
        return packet

    def _transmit(self, packet: EthosPacket, now: float) -> None:
        self._was_poll = packet.id == PacketId.FASTBOOT and not packet.data
        self._on_way, self._again_at = packet, now + AGAIN_S if self._was_poll else None
        self._out.append(ethos.encode_datagram(self._mac, self._peer, _PORTS, ethos.pack_packet(packet)))

    def _ask(self, now: float) -> None:
        """Ask for the text of an answer."""
        self._poll_at = None
        self._transmit(self._next(PacketId.FASTBOOT), now)

    def send_command(self, payload: bytes, now: float) -> None:
        """Send a command, then ask for its answer."""
        self._content, self._handed_bytes, self._poll_at = memoryview(b""), 0, None
        self._transmit(self._next(PacketId.FASTBOOT, payload), now)

    def send_content(self, content: bytes, now: float) -> None:
        """Begin to send content."""
        self._content, self._handed_bytes, self._poll_at = memoryview(content), 0, None
        self._is_bulk = asr_sparse.is_sparse(content)
        if self._is_bulk:
            self._on_way = self._again_at = None
            self._out.append(ethos.encode_data_request(self._sequence, len(content)))
            self._sequence = (self._sequence + 1) & 0xFFFF
        else:
            self._send_piece(now)

    def _send_piece(self, now: float) -> None:
        piece = self._content[self._handed_bytes : self._handed_bytes + self._payload_bytes]
        self._handed_bytes += len(piece)
        flags = ethos.CONTINUED if self._handed_bytes < len(self._content) else 0
        self._transmit(self._next(PacketId.FASTBOOT, bytes(piece), flags), now)

    def more(self, now: float) -> bytes:
        """The next piece of unframed content; behind the last one the closing text and a first question."""
        piece = bytes(self._content[self._handed_bytes : self._handed_bytes + PIECE_BYTES])
        self._handed_bytes += len(piece)
        if self._handed_bytes < len(self._content):
            return piece
        self._is_bulk = False
        end = ethos.encode_data_request(self._sequence, 0)
        self._sequence = (self._sequence + 1) & 0xFFFF
        before, self._out = self._out, []
        self._ask(now)
        asked, self._out = self._out, before
        return piece + end + b"".join(asked)

    def take_out(self) -> bytes:
        """Bytes for the port, each given once."""
        out, self._out = b"".join(self._out), []
        return out
