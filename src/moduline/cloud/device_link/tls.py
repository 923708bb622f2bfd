"""TLS for very many idle connections: asyncio's own, with a read buffer of one record instead of 256 KiB.

``loop.create_server(ssl=...)`` gives every connection a buffer of 256 KiB for as long as it lives: 4 GB for 15,000
devices. What devices say fits one TLS record, so the server is made plain and the TLS layer is put in by hand, with a
small buffer. It is the class `create_server` uses itself; only ``max_size`` differs.
"""

from __future__ import annotations

import asyncio
import ssl
from asyncio.sslproto import SSLProtocol
from typing import Any, Final

RECORD_BYTES: Final = 16 * 1024  # longest plaintext of a TLS record, RFC 8446, 5.1
HANDSHAKE_S: Final = 10
SHUTDOWN_S: Final = 5


class SmallTls(SSLProtocol):
    """asyncio's TLS layer with little memory."""

    max_size = RECORD_BYTES


def inside_tls(protocol: asyncio.Protocol, context: ssl.SSLContext) -> asyncio.BaseProtocol:
    """``protocol`` as the server's end inside TLS; its `connection_made` comes after the handshake."""
    nobody: Any = None  # a future where somebody waits for the handshake
    return SmallTls(
        asyncio.get_running_loop(),
        protocol,
        context,
        nobody,
        server_side=True,
        ssl_handshake_timeout=HANDSHAKE_S,
        ssl_shutdown_timeout=SHUTDOWN_S,
    )
