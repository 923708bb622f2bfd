"""What every wire's side of the module offers to the loop that owns the port; sans-I/O."""

from __future__ import annotations

from typing import Protocol

from moduline.vmodule.download.events import DownloadEvent, DownloadFaults, Stage


class WireSession(Protocol):
    """One stay in download mode: ``receive`` and ``advance``, then ``bytes_to_send``.

    Attributes:
        faults: switches, may change while the session runs.
    """

    faults: DownloadFaults

    @property
    def stage(self) -> Stage:
        """The program that runs."""

    @property
    def content_bytes(self) -> int:
        """Content received in all stages, without any framing."""

    @property
    def wake_at_s(self) -> float | None:
        """When ``advance`` wants to be called even if nothing arrives; None for never. On the clock of ``advance``."""

    def advance(self, now_s: float) -> list[DownloadEvent]:
        """Time goes on; called before every ``receive``, and when ``wake_at_s`` is due.

        Args:
            now_s: seconds that never go backwards, of unknown origin.
        """

    def receive(self, data: bytes) -> list[DownloadEvent]:
        """Take bytes of the host.

        Raises:
            FlashCut: the power went away at a flash operation; the session is dead.
        """

    def bytes_to_send(self) -> bytes:
        """Answers since the last call."""
