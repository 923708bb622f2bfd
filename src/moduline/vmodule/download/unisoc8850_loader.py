"""The 8850's FDL: one loader for everything; its table is that of FDL2 (``flash_loader``), with these differences.

* Three flags in a row are answered VER; before them nothing is heard.
* The first boot stage (SPL) at the start of the flash is collected in memory, up to 0x20000, and written at END.
* It knows the models it is for. On any other module every ERASE_FLASH is 0x97, whatever is to be erased.
* Archives go where their members' paths say: ``/modem``, ``/factory``, else the root. A member that is too large, or
  for which there is no room, is 0x8A; one whose file system cannot be mounted 0x84; one with a path that leads nowhere
  0x89. What follows such a member in the archive is not written, and a second answer, 0x8A, comes for the same MIDST.
* Erasing the whole chip keeps PhaseCheck, not NV: IMEI and calibration are lost.

Where the sources are silent: a path leads nowhere when it is empty, has an empty part or one of dots, or is longer than
191 bytes. That the second 0x8A follows every failure of a member is how the one sentence about it is read here.

The list of models stands in the image as names of the form ``EC600GCNLC`` between NULs (a real EC600G's FDL). A virtual
module counts as every variant that its profile covers; an image without any name fits all.

Source: platform-unisoc 2.7, 3.4, 5.3, 5.5 to 5.8, 6.5; a real EC600G package.
"""

from __future__ import annotations

import re
from typing import Final

from moduline.errors import BadFormat, TooBig
from moduline.profiles import catalog
from moduline.profiles.module import ModuleProfile
from moduline.vmodule.download.cpio_unpacker import MAX_PATH_BYTES, CpioUnpacker
from moduline.vmodule.download.events import DownloadEvent, DownloadFaults, Refused
from moduline.vmodule.download.flash_loader import Answer, FlashLoader, LoaderKind
from moduline.vmodule.download.storage import Storage
from moduline.vmodule.download.targets import Target
from moduline.wire.download.unisoc import FDL_8850, BslAnswer, BslCommand

FDL: Final = LoaderKind("fdl", FDL_8850.sync_flags, boot_limit_bytes=0x20000, keeps_nv=False)
MAX_MEMBER_BYTES: Final = 0x190000
_MODEL: Final = re.compile(rb"(?<=\0)([A-Z]{2}\d{3}[A-Z])([A-Z]{4})(?=\0)")


class FlashLoader8850(FlashLoader):
    """One life of the FDL, sans-I/O.

    Args:
        storage: what it writes to; a FlashCut passes through ``receive``.
        faults: switches of this session.
        content_bytes: content received by the ROM.
        is_model_right: whether the FDL is for this module.
    """

    def __init__(
        self, storage: Storage, faults: DownloadFaults, content_bytes: int = 0, *, is_model_right: bool = True
    ) -> None:
        super().__init__(storage, faults, content_bytes, FDL)
        self._is_model_right = is_model_right

    def _cpio_target(self) -> Target:
        return MountedCpioTarget(self._storage)

    def _midst(self, data: bytes, events: list[DownloadEvent]) -> Answer | None:
        target = self._target
        answer = super()._midst(data, events)
        if answer is None or not isinstance(target, MountedCpioTarget) or target.failure is BslAnswer.ACK:
            return answer
        events.append(Refused(FDL.stage, BslCommand.MIDST_DATA, target.failure))
        self._send(target.failure)
        return BslAnswer.SIZE_ERROR, b""

    def _erase(self, data: bytes, events: list[DownloadEvent]) -> Answer:
        if not self._is_model_right or self._faults.is_model_refused:
            self.state, self._target = "ready", None
            return BslAnswer.UNKNOWN_DEVICE, b""
        return super()._erase(data, events)


class MountedCpioTarget:
    """An archive whose members go to the file systems their paths lie in.

    Args:
        storage: the file systems.

    Attributes:
        failure: why a member could not be kept; ACK as long as all could.
    """

    def __init__(self, storage: Storage) -> None:
        self.failure = BslAnswer.ACK
        self._storage = storage
        self._unpacker = CpioUnpacker(self._keep, MAX_MEMBER_BYTES, self._pass_over)

    def take(self, data: bytes) -> BslAnswer:
        """Unpack what is complete."""
        try:
            self._unpacker.feed(data)
        except BadFormat:
            self._fail(BslAnswer.OPERATION_FAILED)
        return self.failure

    def finish(self) -> BslAnswer:
        """Nothing is left to do."""
        return BslAnswer.ACK

    def _keep(self, path: str, data: bytes | None) -> None:
        files = self._storage.store_of(path)
        if self.failure is not BslAnswer.ACK:
            return
        if not _leads_somewhere(path):
            self._fail(BslAnswer.DESTINATION_ERROR)
        elif not files.is_mountable:
            self._fail(BslAnswer.OPERATION_FAILED)
        else:
            try:
                files.keep(path, data)
            except TooBig:
                self._fail(BslAnswer.SIZE_ERROR)

    def _pass_over(self, name_bytes: int) -> None:
        self._fail(BslAnswer.DESTINATION_ERROR if name_bytes >= MAX_PATH_BYTES else BslAnswer.SIZE_ERROR)

    def _fail(self, answer: BslAnswer) -> None:
        if self.failure is BslAnswer.ACK:
            self.failure = answer


def _leads_somewhere(path: str) -> bool:
    parts = path.removeprefix("/").split("/")
    return all(part not in {"", ".", ".."} for part in parts)


def is_for(image: bytes, profile: ModuleProfile) -> bool:
    """Whether an FDL is for a module: it names one of its variants, or no model at all.

    Args:
        image: the FDL.
        profile: of the module.
    """
    named = [f"{match[1].decode('ascii')}-{match[2].decode('ascii')}" for match in _MODEL.finditer(image)]
    return not named or any(
        name == profile.identity.variant or catalog.module_of_model(name) == profile for name in named
    )
