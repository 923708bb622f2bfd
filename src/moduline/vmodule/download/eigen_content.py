"""Counts the content of a stay in download mode and lets a pending cut or unplug happen at its byte.

Content is what DATA packets carry, heads and agentboot included, without any framing.

Source: docs/design/virtual-module.md (faults).
"""

from __future__ import annotations

from moduline.vmodule.download.events import CutReached, DownloadEvent, DownloadFaults, UnplugReached


class ContentGate:
    """What all programs of one session take their content through.

    Args:
        faults: switches, may change while the session runs.
    """

    def __init__(self, faults: DownloadFaults) -> None:
        self.faults = faults
        self.content_bytes = 0
        self.is_cut = False

    def take(self, size: int, events: list[DownloadEvent]) -> bool:
        """Count; False when the power goes away before this content has any effect."""
        self.content_bytes += size
        cut, unplug = self.faults.cut_at_bytes, self.faults.unplug_at_bytes
        if cut is not None and self.content_bytes >= cut:
            self.is_cut = True
            events.append(CutReached())
            return False
        if unplug is not None and self.content_bytes >= unplug:
            self.faults.unplug_at_bytes = None
            events.append(UnplugReached())
        return True
