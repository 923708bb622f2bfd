"""A virtual module's script half with a network, and independent peers for it: plain asyncio servers of this computer."""

import asyncio
import contextlib
from functools import partial

from moduline.vmodule.world.network import Network, NetworkPlan
from moduline.vmodule.world.socket_desk import SocketDesk
from transcripts.board import Board, run


def online(story, plan=None, limit_s=60, **board):
    """Run ``story(client, board, network)`` on a module that stands at its prompt and has a data call."""

    async def whole():
        network = Network(plan or NetworkPlan())
        async with Board(desks=(partial(SocketDesk, network),), **board) as module:
            await module.prompt()
            await story(module.client, module, network)

    run(whole, limit_s)


class Server:
    """A TCP server: ``async with Server(talk) as server``; ``talk(reader, writer)`` serves each connection.

    Attributes:
        port: where it listens on 127.0.0.1.
        ended: set when a connection was closed by its peer, after ``talk`` had returned.
        met: connections so far.
    """

    def __init__(self, talk, **options):
        self._talk, self._options = talk, options
        self.ended = asyncio.Event()
        self.met = 0
        self._talks = set()

    async def __aenter__(self):
        # a module that is switched off says no goodbye, for which a TLS server waits half a minute unless told otherwise
        goodbye = {"ssl_shutdown_timeout": 1} if self._options.get("ssl") else {}
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, **goodbye, **self._options)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def _serve(self, reader, writer):
        self.met += 1
        self._talks.add(asyncio.current_task())
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await self._talk(reader, writer)
                while await reader.read(65536):
                    continue
        except asyncio.CancelledError:
            pass  # the test is over
        finally:
            self.ended.set()
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def __aexit__(self, *_):
        self._server.close()
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)


async def echo(reader, writer):
    """Send back what comes."""
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


async def silent(reader, writer):
    """Say nothing."""
    await reader.read(1)


async def eventually(is_true, limit_s=30):
    """Return when it is true; fails after a while. For facts of another process that nobody announces."""
    async with asyncio.timeout(limit_s):
        while not is_true():
            await asyncio.sleep(0.01)
