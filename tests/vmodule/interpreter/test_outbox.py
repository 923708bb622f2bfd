"""Output to a port that may have no reader: order kept, nobody waits for ever, the newest survives."""

import asyncio

from moduline.errors import PortGone
from moduline.vmodule.interpreter import outbox
from moduline.vmodule.interpreter.outbox import Outbox


class Port:
    """A port of limited room; ``open`` lets it take more."""

    def __init__(self, room):
        self.room, self.got = room, b""
        self.changed = asyncio.Event()

    async def read_some(self, limit=65536):
        raise PortGone(port="test")

    async def write_all(self, data):
        while data:
            if self.room == 0:
                self.changed.clear()
                await self.changed.wait()
            taken = data[: self.room]
            self.room -= len(taken)
            self.got += taken
            data = data[len(taken) :]

    def open(self, room):
        self.room = room
        self.changed.set()


class GonePort(Port):
    async def write_all(self, data):
        raise PortGone(port="test")


async def until(condition):
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.005)


def test_bytes_when_the_port_takes_them_arrive_in_order():
    async def story():
        port = Port(1 << 30)
        box = Outbox(port)
        sent = b"".join(b"%06d" % n for n in range(20000))
        for at in range(0, len(sent), 777):
            box.put(sent[at : at + 777])
        assert box.is_full
        await box.room()
        await until(lambda: len(port.got) == len(sent))
        assert port.got == sent
        await box.close()

    asyncio.run(story())


def test_bytes_when_nobody_reads_are_dropped_after_a_while_and_later_ones_pass():
    async def story():
        port = Port(100)
        box = Outbox(port)
        box.put(b"x" * (outbox.FULL_BYTES + 10))
        assert box.is_full
        async with asyncio.timeout(outbox.STALLED_AFTER_S + 5):
            await box.room()
        assert port.got == b"x" * 100
        port.open(1 << 20)
        box.put(b"fresh")
        await until(lambda: port.got.endswith(b"fresh"))
        assert len(port.got) < 100 + outbox.PIECE_BYTES + 5
        await box.close()

    asyncio.run(story())


def test_producer_when_the_port_is_gone_never_waits():
    async def story():
        box = Outbox(GonePort(0))
        box.put(b"x" * outbox.FULL_BYTES)
        async with asyncio.timeout(30):
            await box.room()
        box.put(b"y" * outbox.FULL_BYTES)
        async with asyncio.timeout(30):
            await box.room()
        await box.close()

    asyncio.run(story())
