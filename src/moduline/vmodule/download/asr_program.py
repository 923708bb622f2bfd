"""The commands of ASR's boot ROM and of the preboot it runs: take an image into memory, check it, run it.

::

    state      download   (all data in)  verify     call
    idle       receiving  -              .          .
    receiving  receiving  loaded         .          .
    loaded     receiving  -              verified   .
    verified   receiving  -              verified   called: the next program runs

``.`` is a FAIL that changes nothing. A transfer that another command interrupts is given up; a wrong image sends the
state back to idle. Everything else (``getvar``, ``progress``, ``nop`` ...) is taken in every state.

What the ROM checks at ``verify``: a FIP that is whole, with a BL2 and its certificate, and in the certificate the
SHA-256 of the BL2, as in four of four real files. The certificate's signature is not checked: which key a module trusts
is in its fuses. Which program an image is cannot be told from outside: the first one called is preboot, the second the
flasher. The texts behind FAIL are ours, those of the real ROM are unknown; so are the arguments of ``upload``,
``useflash``, ``ulstage``: refused. ``fuse`` is refused, always.

Source: platform-asr 1.3, 1.6, 4.2, 4.4, 6.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from moduline.errors import BadFormat
from moduline.formats.container import asr_fip
from moduline.vmodule.download.events import (
    CommandFailed,
    CutReached,
    DownloadEvent,
    DownloadFaults,
    FusesKept,
    Stage,
    StageEntered,
    UnplugReached,
)
from moduline.wire.download.asr import AbootAnswer, AbootCommand, unpack_hex

MEMORY_LIMIT_BYTES: Final = 0xF000
VERSION: Final = "0.5"
PLATFORM: Final = "SILICON"

TRANSFERS: Final[dict[tuple[str, str], str]] = {
    **{(state, "download"): "receiving" for state in ("idle", "receiving", "loaded", "verified")},
    ("receiving", "data"): "loaded",
    ("loaded", "verify"): "verified",
    ("verified", "verify"): "verified",
    ("verified", "call"): "called",
}
"""State and command to the next state, of ROM and preboot; "data" is the last byte that was announced."""
NEXT_STAGE: Final[dict[Stage, Stage]] = {"rom": "preboot", "preboot": "flasher"}
UNDOCUMENTED: Final = frozenset({"upload", "useflash", "ulstage"})
Restart = Literal["", "later", "now"]
Said = AbootAnswer | str


class CommandRefused(Exception):  # noqa: N818  not an error of ours: what the module answers
    """A command fails; ``text`` stands behind FAIL."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


@dataclass(frozen=True, slots=True)
class AsrRom:
    """What one chip's boot ROM says about itself.

    Attributes:
        product: ``arom-tiny``, or ``arom`` where the link is ETHOS.
        bootrom: its version, such as ``2020.07.30``.
        is_ethos: which of the two links it speaks.
    """

    product: str
    bootrom: str
    is_ethos: bool


