"""A cpio archive unpacked while it arrives, member by member, with the chip's limits.

Members that are too large or whose path is too long are passed over: FDL2 does so without a word, the 8850's FDL tells.

Source: platform-unisoc 3.4.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from moduline.errors import BadFormat, Text
from moduline.formats.cpio import HEADER, MAGIC, MODE_DIRECTORY, MODE_KIND, TRAILER_NAME

MAX_MEMBER_BYTES: Final = 0x10000
MAX_PATH_BYTES: Final = 192


class CpioUnpacker:
    """Bytes of any fragmentation in; one call of ``keep`` per file and folder.

    Args:
        keep: gets the path with a leading slash and the content, None for a folder.
        max_member_bytes: larger files are passed over.
        pass_over: gets the length of a passed-over member's name, in bytes.
    """

    def __init__(
        self,
        keep: Callable[[str, bytes | None], None],
        max_member_bytes: int = MAX_MEMBER_BYTES,
        pass_over: Callable[[int], None] | None = None,
    ) -> None:
        self._keep = keep
        self._pass_over = pass_over
        self._max_member_bytes = max_member_bytes
        self._buffer = bytearray()
        self._skip_bytes = 0
        self._is_done = False

    def feed(self, data: bytes) -> None:
        """Unpack what ``data`` completes.

        Raises:
            BadFormat: something else than a member begins where one must.
        """
        buffer = self._buffer
        buffer += data
        while not self._is_done:
            dropped = min(self._skip_bytes, len(buffer))
            del buffer[:dropped]
            self._skip_bytes -= dropped
            if self._skip_bytes or not self._take_member():
                return
        buffer.clear()

    def _take_member(self) -> bool:
        """Take one whole member out of the buffer; False when more is needed."""
        buffer = self._buffer
        if len(buffer) < HEADER.total_bytes:
            return False
        head = HEADER.unpack(bytes(buffer[: HEADER.total_bytes]))
        if head["magic"] != MAGIC:
            raise BadFormat(format="cpio", reason=Text("no member begins here", "此处不是成员起始"), offset=0)
        name_end = HEADER.total_bytes + head["name_bytes"]
        data_start = name_end + head["name_bytes"] % 2
        size = head["data_size"][0] << 16 | head["data_size"][1]
        if len(buffer) < data_start:
            return False
        name = bytes(buffer[HEADER.total_bytes : name_end]).rstrip(b"\0")
        end = data_start + size + size % 2
        if name == TRAILER_NAME:
            self._is_done = True
            return True
        path = "/" + name.decode("utf-8", "replace").lstrip("/")
        name_bytes = max(len(name), len(path.encode()) - 1)  # what is no UTF-8 grows
        if size > self._max_member_bytes or name_bytes >= MAX_PATH_BYTES:
            self._skip_bytes = end
            if self._pass_over is not None:
                self._pass_over(name_bytes)
            return True
        if len(buffer) < end:
            return False
        is_folder = head["mode"] & MODE_KIND == MODE_DIRECTORY
        self._keep(path, None if is_folder else bytes(buffer[data_start : data_start + size]))
        del buffer[:end]
        return True
