"""What the loaders write to: the flash, fixed NV, and the module's own file systems by their mounts.

::

    /            FSYS   system files; on most chips the only one
    /modem       FMOD   8850: the modem's code, unpacked from cpio archives
    /factory     FFAC   8850: the partition that fixed NV lives in; never formatted by a host

Source: platform-unisoc 2.7, 2.9, 3.4.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from moduline.nor.flash import Flash
from moduline.vmodule.file_store import FileStore
from moduline.vmodule.nv_store import NvStore

SYSTEM_DEVICE: Final = "FSYS"
MODEM_DEVICE: Final = "FMOD"


@dataclass(frozen=True, slots=True)
class Volume:
    """A file system beside the root's; ``device`` is its name to FORMAT, empty for one that is never formatted."""

    device: str
    files: FileStore


@dataclass(frozen=True, slots=True)
class Storage:
    """What the loaders write to.

    Attributes:
        flash: the chip.
        nv: fixed NV and PhaseCheck.
        files: the file system at ``/``.
        volumes: the others, by their mount such as ``/modem``.
    """

    flash: Flash
    nv: NvStore
    files: FileStore
    volumes: Mapping[str, Volume] = field(default_factory=dict)

    def store_of(self, path: str) -> FileStore:
        """The file system that an absolute path lies in."""
        for mount, volume in self.volumes.items():
            if path == mount or path.startswith(f"{mount}/"):
                return volume.files
        return self.files

    def device(self, name: int) -> FileStore | None:
        """The file system on a block device, given as FORMAT names it: four letters, the first in the low byte."""
        if name == device_code(SYSTEM_DEVICE):
            return self.files
        named = (one.files for one in self.volumes.values() if one.device and device_code(one.device) == name)
        return next(named, None)


def device_code(name: str) -> int:
    """A block-device name as the size word of FORMAT carries it."""
    return int.from_bytes(name.encode("ascii"), "little")
