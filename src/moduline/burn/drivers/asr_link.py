"""Host side of the link to an ASR loader: preamble, greeting, opening, and what then travels over it.

::

    preamble every 100 ms -"UABT"-> CONFIRM (framed greeting) -"UABT"-> HELLO (our MTU) -HELLO_REPLY-> UP
                          -"UUUU"-> the ETHOS carrier takes over (``asr_ethos_link``)
    UP -any greeting-> CONFIRM    the module started anew: what was on its way is lost (LinkLost), then LinkUp again

The layer above sees commands, answers and content, and does not know which link it is. Content is streamed: ``more``
gives the next piece whenever the port has taken the one before, so a megabyte costs no megabyte of memory per slot and
progress can be told while it travels.

Source: platform-asr 4.1, 4.4 (a host re-runs the opening when the device greets again).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum, auto
from typing import Final

from moduline.burn.drivers.asr_ethos_link import EthosLink
from moduline.burn.drivers.asr_events import (
    Carrier,
    CarrierEvent,
    Greeted,
    LinkAnswer,
    LinkContent,
    LinkEvent,
    LinkLost,
    LinkText,
    LinkUp,
)
from moduline.errors import BadAnswer, BadFormat
from moduline.wire.download import asr as wire
from moduline.wire.download.asr import SmuxType

PREAMBLE_EVERY_S: Final = 0.1
RETRY_S: Final = 0.5
"""A greeting or HELLO that stays unanswered for so long begins the opening anew."""
PIECE_BYTES: Final = 64 << 10
MIN_MTU: Final = 16


class SmuxState(Enum):
    """Where a SMUX link is."""

    CLOSED = auto()
    CONFIRM = auto()
    HELLO = auto()
    UP = auto()


class SmuxLink:
    """The link of loaders that answer "UABT".

    Args:
        mtu: what we propose; the module may answer less.
    """

    kind = "SMUX"

    def __init__(self, mtu: int = wire.VENDOR_MTU) -> None:
        self.state = SmuxState.CLOSED
        self.wake_at: float | None = None
        self._handed_bytes = 0
        self._offered = mtu
        self._mtu = mtu
        self._decoder = wire.AsrDecoder()
        self._out: list[bytes] = []
        self._content = memoryview(b"")

    @property
    def is_streaming(self) -> bool:
        """Whether ``more`` has something."""
        return self._handed_bytes < len(self._content)

    @property
    def handed_bytes(self) -> int:
        """How much of the present content has been handed over."""
        return self._handed_bytes

    def start(self, now: float) -> None:
        """Answer the greeting."""
        self.state, self.wake_at = SmuxState.CONFIRM, now + RETRY_S
        self._out.append(wire.FRAMED_GREETING_SMUX)

    def wake(self, now: float) -> bool:
        """The time ``wake_at`` has come; True: the opening failed and begins anew."""
        return self.wake_at is not None and now >= self.wake_at

    def receive(self, data: bytes, now: float) -> list[CarrierEvent]:
        """Take bytes from the module; noise and frames that are not for a host are passed over.

        Raises:
            BadAnswer: an MTU that cannot be.
        """
        events: list[CarrierEvent] = []
        for event in self._decoder.feed(data):
            if isinstance(event, wire.AsrGreeting):
                if self.state is SmuxState.UP:
                    events.append(Greeted(event.word))
                elif self.state is SmuxState.CONFIRM and event.word == wire.WORD_SMUX:
                    self.state, self.wake_at = SmuxState.HELLO, now + RETRY_S
                    self._out.append(wire.encode_hello(self._offered))
            elif isinstance(event, wire.AsrFrame):
                events += self._take_frame(event)
        return events

    def _take_frame(self, frame: wire.AsrFrame) -> list[CarrierEvent]:
        if frame.type == SmuxType.STDIO:
            return [LinkText(frame.payload.decode("utf-8", "replace"))]
        if frame.type == SmuxType.HELLO_REPLY and self.state is SmuxState.HELLO:
            self._mtu = self._agreed(frame.payload)
            self.state, self.wake_at = SmuxState.UP, None
            return [LinkUp(self.kind)]
        if self.state is SmuxState.UP and frame.type == SmuxType.ABOOT_CMD:
            return [LinkAnswer(frame.payload)]
        if self.state is SmuxState.UP and frame.type == SmuxType.ABOOT_DATA:
            return [LinkContent(frame.payload)]
        return []

    def _agreed(self, payload: bytes) -> int:
        try:
            mtu = wire.unpack_mtu(payload)
        except BadFormat:
            mtu = 0
        if not MIN_MTU <= mtu <= self._offered:
            raise BadAnswer(what="HELLO", answer=f"MTU {mtu}")
        return mtu

    def send_command(self, payload: bytes, now: float) -> None:
        """Send a command."""
        del now
        self._out.append(wire.encode_frame(SmuxType.ABOOT_CMD, payload))

    def send_content(self, content: bytes, now: float) -> None:
        """Begin to send content; its first piece is among the next bytes for the port."""
        self._content, self._handed_bytes = memoryview(content), 0
        self._out.append(self.more(now))

    def more(self, now: float) -> bytes:
        """The next piece of content as wire bytes; empty when all of it was given."""
        del now
        piece = self._content[self._handed_bytes : self._handed_bytes + PIECE_BYTES]
        self._handed_bytes += len(piece)
        return wire.encode_frames(SmuxType.ABOOT_DATA, piece, self._mtu)

    def take_out(self) -> bytes:
        """Bytes for the port, each given once."""
        out, self._out = b"".join(self._out), []
        return out


CARRIERS: Final[Mapping[bytes, Callable[[], Carrier]]] = {wire.WORD_SMUX: SmuxLink, wire.WORD_ETHOS: EthosLink}
"""What the word of a greeting asks for."""


class AsrLink:
    """Polls for a greeting, then is whichever link was asked for; and does so again whenever the module greets anew."""

    def __init__(self) -> None:
        self._carrier: Carrier | None = None
        self._decoder = wire.AsrDecoder()
        self._out: list[bytes] = []
        self._poll_at: float | None = None

    @property
    def wake_at(self) -> float | None:
        """When to call ``wake``."""
        return self._poll_at if self._carrier is None else self._carrier.wake_at

    @property
    def kind(self) -> str:
        """Which link it is, SMUX or ETHOS; empty as long as the module has not greeted."""
        return "" if self._carrier is None else self._carrier.kind

    @property
    def is_streaming(self) -> bool:
        """Whether ``more`` has something."""
        return self._carrier is not None and self._carrier.is_streaming

    @property
    def handed_bytes(self) -> int:
        """How much of the present content has been handed over."""
        return 0 if self._carrier is None else self._carrier.handed_bytes

    def start(self, now: float) -> None:
        """Send the preamble until the module greets."""
        self._carrier = None
        self._decoder = wire.AsrDecoder()
        self._out.append(wire.PREAMBLE)
        self._poll_at = now + PREAMBLE_EVERY_S

    def wake(self, now: float) -> None:
        """The time ``wake_at`` has come."""
        if self._carrier is not None:
            if self._carrier.wake(now):
                self.start(now)
        elif self._poll_at is not None and now >= self._poll_at:
            self._out.append(wire.PREAMBLE)
            self._poll_at = now + PREAMBLE_EVERY_S

    def knock(self) -> None:
        """Send one preamble on an open link: a module that has started anew answers it, any other ignores it."""
        self._out.append(wire.PREAMBLE)

    def receive(self, data: bytes, now: float) -> list[LinkEvent]:
        """Take bytes from the module.

        Raises:
            BadAnswer: an opening that cannot be meant.
        """
        if self._carrier is None:
            words = [event.word for event in self._decoder.feed(data) if isinstance(event, wire.AsrGreeting)]
            if words:
                self._carry(words[0], now)
            return []
        events: list[LinkEvent] = []
        for event in self._carrier.receive(data, now):
            if isinstance(event, Greeted):
                self._carry(event.word, now)
                events.append(LinkLost())
                break
            events.append(event)
        return events

    def _carry(self, word: bytes, now: float) -> None:
        """Go on with the kind of link that a greeting asks for."""
        self._carrier = CARRIERS[word]()
        self._carrier.start(now)

    def send_command(self, payload: bytes, now: float) -> None:
        """Send a command; the link is up."""
        assert self._carrier is not None
        self._carrier.send_command(payload, now)

    def send_content(self, content: bytes, now: float) -> None:
        """Begin to send content; the link is up."""
        assert self._carrier is not None
        self._carrier.send_content(content, now)

    def more(self, now: float) -> bytes:
        """The next piece of content as wire bytes; empty when all of it was given."""
        return b"" if self._carrier is None else self._carrier.more(now)

    def take_out(self) -> bytes:
        """Bytes for the port, each given once."""
        out = b"".join(self._out) + (b"" if self._carrier is None else self._carrier.take_out())
        self._out = []
        return out
