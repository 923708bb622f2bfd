r"""The host's mind of the raw REPL: what to send next, and what an answer means; no port, no clock.

::

    shut --enter--> entering --banner--> ready --execute--> asking --offered--> pasting --acknowledged--> output
                       ^                   ^                  |                    (window by window)        |
                       |                   |                  +--refused, banner--> sending --OK-->---------+
                       +------retry        +--prompt-- closing <--error text-- output

The loop that owns the stream writes ``pieces()``, hands what it reads to ``receive``, and calls ``expired`` when
``limit_s`` seconds passed since the last ``touch`` (a change of state, a piece sent, a window opened). States that have
no limit wait for the user's code. Raw-paste is asked for once; a module that does not know it gets plain pieces from
then on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from moduline.errors import BadAnswer, NoAnswer, ReplProtected, Text
from moduline.wire import rawrepl
from moduline.wire.rawrepl import Finished, MarkFinder, Need, OfferDecoder, Output, Pacing, Piece, ReplyDecoder


class State(Enum):
    """Where the conversation stands."""

    SHUT = "shut"
    ENTERING = "entering"
    READY = "ready"
    ASKING = "asking"
    RECOVERING = "recovering"
    PASTING = "pasting"
    SENDING = "sending"
    RUNNING = "running"
    RESETTING = "resetting"
    REBOOTING = "rebooting"
    LEAVING = "leaving"


# State and event to state. Events in lower case come from the peer, the others from the host.
TABLE: Final[dict[tuple[State, str], State]] = {
    (State.SHUT, "ENTER"): State.ENTERING,
    (State.ENTERING, "ENTER"): State.ENTERING,
    (State.ENTERING, "banner"): State.READY,
    (State.READY, "ASK"): State.ASKING,
    (State.READY, "SEND"): State.SENDING,
    (State.ASKING, "offered"): State.PASTING,
    (State.ASKING, "refused"): State.SENDING,
    (State.ASKING, "EXPIRED"): State.RECOVERING,
    (State.RECOVERING, "banner"): State.SENDING,
    (State.PASTING, "acknowledged"): State.RUNNING,
    (State.SENDING, "accepted"): State.RUNNING,
    (State.RUNNING, "prompt"): State.READY,
    (State.READY, "RESET"): State.RESETTING,
    (State.RESETTING, "reboot"): State.REBOOTING,
    (State.REBOOTING, "banner"): State.READY,
    (State.READY, "LEAVE"): State.LEAVING,
    (State.LEAVING, "friendly"): State.SHUT,
}

START: Final = State.SHUT


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds the module may take in each state; None waits for the user's own limit."""

    entering_s: float = 1.5
    asking_s: float = 2.0
    sending_s: float = 10.0
    closing_s: float = 15.0
    resetting_s: float = 20.0
    leaving_s: float = 3.0


@dataclass(frozen=True, slots=True)
class Entered:
    """The raw prompt is there. ``noise`` is what the module printed before it."""

    noise: bytes


