"""The download mode of an 8850 from end to end: its ROM with CRC-16, then the FDL with the sum, on the same port.

Source: platform-unisoc 5.1, 6.2.
"""

from __future__ import annotations

from moduline.profiles.module import ModuleProfile
from moduline.vmodule.download.events import (
    CutReached,
    DownloadEvent,
    DownloadFaults,
    Stage,
    StageEntered,
    UnplugReached,
)
from moduline.vmodule.download.storage import Storage
from moduline.vmodule.download.unisoc8850_loader import FlashLoader8850, is_for
from moduline.vmodule.download.unisoc8850_rom import Rom8850


class BslSession:
    """One stay in download mode; a ``WireSession``.

    Args:
        profile: of the module, which the FDL compares with the models it is for.
        storage: of the module.
        faults: switches, may change while the session runs.
    """

    def __init__(self, profile: ModuleProfile, storage: Storage, faults: DownloadFaults | None = None) -> None:
        self.faults = faults or DownloadFaults()
        self._profile = profile
        self._storage = storage
        self._rom = Rom8850(self.faults)
        self._loader: FlashLoader8850 | None = None

    @property
    def stage(self) -> Stage:
        """The program that runs."""
        return "rom" if self._loader is None else "fdl"

    @property
    def content_bytes(self) -> int:
        """Content received in both stages, without any framing."""
        return self._rom.content_bytes if self._loader is None else self._loader.content_bytes

    @property
    def wake_at_s(self) -> float | None:
        """Never: these programs do nothing by themselves."""
        return None

    def advance(self, now_s: float) -> list[DownloadEvent]:
        """Nothing depends on time."""
        del now_s
        return []

    def receive(self, data: bytes) -> list[DownloadEvent]:
        """Take bytes of the host; what follows EXEC in the same bytes is lost with the ROM.

        Raises:
            FlashCut: the power went away at a flash operation; the session is dead.
        """
        if self._loader is not None:
            return self._loader.receive(data)
        events = self._rom.receive(data)
        if any(isinstance(event, StageEntered) for event in events):
            is_model_right = is_for(bytes(self._rom.image), self._profile)
            content = self._rom.content_bytes
            self._loader = FlashLoader8850(self._storage, self.faults, content, is_model_right=is_model_right)
        return events + self._limits_reached()

    def bytes_to_send(self) -> bytes:
        """Answers since the last call."""
        said = self._rom.bytes_to_send()
        return said if self._loader is None else said + self._loader.bytes_to_send()

    def _limits_reached(self) -> list[DownloadEvent]:
        cut, unplug, content = self.faults.cut_at_bytes, self.faults.unplug_at_bytes, self.content_bytes
        if cut is not None and content >= cut:
            return [CutReached()]
        if unplug is not None and content >= unplug:
            self.faults.unplug_at_bytes = None
            return [UnplugReached()]
        return []
