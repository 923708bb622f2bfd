"""Sending the bytes of a file to a device: by the system's own sendfile from a disk, piece by piece from elsewhere.

A peer that stops reading is cut off: within ``slice_s`` seconds it must have taken its least share.

``loop.sendfile`` goes round the event loop, and to the selector twice, for every part that the connection takes; here
the system is asked again at once until it takes no more. Others have their turn after ``TURN_BYTES``. The connection
is known under a number of its own meanwhile, for the event loop lets nobody wait for one that a transport has. Rests of
packets are held back until the end (``TCP_CORK``), without which a download takes half as long again.
"""

from __future__ import annotations

import asyncio
import io
import os
import socket
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


class _FromDisk:
    """Sends a part of a file whenever the connection takes more.

    The event loop calls it for that: a task that is woken for every part goes round the loop twice as often.
    """

    def __init__(
        self, transport: asyncio.Transport, source: int, part: range, limits: HttpLimits, limit: asyncio.Timeout
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport, self._source = transport, source
        self._at, self._end = part.start, part.stop
        self._limits, self._limit = limits, limit
        self._shared, self._share_at = part.start, self._loop.time()
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._number = os.dup(transport.get_extra_info("socket").fileno())

    async def run(self) -> None:
        """Send all of it.

        Raises:
            OSError: the peer is gone.
            asyncio.IncompleteReadError: the file is shorter than its record says.
        """
        connection = self._transport.get_extra_info("socket")
        try:
            _hold_rests(connection, True)
            self._on_room()
            if not self._ended.done():
                self._loop.add_writer(self._number, self._on_room)
            await self._ended
            _hold_rests(connection, False)
        finally:
            self._loop.remove_writer(self._number)
            os.close(self._number)

    def _on_room(self) -> None:
        if self._ended.done():
            return
        try:
            if self._transport.is_closing():
                raise ConnectionResetError
            self._send_turn()
        except (OSError, asyncio.IncompleteReadError) as error:
            self._ended.set_exception(error)
            return
        if self._at >= self._end:
            self._ended.set_result(None)

    def _send_turn(self) -> None:
        until = min(self._end, self._at + TURN_BYTES)
        while self._at < until:
            try:
                sent = os.sendfile(self._number, self._source, self._at, min(CALL_BYTES, self._end - self._at))
            except BlockingIOError:
                break
            if not sent:
                raise asyncio.IncompleteReadError(b"", self._end - self._at)
            self._at += sent
        if self._at - self._shared >= self._limits.slice_s * self._limits.least_bytes_per_s:
            now = self._loop.time()
            if now - self._share_at >= SHARE_EVERY_S:
                self._shared, self._share_at = self._at, now
                self._limit.reschedule(now + self._limits.slice_s)


def _hold_rests(connection: socket.socket, is_on: bool) -> None:
    """Whether what does not fill a packet waits for more; else every call of sendfile ends in a small one."""
    if hasattr(socket, "TCP_CORK"):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, is_on)


async def _send_from_disk(request: web.BaseRequest, source: int, first: int, count: int, limits: HttpLimits) -> None:
    transport = request.transport
    if transport is None:
        raise ConnectionResetError
    async with asyncio.timeout(limits.slice_s) as limit:
        await _drained(request, transport)
        await _FromDisk(transport, source, range(first, first + count), limits, limit).run()


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
