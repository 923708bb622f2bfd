"""An untrusted image cut into blocks: who owns which, and the files that lie in them.

Every block may have one owner only. That alone makes every walk end: a ring of directories or of file blocks meets a
block it has taken already.
"""

from __future__ import annotations

import struct
from typing import NoReturn

from moduline.errors import BadFormat, Text
from moduline.formats.littlefs.names import PATH_BYTES_MAX, decode_name, is_name
from moduline.formats.littlefs.skiplist import POINTER_BYTES, block_count_of, bytes_before, pointer_count


class Blocks:
    """The blocks of one image and their marks.

    Args:
        format_name: how the format calls itself in errors.
        data: the image.
        block_bytes: size of a block.
    """

    def __init__(self, format_name: str, data: bytes, block_bytes: int) -> None:
        self.format_name = format_name
        self.data = data
        self.block_bytes = block_bytes
        self.count = len(data) // block_bytes
        self.taken = bytearray(self.count)
        # Names may not add up to more than this: a deep directory with many entries would be far larger than its image.
        self._letters_left = 8 * len(data) + 65536

    def broken(self, reason: Text, offset: int, rule: str) -> NoReturn:
        """Raise BadFormat for this image; ``rule`` is a stable slug for tests and scripts."""
        raise BadFormat(format=self.format_name, reason=reason, offset=offset, rule=rule)

    def check_number(self, number: int, offset: int) -> None:
        """Let a block number, found at ``offset``, pass only if it lies inside the image.

        Raises:
            BadFormat: outside.
        """
        if number >= self.count:
            reason = Text(
                f"block {number:#x} is outside an image of {self.count} blocks",
                f"块 {number:#x} 超出共 {self.count} 块的镜像",
            )
            self.broken(reason, offset, "block-outside")

    def take(self, number: int, offset: int) -> None:
        """Mark a block, named at ``offset``, as belonging to its owner.

        Raises:
            BadFormat: outside the image, or it has an owner already.
        """
        self.check_number(number, offset)
        if self.taken[number]:
            reason = Text(f"block {number} is used twice", f"块 {number} 被重复使用")
            self.broken(reason, offset, "block-twice")
        self.taken[number] = 1

    def path_of(self, folder: str, name: bytes, offset: int) -> str:
        """The path of an entry found at ``offset``.

        Args:
            folder: path of its directory, "" or ending with a slash.
            name: as it stands on disk.
            offset: for errors.

        Raises:
            BadFormat: not a name, or the paths become too long.
        """
        if not is_name(name):
            self.broken(Text("a name that cannot be", "名称不合法"), offset, "name")
        path = folder + decode_name(name)
        self._letters_left -= len(path)
        if len(path) > PATH_BYTES_MAX or self._letters_left < 0:
            self.broken(Text("the directories are too deep", "目录层级过深"), offset, "depth")
        return path

    def file(self, head: int, size: int, offset: int) -> bytes:
        """The content of a file, every pointer of its skip list checked; takes its blocks.

        Args:
            head: number of its last block.
            size: length in bytes.
            offset: where head and size stand, for errors.

        Raises:
            BadFormat: it cannot be.
        """
        if size > len(self.data):
            self.broken(Text("a file larger than the image", "文件大于镜像"), offset, "file-size")
        numbers: list[int] = []
        number = head
        for index in reversed(range(block_count_of(size, self.block_bytes))):
            self.take(number, offset)
            numbers.append(number)
            if index:
                offset = number * self.block_bytes
                number = int.from_bytes(self.data[offset : offset + POINTER_BYTES], "little")
        numbers.reverse()
        parts = []
        for index, number in enumerate(numbers):
            count = pointer_count(index)
            at = number * self.block_bytes
            pointers = struct.unpack_from(f"<{count}I", self.data, at)
            if any(pointer != numbers[index - (1 << j)] for j, pointer in enumerate(pointers)):
                self.broken(Text("a pointer of the file's skip list is wrong", "文件跳表指针错误"), at, "pointer")
            left = size - bytes_before(index, self.block_bytes)
            start = at + POINTER_BYTES * count
            parts.append(self.data[start : min(start + left, at + self.block_bytes)])
        return b"".join(parts)
