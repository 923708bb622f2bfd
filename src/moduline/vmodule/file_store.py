"""The module's own file system (FS_SYS): what cpio archives unpack into, the running NV, the application as a file.

Nothing that runs here reads these files; they are kept so that formatting, erasing and re-burning do what they do on
the metal. Layout: ``RecordStore`` over the partition.

Source: platform-unisoc 2.7, 3.4.
"""

from __future__ import annotations

from typing import Final

from moduline.errors import TooBig
from moduline.nor.flash import Flash
from moduline.vmodule.record_store import RecordStore

RUNNING_NV: Final = "/nvm/running"
APPLICATION: Final = "/app.img"
_FOLDER: Final = b"\0folder"
_FILE: Final = b"\0file"


class FileStore:
    """Files by absolute path.

    Args:
        flash: the module's flash.
        start: offset of the partition.
        size: its length in bytes; below two sectors there is no file system.
    """

    def __init__(self, flash: Flash, start: int, size: int) -> None:
        has_room = size >= 2 * flash.geometry.erase_bytes
        self._records = RecordStore(flash, start, size) if has_room else None

    @property
    def is_mountable(self) -> bool:
        """Whether files can be kept: the partition exists and is ours or erased."""
        return self._records is not None and self._records.is_mountable

    def keep(self, path: str, data: bytes | None) -> None:
        """Write a file, or make a folder when ``data`` is None.

        Raises:
            TooBig: no space, or no file system.
            FlashCut: the power went away; the old or the new file is there.
        """
        self._mounted().put(path, _FOLDER if data is None else _FILE + data)

    def remove(self, path: str) -> None:
        """Delete a file; nothing happens when it is not there.

        Raises:
            FlashCut: the power went away.
        """
        if self._records is not None:
            self._records.drop(path)

    def read(self, path: str) -> bytes | None:
        """Content of a file; None for a folder or nothing."""
        stored = self._records.get(path) if self._records is not None else None
        return stored.removeprefix(_FILE) if stored is not None and stored.startswith(_FILE) else None

    def paths(self) -> tuple[str, ...]:
        """Every file and folder, oldest first."""
        return self._records.keys() if self._records is not None else ()

    def format(self) -> bool:
        """Make it empty; False when there is no such file system.

        Raises:
            FlashCut: the power went away.
        """
        if self._records is None:
            return False
        self._records.format()
        return True

    def _mounted(self) -> RecordStore:
        if self._records is None:
            raise TooBig(what="FS_SYS", need=1, have=0)
        return self._records
