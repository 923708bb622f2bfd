"""Sending the bytes of a file to a device: by the system's own sendfile from a disk, piece by piece from elsewhere.

A peer that stops reading is cut off: within ``slice_s`` seconds it must have taken its least share.

``loop.sendfile`` goes round the event loop, and to the selector twice, for every part that the connection takes; here
the system is asked again at once until it takes no more. Others have their turn after ``TURN_BYTES``. The connection
is known under a number of its own meanwhile, for the event loop lets nobody wait for one that a transport has.
"""

from __future__ import annotations

import asyncio
import io
import os
from collections.abc import Mapping
from concurrent.futures import Executor
from typing import BinaryIO, Final, Protocol

from aiohttp import web

from moduline.cloud.device_link.http_limits import HttpLimits
from moduline.errors import ModulineError

PIECE: Final = 256 * 1024
CALL_BYTES: Final = 2 * 1024 * 1024
"""Of one call of sendfile: about a millisecond, in which nothing else happens in this thread."""
TURN_BYTES: Final = 8 * 1024 * 1024
SHARE_EVERY_S: Final = 0.25
"""How often a peer that is quick has its time begin anew."""


class FileStore(Protocol):
    """Where the files are; a part of ``blob.BlobStore``."""

    def open_here(self, key: str) -> BinaryIO | None:
        """The file, if it lies on a disk of this machine, which takes no time; None: it must be opened."""

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
    readers: Executor,
) -> tuple[web.StreamResponse, bool]:
    """Answer a request with a part of a file.

    Args:
        request: GET or HEAD.
        file: at any place.
        status: of the answer.
        headers: of the answer, but its length.
        first: number of the first byte.
        count: how many.
        limits: of one peer.
        readers: threads that read what the system cannot send by itself.

    Returns:
        The answer, already sent, and whether all of it went out.

    Raises:
        ModulineError: the store fails in the middle; the peer is cut off, for its answer has begun.
    """
    answer = web.StreamResponse(status=status, headers=headers)
    answer.content_length = count
    try:
        await answer.prepare(request)
        if request.method == "HEAD" or not count:
            await answer.write_eof()
            return answer, True
        source = _on_disk(request, file)
        if source is not None:
            await _send_from_disk(request, source, first, count, limits)
        else:
            await _send_pieces(answer, file, first, count, limits, readers)
        await answer.write_eof()
    except (OSError, RuntimeError, asyncio.IncompleteReadError):
        # gone, or too slow: there is nobody to tell (RuntimeError: the transport is closing)
        _cut_off(request)
        return answer, False
    except ModulineError:
        _cut_off(request)
        raise
    return answer, True


def _cut_off(request: web.BaseRequest) -> None:
    if request.transport is not None:
        request.transport.abort()


def _on_disk(request: web.BaseRequest, file: BinaryIO) -> int | None:
    """The file's number, if the system can send it by itself: from a disk, over a connection without TLS."""
    transport = request.transport
    if not hasattr(os, "sendfile") or transport is None or transport.get_extra_info("ssl_object") is not None:
        return None
    try:
        return file.fileno()
    except (OSError, AttributeError, io.UnsupportedOperation):
        return None


class _Room:
    """Waits until a connection takes more; the selector is told once, not for every wait."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiter: asyncio.Future[None] | None = None
        self._is_watched = False
        self.number = os.dup(transport.get_extra_info("socket").fileno())

    async def wait(self) -> None:
        """Return when it takes more, or is gone."""
        self._waiter = self._loop.create_future()
        if not self._is_watched:
            self._is_watched = True
            self._loop.add_writer(self.number, self._found)
        await self._waiter

    def close(self) -> None:
        """Give the number back."""
        if self._is_watched:
            self._loop.remove_writer(self.number)
        os.close(self.number)

    def _found(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


async def _send_from_disk(request: web.BaseRequest, source: int, first: int, count: int, limits: HttpLimits) -> None:
    transport = request.transport
    if transport is None:
        raise ConnectionResetError
    loop = asyncio.get_running_loop()
    at, end, turn = first, first + count, 0
    share, shared, share_at = limits.slice_s * limits.least_bytes_per_s, first, loop.time()
    room = _Room(transport)
    try:
        async with asyncio.timeout(limits.slice_s) as limit:
            await _drained(request, transport)
            while at < end:
                try:
                    sent = os.sendfile(room.number, source, at, min(CALL_BYTES, end - at))
                except BlockingIOError:
                    turn = 0
                    await room.wait()
                    continue
                if not sent:
                    raise asyncio.IncompleteReadError(b"", end - at)
                at += sent
                turn += sent
                if at - shared >= share and loop.time() - share_at >= SHARE_EVERY_S:
                    shared, share_at = at, loop.time()
                    limit.reschedule(share_at + limits.slice_s)
                if turn >= TURN_BYTES:
                    turn = 0
                    await asyncio.sleep(0)
                if transport.is_closing():
                    raise ConnectionResetError
    finally:
        room.close()


async def _drained(request: web.BaseRequest, transport: asyncio.Transport) -> None:
    """Wait until the head, and answers before, have left this process."""
    if not transport.get_write_buffer_size():
        return
    transport.set_write_buffer_limits(high=0)
    try:
        await request.writer.drain()
    finally:
        transport.set_write_buffer_limits()
    if transport.get_write_buffer_size():
        raise ConnectionResetError


async def _send_pieces(
    answer: web.StreamResponse, file: BinaryIO, first: int, count: int, limits: HttpLimits, readers: Executor
) -> None:
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(readers, file.seek, first)
    while count:
        piece = await loop.run_in_executor(readers, file.read, min(PIECE, count))
        if not piece:
            raise asyncio.IncompleteReadError(b"", count)
        async with asyncio.timeout(max(limits.slice_s, PIECE / limits.least_bytes_per_s)):
            await answer.write(piece)
        count -= len(piece)
