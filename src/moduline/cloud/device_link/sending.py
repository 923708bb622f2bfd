"""Sending the bytes of a file to a device: by the system's own sendfile from a disk, piece by piece from elsewhere.

A peer that stops reading is cut off: the file is sent in slices, each with a time of its own. Slices begin small and
grow while the peer is quick, so that a fast peer costs few calls and a slow one is noticed.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Mapping
from typing import BinaryIO, Final, Protocol

from aiohttp import web

from moduline.cloud.device_link.http_limits import HttpLimits

FIRST_SLICE: Final = 64 * 1024
LARGEST_SLICE: Final = 4 * 1024 * 1024
PIECE: Final = 256 * 1024
QUICK_S: Final = 0.25
"""A slice that took less is followed by one of twice the size."""


class FileStore(Protocol):
    """Where the files are; a part of ``blob.BlobStore``."""

    def open(self, key: str) -> BinaryIO:
        """The file for reading, at its first byte; it can be sought."""


async def send_file(
    request: web.BaseRequest,
    file: BinaryIO,
    *,
    status: int,
    headers: Mapping[str, str],
    first: int,
    count: int,
    limits: HttpLimits,
) -> tuple[web.StreamResponse, bool]:
    """Answer a request with a part of a file.

    Returns:
        The answer, already sent, and whether all of it went out.
    """
    answer = web.StreamResponse(status=status, headers=headers)
    answer.content_length = count
    try:
        await answer.prepare(request)
        if request.method == "HEAD" or not count:
            await answer.write_eof()
            return answer, True
        if _is_on_disk(file):
            await _send_slices(request, file, first, count, limits)
        else:
            await _send_pieces(answer, file, first, count, limits)
        await answer.write_eof()
    except (OSError, RuntimeError, asyncio.IncompleteReadError):
        # gone, or too slow: there is nobody to tell (RuntimeError: the transport is closing)
        if request.transport is not None:
            request.transport.abort()
        return answer, False
    return answer, True


def _is_on_disk(file: BinaryIO) -> bool:
    try:
        file.fileno()
    except (OSError, AttributeError, io.UnsupportedOperation):
        return False
    return True


async def _send_slices(request: web.BaseRequest, file: BinaryIO, first: int, count: int, limits: HttpLimits) -> None:
    loop = asyncio.get_running_loop()
    size, at, end = FIRST_SLICE, first, first + count
    while at < end:
        transport = request.transport
        if transport is None:
            raise ConnectionResetError
        step = min(size, end - at)
        began = loop.time()
        async with asyncio.timeout(max(limits.slice_s, step / limits.least_bytes_per_s)):
            sent = await loop.sendfile(transport, file, at, step)
        if sent < step:
            raise asyncio.IncompleteReadError(b"", step)
        at += sent
        if loop.time() - began < QUICK_S:
            size = min(size * 2, LARGEST_SLICE)


async def _send_pieces(answer: web.StreamResponse, file: BinaryIO, first: int, count: int, limits: HttpLimits) -> None:
    await asyncio.to_thread(file.seek, first)
    while count:
        piece = await asyncio.to_thread(file.read, min(PIECE, count))
        if not piece:
            raise asyncio.IncompleteReadError(b"", count)
        async with asyncio.timeout(max(limits.slice_s, PIECE / limits.least_bytes_per_s)):
            await answer.write(piece)
        count -= len(piece)
