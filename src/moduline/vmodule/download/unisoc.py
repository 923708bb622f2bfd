"""The download mode of an 8910 from end to end: ROM, then FDL1, then FDL2, one after the other on the same port.

Source: platform-unisoc 5.1, 6.1.
"""

from __future__ import annotations

from moduline.vmodule.download.events import (
    CutReached,
    DownloadEvent,
    DownloadFaults,
    Stage,
    StageEntered,
    UnplugReached,
)
from moduline.vmodule.download.first_loader import FirstLoader
from moduline.vmodule.download.flash_loader import FlashLoader
from moduline.vmodule.download.rom import BootRom
from moduline.vmodule.download.storage import Storage


class DownloadSession:
    """One stay in download mode, sans-I/O: ``receive``, then ``bytes_to_send``.

    Args:
        storage: of the module.
        faults: switches, may change while the session runs.
    """

    def __init__(self, storage: Storage, faults: DownloadFaults | None = None) -> None:
        self.stage: Stage = "rom"
        self.faults = faults or DownloadFaults()
        self._storage = storage
        self._running: BootRom | FirstLoader | FlashLoader = BootRom(self.faults)
        self._content_before = 0

    @property
    def content_bytes(self) -> int:
        """Content received in all stages: chunks of MID and MIDST, without any framing."""
        return self._content_before + self._running.content_bytes

    @property
    def wake_at_s(self) -> float | None:
        """Never: these programs do nothing by themselves."""
        return None

    def advance(self, now_s: float) -> list[DownloadEvent]:
        """Nothing depends on time."""
        del now_s
        return []

    def receive(self, data: bytes) -> list[DownloadEvent]:
        """Take bytes of the host.

        Raises:
            FlashCut: the power went away at a flash operation; the session is dead.
        """
        events = self._running.receive(data)
        for event in events:
            if isinstance(event, StageEntered):
                self._enter(event.stage)
        if self.stage != "fdl2":
            events += self._limits_reached()
        return events

    def bytes_to_send(self) -> bytes:
        """Answers since the last call."""
        return self._running.bytes_to_send()

    def _enter(self, stage: Stage) -> None:
        content = self.content_bytes
        self.stage = stage
        if stage == "fdl1":
            self._running = FirstLoader(self.faults)
            self._content_before = content
        else:
            self._running = FlashLoader(self._storage, self.faults, content)
            self._content_before = 0

    def _limits_reached(self) -> list[DownloadEvent]:
        cut, unplug, content = self.faults.cut_at_bytes, self.faults.unplug_at_bytes, self.content_bytes
        if cut is not None and content >= cut:
            return [CutReached()]
        if unplug is not None and content >= unplug:
            self.faults.unplug_at_bytes = None
            return [UnplugReached()]
        return []
