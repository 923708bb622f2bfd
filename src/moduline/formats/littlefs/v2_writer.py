"""littlefs version 2, writing: by the library littlefs-python, which is the module's own C code.

Nothing untrusted reaches the library: it formats a blank buffer and creates the entries one by one. Its only inputs are
the entries and the geometry, so the result is the same on every run. The driver's buffers are sized as the interpreter
sizes them (four units), because a small file is stored inside its directory only up to the size of that buffer, and a
module could not read a larger one.

Source: micropython-runtime 4 (disk version 2.0 by choice), platform-eigencomm 1.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from moduline.errors import Text, TooBig
from moduline.formats.littlefs.names import complete
from moduline.formats.littlefs.skiplist import block_count_of
from moduline.formats.littlefs.volume import DISK_2_0, Entries, Entry, FsGeometry

_NO_SPACE: Final = -28
_ENCODING: Final = "utf-8"


class _Cells:
    """The library's view of a buffer; what it calls a user context."""

    def __init__(self, size: int) -> None:
        self.buffer = bytearray(b"\xff") * size

    def read(self, cfg: Any, block: int, off: int, size: int) -> bytearray:
        """``size`` bytes of a block."""
        at = block * cfg.block_size + off
        return bytearray(self.buffer[at : at + size])

    def prog(self, cfg: Any, block: int, off: int, data: bytes) -> int:
        """Write into an erased block."""
        at = block * cfg.block_size + off
        self.buffer[at : at + len(data)] = data
        return 0

    def erase(self, cfg: Any, block: int) -> int:
        """Make a block 0xFF."""
        at = block * cfg.block_size
        self.buffer[at : at + cfg.block_size] = b"\xff" * cfg.block_size
        return 0

    def sync(self, cfg: Any) -> int:
        """Nothing is buffered here."""
        del cfg
        return 0


def write(entries: Entries, geometry: FsGeometry, disk_version: int = DISK_2_0) -> bytes:
    """A whole image, ``geometry.total_bytes`` long, never-written bytes 0xFF.

    Args:
        entries: what it shall hold, in the order of creation; version 2 stores names sorted.
        geometry: sizes; ``usable_blocks`` limits where content may lie.
        disk_version: 0x00020000 or 0x00020001.

    Raises:
        BadOption: a path is not allowed or stands there twice.
        TooBig: the content does not fit, or a name is too long.
    """
    from littlefs import LittleFSError  # imported when asked for: it costs a command line more than all of ours

    whole = list(complete(entries))
    try:
        return _create(whole, geometry, disk_version)[0]
    except LittleFSError as full:
        if full.code != _NO_SPACE:
            raise
    raise TooBig(
        what=Text("the file system", "文件系统"),
        need=_needed_blocks(whole, geometry, disk_version) * geometry.block_bytes,
        have=geometry.content_blocks * geometry.block_bytes,
    )


def _create(entries: Iterable[Entry], geometry: FsGeometry, disk_version: int) -> tuple[bytes, int]:
    """Image and blocks in use."""
    from littlefs import LittleFS, lfs

    cells: Any = _Cells(geometry.total_bytes)
    fs = LittleFS(
        context=cells,
        mount=False,
        block_size=geometry.block_bytes,
        block_count=geometry.content_blocks,
        read_size=geometry.read_bytes,
        prog_size=geometry.program_bytes,
        cache_size=_buffer_bytes(geometry),
        lookahead_size=-(-geometry.block_count // 64) * 8,
        disk_version=disk_version,
    )
    fs.format()
    fs.mount()
    for path, data in entries:
        if data is None:
            lfs.mkdir(fs.fs, path, _ENCODING)
            continue
        handle = lfs.file_open(fs.fs, path, "wb", _ENCODING)
        if data:
            lfs.file_write(fs.fs, handle, data)
        lfs.file_close(fs.fs, handle)
    if geometry.content_blocks < geometry.block_count:
        fs.fs_grow(geometry.block_count)
    used = fs.used_block_count
    fs.unmount()
    return bytes(cells.buffer), used


def _buffer_bytes(geometry: FsGeometry) -> int:
    """Size of the driver's buffers: four units, or a whole block where those do not divide it."""
    four = 4 * max(geometry.read_bytes, geometry.program_bytes)
    is_possible = not (four % geometry.read_bytes or four % geometry.program_bytes or geometry.block_bytes % four)
    return four if is_possible else geometry.block_bytes


def _needed_blocks(entries: list[Entry], geometry: FsGeometry, disk_version: int) -> int:
    """How many blocks an image must have to take these entries: what they use in one with ample space."""
    content = sum(block_count_of(len(data), geometry.block_bytes) for _, data in entries if data is not None)
    ample = replace(geometry, block_count=2 * (content + 2 * len(entries)) + 16, usable_blocks=None)
    return max(_create(entries, ample, disk_version)[1], geometry.content_blocks + 1)
