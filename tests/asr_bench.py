"""What the tests of ASR's module side begin with: a module of 16 MB, its flash, and a host at its ROM."""

from __future__ import annotations

from asr_host import Host, table
from moduline.nor.faulty import FaultyFlash
from moduline.nor.memory import MemoryFlash
from moduline.vmodule.download.events import DownloadFaults
from moduline.vmodule.download_sessions import session_for
from moduline.vmodule.facts import identity_of

SIZE_16M = 0x1000000
ROWS = [
    ("all", "group", 0, SIZE_16M),
    ("external", "flash", 0, SIZE_16M),
    ("bootloader", "ubi", 0, 0x24000),
    ("system", "part", 0x24000, 0x40000),
    ("small", "raw", 0x70000, 0x3000),
    ("custom", "cust", 0x80000, 0x2000),
    ("beyond", "raw", 0xFFF000, 0x2000),
    ("odd", "raw", 0x90800, 0x1000),
    ("customer_fs", "raw", 0x900000, 0x500000),
]
TABLE = table(ROWS)


def bench(module="ec600m", cuts="", faults=None):
    """(host at the ROM, flash, faults)."""
    identity = identity_of(module, "m1")
    flash = FaultyFlash(MemoryFlash(identity.geometry), cuts)
    faults = faults or DownloadFaults()
    return Host(session_for(identity, identity.storage(flash), faults)), flash, faults


def flasher(**how):
    """The same with the flasher up and told."""
    host, flash, faults = bench(**how)
    return host.up().told(TABLE), flash, faults
