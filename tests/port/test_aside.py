"""Who holds a port to look at it steps aside, in whatever loop they are."""

from __future__ import annotations

import asyncio
import sys
import threading

import pytest

from moduline.port import aside
from moduline.port.address import open_port
from moduline.port.listing import PortInfo
from moduline.port.pty import PtyEnd

OTHER = """
import asyncio, sys
from moduline.port.address import open_port
from moduline.port.listing import PortInfo

async def run():
    port = await open_port(PortInfo(sys.argv[1], "repl"))
    await port.write_all(b"from elsewhere")
    await port.close()

asyncio.run(run())
"""


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("MODULINE_HOME", str(tmp_path / "home"))


def test_port_when_another_process_wants_it_then_its_holder_steps_aside(tmp_path):
    async def run():
        far = PtyEnd(tmp_path / "repl")
        held = await open_port(PortInfo(str(tmp_path / "repl"), "repl"))
        withdraw = aside.hold(str(tmp_path / "repl"), held.close)
        other = await asyncio.create_subprocess_exec(sys.executable, "-c", OTHER, str(tmp_path / "repl"))
        assert await other.wait() == 0
        assert await far.read_some() == b"from elsewhere"
        withdraw()
        await far.close()
        assert list((tmp_path / "home" / "held").iterdir()) == []

    asyncio.run(run())


@pytest.mark.parametrize("left", [b"", b"{", b'{"process": 1}', b'{"process": 999999999, "started": "1"}'])
def test_port_when_its_holder_died_then_nobody_is_waited_for(tmp_path, left):
    async def run():
        far = PtyEnd(tmp_path / "repl")
        held = await open_port(PortInfo(str(tmp_path / "repl"), "repl"))
        withdraw = aside.hold(str(tmp_path / "repl"), held.close)
        mark = next((tmp_path / "home" / "held").glob("*.json"))
        withdraw()
        await held.close()
        mark.write_bytes(left)
        await (await open_port(PortInfo(str(tmp_path / "repl"), "repl"))).close()
        await far.close()

    asyncio.run(run())


def test_port_when_wanted_then_its_holder_has_closed_it_before(tmp_path):
    async def run():
        far = PtyEnd(tmp_path / "repl")
        info = PortInfo(str(tmp_path / "repl"), "repl")
        real = str((tmp_path / "repl").resolve())
        held = await open_port(info)
        closed = []

        async def step_aside():
            await held.close()
            closed.append(True)

        aside.hold(info.path, step_aside)
        assert aside.is_held(real)
        wanted = await open_port(info)  # exclusive: it would be busy
        assert closed == [True]
        assert not aside.is_held(info.path)
        await wanted.write_all(b"hello")
        assert await far.read_some() == b"hello"
        await wanted.close()
        await far.close()

    asyncio.run(run())


def test_holder_when_taken_back_then_nobody_is_asked():
    async def run():
        asked = []

        async def step_aside():
            asked.append(True)

        aside.hold("tcp:127.0.0.1:9", step_aside)()
        await aside.make_way("tcp:127.0.0.1:9")
        assert asked == []

    asyncio.run(run())


def test_holder_when_in_another_thread_then_it_steps_aside_in_its_own_loop():
    ready, over = threading.Event(), threading.Event()
    stepped = []

    def hold():
        async def run():
            async def step_aside():
                stepped.append(threading.current_thread())

            aside.hold("tcp:127.0.0.1:8", step_aside)
            ready.set()
            await asyncio.to_thread(over.wait, 60)

        asyncio.run(run())

    thread = threading.Thread(target=hold)
    thread.start()
    assert ready.wait(60)
    asyncio.run(aside.make_way("tcp:127.0.0.1:8"))
    over.set()
    thread.join(60)
    assert stepped == [thread]