@dataclass(frozen=True, slots=True)
class Noise:
    """Bytes printed outside of the running code's reply, by threads or by the boot."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Left:
    """The module is back at the friendly prompt."""


Event = Entered | Noise | Left | Output | Finished


class RawReplSession:
    """One raw REPL conversation; one operation at a time.

    Args:
        pacing: how code is typed where there is no raw-paste.
        limits: how long the module may take.
        offers_paste: None asks the module; False never asks.
    """

    def __init__(
        self, pacing: Pacing | None = None, limits: Limits | None = None, *, offers_paste: bool | None = None
    ) -> None:
        self.state = START
        self.touched = 0  # grows whenever the limit starts anew
        self.offers_paste = offers_paste
        self._pacing = pacing or Pacing()
        self._limits = limits or Limits()
        self._pieces: deque[Piece] = deque()
        self._code = b""
        self._window_bytes = 0
        self._is_all_sent = False
        self._noise_bytes = 0
        self._finder = MarkFinder("raw REPL", rawrepl.RAW_BANNER)
        self._offer = OfferDecoder()
        self._reply = ReplyDecoder()

    # ---- what the host wants -------------------------------------------------------------------------------

    def enter(self, *, interrupts: bool = True) -> None:
        """Ask for the raw prompt, stopping what runs; again while ENTERING is a new attempt.

        No line end is sent: a half-typed line must be dropped, not run.
        """
        again = self.state is State.ENTERING
        self._go("ENTER")
        if not again:
            marks = rawrepl.RAW_BANNER, rawrepl.PROTECTED, rawrepl.PASSWORD_ASKED
            self._finder = MarkFinder("raw REPL", *marks, forgets=True)
        if interrupts:
            self._send(Piece(rawrepl.INTERRUPT, 0.02), Piece(rawrepl.INTERRUPT, 0.02))
        self._send(Piece(rawrepl.ENTER_RAW))

    def execute(self, code: bytes, *, plainly: bool = False) -> None:
        """Run code (UTF-8 source text).

        Args:
            plainly: without asking for raw-paste. The first code after entering must go plainly: banners of earlier
                attempts may still arrive, and only the search for ``OK`` skips them.

        Raises:
            BadOption: the code holds bytes that are commands of the raw REPL.
        """
        self._code = rawrepl.checked_code(code)
        self._reply = ReplyDecoder()
        self._is_all_sent = False
        self._noise_bytes = 0
        if plainly or self.offers_paste is False:
            self._go("SEND")
            self._send_plainly()
        else:
            self._go("ASK")
            self._offer = OfferDecoder()
            self._send(Piece(rawrepl.RAW_PASTE_REQUEST))

    def interrupt(self) -> None:
        """Ctrl-C into whatever runs; the reply, if the module honours it, ends with KeyboardInterrupt.

        Code that is still on its way is dropped; what was begun is ended so that nothing of it runs.
        """
        if self.state is State.ASKING:
            self._code = b"\n"
        elif self.state is State.SENDING:
            self._pieces.clear()
            self._send(Piece(rawrepl.INTERRUPT), Piece(b"\n" + rawrepl.END))
        elif self.state in {State.PASTING, State.RUNNING}:
            self._pieces.clear()
            self._is_all_sent = True
            self._send(Piece(rawrepl.INTERRUPT))

    def soft_reset(self) -> None:
        """Restart the interpreter in raw mode: threads and globals go, main.py is not run."""
        self._go("RESET")
        self._finder = MarkFinder("soft reset", rawrepl.SOFT_REBOOT)
        self._send(Piece(rawrepl.END))

    def leave(self) -> None:
        """Back to the friendly prompt."""
        self._go("LEAVE")
        self._finder = MarkFinder("friendly REPL", rawrepl.FRIENDLY_PROMPT)
        self._send(Piece(rawrepl.LEAVE_RAW))

    # ---- what the loop calls --------------------------------------------------------------------------------

    def pieces(self) -> Iterable[Piece]:
        """What is to be written now, taken out as it is given."""
        while self._pieces:
            self.touched += 1
            yield self._pieces.popleft()

    @property
    def limit_s(self) -> float | None:
        """Seconds from the last touch until ``expired`` is to be called; None never."""
        limits = self._limits
        if self.state is State.RUNNING:
            return None if self._reply.is_in_output else limits.closing_s
        return {
            State.ENTERING: limits.entering_s,
            State.ASKING: limits.asking_s,
            State.RECOVERING: limits.asking_s,
            State.PASTING: limits.sending_s,
            State.SENDING: limits.sending_s,
            State.RESETTING: limits.sending_s,
            State.REBOOTING: limits.resetting_s,
            State.LEAVING: limits.leaving_s,
        }.get(self.state)

    def expired(self) -> None:
        """The limit passed.

        Raises:
            NoAnswer: nothing else can be tried in this state.
        """
        if self.state is State.ASKING:
            self.offers_paste = False
            self._go("EXPIRED")
            self._finder = MarkFinder("raw REPL", rawrepl.RAW_BANNER)
            self._send(Piece(rawrepl.INTERRUPT + rawrepl.ENTER_RAW))
            return
        raise NoAnswer(what=f"raw REPL ({self.state.value})", seconds=self.limit_s)

    def receive(self, data: bytes) -> list[Event]:
        """What the module's bytes mean, in order.

        Raises:
            BadAnswer: the module does not keep to the protocol.
            ReplProtected: the REPL is locked.
        """
        events: list[Event] = []
        readers = {
            State.ASKING: self._receive_offer,
            State.PASTING: self._receive_window,
            State.RUNNING: self._receive_reply,
        }
        while data:
            if self.state in {State.SHUT, State.READY}:
                if data.strip():
                    events.append(Noise(data))
                break
            data = readers.get(self.state, self._receive_mark)(data, events)
        return events

    # ---- what comes in ---------------------------------------------------------------------------------------

    def _send(self, *pieces: Piece) -> None:
        self._pieces.extend(pieces)

    def _go(self, event: str) -> None:
        following = TABLE.get((self.state, event))
        assert following is not None, f"raw REPL: {event} in {self.state.value}"
        self.state = following
        self.touched += 1

    def _receive_mark(self, data: bytes, events: list[Event]) -> bytes:
        found = self._finder.feed(data)
        if isinstance(found, Need):
            return b""
        if found.mark in {rawrepl.PROTECTED, rawrepl.PASSWORD_ASKED}:
            raise ReplProtected(answer=found.mark.decode())
        if self.state is State.ENTERING:
            self._go("banner")
            self._pieces.clear()
            events.append(Entered(found.before))
        elif self.state is State.LEAVING:
            self._go("friendly")
            events.append(Left())
        elif self.state is State.RESETTING:
            self._go("reboot")
            self._finder = MarkFinder("soft reset", rawrepl.RAW_BANNER)
        elif self.state is State.REBOOTING:
            self._go("banner")
            events.append(Entered(found.before))
        elif found.mark == rawrepl.END:
            raise BadAnswer(what=Text("the code", "代码"), answer=rawrepl.printable(found.before + found.mark))
        else:
            self._note_noise(found.before, events)
            self._go("banner" if self.state is State.RECOVERING else "accepted")
            if self.state is State.SENDING:
                self._send_plainly()
        return found.after

    def _receive_offer(self, data: bytes, events: list[Event]) -> bytes:
        offer = self._offer.feed(data)
        if isinstance(offer, Need):
            return b""
        self._note_noise(offer.before, events)
        self.offers_paste = offer.window_bytes is not None
        if offer.window_bytes is None:
            self._go("refused")
            self._send_plainly()
        else:
            self._go("offered")
            self._window_bytes = offer.window_bytes
            self._send_window()
        return offer.after

    def _receive_window(self, data: bytes, events: list[Event]) -> bytes:
        opened, end, after = data.partition(rawrepl.END)
        for _ in range(opened.count(rawrepl.WINDOW_OPEN)):
            self._send_window()
        self._note_noise(opened.replace(rawrepl.WINDOW_OPEN, b""), events)
        if end:
            if not self._is_all_sent:  # the module stops the paste early: say so, then read why
                self._pieces.clear()
                self._send(Piece(rawrepl.END))
            self._go("acknowledged")
        return after

    def _receive_reply(self, data: bytes, events: list[Event]) -> bytes:
        for event in self._reply.feed(data):
            events.append(event)
            if isinstance(event, Finished):
                self._go("prompt")
                return event.after
        return b""

    # ---- what goes out ---------------------------------------------------------------------------------------

    def _send_plainly(self) -> None:
        self._finder = MarkFinder("code", rawrepl.ACCEPTED, rawrepl.END)
        self._pieces.extend(rawrepl.split_pieces(self._code, self._pacing))
        self._send(Piece(rawrepl.END))

    def _send_window(self) -> None:
        if self._is_all_sent:
            return
        self.touched += 1
        window, self._code = self._code[: self._window_bytes], self._code[self._window_bytes :]
        self._send(Piece(window))
        if not self._code:
            self._is_all_sent = True
            self._send(Piece(rawrepl.END))

    def _note_noise(self, noise: bytes, events: list[Event]) -> None:
        self._noise_bytes += len(noise)
        if self._noise_bytes > rawrepl.NOISE_LIMIT_BYTES:
            raise BadAnswer(what=Text("the code", "代码"), answer=rawrepl.printable(noise))
        noise = noise.replace(rawrepl.RAW_BANNER, b"")
        if noise.strip():
            events.append(Noise(noise))
