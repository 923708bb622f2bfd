"""The download mode of ASR chips from end to end: ROM, preboot, flasher, one after the other over the same link.

After ``call`` the link stays as it is, and a host may open it anew whenever it likes: both kinds of host exist. With
the switch ``greet-anew`` a program that was called knows nothing of the link and greets by itself once the host has its
answer, as some generations of chips may do; which ones is unknown.

While a host is connected the module sends a heart-beat every 300 ms. It restarts a second after it was told to, or at
once when the host says goodbye.

Source: platform-asr 4.1, 4.2, 4.4, 6.
"""

from __future__ import annotations

from typing import Final

from moduline.errors import BadFormat
from moduline.vmodule.download.asr_ethos import EthosLink
from moduline.vmodule.download.asr_flasher import Flasher
from moduline.vmodule.download.asr_link import AsrLink, CommandCame, LinkEvent, LinkOpened, SmuxLink
from moduline.vmodule.download.asr_program import AbootProgram, AsrRom
from moduline.vmodule.download.events import (
    Connected,
    DownloadEvent,
    DownloadFaults,
    ResetWanted,
    Stage,
    StageEntered,
)
from moduline.vmodule.download.storage import Storage
from moduline.wire.download.asr import unpack_command

HEART_BEAT_S: Final = 0.3
RESTART_S: Final = 1.0


class AbootSession:
    """One stay in download mode; a ``WireSession``.

    Args:
        rom: what the chip says about itself.
        storage: of the module.
        faults: switches, may change while the session runs.
    """

    def __init__(self, rom: AsrRom, storage: Storage, faults: DownloadFaults | None = None) -> None:
        self.faults = faults or DownloadFaults()
        self._rom = rom
        self._storage = storage
        self._program = AbootProgram("rom", rom, self.faults)
        self._link: AsrLink = EthosLink() if rom.is_ethos else SmuxLink()
        self._is_connected = False
        self._now_s = 0.0
        self._beat_at_s: float | None = None
        self._restart_at_s: float | None = None
        self._is_over = False
        self._is_greeting_due = False

    @property
    def stage(self) -> Stage:
        """The program that runs."""
        return self._program.stage

    @property
    def content_bytes(self) -> int:
        """Content of all downloads, in all stages."""
        return self._program.content_bytes

    @property
    def wake_at_s(self) -> float | None:
        """When the next heart-beat or the restart is due."""
        times = [at for at in (self._beat_at_s, self._restart_at_s) if at is not None]
        return min(times) if times and not self._is_over else None

    def advance(self, now_s: float) -> list[DownloadEvent]:
        """Send a heart-beat or restart when it is time."""
        self._now_s = now_s
        if self._is_over:
            return []
        if self._restart_at_s is not None and now_s >= self._restart_at_s:
            self._is_over = True
            return [ResetWanted()]
        if self._beat_at_s is not None and now_s >= self._beat_at_s:
            self._beat_at_s = now_s + HEART_BEAT_S
            self._link.beat()
        return []

    def receive(self, data: bytes) -> list[DownloadEvent]:
        """Take bytes of the host.

        Raises:
            FlashCut: the power went away at a flash operation; the session is dead.
        """
        events: list[DownloadEvent] = []
        if self._has_ended():
            return events
        for one in self._link.receive(data, self._now_s, is_receiving=self._program.is_receiving):
            self._take(one, events)
            if self._has_ended():
                break
        if self._is_greeting_due and self._link.is_heard:
            self._is_greeting_due = False
            self._link.greet()
        self._beat_at_s = self._next_beat_s()
        return events

    def bytes_to_send(self) -> bytes:
        """What is to be sent since the last call."""
        out = self._link.bytes_to_send()
        return b"" if self.faults.is_silent else out

    def _has_ended(self) -> bool:
        return self._is_over

    def _next_beat_s(self) -> float | None:
        if not self._link.is_open:
            return None
        return self._now_s + HEART_BEAT_S if self._beat_at_s is None else self._beat_at_s

    def _take(self, one: LinkEvent, events: list[DownloadEvent]) -> None:
        program = self._program
        if isinstance(one, LinkOpened):
            program.give_up()
            if not self._is_connected:
                self._is_connected = True
                events.append(Connected())
        elif isinstance(one, CommandCame):
            try:
                command = unpack_command(one.text)
            except BadFormat:
                self._link.log("no command\n")
            else:
                program.command(command)
                self._say_and_go_on(program, command.verb, events)
        else:
            program.content(one.data)
            self._say_and_go_on(program, "", events)

    def _say_and_go_on(self, program: AbootProgram, verb: str, events: list[DownloadEvent]) -> None:
        for said in program.take_said():
            if isinstance(said, str):
                self._link.log(said)
                continue
            if self.faults.has_log_frames:
                self._link.log(f"[{program.stage}] log\n")
            self._link.answer(said.pack())
        happened = program.take_events()
        events += happened
        for event in happened:
            if isinstance(event, StageEntered):
                self._enter(event.stage)
        if program.is_stopped and program is self._program:
            self._is_over = True
        if verb in {"reboot", "complete"}:
            self._restart_at_s = self._now_s + RESTART_S
        elif verb == "disconnect":
            self._part(program, events)

    def _part(self, program: AbootProgram, events: list[DownloadEvent]) -> None:
        """The host has said goodbye."""
        if program.restart:
            self._is_over = True
            events.append(ResetWanted())
        else:
            self._link.close()

    def _enter(self, stage: Stage) -> None:
        content = self._program.content_bytes
        if stage == "flasher":
            self._program = Flasher(self._rom, self._storage.flash, self.faults, content)
        else:
            self._program = AbootProgram(stage, self._rom, self.faults, content)
        self._link.log(f"[{stage}] running\n")
        self._link.welcome()
        self._is_greeting_due = self.faults.is_greeting_anew
