"""Serial ports of another computer by RFC 2217, through pyserial's client."""

from __future__ import annotations

import asyncio

import serial

from moduline.errors import NoModule, PortBusy
from moduline.port.serial import DEFAULT_BAUD
from moduline.port.stream import ByteStream
from moduline.port.threaded import ThreadedStream


async def open_rfc2217(url: str, baud: int = DEFAULT_BAUD) -> ByteStream:
    """The port behind ``rfc2217://HOST:PORT``.

    Raises:
        NoModule: nobody listens there.
        PortBusy: the other side speaks no RFC 2217.
    """
    try:
        port = await asyncio.to_thread(serial.serial_for_url, url, baudrate=baud, timeout=0)
    except (serial.SerialException, OSError, ValueError) as cause:
        if isinstance(cause.__context__, OSError) or "open port" in str(cause):
            raise NoModule(address=url) from cause
        raise PortBusy(port=url, reason=str(cause)) from cause
    return ThreadedStream(port, url)