class AbootProgram:
    """One life of the ROM or of preboot: commands and content in, ``take_said`` out.

    Args:
        stage: which of them.
        rom: what the chip says about itself.
        faults: switches of this session.
        content_bytes: content received by the programs before.

    Attributes:
        state: see the head of this file.
        restart: whether the host has asked for one: ``later`` is in a second, unless it says goodbye before.
        content_bytes: content received so far, in all programs.
    """

    transfers = TRANSFERS
    limit_bytes = MEMORY_LIMIT_BYTES

    def __init__(self, stage: Stage, rom: AsrRom, faults: DownloadFaults, content_bytes: int = 0) -> None:
        self.stage: Stage = stage
        self.state = "idle"
        self.restart: Restart = ""
        self.content_bytes = content_bytes
        self.image = bytearray()
        self.events: list[DownloadEvent] = []
        self._rom = rom
        self._faults = faults
        self._announced = 0
        self._said: list[Said] = []
        self._verbs: dict[str, Callable[[str], str]] = {
            "getvar": self._getvar,
            "progress": self._progress,
            "download": self._download,
            "nop": self._nothing,
            "enable": self._nothing,
            "reboot": self._reboot,
            "complete": self._complete,
            "disconnect": self._disconnect,
            "fuse": self._fuse,
            **dict.fromkeys(sorted(UNDOCUMENTED), self._undocumented),
            **self.own_verbs(),
        }

    def own_verbs(self) -> dict[str, Callable[[str], str]]:
        """What this program can do and the others cannot: verb to what gives the text behind OKAY."""
        return {"verify": self._verify, "call": self._call}

    @property
    def is_receiving(self) -> bool:
        """Whether what arrives is content."""
        return self.state == "receiving"

    @property
    def is_stopped(self) -> bool:
        """Whether it does nothing any more: the power has gone, or another program runs."""
        return self.state in {"called", "stopped"}

    def take_said(self) -> list[Said]:
        """Answers, and texts for the log, since the last call."""
        said, self._said = self._said, []
        return said

    def take_events(self) -> list[DownloadEvent]:
        """What happened since the last call."""
        events, self.events = self.events, []
        return events

    def give_up(self) -> None:
        """The host greets anew: a transfer that was not finished is forgotten."""
        if self.is_receiving:
            self.state = "idle"

    def command(self, command: AbootCommand) -> None:
        """Carry out one command."""
        if self.is_receiving and command.verb != "download":
            self.state = "idle"
            self.log("download given up")
        verb = self._verbs.get(command.verb)
        try:
            if verb is None:
                raise CommandRefused("unknown command")
            self._said_by(verb, command)
        except CommandRefused as refused:
            self.say(AbootAnswer("FAIL", refused.text))
            sent = command.pack().decode("ascii", "replace")
            self.events.append(CommandFailed(self.stage, sent, refused.text))

    def _said_by(self, verb: Callable[[str], str], command: AbootCommand) -> None:
        is_step = any(name == command.verb for _, name in self.transfers)
        following = self.transfers.get((self.state, command.verb)) if is_step else self.state
        if following is None:
            raise CommandRefused(f"{command.verb}: nothing to do it with")
        text = verb(command.argument)
        if command.verb != "download":
            self.say(AbootAnswer("OKAY", text))
        if is_step:
            self.state = following

    def content(self, data: bytes) -> None:
        """Take content of a transfer."""
        if not self.is_receiving:
            self.log(f"{len(data)} bytes nobody asked for")
            return
        self.content_bytes += len(data)
        if self._is_reached(self._faults.cut_at_bytes):
            self.state = "stopped"
            self.events.append(CutReached())
            return
        if self._is_reached(self._faults.unplug_at_bytes):
            self._faults.unplug_at_bytes = None
            self.events.append(UnplugReached())
        self.image += data
        if len(self.image) > self._announced:
            self.state = "idle"
            self.say(AbootAnswer("FAIL", "more data than announced"))
            self.events.append(CommandFailed(self.stage, "download", "more data than announced"))
        elif len(self.image) == self._announced:
            self.state = self.transfers[self.state, "data"]
            self.say(AbootAnswer("OKAY"))

    def say(self, answer: AbootAnswer) -> None:
        """Answer."""
        self._said.append(answer)

    def log(self, text: str) -> None:
        """Write to the log."""
        self._said.append(f"[{self.stage}] {text}\n")

    def _is_reached(self, limit: int | None) -> bool:
        return limit is not None and self.content_bytes >= limit

    # ---- verbs -----------------------------------------------------------------------------------------------------

    def _getvar(self, name: str) -> str:
        fixed = {
            "version": VERSION,
            "version-bootrom": self._rom.bootrom,
            "product": self._rom.product,
            "platform": PLATFORM,
            "boardid": "",
            "max-download-size": f"{self.limit_bytes:x}",
        }
        value = fixed.get(name)
        return self.variable(name) if value is None else value

    def variable(self, name: str) -> str:
        """A variable only this program has.

        Raises:
            CommandRefused: there is none of that name.
        """
        raise CommandRefused(f"no variable '{name[:32]}'")

    def _progress(self, weight: str) -> str:
        _number(weight)
        return ""

    def _download(self, size: str) -> str:
        announced = _number(size)
        if not 0 < announced <= self.limit_bytes:
            raise CommandRefused("data size out of range")
        self.image.clear()
        self._announced = announced
        self.say(AbootAnswer("DATA", f"{announced:08x}"))
        return ""

    def _verify(self, argument: str) -> str:
        del argument
        why = image_fault(bytes(self.image))
        if why:
            self.state = "idle"
            raise CommandRefused(f"verify failed: {why}")
        return ""

    def _call(self, argument: str) -> str:
        del argument
        self.say(AbootAnswer("INFO", "running image"))
        self.events.append(StageEntered(NEXT_STAGE[self.stage]))
        return ""

    def _nothing(self, argument: str) -> str:
        del argument
        return ""

    def _reboot(self, argument: str) -> str:
        del argument
        self.restart = "later"
        return ""

    def _complete(self, argument: str) -> str:
        del argument
        self.say(AbootAnswer("PROG", "100"))
        self.restart = "later"
        return ""

    def _disconnect(self, argument: str) -> str:
        del argument
        if self.restart:
            self.restart = "now"
        return ""

    def _fuse(self, argument: str) -> str:
        self.events.append(FusesKept(f"fuse:{argument}" if argument else "fuse"))
        self.log("FUSES ARE NEVER WRITTEN HERE: this cannot be undone on a real module")
        raise CommandRefused("fuse refused")

    def _undocumented(self, argument: str) -> str:
        del argument
        raise CommandRefused("arguments of this command are not documented")


def image_fault(image: bytes) -> str:
    """Why the ROM would not run an image; empty when it would."""
    try:
        fip = asr_fip.read(image)
    except BadFormat as wrong:
        return f"no image ({wrong.facts.get('rule', 'truncated')})"
    code, certificate = fip.entry("bl2"), fip.entry("certificate")
    if fip.serial != asr_fip.SERIAL or code is None or not code.data:
        return "no code"
    if certificate is None:
        return "no certificate"
    if hashlib.sha256(code.data).digest() not in certificate.data:
        return "hash is not the certificate's"
    return ""


def _number(text: str) -> int:
    try:
        return unpack_hex(text)
    except BadFormat:
        raise CommandRefused("no number of eight digits") from None
