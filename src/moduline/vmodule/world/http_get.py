"""One HTTP GET as the module's own download service makes it; the body goes to the taker piece by piece.

::

    connect ─▶ GET ─▶ status and head (16 KiB at most) ─▶ body: by Content-Length, chunked, or to the end ─▶ total

Anything but status 200 fails, redirects too: the module's service follows none. Certificates are not checked, as the
module's service has no root certificates unless a script gives it some; use signed packages instead.

Modelled: http and https, IPv4 names and addresses, user and password in the URL are ignored. Not modelled: FTP,
ranges, proxies, cookies.

Source: device-api 7.3; ota-semantics 11 (no redirect); RFC 9112.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import urlsplit

MAX_URL_CHARS: Final = 1024
MAX_HEAD_BYTES: Final = 16 << 10
MAX_LINE_BYTES: Final = 256
PIECE_BYTES: Final = 4096
IDLE_LIMIT_S: Final = 60.0
OK: Final = 200

# Second item of the callback's list where the firmware gives error codes; the real numbers are not documented
# (device-api 16), so these are ours.
BAD_URL: Final = 1
NO_CONNECTION: Final = 2
BAD_ANSWER: Final = 3
BAD_STATUS: Final = 4
BODY_CUT: Final = 5
TOO_SLOW: Final = 6


class Connector(Protocol):
    """Opens a connection as the module would; ``world.network.Network.connect``."""

    def __call__(
        self, host: str, port: int, *, tls: ssl.SSLContext | None = None
    ) -> Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """Reader and writer of a new connection; OSError when there is none."""


class FetchFailedError(Exception):
    """The download failed; ``code`` is what a callback is told, ``why`` is for the owner of the virtual module."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code
        self.why = why


@dataclass(frozen=True, slots=True)
class Target:
    """What a URL names."""

    host: str
    port: int
    path: str
    is_tls: bool


def target_of(url: str) -> Target:
    """What a URL names.

    Raises:
        FetchFailedError: it is no http or https URL, too long, or has characters that no request may have.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as wrong:
        raise FetchFailedError(BAD_URL, str(wrong)) from wrong
    is_fine = url.isascii() and url.isprintable() and " " not in url and len(url) <= MAX_URL_CHARS
    if not is_fine or parts.scheme not in {"http", "https"} or not parts.hostname:
        raise FetchFailedError(BAD_URL, f"no http or https URL: {url[:80]!r}")
    is_tls = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.hostname, port or (443 if is_tls else 80), path, is_tls)


def unchecked_tls() -> ssl.SSLContext:
    """TLS without a look at the certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def fetch(
    connect: Connector, url: str, begin: Callable[[int | None], None], take: Callable[[bytes], None], rate: float = 1.0
) -> None:
    """Download a URL.

    Args:
        connect: opens connections.
        url: of the file.
        begin: called once the answer is 200, with the length of the body, or None when it is not stated.
        take: called with each piece of the body, in order.
        rate: module seconds per host second.

    Raises:
        FetchFailedError: whatever went wrong on the way.
    """
    target = target_of(url)
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(IDLE_LIMIT_S / rate) as limit:
            tls = unchecked_tls() if target.is_tls else None
            reader, writer = await connect(target.host, target.port, tls=tls)
            writer.write(_request(target))
            await writer.drain()
            length, is_chunked = await _head(reader)
            begin(length)
            async for piece in _body(reader, length, is_chunked=is_chunked):
                limit.reschedule(asyncio.get_running_loop().time() + IDLE_LIMIT_S / rate)
                take(piece)
    except TimeoutError as late:
        raise FetchFailedError(TOO_SLOW, "nothing came for a minute") from late
    except OSError as fault:
        raise FetchFailedError(NO_CONNECTION, str(fault)) from fault
    except asyncio.IncompleteReadError as short:
        raise FetchFailedError(BODY_CUT, "the connection ended too early") from short
    except asyncio.LimitOverrunError as long:
        raise FetchFailedError(BAD_ANSWER, "a head or line without end") from long
    finally:
        if writer is not None:
            writer.transport.abort()  # nothing more is wanted of the peer


def _request(target: Target) -> bytes:
    is_default = target.port == (443 if target.is_tls else 80)
    host = target.host if is_default else f"{target.host}:{target.port}"
    lines = [f"GET {target.path} HTTP/1.1", f"Host: {host}", "Accept: */*", "Connection: close", "", ""]
    return "\r\n".join(lines).encode("ascii")


async def _head(reader: asyncio.StreamReader) -> tuple[int | None, bool]:
    """Length of the body (None: not stated) and whether it is chunked."""
    raw = await reader.readuntil(b"\r\n\r\n")
    if len(raw) > MAX_HEAD_BYTES:
        raise FetchFailedError(BAD_ANSWER, "a head beyond the limit")
    lines = raw.decode("latin-1").split("\r\n")
    words = lines[0].split(" ", 2)
    if len(words) < 2 or not words[0].startswith("HTTP/1.") or not (words[1].isascii() and words[1].isdigit()):
        raise FetchFailedError(BAD_ANSWER, f"no HTTP answer: {lines[0][:40]!r}")
    if int(words[1]) != OK:
        raise FetchFailedError(BAD_STATUS, f"status {words[1][:3]}")
    fields = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if colon:
            fields[name.strip().lower()] = value.strip()
    if fields.get("transfer-encoding", "identity").lower() == "chunked":
        return None, True
    length = fields.get("content-length")
    if length is None:
        return None, False
    if not (length.isascii() and length.isdigit() and len(length) < 12):
        raise FetchFailedError(BAD_ANSWER, "an impossible length")
    return int(length), False


async def _body(reader: asyncio.StreamReader, length: int | None, *, is_chunked: bool) -> AsyncIterator[bytes]:
    if is_chunked:
        while size := await _chunk_size(reader):
            async for piece in _exactly(reader, size):
                yield piece
            if await reader.readexactly(2) != b"\r\n":
                raise FetchFailedError(BAD_ANSWER, "a chunk without its end")
        return
    if length is not None:
        async for piece in _exactly(reader, length):
            yield piece
        return
    while piece := await reader.read(PIECE_BYTES):
        yield piece


async def _exactly(reader: asyncio.StreamReader, size: int) -> AsyncIterator[bytes]:
    while size:
        piece = await reader.read(min(PIECE_BYTES, size))
        if not piece:
            raise FetchFailedError(BODY_CUT, f"{size} bytes are missing")
        size -= len(piece)
        yield piece


async def _chunk_size(reader: asyncio.StreamReader) -> int:
    line = await reader.readuntil(b"\r\n")
    digits = line[:MAX_LINE_BYTES].partition(b";")[0].strip()
    if not digits or len(digits) > 8 or not all(byte in b"0123456789abcdefABCDEF" for byte in digits):
        raise FetchFailedError(BAD_ANSWER, "an impossible chunk")
    return int(digits, 16)
