"""The arithmetic of a file's blocks, the same in both versions of littlefs.

::

    block 0        block 1        block 2         block 3        block 4
    [data ......]  [0|data ....]  [1|0|data ...]  [2|data ....]  [3|2|0|data .]   <- head

Block n > 0 of a file begins with ctz(n) + 1 pointers: to block n-1, n-2, n-4 ... The file is found from its last block.
"""

from __future__ import annotations

import struct
from typing import Final

POINTER_BYTES: Final = 4


def pointer_count(index: int) -> int:
    """How many block pointers stand at the start of a file's block ``index``: none in the first, else ctz + 1."""
    return (index & -index).bit_length()


def bytes_before(index: int, block_bytes: int) -> int:
    """How many bytes of a file lie in its blocks before ``index``.

    Blocks 1..n hold 2n - popcount(n) pointers together.
    """
    last = max(index - 1, 0)
    return index * block_bytes - POINTER_BYTES * (2 * last - last.bit_count())


def block_count_of(size: int, block_bytes: int) -> int:
    """How many blocks a file of ``size`` bytes takes."""
    count = -(-size // block_bytes)
    while bytes_before(count, block_bytes) < size:
        count += 1
    return count


def block_content(index: int, numbers: list[int], data: bytes, block_bytes: int) -> bytes:
    """What block ``index`` of a file holds: its pointers, then its share of ``data``.

    Args:
        index: 0 for the first block.
        numbers: block numbers of the blocks before it, in order.
        data: the whole file.
        block_bytes: size of a block.
    """
    count = pointer_count(index)
    pointers = struct.pack(f"<{count}I", *(numbers[index - (1 << j)] for j in range(count)))
    at = bytes_before(index, block_bytes)
    return pointers + data[at : at + block_bytes - len(pointers)]
