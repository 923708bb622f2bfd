"""The flash chip of one virtual module: a file of this computer, mapped, with NOR rules and power cuts on top.

::

    FaultyFlash (cuts, tears)  ──▶  MemoryFlash (NOR rules, counts, wear)  ──▶  mmap of flash.bin

The file holds the cells and nothing else, so that every tool can look at it, and the interpreter's child can map the
same bytes. It survives power cycles and the death of this process: a page of a shared mapping belongs to the system.
How often each sector was erased is kept beside it in ``wear.bin``, best effort: written when the chip is closed.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import shutil
from array import array
from pathlib import Path
from typing import Final, Self

from moduline.errors import StorageFailed, Text
from moduline.nor.faulty import FaultyFlash
from moduline.nor.geometry import ERASED, Geometry
from moduline.nor.memory import MemoryFlash
from moduline.vmodule.flash_log import FlashLog

_CHUNK_BYTES: Final = 1 << 20


class FlashFile:
    """An open flash file; close it or use it in ``with``.

    Args:
        path: of the cells; made erased when it is missing.
        geometry: sizes of the chip.
        template: an erased chip of the same size to copy from, shared by a rack; made when missing. File systems that
            can share blocks then need no room for empty chips.

    Raises:
        StorageFailed: the file cannot be made, mapped, or has another size than the chip.
    """

    def __init__(self, path: Path, geometry: Geometry, template: Path | None = None) -> None:
        self.path = path
        self._wear_path = path.with_name("wear.bin")
        try:
            if not path.exists():
                _make_erased(path, geometry.capacity_bytes, template)
            with path.open("r+b") as file:
                found = os.fstat(file.fileno()).st_size
                if found != geometry.capacity_bytes:
                    raise StorageFailed(path=str(path), reason=_wrong_size(found, geometry.capacity_bytes))
                self._cells = mmap.mmap(file.fileno(), geometry.capacity_bytes)
        except OSError as cause:
            raise StorageFailed(path=str(path), reason=cause.strerror or str(cause)) from cause
        self.memory = MemoryFlash(geometry, self._cells)
        self.flash = FaultyFlash(self.memory)
        self.log = FlashLog()
        self.flash.on_operation = self.log.note
        self._load_wear()

    def release_memory(self) -> None:
        """Give the mapped pages back to the system; the next access brings them again from its file cache."""
        if hasattr(mmap, "MADV_DONTNEED"):
            self._cells.madvise(mmap.MADV_DONTNEED)

    def close(self) -> None:
        """Keep the wear and let go of the file; may be called twice."""
        if self._cells.closed:
            return
        with contextlib.suppress(StorageFailed):  # best effort; the cells are what counts
            self.save_wear()
        self._cells.close()

    def save_wear(self) -> None:
        """Write the erase counts beside the cells.

        Raises:
            StorageFailed: no space or permission.
        """
        try:
            self._wear_path.write_bytes(array("I", self.memory.wear).tobytes())
        except OSError as cause:
            raise StorageFailed(path=str(self._wear_path), reason=cause.strerror or str(cause)) from cause

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _load_wear(self) -> None:
        if not self._wear_path.exists():
            return
        stored = self._wear_path.read_bytes()
        counts = array("I")
        if len(stored) == counts.itemsize * len(self.memory.wear):
            counts.frombytes(stored)
            self.memory.wear = array("L", counts)


def _make_erased(path: Path, size: int, template: Path | None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    if template is not None:
        if not template.exists() or template.stat().st_size != size:
            _make_erased(template, size, None)
        shutil.copyfile(template, fresh)
    else:
        chunk = bytes([ERASED]) * _CHUNK_BYTES
        with fresh.open("wb") as file:
            for start in range(0, size, _CHUNK_BYTES):
                file.write(chunk[: size - start])
    fresh.replace(path)


def _wrong_size(found: int, wanted: int) -> Text:
    return Text(f"{found} bytes, the chip has {wanted}", f"大小为 {found} 字节，芯片为 {wanted} 字节")
