"""What stands before several gateways: one address, each connection to the next server that takes it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading

WAIT_S = 30.0


class TcpBalancer:
    """Forwards connections in a thread of its own; ``ports`` may grow while it does."""

    def __init__(self):
        self.ports = []
        self._turn = itertools.count()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._tasks = set()  # somebody must hold them
        self._server = self._do(asyncio.start_server(self._begun, "127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def stop(self):
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(WAIT_S)
        self._loop.close()

    async def _end(self):
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for one in others:
            one.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _do(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(WAIT_S)

    def _begun(self, reader, writer):
        task = self._loop.create_task(self._taken(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _taken(self, reader, writer):
        first = next(self._turn)
        try:
            for at in range(len(self.ports)):
                with contextlib.suppress(OSError):
                    back, there = await asyncio.open_connection("127.0.0.1", self.ports[(first + at) % len(self.ports)])
                    try:
                        await asyncio.gather(_pour(reader, there), _pour(back, writer))
                    finally:
                        there.transport.abort()
                    break
        finally:
            writer.transport.abort()


async def _pour(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.transport.abort()
