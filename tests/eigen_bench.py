"""A host at the boot ROM of a virtual EC600E with an empty flash."""

from __future__ import annotations

from eigen_host import EigenHost
from moduline.nor.faulty import FaultyFlash
from moduline.nor.memory import MemoryFlash
from moduline.vmodule.download.eigen import EigenSession
from moduline.vmodule.download.events import DownloadFaults
from moduline.vmodule.facts import identity_of

CP = 0x400000
"""Where the CP flash begins in the flash file."""


class Bench:
    """Flash, faults and host; ``again`` is a new stay in download mode with the same flash."""

    def __init__(self, cells=None, cuts=""):
        self.identity = identity_of("ec600e", "m1")
        memory = cells or MemoryFlash(self.identity.geometry)
        self.flash = FaultyFlash(memory, cuts)
        self.faults = DownloadFaults()
        self.host = self.again()

    def again(self):
        """The host after the power has come back."""
        self.flash.power_on()
        self.host = EigenHost(EigenSession(self.identity.chip, self.identity.storage(self.flash), self.faults))
        return self.host
