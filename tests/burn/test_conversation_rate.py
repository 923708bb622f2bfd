"""The loop changes the port's rate when the session says so, and before it wakes it."""

from __future__ import annotations

import asyncio

from moduline.burn.conversation import converse
from moduline.port.pair import pair


class RatedPair:
    """One end of a pair that notes what rates it is given."""

    def __init__(self, stream, log):
        self._stream = stream
        self._log = log
        self.name = stream.name

    async def read_some(self, limit=65536):
        return await self._stream.read_some(limit)

    async def write_all(self, data):
        self._log.append(bytes(data))
        await self._stream.write_all(data)

    async def set_baud(self, baud):
        self._log.append(baud)

    async def close(self):
        await self._stream.close()


class TwoWords:
    """Says one word, is answered, changes the rate, waits, says another, is answered, is over."""

    is_over = False
    may_lose_port = False
    wake_at = None
    line_rate = 0

    def __init__(self):
        self._out = b"first"

    def start(self, now):
        return []

    def receive(self, data, now):
        if data == b"FIRST":
            self.line_rate, self.wake_at = 921600, now
        else:
            self.is_over = True
        return []

    def wake(self, now):
        self.wake_at, self._out = None, b"second"
        return []

    def bytes_to_send(self):
        out, self._out = self._out, b""
        return out

    def prepare(self):
        """Nothing to work ahead on."""


def test_rate_when_the_session_changes_it_then_the_port_follows_before_the_next_word():
    log = []

    async def module(far):
        for word in (b"first", b"second"):
            assert await far.read_some() == word
            await far.write_all(word.upper())

    async def run():
        near, far = pair()
        other = asyncio.create_task(module(far))
        session = TwoWords()
        async with asyncio.timeout(20):
            await converse(session, RatedPair(near, log), lambda event: None, store=None, reopen=None)
            await other
        assert session.is_over

    asyncio.run(run())
    assert log == [b"first", 921600, b"second"]
