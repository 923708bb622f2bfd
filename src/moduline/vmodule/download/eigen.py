"""The download mode of an EigenComm chip from end to end: boot ROM, then agentboot, on the same port.

Time-outs are counted on a clock that the caller pushes on, by ``MAX_STEP_S`` at most: when this computer stands still
for longer, bytes of the host may be waiting, and the module would wrong it by calling that its silence. So the caller
is asked to come back every ``POLL_S``.

Source: platform-eigencomm 3, 3.5.
"""

from __future__ import annotations

from typing import Final

from moduline.profiles.chip import ChipProfile
from moduline.vmodule.download.eigen_agentboot import Agentboot
from moduline.vmodule.download.eigen_content import ContentGate
from moduline.vmodule.download.eigen_flash import ChipFlashes
from moduline.vmodule.download.eigen_rom import EigenRom
from moduline.vmodule.download.events import DownloadEvent, DownloadFaults, Stage, StageEntered
from moduline.vmodule.download.storage import Storage

POLL_S: Final = 0.25
MAX_STEP_S: Final = 0.5


class EigenSession:
    """One stay in download mode, sans-I/O: ``receive`` and ``advance``, then ``bytes_to_send``.

    Args:
        chip: sizes and addresses of both flashes.
        storage: of the module.
        faults: switches, may change while the session runs.
    """

    def __init__(self, chip: ChipProfile, storage: Storage, faults: DownloadFaults | None = None) -> None:
        self.stage: Stage = "rom"
        self.faults = faults or DownloadFaults()
        self._flashes = ChipFlashes.of(chip, storage.flash)
        self._gate = ContentGate(self.faults)
        self._seen_s: float | None = None
        self._time_s = 0.0
        self._running: EigenRom | Agentboot = EigenRom(self._gate, self._tick_s)
        self._words = b""

    @property
    def state(self) -> str:
        """State of the program that runs, a word of its table."""
        return self._running.state

    @property
    def content_bytes(self) -> int:
        """Content received in all stages: data of DATA packets, without any framing."""
        return self._gate.content_bytes

    def receive(self, data: bytes) -> list[DownloadEvent]:
        """Take bytes of the host.

        Raises:
            FlashCut: the power went away at a flash operation; the session is dead.
        """
        return self._after(self._running.receive(data))

    @property
    def wake_at_s(self) -> float | None:
        """When ``advance`` is wanted next; None before it was called for the first time."""
        return None if self._seen_s is None else self._seen_s + POLL_S

    def advance(self, now_s: float) -> list[DownloadEvent]:
        """Time goes on.

        Args:
            now_s: seconds that never go backwards, of unknown origin.
        """
        if self._seen_s is not None:
            self._time_s += min(max(0.0, now_s - self._seen_s), MAX_STEP_S)
        self._seen_s = now_s
        return self._after(self._running.lapse())

    def bytes_to_send(self) -> bytes:
        """Answers since the last call."""
        words, self._words = self._words, b""
        return words + self._running.bytes_to_send()

    def _tick_s(self) -> float:
        return self._time_s

    def _after(self, events: list[DownloadEvent]) -> list[DownloadEvent]:
        if any(isinstance(event, StageEntered) for event in events):
            self._words = self._running.bytes_to_send()
            self.stage = "agentboot"
            self._running = Agentboot(self._flashes, self._gate, self._tick_s)
        return events
