"""Bytes over TCP: the client, and the module's end where there are no pseudo-terminals."""

from __future__ import annotations

import asyncio
import contextlib
import socket

from moduline.errors import NoModule, PortGone
from moduline.port.stream import READ_LIMIT

CONNECT_LIMIT_S = 5.0
BEHIND_BYTES = 65536
"""Unsent bytes above which ``write_if_room`` finds no room."""


class TcpStream:
    """ByteStream over an open connection.

    Args:
        reader: of asyncio.
        writer: of asyncio.
        name: where it leads, for messages.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, name: str) -> None:
        self._reader = reader
        self._writer = writer
        self._name = name
        opened = writer.get_extra_info("socket")
        if opened is not None:
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @property
    def name(self) -> str:
        """Where it leads, for messages."""
        return self._name

    async def read_some(self, limit: int = READ_LIMIT) -> bytes:
        """At least one and at most ``limit`` bytes.

        Raises:
            PortGone: the peer or this side closed.
        """
        try:
            data = await self._reader.read(limit)
        except OSError as cause:
            raise PortGone(port=self._name) from cause
        if not data or self._writer.is_closing():
            raise PortGone(port=self._name)
        return data

    async def write_all(self, data: bytes | bytearray | memoryview) -> None:
        """Hand over every byte of ``data``.

        Raises:
            PortGone: the peer or this side closed.
        """
        if self._writer.is_closing():
            raise PortGone(port=self._name)
        try:
            self._writer.write(data)
            await self._writer.drain()
        except OSError as cause:
            raise PortGone(port=self._name) from cause

    async def close(self) -> None:
        """Close the connection; pending reads end with PortGone."""
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()


async def open_tcp(host: str, port: int) -> TcpStream:
    """A connection to ``host:port``.

    Raises:
        NoModule: nobody listens there.
    """
    try:
        async with asyncio.timeout(CONNECT_LIMIT_S):
            reader, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError) as cause:
        raise NoModule(address=f"tcp:{host}:{port}") from cause
    return TcpStream(reader, writer, f"tcp:{host}:{port}")


class TcpEnd:
    """The module's side of a TCP port: one host at a time, hosts may come and go; a ByteStream.

    Make one with :func:`open_tcp_end`. A second host replaces the first, as re-opening a serial port does.
    """

    def __init__(self) -> None:
        self._server: asyncio.Server | None = None
        self._address = "tcp:?"
        self._host: TcpStream | None = None
        self._changed = asyncio.Event()
        self._is_gone = False

    @property
    def name(self) -> str:
        """The address it listens on."""
        return self._address

    @property
    def path(self) -> str:
        """What a host opens: ``tcp:127.0.0.1:PORT``."""
        return self._address

    async def listen(self, port: int = 0) -> None:
        """Begin to listen on the loopback interface; 0 lets the system choose."""
        self._server = await asyncio.start_server(self._welcome, "127.0.0.1", port)
        self._address = f"tcp:127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def read_some(self, limit: int = READ_LIMIT) -> bytes:
        """At least one byte from whichever host is connected; waits for hosts.

        Raises:
            PortGone: the end was closed.
        """
        while True:
            host = await self._connected()
            try:
                return await host.read_some(limit)
            except PortGone:
                self._dismiss(host)

    async def write_all(self, data: bytes | bytearray | memoryview) -> None:
        """Hand ``data`` to the connected host; waits for a host, a host that leaves loses it.

        Raises:
            PortGone: the end was closed.
        """
        host = await self._connected()
        try:
            await host.write_all(data)
        except PortGone:
            self._dismiss(host)

    def write_if_room(self, data: bytes) -> int:
        """Hand ``data`` over if a host is connected and not far behind; gives the bytes taken."""
        host = self._host
        if host is None or host._writer.is_closing() or host._writer.transport.get_write_buffer_size() > BEHIND_BYTES:
            return 0
        host._writer.write(data)
        return len(data)

    async def close(self) -> None:
        """Stop listening and drop the host; pending calls end with PortGone."""
        self._is_gone = True
        self._changed.set()
        if self._server is not None:
            self._server.close()
        if self._host is not None:
            await self._host.close()
        if self._server is not None:
            await self._server.wait_closed()

    async def _connected(self) -> TcpStream:
        while self._host is None:
            if self._is_gone:
                raise PortGone(port=self._address)
            self._changed.clear()
            await self._changed.wait()
        if self._is_gone:
            raise PortGone(port=self._address)
        return self._host

    def _dismiss(self, host: TcpStream) -> None:
        host._writer.close()
        if self._host is host:
            self._host = None

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._host is not None:
            self._dismiss(self._host)
        self._host = TcpStream(reader, writer, self._address)
        self._changed.set()


async def open_tcp_end(port: int = 0) -> TcpEnd:
    """A listening module end on the loopback interface; ``port`` 0 lets the system choose."""
    end = TcpEnd()
    await end.listen(port)
    return end
