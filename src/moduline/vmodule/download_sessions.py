"""Which session speaks for the boot ROM of a chip: one line per wire."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from moduline.vmodule.download.asr import AbootSession
from moduline.vmodule.download.asr_program import AsrRom
from moduline.vmodule.download.eigen import EigenSession
from moduline.vmodule.download.events import DownloadFaults
from moduline.vmodule.download.session import WireSession
from moduline.vmodule.download.storage import Storage
from moduline.vmodule.download.unisoc import DownloadSession
from moduline.vmodule.download.unisoc8850 import BslSession
from moduline.vmodule.facts import ModuleIdentity

MakeSession = Callable[[ModuleIdentity, Storage, DownloadFaults], WireSession]


def _pdl(identity: ModuleIdentity, storage: Storage, faults: DownloadFaults) -> WireSession:
    del identity
    return DownloadSession(storage, faults)


def _bsl(identity: ModuleIdentity, storage: Storage, faults: DownloadFaults) -> WireSession:
    return BslSession(identity.profile, storage, faults)


def _agboot(identity: ModuleIdentity, storage: Storage, faults: DownloadFaults) -> WireSession:
    return EigenSession(identity.chip, storage, faults)


def _aboot(identity: ModuleIdentity, storage: Storage, faults: DownloadFaults) -> WireSession:
    entry = identity.chip.entry
    return AbootSession(AsrRom(entry.rom_product, entry.bootrom, entry.link == "ethos"), storage, faults)


SESSIONS: Final[dict[str, MakeSession]] = {
    "pdl": _pdl,
    "bsl": _bsl,
    "aboot": _aboot,
    "agboot": _agboot,
}
"""Wire of a chip's profile to what makes its session; there is one for every wire of the catalogue."""


def session_for(identity: ModuleIdentity, storage: Storage, faults: DownloadFaults) -> WireSession:
    """A fresh stay in download mode of a module.

    Args:
        identity: who it is.
        storage: what its loaders write to.
        faults: switches, may change while the session runs.
    """
    return SESSIONS[identity.chip.entry.wire](identity, storage, faults)
