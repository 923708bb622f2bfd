"""A REPL port listened to all the time, lent and given back, gone and back again."""

from __future__ import annotations

import asyncio

import pytest

from moduline.errors import NoModule, PortGone
from moduline.port.pair import pair
from moduline.remote.console import Console
from moduline.remote.repl_session import ReplSession
from remote import virtual_time
from remote.fake_module import FakeModule


class Ports:
    """Opens one pair after another; refuses ``refusals`` times in between."""

    def __init__(self, refusals=0):
        self.refusals = refusals
        self.module_ends = []
        self.asked = 0

    async def open(self):
        self.asked += 1
        if self.module_ends and self.refusals:
            self.refusals -= 1
            raise NoModule(address="virt:m1")
        host, module = pair()
        self.module_ends.append(module)
        return host


async def heard(seen, size):
    while len(seen) < size:
        await asyncio.sleep(0.01)


def test_console_when_lent_then_the_session_hears_and_afterwards_the_console():
    async def story():
        ports, seen = Ports(), bytearray()
        async with Console(ports.open, seen.extend) as console:
            (module,) = ports.module_ends
            await module.write_all(b"before")
            await heard(seen, 6)
            loan = console.lend()
            await module.write_all(b"for the session, and a rest")
            assert await loan.read_some(15) == b"for the session"
            with pytest.raises(PortGone):
                console.lend()
            await loan.write_all(b"typed")
            assert await module.read_some() == b"typed"
            await loan.close()
            with pytest.raises(PortGone):
                await loan.read_some()
            with pytest.raises(PortGone):
                await loan.write_all(b"x")
            await module.write_all(b" after")
            await heard(seen, 6 + 12 + 6)
            assert seen == b"before, and a rest after"
            console.lend()

    virtual_time.run(story())


def test_console_when_a_session_runs_over_the_loan_then_as_over_a_port():
    async def story():
        ports, seen = Ports(), bytearray()
        async with Console(ports.open, seen.extend) as console:
            serving = asyncio.create_task(FakeModule(ports.module_ends[0]).serve())
            async with ReplSession(console.lend()) as repl:
                assert await repl.exec("print(6 * 7)") == b"42\r\n"
            async with ReplSession(console.lend()) as repl:
                assert await repl.eval("1 + 1") == 2
            serving.cancel()
        assert b"42" not in seen

    virtual_time.run(story())


def test_console_when_the_port_vanishes_then_told_and_opened_again():
    async def story():
        ports, seen, presence = Ports(refusals=3), bytearray(), []
        async with Console(ports.open, seen.extend, presence.append) as console:
            loan = console.lend()
            ports.module_ends[0].cut()
            with pytest.raises(PortGone):
                await loan.read_some()
            await asyncio.sleep(0.05)
            assert not console.is_there
            with pytest.raises(PortGone):
                console.lend()
            with pytest.raises(PortGone):
                await console.write(b"x")
            await console.wait_there()
            await ports.module_ends[1].write_all(b"again")
            await heard(seen, 5)
            assert presence == [False, True]
            await console.write(b"\x04")
            assert await ports.module_ends[1].read_some() == b"\x04"

    virtual_time.run(story())


def test_console_when_the_first_opening_fails_then_so_does_the_console():
    async def refuse():
        raise NoModule(address="virt:m9")

    async def story():
        async with Console(refuse):
            raise AssertionError("opened")

    with pytest.raises(NoModule):
        virtual_time.run(story())
