"""The server that the virtual modules of one rehearsal fetch from: a few files, on loopback, with ranges.

It answers as the platform's own downloads do (``device_link.files``): ``Content-Length``, canonical header names, one
range, no chunking, the connection closed. Only the modules of the rehearsal know its port, and nothing else is there.

Source: ota-semantics 11 (downloads); device-api 7.3, 8.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Mapping
from typing import Final

MOST_HEAD_BYTES: Final = 16 << 10
PIECE_BYTES: Final = 16 << 10
LIMIT_S: Final = 60.0
_RANGE: Final = re.compile(rb"\r\nrange: *bytes=(\d{1,12})-(\d{0,12})\r\n", re.IGNORECASE)


@contextlib.asynccontextmanager
async def serving(files: Mapping[str, bytes]) -> AsyncIterator[int]:
    """The port of a server with these files, by name without a leading slash."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            async with asyncio.timeout(LIMIT_S):
                await _answer(files, await reader.readuntil(b"\r\n\r\n"), writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=MOST_HEAD_BYTES)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


async def _answer(files: Mapping[str, bytes], head: bytes, writer: asyncio.StreamWriter) -> None:
    method, _, rest = head.partition(b" ")
    name = rest.partition(b" ")[0].decode("ascii", "replace").removeprefix("/")
    data = files.get(name)
    if method != b"GET" or data is None:
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        return
    status, first, end = "200 OK", 0, len(data)
    more = ""
    asked = _RANGE.search(head)
    if asked is not None:
        first, end = int(asked[1]), min(len(data), int(asked[2]) + 1 if asked[2] else len(data))
        if first >= end:
            said = f"HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */{len(data)}\r\n"
            writer.write(f"{said}Content-Length: 0\r\nConnection: close\r\n\r\n".encode("ascii"))
            await writer.drain()
            return
        status, more = "206 Partial Content", f"Content-Range: bytes {first}-{end - 1}/{len(data)}\r\n"
    kind = "Content-Type: application/octet-stream\r\nAccept-Ranges: bytes\r\n"
    lines = f"HTTP/1.1 {status}\r\n{kind}{more}Content-Length: {end - first}\r\nConnection: close\r\n\r\n"
    writer.write(lines.encode("ascii"))
    for at in range(first, end, PIECE_BYTES):
        writer.write(data[at : min(end, at + PIECE_BYTES)])
        await writer.drain()
